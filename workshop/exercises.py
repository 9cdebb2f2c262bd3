"""The exercises, and what one more needs."""

import re
from pathlib import Path

from workshop.errors import WorkshopError

# Folder of an exercise, and of its solution -> the task queue that its worker polls. The four with a number are the
# workshop; those of going_further/ are lessons for those who want more, and are called by their name. One more needs,
# beside its line here: both folders, its module in checks/ and a line in checks/__init__.py, its texts in
# checks/checks.toml, its choices in notebook/predictions.toml, docs/img/05-flow.svg (or NAME-flow.svg), its row in
# README.md and docs/INSTRUCTOR.md, the name of its tab in jupyter/share/jupyter/lab/custom/custom.css, answers in
# tests/checks/right.py and wrong.py, the claims of its notebook in tests/claims.py, its place in tests/folders.py, a
# recorded history (tests/record_histories.py, test_replay.py), and `make notebooks` (which makes
# checks/pristine/05.json, too).
EXERCISES = {
    "01_agent_hello_world": "agent-hello-world",
    "02_temporal_hello_world": "temporal-hello-world",
    "03_durable_agent": "durable-agent",
    "04_agent_routing": "agent-routing",
    "going_further/approval": "approval",
    "going_further/conversation": "conversation",
    "going_further/polling": "polling",
    "going_further/testing": "testing",
}
GIVEN = ("connection.py", "waiting.py")  # beside the notebook, all that a folder has before anything is written


def number_of(folder: str | Path) -> str:
    """What an exercise is called: `03` for 03_durable_agent, `approval` for going_further/approval."""
    name = Path(folder).name
    digits = re.match(r"\d+", name)
    return f"{int(digits[0]):02d}" if digits else name


FOLDERS = {number_of(folder): folder for folder in EXERCISES}


def exercise_folder(number: str, root: Path) -> Path:
    """The folder of an exercise: `3`, `03` and `03_durable_agent` name one, as do `approval` and its whole path.

    Raises:
        WorkshopError: there is no such exercise.
    """
    folder = root / "exercises" / FOLDERS.get(number_of(str(number)), "none")
    if not folder.is_dir():
        names = ", ".join(number for number, name in FOLDERS.items() if (root / "exercises" / name).is_dir())
        raise WorkshopError(f"There is no exercise {number!r}.", f"choose one of {names or ', '.join(FOLDERS)}")
    return folder


def root_of(folder: Path) -> Path:
    """The checkout that an exercise's folder is in."""
    return folder.parents[FOLDERS[number_of(folder)].count("/") + 1]


def solution_of(folder: Path) -> Path:
    """The folder of the solution that belongs to an exercise's folder."""
    return root_of(folder) / "solutions" / FOLDERS[number_of(folder)]
