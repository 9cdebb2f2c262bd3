"""Makes what is generated of the notebooks; `make notebooks` runs it.

    python tools/notebooks.py [01 ...]             for all exercises, or those named
    python tools/notebooks.py --no-run [01 ...]    the same, and keeps the outputs that are there

Each `exercises/.../exercise.ipynb` gets its picture from `docs/img`, loses its outputs, and is copied to where
`workshop reset` finds it. Each `solutions/.../solution.ipynb` is made of the starter and the solution's files, and
run against services of its own, on free ports.
"""

import asyncio
import base64
import os
import re
import shutil
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from traitlets.config import Config

from workshop.checks import CHECKS, pristine
from workshop.exercises import FOLDERS, GIVEN
from workshop.notebook.predictions import PREDICTIONS, QUIZ
from workshop.settings import PORTS, ROOT

NUMBERS = tuple(FOLDERS)
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
PATIENCE = 120  # seconds for one cell; a bound, not an expectation
REGION = re.compile(r"^[ \t]*# TODO (\d+)\b.*?^[ \t]*# END TODO \1\b[^\n]*$", re.M | re.S)
WRITES = "%%writefile "
CHOICE = re.compile(r'^ex\.(predict|quiz)\("([\w-]+)", "\.\.\."\)$')  # a cell in which nothing is chosen yet
SOLVED = "*This is the solved exercise, with the output of a real run. Yours is [the starter]({starter}).*"
# What a learner does by hand in exercise 03: the two lines of the drill, as they are and as they are broken.
RIGHT = "    data = await make_api_call(state)\n    # data = await make_api_call_bug(state)\n"
BROKEN = "    # data = await make_api_call(state)\n    data = await make_api_call_bug(state)\n"
BY_HAND: dict[str, tuple[str, Callable[[str], str]]] = {
    "by-hand-bug": ("*Done by hand: the cell of `activities.py`, broken.*", lambda text: text.replace(RIGHT, BROKEN)),
    "by-hand-fix": ("*Done by hand: the cell of `activities.py`, fixed.*", lambda text: text),
}


def folder(kind: str, number: str, root: Path = ROOT) -> Path:
    """`exercises/03_durable_agent` or `solutions/03_durable_agent`."""
    return root / kind / FOLDERS[number]


def starter(number: str) -> NotebookNode:
    """The starter notebook as it should be: with its picture, without outputs or what an editor left."""
    notebook = nbformat.read(folder("exercises", number) / "exercise.ipynb", as_version=4)
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        elif cell.id == "flow":
            cell.source = picture(number)
    return notebook


def picture(number: str) -> str:
    """The flow of an exercise as an image that holds its own data.

    GitHub's view of notebooks shows no SVG that is markup, nor one that is a file beside the notebook.
    """
    data = (ROOT / "docs" / "img" / f"{number}-flow.svg").read_bytes()
    words = ElementTree.fromstring(data).findtext("{http://www.w3.org/2000/svg}desc") or ""
    return f'<img alt="{escape(words)}" src="data:image/svg+xml;base64,{base64.b64encode(data).decode()}">'


def solved(number: str) -> NotebookNode:
    """The starter with the solution's files in its cells, and with what a learner does by hand done."""
    notebook, home = starter(number), folder("solutions", number)
    cells = []
    for cell in notebook.cells:
        cell.source = cell.source.replace("/exercise.ipynb)", "/solution.ipynb)")
        if cell.cell_type == "code" and cell.source.startswith(WRITES):
            cell.source = _written(home, cell.source.partition("\n")[0].removeprefix(WRITES))
        elif cell.cell_type == "code":
            cell.source = REGION.sub(lambda region: _answer(number, int(region[1])), cell.source)
            cell.source = CHOICE.sub(lambda choice: _chosen(number, choice[1], choice[2]), cell.source)
        cells.append(cell)
        if cell.id == "title":
            up = "../" * (FOLDERS[number].count("/") + 2)
            original = f"{up}exercises/{FOLDERS[number]}/exercise.ipynb"
            cells.append(new_markdown_cell(SOLVED.format(starter=original), id="solved"))
        for tag in cell.metadata.get("tags", ()):
            words, change = BY_HAND[tag]
            cells.append(new_markdown_cell(words, id=f"{tag}-note"))
            cells.append(new_code_cell(change(_written(home, "activities.py")), id=tag))
    notebook.cells = cells
    return notebook


def _written(home: Path, name: str) -> str:
    return f"{WRITES}{name}\n{(home / name).read_text(encoding='utf-8').rstrip()}"


def _answer(number: str, todo: int) -> str:
    return next(check.answer for check in CHECKS[number] if check.todo == todo and not check.file)


def _chosen(number: str, call: str, name: str) -> str:
    return f'ex.{call}("{name}", "{PREDICTIONS[QUIZ if call == "quiz" else number][name].right}")'


def run(notebook: NotebookNode, where: Path, env: Mapping[str, str]) -> NotebookNode:
    """Runs a notebook in a folder; its outputs are in it afterwards.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
    """
    with tempfile.TemporaryDirectory() as sockets:  # in place of ports, which anybody could reach or take
        client = NotebookClient(
            notebook,
            timeout=PATIENCE,
            resources={"metadata": {"path": str(where)}},
            record_timing=False,
            config=Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"}),
        )
        asyncio.run(client.async_execute(env=dict(env)))  # closes its loop, in a thread too; `execute` does not
    return notebook


def copy_of_the_tree(target: Path) -> Path:
    """The workshop as it was handed out, so that running a notebook writes nothing here."""
    for name in ("workshop", "exercises", "solutions"):
        unwanted = [".*", "kept-*", "*.bak-*"]  # learners' copies of their work
        if name != "workshop":  # whose byte code every process would otherwise make anew
            unwanted.append("__pycache__")
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns(*unwanted))
    for file in target.glob("exercises/*/**/*.py"):
        if file.name not in GIVEN:
            file.unlink()
    shutil.copy(ROOT / ".env.example", target / ".env")
    return target


@contextmanager
def services(root: Path) -> Any:
    """A Temporal server and the practice services for a copy of the tree; gives the environment of its kernels."""
    from workshop.services import own_services

    with own_services(root / ".workshop", root) as running:
        settings = running.settings
        yield {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "TEMPORAL_"))} | {
            **settings.practice_env(),
            **settings.ports(),
            "WORKSHOP_STATE_DIR": str(settings.state_dir),
            "PYTHONPATH": str(root),
        }


def without_noise(value: Any, root: Path, env: Mapping[str, str]) -> Any:
    """Outputs with the usual ports, and without paths and names of the machine that they were made on."""
    if isinstance(value, str):
        for name in PORTS:
            made = "(?:<wbr/>)?".join(env.get(name, str(PORTS[name])))  # HTML says where a long address may break
            value = re.sub(rf"(?<=:)(?:<wbr/>)?{made}\b", str(PORTS[name]), value)
        value = re.sub(r"\b(\d+)@[\w.-]+", r"\1@worker", value)
        return value.replace(f"{root}/", "").replace(str(root), ".").replace(f"{Path.home()}/", "~/")
    if isinstance(value, dict):
        return NotebookNode({key: without_noise(item, root, env) for key, item in value.items()})
    return [without_noise(item, root, env) for item in value] if isinstance(value, list) else value


def main(arguments: list[str]) -> None:
    """Writes the notebooks, one line for each that has changed."""
    numbers = [name for name in arguments if name in NUMBERS] or list(NUMBERS)
    for number in numbers:
        _write(starter(number), folder("exercises", number) / "exercise.ipynb")
    pristine.main()
    if "--no-run" in arguments:
        for number in numbers:
            target = folder("solutions", number) / "solution.ipynb"
            made = solved(number)
            if target.exists():
                _keep_outputs(made, nbformat.read(target, as_version=4))
            _write(made, target)
        return
    with tempfile.TemporaryDirectory() as place:
        root = copy_of_the_tree(Path(place).resolve())
        with services(root) as env:
            for number in numbers:
                made = run(solved(number), folder("solutions", number, root), env)
                made.metadata = starter(number).metadata  # and not the version of this Python
                for cell in made.cells:
                    if cell.cell_type == "code":
                        cell.outputs = without_noise(cell.outputs, root, env)
                _write(made, folder("solutions", number) / "solution.ipynb")


def _keep_outputs(made: NotebookNode, old: NotebookNode) -> None:
    known = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    for cell in made.cells:
        if cell.cell_type == "code" and cell.id in known:
            cell.outputs, cell.execution_count = known[cell.id].outputs, known[cell.id].execution_count


def _write(notebook: NotebookNode, target: Path) -> None:
    nbformat.validate(notebook)
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    text = nbformat.writes(notebook) + "\n"
    if text != before:
        target.write_text(text, encoding="utf-8")
        print(f"wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
