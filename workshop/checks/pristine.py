"""The exercises' notebooks as they are given out: by them is told that a TODO is not attempted yet.

    python -m workshop.checks.pristine

copies the notebooks of `exercises/` into pristine/. The copies are part of the package, so that a learner who has
edited, committed, or no git at all still gets the notebook back.
"""

import ast
import json
import re
import shutil
from collections.abc import Container
from functools import cache
from pathlib import Path
from typing import Any

from workshop.exercises import FOLDERS
from workshop.settings import ROOT
from workshop.text import shorten

NOTEBOOK = "exercise.ipynb"
FILES = ("activities.py", "workflows.py", "worker.py", "starter.py")
TODO = re.compile(r"^[ \t]*# TODO (\d+)\b.*?^[ \t]*# END TODO \1\b[^\n]*$\n?", re.M | re.S)
NOTHING = re.compile(r"(pass|return|raise NotImplementedError.*|(return |\w+( *:[^=]+)? *= *)?(None|\.\.\.))$")
WRITES = re.compile(r"%%writefile\s+(?:-a\s+)?(\S+)\s*\n")


def pristine_notebook(number: str) -> Path:
    """The notebook of an exercise. Not named as one, so that no tool for notebooks changes it."""
    return Path(__file__).parent / "pristine" / f"{number}.json"


def cells(path: Path) -> list[tuple[str, str]]:
    """Kind and source of each cell of a notebook: all that counts in one that was not run yet."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]


@cache
def pristine_file(number: str, name: str) -> str:
    """The text of a file as the unchanged notebook's cell writes it; "" if no cell does."""
    notebook = pristine_notebook(number)
    for kind, source in cells(notebook) if notebook.is_file() else ():
        writes = WRITES.match(source)
        if kind == "code" and writes and writes[1] == name:
            return source[writes.end() :]
    return ""


def files_with(name: str) -> set[str]:
    """The files, of whichever exercise, in which a name is imported or made as they are given out."""

    def made(node: ast.AST) -> str:
        return getattr(node, "id", "") if isinstance(getattr(node, "ctx", None), ast.Store) else ""

    # Whoever is at an exercise does not know the names of the lessons.
    given = [(file, pristine_file(number, file)) for number in filter(str.isdigit, FOLDERS) for file in FILES]
    return {
        file
        for file, text in given
        for node in ast.walk(ast.parse(text))
        if name in (made(node), getattr(node, "asname", None) or getattr(node, "name", ""))
    }


@cache
def _given_lines(file: str) -> frozenset[str]:
    """The lines, bare, that stand outside of TODOs in a file, of whichever exercise, as it is given out."""
    texts = (TODO.sub("", pristine_file(number, file)) for number in FOLDERS)
    return frozenset(line.strip() for text in texts for line in text.splitlines())


def tree_of(source: str) -> ast.Module:
    """The syntax tree of a file or a cell; an empty one if Python cannot read it."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.parse("")


def left_to_set(file: str, name: str) -> bool:
    """Whether a TODO in a file, of whichever exercise, is there to give a name its value."""
    todos = (match[0] for number in FOLDERS for match in TODO.finditer(pristine_file(number, file)))
    return any(re.search(rf"^[ \t]*{name}\b[^=\n]*=(?!=)", text, re.M) for text in todos)


def comes_from(file: str, source: str, line: int = 0, names: Container[str] = ()) -> str:
    """The learner's own line that last set what is used in a given line, or these names, in a sentence; "" if none."""
    given, lines = _given_lines(file), ["", *source.splitlines()]
    if not given or line >= len(lines) or (line and lines[line].strip() not in given):
        return ""
    found = [node for node in ast.walk(tree_of(source)) if isinstance(node, ast.Name)]
    used = names or {node.id for node in found if node.lineno == line}
    made = [node for node in found if isinstance(node.ctx, ast.Store) and node.id in used]
    own = [(0, ""), *((node.lineno, node.id) for node in made if lines[node.lineno].strip() not in given)]
    at, name = max(own)
    return f"{name} is set in line {at} of {file}: `{shorten(lines[at].strip(), 90)}`." if at else ""


def todo(text: str, number: int) -> list[str] | None:
    """The lines between `# TODO n: ...` and `# END TODO n`, bare; None if the text has no such TODO."""
    match = re.search(rf"^[ \t]*# TODO {number}\b[^\n]*\n(.*?)^[ \t]*# END TODO {number}\b", text, re.M | re.S)
    return [line.strip() for line in match[1].splitlines() if line.strip()] if match else None


def unwritten(number: str, name: str, text: str, which: int) -> str:
    """Why a TODO is not attempted yet, in a sentence; "" if something is written for it, there or elsewhere."""
    given, lines = pristine_file(number, name), todo(text, which)
    if _empty(text):
        return f"{name} has no code in it yet."
    if lines is None or not given:
        return ""
    around = [_code(TODO.sub("", one).splitlines()) for one in (text, given)]
    # A decorator may be put below the function, or above another one: then the check looks at that.
    # So may anything else that the TODO speaks of stand outside of it: right, or in the wrong place.
    said = next((one[0] for one in TODO.finditer(given) if one[1] == str(which)), "")
    words = re.findall(r"[a-z_]{5,}", " ".join(re.findall(r"^ *#(.*)", said, re.M)))
    added = [line.lower() for line in around[0] if line not in around[1] and not re.match("import |from ", line)]
    written = any(not NOTHING.match(line) for line in _code(lines))
    elsewhere = not lines or (written and any(word in line for word in words for line in added))
    if lines == todo(given, which) and (around[0] == around[1] or not elsewhere):
        return f"TODO {which} in {name} is unchanged."
    if written or around[0] != around[1]:
        return ""
    if lines and not _code(lines):
        return f"TODO {which} in {name} has comments only: Python does not run a line that begins with #."
    return f"TODO {which} in {name} is not written yet."


def _empty(text: str) -> bool:
    """Whether Python code does nothing: comments and docstrings at most."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return False
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def _code(lines: list[str]) -> list[str]:
    """Lines, bare, without those that hold nothing but a comment."""
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def main() -> None:
    """Copies the notebooks of `exercises/` that have changed since."""
    for number, folder in FOLDERS.items():
        source, target = ROOT / "exercises" / folder / NOTEBOOK, pristine_notebook(number)
        if not target.exists() or cells(target) != cells(source):
            shutil.copyfile(source, target)
            print(f"copied {target.name}")


if __name__ == "__main__":
    main()
