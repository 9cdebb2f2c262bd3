"""What the endpoints of the practice services share: the state, JSON, and faults that delay or cut a connection."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from workshop.practice.faults import Fault, Faults
from workshop.practice.ledger import Entry, Ledger
from workshop.practice.workflows import ConsoleWorkflows

NOBODY = 499  # status of an answer that no caller is there to read


@dataclass
class PracticeState:
    """The state of one practice server. `hang_up` cuts the connection of the given (host, port); `hung_up` says
    whether the other end has closed it, as the operating system knows it. `forwarded` is the host name under which
    GitHub Codespaces shows this server's port to its owner, or "".
    """

    faults: Faults = field(default_factory=Faults)
    ledger: Ledger = field(default_factory=Ledger)
    hang_up: Callable[[tuple[str, int]], None] = lambda _client: None
    hung_up: Callable[[tuple[str, int]], bool] = lambda _client: False
    forwarded: str = ""
    workflows: ConsoleWorkflows = field(default_factory=ConsoleWorkflows)


def state_of(request: Request) -> PracticeState:
    """The state of the server that this request came to."""
    state: PracticeState = request.app.state.practice
    return state


async def json_object(request: Request) -> dict[str, Any]:
    """What the body holds; {} if it is not JSON, or not an object."""
    try:
        found = json.loads(await request.body())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def json_response(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = "application/json"
) -> Response:
    """JSON in ASCII, so that no text a caller sends (half a surrogate pair, say) can break the answer."""
    return Response(json.dumps(content), status, headers, media_type)


async def delay_or_drop(request: Request, entry: Entry, hit: Fault | None) -> Response | None:
    """Waits as long as the fault delays, then cuts the connection if the fault does. Read the request's body before.

    Returns:
        None if the request is still to be answered. If its caller is gone by now, that is in the ledger, and what is
        returned is a response that goes nowhere.
    """
    state = state_of(request)
    kind = hit.kind if hit else None
    client = (request.client.host, request.client.port) if request.client else None
    if hit and hit.delay:
        hit.hold()
        ends: set[asyncio.Task[Any]] = {
            asyncio.create_task(hit.released.wait()),
            asyncio.create_task(_gone(request)),
        }
        await asyncio.wait(ends, timeout=hit.delay, return_when=asyncio.FIRST_COMPLETED)
        for task in ends:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    # The operating system is asked first: of a caller that died in the same moment in which its fault was cleared,
    # our event loop has not been told yet.
    if (client and state.hung_up(client)) or await request.is_disconnected():
        state.ledger.abandoned(entry, fault=kind)
        return Response(status_code=NOBODY)
    if kind == "drop":
        state.ledger.failed(entry, answered="connection closed without an answer", status=None, fault=kind)
        if client:
            state.hang_up(client)
            await _gone(request)
        return Response(status_code=NOBODY)
    return None


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
