"""The exercises, unchanged: what a TODO looked like before anybody touched it.

    python -m workshop.checks.starters

copies the notebooks of `exercises/` beside this file. The copies are part of the package, so that a learner who has
edited, committed, or no git at all still gets the starter back.
"""

import json
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from workshop.settings import ROOT

STARTERS = Path(__file__).parent / "starters"
NOTEBOOK = "exercise.ipynb"
WRITES = re.compile(r"%%writefile\s+(?:-a\s+)?(\S+)\s*\n")


def pristine(number: str) -> Path:
    """The starter notebook of an exercise. Not named as one, so that no tool for notebooks changes it."""
    return STARTERS / f"{number}.json"


@cache
def starter_file(number: str, name: str) -> str:
    """The text of a file as the starter's cell would write it; "" if no cell does."""
    try:
        notebook = json.loads(pristine(number).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        writes = WRITES.match(source)
        if cell["cell_type"] == "code" and writes and writes[1] == name:
            return source[writes.end() :]
    return ""


def todo(text: str, number: int) -> list[str] | None:
    """The lines between `# TODO n: ...` and `# END TODO n`, bare; None if the text has no such TODO."""
    match = re.search(rf"^[ \t]*# TODO {number}\b[^\n]*\n(.*?)^[ \t]*# END TODO {number}\b", text, re.M | re.S)
    return [line.strip() for line in match[1].splitlines() if line.strip()] if match else None


def untouched(number: str, name: str, text: str, which: int) -> bool:
    """Whether a TODO is unchanged."""
    given = todo(starter_file(number, name), which)
    return given is not None and todo(text, which) == given


def main(root: Path = ROOT) -> list[Path]:
    """Copies the notebooks of `exercises/`, without outputs; returns those that were not up to date."""
    STARTERS.mkdir(exist_ok=True)
    changed = []
    for source in sorted(root.glob(f"exercises/[0-9][0-9]_*/{NOTEBOOK}")):
        target = pristine(source.parent.name[:2])
        if not target.exists() or clean(target) != clean(source):
            shutil.copyfile(source, target)
            changed.append(target)
    return changed


def clean(path: Path) -> list[tuple[str, str]]:
    """Kind and source of each cell: all that counts in a starter."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]


if __name__ == "__main__":
    for path in main():
        print(f"copied {path.name}")
