"""What happened over time, as data: lanes of bars, kills, and two witnesses below; and the words that go with it.

Knows no histories and no ledgers: whoever makes a chart has seen what is in it. chart_svg.py draws it, chart_text.py
writes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from workshop import proof
from workshop.text import shorten, span

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

MAX_LANES, MAX_DOTS = 40, 300  # of one picture
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # of workers
STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800]  # seconds between ticks
STEPS += [hours * 3600 for hours in (1, 2, 3, 6, 12, 24, 48, 120, 240, 720, 2400, 24000)]


class BarKind(StrEnum):
    """A bar is never drawn as an attempt that was seen unless somebody has seen it."""

    ATTEMPT = auto()
    INFERRED = auto()  # an attempt that nobody saw
    BETWEEN = auto()  # two attempts
    LASTING = auto()
    MOMENT = auto()
    UNKNOWN = auto()  # in a legend only: an attempt by a worker that is not known


@dataclass(frozen=True)
class Bar:
    """A part of a lane, in seconds from the chart's beginning."""

    begin: float
    end: float
    kind: BarKind = BarKind.ATTEMPT
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
    worker: str = ""  # who was lost


@dataclass(frozen=True)
class Gap:
    """A time in which no worker was at work, or took what was there to be taken."""

    begin: float
    end: float


@dataclass(frozen=True)
class Chart:
    """A run over time. Times are in seconds from its beginning."""

    title: str
    end: float
    tracks: tuple[Track, ...]
    workers: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    gaps: tuple[Gap, ...] = ()
    witnesses: proof.Proof | proof.PlainProof | None = None
    notes: tuple[str, ...] = ()

    @property
    def spoken(self) -> str:
        """What the picture shows, in sentences: its alternative text."""
        parts = [self.title, *(loss.words for loss in self.losses)]
        parts += [f"No worker at work from {span(gap.begin)} to {span(gap.end)}" for gap in self.gaps]
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
    def legend(self) -> list[tuple[str, str]]:
        """What is in here and needs words: a worker's letter, a kind of bar or one of SIGNS, and what it means."""
        bars = [bar for track in self.tracks for bar in track.bars]
        kinds = {bar.kind for bar in bars}
        kinds |= {
            BarKind.UNKNOWN for bar in bars if bar.kind == BarKind.ATTEMPT and bar.worker is None and self.workers
        }
        marks = {bar.mark for bar in bars}
        if self.witnesses:
            marks |= {mark for call in self.witnesses.calls for mark in call.fates}
        meanings = {
            BarKind.UNKNOWN: "by a worker that is not known",
            BarKind.INFERRED: "not seen: worked out from the retry policy",
            BarKind.BETWEEN: "waiting",
            BarKind.LASTING: "a wait",
        }
        return [
            *zip(LETTERS, self.workers, strict=False),
            *((kind, meaning) for kind, meaning in meanings.items() if kind in kinds),
            *((mark, mark) for mark in SIGNS if mark in marks),
        ]


def few_enough(calls: Sequence[proof.ProvedCall]) -> bool:
    """Whether a picture can show a dot for each request of these calls."""
    return sum(max(len(call.fates), 1) for call in calls) <= MAX_DOTS


def ticks(whole: float, most: int) -> list[tuple[float, str]]:
    """Round moments from 0 to `whole` seconds, `most` at most, with their names."""
    step = next((step for step in STEPS if whole / step < most), whole)
    places = [round(number * step, 6) for number in range(int(whole / step + 1e-9) + 1)]
    size, unit = next((s, u) for s, u in ((86400, "d"), (3600, "h"), (60, "min"), (0.0, "s")) if step >= s)
    return [(at, f"{at / (size or 1):g} {unit}") for at in places]
