"""The notebooks, run from top to bottom in real kernels, as `pytest --nbmake` and learners run them.

Untouched starters end without a traceback, and every TODO counts as not attempted. The solution notebooks are the
solved starters: every check passes, and afterwards the folder has the solution's files. Their kernels mostly wait for
something, so they run side by side, each with services and a copy of the tree of its own.
"""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import nbformat
import pytest
from nbformat import NotebookNode

from tools import notebooks
from workshop.checks import CHECKS

ONE_AT_A_TIME = Lock()
EXERCISES = pytest.mark.parametrize("number", notebooks.EXERCISES)


@dataclass(frozen=True)
class Ran:
    """A notebook that was run, and the folder that it was run in."""

    notebook: NotebookNode
    folder: Path

    @property
    def text(self) -> str:
        """All that its cells printed."""
        cells = (cell for cell in self.notebook.cells if cell.cell_type == "code")
        return "".join(output.get("text", "") for cell in cells for output in cell.outputs)

    @property
    def files(self) -> dict[str, str]:
        """What is in the folder besides notebooks."""
        return {path.name: path.read_text(encoding="utf-8") for path in self.folder.glob("*.py")}


def run(path: str, place: Path) -> Ran:
    """Runs a notebook in its exercise's folder of a fresh copy of the tree, with services of its own."""
    root = notebooks.copy_of_the_tree(place)
    notebook = nbformat.read(root / path, as_version=4)
    folder = root / "exercises" / Path(path).parent.name
    with ExitStack() as stack:
        with ONE_AT_A_TIME:  # two must not choose the same free port
            env = stack.enter_context(notebooks.services(root))
        return Ran(notebooks.run(notebook, folder, env), folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Ran]]]:
    """The runs of the notebooks that this session's tests ask for, by path; all are under way at once."""
    wanted = dict.fromkeys(
        notebook_of(item.function.__name__, item.callspec.params["number"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == Path(__file__) and hasattr(item, "callspec")
    )
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=4))
        places = [tmp_path_factory.mktemp("notebook") for _ in wanted]
        yield {path: pool.submit(run, path, place) for path, place in zip(wanted, places, strict=True)}


def notebook_of(test: str, number: str) -> str:
    """Which notebook a test of this module is about."""
    kind, name = ("exercises", "exercise.ipynb") if "untouched" in test else ("solutions", "solution.ipynb")
    return f"{kind}/{notebooks.folder(kind, number).name}/{name}"


@EXERCISES
def test_an_untouched_starter_runs_to_its_end(runs: dict[str, Future[Ran]], number: str) -> None:
    ran = runs[notebook_of("untouched", number)].result()
    todos = [check.name for check in CHECKS[number] if check.todo]
    assert re.findall(r"not attempted: (\w+)", ran.text)[: len(todos)] == todos
    assert "passed: " not in ran.text
    assert "Traceback" not in ran.text


@EXERCISES
def test_a_solution_notebook_passes_every_check(runs: dict[str, Future[Ran]], number: str) -> None:
    ran = runs[notebook_of("solution", number)].result()
    made = re.findall(r"(passed|incorrect|raised|not attempted): (\w+) \(", ran.text)
    assert sorted(made) == sorted(("passed", check.name) for check in CHECKS[number]), ran.text
    assert f"{len(made)} of {len(made)} checks passed" in ran.text


@EXERCISES
def test_a_solved_exercise_has_the_files_of_its_solution(runs: dict[str, Future[Ran]], number: str) -> None:
    ran = runs[notebook_of("solution", number)].result()
    home = notebooks.folder("solutions", number)
    assert ran.files == {path.name: path.read_text(encoding="utf-8") for path in home.glob("*.py")}
