"""From a terminal: `workshop check`, `workshop reset`, and `workshop watch`."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.live import Live as RichLive
from rich.text import Text
from temporalio.client import Client

from workshop import fork_server
from workshop.checks import CHECKS
from workshop.checks.checker import Checker
from workshop.errors import WorkshopError
from workshop.exercises import exercise_folder
from workshop.history import read_history
from workshop.notebook.feedback import Feedback
from workshop.notebook.kernel import changed_at, show
from workshop.notebook.live import LOOK, timeline_of, watching
from workshop.notebook.reset import reset
from workshop.notebook.worker import REPLACE, Worker
from workshop.notebook.workflows import among_others
from workshop.settings import Settings
from workshop.shown import wrapped
from workshop.text import Say
from workshop.timeline import Timeline, Watched, awaits


def progress(settings: Settings, say: Say) -> None:
    """Prints what the checks of every exercise found last."""
    for number in CHECKS:
        folder = exercise_folder(number, settings.root)
        show(say, Feedback(folder, settings.state_dir, Checker(), say).progress())
    say("Check again with: workshop check 03, or in the notebook with ex.check()")


def check(settings: Settings, exercise: str, watch: bool, say: Say) -> int:
    """Makes the checks of an exercise; with `watch`, again whenever one of its files changes, until Ctrl+C.

    Returns:
        an exit code: 0 when all passed.
    """
    folder = exercise_folder(exercise, settings.root)
    checker = Checker(say)
    feedback = Feedback(folder, settings.state_dir, checker, say)
    try:
        while True:
            before = changed_at(folder)
            found = feedback.check_all()
            for one in CHECKS[feedback.number]:
                if not one.file:
                    say(f"  {one.name} is a variable of the notebook, and is checked there.")
            if not watch:
                return int(any(one.outcome != "passed" for one in found))
            say(f"Watching {folder.relative_to(settings.root)}. Ctrl+C ends it.")
            fork_server.warm_up()  # the packages are imported while the learner writes
            while changed_at(folder) == before:
                time.sleep(LOOK)
            say("")
    except KeyboardInterrupt:
        return 0
    finally:
        checker.close()


async def timeline(client: Client, workflow_id: str, settings: Settings, environ: Mapping[str, str]) -> Timeline:
    return timeline_of(*await among_others(client, workflow_id, environ=environ), settings)


def write(path: Path, text: str, say: Say) -> None:
    """Writes a file.

    Raises:
        WorkshopError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WorkshopError(
            f"{path} cannot be written: {error.strerror}.", "name a file in a folder of yours"
        ) from None
    say(f"Wrote {path}.")


async def watch(
    client: Client, workflow_id: str, settings: Settings, environ: Mapping[str, str], seconds: float, out: Console
) -> None:
    """Shows the timeline of a workflow in place, until it is over, or for that many seconds at most."""
    run, others = await among_others(client, workflow_id, environ=environ)
    watched, ends = Watched(), time.monotonic() + seconds
    width = max(out.width, 60)
    out.print(Text(f"Watching {workflow_id}. Ctrl+C ends that, and not the workflow."), soft_wrap=True)
    with RichLive(console=out, auto_refresh=False) as live:
        while True:
            watched.look(run)
            picture = timeline_of(run, others, settings, watched)
            awaited, left = awaits(run), ends - time.monotonic()
            words = wrapped(watching(awaited, left), width, "  ")
            live.update(coloured([*picture.lines(width), *words]), refresh=True)
            if not awaited or left <= 0:
                return
            await asyncio.sleep(min(LOOK, left))
            run = await read_history(client, workflow_id, environ=environ)


def coloured(lines: list[str]) -> Text:
    """Lines of a picture for a terminal; colour says nothing that the signs do not say too."""
    text = Text("\n".join(lines), no_wrap=True)
    for pattern, style in ((r"(?m)^†.*$|†|✕", "red"), ("◎", "bold red"), ("●", "green"), (r"(?m)^✗ .*$", "bold red")):
        text.highlight_regex(pattern, style)
    text.highlight_regex(r"(?m)^✓ .*$", "bold green")
    return text


def reset_exercise(settings: Settings, exercise: str, say: Say) -> None:
    """Brings an exercise's starter back, and keeps what the learner had."""
    folder = exercise_folder(exercise, settings.root)
    if Worker(folder, settings, say).end(REPLACE):
        say("Its worker was stopped.")
    for line in reset(folder):
        say(line)
    Feedback(folder, settings.state_dir, Checker(), say).memory.forget()
