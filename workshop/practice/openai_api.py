"""OpenAI's two APIs, Responses and Chat Completions: reading a request, writing a reply, whole or as a stream.

Shapes: https://platform.openai.com/docs/api-reference/responses and .../chat
"""

import contextlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from workshop.practice import data
from workshop.practice.request import FunctionCall, FunctionOutput, Item, Message, ModelRequest, Reply, Tool

# What the Agents SDK makes of a conversation under `RunConfig(nest_handoff_history=True)`, whatever its markers are.
_NESTED = re.compile(r"For context, here is the conversation so far[^\n]*:\n[^\n]+\n(.*)\n[^\n]+\Z", re.DOTALL)
_SHAPES = data("shapes.json")  # of answers: what is null there is filled in here
PIECE = 24  # characters of a text in one event of a stream
STAND_IN = "the practice model: a scripted stand-in, no LLM"


class BadRequest(ValueError):
    """A request that the API refuses. `param` names the field, as OpenAI's errors do."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param, self.code = param, code


def read(body: Any, chat: bool) -> ModelRequest:
    """Reads the JSON body of `POST /v1/chat/completions` (`chat`) or `POST /v1/responses`.

    Raises:
        BadRequest: a field is missing or has a wrong type, or the real API would refuse what they say together.
    """
    if not isinstance(body, dict):
        raise BadRequest("The request body is a JSON object.")
    model, stream = body.get("model"), body.get("stream")
    if not isinstance(model, str) or not model:
        raise BadRequest("You must provide a model parameter.", "model")
    if stream not in (None, True, False):
        raise BadRequest("Invalid type for 'stream': expected a boolean.", "stream")
    field = "messages" if chat else "input"
    said, items = _conversation(body.get(field), field, chat)
    if chat:
        instructions, form = "\n".join(said), body.get("response_format")
    else:
        for name in ("previous_response_id", "conversation"):
            if body.get(name):
                message = "The practice model keeps no conversations: send the whole conversation as input."
                raise BadRequest(message, name)
        if not isinstance(body.get("instructions"), str | None):
            raise BadRequest("Invalid type for 'instructions': expected a string.", "instructions")
        instructions, text = "\n".join([body.get("instructions") or "", *said]).strip(), body.get("text")
        form = text.get("format") if isinstance(text, dict) else None
    if isinstance(body[field], list):
        _refuse_unpaired(body[field], chat)
    tools = _tools(body.get("tools"), nested=chat)
    return ModelRequest(
        model=model,
        instructions=instructions,
        items=items,
        tools=tools,
        stream=bool(stream),
        choice=_choice(body, [tool.name for tool in tools], chat),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(form),
    )


def _conversation(given: Any, name: str, chat: bool) -> tuple[list[str], list[Item]]:
    """The instructions and the items among a request's messages (Chat Completions) or input (Responses)."""
    if isinstance(given, str) and not chat:
        return [], [Message("user", given)]
    if not isinstance(given, list) or (chat and not given):
        expected = "a list that is not empty" if chat else "a string or a list of items"
        raise BadRequest(f"Missing or invalid '{name}': expected {expected}.", name)
    instructions: list[str] = []
    items: list[Item] = []
    for index, item in enumerate(given):
        param = f"{name}[{index}]"
        with contextlib.suppress(BadRequest):  # then it is a message like any other
            if nested := _nested_history(item):
                items += _conversation(nested, param, chat=False)[1]
                continue
        if not isinstance(item, dict):
            raise BadRequest(f"Invalid type for '{param}': expected an object.", param)
        kind = "message" if chat else item.get("type", "message")
        if kind == "function_call":
            items.append(_function_call(item.get("call_id"), item, f"Invalid function call in '{param}'.", param))
        elif kind == "function_call_output":
            if not isinstance(item.get("call_id"), str):
                raise BadRequest(f"Missing required parameter: '{param}.call_id'.", f"{param}.call_id")
            items.append(FunctionOutput(item["call_id"], _text(item.get("output"), f"{param}.output")))
        elif kind == "message":
            role, text = item.get("role"), _text(item.get("content"), f"{param}.content")
            if role in ("system", "developer"):
                instructions.append(text)
            elif role == "user" or (role == "assistant" and not chat):
                items.append(Message(role, text))
            elif role == "assistant":
                items += [Message(role, text)] if text else []
                calls = item.get("tool_calls") or []
                for call in calls if isinstance(calls, list) else ["not a list"]:
                    known, where = call if isinstance(call, dict) else {}, f"{param}.tool_calls"
                    message = f"Invalid tool call in '{where}'."
                    items.append(_function_call(known.get("id"), known.get("function"), message, where))
            elif not chat:
                raise BadRequest(f"Invalid value for '{param}.role'.", f"{param}.role")
            elif role == "tool" and isinstance(item.get("tool_call_id"), str):
                items.append(FunctionOutput(item["tool_call_id"], text))
            else:
                raise BadRequest(f"Invalid message in '{param}': its role or tool_call_id.", param)
    return instructions, items


def _nested_history(item: Any) -> list[dict[str, Any]]:
    """The items of a conversation that the Agents SDK has put into one message at a handoff; [] for other items."""
    told = isinstance(item, dict) and item.get("role") == "assistant" and not {"type", "tool_calls"} & set(item)
    nested = _NESTED.match(item["content"]) if told and isinstance(item.get("content"), str) else None
    found = []
    for record in re.split(r"^\d+\. ", nested[1], flags=re.MULTILINE) if nested else []:
        kind, _, rest = record.strip().partition(": ")
        with contextlib.suppress(ValueError, RecursionError):
            found.append({"type": kind, **json.loads(rest)} if rest.startswith("{") else json.loads(record))
            continue
        found.append({"role": kind.partition(" ")[0], "content": rest})
    return [one for one in found if isinstance(one, dict) and one.get("role", "user") in ("user", "assistant")]


def _refuse_unpaired(given: Sequence[dict[str, Any]], chat: bool) -> None:
    """Refuses a tool call that has no output, and an output that has no call before it."""
    answered: dict[str, bool] = {}  # of the calls that may still be answered
    for index, item in enumerate([*given, {"role": "", "type": ""}]):
        if chat:
            made = [call["id"] for call in item.get("tool_calls") or () if item["role"] == "assistant"]
            output, ends = (item["tool_call_id"], False) if item["role"] == "tool" else (None, True)
        else:
            made = [item["call_id"]] if item.get("type") == "function_call" else []
            output, ends = item["call_id"] if item.get("type") == "function_call_output" else None, index == len(given)
        param = f"messages.[{min(index, len(given) - 1)}].role" if chat else "input"
        waiting = [call_id for call_id in answered if not answered[call_id]]
        if ends and waiting and chat:
            message = "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
            ids = f"The following tool_call_ids did not have response messages: {', '.join(waiting)}"
            raise BadRequest(f"{message} 'tool_call_id'. {ids}", param)
        if ends and waiting:
            raise BadRequest(f"No tool output found for function call {waiting[0]}.", param)
        if output is not None and output not in answered and chat:
            message = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
            raise BadRequest(f"Invalid parameter: {message}", param)
        if output is not None and output not in answered:
            raise BadRequest(f"No tool call found for function call output with call_id {output}.", param)
        answered = {} if ends else answered
        answered |= {output: True} if output is not None else dict.fromkeys(made, False)


def _text(content: Any, param: str) -> str:
    """The text of a message's content: a string, nothing, or a list of parts."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise BadRequest(f"Invalid type for '{param}': expected a string or a list of content parts.", param)
    parts = [part if isinstance(part, dict) else {"text": part} for part in content]
    texts = [part.get("text") or part.get("refusal") or "" for part in parts]
    if not all(isinstance(text, str) for text in texts):
        raise BadRequest(f"Invalid content part in '{param}': expected text.", param)
    return "\n".join(text for text in texts if text)


def _function_call(call_id: Any, function: Any, message: str, param: str) -> FunctionCall:
    name, arguments = (function.get("name"), function.get("arguments")) if isinstance(function, dict) else (None, None)
    if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)):
        raise BadRequest(message, param)
    return FunctionCall(call_id, name, arguments)


def _tools(given: Any, nested: bool) -> list[Tool]:
    """The function tools on offer; other kinds are left out. Chat Completions nests their fields under `function`."""
    if not isinstance(given, list | None):
        raise BadRequest("Invalid type for 'tools': expected a list.", "tools")
    tools = []
    for index, tool in enumerate(given or []):
        param = f"tools[{index}]"
        if not isinstance(tool, dict):
            raise BadRequest(f"Invalid type for '{param}': expected an object.", param)
        if tool.get("type") != "function":
            continue
        spec = tool.get("function") if nested else tool
        if not isinstance(spec, dict) or not isinstance(spec.get("name"), str) or not spec["name"]:
            raise BadRequest(f"Missing required parameter: '{param}.name'.", f"{param}.name")
        where = f"{param}.function" if nested else param
        if not re.fullmatch(r"[a-zA-Z0-9_-]+", spec["name"]):
            message = "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
            raise BadRequest(f"Invalid '{where}.name': {message}", f"{where}.name", "invalid_value")
        description, parameters = spec.get("description"), spec.get("parameters")
        if not isinstance(parameters, dict | None):
            raise BadRequest(f"Invalid schema for function '{spec['name']}'.", f"{param}.parameters")
        tools.append(Tool(spec["name"], description if isinstance(description, str) else "", parameters or {}))
    return tools


def _choice(body: dict[str, Any], offered: Sequence[str], chat: bool) -> str:
    """`tool_choice` as auto, none, required or the name of a function that is on offer."""
    given, tools = body.get("tool_choice"), body.get("tools") or []
    if not isinstance(given, dict) and given not in (None, "auto", "none", "required"):
        raise BadRequest("Invalid value for 'tool_choice'.", "tool_choice")
    if given is not None and not tools and chat:
        message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
        raise BadRequest(message, "tool_choice")
    if given == "required" and not tools:
        raise BadRequest("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")
    if not isinstance(given, dict) or given.get("type") == "allowed_tools":
        return str(given) if isinstance(given, str) else "auto"
    function, kind = given.get("function"), given.get("type", "function")
    # Of other kinds, which only the real service can run, it is known whether they are on offer.
    name = kind if kind != "function" else function.get("name") if isinstance(function, dict) else given.get("name")
    if not isinstance(name, str):
        raise BadRequest("Missing required parameter: 'tool_choice.name'.", "tool_choice.name")
    if name not in (offered if kind == "function" else [tool.get("type") for tool in tools]):
        raise BadRequest(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")
    return name if kind == "function" else "auto"


def _schema(form: Any) -> dict[str, Any] | None:
    """The JSON schema of a structured answer, if one is asked for, in either API's spelling."""
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return None
    holder = form["json_schema"] if isinstance(form.get("json_schema"), dict) else form
    schema = holder.get("schema")
    return schema if isinstance(schema, dict) else None


def write_response(reply: Reply, body: dict[str, Any], key: str, usage: tuple[int, int]) -> dict[str, Any]:
    """The `response` object of the Responses API. `key` makes the ids; `usage` is input and output tokens."""
    if reply.calls:
        output: list[dict[str, Any]] = [
            {
                "id": f"fc_{key}_{index}",
                "type": "function_call",
                "call_id": f"call_{key}_{index}",
                "name": call.name,
                "arguments": call.written,
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
        **_SHAPES["response"],
        "id": f"resp_{key}",
        "created_at": now,
        "completed_at": now,
        "instructions": body.get("instructions"),
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "usage": _usage("response", "input_tokens", "output_tokens", usage),
        "metadata": {**(metadata if isinstance(metadata, dict) else {}), "stand_in": STAND_IN},
    }


def write_completion(reply: Reply, body: dict[str, Any], key: str, usage: tuple[int, int]) -> dict[str, Any]:
    """The `chat.completion` object of Chat Completions, from the same as `write_response`."""
    content = None if reply.calls else reply.text
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None, "annotations": []}
    for index, call in enumerate(reply.calls, start=1):
        function = {"name": call.name, "arguments": call.written}
        made = {"id": f"call_{key}_{index}", "type": "function", "function": function}
        message.setdefault("tool_calls", []).append(made)
    finish = "tool_calls" if reply.calls else "stop"
    return {
        **_SHAPES["completion"],
        "id": f"chatcmpl-{key}",
        "created": int(time.time()),
        "model": body["model"],
        "system_fingerprint": STAND_IN,
        "metadata": {"stand_in": STAND_IN},
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": _usage("completion", "prompt_tokens", "completion_tokens", usage),
    }


def _usage(shape: str, of_input: str, of_output: str, usage: tuple[int, int]) -> dict[str, Any]:
    return {**_SHAPES[shape]["usage"], of_input: usage[0], of_output: usage[1], "total_tokens": sum(usage)}


def stream_response(response: dict[str, Any]) -> Iterator[str]:
    """The response as server-sent events, in the order in which the real API sends them."""
    for number, event in enumerate(_response_events(response)):
        event["sequence_number"] = number
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def _response_events(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        at = {"item_id": item["id"], "output_index": index}
        if item["type"] == "function_call":
            started = {**item, "arguments": "", "status": "in_progress"}
            yield {"type": "response.output_item.added", "output_index": index, "item": started}
            for piece in _pieces(item["arguments"]):
                yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
            done = {"name": item["name"], "arguments": item["arguments"]}
            yield {"type": "response.function_call_arguments.done", **at, **done}
        else:
            part = item["content"][0]
            at["content_index"] = 0
            started = {**item, "content": [], "status": "in_progress"}
            yield {"type": "response.output_item.added", "output_index": index, "item": started}
            yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
            for piece in _pieces(part["text"]):
                yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
            yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
            yield {"type": "response.content_part.done", **at, "part": part}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": response}


def stream_completion(completion: dict[str, Any], with_usage: bool) -> Iterator[str]:
    """The completion as server-sent events, in the order in which the real API sends them."""
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
        for piece in _pieces(function["arguments"]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    for piece in _pieces(choice["message"]["content"] or ""):
        yield chunk({"content": piece})
    yield chunk({}, choice["finish_reason"])
    if with_usage:
        yield f"data: {json.dumps({**head, 'choices': [], 'usage': completion['usage']})}\n\n"
    yield "data: [DONE]\n\n"


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]
