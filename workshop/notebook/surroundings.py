"""Where an exercise is, what its programs will use, and what is wrong with that."""

import os
import re
import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from dotenv import dotenv_values

from workshop import doctor
from workshop.errors import WorkshopError
from workshop.settings import Settings

TRACING = "OPENAI_AGENTS_DISABLE_TRACING"
SERVICES = ("practice-services", "temporal-server")  # findings that `make workshop` mends

_from_file: dict[str, str] = {}  # what this process has put into its environment, so that it can be taken back


def folder_of(number: str, root: Path) -> Path:
    """The folder of an exercise: `3`, `03` and `03_durable_agent` all name it.

    Raises:
        WorkshopError: there is no such exercise.
    """
    digits = re.match(r"\d+", str(number))
    found = sorted(root.glob(f"exercises/{int(digits[0]):02d}_*/")) if digits else []
    if not found:
        names = ", ".join(sorted(path.name for path in root.glob("exercises/[0-9][0-9]_*/")))
        raise WorkshopError(f"There is no exercise {number!r}.", f"choose one of {names or '01 to 04'}")
    return found[0]


def load_env(folder: Path, environ: MutableMapping[str, str] = os.environ) -> None:
    """Adds .env to the environment, as each solution's connection.py does; again, if it was changed meanwhile.

    The shell wins over the file, an empty variable counts as unset, and where the model has an address of its own,
    traces, which would not follow it, are off.
    """
    forget_env(environ)
    file = next((path / ".env" for path in (folder, *folder.parents) if (path / ".env").is_file()), None)
    values = dotenv_values(file, encoding="utf-8-sig") if file else {}
    wanted = {name: value for name, value in values.items() if value and not environ.get(name)}
    if (wanted.get("OPENAI_BASE_URL") or environ.get("OPENAI_BASE_URL")) and not environ.get(TRACING):
        wanted.setdefault(TRACING, "1")
    for name in [name for name, value in environ.items() if not value]:
        del environ[name]
    environ.update(wanted)
    _from_file.update(wanted)


def forget_env(environ: MutableMapping[str, str] = os.environ) -> None:
    """Leaves what the shell alone has set."""
    for name, value in _from_file.items():
        if environ.get(name) == value:
            del environ[name]
    _from_file.clear()


def problem(root: Path) -> str:
    """The first thing that would stop an exercise, with the next step; "" if there is none."""
    forget_env()
    finding = doctor.first_problem(root, os.environ)
    if finding is None:
        return ""
    if finding.code in SERVICES:
        return f"{finding.message}\n  Next: make workshop, in a terminal"
    return str(finding)


def ready_line(number: str, settings: Settings, root: Path) -> str:
    """What the programs of an exercise will use, and where to look on; nothing of a key."""
    mode = doctor.mode_words(doctor.Facts.gather(root, os.environ, quick=True))
    ui, console = settings.public_url(settings.temporal_ui_port), settings.public_url(settings.practice_port)
    return (
        f"Exercise {number} is ready: {mode}. Temporal at {settings.temporal_address}, "
        f"its web UI {ui}, practice console {console}"
    )


def shadow(folder: Path, root: Path) -> str:
    """A file beside the notebook that hides a package, told with the next step; "" if there is none."""
    found = next((finding for finding in doctor.shadows_in(folder, root) if finding.level == "problem"), None)
    return str(found) if found else ""


def stamp() -> str:
    """20261125-130926: now, for names of copies."""
    return time.strftime("%Y%m%d-%H%M%S")


def free_name(path: Path) -> Path:
    """`path`, or the first of `path-2`, `path-3` ... that does not exist."""
    return next(name for name in _names(path) if not name.exists())


def _names(path: Path) -> Iterator[Path]:
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.name}-{number}")
        number += 1
