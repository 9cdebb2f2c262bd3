"""What an agent did: what its model was asked and answered, and what became of the calls that the model asked for.

A model activity's input and output are the plugin's `ActivityModelInput` and the Agents SDK's `ModelResponse` as JSON;
their items are those of OpenAI's Responses API. All of it is read leniently: an odd item is shown, never an error.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from workshop.history.payloads import as_text
from workshop.history.rows import ChainedError, Kind, ModelCall, RequestedCall, Row

MODEL_ACTIVITIES = ("invoke_model_activity", "invoke_model_activity_streaming")
# What the Agents SDK answers to the second of two handoffs that a model asks for at once.
HANDOFF_IGNORED = "Multiple handoffs detected, ignoring this one."
# What the Agents SDK tells a model of a tool that raised, unless the tool's failure_error_function says otherwise.
TOOL_FAILED = "An error occurred while running the tool"
# What it tells a model of a call that a person refused, unless the refusal has a message of its own.
NOT_APPROVED = "Tool execution was not approved."
REFUSED = "refused by a person or by a deadline: it did not run"
IN_WORKFLOW = "ran inside the workflow, not as an activity: no retries, nothing of it in the history"
AGENT_AS_TOOL = "an agent used as a tool: its own calls are rows of their own"
SANDBOX_MARK = "from inside a workflow"  # in every error of the workflow sandbox


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
    # A local activity's input is not in the history: then nobody can say what was offered.
    offered = {*tools, *(name for name, _ in handoffs)} if request else None

    if isinstance(response, list):  # a streaming call's result is the list of its events, the last of which holds it
        events = [event for event in _dicts(response) if event.get("type") == "response.completed"]
        response = events[-1].get("response") if events else None
    response = response if isinstance(response, dict) else {}
    said = _dicts(response.get("output"))
    calls = [
        RequestedCall(as_text(item.get("call_id")), as_text(item.get("name")), as_text(item.get("arguments")))
        for item in said
        if item.get("type") == "function_call"
    ]
    usage = response.get("usage")
    usage = usage if isinstance(usage, dict) else {}

    # What is new is at the end of the conversation and not the model's own; how a handoff went is no news.
    news: list[dict[str, Any]] = []
    for item in reversed(items):
        if item.get("role") == "assistant" or not (item.get("role") or as_text(item.get("type")).endswith("_output")):
            break
        if not _transferred(_text(item)) and _text(item) != HANDOFF_IGNORED:
            news.insert(0, item)
    questions = [item for item in items if item.get("role") == "user"]
    by_model = [item.get("role") == "assistant" or item.get("type") == "function_call" for item in items]
    return ModelCall(
        model=as_text(request.get("model_name")),
        instructions=as_text(request.get("system_instructions")),
        asked="\n".join(filter(None, map(_text, news or questions[-1:]))),
        tools=tools,
        handoffs=handoffs,
        outputs={as_text(i.get("call_id")): _text(i) for i in items if i.get("type") == "function_call_output"},
        text="\n".join(filter(None, (_text(item) for item in said if item.get("type") != "function_call"))),
        calls=tuple(replace(call, offered=offered is None or call.name in offered) for call in calls),
        input_tokens=_count(usage.get("input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
        opening=_text(questions[0]) if questions else "",
        turn=1 + sum(now and not before for before, now in pairwise([False, *by_model])),
        response_id=as_text(response.get("response_id") or response.get("id")),
        request_id=as_text(response.get("request_id")),
    )


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _name(tool: dict[str, Any]) -> str:
    """A tool's name. Hosted tools have none of their own, only a configuration with a label or a type."""
    config = tool.get("tool_config")
    config = config if isinstance(config, dict) else {}
    names = (tool.get("name"), config.get("name"), config.get("server_label"), config.get("type"))
    return next((as_text(name) for name in names if name), "hosted tool")


def _text(item: dict[str, Any]) -> str:
    """The words in an item; an item without words is named by its type."""
    content = item.get("output") if "output" in item else item.get("content")
    if isinstance(content, str):
        return content
    parts = [(part.get("text") or part.get("refusal"), part.get("type")) for part in _dicts(content)]
    words = "\n".join(words if isinstance(words, str) else f"[{as_text(kind)}]" for words, kind in parts)
    kind = as_text(item.get("type"))
    # Reasoning is not an answer, and mostly empty.
    return words or ("" if kind in ("message", "reasoning", "") else f"[{kind}]")


def _transferred(output: str) -> str:
    """The agent that a taken handoff's output names, "" for any other output."""
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        return ""
    return as_text(value["assistant"]) if isinstance(value, dict) and value.keys() == {"assistant"} else ""


def with_calls(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows in time order: tool activities marked as such, rows added for handoffs and for tools without activity.

    The history has no events for these: they follow from what the model asked for and from what it was told later.
    """
    told = list(rows)
    for asking in rows:
        if asking.model is None or asking.closed is None:
            continue
        following = [row for row in rows if row.model and row.scheduled >= asking.closed and row.event != asking.event]
        end = following[0].scheduled if following else None
        # Those that were scheduled after the model's answer and before the next model call.
        activities = [
            row
            for row in told
            if row.kind == Kind.ACTIVITY and row.event > asking.event and row.scheduled >= asking.closed
            if end is None or row.scheduled < end
        ]
        for call in asking.model.calls:
            if asking.model.is_handoff(call):
                continue
            # The one of the tool's name, else the next one if the tool was offered.
            named = [row for row in activities if row.name == call.name] or (activities[:1] if call.offered else [])
            found = _output(call, following)
            if found and found[0] == NOT_APPROVED:
                at = found[1].scheduled
                refused = Row(Kind.TOOL, call.name, "cancelled", 0, asking.closed, closed=at, notes=(REFUSED,))
                told.append(replace(refused, input=call.arguments, asked=call.arguments))
            elif named:
                activities.remove(named[0])
                told[told.index(named[0])] = replace(named[0], kind=Kind.TOOL)
            else:
                told += _in_workflow(asking.closed, call, following)
        told += _handoffs(asking.model, asking.closed, following)
        offered = ", ".join(asking.model.offered) or "nothing"
        notes = [
            f"asked for {call.name}, which was never offered (offered: {offered})"
            for call in asking.model.calls
            if not call.offered
        ]
        told[told.index(asking)] = replace(asking, notes=(*asking.notes, *notes))

    return tuple(sorted(told, key=lambda row: (row.scheduled, row.event or float("inf"))))


def _output(call: RequestedCall, following: Sequence[Row]) -> tuple[str, Row] | None:
    """What a call returned, and the first model call that was given it."""
    for row in following:
        if row.model and call.id in row.model.outputs:
            return row.model.outputs[call.id], row
    return None


def _in_workflow(asked: datetime, call: RequestedCall, following: Sequence[Row]) -> Iterator[Row]:
    """A tool that was no activity, if it was run."""
    if found := _output(call, following):
        output, told = found
        inner = any(row.event != told.event and row.scheduled < told.scheduled for row in following)
        refused = SANDBOX_MARK in output
        wrong = refused or output.startswith(TOOL_FAILED)
        error = "RestrictedWorkflowAccessError" if refused else "the tool raised"
        yield Row(
            Kind.INLINE_TOOL,
            call.name,
            "failed" if wrong else "completed",
            0,
            asked,
            closed=told.scheduled,
            input=call.arguments,
            output=output,
            asked=call.arguments,
            answered="" if wrong else output,
            errors=(ChainedError(error, output),) if wrong else (),
            notes=(AGENT_AS_TOOL if inner else IN_WORKFLOW,),
        )


def _handoffs(model: ModelCall, asked: datetime, following: Sequence[Row]) -> Iterator[Row]:
    """The handoffs that a model asked for, taken or not."""
    calls = [call for call in model.calls if model.is_handoff(call)]
    for call in calls:
        agent = next((agent for name, agent in model.handoffs if name == call.name and agent), call.name)
        if found := _output(call, following):
            # A handoff may have a message of its own, so any other word than "ignored" means it was taken.
            taken, agent = found[0] != HANDOFF_IGNORED, _transferred(found[0]) or agent
        else:
            # The next model call's input is unknown or trimmed: the Agents SDK takes the first one.
            taken = bool(following) and call is calls[0]
        if taken:
            state, how = "completed", "taken"
        elif following:
            state, how = "cancelled", "not taken: the agent asked for several at once"
        else:
            state, how = "scheduled", "asked for"
        end = asked if following else None
        yield Row(Kind.HANDOFF, agent, state, 0, asked, closed=end, input=call.arguments, asked=call.name, answered=how)
