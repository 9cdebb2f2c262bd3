"""How the practice services are steered and read: `/faults`, `/ledger` and the console page, for this machine only."""

import asyncio
import ipaddress
import json
from collections.abc import Awaitable, Callable
from functools import wraps
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from workshop.practice.calls import json_response, services_of
from workshop.practice.console import PAGE, PAGE_HEADERS
from workshop.practice.faults import BadFault, Held

SETTLE = 2.0  # seconds that the requests which a fault delayed may take to be answered
Endpoint = Callable[[Request], Awaitable[Response]]


def local_only(endpoint: Endpoint) -> Endpoint:
    """Refuses what does not come from this machine, and what a browser sends on another site's behalf."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        reason = _refused(request)
        return json_response({"error": reason}, 403) if reason else await endpoint(request)

    return guarded


@local_only
async def faults(request: Request) -> Response:
    """`GET` shows the faults set, `POST` sets one, `DELETE` clears one target's (`?target=`) or all.

    It answers once the requests that were let go are answered, and so in the ledger.
    """
    plan = services_of(request).faults
    released: Held = set()
    try:
        if request.method == "POST":
            released = plan.set(_json(await request.body()))
        elif request.method == "DELETE":
            released = plan.clear(request.query_params.get("target"))
    except BadFault as bad:
        return json_response({"error": str(bad)}, 422)
    if released:
        await asyncio.wait(released, timeout=SETTLE)
    return json_response({"faults": plan.as_json()})


@local_only
async def ledger(request: Request) -> Response:
    """`GET` shows the entries (`?since=ID`: those after it) and totals, `DELETE` forgets them."""
    book = services_of(request).ledger
    if request.method == "DELETE":
        book.clear()
    since = request.query_params.get("since", "0")
    if not (since.isascii() and since.isdigit() and len(since) < 16):
        return json_response({"error": f"since is the id of an entry, not {since!r}"}, 422)
    return json_response(book.as_json(int(since)))


@local_only
async def console(_request: Request) -> Response:
    """The page that shows mode, faults and ledger."""
    return Response(PAGE, headers=PAGE_HEADERS, media_type="text/html")


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise BadFault("the body is not JSON") from None


def _refused(request: Request) -> str | None:
    """Why a control request is refused, or None.

    The Host header is looked at because a name that resolves to this machine (DNS rebinding) makes a foreign page
    same-origin. Origin and Sec-Fetch-Site are what browsers say of the page that asks. A link from another page to
    the console may be followed: such a page cannot read or frame what opens.
    """
    if request.client is None or not _is_loopback(request.client.host):
        return "only this machine may ask this"
    host = request.headers.get("host", "")
    if not _is_loopback(_hostname(f"//{host}")):
        return "only under a loopback name: http://127.0.0.1 or http://localhost"
    origin = request.headers.get("origin")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return "not on behalf of another web page"
    site = request.headers.get("sec-fetch-site", "none")
    followed_link = (
        request.url.path == "/"
        and request.method == "GET"
        and request.headers.get("sec-fetch-mode") == "navigate"
        and request.headers.get("sec-fetch-dest") == "document"
    )
    if site not in ("none", "same-origin") and not followed_link:
        return "not on behalf of another web page"
    return None


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
