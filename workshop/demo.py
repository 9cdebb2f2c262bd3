"""Kills a plain and a durable run in the middle of their second model call, and compares what each of them lost.

Everything runs on services of its own, on free ports, and is gone afterwards.
"""

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workshop import fork_server
from workshop.errors import WorkshopError
from workshop.history import MODEL, Run, read_history
from workshop.practice.client import Practice
from workshop.processes import PATIENCE, Program, wait_for
from workshop.proof import PlainProof, Proof, prove, prove_plain
from workshop.services import own_services
from workshop.settings import Settings
from workshop.temporal import connect
from workshop.text import count

QUESTION = "Any weather alerts in California?"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How a run ended that was killed in its second model call."""

    answer: str
    run: Run
    proof: Proof


def start_solution(settings: Settings, folder: str, script: str, *arguments: str, log: str) -> Program:
    """Starts a script of a solution where it stands, in practice mode, with the services of `settings`."""
    ours = ("OPENAI_", "TEMPORAL_", "WEATHER_", "WORKSHOP_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = settings.root / "solutions" / folder / script
    log_path = settings.state_dir / "logs" / f"{log}.log"
    return fork_server.start(path, arguments, inherited | settings.practice_env(), log_path)


async def history_of(settings: Settings, starter: Program) -> Run:
    """The history of the workflow that a starter has started, by the id that it printed: the server's list lags.

    Raises:
        WorkshopError: it has started none, or the server does not answer.
    """
    found = re.match(r"Workflow (\S+)", starter.text)
    if not found:
        raise WorkshopError(f"The starter started no workflow:\n{starter.text.strip()}", "workshop doctor")
    client = await connect(settings.practice_env(), settings.temporal_address, "default")
    return await read_history(client, found[1])


def hold(practice: Practice, call: int) -> None:
    """Has the practice model hold the answer to the `call`th model call from now on, counted from 1."""
    practice.fault("model", "slow", delay=PATIENCE, after=call - 1)


def kill_when_held(practice: Practice, program: Program, call: int, since: int) -> None:
    """Kills `program` once the `call`th model call after ledger entry `since` is held; then nothing is held any more.

    Raises:
        WorkshopError: the program ended before, or the call did not come.
    """

    def held() -> bool:
        if not program.running:
            raise WorkshopError(
                f"A program ended before it could be killed:\n{program.text.strip()}", "workshop doctor"
            )
        outcomes = [entry["outcome"] for entry in practice.entries("model", since)]
        return outcomes == ["completed"] * (call - 1) + ["in flight"]

    try:
        wait_for(f"model call {call}", held)
    except TimeoutError as error:
        raise WorkshopError(f"It {error}, in vain.", "run it again") from None
    program.kill()
    practice.clear()


class Demo:
    """The demo on one set of services."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self._settings, self.say = settings, say
        self._practice = Practice(settings.practice_url)
        self.programs: list[Program] = []  # that it has started

    def plain(self) -> tuple[str, PlainProof]:
        """The plain agent: its process is killed, and asked again from the beginning. Returns answer and proof."""
        since = self._practice.newest()
        hold(self._practice, 2)
        kill_when_held(self._practice, self._start("01_agent_hello_world", "starter.py", QUESTION), 2, since)
        self.say("Killed (SIGKILL). Nothing was kept, so the question is asked again, from the beginning.")
        answer, _ = self.ask_plain()
        return answer, prove_plain(QUESTION, self._practice.entries("model", since))

    def ask_plain(self) -> tuple[str, PlainProof]:
        """The plain agent, and whatever befalls it; if it is lost, it is asked once more."""
        since = self._practice.newest()
        program = self._start("01_agent_hello_world", "starter.py", QUESTION)
        if self._over(program):
            self.say(program.text.strip())
            self.say("So it is asked again, from the beginning.")
            program = self._start("01_agent_hello_world", "starter.py", QUESTION)
        return self._answer(program), prove_plain(QUESTION, self._practice.entries("model", since))

    def durable(self) -> Outcome:
        """The durable agent: its worker is killed, and another worker goes on where it was."""
        since = self._practice.newest()
        hold(self._practice, 2)
        worker = self._start("03_durable_agent", "worker.py")
        starter = self._start("03_durable_agent", "starter.py", QUESTION)
        kill_when_held(self._practice, worker, 2, since)
        self.say("Killed the worker (SIGKILL). A new worker starts; the starter just goes on waiting.")
        worker = self._start("03_durable_agent", "worker.py")
        return self._outcome(starter, worker)

    def ask_durable(self) -> Outcome:
        """The durable agent, and whatever befalls it."""
        worker = self._start("03_durable_agent", "worker.py")
        return self._outcome(self._start("03_durable_agent", "starter.py", QUESTION), worker)

    def limit_rate(self) -> None:
        """Has the model refuse the second call, as many times as the OpenAI client asks by itself."""
        self._practice.fault("model", "rate-limit", after=1, times=3)

    def _outcome(self, starter: Program, worker: Program) -> Outcome:
        self._answer(starter)
        worker.kill()  # another run has workers of its own
        run = asyncio.run(history_of(self._settings, starter))
        return Outcome(str(run.result), run, prove(run, self._practice.ledger()["entries"]))

    def _start(self, folder: str, script: str, *arguments: str) -> Program:
        log = f"demo-{len(self.programs)}"
        self.programs.append(start_solution(self._settings, folder, script, *arguments, log=log))
        return self.programs[-1]

    def _over(self, program: Program) -> int:
        """Its exit code, once it has ended."""
        try:
            return program.wait()
        except TimeoutError:
            raise WorkshopError(f"No answer within {PATIENCE:.0f} s.", "run the demo again") from None

    def _answer(self, program: Program) -> str:
        """What it has printed, once it has ended well."""
        if self._over(program):
            raise WorkshopError(f"The run failed:\n{program.text}", "workshop doctor")
        return program.text.strip()


@contextmanager
def on_own_services(root: Path, say: Say) -> Iterator[Demo]:
    """A demo on services of its own, with a state directory that is removed at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="workshop-demo-") as directory,
        own_services(Path(directory), root, say) as services,
    ):
        fork_server.warm_up()  # the packages are imported while somebody reads or talks
        demo = Demo(services.settings, say)
        try:
            yield demo
        finally:
            for program in demo.programs:
                program.kill()


def problems(plain_answer: str, plain: PlainProof, durable: Outcome) -> list[str]:
    """What was not as the workshop claims; empty when all of it was."""
    found = [*_plain_problems(plain), *_durable_problems(durable)]
    if durable.answer != plain_answer:
        found.append("the two agents did not give the same answer")
    return found


def _plain_problems(plain: PlainProof) -> list[str]:
    if (plain.answered, plain.made_again, plain.abandoned) == (3, 1, 1):
        return []
    return [f"the plain agent made {plain.made_again} answered calls again, not 1"]


def _durable_problems(durable: Outcome, attempts: int = 2) -> list[str]:
    """`attempts`: at the second model call."""
    found = []
    if durable.proof.made_again:
        found.append(f"the durable agent made {durable.proof.made_again} recorded calls again, not 0")
    if not durable.proof.agree:
        found.append("history and ledger of the durable agent do not agree")
    if durable.run.status != "completed":
        found.append("the durable run did not complete")
    elif [row.attempts for row in durable.run.rows if row.kind == MODEL] != [1, attempts]:
        found.append(f"the history does not show one attempt at the first model call and {attempts} at the second")
    return found


# The talk: the same, and what comes before it, step by step. docs/TALK.md has what to say.


@dataclass(frozen=True)
class TalkResult:
    """What a step ends with: the count that the room should remember, and what was not as claimed."""

    counted: str
    good: bool
    problems: list[str]


@dataclass(frozen=True)
class TalkStep:
    """One step. `show` makes it happen and says what the room should read."""

    title: str
    told: str  # before it happens
    show: Callable[[Demo], TalkResult]


def _one_question(demo: Demo) -> TalkResult:
    plain = _tell_plain(demo, *demo.ask_plain())
    right = (plain.answered, plain.made_again) == (2, 0)
    counted = f"{count(plain.answered, 'model call')} for 1 answer"
    return TalkResult(counted, right, [] if right else ["it was not answered with 2 model calls"])


def _rate_limit_plain(demo: Demo) -> TalkResult:
    demo.limit_rate()
    plain = _tell_plain(demo, *demo.ask_plain())
    right = (plain.answered, plain.made_again, plain.refused) == (3, 1, 3)
    return _plain_result(plain, [] if right else ["the plain agent did not lose its first call"])


def _kill_plain(demo: Demo) -> TalkResult:
    plain = _tell_plain(demo, *demo.plain())
    return _plain_result(plain, _plain_problems(plain))


def _rate_limit_durable(demo: Demo) -> TalkResult:
    demo.limit_rate()
    return _tell_durable(demo, demo.ask_durable(), attempts=4)


def _kill_durable(demo: Demo) -> TalkResult:
    return _tell_durable(demo, demo.durable(), attempts=2)


def _tell_plain(demo: Demo, answer: str, plain: PlainProof) -> PlainProof:
    for line in (answer, "", *plain.lines):
        demo.say(line)
    return plain


def _plain_result(plain: PlainProof, problems: list[str]) -> TalkResult:
    return TalkResult(f"Answered calls made again: {plain.made_again}", plain.made_again == 0, problems)


def _tell_durable(demo: Demo, durable: Outcome, attempts: int) -> TalkResult:
    rows = [f"  {row.kind}: {row.state}, {count(row.attempts, 'attempt')}" for row in durable.run.rows]
    for line in (durable.answer, "", "In the history:", *rows, *durable.proof.lines):
        demo.say(line)
    again = durable.proof.made_again
    return TalkResult(f"Recorded calls made again: {again}", again == 0, _durable_problems(durable, attempts))


STEPS = (
    TalkStep("One agent, one question", "It asks the model, then the weather, then the model.", _one_question),
    TalkStep("A rate limit", "The model refuses the second call. What becomes of the first?", _rate_limit_plain),
    TalkStep("The same rate limit, durable", "The same agent, unchanged, under Temporal.", _rate_limit_durable),
    TalkStep("A kill", "SIGKILL in the middle of the second model call.", _kill_plain),
    TalkStep("The same kill, durable", "SIGKILL for the worker. Then a new worker.", _kill_durable),
)
