"""What a solved notebook has shown once it was run, be it by `pytest --nbmake` or in JupyterLab."""

import re
from pathlib import Path
from textwrap import dedent

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tests.claims import CLAIMS
from tools import notebooks
from workshop.checks import CHECKS


def with_claims(notebook: NotebookNode, number: str) -> NotebookNode:
    """Adds a cell for each claim, which fails, and with it the notebook, if it is not so."""
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
    """All that its cells printed, and showed as text."""
    outputs = (output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    return "".join(output.get("text", "") or f"{output.get('data', {}).get('text/plain', '')}\n" for output in outputs)


def assert_solved(number: str, notebook: NotebookNode, folder: Path) -> None:
    """Every check passed, no cell failed, and the folder has the solution's files."""
    failed = [c.id for c in notebook.cells for output in c.get("outputs", ()) if output.output_type == "error"]
    assert not failed
    text = text_of(notebook)
    made = re.findall(r"(passed|incorrect|raised|not attempted): (\w+) \(", text)
    assert sorted(made) == sorted(("passed", check.name) for check in CHECKS[number]), text
    assert f"{len(made)} of {len(made)} checks passed" in text
    home = notebooks.folder("solutions", number)
    left = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    assert left == {path.name: path.read_text(encoding="utf-8") for path in home.glob("*.py")}
