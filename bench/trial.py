"""Runs one case of tests/fault_table.py for real, with the plain and with the durable agent side by side."""

import asyncio
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.fault_table import ANSWERED, BLIND, EMPTY, FAILED, LOST, Case, Ends
from tests.folders import DURABLE, HELLO_AGENT, ROUTING
from tests.harness import PracticeFrom, Solutions
from workshop.demo import QUESTION
from workshop.history import Run
from workshop.processes import Program, wait_for
from workshop.services import Services, own_services
from workshop.settings import ROOT

QUESTIONS = {DURABLE: QUESTION, ROUTING: "Quelles alertes en Floride ?"}
# Lines of a starter that come before the news.
NOT_NEWS = ("Workflow ", "See it at", "Still waiting")
HOLD = 120.0  # seconds for which a request is held; always released long before


@dataclass(frozen=True)
class Seen:
    ends: Ends
    exit_code: int
    reads: str  # the first line that tells a person something, "" if there is none
    run: Run | None  # the history of a durable run


class Trial:
    """Both agents, each with practice services of its own, so that they can run at the same time.

    Args:
        services: Temporal, and the practice services of the durable agent.
        directory: for logs and copies.
        hurry: shortens the waits that a fault may name.
    """

    def __init__(self, services: Services, directory: Path, hurry: bool = True) -> None:
        self._hurry = hurry
        for name in ("plain", "durable"):
            (directory / name).mkdir()
        self._own = ExitStack()
        plain = self._own.enter_context(own_services(directory / "state-plain", names=["practice"]))
        self.plain = Solutions(services, PracticeFrom(plain.settings.practice_url), directory / "plain")
        self.durable = Solutions(services, PracticeFrom(services.settings.practice_url), directory / "durable")
        self._seen: dict[str, tuple[Seen | None, Seen]] = {}

    def both(self, case: Case) -> tuple[Seen | None, Seen]:
        """How the plain and the durable run of `case` ended; run once only."""
        if case.id not in self._seen:
            with ThreadPoolExecutor(1) as pool:
                plain = pool.submit(self.run_plain, case) if case.plain else None
                durable = self.run_durable(case)
                self._seen[case.id] = (plain.result() if plain else None, durable)
        return self._seen[case.id]

    def run_plain(self, case: Case) -> Seen:
        """Solution 01, or 04's agents without Temporal, in one process."""
        copies, practice = self.plain, self.plain.practice
        script = HELLO_AGENT / "starter.py"
        if case.folder == ROUTING:
            folder = copies.copy(ROUTING, "plain-routing", {})
            script = Path(shutil.copy(ROOT / "bench" / "plain_routing.py", folder))
        elif case.plain_edits:
            edits = {name: edit for name, edit in case.plain_edits.items() if name == script.name}
            script = copies.copy(HELLO_AGENT, f"plain-{case.id}", edits) / script.name
        practice.begin()
        program = copies.run(script, QUESTIONS[case.folder])
        self._meet(case, practice)
        if case.kill == "answered":
            until_answered(practice, program)
        if case.kill:
            program.signal(signal.SIGTERM if case.kill == "politely" else signal.SIGKILL)
        code = program.wait()
        met = settled(case, practice)
        if code != 0:
            assert copies.run(script, QUESTIONS[case.folder]).wait() == 0
        return seen(case, practice, met, code, program.text, LOST, None)

    def run_durable(self, case: Case) -> Seen:
        """Solution 03 or 04: worker and starter."""
        copies, practice = self.durable, self.durable.practice
        folder = case.folder
        if case.durable_edits:
            edits = {name: edit for name, edit in case.durable_edits.items() if name == "worker.py"}
            folder = copies.copy(folder, f"durable-{case.id}", edits)
        elif case.kill:  # workers of its own, since the others are shared by all cases
            folder = copies.copy(folder, "killed", {})
        practice.begin()
        worker = copies.live_worker(folder)
        starter = copies.starter(folder, QUESTIONS[case.folder])
        self._meet(case, practice)
        if case.kill:
            kill(case.kill, copies, worker)
            copies.live_worker(folder)
        code = starter.wait(180)
        met = settled(case, practice)
        if code != 0:
            assert copies.starter(folder, QUESTIONS[case.folder]).wait() == 0
        run = asyncio.run(copies.history(starter))
        return seen(case, practice, met, code, starter.text, FAILED, run)

    def _meet(self, case: Case, practice: PracticeFrom) -> None:
        """Returns when the run is where the case wants it, the fault set or the call in flight."""
        make = case.fault if self._hurry else case.in_full or case.fault
        fault = make() if make else {"kind": "slow", "delay": HOLD}
        if case.at == 1 or case.target == "weather":
            practice.fault(case.target, **fault)
        else:
            # The tool waits until the fault is set, so that the second model call meets it, and the first does not.
            practice.fault("weather", "slow", delay=HOLD)
            practice.until_in_flight("weather", 1)
            practice.fault("model", **fault)
            practice.clear("weather")
        if case.kill:
            practice.until_in_flight(case.target, case.at if case.target == "model" else 1)

    def close(self) -> None:
        self.plain.close()
        self.durable.close()
        self._own.close()


def until_answered(practice: PracticeFrom, program: Program) -> None:
    """Lets the call in flight be answered to a program that is stopped, and so cannot read the answer."""
    program.signal(signal.SIGSTOP)
    practice.clear()
    assert "in flight" not in practice.outcomes("model")


def kill(what: str, copies: Solutions, worker: Program) -> None:
    """Kills while a call is held in flight; returns when a new one can be started, or has been."""
    if what == "politely":
        worker.signal(signal.SIGTERM)
        worker.until_printed("Stopping")
    if what in ("server", "both"):
        copies.kill_server()
    if what == "answered":
        until_answered(copies.practice, worker)
    if what in ("worker", "both", "answered"):
        worker.kill()
    copies.practice.clear()
    if what == "politely":
        assert worker.wait() == 0
    if what in ("server", "both"):
        copies.start_server()


def settled(case: Case, practice: PracticeFrom) -> int:
    """Clears the fault; returns how many requests the call that met it took."""
    wait_for("the ledger to be settled", lambda: "in flight" not in practice.outcomes(case.target))
    practice.clear()
    entries = practice.entries(case.target)
    met = next(entry["fingerprint"] for entry in entries if entry["fault"])
    return sum(entry["fingerprint"] == met for entry in entries)


def seen(case: Case, practice: PracticeFrom, attempts: int, code: int, text: str, bad: str, run: Run | None) -> Seen:
    """Sums up a run that is over, asked again if need was."""
    ledger = practice.entries("model")
    paid = [entry["fingerprint"] for entry in ledger if entry["outcome"] in ("completed", "abandoned")]
    told = "completed" in practice.outcomes("weather")
    lines = [line for line in text.splitlines() if line and not line.startswith(NOT_NEWS)]
    outcome = bad if code else ANSWERED if told else BLIND
    if lines and lines[0].startswith("The answer is empty"):
        outcome = EMPTY
    ends = Ends(outcome, attempts, len(paid), len(paid) - len(set(paid)))
    return Seen(ends, code, lines[0] if lines else "", run)
