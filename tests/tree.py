"""Folders and settings of a copy of the workshop, for tests that write where learners write."""

import shutil
from pathlib import Path

from tests.harness import Bench
from workshop.settings import Settings


def exercise_folder(root: Path, number: str, solved: bool = False) -> Path:
    """`exercises/0N_name` of a copy; with the solution's files, if wished."""
    folder = next(root.glob(f"exercises/{number}_*"))
    if solved:
        for path in (root / "solutions" / folder.name).glob("*.py"):
            shutil.copy(path, folder / path.name)
    return folder


def variables(bench: Bench, root: Path, state_dir: Path) -> dict[str, str]:
    """The environment of a kernel or command that works on a copy, with the services of the tests."""
    settings: Settings = bench.settings
    return bench.env(
        PYTHONPATH=str(root),
        WORKSHOP_STATE_DIR=str(state_dir),
        WORKSHOP_TEMPORAL_PORT=str(settings.temporal_port),
        WORKSHOP_TEMPORAL_UI_PORT=str(settings.temporal_ui_port),
        WORKSHOP_PRACTICE_PORT=str(settings.practice_port),
        WORKSHOP_LAB_PORT=str(settings.lab_port),
        PYTHONDONTWRITEBYTECODE="1",
    )
