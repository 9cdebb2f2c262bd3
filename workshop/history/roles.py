"""Which activity was a tool of the agent, which tool ran inside the workflow, and which handoff was taken.

The history has no events for these: they follow from what the model asked for and from what it was told later.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workshop.history.conversation import HANDOFF_IGNORED, Call, ModelCall, transferred
from workshop.history.payloads import Link
from workshop.history.rows import ACTIVITY, HANDOFF, INLINE_TOOL, TOOL, Row

SANDBOX_MARK = "from inside a workflow"  # in every error of the workflow sandbox
_NO_ACTIVITY = "ran inside the workflow, not as an activity: no retries, nothing of it in the history"


def with_roles(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows in time order: tool activities marked as such, rows added for handoffs and for tools without activity."""
    told = list(rows)
    for asking in rows:
        if asking.model is None or asking.closed is None:
            continue
        following = [row for row in rows if row.model and row.scheduled >= asking.closed and row.event != asking.event]
        activities = _activities_between(told, asking, following)
        for call in asking.model.tool_calls:
            activity = _of_tool(call, activities)
            if activity:
                activities.remove(activity)
                told[told.index(activity)] = replace(activity, kind=TOOL)
            else:
                told += _in_workflow(asking, call, following)
        told += _handoffs(asking, following)
        told[told.index(asking)] = replace(asking, notes=(*asking.notes, *_never_offered(asking.model)))
    _name_agents(told)
    return tuple(sorted(told, key=lambda row: (row.scheduled, row.event or float("inf"))))


def _activities_between(rows: Sequence[Row], asking: Row, following: Sequence[Row]) -> list[Row]:
    """The activities scheduled after a model's answer and before the next model call."""
    end = following[0].scheduled if following else None
    return [
        row
        for row in rows
        if row.kind == ACTIVITY and row.event > asking.event and asking.closed
        if row.scheduled >= asking.closed and (end is None or row.scheduled < end)
    ]


def _of_tool(call: Call, activities: Sequence[Row]) -> Row | None:
    """The activity that a call became: the one of the tool's name, else the next one if the tool was offered."""
    named = next((row for row in activities if row.name == call.name), None)
    return named or (next(iter(activities), None) if call.offered else None)


def _outcome(call: Call, following: Sequence[Row]) -> tuple[str, Row] | None:
    """What a call gave, and the model call that was told so first."""
    for row in following:
        if row.model and call.id in row.model.outputs:
            return row.model.outputs[call.id], row
    return None


def _in_workflow(asking: Row, call: Call, following: Sequence[Row]) -> Iterator[Row]:
    outcome = _outcome(call, following)
    if outcome and asking.closed:
        output, told = outcome
        refused = SANDBOX_MARK in output
        yield Row(
            INLINE_TOOL,
            call.name,
            "failed" if refused else "completed",
            0,
            asking.closed,
            closed=told.scheduled,
            input=call.arguments,
            output=output,
            asked=call.arguments,
            answered="" if refused else output,
            errors=(Link("RestrictedWorkflowAccessError", output),) if refused else (),
            notes=(_NO_ACTIVITY,),
        )


def _handoffs(asking: Row, following: Sequence[Row]) -> Iterator[Row]:
    calls = asking.model.handoff_calls if asking.model else ()
    if not asking.closed or not asking.model:
        return
    for call in calls:
        outcome = _outcome(call, following)
        agent = asking.model.agent(call)
        if outcome:
            # A handoff may have a message of its own, so any other word than "ignored" means it was taken.
            taken, agent = outcome[0] != HANDOFF_IGNORED, transferred(outcome[0]) or agent
        else:
            # The next model call's input is unknown or trimmed: the Agents SDK takes the first one.
            taken = bool(following) and call is calls[0]
        state = "completed" if taken else "cancelled" if following else "scheduled"
        note = {
            "completed": "taken",
            "cancelled": "not taken: the agent asked for several at once",
            "scheduled": "asked for",
        }
        yield Row(
            HANDOFF,
            agent,
            state,
            0,
            asking.closed,
            closed=asking.closed if following else None,
            input=call.arguments,
            asked=call.name,
            answered=note[state],
        )


def _name_agents(rows: list[Row]) -> None:
    """Gives model calls the name of their agent: instructions tell agents apart, and handoffs tell their names."""
    names = {}
    for handoff in (row for row in rows if row.kind == HANDOFF and row.state == "completed"):
        first = next((row.model for row in rows if row.model and row.scheduled >= handoff.scheduled), None)
        if first and first.instructions:
            names[first.instructions] = handoff.name
    for i, row in enumerate(rows):
        if row.model and row.model.instructions in names:
            rows[i] = replace(row, name=names[row.model.instructions])


def _never_offered(model: ModelCall | None) -> Iterator[str]:
    for call in model.calls if model else ():
        if not call.offered:
            offered = ", ".join((*model.tools, *(name for name, _ in model.handoffs))) if model else ""
            yield f"asked for {call.name}, which was never offered (offered: {offered or 'nothing'})"
