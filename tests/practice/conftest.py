"""The practice services, served in a thread on a free port, clean for each test."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import settings
from openai import AsyncOpenAI

from workshop.loopback import NO_TLS
from workshop.practice.faults import Faults
from workshop.practice.ledger import Ledger
from workshop.practice.server import PracticeServer

# How long an example takes says more of the machine than of the code.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


class Server(PracticeServer):
    """A server that tells when it has printed where it listens: that belongs to no test's output."""

    def __init__(self) -> None:
        super().__init__()
        self.listens = threading.Event()
        self.loop: asyncio.AbstractEventLoop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.listens.set()


@pytest.fixture(scope="session")
def practice_server() -> Iterator[Server]:
    """One server for all tests of this folder."""
    server = Server()
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.listens.wait(20)
    yield server
    server.should_exit = True
    thread.join()


@pytest.fixture
def server(practice_server: Server) -> Server:
    """The server without faults and with an empty ledger."""
    practice_server.state.faults = Faults()
    practice_server.state.ledger = Ledger()
    return practice_server


@pytest.fixture
async def http(server: PracticeServer) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the server."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30, verify=NO_TLS) as client:
        yield client


@pytest.fixture
async def openai(server: PracticeServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncOpenAI]:
    """The unchanged OpenAI client, without retries, told of the server by its environment alone."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-7Q2M9X4T")
    async with AsyncOpenAI(max_retries=0) as client:
        yield client


Entries = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def entries(server: PracticeServer) -> Entries:
    """Reads the ledger's entries."""
    return lambda: server.state.ledger.as_json()["entries"]


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], within: float = 20.0) -> None:
    """Waits for a condition, which is asked again and again; fails after `within` seconds."""
    async with asyncio.timeout(within):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.01)
