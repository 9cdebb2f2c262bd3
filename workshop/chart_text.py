"""A chart as plain text, for terminals of any width from 60 columns."""

from rich.cells import set_cell_size

from workshop.chart import (
    ATTEMPT,
    BETWEEN,
    INFERRED,
    LASTING,
    LETTERS,
    MAX_DOTS,
    MAX_LANES,
    MOMENT,
    SIGNS,
    UNKNOWN,
    Chart,
    Witnesses,
    ticks,
)
from workshop.proof import RECORDED
from workshop.shown import wrapped
from workshop.text import count, printable, shorten, span

KILLED, NOBODY = "†", "/"
BARS = {ATTEMPT: "=", UNKNOWN: "=", INFERRED: "-", BETWEEN: ".", LASTING: "~", MOMENT: "◆"}


def text_of(chart: Chart, width: int) -> list[str]:
    """The chart for a terminal of `width` columns, 60 at least."""
    names = min(max([len(track.label) for track in chart.tracks], default=8), width // 3)
    cells = width - names - 3
    whole = max(chart.end, 0.001)

    def cell(at: float) -> int:
        return min(max(int(at / whole * (cells - 1)), 0), cells - 1)

    axis = [" "] * (cells + 6)
    free = 0
    for at, name in ticks(whole, max(cells // 9, 2)):
        if cell(at) >= free and cell(at) + len(name) <= len(axis) - 3:
            axis[cell(at) : cell(at) + len(name)] = name
            free = cell(at) + len(name) + 1
    lines = [f"{'':{names}} {''.join(axis).rstrip()}"]
    for track in chart.tracks[:MAX_LANES]:
        drawn = [" "] * (cells + 1)
        for gap in chart.gaps:
            for place in range(cell(gap.begin), cell(gap.end) + 1):
                drawn[place] = NOBODY
        for bar in track.bars:
            known = bar.kind == ATTEMPT and bar.worker is not None
            sign = LETTERS[bar.worker % len(LETTERS)] if known else BARS[bar.kind]
            for place in range(cell(bar.begin), cell(bar.end) + 1):
                if bar.kind != BETWEEN or drawn[place] == " ":
                    drawn[place] = sign
            if bar.mark:
                drawn[cell(bar.end) + (bar.kind != MOMENT)] = SIGNS[bar.mark]
        for loss in chart.losses:
            if drawn[cell(loss.at)] in (" ", NOBODY, "."):
                drawn[cell(loss.at)] = KILLED
        lines.append(f"{set_cell_size(shorten(track.label, names), names)} {''.join(drawn).rstrip()}")
    if len(chart.tracks) > MAX_LANES:
        lines.append(f"... {count(len(chart.tracks) - MAX_LANES, 'lane')} more")
    lines += [f"{KILLED} {loss.words}" for loss in chart.losses]
    lines += [f"{NOBODY} no worker from {span(gap.begin)} to {span(gap.end)}" for gap in chart.gaps]
    lines.append("; ".join(f"{BARS.get(what) or SIGNS.get(what, what)} {meaning}" for what, meaning in chart.legend))
    lines += chart.notes
    if chart.witnesses:
        lines += witness_lines(chart.witnesses, width)
    return [part for line in lines for part in wrapped(printable(line), width, "  ")]


def witness_lines(witnesses: Witnesses, width: int) -> list[str]:
    """The two rows of dots, a column for each call, in as many pairs of rows as the width asks for."""
    lines, head = [], 10
    columns = witnesses.columns if witnesses.dots <= MAX_DOTS else ()
    at = 0
    while at < len(columns):
        heads, histories, ledgers = [f"{'':{head}}"], [f"{'history':{head}}"], [f"{'ledger':{head}}"]
        used = head
        while at < len(columns):
            column = columns[at]
            dots = "".join(SIGNS[mark] for mark in column.requests) or "-"
            name = shorten(column.name, 12)
            size = min(max(len(name), len(dots)) + 2, width - head)
            if used + size > width and used > head:
                break
            heads.append(set_cell_size(name, size))
            histories.append(f"{SIGNS[RECORDED] if column.recorded else '-':{size}}")
            ledgers.append(f"{dots:{size}}")
            used, at = used + size, at + 1
        rows = [heads, *([histories] if witnesses.recorded else []), *([ledgers] if witnesses.ledger else [])]
        lines += ["".join(row).rstrip() for row in rows]
    return [*lines, f"{witnesses.sign} {witnesses.verdict}"]
