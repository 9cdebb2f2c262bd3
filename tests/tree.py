"""Folders and settings of a copy of the workshop, for tests that write where learners write."""

import shutil
from pathlib import Path

from tests.harness import Solutions
from workshop import exercises


def exercise_folder(root: Path, number: str, solved: bool = False) -> Path:
    """The folder of an exercise in a copy; with the solution's files, if wished."""
    folder = exercises.exercise_folder(number, root)
    if solved:
        for path in exercises.solution_of(folder).glob("*.py"):
            shutil.copy(path, folder / path.name)
    return folder


def variables(solutions: Solutions, root: Path, state_dir: Path) -> dict[str, str]:
    """The environment of a kernel or command that works on a copy, with the services of the tests."""
    here = {"PYTHONPATH": str(root), "WORKSHOP_STATE_DIR": str(state_dir), "PYTHONDONTWRITEBYTECODE": "1"}
    return solutions.env(**here, **solutions.settings.ports())
