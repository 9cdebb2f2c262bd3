"""What a prediction is held against: the histories, the ledger and the notebook that the learner's own cells made.

predictions.toml says under `shows` what must be seen. Whoever looks tells in words what is there, whether or not it is
as expected.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from workshop.audit import headline, outcome
from workshop.checks import Check, find
from workshop.compare import DURABLE, LOOP, WAYS, Comparison
from workshop.errors import WorkshopError
from workshop.exercises import EXERCISES, FOLDERS, number_of
from workshop.history import Kind, Run, as_text
from workshop.notebook.asked import Asked, last_plain
from workshop.notebook.kernel import variable
from workshop.notebook.memory import Memory
from workshop.notebook.workflows import Workflows
from workshop.practice.client import Practice
from workshop.practice.report import WORDS
from workshop.proof import RECORDED, SLACK, Entry, Proof, prove, prove_plain
from workshop.settings import Settings
from workshop.temporal import pid_of
from workshop.text import count, scrub, shorten

NEWEST = 12  # runs that are looked at, the newest first
Fact = tuple[bool, str]  # whether it is as expected, and what was seen


@dataclass(frozen=True)
class Sight:
    """What was seen, and where: in a workflow, in a run of the ledger, in the notebook."""

    holds: bool
    where: str
    facts: tuple[str, ...]


NOTHING = Sight(False, "", ())  # there is no run yet


def best(sights: Iterable[Sight]) -> Sight:
    """The first that holds, else the first of all."""
    first = NOTHING
    for sight in sights:
        if sight.holds:
            return sight
        first = sight if first is NOTHING else first
    return first


@dataclass(frozen=True)
class WorkflowSight:
    """A workflow. What is said of it under `shows`, as in `attempts = 5`, is what the method of that name expects."""

    run: Run
    proof: Proof
    entries: Mapping[int, Entry]  # of the ledger, by number
    asked: Asked | None  # who started it, if that was this kernel

    def fates(self, expected: list[list[str]]) -> Fact:
        """What became of each call's requests; several in a row of one kind count as one."""
        calls = self.proof.calls
        found = [[fate for fate, _ in groupby(request.fate for request in call.requests)] for call in calls]
        told = [", ".join(f"#{one.entry} {one.fate}" for one in call.requests) or "no request" for call in calls]
        words = "\n".join(f"{call.name}: {what}" for call, what in zip(calls, told, strict=True))
        return found == expected, words or "no call yet"

    def fault(self, expected: str) -> Fact:
        requests = [request for call in self.proof.calls for request in call.requests if request.fate != RECORDED]
        faults = {str(self.entries[request.entry]["fault"]) for request in requests}
        return faults == {expected}, f"fault: {', '.join(sorted(faults)) or 'none'}"

    def rows(self, expected: list[str]) -> Fact:
        """The rows of these kinds: a busy machine adds others."""
        found = [row.kind for row in self.run.rows if row.kind in expected]
        return found == expected, ", ".join(found) or "no row yet"

    def status(self, expected: str) -> Fact:
        return self.run.status == expected, f"the workflow: {headline(self.run, self.run.now())}"

    def attempts(self, expected: int) -> Fact:
        most = max((row.attempts for row in self.run.rows), default=0)
        return most == expected, count(most, "attempt")

    def error(self, expected: str) -> Fact:
        errors = [
            f"{row.kind}, {count(row.attempts, 'attempt')}: {row.last_error}" for row in self.run.rows if row.errors
        ]
        fitting = [error for error in errors if expected in error]
        return bool(fitting), (fitting or errors or ["no error"])[0]

    def retried(self, expected: str) -> Fact:
        rows = [row for row in self.run.rows if row.kind == expected]
        now = self.run.now()
        words = [f"{row.kind} {row.name}: {outcome(row, now)}" for row in rows]
        return any(row.attempts > 1 for row in rows), "\n".join(words) or f"no {expected} yet"

    def workers(self, expected: int) -> Fact:
        found = list(dict.fromkeys(pid_of(row.worker) for row in self.run.rows if row.worker))
        return len(found) == expected, f"worker processes: {', '.join(found) or 'none yet'}"

    def processes(self, _expected: bool) -> Fact:
        """That the workflow and its activity ran in one process, and the starter in another one."""
        if self.asked is None or self.asked.program is None:
            return False, "which process the starter was is not known after a restart of the kernel: ask again"
        found = {pid_of(row.worker) for row in self.run.rows if row.worker}
        starter, worker = str(self.asked.program.pid), pid_of(self.run.worker)
        words = f"worker.py, process {worker}, ran workflow and activity\nstarter.py was process {starter}"
        return found == {worker} and starter != worker, words

    def silent(self, _expected: bool) -> Fact:
        """That the starter printed its workflow and its link, and no more."""
        if self.asked is None:
            return False, "what the starter printed is not known after a restart of the kernel: ask again"
        lines = self.asked.output.splitlines()
        return len(lines) == 2, f"starter.py printed {count(len(lines), 'line')}, its workflow and its link among them"

    def timer(self, expected: str) -> Fact:
        rows = self.run.rows
        fired = [row for row in rows if row.kind == Kind.TIMER and row.state == "completed"]
        timer = next((row for row in fired if row.asked == expected and row.closed), None)
        later = next((row for row in rows if timer and row.scheduled >= (timer.closed or row.scheduled)), None)
        if timer is None or timer.closed is None or later is None:
            return False, f"no timer of {expected} that has fired, with a step after it"
        waited = (later.scheduled - timer.closed).total_seconds()
        when = f"the timer fired {timer.duration or 0:.1f} s after it was set"
        worker = pid_of(later.worker)
        return later.state == "completed", f"{when}\nthe next step came {waited:.1f} s after that, in process {worker}"

    def mistake(self, expected: str) -> Fact:
        failures = [row.last_error for row in self.run.rows if row.kind == Kind.TASK_FAILURE]
        words = f"a workflow task failed: {shorten(failures[0], 120)}" if failures else "no workflow task failed"
        return any(expected in error for error in failures), f"{words}\nthe workflow: {self.run.status}"

    def alerts(self, expected: list[str]) -> Fact:
        """What became of a run's requests to alert residents; several in a row of one kind count as one."""
        calls = [row.input for row in self.run.rows if row.kind == Kind.TOOL and row.attempts]
        keys = [given[-1] for given in calls if isinstance(given, list) and given]
        # A key is the last argument, and has the workflow's ID in it, as has that of a call that is not in the history.
        marks = [self.run.workflow_id, *(f" key {key}:" for key in keys)]
        mine = [e for e in self.entries.values() if e["sent"] is not None and any(mark in e["asked"] for mark in marks)]
        told = [(f"#{entry['id']}", "sent" if entry["sent"] else "not sent again") for entry in mine]
        found = [kind for kind, _ in groupby(kind for _, kind in told)]
        return found == expected, f"requests to send an alert: {', '.join(map(' '.join, told)) or 'none'}"

    def turns(self, expected: list[list[list[str]]]) -> Fact:
        """The first turns of a conversation, by run: each message, and how its answer begins."""
        found: list[list[tuple[str, str]]] = [[]]
        for row in self.run.rows:
            if row.kind == Kind.UPDATE:
                found[-1].append((row.asked, "no answer yet" if row.output is None else as_text(row.output)))
            elif row.kind == Kind.CONTINUED:
                found.append([])
        runs = found[: len(expected)]
        runs[-1] = runs[-1][: len(expected[-1])]  # the last of them may have gone on since
        numbered = [(number, said, answer) for number, run in enumerate(runs, 1) for said, answer in run]
        wanted = [(number, said, begin) for number, run in enumerate(expected, 1) for said, begin in run]
        alike = len(numbered) == len(wanted) and all(
            one[:2] == other[:2] and one[2].startswith(other[2]) for one, other in zip(numbered, wanted, strict=True)
        )
        told = [f"run {number}: {said} -> {shorten(answer, 40)}" for number, said, answer in numbered]
        return alike, "\n".join(told) or "no message yet"

    def even(self, expected: list[int]) -> Fact:
        """That the histories of these runs, counted from 1, are of one length, within a tenth."""
        sizes = self.run.sizes[: expected[-1]]
        words = [f"run {number}: {size / 1024:.0f} KiB of history" for number, size in enumerate(sizes, 1)]
        if len(sizes) < expected[-1]:
            return False, "\n".join(words) or "no run yet"
        some = [sizes[number - 1] for number in expected]
        return max(some) < 1.1 * min(some), "\n".join(words)


class Evidence:
    """The witnesses of one exercise."""

    def __init__(self, folder: Path, settings: Settings, memory: Memory, asked: Sequence[Asked]) -> None:
        self._folder, self._settings, self._memory, self._asked = folder, settings, memory, asked
        self._practice = Practice(settings.practice_url)
        self.comparison: Comparison | None = None  # the last one of this kernel

    def look(self, shows: Mapping[str, Any], since: datetime | None = None, exercise: str = "") -> Sight:
        """The newest of what went on after a moment that shows all of it, else the newest of all.

        Args:
            exercise: whose workflows are meant, `03`; by default those of this one.

        Raises:
            WorkshopError: a service does not answer, or is not in use, or its witness is gone.
        """
        match shows:
            case {"tool": name}:
                return _tool(name)
            case {"check": name}:
                return self._checked(find(number_of(self._folder), name))
            case {"compared": _}:
                return self._compared()
            case {"addresses": file}:
                return self._addresses(file)
            case {"printed": [script, *patterns]}:
                return self._printed(script, patterns, since)
            case {"answered": answered, "again": again}:
                return self._counted(answered, again)
            case {"requests": _}:
                return best(self._requested(shows, since))
        return best(self._in_workflows(shows, since, exercise or number_of(self._folder)))

    def _entries(self) -> list[Entry]:
        if not self._settings.practises:
            raise WorkshopError(
                "The ledger belongs to the practice services, which are not in use, so nothing can be compared here.",
                "read on: the text says what happens",
            )
        found: list[Entry] = self._practice.ledger()["entries"]
        return found

    def _in_workflows(self, shows: Mapping[str, Any], since: datetime | None, exercise: str) -> Iterator[Sight]:
        entries = {entry["id"]: entry for entry in self._entries()}
        workflows = Workflows(self._settings, EXERCISES[FOLDERS[exercise]])
        asked = {one.workflow_id: one for one in self._asked if one.workflow_id}
        # Those that were asked here first: the server's list lags.
        here = [name for name in reversed(asked) if name] if exercise == number_of(self._folder) else []
        for name in list(dict.fromkeys([*here, *workflows.newest()]))[:NEWEST]:
            run, others = workflows.run_among_others(name)
            # A conversation stays open: it counts if something has happened in it since.
            if since and (run.closed or run.latest) < since - SLACK:
                continue
            seen = WorkflowSight(run, prove(run, [*entries.values()], others), entries, asked.get(name))
            facts: list[Fact] = [getattr(seen, what)(expected) for what, expected in shows.items()]
            lines = [line for _, words in facts for line in words.splitlines()]
            yield Sight(all(holds for holds, _ in facts), name, tuple(lines))

    def _checked(self, check: Check) -> Sight:
        """What a check found last."""
        outcome = self._memory.read("verdicts").get(check.name, {"outcome": "not made yet"})["outcome"]
        why = f": {check.why}" if outcome == "passed" else ""
        return Sight(outcome == "passed", f'ex.check("{check.name}")', (f"{outcome}{why}",))

    def _compared(self) -> Sight:
        """Whether the retry loop has paid for calls that had been answered, and the durable agent has not."""
        if self.comparison is None:
            raise WorkshopError("Nothing was compared in this kernel yet.", "run the cell with ex.compare first")
        sums = self.comparison.sums
        facts = [f"{way}: {one.paid_words}" for way, one in sums.items()]
        holds = len(sums) == len(WAYS) and sums[LOOP].again > 0 and sums[DURABLE].again == 0
        return Sight(holds, "the comparison", tuple(facts))

    def _addresses(self, only: str) -> Sight:
        """Which of the learner's files name the server's address."""
        files = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in self._folder.glob("*.py")}
        having = sorted(name for name, text in files.items() if "TEMPORAL_ADDRESS" in text or ":7233" in text)
        told = f"of {count(len(files), 'file')}, these name a server's address: {', '.join(having) or 'none'}"
        return Sight(having == [only] and len(files) > 1, "your files", (told,))

    def _printed(self, script: str, patterns: Sequence[str], since: datetime | None) -> Sight:
        """The lines with these patterns, of what a script printed when `ex.run` ran it last."""
        log = self._settings.state_dir / "logs" / f"{Path(script).stem}-{number_of(self._folder)}.log"
        try:
            written = datetime.fromtimestamp(log.stat().st_mtime, UTC)
            lines = scrub(log.read_text(encoding="utf-8", errors="replace")).splitlines()
        except FileNotFoundError:
            return NOTHING
        if since and written < since:
            return NOTHING
        found = [next((line.strip("= ") for line in lines if re.search(pattern, line)), "") for pattern in patterns]
        facts = tuple(shorten(line, 120) for line in found if line)
        return Sight(all(found), f"what {script} printed", facts or ("nothing of that",))

    def _counted(self, answered: int, again: int) -> Sight:
        """The plain runs of the last question, as `ex.proof()` counts them."""
        entries, plain = self._entries(), [one for one in self._asked if not one.durable]
        if not plain:
            what = "Nothing was asked in this kernel yet, and a plain agent leaves no history."
            raise WorkshopError(what, "run the cells since step 5 again, then this one")
        proof = prove_plain(*last_plain(plain, entries))
        holds = (proof.answered, proof.made_again) == (answered, again)
        return Sight(holds, "the ledger", tuple(line.strip() for line in proof.lines[1:]))

    def _requested(self, shows: Mapping[str, Any], since: datetime | None) -> Iterator[Sight]:
        """The runs of the ledger, the newest first: a plain run has no other witness."""
        runs: dict[str, list[Entry]] = {}
        for entry in self._entries():
            late = since is None or datetime.fromisoformat(entry["began"]) >= since - SLACK
            if late and entry["service"] == "model" and entry["run"]:
                runs.setdefault(entry["run"], []).append(entry)
        for name, requests in reversed(runs.items()):
            outcomes = [outcome for outcome, _ in groupby(entry["outcome"] for entry in requests)]
            faults = {entry["fault"] for entry in requests if entry["outcome"] == "failed"}
            holds = outcomes == shows["requests"] and len(requests) == shows.get("number", len(requests))
            holds = holds and ("fault" not in shows or faults == {shows["fault"]})
            told = []
            for entry in requests:
                fault = f" ({entry['fault']})" if entry["fault"] and entry["outcome"] != "completed" else ""
                told.append(f"#{entry['id']} {WORDS[entry['outcome']]}{fault}")
            yield Sight(holds, f"run {name} of the ledger", (", ".join(told),))


def _tool(name: str) -> Sight:
    """The notebook's tool, which has all that a model is told of it."""
    tool = variable(name)
    parameters = getattr(tool, "params_json_schema", {}).get("properties", {})
    if not parameters:
        return Sight(False, "the notebook", (f"there is no {name} yet",))
    first = str(tool.description).partition("\n")[0]
    facts = (f"name: {tool.name}", f"description: {first}", f"parameters: {', '.join(parameters)}")
    return Sight(bool(first), name, facts)
