"""A run as a picture for notebooks, the same as text beside it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any

from workshop.audit import at, headline, outcome, title, totals
from workshop.history import MODEL, TIMER, TOOL, WAIT, Row, Run
from workshop.text import printable, shorten, span

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


class Timeline:
    """A bar for each row with words beside it, for light and dark themes, and its text; elsewhere the text alone."""

    def __init__(self, run: Run, now: datetime | None = None) -> None:
        self.run = run
        self.now = now or max(datetime.now(UTC), run.latest)

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
