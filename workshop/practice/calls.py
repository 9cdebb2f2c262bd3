"""What every endpoint of the practice services needs: the shared state, waiting, hanging up, JSON."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from workshop.practice.faults import Faults, Hit
from workshop.practice.ledger import Ledger

NOBODY = 499  # status of an answer that no caller is there to read


@dataclass
class Services:
    """The state of one practice server. `hang_up` cuts the connection of the given (host, port); `hung_up` says
    whether the other end has closed it, as the operating system knows it.
    """

    faults: Faults = field(default_factory=Faults)
    ledger: Ledger = field(default_factory=Ledger)
    hang_up: Callable[[tuple[str, int]], None] = lambda _client: None
    hung_up: Callable[[tuple[str, int]], bool] = lambda _client: False


def services_of(request: Request) -> Services:
    """The state of the server that this request came to."""
    services: Services = request.app.state.services
    return services


def json_response(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = "application/json"
) -> Response:
    """JSON in ASCII, so that no text a caller sends (half a surrogate pair, say) can break the answer."""
    return Response(json.dumps(content), status, headers, media_type)


async def caller_waits(request: Request, hit: Hit | None) -> bool:
    """Lasts as long as the fault delays, and says whether the caller is still there. Read the body before."""
    if hit and hit.delay:
        hit.hold()
        delay, gone = asyncio.create_task(hit.wait()), asyncio.create_task(_gone(request))
        await asyncio.wait({delay, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in (delay, gone):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    # A caller that died in the same moment in which its fault was cleared: our event loop has not been told yet.
    if request.client and services_of(request).hung_up((request.client.host, request.client.port)):
        return False
    return not await request.is_disconnected()


async def dropped(request: Request) -> Response:
    """Cuts the connection without an answer; the response it returns goes nowhere."""
    if request.client:
        services_of(request).hang_up((request.client.host, request.client.port))
        await _gone(request)
    return Response(status_code=NOBODY)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
