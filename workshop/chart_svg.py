"""A chart as a picture of `WIDTH` units, made to be read at 440 to 660 pixels."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from workshop import proof
from workshop.chart import FAILED, LETTERS, MAX_LANES, SIGNS, BarKind, Chart, Track, few_enough, ticks
from workshop.svg import EDGE, PATTERNS, WIDTH, clean, fits, flow, page, tag, wide, words
from workshop.text import count, shorten, span

LANE = 40  # units
TONES = {"✓": "good", "✗": "bad", "?": "warn"}
HOLLOW = {"class_": "hollow edge", "stroke_width": 2}
CROSS = "M-5 -5l10 10m0 -10l-10 10"
# One of SIGNS, with (0, 0) in its middle.
SHAPES = {
    proof.RECORDED: tag("circle", r=5, class_="good edge"),
    proof.ANSWERED: tag("circle", r=5, **HOLLOW),
    proof.UNRECORDED: tag("path", d="M-6 0l6 -6l6 6l-6 6z", **HOLLOW),
    proof.ABANDONED: tag("path", d=CROSS, class_="halo", stroke_width=6)
    + tag("path", d=CROSS, class_="badline", stroke_width=3),
    proof.IN_FLIGHT: tag("path", d="M-4 -5v10l10 -5z", **HOLLOW),
    proof.REFUSED: tag("rect", x=-4, y=-4, width=8, height=8, class_="ink halo"),
    FAILED: tag("path", d="M-5 4h10l-5 -9z", class_="ink halo"),
    proof.AGAIN: tag("circle", r=6, class_="hollow badline", stroke_width="2.5") + tag("circle", r="2.5", class_="bad"),
}


def svg_of(chart: Chart) -> str:
    whole, inner = max(chart.end, 0.001), WIDTH - 2 * EDGE - 8

    def x(at: float) -> float:
        return EDGE + inner * min(max(at / whole, 0.0), 1.0)

    told = [(x(loss.at) + 10, loss.words, "bad") for loss in chart.losses[:6]]
    for gap in chart.gaps[:6]:
        what = f"no worker at work for {span(gap.end - gap.begin)}"
        told.append(((x(gap.begin) + x(gap.end) - wide(what)) / 2, what, "ink"))
    above, top = _placed(told, 40)
    lanes = chart.tracks[:MAX_LANES]
    bottom = top + max(len(lanes), 1) * LANE
    body = [tag("g", *_axis(whole, x, bottom), data_part="axis")]
    for gap in chart.gaps:
        size = {"width": max(x(gap.end) - x(gap.begin), 2), "height": bottom - top}
        body.append(tag("rect", data_part="no worker", x=x(gap.begin), y=top, **size, fill="url(#nobody)"))
    body += [tag("g", *_lane(track, x, top + at * LANE), data_part="lane") for at, track in enumerate(lanes)]
    for loss in chart.losses:
        line = {"x1": x(loss.at), "x2": x(loss.at), "y1": top - 10, "y2": bottom, "stroke_width": 2}
        dashes = {} if loss.seen else {"stroke_dasharray": "4 3"}
        body.append(tag("line", data_part="kill", **line, class_="badline", **dashes))
        body.append(tag("g", SHAPES[proof.ABANDONED], transform=f"translate({x(loss.at):.1f} {top - 10:.1f})"))
    body.append(above)
    y = bottom + 16
    if hidden := len(chart.tracks) - len(lanes):
        body.append(words(EDGE, y, f"{count(hidden, 'more lane')} in the text below", "dim"))
        y += 19
    legend, y = flow(_legend(chart), y)
    body.append(tag("g", legend, data_part="legend"))
    for note in chart.notes:
        body.append(words(EDGE, y + 4, shorten(note, fits(inner, 12)), "dim", font_size=12))
        y += 19
    if chart.witnesses:
        drawn, y = witness_dots(chart.witnesses, y + 6)
        body.append(drawn)
        colour = TONES[chart.witnesses.sign]
        verdict = f"{chart.witnesses.sign} {chart.witnesses.verdict}"
        body.append(
            words(EDGE, y + 12, shorten(verdict, fits(inner, 16, bold=True)), colour, font_size=16, font_weight=700)
        )
        y += 20
    return page(body, y + 8, chart.spoken, len(chart.workers))


def _placed(told: Sequence[tuple[float, str, str]], top: float) -> tuple[str, float]:
    """Words at their places, moved so far that they fit the page, none over another; and where they end."""
    drawn, rows = "", [0.0]  # where each row is taken up to; the first is next to what the words are about
    for x, text, style in sorted(told, reverse=True):
        size = wide(text, bold=True)
        left = max(min(x, WIDTH - EDGE - size), float(EDGE))
        row = next((at for at, taken in enumerate(rows) if not taken or left + size < taken), len(rows))
        rows[row:] = [left - 8, *rows[row + 1 :]]
        drawn += words(left, -row * 17, shorten(text, 60), f"{style} halo over", font_weight=600)
    top += 17 * (len(rows) - 1) + 10 if told else -10
    return tag("g", drawn, transform=f"translate(0 {top - 5:.1f})"), top + 12


def _axis(whole: float, x: Callable[[float], float], bottom: float) -> Iterator[str]:
    for at, name in ticks(whole, 7):
        yield tag("line", x1=x(at), x2=x(at), y1=26, y2=bottom, class_="grid")
        anchor = "start" if at == 0 else "end" if x(at) > WIDTH - 40 else "middle"
        yield words(x(at), 20, name, "dim", text_anchor=anchor, font_size=12)


def _lane(track: Track, x: Callable[[float], float], y: float) -> Iterator[str]:
    label = shorten(track.label, 44)
    said = shorten(track.words, max(fits(WIDTH - 2 * EDGE - wide(label, bold=True) - 10), 8))
    spans = tag("tspan", clean(label), font_weight=600), tag("tspan", clean(said), dx=8, class_="dim")
    yield tag("text", *spans, x=EDGE, y=y + 13, class_="ink halo over")
    middle = y + 26
    marks = ""
    for bar in track.bars:
        begin, end = x(bar.begin), x(bar.end)
        size = max(end - begin, 3.0)
        yield _bar(bar.kind, bar.worker, begin, size, middle, 14 if end - begin > 8 or not bar.mark else 6)
        if bar.worker is not None:
            letter = begin + 6 if size > 26 else end + 10 if end + 24 < WIDTH else begin - 16
            name = LETTERS[bar.worker % len(LETTERS)]
            marks += words(letter, middle + 4.5, name, "ink halo over", font_size=12, font_weight=700)
        if bar.mark and bar.kind != BarKind.MOMENT:
            marks += dot(bar.mark, begin + size, middle)
    yield marks


def _bar(kind: BarKind, worker: int | None, x: float, size: float, middle: float, tall: float = 14) -> str:
    """A bar from x on, in a lane and in a legend."""
    if kind == BarKind.BETWEEN:
        dotted = {"stroke_width": "1.5", "stroke_dasharray": "1 4"}
        return tag("path", d=f"M{x:.1f} {middle}h{size:.1f}", class_="line", **dotted)
    if kind == BarKind.MOMENT:
        return tag("path", d=f"M{x:.1f} {middle - 7}l7 7l-7 7l-7 -7z", class_="w edge")
    if kind == BarKind.INFERRED:
        box: dict[str, Any] = {"width": max(size, 5), "height": 12, "class_": "line", "stroke_dasharray": "2 2"}
    elif kind == BarKind.LASTING:
        box = {"width": size, "height": 6, "rx": 3, "class_": "w edge"}
    elif worker is None:
        box = {"width": size, "height": tall, "rx": 2, "class_": "w edge"}
    else:
        box = {"width": size, "height": tall, "rx": 2, "class_": "edge", "fill": f"url(#p{worker % PATTERNS})"}
    return tag("rect", x=x, y=middle - box["height"] / 2, **box)


def _legend(chart: Chart) -> list[tuple[str, str]]:
    """The chart's, and what only a picture has."""
    items = []
    for what, meaning in chart.legend:
        if what in SIGNS:
            items.append((dot(what, 8, 0, "legend"), meaning))
        elif isinstance(what, BarKind):
            items.append((_bar(what, None, 0, 16, 0), meaning))
        else:
            items.append((_bar(BarKind.ATTEMPT, LETTERS.index(what), 0, 16, 0), f"{what}: {shorten(meaning, 30)}"))
    if any(not loss.seen for loss in chart.losses):
        dashes = {"stroke_width": 2, "stroke_dasharray": "4 3"}
        line = tag("line", x1=8, x2=8, y1=-8, y2=8, class_="badline", **dashes)
        items.append((line, "not seen: worked out from the timeout"))
    if chart.gaps:
        items.append((tag("rect", y=-7, width=16, height=14, fill="url(#nobody)"), "no worker at work on this run"))
    return items


def dot(mark: str, x: float, y: float, part: str = "mark") -> str:
    """The sign of a mark, with (x, y) in its middle; `part` tells those of a legend from those that count."""
    return tag("g", SHAPES[mark], transform=f"translate({x:.1f} {y:.1f})", **{f"data_{part}": mark})


def witness_dots(
    found: proof.Proof | proof.PlainProof, y: float, left: float = EDGE, right: float = WIDTH - EDGE
) -> tuple[str, float]:
    """Two rows of dots, a column for each call, in as many pairs of rows as they need; and where they end."""
    if not few_enough(found.calls):
        return words(left, y + 12, f"{count(len(found.calls), 'call')}: more than a picture can show", "dim"), y + 22
    durable = isinstance(found, proof.Proof)
    rows = [name for name, there in (("history", durable), ("ledger", found.ledger)) if there]
    first, step, row = left + 70, 17, 22
    drawn, x = "", right  # where the next column goes
    for call in found.calls:
        size = max(len(call.fates) * step, wide(shorten(call.name, 12), 12)) + 16
        if x + size > right and x != first:
            y += 26 + row * len(rows) if drawn else 0
            x = first
            for place, name in enumerate(rows):
                drawn += words(left, y + 29 + place * row, name, font_weight=600)
        drawn += tag("line", x1=x - 8, x2=x - 8, y1=y, y2=y + 20 + row * len(rows), class_="grid")
        drawn += words(x, y + 11, shorten(call.name, 12), "dim", font_size=12)
        middle = y + 25
        if durable:
            inside = dot(proof.RECORDED, x + 6, middle) if call.recorded else words(x + 3, middle + 4, "-", "dim")
            drawn += tag("g", inside, data_witness="history")
            middle += row
        if found.ledger:
            gap = min(step, (right - x - 16) / max(len(call.fates), 1))
            inside = "".join(dot(mark, x + 6 + gap * n, middle) for n, mark in enumerate(call.fates))
            drawn += tag("g", inside, data_witness="ledger")
        x += size
    return drawn, y + 26 + row * len(rows) if drawn else y
