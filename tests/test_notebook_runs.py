"""The notebooks, run from top to bottom by `pytest --nbmake`, in copies of the tree.

Untouched starters end without a traceback, and every TODO counts as not attempted. The solution notebooks are the
solved starters: every check passes, what each *Why* claims is so (tests/claims.py), and afterwards the folder has the
solution's files. Those of the workshop itself are solved in a browser where there is one: tests/browser/test_lab.py.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from tests.browser.conftest import path_of_chromium
from tests.browser.test_lab import SOLVED_HERE
from tests.harness import Solutions
from tests.solved import assert_solved, text_of, with_claims
from tests.tree import variables
from tools import notebooks
from workshop.checks import CHECKS
from workshop.settings import ROOT

Run = tuple[NotebookNode, Path]  # a notebook with what it printed, and its folder
PLUGINS = ("tests.light_jsonschema", "nbmake.pytest_plugin", "tests.sockets")


def nbmake(kind: str, numbers: Iterable[str], solutions: Solutions, place: Path) -> dict[str, Run]:
    """Runs notebooks of `kind` where learners have them: in their folders of `exercises`, of a copy of the tree."""
    root = notebooks.copy_of_the_tree(place / "tree")
    made = {}
    for number in numbers:
        folder = notebooks.folder("exercises", number, root)
        if kind == "solutions":
            solution = nbformat.read(notebooks.folder("solutions", number) / "solution.ipynb", as_version=4)
            nbformat.write(with_claims(solution, number), folder / "exercise.ipynb")
        made[number] = folder / "exercise.ipynb"
    words = ("--overwrite", f"--nbmake-timeout={notebooks.PATIENCE}", *map(str, made.values()))
    done = pytest_of(root, variables(solutions, root, root / ".workshop"), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return {number: (nbformat.read(path, as_version=4), path.parent) for number, path in made.items()}


def pytest_of(root: Path, env: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """`pytest --nbmake`, with no other plugins but ours."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--nbmake", *(part for plugin in PLUGINS for part in ("-p", plugin)), *words],
        cwd=root,
        env={**env, "PYTHONPATH": f"{root}:{ROOT}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


# Classes, so that each of these runs, which take minutes, may have a lane of its own.


class Solved:
    numbers: tuple[str, ...]

    def test_every_check_passes(self, solutions: Solutions, tmp_path: Path) -> None:
        for number, (notebook, folder) in nbmake("solutions", self.numbers, solutions, tmp_path).items():
            assert_solved(number, notebook, folder)


# With a browser they are solved in it, in JupyterLab, and these are not needed: they show less, and take as long.
if path_of_chromium() is None:

    class TestSolved01And02(Solved):
        numbers = ("01", "02")

    class TestSolved03And04(Solved):  # the quiz of 04 asks about runs of 03
        numbers = ("03", "04")


class TestSolvedApproval(Solved):
    numbers = ("approval",)


class TestSolvedConversation(Solved):
    numbers = ("conversation",)


class TestSolvedPolling(Solved):
    numbers = ("polling",)


class TestSolvedTesting(Solved):
    numbers = ("testing",)


def test_each_solved_notebook_is_run() -> None:
    here = [way.numbers for way in Solved.__subclasses__()]
    in_a_browser = SOLVED_HERE.values() if path_of_chromium() else []
    assert sorted(number for numbers in [*here, *in_a_browser] for number in numbers) == sorted(notebooks.NUMBERS)


class TestCellsThatDoNotEnd:
    @pytest.mark.parametrize(
        ("cell", "says"),
        [
            ("import os\nos.kill(os.getpid(), 9)", "The kernel died in this cell."),
            (
                "import time\nwhile True:\n    time.sleep(1)",
                "A cell timed out while it was being executed, after 5 seconds.",
            ),
        ],
        ids=["dies", "loops"],
    )
    def test_the_cell_is_named(self, tmp_path: Path, cell: str, says: str) -> None:
        """Case C30."""
        shutil.copy(ROOT / "exercises" / "conftest.py", tmp_path)
        cells = [new_code_cell(code) for code in ("first = 1", cell, "last = 1")]
        nbformat.write(new_notebook(cells=cells), tmp_path / "exercise.ipynb")
        done = pytest_of(tmp_path, os.environ, "--nbmake-timeout=5", str(tmp_path))
        assert done.returncode == 1
        assert f"\n{cell}\n" in done.stdout
        assert says in done.stdout
        assert "last = 1" not in done.stdout
        assert "INTERNAL ERROR" not in done.stdout

    def test_their_bound_is_that_of_all_our_runs(self) -> None:
        """For `pytest --nbmake exercises`, as the README has it."""
        options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
        assert f"--nbmake-timeout={notebooks.PATIENCE}" in options["addopts"].split()


class TestUntouched:
    def test_it_runs_to_its_end(self, solutions: Solutions, tmp_path: Path) -> None:
        for number, (notebook, _) in nbmake("exercises", notebooks.NUMBERS, solutions, tmp_path).items():
            text = text_of(notebook)
            todos = [check.name for check in CHECKS[number] if check.todo]
            assert re.findall(r"not attempted: (\w+)", text)[: len(todos)] == todos
            assert "passed: " not in text
            assert "Traceback" not in text
