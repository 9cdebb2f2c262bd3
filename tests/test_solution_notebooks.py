"""The notebooks, run from top to bottom in real kernels, as `pytest --nbmake` and learners run them.

Untouched starters end without a traceback, and every TODO counts as not attempted. The solution notebooks are the
solved starters: every check passes, and afterwards the folder has the solution's files.
"""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tools import notebooks
from workshop.checks import CHECKS

EXERCISES = pytest.mark.parametrize("number", notebooks.EXERCISES)


def run(kind: str, number: str, place: Path) -> tuple[NotebookNode, Path]:
    """A notebook that was run, and the exercise's folder, of a fresh copy of the tree, that it was run in."""
    root = notebooks.copy_of_the_tree(place)
    name = "exercise.ipynb" if kind == "exercises" else "solution.ipynb"
    notebook = nbformat.read(notebooks.folder(kind, number, root) / name, as_version=4)
    folder = notebooks.folder("exercises", number, root)
    with notebooks.services(root) as env:
        return notebooks.run(notebook, folder, env), folder


def text_of(notebook: NotebookNode) -> str:
    """All that its cells printed."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return "".join(output.get("text", "") for cell in cells for output in cell.outputs)


@EXERCISES
def test_a_solution_notebook_passes_every_check(number: str, tmp_path: Path) -> None:
    notebook, folder = run("solutions", number, tmp_path)
    text = text_of(notebook)
    made = re.findall(r"(passed|incorrect|raised|not attempted): (\w+) \(", text)
    assert sorted(made) == sorted(("passed", check.name) for check in CHECKS[number]), text
    assert f"{len(made)} of {len(made)} checks passed" in text
    home = notebooks.folder("solutions", number)
    left = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    assert left == {path.name: path.read_text(encoding="utf-8") for path in home.glob("*.py")}


@EXERCISES
def test_an_untouched_starter_runs_to_its_end(number: str, tmp_path: Path) -> None:
    notebook, _ = run("exercises", number, tmp_path)
    text = text_of(notebook)
    todos = [check.name for check in CHECKS[number] if check.todo]
    assert re.findall(r"not attempted: (\w+)", text)[: len(todos)] == todos
    assert "passed: " not in text
    assert "Traceback" not in text
