"""Asks the probe process: starts it at first need, gives each look its time, ends it with this process."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workshop.checks.verdict import Check, Verdict
from workshop.companion import Companion
from workshop.errors import WorkshopError

SECONDS = 25  # that a learner's code may take in all
START = 60.0  # seconds that the probe may take to import its packages, on a busy machine
TELL = 4.0  # seconds until a person is told what is waited for


Waiting = Callable[[float], None]  # is called now and then, with the seconds that have passed
Start = Callable[[str, list[str], Waiting], Companion]  # starts `python -m module arguments`


def cold(module: str, arguments: list[str], _: Waiting) -> Companion:
    """Starts a process that has its imports before it."""
    # macOS forbids to fork once certain libraries were used, unless it is told that all is well.
    return Companion.start(module, arguments, os.environ | {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"})


class Prober:
    """One probe process, quickest with the checks of one exercise. Used by one thread at a time."""

    def __init__(self, number: str = "", say: Callable[[str], None] = lambda _: None, start: Start = cold) -> None:
        self._number, self._say, self._start = number, say, start
        self._probe: Companion | None = None
        self._warm = False

    def warm_up(self) -> None:
        """Lets it import its packages, and does not wait for it."""
        self._running(lambda _: None)

    def look(self, number: str, check: Check, folder: Path) -> Verdict:
        """What a check finds in a folder.

        Raises:
            WorkshopError: it could not be made, through no fault of what is in the folder.
        """
        request = {"number": number, "name": check.name, "folder": str(folder), "seconds": SECONDS}
        return Verdict(**self._ask(request, check.doing))

    def practice_url(self) -> str:
        """Where the probe's own practice services answer."""
        return str(self._ask({"practice": True}, "")["practice"])

    def close(self) -> None:
        """Ends the process; it ends its own."""
        probe, self._probe = self._probe, None
        if probe:
            probe.close()

    def _running(self, waiting: Waiting) -> Companion:
        if not self._probe or not self._probe.running:
            self.close()
            self._warm = False
            self._probe = self._start("workshop.checks.probe", [self._number], waiting)
        return self._probe

    def _ask(self, request: dict[str, Any], doing: str) -> dict[str, Any]:
        if doing:
            self._say(f"... {doing}")
        told = bool(doing)

        def waiting(seconds: float) -> None:
            nonlocal told
            if seconds > TELL and not told:
                told = True
                what = "your code is being run" if self._warm else "the first check imports the packages"
                self._say(f"... {what}: a moment more")

        try:
            answer = self._running(waiting).ask(request, SECONDS + START, waiting)
        except BrokenPipeError:
            raise WorkshopError(
                "The check could not be made: its process ended.", "try again, or: workshop doctor"
            ) from None
        if "trouble" in answer:
            raise WorkshopError(answer["trouble"], answer["next"])
        self._warm = True
        return answer
