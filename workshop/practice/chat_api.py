"""OpenAI's Chat Completions API: reading a request, writing a reply, whole or as a stream.

Shapes: https://platform.openai.com/docs/api-reference/chat
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
from workshop.practice.responses_api import pieces


def read(body: Any) -> Request:
    """Reads the JSON body of `POST /v1/chat/completions`. Raises BadRequest."""
    common = read_common(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("Missing or invalid 'messages': expected a list that is not empty.", "messages")
    instructions: list[str] = []
    items: list[Message | Call | Output] = []
    for index, message in enumerate(messages):
        param = f"messages[{index}]"
        if not isinstance(message, dict):
            raise BadRequest(f"Invalid type for '{param}': expected an object.", param)
        role, text = message.get("role"), text_of(message.get("content"), f"{param}.content")
        if role in ("system", "developer"):
            instructions.append(text)
        elif role == "user":
            items.append(Message("user", text))
        elif role == "assistant":
            items += [Message("assistant", text)] if text else []
            items += _calls(message.get("tool_calls"), f"{param}.tool_calls")
        elif role == "tool" and isinstance(message.get("tool_call_id"), str):
            items.append(Output(message["tool_call_id"], text))
        else:
            raise BadRequest(f"Invalid message in '{param}': its role or tool_call_id.", param)
    return Request(
        **common,
        instructions="\n".join(instructions),
        items=tuple(items),
        tools=read_tools(body.get("tools"), nested=True),
        choice=read_choice(body.get("tool_choice")),
        schema=read_schema(body.get("response_format")),
    )


def _calls(calls: Any, param: str) -> list[Call]:
    found = []
    for call in calls if isinstance(calls, list) else [calls] if calls else []:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise BadRequest(f"Invalid tool call in '{param}'.", param)
        key, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
        if not (isinstance(key, str) and isinstance(name, str) and isinstance(arguments, str)):
            raise BadRequest(f"Invalid tool call in '{param}'.", param)
        found.append(Call(key, name, arguments))
    return found


def write(reply: Reply, body: dict[str, Any], key: str, usage: tuple[int, int]) -> dict[str, Any]:
    """The `chat.completion` object. `key` makes the ids; `usage` is input and output tokens."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None, "annotations": []}
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{key}_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for index, call in enumerate(reply.calls, start=1)
        ]
    finish = "tool_calls" if reply.calls else "stop"
    return {
        "id": f"chatcmpl-{key}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "system_fingerprint": STAND_IN,
        "metadata": {"stand_in": STAND_IN},
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": usage[0],
            "completion_tokens": usage[1],
            "total_tokens": sum(usage),
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
    }


def stream(completion: dict[str, Any], with_usage: bool) -> Iterator[str]:
    """The same completion as server-sent events, in the order the real API sends them."""
    head = {name: completion[name] for name in ("id", "created", "model", "system_fingerprint")}
    head["object"] = "chat.completion.chunk"
    choice = completion["choices"][0]

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
        return f"data: {json.dumps({**head, 'choices': choices})}\n\n"

    yield chunk({"role": "assistant", "content": None if "tool_calls" in choice["message"] else ""})
    for index, call in enumerate(choice["message"].get("tool_calls", [])):
        function = call["function"]
        yield chunk({"tool_calls": [{"index": index, **call, "function": {"name": function["name"], "arguments": ""}}]})
        for piece in pieces(function["arguments"]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    for piece in pieces(choice["message"]["content"] or ""):
        yield chunk({"content": piece})
    yield chunk({}, choice["finish_reason"])
    if with_usage:
        yield f"data: {json.dumps({**head, 'choices': [], 'usage': completion['usage']})}\n\n"
    yield "data: [DONE]\n\n"
