"""Asks by way of an exercise's starter.py, prints what it prints as it comes, and never waits for ever."""

import re
import time
from collections.abc import Callable
from typing import Any

from workshop.notebook.kernel import Quiet
from workshop.notebook.scripts import Script

STARTED = re.compile(r"^Workflow (\S+)", re.MULTILINE)
START = 30.0  # seconds that a starter may take until it has really begun: it imports for 3 s


class Asked(Quiet):
    """One question. Its answer comes whether or not anybody waits."""

    def __init__(self, question: str, script: Script, durable: bool, begun: Callable[[], bool]) -> None:
        self.question = question
        self.durable = durable  # by way of a workflow
        self._script = script
        self._begun = begun  # whether a plain run has called the model

    def __repr__(self) -> str:
        state = "running" if self.running else f"exit code {self.exit_code}"
        return f"Asked({self.question!r}, {self.workflow_id or 'no workflow'}, {state})"

    @property
    def workflow_id(self) -> str | None:
        """The workflow that was started; None before that, and for a plain run."""
        found = STARTED.search(self._script.output)
        return found[1] if found else None

    @property
    def exit_code(self) -> int | None:
        """How starter.py ended; None while it runs, and if it was ended because nobody waited any longer."""
        return self._script.program.exit_code

    @property
    def output(self) -> str:
        """All that starter.py has printed."""
        return self._script.output

    @property
    def running(self) -> bool:
        """Whether starter.py still runs."""
        return self._script.program.running

    def kill(self) -> None:
        """SIGKILL for starter.py. A plain run is lost with it; a workflow goes on."""
        was = self._script.program.kill()
        print("Starter killed: SIGKILL." if was else "The starter has ended already.")

    def leave(self) -> None:
        """Ends starter.py, without a word."""
        self._script.program.kill()

    def follow(self, wait: float, say: Callable[[str], None]) -> bool:
        """Prints its output until it ends, for at most `wait` seconds from when it has really begun; whether it ended.

        With `wait` 0 it returns as soon as that is so: the workflow has started, or a plain run has called the model.
        """
        began = time.monotonic()
        started: float | None = None
        while True:
            running = self.running
            for line in self._script.news():
                say(line)
            if not running:
                return True
            now = time.monotonic()
            # Imports take seconds, on a busy machine many: they are not counted.
            if started is None and (self.workflow_id if self.durable else self._begun()):
                started = now
            if now >= (began + START if started is None else started + wait):
                return False
            time.sleep(0.1)


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
