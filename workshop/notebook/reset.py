"""Brings an exercise's starter back. What the learner had is moved aside, never lost."""

import shutil
import time
from itertools import chain, count
from pathlib import Path

from workshop.checks.pristine import NOTEBOOK, pristine_notebook
from workshop.errors import WorkshopError
from workshop.exercises import GIVEN, number_of, root_of, solution_of

MADE = ("__pycache__", ".ipynb_checkpoints", "kept-*")


def reset(folder: Path) -> list[str]:
    """Restores the starter in `folder`; returns lines that say what was done.

    All that the learner wrote there goes into `kept-YYYYmmdd-HHMMSS/`, a changed notebook too.

    Raises:
        WorkshopError: it cannot be done. Then nothing is removed that is not in the new folder too.
    """
    root, number = root_of(folder), number_of(folder)
    starter = pristine_notebook(number)
    if not starter.is_file():
        raise WorkshopError(f"The starter of exercise {number} is missing from the package.", "git checkout workshop")
    sources = {NOTEBOOK: starter, **{name: solution_of(folder) / name for name in GIVEN}}
    given = {folder / name: source for name, source in sources.items() if source.is_file()}
    changed = [path for path, source in given.items() if path.exists() and path.read_bytes() != source.read_bytes()]
    given_or_made = (NOTEBOOK, *GIVEN, *MADE)
    written = [path for path in folder.iterdir() if not any(path.match(pattern) for pattern in given_or_made)]
    kept = dated(folder / "kept")
    try:
        if written or changed:
            kept.mkdir()
            (kept / ".gitignore").write_text("*\n")  # no work of a learner is committed by accident
        for path in [*written, *changed]:  # all copies first
            if path.is_dir():
                shutil.copytree(path, kept / path.name, symlinks=True)
            else:
                shutil.copy2(path, kept / path.name)
        for path in written:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        for path, source in given.items():
            shutil.copyfile(source, path)
    except OSError as error:
        raise WorkshopError(
            f"Exercise {number} could not be reset: {error.strerror} ({error.filename}).",
            "free some space or fix the folder's permissions; nothing is lost",
        ) from None
    if not (written or changed):
        return [f"Exercise {number} is unchanged."]
    names = ", ".join(sorted(path.name for path in [*written, *changed]))
    return [
        f"Exercise {number} is reset to its starter. Kept in {kept.relative_to(root)}: {names}",
        "If the notebook is open in a browser: reload it from disk (File > Reload Notebook from Disk).",
    ]


def dated(path: Path) -> Path:
    """`path` with the time in its name, `kept-20261125-130926`, or the first of `...-2`, `...-3` that is not there."""
    first = path.with_name(f"{path.name}-{time.strftime('%Y%m%d-%H%M%S')}")
    names = chain([first], (first.with_name(f"{first.name}-{number}") for number in count(2)))
    return next(name for name in names if not name.exists())
