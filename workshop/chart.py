"""What happened over time, as data, and as a picture or text of it: lanes of bars, kills, and two witnesses below.

Knows no histories and no ledgers: whoever makes a chart has seen what is in it. Colour says nothing that a shape, a
pattern or a letter does not say too. A picture stands in an `<img>`, where no page's style reaches it: it has a
background of its own, and follows the browser's light or dark scheme.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from rich.cells import set_cell_size

from workshop import proof
from workshop.shown import Block, Shown, wrapped
from workshop.text import count, printable, shorten, span

# How a bar ended, and what the witnesses say of a request: what became of it, or that a worker reported a failure.
FAILED = "failed"
SIGNS = {
    proof.RECORDED: "●",
    proof.ANSWERED: "○",
    proof.UNRECORDED: "◇",
    proof.ABANDONED: "✕",
    proof.IN_FLIGHT: "▷",
    proof.REFUSED: "■",
    FAILED: "▲",
    proof.AGAIN: "◎",
}
TONES = {"✓": "good", "✗": "bad", "?": "warn"}
KILLED, NOBODY = "†", "/"  # in text

# Kinds of bars. A bar is never drawn as an attempt that was seen unless somebody has seen it.
ATTEMPT, INFERRED, BETWEEN, LASTING, MOMENT = "attempt", "inferred", "between", "lasting", "moment"

WIDTH, EDGE, LANE, MAX_LANES, MAX_DOTS = 520, 12, 40, 40, 300  # units of the SVG; lanes and dots of one picture
CHARACTER = 6.9  # units that one takes, at most on average
PATTERNS = 6
COLUMNS = 100  # of text where nobody says how wide it may be
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800]  # seconds between ticks
STEPS += [hours * 3600 for hours in (1, 2, 3, 6, 12, 24, 48, 120, 240, 720, 2400, 24000)]

_LIGHT = {
    ".page": "fill:#fff;stroke:#d1d9e0",
    ".ink": "fill:#1f2328",
    ".dim": "fill:#59636e",
    ".grid": "stroke:#d1d9e0",
    ".line": "stroke:#59636e;fill:none",
    ".edge": "stroke:#1f2328",
    ".hatch": "stroke:#1f2328",
    ".good": "fill:#1a7f37",
    ".bad": "fill:#cf222e",
    ".goodline": "stroke:#1a7f37",
    ".badline": "stroke:#cf222e",
    ".warn": "fill:#9a6700",
    ".hollow": "fill:#fff",
    ".halo": "stroke:#fff",
    ".w": "fill:#d8dee4",
    ".w0": "fill:#9cd0ff",
    ".w1": "fill:#ffc680",
    ".w2": "fill:#d8b9ff",
    ".w3": "fill:#9fe0d0",
    ".w4": "fill:#ffb8c6",
    ".w5": "fill:#d9dd7f",
}
_DARK = {
    ".page": "fill:#0d1117;stroke:#3d444d",
    ".ink": "fill:#e6edf3",
    ".dim": "fill:#9198a1",
    ".grid": "stroke:#3d444d",
    ".line": "stroke:#9198a1;fill:none",
    ".edge": "stroke:#e6edf3",
    ".hatch": "stroke:#e6edf3",
    ".good": "fill:#3fb950",
    ".bad": "fill:#ff7b72",
    ".goodline": "stroke:#3fb950",
    ".badline": "stroke:#ff7b72",
    ".warn": "fill:#d29922",
    ".hollow": "fill:#0d1117",
    ".halo": "stroke:#0d1117",
    ".w": "fill:#3d444d",
    ".w0": "fill:#1158a7",
    ".w1": "fill:#8a4600",
    ".w2": "fill:#6639ba",
    ".w3": "fill:#13625d",
    ".w4": "fill:#8e2a47",
    ".w5": "fill:#5c5f12",
}
# Lines of a square of 8 units: each worker has its own.
_HATCHES = ("", "M0 8L8 0", "M0 0L8 8", "M4 0V8", "M0 4H8", "M0 8L8 0M0 0L8 8")


@dataclass(frozen=True)
class Bar:
    """A part of a lane, in seconds from the chart's beginning."""

    begin: float
    end: float
    kind: str = ATTEMPT
    mark: str = ""  # how it ended: one of SIGNS
    worker: int | None = None  # its place among the chart's workers; None where it is not known


@dataclass(frozen=True)
class Track:
    """A lane."""

    label: str
    words: str  # beside the label: how it went
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class Loss:
    """A moment at which a worker was lost, and how long nobody was at work then."""

    at: float
    words: str
    seen: bool = True  # False: it was worked out from what was seen
    until: float | None = None  # when somebody was at work again


@dataclass(frozen=True)
class Gap:
    """A time in which no worker was at work, or took what was there to be taken."""

    begin: float
    end: float


@dataclass(frozen=True)
class Column:
    """One call, as the two witnesses have it."""

    name: str
    recorded: bool  # by the history
    requests: tuple[str, ...]  # in the ledger, oldest first: keys of SIGNS


@dataclass(frozen=True)
class Witnesses:
    """What history and ledger say of all calls. `recorded` False: nothing records them, so there is no history."""

    columns: tuple[Column, ...]
    made_again: int
    recorded: bool = True
    ledger: bool = True
    agree: bool = True

    @property
    def dots(self) -> int:
        """How many stand in the longer of the two rows."""
        return sum(max(len(column.requests), 1) for column in self.columns)

    @property
    def verdict(self) -> str:
        """What follows from the two, in words."""
        if not self.ledger:
            return "no ledger to compare with"
        if not self.agree and not self.made_again:
            return "history and ledger do not agree"
        what = "recorded" if self.recorded else "answered"
        again = [column.name for column in self.columns if proof.AGAIN in column.requests]
        named = f" ({', '.join(again[:6])}{' …' * (len(again) > 6)})" if again else ""
        return f"{count(self.made_again, f'{what} call')} made again{named}"

    @property
    def sign(self) -> str:
        """How it is to be taken: a sign beside the colour."""
        if self.ledger and self.made_again:
            return "✗"
        return "✓" if self.ledger and self.agree else "?"


@dataclass(frozen=True)
class Chart:
    """A run over time. Times are in seconds from its beginning."""

    title: str
    end: float
    tracks: tuple[Track, ...]
    workers: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    gaps: tuple[Gap, ...] = ()
    witnesses: Witnesses | None = None
    notes: tuple[str, ...] = ()

    @property
    def spoken(self) -> str:
        """What the picture shows, in sentences: its alternative text."""
        parts = [self.title, *(loss.words for loss in self.losses)]
        parts += [f"No worker from {span(gap.begin)} to {span(gap.end)}" for gap in self.gaps]
        parts += [f"{track.label}: {track.words}" for track in self.tracks[:8]]
        if len(self.tracks) > 8:
            parts.append(f"{len(self.tracks) - 8} more lanes")
        if self.witnesses:
            parts.append(f"Two witnesses: {self.witnesses.verdict}")
        return ". ".join(shorten(part.rstrip("."), 300) for part in parts) + "."

    @property
    def said(self) -> list[str]:
        """What the picture shows beside its lanes, in lines."""
        gaps = [f"No worker at work from {span(gap.begin)} to {span(gap.end)}." for gap in self.gaps]
        verdict = [f"{self.witnesses.sign} {self.witnesses.verdict}"] if self.witnesses else []
        return [self.title, *(loss.words for loss in self.losses), *gaps, *self.notes, *verdict]

    @property
    def marks(self) -> list[str]:
        """The signs that are used here, in their order."""
        used = {bar.mark for track in self.tracks for bar in track.bars}
        if self.witnesses:
            used |= {mark for column in self.witnesses.columns for mark in column.requests}
        return [mark for mark in SIGNS if mark in used]

    def has(self, kind: str) -> bool:
        """Whether there is a bar of this kind."""
        return any(bar.kind == kind for track in self.tracks for bar in track.bars)


class Picture:
    """Something with a picture and its texts: HTML for notebooks, plain text elsewhere."""

    def svg(self) -> str:
        """The picture alone."""
        raise NotImplementedError

    @property
    def spoken(self) -> str:
        """What the picture shows, in sentences: its alternative text."""
        raise NotImplementedError

    def lines(self, width: int) -> list[str]:
        """The same as plain text of that many columns, 60 at least."""
        raise NotImplementedError

    def blocks(self) -> list[Block]:
        """The same for a page, below the picture."""
        raise NotImplementedError

    def __str__(self) -> str:
        return "\n".join(self.lines(COLUMNS))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": str(self)}

    def page(self) -> str:
        """A page of its own."""
        title = _clean(shorten(self.spoken, 100))
        head = '<meta charset="utf-8"/><meta name="viewport" content="width=device-width"/>'
        head += '<meta name="color-scheme" content="light dark"/>'
        head += "<style>body{font-family:system-ui;margin:1em}h1{font-size:1.1em}</style>"
        body = f"<main><h1>{title}</h1>{self.html()}</main>"
        return f'<!doctype html>\n<html lang="en"><head>{head}<title>{title}</title></head><body>{body}</body></html>\n'

    def html(self) -> str:
        """The picture, and below it the same as text."""
        details = f"<details><summary>The same as text</summary>{Shown(self.blocks()).html()}</details>"
        return f"<div>{image(self.svg(), self.spoken)}{details}</div>"


class ChartPicture(Picture):
    """The picture of a chart."""

    chart: Chart

    def svg(self) -> str:
        return svg_of(self.chart)

    @property
    def spoken(self) -> str:
        return self.chart.spoken


def ticks(whole: float, most: int) -> list[tuple[float, str]]:
    """Round moments from 0 to `whole` seconds, `most` at most, with their names."""
    step = next((step for step in STEPS if whole / step < most), whole)
    places = [round(number * step, 6) for number in range(int(whole / step + 1e-9) + 1)]
    size, unit = next((s, u) for s, u in ((86400, "d"), (3600, "h"), (60, "min"), (0.0, "s")) if step >= s)
    return [(at, f"{at / (size or 1):g} {unit}") for at in places]


# As text.


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
            sign = {ATTEMPT: "=", INFERRED: "-", BETWEEN: ".", LASTING: "~", MOMENT: "◆"}[bar.kind]
            if bar.kind == ATTEMPT and bar.worker is not None:
                sign = LETTERS[bar.worker % len(LETTERS)]
            for place in range(cell(bar.begin), cell(bar.end) + 1):
                if bar.kind != BETWEEN or drawn[place] == " ":
                    drawn[place] = sign
            if bar.mark:
                drawn[cell(bar.end) + (bar.kind != MOMENT)] = SIGNS[bar.mark]
        for loss in chart.losses:
            if drawn[cell(loss.at)] in (" ", NOBODY, "."):
                drawn[cell(loss.at)] = KILLED
        lines.append(f"{set_cell_size(shorten(track.label, names), names)} {''.join(drawn).rstrip()}")
    if hidden := len(chart.tracks) - MAX_LANES:
        lines += [f"... {count(hidden, 'lane')} more"] if hidden > 0 else []
    lines += [f"{KILLED} {loss.words}" for loss in chart.losses]
    lines += [f"{NOBODY} no worker from {span(gap.begin)} to {span(gap.end)}" for gap in chart.gaps]
    workers = [f"{LETTERS[at % len(LETTERS)]} {name}" for at, name in enumerate(chart.workers)]
    kinds = [f"{sign} {word}" for sign, kind, word in _KINDS if chart.has(kind)]
    plain = [bar for track in chart.tracks for bar in track.bars if bar.kind == ATTEMPT and bar.worker is None]
    unknown = ["= by a worker that is not known"] if plain and chart.workers else []
    signs = [f"{SIGNS[mark]} {mark}" for mark in chart.marks]
    lines += ["; ".join([*workers, *unknown, *kinds, *signs]), *chart.notes]
    if chart.witnesses:
        lines += witness_lines(chart.witnesses, width)
    return [part for line in lines for part in wrapped(printable(line), width, "  ")]


_KINDS = (
    ("-", INFERRED, "an attempt that nobody saw, by the retry policy"),
    (".", BETWEEN, "waiting"),
    ("~", LASTING, "a wait"),
)


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
            histories.append(f"{SIGNS[proof.RECORDED] if column.recorded else '-':{size}}")
            ledgers.append(f"{dots:{size}}")
            used, at = used + size, at + 1
        rows = [heads, *([histories] if witnesses.recorded else []), *([ledgers] if witnesses.ledger else [])]
        lines += ["".join(row).rstrip() for row in rows]
    return [*lines, f"{witnesses.sign} {witnesses.verdict}"]


# As a picture.


def image(svg: str, spoken: str, width: int = 660) -> str:
    """A picture for a page: GitHub and untrusted notebooks show an image, and no SVG of the page's own."""
    data = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    return f'<img width="{width}" style="max-width:100%;height:auto" alt="{_clean(spoken)}" src="{data}"/>'


def page(body: Iterable[str], height: float, spoken: str, workers: int = 0) -> str:
    """The whole of a picture: its parts on a page of its own, readable in both schemes."""
    light = "".join(f"{name}{{{style}}}" for name, style in _LIGHT.items())
    dark = "".join(f"{name}{{{style}}}" for name, style in _DARK.items())
    hatches = "".join(
        f'<pattern id="p{at}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect class="w{at}" width="8" height="8"/>'
        f'<path d="{_HATCHES[at]}" class="hatch" stroke-opacity="0.45" fill="none"/></pattern>'
        for at in range(min(workers, PATTERNS))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="system-ui, \'Segoe UI\', Helvetica, Arial, sans-serif" '
        f'font-size="13"><title>{_clean(spoken)}</title>'
        f"<style>{light}@media (prefers-color-scheme: dark){{{dark}}}"
        f".over{{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}}</style><defs>{hatches}"
        f'<pattern id="nobody" width="7" height="7" patternUnits="userSpaceOnUse"><path d="M0 7L7 0" class="badline" '
        f'stroke-opacity="0.7"/></pattern></defs>'
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="6"/>'
        f"{''.join(body)}</svg>"
    )


def words(x: float, y: float, text: str, style: str = "ink", **more: object) -> str:
    """A line of text; `style` are classes."""
    known = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}"{known}>{_clean(text)}</text>'


def dot(mark: str, x: float, y: float, part: str = "mark") -> str:
    """The sign of a mark, with (x, y) in its middle; `part` tells those of a legend from those that count."""
    s = 5.0
    match mark:
        case proof.RECORDED:
            shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{s}" class="good edge"/>'
        case proof.ANSWERED:
            shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{s}" class="hollow edge" stroke-width="2"/>'
        case proof.UNRECORDED:
            corners = f"M{x - s - 1:.1f} {y:.1f}l{s + 1} {-s - 1}l{s + 1} {s + 1}l{-s - 1} {s + 1}z"
            shape = f'<path d="{corners}" class="hollow edge" stroke-width="2"/>'
        case proof.ABANDONED:
            shape = _cross(x, y, s)
        case proof.IN_FLIGHT:
            shape = (
                f'<path d="M{x - s + 1:.1f} {y - s:.1f}v{2 * s}l{2 * s} {-s}z" class="hollow edge" stroke-width="2"/>'
            )
        case proof.REFUSED:
            side = 2 * s - 2
            shape = f'<rect x="{x - s + 1:.1f}" y="{y - s + 1:.1f}" width="{side}" height="{side}" class="ink halo"/>'
        case "failed":
            shape = f'<path d="M{x - s:.1f} {y + s - 1:.1f}h{2 * s}l{-s} {-2 * s + 1}z" class="ink halo"/>'
        case _:
            shape = (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{s + 1}" class="hollow badline" stroke-width="2.5"/>'
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{s - 2.5}" class="bad"/>'
            )
    return f'<g data-{part}="{mark}">{shape}</g>'


def flow(items: Sequence[tuple[str, str]], y: float, left: float = EDGE, right: float = WIDTH) -> tuple[str, float]:
    """Items of a legend, each a drawing at (0, 0) and its words, in as many lines as they need; and where they end."""
    drawn, x = "", left
    for sign, text in items:
        size = 22 + len(text) * CHARACTER + 10
        if x + size > right and x > left:
            x, y = left, y + 19
        drawn += f'<g transform="translate({x:.1f} {y:.1f})">{sign}{words(22, 4, text, "dim", font_size=12)}</g>'
        x += size
    return drawn, y + 19


def svg_of(chart: Chart) -> str:
    """The chart as a picture of `WIDTH` units, made to be read at 440 to 660 pixels."""
    whole, inner = max(chart.end, 0.001), WIDTH - 2 * EDGE - 8

    def x(at: float) -> float:
        return EDGE + inner * min(max(at / whole, 0.0), 1.0)

    told = [(x(loss.at) + 10, f"{loss.words}", "bad") for loss in chart.losses[:6]]
    for gap in chart.gaps[:6]:
        what = f"no worker for {span(gap.end - gap.begin)}"
        told.append(((x(gap.begin) + x(gap.end) - len(what) * CHARACTER) / 2, what, "ink"))
    above, top = _placed(told, 40)
    lanes = chart.tracks[:MAX_LANES]
    bottom = top + max(len(lanes), 1) * LANE
    body = [f'<g data-part="axis">{"".join(_axis(whole, x, top, bottom))}</g>']
    for gap in chart.gaps:
        size = max(x(gap.end) - x(gap.begin), 2)
        body.append(
            f'<rect data-part="no worker" x="{x(gap.begin):.1f}" y="{top:.1f}" width="{size:.1f}" '
            f'height="{bottom - top:.1f}" fill="url(#nobody)"/>'
        )
    body += [f'<g data-part="lane">{"".join(_lane(track, x, top + at * LANE))}</g>' for at, track in enumerate(lanes)]
    for loss in chart.losses:
        dashes = "" if loss.seen else ' stroke-dasharray="4 3"'
        body.append(
            f'<line data-part="kill" x1="{x(loss.at):.1f}" x2="{x(loss.at):.1f}" y1="{top - 10:.1f}" y2="{bottom:.1f}" '
            f'class="badline" stroke-width="2"{dashes}/>'
        )
        body.append(_cross(x(loss.at), top - 10, 5))
    body.append(above)
    y = bottom + 16
    if hidden := len(chart.tracks) - len(lanes):
        body.append(words(EDGE, y, f"{count(hidden, 'more lane')} in the text below", "dim"))
        y += 19
    legend, y = flow(_legend(chart), y)
    body.append(f'<g data-part="legend">{legend}</g>')
    for note in chart.notes:
        body.append(words(EDGE, y + 4, shorten(note, int(inner / 6.6)), "dim", font_size=12))
        y += 19
    if chart.witnesses:
        drawn, y = witness_dots(chart.witnesses, y + 6)
        body.append(drawn)
        colour = TONES[chart.witnesses.sign]
        verdict = f"{chart.witnesses.sign} {chart.witnesses.verdict}"
        body.append(words(EDGE, y + 12, shorten(verdict, int(inner / 10)), colour, font_size=16, font_weight=700))
        y += 20
    return page(body, y + 8, chart.spoken, len(chart.workers))


def _placed(told: Sequence[tuple[float, str, str]], top: float) -> tuple[str, float]:
    """Words at their places, moved so far that they fit the page, none over another; and where they end."""
    drawn, rows = "", [0.0]  # where each row is taken up to; the first is next to what the words are about
    for x, text, style in sorted(told, reverse=True):
        size = len(text) * CHARACTER * 1.15
        left = max(min(x, WIDTH - EDGE - size), float(EDGE))
        row = next((at for at, taken in enumerate(rows) if not taken or left + size < taken), len(rows))
        rows[row:] = [left - 8, *rows[row + 1 :]]
        drawn += words(left, -row * 17, shorten(text, 60), f"{style} halo over", font_weight=600)
    top += 17 * (len(rows) - 1) + 10 if told else -10
    return f'<g transform="translate(0 {top - 5:.1f})">{drawn}</g>', top + 12


def _cross(x: float, y: float, s: float) -> str:
    cross = f"M{x - s:.1f} {y - s:.1f}l{2 * s} {2 * s}m0 {-2 * s}l{-2 * s} {2 * s}"
    return f'<path d="{cross}" class="halo" stroke-width="6"/><path d="{cross}" class="badline" stroke-width="3"/>'


def _axis(whole: float, x: Callable[[float], float], top: float, bottom: float) -> Iterator[str]:
    for at, name in ticks(whole, 7):
        yield f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="26" y2="{bottom:.1f}" class="grid"/>'
        anchor = "start" if at == 0 else "end" if x(at) > WIDTH - 40 else "middle"
        yield words(x(at), 20, name, "dim", text_anchor=anchor, font_size=12)


def _lane(track: Track, x: Callable[[float], float], y: float) -> Iterator[str]:
    label = shorten(track.label, 44)
    said = shorten(track.words, max(int((WIDTH - 2 * EDGE - len(label) * 7.6 - 10) / CHARACTER), 8))
    yield (
        f'<text x="{EDGE}" y="{y + 13:.1f}" class="ink halo over"><tspan font-weight="600">{_clean(label)}</tspan>'
        f'<tspan dx="8" class="dim">{_clean(said)}</tspan></text>'
    )
    middle = y + 26
    marks = ""
    for bar in track.bars:
        begin, end = x(bar.begin), x(bar.end)
        if bar.kind == BETWEEN:
            yield f'<path d="M{begin:.1f} {middle}H{end:.1f}" class="line" stroke-width="1.5" stroke-dasharray="1 4"/>'
            continue
        size, tall = max(end - begin, 3.0), 14 if end - begin > 8 or not bar.mark else 6
        shape = (
            f'x="{begin:.1f}" y="{middle - tall / 2}" width="{size:.1f}" height="{tall}" rx="2" data-bar="{bar.kind}"'
        )
        if bar.kind == MOMENT:
            yield f'<path d="M{begin:.1f} {middle - 7}l7 7l-7 7l-7 -7z" class="w edge" data-bar="{bar.kind}"/>'
        elif bar.kind == INFERRED:
            box = f'x="{begin:.1f}" y="{middle - 6}" width="{max(size, 5):.1f}" height="12"'
            yield f'<rect {box} class="line" stroke-dasharray="2 2" data-bar="{bar.kind}"/>'
        elif bar.kind == LASTING:
            yield f'<rect x="{begin:.1f}" y="{middle - 3}" width="{size:.1f}" height="6" rx="3" class="w edge"/>'
        elif bar.worker is None:
            yield f'<rect {shape} class="w edge"/>'
        else:
            yield f'<rect {shape} class="edge" fill="url(#p{bar.worker % PATTERNS})"/>'
            letter = begin + 6 if size > 26 else end + 10 if end + 24 < WIDTH else begin - 16
            name = LETTERS[bar.worker % len(LETTERS)]
            marks += words(letter, middle + 4.5, name, "ink halo over", font_size=12, font_weight=700)
        if bar.mark and bar.kind != MOMENT:
            marks += dot(bar.mark, begin + size, middle)
    yield marks


def _clean(text: str) -> str:
    """For XML: escaped, without what is no character of it."""
    return escape("".join(c for c in printable(text) if c not in "\ufffe\uffff"))


def _legend(chart: Chart) -> list[tuple[str, str]]:
    """Only what is in the picture."""
    box = 'x="0" y="-7" width="16" height="14" rx="2"'
    items = []
    for at, name in enumerate(chart.workers[:12]):
        items.append(
            (f'<rect {box} class="edge" fill="url(#p{at % PATTERNS})"/>', f"{LETTERS[at]}: {shorten(name, 30)}")
        )
    bars = [bar for track in chart.tracks for bar in track.bars]
    if any(bar.kind == ATTEMPT and bar.worker is None for bar in bars) and chart.workers:
        items.append((f'<rect {box} class="w edge"/>', "by a worker that the history does not keep"))
    if chart.has(BETWEEN):
        items.append(('<path d="M0 0H18" class="line" stroke-width="1.5" stroke-dasharray="1 4"/>', "waiting"))
    if chart.has(INFERRED):
        items.append(
            (f'<rect {box} class="line" stroke-dasharray="3 2"/>', "not seen: worked out from the retry policy")
        )
    if any(not loss.seen for loss in chart.losses):
        sign = '<line x1="8" x2="8" y1="-8" y2="8" class="badline" stroke-width="2" stroke-dasharray="4 3"/>'
        items.append((sign, "not seen: worked out from the timeout"))
    if chart.gaps:
        items.append((f'<rect {box} fill="url(#nobody)"/>', "no worker at work on this run"))
    items += [(dot(mark, 8, 0, "legend"), mark) for mark in chart.marks]
    return items


def witness_dots(witnesses: Witnesses, y: float, left: float = EDGE, right: float = WIDTH - EDGE) -> tuple[str, float]:
    """Two rows of dots, a column for each call, in as many pairs of rows as they need; and where they end."""
    columns = witnesses.columns
    if witnesses.dots > MAX_DOTS:
        return words(left, y + 12, f"{count(len(columns), 'call')}: more than a picture can show", "dim"), y + 22
    rows = [name for name, there in (("history", witnesses.recorded), ("ledger", witnesses.ledger)) if there]
    head, step, row = 70, 17, 22
    size = [max(len(c.requests) * step, len(shorten(c.name, 12)) * 6.4) + 16 for c in columns]
    drawn, at = "", 0
    while at < len(columns):
        drawn += "".join(
            words(left, y + 20 + place * row + 9, name, "ink", font_weight=600) for place, name in enumerate(rows)
        )
        x = left + head
        while at < len(columns) and (x + size[at] <= right or x == left + head):
            column = columns[at]
            room = right - x
            gap = min(step, (room - 16) / max(len(column.requests), 1))
            drawn += (
                f'<line x1="{x - 8:.1f}" x2="{x - 8:.1f}" y1="{y:.1f}" y2="{y + 20 + row * len(rows)}" class="grid"/>'
            )
            drawn += words(x, y + 11, shorten(column.name, 12), "dim", font_size=12)
            middle = y + 25
            if witnesses.recorded:
                inside = dot(proof.RECORDED, x + 6, middle) if column.recorded else words(x + 3, middle + 4, "-", "dim")
                drawn += f'<g data-witness="history">{inside}</g>'
                middle += row
            if witnesses.ledger:
                inside = "".join(dot(mark, x + 6 + gap * n, middle) for n, mark in enumerate(column.requests))
                drawn += f'<g data-witness="ledger">{inside}</g>'
            x, at = x + size[at], at + 1
        y += 20 + row * len(rows) + 6
    return drawn, y
