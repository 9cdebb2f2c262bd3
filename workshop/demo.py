"""Kills a plain and a durable run in the middle of their second model call, and compares what each of them lost.

Everything runs on services of its own, on free ports, which end with it.
"""

import asyncio
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workshop import fork_server
from workshop.errors import WorkshopError
from workshop.history import Kind, Run, read_history
from workshop.practice.client import Practice
from workshop.processes import PATIENCE, Program, wait_for
from workshop.proof import Counted, PlainProof, Proof, prove, prove_plain
from workshop.services import own_services
from workshop.settings import Settings
from workshop.temporal import connect
from workshop.text import Say, count

QUESTION = "Any weather alerts in California?"
KILLED = (3, 1, 1, 0)  # what the plain agent's kill comes to, see `_plain_problems`


class SolutionPrograms:
    """The practice services of `settings`, and scripts of the solutions that run with them and end together.

    Start them in one thread, and end them from any.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings, self.name = settings, name
        self.practice = Practice(settings.practice_url)
        self.programs: list[Program] = []  # that were started
        self.ended = threading.Event()
        self._starting = threading.Lock()

    def start(self, folder: str, script: str, *arguments: str) -> Program:
        """Starts a script of a solution where it stands, in practice mode.

        Raises:
            WorkshopError: all was ended before, or it could not be started.
        """
        ours = ("OPENAI_", "TEMPORAL_", "WEATHER_", "WORKSHOP_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        path = self.settings.root / "solutions" / folder / script
        with self._starting:
            if self.ended.is_set():
                raise WorkshopError(f"{path.name} was not started: all was stopped meanwhile.", "run it again")
            log = self.settings.state_dir / "logs" / f"{self.name.replace(' ', '-')}-{len(self.programs)}.log"
            env = inherited | self.settings.practice_env()
            self.programs.append(fork_server.start(path, arguments, env, log))
        return self.programs[-1]

    def history_of(self, starter: Program) -> Run:
        """The history of the workflow that a starter has started, by the id that it printed: the server's list lags.

        Raises:
            WorkshopError: it has started none, or the server does not answer.
        """
        found = re.match(r"Workflow (\S+)", starter.text)
        if not found:
            raise WorkshopError(f"The starter started no workflow:\n{starter.text.strip()}", "workshop doctor")
        workflow_id = found[1]

        async def read() -> Run:
            client = await connect(self.settings.practice_env(), self.settings.temporal_address, "default")
            return await read_history(client, workflow_id)

        return asyncio.run(read())

    def hold(self, call: int) -> None:
        """Has the practice model hold the answer to the `call`th model call from now on, counted from 1."""
        self.practice.fault("model", "slow", delay=PATIENCE, after=call - 1)

    def kill_when_held(self, program: Program, call: int, since: int) -> None:
        """Kills `program` once the `call`th model call after ledger entry `since` is held; then holds nothing any more.

        Raises:
            WorkshopError: the program ended before, or the call did not come.
        """

        def held() -> bool:
            if not program.running:
                raise WorkshopError(
                    f"A program ended before it could be killed:\n{program.text.strip()}", "workshop doctor"
                )
            outcomes = [entry["outcome"] for entry in self.practice.entries("model", since)]
            return outcomes == ["completed"] * (call - 1) + ["in flight"]

        try:
            wait_for(f"model call {call}", held)
        except TimeoutError as error:
            raise WorkshopError(f"It {error}, in vain.", "run it again") from None
        program.kill()
        self.practice.clear()

    def end(self) -> None:
        """Kills all that was started, and starts nothing more."""
        with self._starting:
            self.ended.set()
        for program in self.programs:
            program.kill()


class Demo(SolutionPrograms):
    """The demo on one set of services."""

    def __init__(self, settings: Settings, say: Say) -> None:
        super().__init__(settings, "demo")
        self.say = say

    def plain(self, kill: bool) -> tuple[str, PlainProof]:
        """Asks the plain agent, from the beginning again whenever its process is lost. Returns answer and proof.

        Args:
            kill: its process, in the middle of the second model call.

        Raises:
            WorkshopError: it gave no answer, or could not be killed where it was meant to be. Likewise `durable`.
        """
        since = self.practice.newest()
        if kill:
            self.hold(2)
            self.kill_when_held(self.start("01_agent_hello_world", "starter.py", QUESTION), 2, since)
            self.say("Killed (SIGKILL). Nothing was kept, so the question is asked again, from the beginning.")
        program = self.start("01_agent_hello_world", "starter.py", QUESTION)
        if self._over(program):
            self.say(program.text.strip())
            self.say("So it is asked again, from the beginning.")
            program = self.start("01_agent_hello_world", "starter.py", QUESTION)
        return self._answer(program), prove_plain(QUESTION, self.practice.entries("model", since))

    def durable(self, kill: bool) -> tuple[Run, Proof]:
        """Asks the durable agent. Returns its run, whose result is the answer, and the proof.

        Args:
            kill: its worker, in the middle of the second model call; another worker then goes on where it was.
        """
        since = self.practice.newest()
        if kill:
            self.hold(2)
        worker = self.start("03_durable_agent", "worker.py")
        starter = self.start("03_durable_agent", "starter.py", QUESTION)
        if kill:
            self.kill_when_held(worker, 2, since)
            self.say("Killed the worker (SIGKILL). A new worker starts; the starter just goes on waiting.")
            worker = self.start("03_durable_agent", "worker.py")
        self._answer(starter)
        worker.kill()  # another run has workers of its own
        run = self.history_of(starter)
        return run, prove(run, self.practice.ledger()["entries"])

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
def on_own_services(say: Say) -> Iterator[Demo]:
    """A demo on services of its own, with a state directory that is removed at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="workshop-demo-") as directory,
        own_services(Path(directory), say=say) as services,
    ):
        fork_server.warm_up()  # the packages are imported while somebody reads or talks
        demo = Demo(services.settings, say)
        try:
            yield demo
        finally:
            demo.end()


def problems(answer: str, plain: PlainProof, run: Run, durable: Proof) -> list[str]:
    """What was not as the workshop claims; empty when all of it was."""
    found = [*_plain_problems(plain, KILLED), *_durable_problems(run, durable, attempts=2)]
    if run.result != answer:
        found.append("the two agents did not give the same answer")
    return found


def _plain_problems(plain: PlainProof, expected: tuple[int, int, int, int]) -> list[str]:
    """`expected`: model calls that were answered, answered again, in flight at a kill, refused."""
    if (plain.answered, plain.made_again, plain.abandoned, plain.refused) == expected:
        return []
    return [f"the plain agent made {plain.made_again} answered calls again, not {expected[1]}: {', '.join(plain.sums)}"]


def _durable_problems(run: Run, durable: Proof, attempts: int) -> list[str]:
    """`attempts`: at the second model call."""
    found = []
    if durable.made_again:
        found.append(f"the durable agent made {durable.made_again} recorded calls again, not 0")
    if not durable.agree:
        found.append("history and ledger of the durable agent do not agree")
    if run.status != "completed":
        found.append("the durable run did not complete")
    elif [row.attempts for row in run.rows if row.kind == Kind.MODEL] != [1, attempts]:
        found.append(f"the history does not show one attempt at the first model call and {attempts} at the second")
    return found


# The talk: the same, and what comes before it, step by step. docs/TALK.md has what to say.


@dataclass(frozen=True)
class TalkStep:
    """One step: an agent, and what it meets."""

    title: str
    told: str  # before it happens
    meets: str = ""  # "rate limit": the second call is refused as many times as the OpenAI client asks; "kill"
    expected: tuple[int, int, int, int] | None = None  # of the plain agent, see `_plain_problems`
    attempts: int = 1  # of the durable agent, at the second model call


STEPS = (
    TalkStep("One agent, one question", "It asks the model, then the weather, then the model.", "", (2, 0, 0, 0)),
    TalkStep(
        "A rate limit", "The model refuses the second call. What becomes of the first?", "rate limit", (3, 1, 0, 3)
    ),
    TalkStep("The same rate limit, durable", "The same agent, unchanged, under Temporal.", "rate limit", attempts=4),
    TalkStep("A kill", "SIGKILL in the middle of the second model call.", "kill", KILLED),
    TalkStep("The same kill, durable", "SIGKILL for the worker. Then a new worker.", "kill", attempts=2),
)


def show(demo: Demo, step: TalkStep) -> tuple[str, bool, list[str]]:
    """Makes a step happen, and says what the room should read.

    Returns:
        the count that the room should remember, whether it is a good one, and what was not as the workshop claims.
    """
    if step.meets == "rate limit":
        demo.practice.fault("model", "rate-limit", after=1, times=3)
    found: Counted
    if step.expected:
        answer, plain = demo.plain(kill=step.meets == "kill")
        found, wrong, told = plain, _plain_problems(plain, step.expected), plain.lines
    else:
        run, durable = demo.durable(kill=step.meets == "kill")
        rows = [f"  {row.kind}: {row.state}, {count(row.attempts, 'attempt')}" for row in run.rows]
        answer, told = str(run.result), ["In the history:", *rows, *durable.lines]
        found, wrong = durable, _durable_problems(run, durable, step.attempts)
    for line in (answer, "", *told):
        demo.say(line)
    counted = f"{found.kept.capitalize()} calls made again: {found.made_again}"
    if not step.meets:
        counted = f"{count(len(found.calls), 'model call')} for 1 answer"
    return counted, found.made_again == 0, wrong
