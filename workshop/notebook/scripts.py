"""Starts an exercise's worker.py and starter.py as processes of their own, which end with the kernel at the latest."""

import os
import re
from pathlib import Path

from workshop import doctor, env, warm
from workshop.checks import CHECKS, Check
from workshop.checks.starters import untouched
from workshop.errors import WorkshopError
from workshop.processes import Program, Record
from workshop.text import scrub

IMPORTED = ("activities.py", "workflows.py")  # by worker.py and starter.py
FRAME = re.compile(r'\s+File "([^"]+)", line (\d+)')
CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)


class Script:
    """A script of an exercise, running. Its output is in a file, so that it can go on when nobody reads it."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self._folder = folder
        self._shown = 0

    @property
    def output(self) -> str:
        """All that it has printed; nothing of a key is in it."""
        return scrub(self.program.text)

    def news(self) -> list[str]:
        """The whole lines that it has printed since the last call, without the frames of tracebacks."""
        ended = not self.program.running  # asked first: what it printed last is in the file then
        text = self.output
        lines = without_frames(text if ended else text[: text.rfind("\n") + 1], self._folder, ended)
        fresh, self._shown = lines[self._shown :], len(lines)
        return fresh

    def last_words(self, count: int = 6) -> list[str]:
        """How it ended: a traceback becomes its last line with the learner's file and line, else the last lines."""
        return brief(self.output, self._folder, count)


def never_started(folder: Path, log: Path) -> Script:
    """Stands for a script that this kernel has not started; its log may be there from an earlier one."""
    return Script(Program(Record(0, 0.0, [], [], ""), log), folder)


def run(folder: Path, root: Path, script: str, arguments: list[str], log: Path) -> Script:
    """Starts `python script arguments` in the folder, with the environment that .env leads to now.

    Raises:
        WorkshopError: the script is not there, its TODO is untouched, a file there hides a package, or the log cannot
            be written.
    """
    if not (folder / script).is_file():
        raise WorkshopError(f"There is no {script} beside the notebook.", "run the cell that writes it")
    if waiting := to_do(folder, script):
        raise WorkshopError(
            f"{waiting.file} has nothing in its TODO {waiting.todo} yet: {waiting.title}.",
            f'write it, and run its cell again; ex.hint("{waiting.name}") helps',
        )
    if hidden := doctor.shadow(folder, root):
        raise WorkshopError(hidden.message, hidden.next_step)
    env.load(folder)
    try:
        return Script(warm.start(folder / script, arguments, os.environ, log), folder)
    except OSError as error:
        raise WorkshopError(f"{script} cannot start: {error.strerror} ({error.filename}).", "workshop doctor") from None


def to_do(folder: Path, script: str) -> Check | None:
    """The first TODO that nobody has touched of worker.py or starter.py, or of a file that these import."""
    number = folder.name[:2]
    files = (*IMPORTED, script) if script in ("worker.py", "starter.py") else ()
    for check in CHECKS.get(number, ()):
        if check.todo and check.file in files and (folder / check.file).is_file():
            text = (folder / check.file).read_text(encoding="utf-8", errors="replace")
            if untouched(number, check.file, text, check.todo):
                return check
    return None


def brief(text: str, folder: Path, count: int = 6) -> list[str]:
    """The last lines of an output that say something."""
    return [line[:300] for line in without_frames(text, folder) if line.strip()][-count:]


def _drop(lines: list[str], count: int) -> None:
    """Takes the last lines off that say something, and the empty ones among them."""
    while count and lines:
        count -= bool(lines.pop())


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
        lines.append("It ended in an exception that it could not tell.")
    return [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
