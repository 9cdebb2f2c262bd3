"""The checks from a terminal: `workshop check` and `workshop reset`."""

import time

from workshop import fork_server
from workshop.checks import CHECKS
from workshop.checks.checker import Checker
from workshop.exercises import exercise_folder
from workshop.notebook.feedback import Feedback
from workshop.notebook.hints import Hints
from workshop.notebook.kernel import Say, changed_at, show
from workshop.notebook.reset import reset
from workshop.notebook.worker import REPLACE, Worker
from workshop.settings import Settings

LOOK = 0.5  # seconds between two looks at the files


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
    fork_server.warm_up()
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
            while changed_at(folder) == before:
                time.sleep(LOOK)
            say("")
    except KeyboardInterrupt:
        return 0
    finally:
        checker.close()


def reset_exercise(settings: Settings, exercise: str, say: Say) -> None:
    """Brings an exercise's starter back, and keeps what the learner had."""
    folder = exercise_folder(exercise, settings.root)
    if Worker(folder, settings, say).end(REPLACE):
        say("Its worker was stopped.")
    for line in reset(folder):
        say(line)
    Hints(folder, settings.state_dir, say).memory.forget()
