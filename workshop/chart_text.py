"""A chart as plain text, for terminals of any width from 60 columns."""

from rich.cells import set_cell_size

from workshop.chart import LETTERS, MAX_LANES, SIGNS, BarKind, Chart, few_enough, ticks
from workshop.proof import RECORDED, PlainProof, Proof
from workshop.shown import wrapped
from workshop.text import count, printable, shorten, span

KILLED, NOBODY = "†", "/"
BARS: dict[str, str] = {
    BarKind.ATTEMPT: "=",
    BarKind.UNKNOWN: "=",
    BarKind.INFERRED: "-",
    BarKind.BETWEEN: ".",
    BarKind.LASTING: "~",
    BarKind.MOMENT: "◆",
}


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
            sign = BARS[bar.kind]
            if bar.kind == BarKind.ATTEMPT and bar.worker is not None:
                sign = LETTERS[bar.worker % len(LETTERS)]
            for place in range(cell(bar.begin), cell(bar.end) + 1):
                if bar.kind != BarKind.BETWEEN or drawn[place] == " ":
                    drawn[place] = sign
            if bar.mark:
                drawn[cell(bar.end) + (bar.kind != BarKind.MOMENT)] = SIGNS[bar.mark]
        for loss in chart.losses:
            if drawn[cell(loss.at)] in (" ", NOBODY, "."):
                drawn[cell(loss.at)] = KILLED
        lines.append(f"{set_cell_size(shorten(track.label, names), names)} {''.join(drawn).rstrip()}")
    if len(chart.tracks) > MAX_LANES:
        lines.append(f"... {count(len(chart.tracks) - MAX_LANES, 'lane')} more")
    lines += [f"{KILLED} {loss.words}" for loss in chart.losses]
    lines += [f"{NOBODY} no worker at work from {span(gap.begin)} to {span(gap.end)}" for gap in chart.gaps]
    lines.append("; ".join(f"{BARS.get(what) or SIGNS.get(what, what)} {meaning}" for what, meaning in chart.legend))
    lines += chart.notes
    if chart.witnesses:
        lines += witness_lines(chart.witnesses, width)
    return [part for line in lines for part in wrapped(printable(line), width, "  ")]


def witness_lines(found: Proof | PlainProof, width: int) -> list[str]:
    """The two rows of dots, a column for each call, in as many pairs of rows as the width asks for."""
    lines, head = [], 10
    used = width  # columns of the last pair of rows
    rows: dict[str, str] = {}
    for call in found.calls if few_enough(found.calls) else ():
        dots = "".join(SIGNS[mark] for mark in call.fates) or "-"
        name = shorten(call.name, 12)
        size = min(max(len(name), len(dots)) + 2, width - head)
        if used + size > width:
            lines += [row.rstrip() for row in rows.values()]
            used = head
            there = ("", *(["history"] if isinstance(found, Proof) else []), *(["ledger"] if found.ledger else []))
            rows = {witness: f"{witness:{head}}" for witness in there}
        used += size
        cells = {"": set_cell_size(name, size), "history": SIGNS[RECORDED] if call.recorded else "-", "ledger": dots}
        rows = {witness: f"{row}{cells[witness]:{size}}" for witness, row in rows.items()}
    return [*lines, *(row.rstrip() for row in rows.values()), f"{found.sign} {found.verdict}"]
