"""A run as a table. Texts are shortened here and in the timeline only, for the eye."""

import shlex
from datetime import datetime
from pathlib import Path

from workshop.history import Kind, Row, Run, as_text, short_path
from workshop.shown import Block, Cell, Item, Shown, Table, Tone
from workshop.temporal import folder_of
from workshop.text import Advice, count, printable, shorten, span, told

# Colour says nothing that sign and word do not say too.
SIGNS = {
    "completed": "✓",
    "failed": "✗",
    "timed out": "✗",
    "retrying": "↻",
    "running": "▸",
    "scheduled": "○",
    "cancelled": "⊘",
}
TONES: dict[str, Tone] = {"completed": "good", "failed": "bad", "timed out": "bad", "retrying": "wait"}
REPEATED = "↻"  # more than one attempt


def title(row: Row) -> str:
    """What a row is about, next to its kind."""
    if row.model and row.model.model:
        return f"{row.name}, {row.model.model}"
    if row.kind == Kind.TASK_FAILURE:
        return row.errors[0].type if row.errors else row.name
    return f"to {row.name}" if row.kind == Kind.HANDOFF else row.name


def at(row: Row, run: Run) -> str:
    """When it began, from the start of the run."""
    return span((row.scheduled - run.started).total_seconds())


def outcome(row: Row, now: datetime) -> str:
    """The state with what belongs to it, in a line."""
    return ", ".join(outcome_parts(row, now))


def outcome_parts(row: Row, now: datetime) -> list[str]:
    """The state, attempts, time taken so far or in all, the next try."""
    parts = [row.answered.partition(":")[0] if row.kind == Kind.HANDOFF else row.state]
    if row.attempts > 1 or (row.attempts == 1 and row.state not in ("completed", "running")):
        parts.append(count(row.attempts, "attempt"))
    took = span(row.duration) if row.duration is not None else ""
    if row.open and row.duration is None:
        took = f"{span((now - row.scheduled).total_seconds())} so far"
    if row.kind not in (Kind.HANDOFF, Kind.INLINE_TOOL) and took not in ("", "0.00 s"):
        parts.append(took)
    if row.next_try and row.open:
        left = (row.next_try - now).total_seconds()
        word = "ends" if row.kind == Kind.TIMER else "next try"
        parts.append(f"{word} in {span(left)}" if left > 0 else f"{word} now")
    return parts


def headline(run: Run, now: datetime) -> str:
    """The run's status and how long it took."""
    if run.duration is not None:
        return f"{run.status} after {span(run.duration)}"
    return f"{run.status} for {span((now - run.started).total_seconds())}"


def weight(run: Run) -> str:
    """How much history it has: the server ends a workflow whose run has too much. "" if nobody was asked."""
    if not run.sizes:
        return ""
    longest = f", at most {max(run.sizes) / 1024:,.0f} KiB in a run" if len(run.sizes) > 1 else ""
    return f"{sum(run.sizes) / 1024:,.0f} KiB, {count(sum(run.events), 'event')}{longest}"


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
        "tokens not known" if run.encoded else f"{t.input_tokens:,} tokens in, {t.output_tokens:,} out",
    ]
    if t.tools_in_workflow:
        parts.insert(2, f"{count(t.tools_in_workflow, 'tool')} run inside the workflow, without activity")
    return ", ".join(parts)


def worker_names(run: Run) -> dict[str, str]:
    """Who took part, in the order of appearance; where there were several, with their folders, but for this one."""
    names = {worker: worker for worker in (*(row.worker for row in run.rows), run.worker) if worker}
    for worker in names if len(names) > 1 else ():
        if (folder := folder_of(worker)) and folder != Path.cwd():
            names[worker] += f" ({short_path(folder)})"
    return names


def table(run: Run, now: datetime) -> Table:
    """A row for each thing that happened; where several workers took part, with who did it."""
    workers = worker_names(run)
    rows: list[list[Cell]] = []
    for row in run.rows:
        what = [Item(row.kind, tone="strong"), Item(shorten(title(row), 60)), Item(f"after {at(row, run)}")]
        by = [Item(f"by {workers[row.worker]}")] if row.worker and len(workers) > 1 else []
        rows.append([what, _story(row), [*_outcome(row, now), *by]])
    return Table(("What", "Asked and answered", "Outcome"), rows or [[[Item("nothing yet")], [], []]])


class Audit(Shown):
    """What a run did, as a table: `console.print(Audit(run))` in a terminal, the same in a notebook."""

    def __init__(self, run: Run, now: datetime | None = None, notebook: bool = False) -> None:
        now = now or run.now()
        blocks: list[Block] = [
            Item(f"Workflow {run.workflow_id}", tone="strong"),
            Item(f"{run.type}, task queue {run.task_queue}, {headline(run, now)}"),
        ]
        if run.earlier or run.continues:
            gone = "; earlier ones are no longer kept" if run.continues else ""
            blocks.append(Item(f"{len(run.earlier) + 1}, each continued as new, counted as one{gone}", "Runs"))
        blocks.append(Item(as_text(run.input), "Asked"))
        if run.status == "completed":
            blocks.append(Item(as_text(run.result), "Answered"))
        if run.failure:
            blocks.append(Item(f"{SIGNS['failed']} {run.failure}", "Failed", "bad"))
        blocks += [Item(note, "Note") for note in run.notes]
        if run.reason:
            blocks.append(Item(run.reason, "Reason"))
        if weight(run):
            blocks.append(Item(weight(run), "History"))
        blocks.append(Item(", ".join(worker_names(run).values()) or "none yet", "Workers"))
        blocks.append(table(run, now))
        blocks.append(Item(f"{totals(run)}.", "Total"))
        if run.open or run.failure:
            why = Advice(f"workshop why {shlex.quote(printable(run.workflow_id))}", "ex.why()")
            blocks.append(Item(f"Why? {told(why, notebook)}"))
        super().__init__(blocks)


def _outcome(row: Row, now: datetime) -> Cell:
    """State, attempts, times, each in a line."""
    state, *more = outcome_parts(row, now)
    tone = TONES.get(row.state, "")
    repeated = count(row.attempts, "attempt") if row.attempts > 1 else ""
    return [
        Item(f"{SIGNS.get(row.state, '')} {state}".strip(), tone=tone),
        *(Item(f"{REPEATED} {part}", tone="wait") if part == repeated else Item(part) for part in more),
    ]


def _story(row: Row) -> Cell:
    """What was asked, what came back, what went wrong; each part named, each in a line of its own."""
    wrong = "earlier error" if row.state == "completed" else "error"
    place = f"{row.place.shown}:{row.place.line}  {row.place.code}" if row.place else ""
    parts = (("in", row.asked), ("out", row.answered), (wrong, row.last_error), ("at", place))
    return [*(Item(text, name) for name, text in parts if text), *(Item(note, "note") for note in row.notes)]
