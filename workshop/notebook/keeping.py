"""The kernel's end of its keeper, the process that starts programs: see `workshop.notebook.keeper`."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from workshop.checks.prober import Waiting, cold
from workshop.companion import Companion
from workshop.errors import WorkshopError
from workshop.notebook.keeper import WARM
from workshop.processes import Record, record_of

SETTLE = 1.0  # seconds that the other threads of a program may take to end, after its first
START = 60.0  # seconds that it may take to import the packages, on a busy machine


class Keeper:
    """One a kernel, from its first need on."""

    def __init__(self) -> None:
        self._companion: Companion | None = None
        self._env: dict[str, str] = {}  # with which it imported the packages
        self._number = ""  # of the exercise whose packages they are; "": all

    def warm_up(self, number: str = "") -> None:
        """Lets it import an exercise's packages, with the environment as it is now, and does not wait for it."""
        running = self._companion and self._companion.running
        if running and self._env == os.environ and self._number == number:
            return
        self.close()
        self._env, self._number = dict(os.environ), number
        self._companion = Companion.start("workshop.notebook.keeper", [number], self._env)

    def start(self, script: Path, arguments: list[str], log: Path) -> Record:
        """Starts a script in its folder, with the environment as it is now; its output goes to `log`.

        Raises:
            WorkshopError: it could not be started.
        """
        if not self._companion or not self._companion.running:
            self.warm_up(self._number)
        assert self._companion
        env = None if WARM and self._env == os.environ else dict(os.environ)
        request = {"script": str(script), "arguments": arguments, "log": str(log), "env": env}
        try:
            pid = self._companion.ask(request, START)["pid"]
        except BrokenPipeError:
            text = f"{script.name} was not started: the process that starts programs has ended."
            raise WorkshopError(text, "run this cell again, or: workshop doctor") from None
        # A fork keeps the keeper's command line.
        return record_of(pid, [sys.executable, "-u", script.name, *arguments] if env else self._companion.command)

    def companion(self, module: str, arguments: list[str], waiting: Waiting) -> Companion:
        """`python -m module arguments`, with the environment as it is now; forked if that can be."""
        if WARM and self._companion and self._companion.running and self._env == os.environ:
            with suppress(BrokenPipeError):
                return self._companion.fork({"module": module, "arguments": arguments}, START, waiting)
        return cold(module, arguments, waiting)

    def exit_code(self, pid: int) -> int | None:
        """How a program ended that this kernel started; None while it runs, and if nobody knows."""
        deadline = time.monotonic() + SETTLE
        while self._companion and self._companion.running:
            try:
                code = self._companion.ask({"code": pid}, START)["code"]
            except BrokenPipeError:
                break
            if code is not None:
                return int(code)
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        return None

    def close(self) -> None:
        """Ends it, and every program with it; each has some seconds to end by itself."""
        companion, self._companion = self._companion, None
        if companion:
            companion.close()


keeper = Keeper()
