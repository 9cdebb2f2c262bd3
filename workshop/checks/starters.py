"""The exercises, unchanged: what a TODO looked like before anybody touched it.

    python -m workshop.checks.starters

copies the notebooks of `exercises/` beside this file. The copies are part of the package, so that a learner who has
edited, committed, or no git at all still gets the starter back.
"""

import ast
import json
import re
import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from workshop.settings import ROOT

STARTERS = Path(__file__).parent / "starters"
NOTEBOOK = "exercise.ipynb"
TODO = re.compile(r"^[ \t]*# TODO (\d+)\b.*?^[ \t]*# END TODO \1\b[^\n]*$\n?", re.M | re.S)
NOTHING = re.compile(r"(pass|return|raise NotImplementedError.*|(return |\w+( *:[^=]+)? *= *)?(None|\.\.\.))$")
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


def unwritten(number: str, name: str, text: str, which: int) -> str:
    """Why a TODO is not attempted yet, in a sentence; "" if something is written for it, there or elsewhere."""
    given, lines = starter_file(number, name), todo(text, which)
    if _empty(text):
        return f"{name} has no code in it yet."
    if lines is None or not given:
        return ""
    if lines == todo(given, which):
        return f"TODO {which} in {name} is unchanged."
    around = [_bare(TODO.sub("", one).splitlines()) for one in (text, given)]
    nothing = all(NOTHING.match(line) for line in _bare(lines)) and around[0] == around[1]
    return f"TODO {which} in {name} is not written yet." if nothing else ""


def _empty(text: str) -> bool:
    """Whether Python code does nothing: comments and docstrings at most."""
    try:
        body = ast.parse(text).body
        return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)
    except (SyntaxError, ValueError):
        return False


def _bare(lines: Iterable[str]) -> list[str]:
    """Lines without those that hold nothing but a comment."""
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


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
