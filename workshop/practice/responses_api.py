"""OpenAI's Responses API: reading a request, writing a reply, whole or as a stream.

Shapes: https://platform.openai.com/docs/api-reference/responses
"""

import json
import time
from collections.abc import Iterator
from typing import Any

from workshop.practice.conversation import (
    STAND_IN,
    BadRequest,
    Call,
    Message,
    Output,
    Reply,
    Request,
    read_choice,
    read_common,
    read_schema,
    read_tools,
    text_of,
)


def read(body: Any) -> Request:
    """Reads the JSON body of `POST /v1/responses`. Raises BadRequest."""
    common = read_common(body)
    if body.get("previous_response_id") or body.get("conversation"):
        message = "The practice model keeps no conversations: send the whole conversation as input."
        raise BadRequest(message, "previous_response_id" if body.get("previous_response_id") else "conversation")
    instructions = body.get("instructions")
    if not isinstance(instructions, str | None):
        raise BadRequest("Invalid type for 'instructions': expected a string.", "instructions")
    said, items = _items(body.get("input"))
    text = body.get("text")
    return Request(
        **common,
        instructions="\n".join([instructions or "", *said]).strip(),
        items=tuple(items),
        tools=read_tools(body.get("tools"), nested=False),
        choice=read_choice(body.get("tool_choice")),
        schema=read_schema(text.get("format")) if isinstance(text, dict) else None,
    )


def _items(given: Any) -> tuple[list[str], list[Message | Call | Output]]:
    if isinstance(given, str):
        return [], [Message("user", given)]
    if not isinstance(given, list):
        raise BadRequest("Missing or invalid 'input': expected a string or a list of items.", "input")
    instructions: list[str] = []
    items: list[Message | Call | Output] = []
    for index, item in enumerate(given):
        param = f"input[{index}]"
        if not isinstance(item, dict):
            raise BadRequest(f"Invalid type for '{param}': expected an object.", param)
        kind = item.get("type", "message")
        if kind == "message":
            text = text_of(item.get("content"), f"{param}.content")
            if item.get("role") in ("system", "developer"):
                instructions.append(text)
            elif item.get("role") in ("user", "assistant"):
                items.append(Message(item["role"], text))
            else:
                raise BadRequest(f"Invalid value for '{param}.role'.", f"{param}.role")
        elif kind == "function_call":
            fields = [item.get(name) for name in ("call_id", "name", "arguments")]
            if not all(isinstance(value, str) for value in fields):
                raise BadRequest(f"Invalid function call in '{param}'.", param)
            items.append(Call(*(str(value) for value in fields)))
        elif kind == "function_call_output":
            if not isinstance(item.get("call_id"), str):
                raise BadRequest(f"Missing required parameter: '{param}.call_id'.", f"{param}.call_id")
            items.append(Output(item["call_id"], text_of(item.get("output"), f"{param}.output")))
    return instructions, items


def write(reply: Reply, body: dict[str, Any], key: str, usage: tuple[int, int]) -> dict[str, Any]:
    """The `response` object. `key` makes the ids; `usage` is input and output tokens."""
    if reply.calls:
        output: list[dict[str, Any]] = [
            {
                "id": f"fc_{key}_{index}",
                "type": "function_call",
                "call_id": f"call_{key}_{index}",
                "name": call.name,
                "arguments": json.dumps(call.arguments),
                "status": "completed",
            }
            for index, call in enumerate(reply.calls, start=1)
        ]
    else:
        content = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        output = [
            {"id": f"msg_{key}", "type": "message", "status": "completed", "role": "assistant", "content": [content]}
        ]
    now = int(time.time())
    metadata = body.get("metadata")
    return {
        "id": f"resp_{key}",
        "object": "response",
        "created_at": now,
        "completed_at": now,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": None,
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": usage[0],
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": usage[1],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": sum(usage),
        },
        "user": None,
        "metadata": {**(metadata if isinstance(metadata, dict) else {}), "stand_in": STAND_IN},
    }


def stream(response: dict[str, Any]) -> Iterator[str]:
    """The same response as server-sent events, in the order the real API sends them."""
    for number, event in enumerate(_events(response)):
        event["sequence_number"] = number
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def _events(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        at = {"item_id": item["id"], "output_index": index}
        if item["type"] == "function_call":
            started = {**item, "arguments": "", "status": "in_progress"}
            yield {"type": "response.output_item.added", "output_index": index, "item": started}
            for piece in pieces(item["arguments"]):
                yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
            done = {"name": item["name"], "arguments": item["arguments"]}
            yield {"type": "response.function_call_arguments.done", **at, **done}
        else:
            part = item["content"][0]
            at["content_index"] = 0
            started = {**item, "content": [], "status": "in_progress"}
            yield {"type": "response.output_item.added", "output_index": index, "item": started}
            yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
            for piece in pieces(part["text"]):
                yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
            yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
            yield {"type": "response.content_part.done", **at, "part": part}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": response}


def pieces(text: str, size: int = 24) -> Iterator[str]:
    """The text cut up, as a model streams it."""
    for start in range(0, len(text), size):
        yield text[start : start + size]
