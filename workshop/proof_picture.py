"""A proof as one picture: how many calls were made again, large, and the dots of its witnesses; two side by side."""

from workshop.chart import SIGNS
from workshop.chart_svg import TONES, dot, witness_dots
from workshop.chart_text import witness_lines
from workshop.proof import PlainProof, Proof
from workshop.shown import Block, Item, wrapped
from workshop.svg import EDGE, WIDTH, Picture, fits, flow, page, tag, words
from workshop.text import count, printable, scrub, shorten


class ProofPicture(Picture):
    """One proof, or a plain and a durable one beside each other.

    Args:
        found: the proof that was asked for.
        plain: of the same question, asked of the plain agent, to stand before it.
    """

    def __init__(self, found: Proof | PlainProof, plain: PlainProof | None = None) -> None:
        self.proofs = [*([plain] if plain else []), found]

    @property
    def spoken(self) -> str:
        told = [f"{_heading(one)}, {_about(one)}: {one.verdict}. {_sums(one)}." for one in self.proofs]
        return " ".join(told)

    @property
    def blocks(self) -> list[Block]:
        return [Item(line, indent=len(line) - len(line.lstrip())) for one in self.proofs for line in one.lines]

    def lines(self, width: int) -> list[str]:
        found = []
        for one in self.proofs:
            found += [
                *one.lines,
                *witness_lines(one, width),
                ", ".join(f"{SIGNS[mark]} {mark}" for mark in _marks(one)),
                "",
            ]
        return [part for line in found[:-1] for part in wrapped(printable(line), width, "  ")]

    def svg(self) -> str:
        size = (WIDTH - EDGE) / len(self.proofs)
        drawn, bottom = [], 0.0
        for number, one in enumerate(self.proofs):
            left, right = EDGE + number * size, (number + 1) * size
            panel, end = _panel(one, left, right)
            drawn.append(panel)
            bottom = max(bottom, end)
        for number in range(1, len(self.proofs)):
            x = number * size + EDGE / 2 - 3
            drawn.append(tag("line", x1=x, x2=x, y1=14, y2=bottom, class_="grid"))
        return page(drawn, bottom + 8, self.spoken)


def _panel(found: Proof | PlainProof, left: float, right: float) -> tuple[str, float]:
    """One proof between two edges, and where it ends."""
    colour = TONES[found.sign]
    number = "" if found.sign == "?" else f"{found.made_again} "
    drawn = words(left, 26, _heading(found), "ink", font_weight=600)
    drawn += words(left, 42, shorten(_about(found), fits(right - left, 12)), "dim", font_size=12)
    large = words(left, 100, f"{number}{found.sign}", colour, font_size=60, font_weight=700)
    drawn += tag("g", large, data_part="verdict")
    y = 124.0
    for line in wrapped(
        found.verdict.removeprefix(number), fits(right - left, 15, bold=True)
    ):  # what that number counts
        drawn += words(left, y, line, colour, font_size=15, font_weight=700)
        y += 20
    dots, y = witness_dots(found, y, left, right)
    items = [(dot(mark, 6, 0, "legend"), f"{times} {mark}") for mark, times in _marks(found).items()]
    legend, y = flow(items, y + 10, left, right)
    drawn += dots + legend
    for text in found.unexplained:
        for line in wrapped(text, fits(right - left, bold=True)):
            drawn += words(left, y + 12, line, "bad", font_weight=600)
            y += 18
    return drawn, y


def _marks(found: Proof | PlainProof) -> dict[str, int]:
    """The fates of its requests, as the key has them, and how many had each."""
    fates = [mark for call in found.calls for mark in call.fates]
    return {mark: fates.count(mark) for mark in SIGNS if mark in fates}


def _heading(found: Proof | PlainProof) -> str:
    return "The plain agent" if isinstance(found, PlainProof) else "The durable run"


def _about(found: Proof | PlainProof) -> str:
    return shorten(scrub(found.question if isinstance(found, PlainProof) else found.workflow_id), 100)


def _sums(found: Proof | PlainProof) -> str:
    if isinstance(found, PlainProof):
        return "; ".join(found.sums)
    parts = [f"history: {count(found.recorded, 'recorded call')}"]
    if found.ledger:
        requests = sum(len(call.fates) for call in found.calls)
        parts += [f"ledger: {count(requests, 'request')}", *found.others]
    return "; ".join(parts)
