"""A run as a table for the terminal and as a picture for notebooks. Texts are shortened here only, for the eye."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from workshop.audit.timeline import Timeline
from workshop.audit.words import headline, outcome, title, totals
from workshop.history import Row, Run, as_text
from workshop.text import Advice, printable, shorten, span, told

__all__ = ["Audit", "Timeline", "timeline", "totals"]

# Colour says nothing that the words do not say too.
_STYLES = {"completed": "green", "failed": "red", "timed out": "red", "retrying": "yellow", "cancelled": "dim"}
_LINES = 3  # of a cell that one text may fill


def timeline(run: Run, now: datetime | None = None) -> Timeline:
    """The picture of a run, shown by a notebook when it is a cell's last value."""
    return Timeline(run, now or datetime.now(UTC))


class Audit:
    """Prints a run: `console.print(Audit(run))`. Fits any width from about 60 columns."""

    def __init__(self, run: Run, now: datetime | None = None, notebook: bool = False) -> None:
        self.run = run
        self.now = now or datetime.now(UTC)
        self.notebook = notebook

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Group(*self._head(options.max_width), self._table(options.max_width), Text(f"Total: {totals(self.run)}."))
        if self.run.open or self.run.failure:
            why = Advice(f"workshop why {shlex.quote(printable(self.run.workflow_id))}", "ex.why()")
            yield Text(f"Why? {told(why, self.notebook)}", overflow="fold")

    def _head(self, width: int) -> Iterator[Text]:
        run = self.run
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
        if run.reason:
            yield Text(f"Reason:   {shorten(run.reason, 2 * width - 12)}")
        yield Text(f"Workers:  {printable(', '.join(_workers(run))) or 'none yet'}")

    def _table(self, width: int) -> Table:
        table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
        table.add_column("After", justify="right", no_wrap=True)
        table.add_column("What", width=20, overflow="fold")
        table.add_column("Asked and answered", ratio=1, overflow="fold")
        table.add_column("Outcome", width=15, overflow="fold")
        many = len(_workers(self.run)) > 1
        for row in self.run.rows:
            by = f"\nby {printable(row.worker)}" if many and row.worker else ""
            at = span((row.scheduled - self.run.started).total_seconds())
            state = Text(outcome(row, self.now).replace(", ", "\n") + by)
            state.stylize(_STYLES.get(row.state, ""), 0, len(state.plain.partition("\n")[0]))
            what = Text(f"{row.kind}\n{shorten(title(row), 60)}")
            table.add_row(at, what, _story(row, max(width - 52, 20) * _LINES), state)
        if not self.run.rows:
            table.add_row("", "nothing yet", "", "")
        return table


def _story(row: Row, length: int) -> Text:
    """What was asked, what came back, what went wrong; each part named, each in a line of its own."""
    parts = [("in", row.asked), ("out", row.answered)]
    wrong = [("earlier error" if row.state == "completed" else "error", row.last_error)]
    if row.place:
        wrong.append(("at", f"{row.place.shown}:{row.place.line}  {row.place.code}"))
    cells = [Text.assemble((f"{name}: ", "dim"), shorten(text, length)) for name, text in parts if text]
    cells += [Text.assemble((f"{name}: ", "dim"), shorten(text, 4 * length)) for name, text in wrong if text]
    cells += [Text.assemble(("note: ", "dim"), printable(note)) for note in row.notes]
    return Text("\n").join(cells)


def _workers(run: Run) -> list[str]:
    """Who took part, in the order of appearance."""
    return list(dict.fromkeys(worker for worker in (*(row.worker for row in run.rows), run.worker) if worker))
