"""The words and lengths that table and picture share."""

from datetime import datetime

from workshop.history import (
    HANDOFF,
    INLINE_TOOL,
    MODEL_ACTIVITIES,
    TASK_FAILURE,
    TIMER,
    Row,
    Run,
)
from workshop.text import count, span


def title(row: Row) -> str:
    """What a row is about, next to its kind."""
    if row.model:
        named = [row.name] if row.name not in MODEL_ACTIVITIES else []
        return ", ".join([*named, row.model.model] if row.model.model else named) or "the worker's model"
    if row.kind == TASK_FAILURE:
        return row.errors[0].type if row.errors else row.name
    return f"to {row.name}" if row.kind == HANDOFF else row.name


def took(row: Row, now: datetime) -> str:
    """How long it took, or for how long it has been going on."""
    if row.duration is not None:
        return span(row.duration)
    return f"{span((now - row.scheduled).total_seconds())} so far" if row.open else ""


def outcome(row: Row, now: datetime) -> str:
    """The state with what belongs to it: attempts, time taken, the next try."""
    parts = [row.answered.partition(":")[0] if row.kind == HANDOFF else row.state]
    if row.attempts > 1 or (row.attempts == 1 and row.state not in ("completed", "running")):
        parts.append(f"{row.attempts} attempt{'s' * (row.attempts > 1)}")
    if row.kind not in (HANDOFF, INLINE_TOOL) and took(row, now) not in ("", "0.00 s"):
        parts.append(took(row, now))
    if row.next_try and row.open:
        left = (row.next_try - now).total_seconds()
        word = "ends" if row.kind == TIMER else "next try"
        parts.append(f"{word} in {span(left)}" if left > 0 else f"{word} now")
    return ", ".join(parts)


def headline(run: Run, now: datetime) -> str:
    """The run's status and how long it took."""
    if run.duration is not None:
        return f"{run.status} after {span(run.duration)}"
    return f"{run.status} for {span((now - run.started).total_seconds())}"


def totals(run: Run) -> str:
    """The sums of a run in a line."""
    t = run.totals
    if not any(row.model for row in run.rows):  # no agent takes part
        return count(t.attempts, "attempt")
    parts = [
        f"{count(t.model_calls, 'model call')} completed",
        count(t.tool_calls, "tool call"),
        count(t.handoffs, "handoff"),
        count(t.attempts, "attempt"),
        f"{t.input_tokens:,} tokens in, {t.output_tokens:,} out",
    ]
    if t.tools_in_workflow:
        parts.insert(2, f"{count(t.tools_in_workflow, 'tool')} run inside the workflow, without activity")
    return ", ".join(parts)
