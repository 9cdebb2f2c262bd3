"""What is shown in place while it goes on: the picture of a run, and the rows of a comparison."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workshop import compare, processes
from workshop.compare import ComparedRow, Comparison
from workshop.errors import WorkshopError
from workshop.history import Run
from workshop.kills import noted_kills
from workshop.notebook.kernel import shell, show
from workshop.practice.client import entries_in_use
from workshop.processes import PATIENCE
from workshop.settings import ROOT, Settings
from workshop.shown import Item, Shown
from workshop.svg import Picture
from workshop.text import Say
from workshop.timeline import Timeline, Watched

LOOK = 0.5  # seconds between two looks
COMMAND = (sys.executable, "-c", "from workshop.cli import main; main()", "compare", "--json")
LONGEST = 20.0  # seconds that a question may take


def timeline_of(run: Run, others: Sequence[Run], settings: Settings, watched: Watched | None = None) -> Timeline:
    """The picture of a workflow, from its history, the ledger, and the kills that were noted."""
    ledger, without = entries_in_use(settings)
    return Timeline(run, ledger, others, noted_kills(settings.state_dir), watched, without)


class Live(Shown):
    """A picture that is shown while what it shows goes on, and what is waited for."""

    def __init__(self, picture: Picture, words: str) -> None:
        super().__init__([Item(words)])
        self.picture = picture

    def html(self) -> str:
        return f"{super().html()}{self.picture.html()}"

    def lines(self, width: int) -> list[str]:
        return [*super().lines(width), *self.picture.lines(width)]


def watching(awaited: str, left: float) -> str:
    """What to say beside a picture: what is waited for, if anything, and for how many seconds more it is watched."""
    if not awaited:
        return "It is over."
    how = f"Watching for {left:.0f} s more at most." if left > 0 else "Not over yet, and no longer watched."
    return f"{how} {awaited}"


def show_live(look: Callable[[], tuple[Picture, str]], seconds: float, say: Say) -> bool:
    """Shows a picture, in place, until it is over, for so many seconds at most.

    Args:
        look: what there is to be seen now, and what it waits for; "" once it is over.

    Returns:
        whether it was over.
    """
    handle: Any = None
    ends = time.monotonic() + seconds
    told = False
    while True:
        picture, awaited = look()
        left = ends - time.monotonic()
        done = not awaited or left <= 0
        words = watching(awaited, left)
        if done or shell():
            handle = show(say, Live(picture, words), handle)
        elif not told:
            say(words)
            told = True
        if done:
            return not awaited
        time.sleep(min(LOOK, left))


def show_comparison(questions: int, seed: int, log: Path, say: Say) -> Comparison:
    """Runs `workshop compare` as a process; shows the rows that there are: in a notebook as they come, else at the end.

    Returns:
        what it has counted.

    Raises:
        WorkshopError: it failed. What it had counted is shown before.
    """
    compare.plan(questions, seed)
    say(f"... {compare.announced(questions)}")
    words = [*COMMAND, "--questions", str(questions), "--seed", str(seed)]
    program = processes.start(words, os.environ, ROOT, log)
    deadline = time.monotonic() + PATIENCE + LONGEST * questions
    shown = Comparison(questions, seed, ())
    handle: Any = None
    try:
        while True:
            running = program.running  # asked first: what it printed last is in the file then
            whole = program.text.rpartition("\n")[0].splitlines()
            rows = [ComparedRow(**json.loads(line)) for line in whole if line.startswith("{")]
            found = Comparison(questions, seed, tuple(rows))
            if found.rows != shown.rows and shell():
                handle = show(say, found, handle)
            shown = found
            if not running:
                break
            if time.monotonic() > deadline:
                raise WorkshopError(f"It was not over after {PATIENCE + LONGEST * questions:.0f} s.", "run it again")
            time.sleep(LOOK)
    finally:
        program.signal(signal.SIGINT)  # it ends all that it has started
        program.wait()
    if not shell() and shown.rows:
        show(say, shown)
    if program.exit_code:
        raise WorkshopError("\n".join(line for line in program.text.splitlines() if not line.startswith("{")))
    return shown
