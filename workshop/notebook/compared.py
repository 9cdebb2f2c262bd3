"""`workshop compare` from a notebook: a process of its own, whose rows are shown as they come."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from workshop import compare, processes
from workshop.compare import ComparedRow, Comparison
from workshop.errors import WorkshopError
from workshop.notebook.kernel import Say, shell, show
from workshop.processes import PATIENCE, Program
from workshop.settings import ROOT

COMMAND = (sys.executable, "-c", "from workshop.cli import main; main()", "compare", "--json")
LONGEST = 20.0  # seconds that a question may take


def show_comparison(questions: int, seed: int, log: Path, say: Say) -> Comparison:
    """Runs the comparison, and shows in place what there is of it: in a notebook its picture and tables, else its text.

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
            found = Comparison(questions, seed, tuple(_rows(program)))
            if found.rows != shown.rows and shell():
                handle = show(say, found, handle)
            shown = found
            if not running:
                break
            if time.monotonic() > deadline:
                raise WorkshopError(f"It was not over after {PATIENCE + LONGEST * questions:.0f} s.", "run it again")
            time.sleep(0.3)
    finally:
        program.signal(signal.SIGINT)  # it ends all that it has started
        program.wait()
    if not shell() and shown.rows:
        show(say, shown)
    if program.exit_code:
        raise WorkshopError("\n".join(line for line in program.text.splitlines() if not line.startswith("{")))
    return shown


def _rows(program: Program) -> list[ComparedRow]:
    """Those that it has printed so far, each in a line."""
    whole = program.text.rpartition("\n")[0].splitlines()
    return [ComparedRow(**json.loads(line)) for line in whole if line.startswith("{")]
