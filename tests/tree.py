"""A copy of the workshop, for tests that write where learners write."""

import shutil
from pathlib import Path

from tests.harness import Bench
from workshop.settings import ROOT, Settings


def copy_of_the_tree(target: Path) -> Path:
    """The workshop as it is handed out, without what a learner has written here."""
    for name in ("workshop", "exercises", "solutions"):
        kept = shutil.ignore_patterns("__pycache__", ".*", "kept-*", "*.bak-*")
        shutil.copytree(ROOT / name, target / name, ignore=kept)
    for path in target.glob("exercises/*/*.py"):
        if path.name != "connection.py":
            path.unlink()
    shutil.copy(ROOT / ".env.example", target / ".env")
    return target


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
