"""A run as a table for a terminal and as a picture for notebooks. Texts are shortened here only, for the eye."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from workshop.history import (
    HANDOFF,
    INLINE_TOOL,
    MODEL,
    MODEL_ACTIVITIES,
    TASK_FAILURE,
    TIMER,
    TOOL,
    WAIT,
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

# Of the picture, in units of the SVG: its width, that of the labels and of the bars, and the height of a row.
WIDTH, LABELS, BARS, ROW = 930, 240, 360, 26
MAX_ROWS = 100  # a picture taller than this shows nothing; the text below it has all
_CELL = "text-align:left;vertical-align:top"
_LEGEND = "Solid: an attempt, or a timer. Dashed: waiting, and earlier attempts. ✕: failed."
# All colours come from the page: the text's own colour, and a theme's accent where there is one.
_ACCENT = {
    MODEL: "var(--jp-info-color1, #3b7dd8)",
    TOOL: "var(--jp-success-color1, #3a8f3e)",
    TIMER: "var(--jp-border-color1, #888)",
    WAIT: "var(--jp-border-color1, #888)",
}


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


def timeline(run: Run, now: datetime | None = None) -> "Timeline":
    """The picture of a run, shown by a notebook when it is a cell's last value."""
    return Timeline(run, now or max(datetime.now(UTC), run.latest))


class Timeline:
    """A bar for each row with words beside it, for light and dark themes, and its text; elsewhere the text alone."""

    def __init__(self, run: Run, now: datetime) -> None:
        self.run = run
        self.now = now

    def __str__(self) -> str:
        """One line for each row: when, what, how it ended."""
        lines = [f"{at(row, self.run):>9}  {_label(row):<40}  {outcome(row, self.now)}" for row in self.run.rows]
        return "\n".join([self._summary(), *lines])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": str(self)}

    def _summary(self) -> str:
        run = self.run
        return printable(f"Workflow {run.workflow_id}: {headline(run, self.now)}; {totals(run)}.")

    def html(self) -> str:
        """The picture, and below it the same as a table of text."""
        names = ("At", "What", "Outcome", "Asked", "Answered")
        heads = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in names)
        body = ""
        for row in self.run.rows:
            error = f" (error: {shorten(row.last_error, 300)})" if row.last_error else ""
            answered = shorten(row.answered, 300) + error
            cells = (at(row, self.run), _label(row), outcome(row, self.now), shorten(row.asked, 300), answered)
            body += "<tr>" + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells) + "</tr>"
        return (
            f"<div>{self.svg()}<details><summary>The same as text</summary><p>{escape(self._summary())}</p>"
            f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></details></div>"
        )

    def svg(self) -> str:
        """The picture alone: a solid bar is an attempt, a dashed one is waiting or earlier attempts."""
        rows = self.run.rows[:MAX_ROWS]
        height = (len(rows) + 2) * ROW
        hidden = len(self.run.rows) - len(rows)
        more = f" The first {len(rows)} rows; {hidden} more are in the text below." if hidden else ""
        return (
            f'<svg role="img" aria-label="{escape(self._summary() + more)}" viewBox="0 0 {WIDTH} {height}" '
            f'xmlns="http://www.w3.org/2000/svg" style="width:100%;max-width:{WIDTH}px;height:auto;color:inherit" '
            f'font-family="system-ui, sans-serif" font-size="13" fill="currentColor">'
            f"{''.join(self._axis(height))}{''.join(self._row(i, row) for i, row in enumerate(rows))}</svg>"
        )

    def _axis(self, height: int) -> Iterator[str]:
        whole = self.run.duration or (self.now - self.run.started).total_seconds()
        for part, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
            x, end = LABELS + BARS * part, height - ROW
            yield f'<line x1="{x}" x2="{x}" y1="{ROW - 6}" y2="{end}" stroke="currentColor" stroke-opacity="0.2"/>'
            yield f'<text x="{x}" y="14" text-anchor="{anchor}">{span(whole * part)}</text>'
        yield f'<text x="{LABELS}" y="{height - 8}" font-size="11">{_LEGEND}</text>'

    def _x(self, time: datetime) -> float:
        end = max([self.run.closed or self.now, *(row.closed for row in self.run.rows if row.closed)])
        whole = max((end - self.run.started).total_seconds(), 0.001)
        part = (time - self.run.started).total_seconds() / whole
        return LABELS + BARS * min(max(part, 0.0), 1.0)

    def _row(self, index: int, row: Row) -> str:
        y = ROW * (index + 1)
        end = row.closed or self.now
        waits = row.state in ("retrying", "scheduled")
        # The history keeps the last attempt's start only; what came before it is attempts and waits between them.
        began = end if waits else row.started or row.scheduled
        bars = ""
        if waits or self._x(began) - self._x(row.scheduled) > 3:
            bars += self._bar(y, row.scheduled, began, 'fill="none" stroke-dasharray="4 3"')
        if not waits:
            fill = f'fill="{_ACCENT.get(row.kind, "currentColor")}" fill-opacity="0.55"'
            bars += self._bar(y, began, end, fill)
            if row.state in ("failed", "timed out"):
                cross = max(self._x(end), self._x(began) + 2.0) + 3
                bars += f'<text x="{cross:.1f}" y="{y + 16}" font-weight="bold">✕</text>'
        return (
            f'<text x="{LABELS - 8}" y="{y + 15}" text-anchor="end">{escape(shorten(_label(row), 33))}</text>{bars}'
            f'<text x="{LABELS + BARS + 10}" y="{y + 15}">{escape(shorten(outcome(row, self.now), 44))}</text>'
        )

    def _bar(self, y: int, begin: datetime, end: datetime, fill: str) -> str:
        x = self._x(begin)
        shape = f'x="{x:.1f}" y="{y + 3}" width="{max(self._x(end) - x, 2.0):.1f}" height="{ROW - 10}" rx="2"'
        return f'<rect {shape} stroke="currentColor" {fill}/>'


def _label(row: Row) -> str:
    return shorten(f"{row.kind}: {title(row)}", 100)
