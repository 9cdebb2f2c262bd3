"""What `ex.ask` returns: a question, asked with starter.py in a process of its own."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workshop.notebook.memory import Memory
from workshop.notebook.scripts import Script
from workshop.proof import Entry, of_question
from workshop.text import Printed

WORKFLOW = re.compile(r"^Workflow (\S+)", re.MULTILINE)  # what a starter prints of the one that it has started


class Asked(Script, Printed):
    """A question, asked with starter.py. Its answer comes whether or not anybody waits.

    Args:
        durable: it is asked by way of a workflow.
        newest: the id of the ledger's newest entry at the moment.
    """

    def __init__(self, question: str, folder: Path, log: Path, durable: bool, newest: Callable[[], int]) -> None:
        super().__init__(folder, "starter.py", log)
        self.question, self.durable = question, durable
        self.killed: datetime | None = None  # when `kill` ended it
        self._newest = newest
        self.since = newest()  # the ledger's entries after this one may be the question's

    def __repr__(self) -> str:
        state = "running" if self.running else f"exit code {self.exit_code}"
        return f"Asked({self.question!r}, {self.workflow_id or 'no workflow'}, {state})"

    @property
    def workflow_id(self) -> str | None:
        """The workflow that was started; None before that, and for a plain run."""
        found = WORKFLOW.search(self.output)
        return found[1] if found else None

    @property
    def begun(self) -> bool:
        """Whether the workflow has started, or a plain run has called the model."""
        return self.workflow_id is not None if self.durable else self._newest() > self.since

    def kill(self) -> None:
        """SIGKILL for starter.py. A plain run is lost with it; a workflow goes on."""
        now = datetime.now(UTC)
        if self.end():
            self.killed = now
        print("Starter killed: SIGKILL." if self.killed == now else "The starter has ended already.")


def first_asked(asked: Sequence[Asked]) -> Asked:
    """Where the last question, a plain one, was asked first: runs of it that failed count with it."""
    alike = [one for one in asked if not one.durable and one.question == asked[-1].question]
    first = alike.pop()
    while alike and alike[-1].exit_code != 0:
        first = alike.pop()
    return first


def last_plain(asked: Sequence[Asked], ledger: Sequence[Entry] | None) -> tuple[str, list[Entry] | None]:
    """The last question, a plain one, and the model's entries of its runs; None where there is no ledger."""
    first = first_asked(asked)
    return first.question, None if ledger is None else of_question(ledger, first.question, first.since)


def plain_before(asked: Sequence[Asked], question: str, entries: Sequence[Entry]) -> list[Entry]:
    """The model's entries of a question that was asked of the plain agent here, before it was asked otherwise."""
    alike = [at for at, one in enumerate(asked) if not one.durable and one.question == question]
    if not alike:
        return []
    before = asked[: alike[-1] + 1]
    over = next((one.since for one in asked[alike[-1] + 1 :] if one.durable), None)
    own = [entry for entry in entries if over is None or entry["id"] <= over]
    return of_question(own, question, first_asked(before).since)


def remember_plain(memory: Memory, question: str, entries: Sequence[Entry]) -> None:
    """Keeps which entries of the ledger were a plain run's, for other notebooks: the ledger itself does not tell."""
    memory.keep("plain", question, [[entry["id"], entry["began"]] for entry in entries])


def remembered_plain(memory: Memory, question: str, entries: Sequence[Entry]) -> list[Entry]:
    """Those entries, where the ledger has them all; else none."""
    kept = memory.read("plain").get(question, [])
    found = [entry for entry in entries if [entry["id"], entry["began"]] in kept]
    return found if len(found) == len(kept) else []


def words(question: str, options: dict[str, Any]) -> list[str]:
    """The command line: `durable=True` becomes `--durable`, `pause=10` becomes `--pause 10`."""
    found = [question]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            found.append(flag)
        elif value is not None and value is not False:
            found += [flag, str(value)]
    return found
