"""The notebooks as files: form, size, TODOs, pictures, and that starters are the solutions but for their TODOs."""

import base64
import re
import xml.etree.ElementTree as ElementTree
from functools import cache
from html import unescape

import nbformat
import pytest
from nbformat import NotebookNode

from tools import notebooks
from workshop.checks import CHECKS, pristine
from workshop.exercises import FOLDERS, GIVEN
from workshop.settings import ROOT

LINES = 15  # of a cell, unless it writes a whole file
FILE_LINES = 60  # of a cell that does: the longest file of the solutions, and the marks of its TODOs
NUMBERS = pytest.mark.parametrize("number", notebooks.NUMBERS)
SVG = "{http://www.w3.org/2000/svg}"


@cache
def notebook(number: str) -> NotebookNode:
    return nbformat.read(notebooks.folder("exercises", number) / "exercise.ipynb", as_version=4)


def code(number: str) -> list[NotebookNode]:
    return [cell for cell in notebook(number).cells if cell.cell_type == "code"]


def files(number: str) -> dict[str, str]:
    """The files that a notebook writes, by name."""
    matches = [pristine.WRITES.match(cell.source) for cell in code(number)]
    return {match[1]: match.string[match.end() :] for match in matches if match}


@NUMBERS
def test_a_starter_is_well_formed(number: str) -> None:
    path = notebooks.folder("exercises", number) / "exercise.ipynb"
    nbformat.validate(notebook(number))
    assert (notebook(number).nbformat, notebook(number).nbformat_minor) == (4, 5)
    assert notebook(number).metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook(number).cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in ids)
    # No outputs, no picture that is out of date, nothing that an editor left: `make notebooks` mends it.
    assert nbformat.writes(notebooks.starter(number)) + "\n" == path.read_text(encoding="utf-8")


@NUMBERS
def test_a_starter_begins_with_goal_time_picture_and_proof(number: str) -> None:
    first, flow, proved = notebook(number).cells[:3]
    title = r"^# (Exercise \d|Going further): .+\n\n\*\*Goal\.\*\* [^\n]+\.\n\n\*\*Time\.\*\* \d+ minutes"
    assert re.search(title, first.source)
    assert flow.id == "flow"
    assert "you will have proved" in proved.source
    assert code(number)[0].source == f'from workshop.notebook import exercise\n\nex = exercise("{number}")'


@NUMBERS
def test_no_cell_is_longer_than_a_screen(number: str) -> None:
    for cell in code(number):
        lines = cell.source.count("\n") + 1
        assert lines <= (FILE_LINES if pristine.WRITES.match(cell.source) else LINES), cell.id
        assert cell.source.count("# END TODO") <= 3, cell.id


@NUMBERS
def test_each_todo_has_a_check_and_each_check_is_made(number: str) -> None:
    marks = [int(mark) for cell in code(number) for mark in re.findall(r"# TODO (\d+):", cell.source)]
    ends = [int(mark) for cell in code(number) for mark in re.findall(r"# END TODO (\d+)", cell.source)]
    numbers = [check.todo for check in CHECKS[number] if check.todo]
    assert sorted(marks) == sorted(ends) == sorted(numbers) == list(range(1, len(numbers) + 1))
    made = [match for cell in code(number) for match in re.findall(r'^ex\.check\("(\w+)"\)', cell.source, re.M)]
    assert sorted(made) == sorted(check.name for check in CHECKS[number])
    for check in CHECKS[number]:
        where = files(number).get(check.file, "") if check.file else "\n".join(cell.source for cell in code(number))
        assert check.todo is None or pristine.todo(where, check.todo) is not None, check.name


@NUMBERS
def test_a_starter_compiles(number: str) -> None:
    for name, text in files(number).items():
        compile(text, name, "exec")


@NUMBERS
def test_a_starter_is_its_solution_but_for_the_todos(number: str) -> None:
    home = notebooks.folder("solutions", number)
    assert files(number).keys() == {path.name for path in home.glob("*.py")} - {*GIVEN}
    for name, text in files(number).items():
        given = notebooks.REGION.sub("\0", text).rstrip().split("\0")
        pattern = ".*?".join(re.escape(part.removesuffix("\n") if at else part) for at, part in enumerate(given))
        solution = (home / name).read_text(encoding="utf-8").rstrip()
        assert re.fullmatch(pattern, solution, re.S), f"{name} differs outside of its TODOs"


@NUMBERS
def test_what_is_given_is_the_solutions(number: str) -> None:
    for name in GIVEN:
        given, solution = (notebooks.folder(kind, number) / name for kind in ("exercises", "solutions"))
        assert given.read_bytes() == solution.read_bytes()


@NUMBERS
def test_the_picture_says_in_words_what_it_shows(number: str) -> None:
    data = (ROOT / "docs" / "img" / f"{number}-flow.svg").read_bytes()
    svg = ElementTree.fromstring(data)
    assert svg.get("role") == "img"
    title, words = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert title is not None
    assert words is not None
    assert svg.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
    cell = next(cell for cell in notebook(number).cells if cell.id == "flow")
    shown = re.fullmatch(r'<img alt="([^"]{80,})" src="data:image/svg\+xml;base64,([\w+/=]+)">', cell.source)
    assert shown
    assert unescape(shown[1]) == words.text
    assert base64.b64decode(shown[2]) == data


@NUMBERS
def test_the_picture_is_readable_on_light_and_on_dark(number: str) -> None:
    """Text is white on a dark shape; lines stand out from white and from JupyterLab's dark ground, #111111."""
    svg = ElementTree.parse(ROOT / "docs" / "img" / f"{number}-flow.svg")
    assert {text.get("fill") for text in svg.iter(f"{SVG}text")} == {"#ffffff"}
    for rect in svg.iter(f"{SVG}rect"):
        assert rect.get("fill") == "none" or contrast(str(rect.get("fill")), "#ffffff") >= 4.5
    strokes = {str(shape.get("stroke")) for shape in svg.iter() if shape.get("stroke")}
    for stroke in strokes:
        assert min(contrast(stroke, "#ffffff"), contrast(stroke, "#111111")) >= 3


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@NUMBERS
def test_links_lead_somewhere(number: str) -> None:
    for kind, name in (("exercises", "exercise.ipynb"), ("solutions", "solution.ipynb")):
        home = notebooks.folder(kind, number)
        for cell in nbformat.read(home / name, as_version=4).cells:
            for link in re.findall(r"\]\(([^)#:]+)\)", cell.source if cell.cell_type == "markdown" else ""):
                assert (home / link).is_file(), link


def test_each_tab_has_a_name_of_its_own() -> None:
    """All are exercise.ipynb; JupyterLab writes the folder before it, as tests/browser sees."""
    css = (ROOT / "workshop/jupyter/share/jupyter/lab/custom/custom.css").read_text(encoding="utf-8")
    names = [path.rpartition("/")[2] for path in FOLDERS.values()]
    assert re.findall(r"title\*='/(.+?)/'.+content: '(.+?)/'", css) == [(name, name) for name in names]


@NUMBERS
def test_reset_has_the_starter_as_it_is(number: str) -> None:
    path = pristine.pristine_notebook(number)
    assert pristine.cells(path) == pristine.cells(notebooks.folder("exercises", number) / "exercise.ipynb"), (
        "make notebooks"
    )


@NUMBERS
def test_a_solution_notebook_is_up_to_date(number: str) -> None:
    """Its cells are what the starter and the solution's files make of them, whatever its outputs are."""
    path = notebooks.folder("solutions", number) / "solution.ipynb"
    committed = nbformat.read(path, as_version=4)
    nbformat.validate(committed)
    expected = notebooks.solved(number)
    assert [(cell.id, cell.cell_type, cell.source) for cell in committed.cells] == [
        (cell.id, cell.cell_type, cell.source) for cell in expected.cells
    ], "make notebooks"
    assert not notebooks.REGION.search("".join(cell.source for cell in committed.cells))


@NUMBERS
def test_a_solution_notebook_shows_real_output_and_nothing_private(number: str) -> None:
    path = notebooks.folder("solutions", number) / "solution.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.execution_count, cell.id
            assert all(output.output_type != "error" for output in cell.outputs), cell.id
    text = path.read_text(encoding="utf-8")
    assert "not attempted" not in text
    assert len(re.findall("passed: ", text)) >= len(CHECKS[number])
    assert not re.search(r"\bsk-|/tmp/|/home/|/Users/|/root/|\d@(?!worker\b)", text)


def test_the_drill_flips_one_line() -> None:
    """What the generator does for a learner: one line out, one line in."""
    text = (notebooks.folder("solutions", "03") / "activities.py").read_text(encoding="utf-8")
    broken = notebooks.BY_HAND["by-hand-bug"][1](text)
    assert broken != text
    assert len(set(text.splitlines()) ^ set(broken.splitlines())) == 4
    compile(broken, "activities.py", "exec")


def test_the_picture_of_the_kill_shows_it() -> None:
    """Step 9 of exercise 3: the moment of the kill, the time without a worker, and both witnesses."""
    notebook = nbformat.read(notebooks.folder("solutions", "03") / "solution.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if cell.id == "look-kill"]
    html = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
    (picture,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    drawn = base64.b64decode(picture).decode()
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    for part in ('data-part="kill"', 'data-part="no worker"', 'data-witness="history"', 'data-witness="ledger"'):
        assert part in drawn, part
