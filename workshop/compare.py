"""The same questions under the same faults and kills, three ways: the plain agent, the same in a loop, the durable one.

A seed makes the plan. Each way has practice services of its own, and is asked one question after another, so that a
fault meets the question that it is planned for. All that is told was counted in the ledgers or read from exit codes.
"""

import csv
import io
import math
import queue
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from workshop import fork_server
from workshop.chart_svg import TONES
from workshop.demo import SolutionPrograms
from workshop.errors import WorkshopError
from workshop.practice.areas import STATES, name_of
from workshop.practice.prices import PRICE_BASIS
from workshop.processes import PATIENCE, Program, wait_for
from workshop.proof import prove, prove_plain
from workshop.services import EMBEDDED, own_services
from workshop.settings import Settings
from workshop.shown import Block, Folded, Item, Shown, Table
from workshop.svg import EDGE, WIDTH, Picture, image, page, tag, words
from workshop.text import Say, count, span

PLAIN, LOOP, DURABLE = "plain", "retry loop", "durable"
RUNS, PAUSE = 3, 1.0  # of the loop: runs at most; seconds before the second, twice as many before the third
WAYS = {
    PLAIN: "solution 01, a process for each question. If it ends without an answer, nobody asks again.",
    LOOP: "the same program, and a loop around it, as a supervisor has: after an error or a kill, it is run again from "
    f"the beginning; {RUNS} runs at most, {PAUSE:g} s and {2 * PAUSE:g} s apart.",
    DURABLE: "solution 03, a starter for each question and one worker. If that is killed, another is started at once.",
}
MOST = 50  # questions
SECONDS_EACH, SECONDS_BEFORE = 2.7, 8.0  # that a question takes, and what comes before them, on two cores

NOTHING, WEATHER, KILL = "nothing", "weather down", "kill"
# What a question meets -> the fault, as for POST /faults. Three in a row: as many as the OpenAI client tries by itself.
TROUBLES: dict[str, dict[str, Any]] = {
    NOTHING: {},
    "rate limit": {"kind": "rate-limit", "times": 3},
    "server error": {"kind": "server-error", "times": 3},
    "dropped connection": {"kind": "drop", "times": 3},
    "slow answer": {"kind": "slow", "times": 1, "delay": 2},
    WEATHER: {"kind": "down", "times": 3},
    KILL: {},  # the call is held, and whatever runs the agent gets SIGKILL
}
ANSWERED, BLIND, LOST = "answered", "answered without the weather", "no answer"
SIGNS = {ANSWERED: "✓", BLIND: "?", LOST: "✗"}


@dataclass(frozen=True)
class PlannedQuestion:
    """A question, what it meets, and in which model call (0: in none)."""

    number: int  # from 1
    question: str
    trouble: str
    call: int

    @property
    def meets(self) -> str:
        """In a phrase: "kill in call 2"."""
        return f"{self.trouble} in call {self.call}" if self.call else self.trouble


@dataclass(frozen=True)
class ComparedRow:
    """What became of one question, one way."""

    way: str
    number: int
    question: str
    meets: str
    outcome: str  # ANSWERED, BLIND or LOST
    exit_code: int  # of the last starter; negative: by that signal
    runs: int  # of the starter
    seconds: float  # from the first start to the last end
    requests: int  # that the model received
    answered: int  # of these
    again: int  # answered, and answered before
    abandoned: int  # in flight when its caller was killed
    refused: int
    cost_usd: float
    recorded: int | None = None  # calls in the history, of the durable agent only
    recorded_again: int | None = None  # of these, made again
    agree: bool | None = None  # whether history and ledger do


@dataclass(frozen=True)
class Doing:
    """What a way does now."""

    way: str
    what: str


def plan(questions: int, seed: int) -> list[PlannedQuestion]:
    """That many questions, each about a different state. In every eight that are drawn, each trouble comes once.

    Raises:
        WorkshopError: there are not that many.
    """
    if not 1 <= questions <= MOST:
        raise WorkshopError(f"{questions} questions cannot be asked.", f"choose a number from 1 to {MOST}")
    dice = random.Random(seed)
    states = dice.sample(sorted(STATES), questions)
    drawn: list[tuple[str, int]] = []
    while len(drawn) < questions:
        rest = [(name, dice.choice((1, 2))) for name, fault in TROUBLES.items() if fault and name != WEATHER]
        rest += [(KILL, 1), (NOTHING, 0)]
        dice.shuffle(rest)
        drawn += [(KILL, 2), (WEATHER, 0), *rest]  # however few the questions are, these two are among them
    drawn = drawn[:questions]
    dice.shuffle(drawn)
    return [
        PlannedQuestion(number, f"Any weather alerts in {name_of(state)}?", trouble, call)
        for number, (state, (trouble, call)) in enumerate(zip(states, drawn, strict=True), 1)
    ]


def announced(questions: int) -> str:
    """What is done, and how long it takes, before it begins."""
    seconds = SECONDS_BEFORE + SECONDS_EACH * questions
    return f"{count(questions, 'question')}, three ways at the same time: about {seconds:.0f} s"


class Way(SolutionPrograms):
    """One way to run the agent. Ask it in one thread, and end it from another."""

    def __init__(self, name: str, settings: Settings) -> None:
        super().__init__(settings, name)
        self._worker: Program | None = None

    def ask(self, planned: PlannedQuestion, tell: Callable[[Doing], None]) -> ComparedRow:
        """Asks a question while it meets what is planned, and counts.

        Raises:
            WorkshopError, TimeoutError, ChildProcessError: it could not be asked.
        """
        practice = self.practice
        if self.name == DURABLE and self._worker is None:
            self._worker = self._start_worker()
        since = practice.newest()
        if planned.trouble == KILL:
            self.hold(planned.call)
        elif fault := TROUBLES[planned.trouble]:
            target = "weather" if planned.trouble == WEATHER else "model"
            practice.fault(target, after=planned.call - 1 if planned.call else None, **fault)
        tell(Doing(self.name, f"question {planned.number}: {planned.meets}"))
        began = time.monotonic()
        for run in range(1, RUNS + 1):
            folder = "03_durable_agent" if self.name == DURABLE else "01_agent_hello_world"
            starter = self.start(folder, "starter.py", planned.question)
            if planned.trouble == KILL and run == 1:
                self.kill_when_held(self._worker or starter, planned.call, since)
                if self._worker:
                    self._worker = self._start_worker()
            code = starter.wait(PATIENCE)
            if code == 0 or self.name != LOOP or run == RUNS:
                break
            tell(Doing(self.name, f"question {planned.number}: exit code {code}, a pause, then run {run + 1}"))
            self.ended.wait(PAUSE * 2 ** (run - 1))
        seconds = time.monotonic() - began

        def settled() -> dict[str, Any] | None:
            book = practice.ledger(since)
            return None if any(entry["outcome"] == "in flight" for entry in book["entries"]) else book

        book = wait_for("the ledger to be settled", settled)
        practice.clear()
        model = [entry for entry in book["entries"] if entry["service"] == "model"]
        told = any(entry["service"] == "weather" and entry["outcome"] == "completed" for entry in book["entries"])
        counted = prove_plain(planned.question, model)
        proof = prove(self.history_of(starter), model) if self.name == DURABLE else None
        return ComparedRow(
            way=self.name,
            number=planned.number,
            question=planned.question,
            meets=planned.meets,
            outcome=LOST if code else ANSWERED if told else BLIND,
            exit_code=code,
            runs=run,
            seconds=round(seconds, 2),
            requests=len(model),
            answered=counted.answered,
            again=counted.made_again,
            abandoned=counted.abandoned,
            refused=counted.refused,
            cost_usd=book["totals"]["model"]["cost_usd"],
            recorded=proof.recorded if proof else None,
            recorded_again=proof.made_again if proof else None,
            agree=proof.agree if proof else None,
        )

    def _start_worker(self) -> Program:
        return self.start("03_durable_agent", "worker.py").until_printed("polls the task queue")


@contextmanager
def ways_on_own_services(say: Say) -> Iterator[list[Way]]:
    """The three ways, with services and a directory of their own, which end with it."""
    with ExitStack() as stack:
        say("Starting services of its own, on free ports ...")
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workshop-compare-")))
        ways = []
        for name in WAYS:
            needed = EMBEDDED if name == DURABLE else ("practice",)
            services = stack.enter_context(own_services(directory / name, names=needed))
            ways.append(Way(name, services.settings))
            stack.callback(ways[-1].end)
        say("Importing the packages once, for all programs ...")
        fork_server.await_imports(lambda _: None)
        yield ways


def ask_all(ways: Sequence[Way], planned: Sequence[PlannedQuestion]) -> Iterator[ComparedRow | Doing]:
    """Asks all ways at the same time; yields what each does, and its rows as they come.

    Raises:
        WorkshopError: a question could not be asked.
    """
    events: queue.Queue[ComparedRow | Doing | Future[None]] = queue.Queue()

    def ask(way: Way) -> None:
        for question in planned:
            try:
                events.put(way.ask(question, events.put))
            except (TimeoutError, ChildProcessError) as error:
                where = f"Question {question.number} ({way.name}, {question.meets})"
                raise WorkshopError(f"{where}: {error}", "run it again") from None

    with ThreadPoolExecutor(len(ways)) as pool:
        asking = [pool.submit(ask, way) for way in ways]
        for task in asking:
            task.add_done_callback(events.put)
        left = len(asking)
        try:
            while left:
                event = events.get()
                if isinstance(event, Future):
                    event.result()
                    left -= 1
                else:
                    yield event
        finally:
            if left:
                for way in ways:
                    way.end()


class Sums:
    """One way, all its questions together."""

    def __init__(self, rows: Sequence[ComparedRow]) -> None:
        outcomes = [row.outcome for row in rows]
        self.asked = len(rows)
        self.answered = outcomes.count(ANSWERED)  # with the weather
        self.blind = outcomes.count(BLIND)
        self.lost = outcomes.count(LOST)
        self.requests = sum(row.requests for row in rows)
        self.paid = sum(row.answered for row in rows)  # model calls that were answered
        self.again = sum(row.again for row in rows)
        self.abandoned = sum(row.abandoned for row in rows)
        self.cost_usd = sum(row.cost_usd for row in rows)
        # Seconds to an answer, of those that came: one of them, by nearest rank.
        seconds = sorted(row.seconds for row in rows if row.outcome != LOST)
        self.p50, self.p95 = (seconds[math.ceil(p * len(seconds)) - 1] if seconds else None for p in (0.5, 0.95))

    @property
    def paid_words(self) -> str:
        return f"{count(self.paid, 'model call')} paid, {self.again} of them paid before"


# A line of the table -> what stands there.
LINES: dict[str, Callable[[Sums], str]] = {
    "answered": lambda sums: f"{sums.answered} of {sums.asked}",
    "without the weather": lambda sums: str(sums.blind),
    "no answer": lambda sums: str(sums.lost),
    "model requests": lambda sums: str(sums.requests),
    "model calls paid": lambda sums: str(sums.paid),
    "of these, paid before": lambda sums: str(sums.again),
    "in flight at a kill": lambda sums: str(sums.abandoned),
    "cost": lambda sums: f"${sums.cost_usd:.6f}",
    "time to answer, p50": lambda sums: "-" if sums.p50 is None else span(sums.p50),
    "time to answer, p95": lambda sums: "-" if sums.p95 is None else span(sums.p95),
}
NOTES = (
    "Without the weather: the tool failed, the model answered all the same, and the exit code is 0.",
    "Paid before: the same call of the same question had been answered, and the answer was lost.",
    "In flight at a kill: made again by whoever asks again, the durable agent too; a provider may bill both.",
    "Time to answer: of the questions that were answered, from the first start to the last exit, pauses included.",
)


@dataclass(frozen=True)
class Comparison(Picture):
    """The rows of a comparison, even if it was stopped before all were there."""

    questions: int
    seed: int
    rows: tuple[ComparedRow, ...]

    def of(self, way: str) -> list[ComparedRow]:
        """The rows of one way, in the order in which they were asked."""
        return [row for row in self.rows if row.way == way]

    @cached_property
    def sums(self) -> dict[str, Sums]:
        """What the rows of each way come to, of those that have rows."""
        return {way: Sums(rows) for way in WAYS if (rows := self.of(way))}

    @property
    def recorded_again(self) -> int:
        """Calls that the durable agent made again although they were recorded: 0, or the claim does not hold."""
        return sum(row.recorded_again or 0 for row in self.rows)

    @property
    def problems(self) -> list[str]:
        """What was not as the workshop claims."""
        found = [f"{count(self.recorded_again, 'recorded call')} made again"] if self.recorded_again else []
        return found + [
            f"history and ledger do not agree on question {row.number}" for row in self.rows if row.agree is False
        ]

    @property
    def title(self) -> str:
        return f"{count(self.questions, 'question')}, seed {self.seed}: the same faults and kills for each way"

    @property
    def proof(self) -> str:
        """What the two witnesses say of the durable agent, as far as it was asked."""
        rows = self.of(DURABLE)
        recorded = sum(row.recorded or 0 for row in rows)
        agreed, asked = sum(bool(row.agree) for row in rows), count(len(rows), "question")
        return (
            f"Durable, by two witnesses: the histories have {count(recorded, 'recorded call')}, and of these "
            f"{self.recorded_again} were made again; history and ledger agree on {agreed} of {asked}."
        )

    @property
    def blocks(self) -> list[Block]:
        """All of it but the picture."""
        met = {row.number: row.meets for row in self.rows}
        kinds = {name: sum(meets.startswith(name) for meets in met.values()) for name in TROUBLES}
        notes = [
            f"The questions met: {', '.join(f'{number} x {name}' for name, number in kinds.items() if number)}.",
            *(f"{way.capitalize()}: {WAYS[way]}" for way in self.sums),
            *NOTES,
            PRICE_BASIS,
        ]
        cells = [[[Item(name)], *([Item(told(sums))] for sums in self.sums.values())] for name, told in LINES.items()]
        return [
            Item(self.title, tone="strong"),
            Folded("Question by question:", [self._question(number, met[number]) for number in sorted(met)]),
            Table(("counted", *self.sums), cells),
            Item(self.proof, tone="bad" if self.problems else "good"),
            Folded("How it was counted:", [Item(note) for note in notes]),
        ]

    def _question(self, number: int, meets: str) -> Item:
        """What became of a question, each way that has asked it."""
        rows = [row for way in self.sums for row in self.of(way) if row.number == number]
        told = [f"{row.way} {SIGNS[row.outcome]}{f' ({row.again} paid before)' if row.again else ''}" for row in rows]
        return Item(", ".join(told), f"{number}, {meets}", indent=2)

    def html(self) -> str:
        """The picture, and all the rest below it."""
        return f"<div>{image(self.svg(), self.spoken)}{Shown.html(self)}</div>"

    @property
    def spoken(self) -> str:
        parts = []
        for way, sums in self.sums.items():
            parts.append(f"{way}: {sums.answered} of {sums.asked} answered, {sums.paid_words}, ${sums.cost_usd:.6f}")
        return f"{self.title}. {'; '.join(parts)}."

    def svg(self) -> str:
        """A square for each question and way, with the calls paid again below it; then bars."""
        left, side, y = 90.0, min(24.0, (WIDTH - 180) / self.questions), 48.0
        small = {"text_anchor": "middle", "font_size": f"{min(13, 0.6 * side):.1f}"}
        drawn = [words(EDGE, 26, self.title, font_weight=600)]
        for way, sums in self.sums.items():
            drawn.append(words(left - 8, y + 15, way, text_anchor="end"))
            for row in self.of(way):
                x = left + (row.number - 1) * side
                colour = TONES[SIGNS[row.outcome]]
                drawn.append(tag("rect", x=x + 1, y=y, width=side - 2, height=20, rx=3, class_=colour))
                drawn.append(words(x + side / 2, y + 15, SIGNS[row.outcome], "hollow", **small))
                if row.again:
                    drawn.append(words(x + side / 2, y + 34, f"+{row.again}", "bad", **small))
            drawn.append(words(left + side * self.questions + 6, y + 15, LINES["answered"](sums)))
            y += 48
        key = ", ".join(f"{sign} {outcome}" for outcome, sign in SIGNS.items())
        for line in (f"Questions: {key}.", "+1: one model call paid that had been paid before."):
            drawn.append(words(EDGE, y, line, "dim", font_size=12))
            y += 18
        bars: dict[str, Callable[[Sums], float]] = {
            "model calls paid": lambda sums: sums.paid,
            "cost": lambda sums: sums.cost_usd,
            "time to answer, p50": lambda sums: sums.p50 or 0,
            "time to answer, p95": lambda sums: sums.p95 or 0,
        }
        for name, value in bars.items():
            y += 14
            drawn.append(words(left, y, name, font_weight=600))
            longest = max(map(value, self.sums.values()), default=0) or 1
            for way, sums in self.sums.items():
                y += 21
                long, told = (WIDTH - 310) * value(sums) / longest, LINES[name](sums)
                drawn.append(words(left - 8, y, way, text_anchor="end"))
                drawn.append(tag("rect", x=left, y=y - 12, width=long, height=15, class_="w0"))
                if name == "model calls paid" and sums.again:
                    again = long * sums.again / sums.paid
                    drawn.append(tag("rect", x=left + long - again, y=y - 12, width=again, height=15, class_="bad"))
                    told += f", {sums.again} of them paid before"
                drawn.append(words(left + long + 6, y, told))
            y += 14
        return page(drawn, y, self.spoken)

    def csv(self) -> str:
        """All rows, with a line of names before them."""
        text = io.StringIO()
        table = csv.DictWriter(text, [field.name for field in fields(ComparedRow)], lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(row) for row in self.rows)
        return text.getvalue()
