"""A model request and its reply, whichever of OpenAI's two APIs they came in or go out by."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

STAND_IN = "the practice model: a scripted stand-in, no LLM"


class BadRequest(ValueError):
    """A request the API cannot read. `param` names the field, as OpenAI's errors do."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


@dataclass(frozen=True)
class Message:
    """What someone said; role is `user` or `assistant`."""

    role: str
    text: str


@dataclass(frozen=True)
class Call:
    """A tool call the model made earlier; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Output:
    """What a tool gave back for the call of that id."""

    call_id: str
    text: str


@dataclass(frozen=True)
class Tool:
    """A tool that is offered; `parameters` is its JSON schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def is_transfer(self) -> bool:
        """Whether it hands over to another agent, as the Agents SDK names such tools."""
        return self.name.startswith("transfer_to_")


@dataclass(frozen=True)
class Request:
    """What the model decides from. `choice` is auto, none, required or a tool's name."""

    model: str
    instructions: str
    items: tuple[Message | Call | Output, ...]
    tools: tuple[Tool, ...] = ()
    stream: bool = False
    choice: str = "auto"
    parallel: bool = True
    schema: dict[str, Any] | None = None  # of a structured answer

    @property
    def opening(self) -> str:
        """The first thing the user said."""
        return next((item.text for item in self.items if isinstance(item, Message) and item.role == "user"), "")

    @property
    def turn(self) -> int:
        """1 for a fresh conversation, one more for each reply of the model in it."""
        by_model = [
            isinstance(item, Call) or (isinstance(item, Message) and item.role == "assistant") for item in self.items
        ]
        return 1 + sum(now and not before for before, now in zip([False, *by_model], by_model, strict=False))

    def latest(self) -> tuple[str, tuple[Message | Call | Output, ...]]:
        """The user's latest message and all that came after it."""
        for index in range(len(self.items) - 1, -1, -1):
            item = self.items[index]
            if isinstance(item, Message) and item.role == "user":
                return item.text, self.items[index + 1 :]
        return "", self.items

    def earlier(self) -> Iterator[str]:
        """What the user said before that, newest first."""
        said = [item.text for item in self.items if isinstance(item, Message) and item.role == "user"]
        return iter(said[-2::-1])


@dataclass(frozen=True)
class ToolCall:
    """A tool call that the reply asks for."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """Either tool calls or a text."""

    calls: tuple[ToolCall, ...] = ()
    text: str = ""


def text_of(content: Any, param: str) -> str:
    """The text of a message's content: a string, nothing, or a list of parts. Raises BadRequest."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise BadRequest(f"Invalid type for '{param}': expected a string or a list of content parts.", param)
    parts = [part if isinstance(part, dict) else {"text": part} for part in content]
    texts = [part.get("text") or part.get("refusal") or "" for part in parts]
    if not all(isinstance(text, str) for text in texts):
        raise BadRequest(f"Invalid content part in '{param}': expected text.", param)
    return "\n".join(text for text in texts if text)


def read_common(body: Any) -> dict[str, Any]:
    """The fields both APIs share, checked: model, stream, parallel. Raises BadRequest."""
    if not isinstance(body, dict):
        raise BadRequest("The request body is a JSON object.")
    model, stream = body.get("model"), body.get("stream")
    if not isinstance(model, str) or not model:
        raise BadRequest("You must provide a model parameter.", "model")
    if stream not in (None, True, False):
        raise BadRequest("Invalid type for 'stream': expected a boolean.", "stream")
    return {"model": model, "stream": bool(stream), "parallel": body.get("parallel_tool_calls") is not False}


def read_tools(tools: Any, nested: bool) -> tuple[Tool, ...]:
    """The function tools on offer; other kinds are left out. Raises BadRequest.

    Args:
        tools: the request's `tools`.
        nested: whether a tool's fields stand under `function`, as in Chat Completions.
    """
    if tools is None:
        return ()
    if not isinstance(tools, list):
        raise BadRequest("Invalid type for 'tools': expected a list.", "tools")
    found = []
    for index, tool in enumerate(tools):
        param = f"tools[{index}]"
        if not isinstance(tool, dict):
            raise BadRequest(f"Invalid type for '{param}': expected an object.", param)
        if tool.get("type") != "function":
            continue
        spec = tool.get("function") if nested else tool
        if not isinstance(spec, dict) or not isinstance(spec.get("name"), str) or not spec["name"]:
            raise BadRequest(f"Missing required parameter: '{param}.name'.", f"{param}.name")
        description, parameters = spec.get("description"), spec.get("parameters")
        if parameters is not None and not isinstance(parameters, dict):
            raise BadRequest(f"Invalid schema for function '{spec['name']}'.", f"{param}.parameters")
        found.append(Tool(spec["name"], description if isinstance(description, str) else "", parameters or {}))
    return tuple(found)


def read_choice(choice: Any) -> str:
    """`tool_choice` as auto, none, required or the name of a tool. Raises BadRequest."""
    if choice is None:
        return "auto"
    if isinstance(choice, dict):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, dict) else choice.get("name")
        return name if isinstance(name, str) else "auto"
    if choice not in ("auto", "none", "required"):
        raise BadRequest("Invalid value for 'tool_choice'.", "tool_choice")
    return str(choice)


def read_schema(form: Any) -> dict[str, Any] | None:
    """The JSON schema of a structured answer, if one is asked for, in either API's spelling."""
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return None
    holder = form.get("json_schema") if isinstance(form.get("json_schema"), dict) else form
    schema = holder.get("schema") if isinstance(holder, dict) else None
    return schema if isinstance(schema, dict) else None
