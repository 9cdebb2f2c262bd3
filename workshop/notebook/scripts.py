"""An exercise's worker.py and starter.py, run as processes of their own, which end with the kernel at the latest."""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from workshop import doctor, env, fork_server
from workshop.checks import CHECKS, Check
from workshop.checks.pristine import unwritten
from workshop.errors import WorkshopError
from workshop.exercises import number_of, root_of, solution_of
from workshop.processes import Program
from workshop.settings import Settings
from workshop.text import Say, scrub

START = 30.0  # seconds that a starter may take until it has really begun: it imports for 3 s
FRAME = re.compile(r'\s+File "([^"]+)", line (\d+)')
CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)


class Script:
    """A script of an exercise. Its output is in a file, so that it can go on when nobody reads it."""

    def __init__(self, folder: Path, name: str, log: Path) -> None:
        self._folder, self._name, self._log = folder, name, log
        self.program: Program | None = None  # once it is started
        self._shown: list[str] = []  # the lines of its output that were printed here

    def start(self, arguments: Sequence[str] = ()) -> Program:
        """Runs `python script arguments` in the folder, with the environment that .env gives now.

        Raises:
            WorkshopError: the script is not there, its TODO is untouched, a file there hides a package, or the log
                cannot be written.
        """
        folder, name = self._folder, self._name
        if not (folder / name).is_file():
            raise WorkshopError(f"There is no {name} beside the notebook.", "run the cell that writes it")
        if waiting := to_do(folder, name):
            raise WorkshopError(
                f"TODO {waiting.todo} in {waiting.file} is not done yet: {waiting.title}.",
                f'write it, and run its cell again; ex.hint("{waiting.name}") helps',
            )
        if hidden := doctor.shadow(folder, root_of(folder)):
            raise WorkshopError(hidden.message, hidden.next_step)
        env.load(folder)
        settings = Settings.from_env(os.environ)
        # The link that it prints is for the browser of the person, who may be in a Codespace.
        link = {"TEMPORAL_UI_URL": settings.public_url(settings.temporal_ui_port)} if settings.own_temporal else {}
        try:
            self.program = fork_server.start(folder / name, arguments, link | os.environ, self._log)
        except OSError as error:
            what = f"{name} cannot start: {error.strerror} ({error.filename})."
            raise WorkshopError(what, "workshop doctor") from None
        return self.program

    @property
    def output(self) -> str:
        """All that it has printed; nothing of a key is in it."""
        return scrub(self.program.text) if self.program else ""

    @property
    def running(self) -> bool:
        return self.program is not None and self.program.running

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs, and if it could not be started."""
        return self.program.exit_code if self.program else None

    @property
    def begun(self) -> bool:
        """Whether it does what it is there for, its imports done."""
        return True

    def end(self) -> bool:
        """SIGKILL. Whether it still ran."""
        return self.program is not None and self.program.kill()

    def last_words(self) -> list[str]:
        """How it ended: the last lines that say something, in which a traceback is its last line."""
        return [line[:300] for line in without_frames(self.output, self._folder) if line.strip()][-6:]

    def follow(self, wait: float, say: Say) -> bool:
        """Prints its output until it ends, for at most `wait` seconds from when it has really begun; whether it ended.

        With `wait` 0 it returns as soon as it has begun.
        """
        called = time.monotonic()
        began: float | None = None
        while True:
            running = self.running  # asked first: what it printed last is in the file then
            text = self.output
            whole = text[: text.rfind("\n") + 1] if running else text
            lines = without_frames(whole, self._folder, ended=not running)
            # A chain of exceptions shrinks when its last one comes: what was printed may not all be there any more.
            while self._shown != lines[: len(self._shown)]:
                self._shown.pop()
            for line in lines[len(self._shown) :]:
                say(line)
            self._shown = lines
            if not running:
                return True
            now = time.monotonic()
            # Imports take seconds, on a busy machine many: they are not counted.
            if began is None and self.begun:
                began = now
            if now >= (called + START if began is None else began + wait):
                return False
            time.sleep(0.1)


def imported(folder: Path, script: str) -> list[str]:
    """The files of a folder that a script there imports, and what these import."""
    found = [script]
    for name in found:
        path = folder / name
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        files = [f"{module}.py" for module in re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE)]
        found += [file for file in files if (folder / file).is_file() and file not in found]
    return found[1:]


def to_do(folder: Path, script: str) -> Check | None:
    """The first TODO that nobody has touched of a script, or of a file that it imports."""
    files = [*imported(solution_of(folder), script), script]
    checks = [check for check in CHECKS[number_of(folder)] if check.file in files]
    return next((check for check in checks if not_attempted(folder, check)), None)


def not_attempted(folder: Path, check: Check) -> str:
    """Why the TODO of a check is not attempted yet; "" if it is, or if it has none, or its file is not there."""
    path = folder / check.file
    if not check.todo or not path.is_file():
        return ""
    return unwritten(check.number, check.file, path.read_text(encoding="utf-8", errors="replace"), check.todo)


def without_frames(text: str, folder: Path, ended: bool = True) -> list[str]:
    """Lines of an output in which a traceback is its last line, with the learner's own file and line.

    What an exception came from is left out with it, as is a traceback that is not over yet if the program runs.
    """
    lines: list[str] = []
    inside, place = False, ""
    for line in text.splitlines():
        if line.startswith("Traceback (most recent call last)"):
            inside, place = True, ""
        elif not inside:
            lines.append(line)
        elif found := FRAME.match(line):
            place = f" ({Path(found[1]).name}, line {found[2]})" if Path(found[1]).parent == folder else place
        elif line[:1] not in (" ", ""):
            inside = False
            if any(line in CHAINED for line in lines[-2:]):
                _drop(lines, 2)  # the exception that it came from, and the line between them
            lines.append(f"{line[:300]}{place}")
    if inside and ended:
        lines.append("It ended in an exception that it could not print.")
    return [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]


def _drop(lines: list[str], count: int) -> None:
    """Takes off the last lines that say something, and the empty ones among them."""
    while count and lines:
        count -= bool(lines.pop())
