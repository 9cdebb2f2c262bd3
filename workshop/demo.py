"""Kills a plain and a durable run in the middle of their second model call, and compares what each of them lost.

Everything runs on services of its own, on free ports, and is gone afterwards.
"""

import asyncio
import os
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
from workshop.temporal import connect, latest_workflow_id

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
        self._settings, self._say = settings, say
        self._practice = Practice(settings.practice_url)
        self.programs: list[Program] = []  # that it has started

    def plain(self) -> tuple[str, PlainProof]:
        """The plain agent: its process is killed, and asked again from the beginning. Returns answer and proof."""
        since = self._practice.newest()
        hold(self._practice, 2)
        kill_when_held(self._practice, self._start("01_agent_hello_world", "starter.py", QUESTION), 2, since)
        self._say("Killed (SIGKILL). Nothing was kept, so the question is asked again, from the beginning.")
        answer = self._finish(self._start("01_agent_hello_world", "starter.py", QUESTION))
        return answer, prove_plain(QUESTION, self._practice.entries("model", since))

    def durable(self) -> Outcome:
        """The durable agent: its worker is killed, and another worker goes on where it was."""
        since = self._practice.newest()
        hold(self._practice, 2)
        worker = self._start("03_durable_agent", "worker.py")
        starter = self._start("03_durable_agent", "starter.py", QUESTION)
        kill_when_held(self._practice, worker, 2, since)
        self._say("Killed the worker (SIGKILL). A new worker starts; the starter just goes on waiting.")
        self._start("03_durable_agent", "worker.py")
        self._finish(starter)

        async def history() -> Run:
            client = await connect(self._settings.practice_env(), self._settings.temporal_address, "default")
            return await read_history(client, await latest_workflow_id(client))

        run = asyncio.run(history())
        return Outcome(str(run.result), run, prove(run, self._practice.ledger()["entries"]))

    def _start(self, folder: str, script: str, *arguments: str) -> Program:
        log = f"demo-{len(self.programs)}"
        self.programs.append(start_solution(self._settings, folder, script, *arguments, log=log))
        return self.programs[-1]

    def _finish(self, program: Program) -> str:
        """What a program has printed, once it has ended."""
        try:
            code = program.wait()
        except TimeoutError:
            raise WorkshopError(f"No answer within {PATIENCE:.0f} s.", "run the demo again") from None
        if code != 0:
            raise WorkshopError(f"The run failed:\n{program.text}", "workshop doctor")
        return program.text.strip()


@contextmanager
def on_own_services(root: Path, say: Say) -> Iterator[Demo]:
    """A demo on services of its own, with a state directory that is removed at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="workshop-demo-") as directory,
        own_services(Path(directory), root, say) as services,
    ):
        demo = Demo(services.settings, say)
        try:
            yield demo
        finally:
            for program in demo.programs:
                program.kill()


def problems(plain_answer: str, plain: PlainProof, durable: Outcome) -> list[str]:
    """What was not as the workshop claims; empty when all of it was."""
    found = []
    if (plain.answered, plain.made_again, plain.abandoned) != (3, 1, 1):
        found.append(f"the plain agent made {plain.made_again} answered calls again, not 1")
    if durable.proof.made_again:
        found.append(f"the durable agent made {durable.proof.made_again} recorded calls again, not 0")
    if not durable.proof.agree:
        found.append("history and ledger of the durable agent do not agree")
    if durable.run.status != "completed":
        found.append("the durable run did not complete")
    elif [row.attempts for row in durable.run.rows if row.kind == MODEL] != [1, 2]:
        found.append("the history does not show one attempt at the first model call and two at the second")
    if durable.answer != plain_answer:
        found.append("the two agents did not give the same answer")
    return found
