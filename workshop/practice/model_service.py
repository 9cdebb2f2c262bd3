"""The practice model over HTTP: `POST /v1/responses`, `POST /v1/chat/completions`, `GET /v1/models`."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from workshop.practice import chat_api, conversation, model, responses_api
from workshop.practice.calls import NOBODY, caller_waits, dropped, json_response, services_of
from workshop.practice.conversation import STAND_IN, BadRequest, Output, Reply
from workshop.practice.faults import Hit
from workshop.practice.prices import PRICES, cost_usd, tokens

_HEADERS = {"X-Stand-In": STAND_IN}
# kind -> status, message, type, code: as OpenAI's own errors are coded.
_ERRORS = {
    "rate-limit": (429, "Rate limit reached for requests.", "requests", "rate_limit_exceeded"),
    "quota": (
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "bad-key": (401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    "down": (503, "The server is overloaded or not ready yet.", "service_unavailable", None),
    "server-error": (500, "The server had an error while processing your request.", "server_error", None),
}
_ON_PURPOSE = "(practice fault)"


async def responses(request: Request) -> Response:
    """`POST /v1/responses`, plain and streaming."""
    return await _answer(request, chat=False)


async def chat_completions(request: Request) -> Response:
    """`POST /v1/chat/completions`, plain and streaming."""
    return await _answer(request, chat=True)


async def models(request: Request) -> Response:
    """`GET /v1/models` and `GET /v1/models/{name}`: the names with a list price. Any other name answers too."""
    name = request.path_params.get("name")
    known = [{"id": one, "object": "model", "created": 0, "owned_by": STAND_IN} for one in PRICES]
    if name is None:
        return json_response({"object": "list", "data": known}, headers=_HEADERS)
    found = next((one for one in known if one["id"] == name), None)
    if found:
        return json_response(found, headers=_HEADERS)
    return error(404, f"The model '{name[:80]}' does not exist.", "invalid_request_error", "model_not_found")


def error(
    status: int,
    message: str,
    kind: str,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error in OpenAI's shape."""
    content = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return json_response(content, status, {**_HEADERS, **(headers or {})})


async def _answer(request: Request, chat: bool) -> Response:
    ledger, faults = services_of(request).ledger, services_of(request).faults
    raw = await request.body()
    try:
        body = _parse(raw)
        asked = chat_api.read(body) if chat else responses_api.read(body)
    except BadRequest as bad:
        ledger.failed(ledger.malformed_began(body=raw.decode("latin-1")), answered=str(bad), status=400)
        return error(400, str(bad), "invalid_request_error", param=bad.param)

    said, since = asked.latest()
    outputs = sum(isinstance(item, Output) for item in since)
    entry = ledger.model_began(
        asked=f"{said} (+ {outputs} tool {'output' if outputs == 1 else 'outputs'})" if outputs else said,
        body=body,
        instructions=asked.instructions,
        opening=asked.opening,
        turn=asked.turn,
        model=asked.model,
    )
    pair = model.two_handoffs(asked)
    hit = faults.take("model", unless=() if pair else ("two-handoffs",))
    kind = hit.kind if hit else None
    if not await caller_waits(request, hit):
        ledger.abandoned(entry, fault=kind)
        return Response(status_code=NOBODY)
    if hit and kind == "drop":
        ledger.failed(entry, answered="connection closed without an answer", status=None, fault=kind)
        return await dropped(request)
    broken = _broken(hit, asked.stream) if hit else None
    if broken:
        ledger.failed(entry, answered=broken[0], status=broken[1].status_code, fault=kind)
        return broken[1]

    reply = model.decide(asked)
    if kind == "unknown-tool":
        reply = model.unknown_tool()
    elif kind == "two-handoffs" and pair:
        reply = pair
    usage = _usage(asked, body, reply)
    unique = uuid4().hex
    whole = (chat_api if chat else responses_api).write(reply, body, unique, usage)
    ledger.completed(
        entry,
        answered=reply.text or " ".join(f"{call.name}({json.dumps(call.arguments)})" for call in reply.calls),
        input_tokens=usage[0],
        output_tokens=usage[1],
        cost_usd=cost_usd(asked.model, *usage),
        areas=model.areas_asked(reply),
        fault=kind,
        response_id=whole["id"],
        request_id=f"req_{unique}",
    )
    return _written(whole, body, chat, asked.stream, {**_HEADERS, "X-Request-Id": f"req_{unique}"})


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadRequest("We could not parse the JSON body of your request.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _broken(hit: Hit, streams: bool) -> tuple[str, Response] | None:
    """The answer of a fault that answers wrongly, with what the ledger says of it, or None for other kinds."""
    if hit.kind in _ERRORS:
        status, message, kind, code = _ERRORS[hit.kind]
        return message, error(status, f"{message} {_ON_PURPOSE}", kind, code, headers=hit.headers())
    if hit.kind == "garbage":
        text = '{"id": "resp_1", "output": [{"type": "mess'
        return "a body that is not JSON", _events(f"data: {text}\n\n") if streams else _plain(text)
    if hit.kind == "error-body":
        message = f"The upstream model did not answer. {_ON_PURPOSE}"
        content = {"choices": None, "error": {"message": message, "type": "upstream_error", "param": None, "code": 502}}
        text = json.dumps(content)
        return "200 with an error inside", _events(f"data: {text}\n\n") if streams else _plain(text)
    return None


def _usage(asked: conversation.Request, body: dict[str, Any], reply: Reply) -> tuple[int, int]:
    """Input and output tokens: of everything the model reads, and of what it writes (see `prices.tokens`)."""
    read = [body.get("input"), body.get("messages"), body.get("tools"), asked.instructions]
    wrote = [call.arguments | {"name": call.name} for call in reply.calls] if reply.calls else reply.text
    return sum(tokens(value) for value in read if value), max(1, tokens(wrote))


def _written(
    whole: dict[str, Any], body: dict[str, Any], chat: bool, streams: bool, headers: Mapping[str, str]
) -> Response:
    if not streams:
        return json_response(whole, headers=headers)
    options = body.get("stream_options")
    with_usage = isinstance(options, dict) and options.get("include_usage") is True
    # The whole reply is known at once, so the events go out in one piece.
    return _events("".join(chat_api.stream(whole, with_usage) if chat else responses_api.stream(whole)), headers)


def _plain(text: str) -> Response:
    return Response(text, headers=_HEADERS, media_type="application/json")


def _events(text: str, headers: Mapping[str, str] = _HEADERS) -> Response:
    return Response(text, headers={**headers, "Cache-Control": "no-store"}, media_type="text/event-stream")
