"""A run as a table for a terminal. Texts are shortened here and in the timeline only, for the eye."""

import shlex
from datetime import UTC, datetime

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from workshop.history import (
    HANDOFF,
    INLINE_TOOL,
    MODEL_ACTIVITIES,
    TASK_FAILURE,
    TIMER,
    Row,
    Run,
    as_text,
    shown,
)
from workshop.temporal import folder_of
from workshop.text import Advice, count, printable, shorten, span, told

# Colour says nothing that the words do not say too.
_STYLES = {"completed": "green", "failed": "red", "timed out": "red", "retrying": "yellow", "cancelled": "dim"}
_LINES = 3  # of a cell that one text may fill


def title(row: Row) -> str:
    """What a row is about, next to its kind."""
    if row.model:
        named = [row.name] if row.name not in MODEL_ACTIVITIES else []
        return ", ".join([*named, row.model.model] if row.model.model else named) or "the worker's model"
    if row.kind == TASK_FAILURE:
        return row.errors[0].type if row.errors else row.name
    return f"to {row.name}" if row.kind == HANDOFF else row.name


def at(row: Row, run: Run) -> str:
    """When it began, from the start of the run."""
    return span((row.scheduled - run.started).total_seconds())


def outcome(row: Row, now: datetime) -> str:
    """The state with what belongs to it: attempts, time taken or gone by, the next try."""
    parts = [row.answered.partition(":")[0] if row.kind == HANDOFF else row.state]
    if row.attempts > 1 or (row.attempts == 1 and row.state not in ("completed", "running")):
        parts.append(count(row.attempts, "attempt"))
    took = span(row.duration) if row.duration is not None else ""
    if row.open and row.duration is None:
        took = f"{span((now - row.scheduled).total_seconds())} so far"
    if row.kind not in (HANDOFF, INLINE_TOOL) and took not in ("", "0.00 s"):
        parts.append(took)
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


class Audit:
    """Prints a run: `console.print(Audit(run))`. Fits any width from about 60 columns."""

    def __init__(self, run: Run, now: datetime | None = None, notebook: bool = False) -> None:
        self.run = run
        self.now = now or max(datetime.now(UTC), run.latest)
        self.notebook = notebook

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        run, width = self.run, options.max_width
        # Who took part, in the order of appearance.
        workers = list(dict.fromkeys(worker for worker in (*(row.worker for row in run.rows), run.worker) if worker))
        # Whole, however long: it is there to be copied.
        yield Text.assemble("Workflow ", (printable(run.workflow_id), "bold"), overflow="fold")
        yield Text(f"{printable(run.type)}, task queue {printable(run.task_queue)}, {headline(run, self.now)}")
        if run.earlier or run.continues:
            gone = "; earlier ones are no longer kept" if run.continues else ""
            yield Text(f"Runs:     {len(run.earlier) + 1}, each continued as new, counted as one{gone}")
        yield Text(f"Asked:    {shorten(as_text(run.input), 2 * width - 12)}")
        if run.status == "completed":
            yield Text(f"Answered: {shorten(as_text(run.result), 2 * width - 12)}")
        if run.failure:
            yield Text(f"Failed:   {shorten(run.failure, 4 * width - 12)}")
        for note in run.notes:
            yield Text(f"Note:     {printable(note)}", overflow="fold")
        if run.reason:
            yield Text(f"Reason:   {shorten(run.reason, 2 * width - 12)}")
        folders = {worker: folder_of(worker) for worker in workers if len(workers) > 1}
        named = [f"{worker} ({shown(folder)})" if (folder := folders.get(worker)) else worker for worker in workers]
        if weight(run):
            yield Text(f"History:  {weight(run)}")
        yield Text(f"Workers:  {printable(', '.join(named)) or 'none yet'}")

        table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
        table.add_column("After", justify="right", no_wrap=True)
        table.add_column("What", width=20, overflow="fold")
        table.add_column("Asked and answered", ratio=1, overflow="fold")
        table.add_column("Outcome", width=15, overflow="fold")
        for row in run.rows:
            by = f"\nby {printable(row.worker)}" if len(workers) > 1 and row.worker else ""
            if folder := folders.get(row.worker):
                by += f" in {printable(shown(folder))}"
            state = Text(outcome(row, self.now).replace(", ", "\n") + by)
            state.stylize(_STYLES.get(row.state, ""), 0, len(state.plain.partition("\n")[0]))
            what = Text(f"{row.kind}\n{shorten(title(row), 60)}")
            table.add_row(at(row, run), what, _story(row, max(width - 52, 20) * _LINES), state)
        if not run.rows:
            table.add_row("", "nothing yet", "", "")
        yield table
        yield Text(f"Total: {totals(run)}.")
        if run.open or run.failure:
            why = Advice(f"workshop why {shlex.quote(printable(run.workflow_id))}", "ex.why()")
            yield Text(f"Why? {told(why, self.notebook)}", overflow="fold")


def _story(row: Row, length: int) -> Text:
    """What was asked, what came back, what went wrong; each part named, each in a line of its own."""
    wrong = "earlier error" if row.state == "completed" else "error"
    place = f"{row.place.shown}:{row.place.line}  {row.place.code}" if row.place else ""
    parts = [
        ("in", row.asked, length),
        ("out", row.answered, length),
        (wrong, row.last_error, 4 * length),
        ("at", place, 4 * length),
    ]
    cells = [Text.assemble((f"{name}: ", "dim"), shorten(text, room)) for name, text, room in parts if text]
    cells += [Text.assemble(("note: ", "dim"), printable(note)) for note in row.notes]
    return Text("\n").join(cells)
