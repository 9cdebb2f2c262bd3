"""Kills a plain and a durable run in the middle of their second model call, and compares what each of them lost.

Everything runs on services of its own, on free ports, and is gone afterwards.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.errors import WorkshopError
from workshop.history import MODEL, Run, read_history
from workshop.practice.client import Practice
from workshop.proof import PlainProof, Proof, prove, prove_plain
from workshop.services import Services, free_port
from workshop.settings import HOST, Settings
from workshop.temporal import connect, latest_workflow_id

QUESTION = "Any weather alerts in California?"
PATIENCE = 60.0  # seconds for one step; a bound, not an expectation

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How a run ended that was killed in its second model call."""

    answer: str
    run: Run
    proof: Proof


class Demo:
    """The demo on one set of services."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._practice = Practice(settings.practice_url)
        self._logs = settings.state_dir / "logs"
        self._processes: list[subprocess.Popen[bytes]] = []

    def plain(self) -> tuple[str, PlainProof]:
        """The plain agent: its process is killed, and asked again from the beginning. Returns answer and proof."""
        folder = self._settings.root / "solutions" / "01_agent_hello_world"
        since = self._last_entry()
        first = self._start(folder / "starter.py", QUESTION)
        self._kill_in_second_call(first, since)
        self._say("Killed (SIGKILL). Nothing was kept, so the question is asked again, from the beginning.")
        again = self._start(folder / "starter.py", QUESTION)
        answer = self._finish(again)
        return answer, prove_plain(QUESTION, self._entries("model", since))

    def durable(self) -> Outcome:
        """The durable agent: its worker is killed, and another worker goes on where it was."""
        folder = self._settings.root / "solutions" / "03_durable_agent"
        since = self._last_entry()
        worker = self._start(folder / "worker.py")
        starter = self._start(folder / "starter.py", QUESTION)
        self._kill_in_second_call(worker, since)
        self._say("Killed the worker (SIGKILL). A new worker starts; the starter just goes on waiting.")
        self._start(folder / "worker.py")
        self._finish(starter)
        run = asyncio.run(self._history())
        return Outcome(str(run.result), run, prove(run, self._practice.ledger()["entries"]))

    def close(self) -> None:
        """Ends every process that the demo started."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def _kill_in_second_call(self, process: "subprocess.Popen[bytes]", since: int) -> None:
        """Kills `process` while its second model call waits."""
        # The weather's answer is held back until the model is told to be slow: so only the second call hangs.
        self._practice.set_fault(target="weather", kind="slow", delay=PATIENCE)
        self._wait("the tool to be called", process, lambda: self._outcomes("weather", since) == ["in flight"])
        self._practice.set_fault(target="model", kind="slow", delay=PATIENCE)
        self._practice.clear_faults("weather")
        expected = ["completed", "in flight"]
        self._wait("the second model call", process, lambda: self._outcomes("model", since) == expected)
        process.kill()
        process.wait()
        self._practice.clear_faults()

    def _entries(self, service: str, since: int) -> list[dict[str, Any]]:
        return [e for e in self._practice.ledger(since)["entries"] if e["service"] == service]

    def _outcomes(self, service: str, since: int) -> list[str]:
        return [entry["outcome"] for entry in self._entries(service, since)]

    def _last_entry(self) -> int:
        return max((entry["id"] for entry in self._practice.ledger()["entries"]), default=0)

    async def _history(self) -> Run:
        client = await connect(self._environment(), self._settings.temporal_address, "default")
        return await read_history(client, await latest_workflow_id(client))

    def _environment(self) -> Mapping[str, str]:
        ours = ("OPENAI_", "TEMPORAL_", "WEATHER_", "WORKSHOP_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return inherited | {
            "OPENAI_API_KEY": "practice",
            "OPENAI_BASE_URL": f"{self._settings.practice_url}/v1",
            "WEATHER_API_URL": self._settings.practice_url,
            "TEMPORAL_ADDRESS": self._settings.temporal_address,
            "TEMPORAL_NAMESPACE": "default",
            "TEMPORAL_UI_URL": self._settings.ui_url,
            "NO_PROXY": HOST,
            "no_proxy": HOST,
        }

    def _start(self, script: Path, *arguments: str) -> "subprocess.Popen[bytes]":
        with self._log(len(self._processes)).open("w") as log:
            process = subprocess.Popen(
                [sys.executable, script.name, *arguments],
                cwd=script.parent,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def _log(self, number: int) -> Path:
        return self._logs / f"demo-{number}.log"

    def _finish(self, process: "subprocess.Popen[bytes]") -> str:
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise WorkshopError(f"No answer within {PATIENCE:.0f} s.", "run the demo again") from None
        text = self._log(self._processes.index(process)).read_text()
        if code != 0:
            raise WorkshopError(f"The run failed:\n{text}", "workshop doctor")
        return text.strip()

    def _wait(self, what: str, process: "subprocess.Popen[bytes] | None", seen: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not seen():
            if process is not None and process.poll() is not None:
                text = self._log(self._processes.index(process)).read_text().strip()
                raise WorkshopError(f"A process ended while the demo waited for {what}:\n{text}", "workshop doctor")
            if time.monotonic() > deadline:
                raise WorkshopError(f"Waited {PATIENCE:.0f} s for {what}, in vain.", "run the demo again")
            time.sleep(0.05)


@contextmanager
def stage(root: Path, say: Say) -> Iterator[Demo]:
    """A demo on services of its own: free ports, and a state directory that is removed at the end."""
    names = ("WORKSHOP_TEMPORAL_PORT", "WORKSHOP_TEMPORAL_UI_PORT", "WORKSHOP_PRACTICE_PORT")
    with tempfile.TemporaryDirectory(prefix="workshop-demo-") as directory:
        ports = {name: str(free_port()) for name in names}
        settings = Settings.from_env({**ports, "WORKSHOP_STATE_DIR": directory}, root)
        services = Services(settings, say)
        try:
            services.start()
            demo = Demo(settings, say)
            try:
                yield demo
            finally:
                demo.close()
        finally:
            services.stop(wait=True)


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
