"""What an agent's model was asked and what it answered, read from the payloads of the plugin's model activity.

Input and output are the plugin's `ActivityModelInput` and the Agents SDK's `ModelResponse` as JSON; their items are
those of OpenAI's Responses API. All of it is read leniently: an odd item is shown, never an error.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from workshop.history.payloads import as_text

# What the Agents SDK answers to the second of two handoffs that a model asks for at once.
HANDOFF_IGNORED = "Multiple handoffs detected, ignoring this one."
MODEL_ACTIVITIES = ("invoke_model_activity", "invoke_model_activity_streaming")


@dataclass(frozen=True)
class Call:
    """A function call that a model asked for. `arguments` is JSON text."""

    id: str
    name: str
    arguments: str
    offered: bool = True

    def __str__(self) -> str:
        return f"{self.name}({self.arguments})"


@dataclass(frozen=True)
class ModelCall:
    """One request to a model: what it was told and offered, and what it said."""

    model: str  # "" = the worker's default
    instructions: str
    asked: str  # what is new since the model last spoke
    tools: tuple[str, ...]
    handoffs: tuple[tuple[str, str], ...]  # (name of the transfer tool, name of the agent)
    outputs: dict[str, str]  # call id -> what the call gave, for all calls so far
    text: str = ""
    calls: tuple[Call, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    opening: str = ""  # the first thing that the user said
    turn: int = 1  # one more for each reply of the model that it was shown
    response_id: str = ""  # of the answer, and of its HTTP response; no two answers have the same
    request_id: str = ""

    @property
    def answered(self) -> str:
        """What the model said, in one line for each part."""
        return "\n".join(filter(None, [self.text, *(f"-> {call}" for call in self.calls)]))

    @property
    def tool_calls(self) -> tuple[Call, ...]:
        """The calls that are no handoffs."""
        return tuple(call for call in self.calls if not self.is_handoff(call))

    @property
    def handoff_calls(self) -> tuple[Call, ...]:
        """The calls that ask for another agent."""
        return tuple(call for call in self.calls if self.is_handoff(call))

    def is_handoff(self, call: Call) -> bool:
        """Whether a call asks for another agent: offered as such, or named like one and offered as nothing else."""
        return any(call.name == name for name, _ in self.handoffs) or (
            call.name.startswith("transfer_to_") and call.name not in self.tools
        )

    def agent(self, call: Call) -> str:
        """The agent that a handoff call names."""
        return next((agent for name, agent in self.handoffs if name == call.name and agent), call.name)


def model_call(request: Any, response: Any) -> ModelCall:
    """Reads a model activity's decoded input and output (None while there is none)."""
    request = request[0] if isinstance(request, list) and request else request
    request = request if isinstance(request, dict) else {}
    items = request.get("input")
    items = [{"role": "user", "content": items}] if isinstance(items, str) else _dicts(items)
    tools = tuple(_name(tool) for tool in _dicts(request.get("tools")))
    handoffs = tuple(
        (as_text(handoff.get("tool_name")), as_text(handoff.get("agent_name")))
        for handoff in _dicts(request.get("handoffs"))
    )
    response = _whole(response)
    said = _dicts(response.get("output"))
    usage = response.get("usage")
    offered = {*tools, *(name for name, _ in handoffs)}
    return ModelCall(
        model=as_text(request.get("model_name")),
        instructions=as_text(request.get("system_instructions")),
        asked="\n".join(filter(None, map(_text, _news(items) or _last_question(items)))),
        tools=tools,
        handoffs=handoffs,
        outputs={as_text(i.get("call_id")): _text(i) for i in items if i.get("type") == "function_call_output"},
        text="\n".join(filter(None, (_text(item) for item in said if item.get("type") != "function_call"))),
        calls=tuple(_call(item, offered if request else None) for item in said if item.get("type") == "function_call"),
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        opening=next((_text(item) for item in items if item.get("role") == "user"), ""),
        turn=1 + sum(now and not before for before, now in pairwise([False, *map(_by_model, items)])),
        response_id=as_text(response.get("response_id") or response.get("id")),
        request_id=as_text(response.get("request_id")),
    )


def _by_model(item: dict[str, Any]) -> bool:
    return item.get("role") == "assistant" or item.get("type") == "function_call"


def _call(item: dict[str, Any], offered: set[str] | None) -> Call:
    name = as_text(item.get("name"))
    # A local activity's input is not in the history: then nobody can say what was offered.
    known = offered is None or name in offered
    return Call(as_text(item.get("call_id")), name, as_text(item.get("arguments")), known)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) else 0


def _name(tool: dict[str, Any]) -> str:
    """A tool's name. Hosted tools have none of their own, only a configuration with a label or a type."""
    config = tool.get("tool_config")
    config = config if isinstance(config, dict) else {}
    for source, key in ((tool, "name"), (config, "name"), (config, "server_label"), (config, "type")):
        if source.get(key):
            return as_text(source[key])
    return "hosted tool"


def _whole(response: Any) -> dict[str, Any]:
    """The response itself; a streaming call's result is the list of its events, the last of which holds it."""
    if isinstance(response, list):
        whole = (
            event.get("response") for event in reversed(_dicts(response)) if event.get("type") == "response.completed"
        )
        response = next(whole, None)
    return response if isinstance(response, dict) else {}


def _news(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items at the end of a conversation that are not the model's own; how a handoff went is no news."""
    news: list[dict[str, Any]] = []
    for item in reversed(items):
        if item.get("role") == "assistant" or not (item.get("role") or as_text(item.get("type")).endswith("_output")):
            break
        if not transferred(_text(item)) and _text(item) != HANDOFF_IGNORED:
            news.insert(0, item)
    return news


def _last_question(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item.get("role") == "user"][-1:]


def transferred(output: str) -> str | None:
    """The agent that a taken handoff's output names, None for any other output."""
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        return None
    return as_text(value["assistant"]) if isinstance(value, dict) and value.keys() == {"assistant"} else None


def _text(item: dict[str, Any]) -> str:
    """The words in an item; an item without words is named by its type."""
    content = item.get("output") if "output" in item else item.get("content")
    if isinstance(content, str):
        return content
    words = "\n".join(_words(content))
    kind = as_text(item.get("type"))
    # Reasoning is not an answer, and mostly empty.
    return words or ("" if kind in ("message", "reasoning", "") else f"[{kind}]")


def _words(content: Any) -> Iterator[str]:
    for part in _dicts(content):
        words = part.get("text") or part.get("refusal")
        yield words if isinstance(words, str) else f"[{as_text(part.get('type'))}]"
