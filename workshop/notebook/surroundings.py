"""Where an exercise is, what its programs will use, and what is wrong with that."""

import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from workshop import doctor, env
from workshop.errors import WorkshopError
from workshop.settings import Settings

SERVICES = ("practice-services", "temporal-server")  # findings that `make workshop` mends


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


def problem(root: Path) -> doctor.Finding | None:
    """The first thing that would stop an exercise."""
    env.unload()
    finding = doctor.first_problem(root, os.environ)
    if finding and finding.code in SERVICES:
        return replace(finding, next_step="make workshop, in a terminal")
    return finding


def ready_line(number: str, settings: Settings, root: Path) -> str:
    """What the programs of an exercise will use, and where to look on; nothing of a key."""
    mode = doctor.mode_words(doctor.Facts.gather(root, os.environ, quick=True))
    ui, console = settings.public_url(settings.temporal_ui_port), settings.public_url(settings.practice_port)
    return (
        f"Exercise {number} is ready: {mode}. Temporal at {settings.temporal_address}, "
        f"its web UI {ui}, practice console {console}"
    )


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
