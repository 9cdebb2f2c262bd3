"""The admin API of the practice services, for this machine only: faults, ledger, decisions, and the console page."""

import asyncio
import base64
import hashlib
import ipaddress
import re
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from workshop.errors import WorkshopError
from workshop.practice import DATA
from workshop.practice.endpoints import json_object, json_response, state_of
from workshop.practice.faults import KINDS, BadFault, Held
from workshop.practice.prices import PRICE_BASIS

SHOWN = 200  # requests that the console shows
SETTLE = 2.0  # seconds that the requests which a fault delayed may take to be answered


def _page() -> str:
    """The console. All that comes from requests is set as text by its script, never as HTML."""
    page = (DATA / "console.html").read_text(encoding="utf-8").replace("{PRICE_BASIS}", PRICE_BASIS)
    for target, kinds in KINDS.items():
        options = "".join(f'<option value="{kind}">{kind}: {what}</option>' for kind, what in kinds.items())
        page = page.replace(f"{{{target.upper()}_KINDS}}", options)
    return page


PAGE = _page()


def _hash(tag: str) -> str:
    """What the policy calls the page's one script or style, by its content. No other may run."""
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


PAGE_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_hash('style')}; script-src {_hash('script')}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


async def faults(request: Request) -> Response:
    """`GET` shows the faults set, `POST` sets one, `DELETE` clears one target's (`?target=`) or all.

    It answers once the requests that were released are answered, and so in the ledger.
    """
    _only_this_machine(request)
    plan = state_of(request).faults
    released: Held = set()
    try:
        if request.method == "POST":
            released = plan.set(await json_object(request))
        elif request.method == "DELETE":
            released = plan.clear(request.query_params.get("target"))
    except BadFault as bad:
        raise HTTPException(422, str(bad)) from None
    if released:
        await asyncio.wait(released, timeout=SETTLE)
    return json_response({"faults": plan.as_json()})


async def ledger(request: Request) -> Response:
    """`GET` shows the entries (`?since=ID`: those after it; `about=TEXT`: see `as_json`), `DELETE` forgets them."""
    _only_this_machine(request)
    book = state_of(request).ledger
    if request.method == "DELETE":
        book.clear()
    since = request.query_params.get("since", "0")
    if not (since.isascii() and since.isdigit() and len(since) < 16):
        raise HTTPException(422, f"since is the id of an entry, not {since!r}")
    return json_response(book.as_json(int(since), request.query_params.get("about", "")))


async def state(request: Request) -> Response:
    """What the console shows: faults, the newest entries, the totals, Temporal's workflows (null: no answer), and what
    waits for a decision in them.
    """
    _only_this_machine(request)
    here = state_of(request)
    book = here.ledger.as_json()
    found = await here.workflows.look(here.ledger)
    workflows = None if found is None else [{**asdict(one), "runs": sorted(one.runs)} for one in found]
    shown = {"faults": here.faults.as_json(), "totals": book["totals"], "entries": book["entries"][-SHOWN:]}
    waiting = await here.workflows.waiting(found or [])
    return json_response({**shown, "ui": here.workflows.public, "workflows": workflows, "approvals": waiting})


async def approvals(request: Request) -> Response:
    """`POST` sends a decision: `{"workflow_id", "call_id", "decision"}`; 409 says why it was not taken."""
    _only_this_machine(request)
    asked = await json_object(request)
    words: list[Any] = [asked.get(name) for name in ("workflow_id", "call_id", "decision")]
    if not all(isinstance(word, str) and word.isprintable() for word in words):
        raise HTTPException(422, "a decision names workflow_id, call_id and decision, in words")
    try:
        return json_response({"said": await state_of(request).workflows.decide(*words)})
    except WorkshopError as error:
        return json_response({"error": str(error)}, 409)


async def console(request: Request) -> Response:
    """The page that shows faults, runs and cost, sets and clears faults, and sends decisions."""
    _only_this_machine(request)
    return Response(PAGE, headers=PAGE_HEADERS, media_type="text/html")


def _only_this_machine(request: Request) -> None:
    """Refuses what does not come from this machine, and what a browser sends on another site's behalf.

    The Host header is checked because a name that resolves to this machine (DNS rebinding) makes a foreign page
    same-origin. Origin and Sec-Fetch-Site are what browsers say of the page that asks. A link from another page to
    the console may be followed: such a page cannot read or frame what opens.

    In a codespace, its owner's browser comes by way of GitHub's proxy, which names the forwarded port in Host or in
    X-Forwarded-Host, and may rewrite Origin to http://localhost:PORT. Starlette's TrustedHostMiddleware knows no
    loopback networks, looks at Host alone and answers in plain text.
    """
    if request.client is None or not _is_loopback(request.client.host):
        raise HTTPException(403, "only this machine may ask this")
    public = state_of(request).forwarded
    names = [request.headers.get("host", ""), *request.headers.getlist("x-forwarded-host")]
    if not all(_is_loopback(name) or (public and name == public) for name in names):
        raise HTTPException(403, "only under a loopback name: http://127.0.0.1 or http://localhost")
    followed_link = (
        request.url.path == "/"
        and request.method == "GET"
        and request.headers.get("sec-fetch-mode") == "navigate"
        and request.headers.get("sec-fetch-dest") == "document"
    )
    own_page = request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    own = [f"{scheme}://{name}" for name in names for scheme in ("http", "https")]
    if public in names:
        own.append(f"http://localhost:{request.scope['server'][1]}")
    if request.headers.get("origin") not in (None, *own) or not (own_page or followed_link):
        raise HTTPException(403, "not on behalf of another web page")


def _is_loopback(host: str) -> bool:
    """Whether a host, with a port or without, is this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
