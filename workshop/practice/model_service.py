"""The practice model over HTTP: `POST /v1/responses`, `POST /v1/chat/completions`, `GET /v1/models`."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from workshop.practice import data, model, openai_api
from workshop.practice.endpoints import delay_or_drop, json_response, state_of
from workshop.practice.faults import Fault
from workshop.practice.openai_api import STAND_IN, BadRequest
from workshop.practice.prices import PRICES, cost_usd, tokens
from workshop.practice.request import FunctionOutput, Reply

_HEADERS = {"X-Stand-In": STAND_IN}
_ERRORS = data("errors.json")["model"]  # status, message, type and code, as OpenAI's own errors have them
_ON_PURPOSE = "(practice fault)"


async def models(request: Request) -> Response:
    """`GET /v1/models` and `GET /v1/models/{name}`: those with a list price. Requests may name any other model too."""
    name = request.path_params.get("name")
    known = [{"id": one, "object": "model", "created": 0, "owned_by": STAND_IN} for one in PRICES]
    if name is None:
        return json_response({"object": "list", "data": known}, headers=_HEADERS)
    found = next((one for one in known if one["id"] == name), None)
    if found:
        return json_response(found, headers=_HEADERS)
    return error(404, f"The model '{name[:80]}' does not exist.", "invalid_request_error", "model_not_found")


async def answer(request: Request) -> Response:
    """`POST /v1/responses` and `POST /v1/chat/completions`, plain and streaming."""
    chat = request.url.path == "/v1/chat/completions"
    ledger, faults = state_of(request).ledger, state_of(request).faults
    raw = await request.body()
    try:
        body = _parse(raw)
        asked = openai_api.read(body, chat)
    except BadRequest as bad:
        ledger.failed(ledger.malformed_began(body=raw.decode("latin-1")), answered=str(bad), status=400)
        return error(400, str(bad), "invalid_request_error", bad.code, bad.param)

    said, since = asked.latest()
    outputs = sum(isinstance(item, FunctionOutput) for item in since)
    entry = ledger.model_began(
        asked=f"{said} (+ {outputs} tool {'output' if outputs == 1 else 'outputs'})" if outputs else said,
        body=body,
        instructions=asked.instructions,
        opening=asked.opening,
        turn=asked.turn,
        model=asked.model,
    )
    reply = model.decide(asked)
    # What a model says wrong, and is answered as any reply. A fault that does not fit this request is kept for later.
    slips = {
        "unknown-tool": model.unknown_tool(),
        "two-handoffs": model.two_handoffs(asked),
        "bad-arguments": model.bad_arguments(reply),
        "empty-answer": Reply(),
    }
    hit = faults.take("model", unless=[kind for kind, slip in slips.items() if slip is None])
    if over := await delay_or_drop(request, entry, hit):
        return over
    kind = hit.kind if hit else None
    wrong = _wrong_answer(hit, asked.stream) if hit else None
    if wrong:
        description, response = wrong
        ledger.failed(entry, answered=description, status=response.status_code, fault=kind)
        return response

    reply = slips.get(kind or "") or reply
    # Input tokens of everything the model reads, output tokens of what it writes.
    read = [body.get("input"), body.get("messages"), body.get("tools"), asked.instructions]
    wrote = [call.arguments | {"name": call.name} for call in reply.calls] if reply.calls else reply.text
    usage = sum(tokens(value) for value in read if value), max(1, tokens(wrote))
    unique = uuid4().hex
    write = openai_api.write_completion if chat else openai_api.write_response
    whole = write(reply, body, unique, usage)
    ledger.completed(
        entry,
        answered=reply.text or " ".join(f"{call.name}({call.written})" for call in reply.calls),
        input_tokens=usage[0],
        output_tokens=usage[1],
        cost_usd=cost_usd(asked.model, *usage),
        areas=model.areas_asked(reply),
        fault=kind,
        response_id=whole["id"],
        request_id=f"req_{unique}",
    )
    headers = {**_HEADERS, "X-Request-Id": f"req_{unique}"}
    if not asked.stream:
        return json_response(whole, headers=headers)
    options = body.get("stream_options")
    with_usage = isinstance(options, dict) and options.get("include_usage") is True
    events = openai_api.stream_completion(whole, with_usage) if chat else openai_api.stream_response(whole)
    # The whole reply is known at once, so the events go out in one piece.
    return _text("".join(events), True, headers)


def _parse(raw: bytes) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(raw, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise BadRequest("We could not parse the JSON body of your request.") from None


def _wrong_answer(hit: Fault, streams: bool) -> tuple[str, Response] | None:
    """The answer of a fault that answers wrongly, after what the ledger says of it; None for other kinds."""
    if hit.kind in _ERRORS:
        status, message, kind, code = _ERRORS[hit.kind]
        return message, error(status, f"{message} {_ON_PURPOSE}", kind, code, headers=hit.headers())
    if hit.kind == "garbage":
        description, text = "a body that is not JSON", '{"id": "resp_1", "output": [{"type": "mess'
    elif hit.kind == "error-body":
        message = f"The upstream model did not answer. {_ON_PURPOSE}"
        content = {"choices": None, "error": {"message": message, "type": "upstream_error", "param": None, "code": 502}}
        description, text = "200 with an error inside", json.dumps(content)
    else:
        return None
    return description, _text(f"data: {text}\n\n" if streams else text, streams, _HEADERS)


def _text(text: str, streams: bool, headers: Mapping[str, str]) -> Response:
    if streams:
        return Response(text, headers={**headers, "Cache-Control": "no-store"}, media_type="text/event-stream")
    return Response(text, headers=headers, media_type="application/json")


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
