"""The notebooks, run from top to bottom by `pytest --nbmake`, in copies of the tree.

Untouched starters end without a traceback, and every TODO counts as not attempted. The solution notebooks are the
solved starters: every check passes, what each *Why* claims is so (tests/claims.py), and afterwards the folder has the
solution's files.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tests.claims import CLAIMS
from tools import notebooks
from workshop.checks import CHECKS
from workshop.settings import ROOT

Run = tuple[NotebookNode, Path]  # a notebook with what it printed, and its folder


def nbmake(kind: str, numbers: Iterable[str], place: Path) -> dict[str, Run]:
    """Runs notebooks of `kind` where learners have them: in their folders of `exercises`."""
    root = notebooks.copy_of_the_tree(place)
    made = {}
    for number in numbers:
        folder = notebooks.folder("exercises", number, root)
        if kind == "solutions":
            nbformat.write(claiming(number), folder / "exercise.ipynb")
        made[number] = folder / "exercise.ipynb"
    words = ["--nbmake", "--overwrite", f"--nbmake-timeout={notebooks.PATIENCE}"]
    words += ["-p", "nbmake.pytest_plugin", "-p", "tests.sockets"]
    with notebooks.services(root) as env:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, *map(str, made.values())],
            cwd=root,
            env=env | {"PYTHONPATH": f"{root}:{ROOT}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return {number: (nbformat.read(path, as_version=4), path.parent) for number, path in made.items()}


def claiming(number: str) -> NotebookNode:
    """A solution notebook with a cell for each claim, which fails, and with it the notebook, if it is not so."""
    notebook = nbformat.read(notebooks.folder("solutions", number) / "solution.ipynb", as_version=4)
    claims = dict(CLAIMS[number])
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if claim := claims.pop(cell.id, ""):
            text = f"from tests.claims import *\n\n{dedent(claim).strip()}"
            cells.append(new_code_cell(text, id=f"claim-{cell.id}"))
    assert not claims, "a claim about a cell that is not there"
    notebook.cells = cells
    return notebook


def text_of(notebook: NotebookNode) -> str:
    """All that its cells printed."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return "".join(output.get("text", "") for cell in cells for output in cell.outputs)


# Classes, so that each of these runs, which take minutes, may have a lane of its own.


class Solved:
    numbers: tuple[str, ...]

    def test_every_check_passes(self, tmp_path: Path) -> None:
        for number, (notebook, folder) in nbmake("solutions", self.numbers, tmp_path).items():
            text = text_of(notebook)
            made = re.findall(r"(passed|incorrect|raised|not attempted): (\w+) \(", text)
            assert sorted(made) == sorted(("passed", check.name) for check in CHECKS[number]), text
            assert f"{len(made)} of {len(made)} checks passed" in text
            home = notebooks.folder("solutions", number)
            left = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
            assert left == {path.name: path.read_text(encoding="utf-8") for path in home.glob("*.py")}


class TestSolved01And03(Solved):
    numbers = ("01", "03")


class TestSolved02And04(Solved):
    numbers = ("02", "04")


class TestUntouched:
    def test_it_runs_to_its_end(self, tmp_path: Path) -> None:
        for number, (notebook, _) in nbmake("exercises", notebooks.NUMBERS, tmp_path).items():
            text = text_of(notebook)
            todos = [check.name for check in CHECKS[number] if check.todo]
            assert re.findall(r"not attempted: (\w+)", text)[: len(todos)] == todos
            assert "passed: " not in text
            assert "Traceback" not in text
