"""The exercises, solved in JupyterLab as a learner solves them: written into the starters, in real Chromium.

Each run shows several things, since it takes a minute or two: that keyboard and menus do, that every check passes,
that what each *Why* claims is so (tests/claims.py), and that all that was shown fits, light and dark, narrow and wide.
"""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Browser, Locator, Page, expect

from tests import pictures, solved
from tests.browser.conftest import PATIENCE, new_page
from tools import notebooks
from workshop.processes import die_with_parent
from workshop.services import EMBEDDED, LAB, Services, catalogue, free_settings
from workshop.settings import ROOT

# The prompts of cells, once none of them waits or runs: if one fails, those after it are not run. The page asks itself:
# each time that Playwright asks, it goes through all of the page's elements, tens of thousands, in search of shadow
# roots.
ENDED = """([wanted, before]) => {
  const cells = document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell');
  const prompts = wanted.map(at => cells[at].querySelector('.jp-InputPrompt').textContent);
  return prompts[0] !== before && !prompts.includes('[*]:') && prompts;
}"""


class Lab:
    """JupyterLab on a copy of the tree, in one page whose theme follows the colours that it is asked for."""

    def __init__(self, page: Page, root: Path) -> None:
        self.page, self.root = page, root
        self.shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.cells = self.shown.locator(".jp-Notebook .jp-Cell")
        self.errors = self.shown.locator("[data-mime-type='application/vnd.jupyter.stderr']")
        self.tab = page.locator(".lm-TabBar-tab.jp-mod-current")
        self.looks = [("light", 900), ("light", 1280), ("dark", 1280), ("dark", 900)]

    def open(self, notebook: Path) -> None:
        """By its path, as the menu offers; returns when all its cells are drawn and its kernel is ready."""
        self.page.get_by_role("menuitem", name="File", exact=True).click()
        self.page.get_by_role("menuitem", name="Open from Path…", exact=True).click()
        self.page.locator(".jp-Dialog input").fill(str(notebook.relative_to(self.root)))
        self.page.keyboard.press("Enter")
        expect(self.cells).to_have_count(len(nbformat.read(notebook, as_version=4).cells))
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("| Idle")

    def paste(self, at: int, text: str) -> None:
        """Into a cell, in place of what it has. Typed, each line has the whole page laid out several times."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.cells.nth(at).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Control+V")

    def run(self, notebook: NotebookNode, begin: int, end: int) -> None:
        """Selects the cells from `begin` to before `end`, runs them, and returns when all have ended well."""
        wanted = [at for at in range(begin, end) if notebook.cells[at].cell_type == "code"]
        before = self._prompt(wanted[0]).text_content() or ""
        self._prompt(wanted[0]).click()
        self._prompt(wanted[-1]).click(modifiers=["Shift"])
        self.page.keyboard.press("Control+Enter")
        patience = PATIENCE * len(wanted)
        ended = self.page.wait_for_function(ENDED, arg=[wanted, before], polling=1000, timeout=patience)
        for at, prompt in zip(wanted, ended.json_value(), strict=True):
            if not re.fullmatch(r"\[\d+\]:", prompt):  # a cell before it failed
                pytest.fail("\n".join([f"{notebook.cells[at].id} did not run.", *self.errors.all_text_contents()]))
        assert self.errors.all_text_contents() == []

    def _prompt(self, at: int) -> Locator:
        return self.cells.nth(at).locator(".jp-InputPrompt")

    def saved(self, notebook: Path) -> NotebookNode:
        """What is in the file once the keys that save it were pressed."""
        self.page.keyboard.press("Control+S")
        expect(self.tab).not_to_have_class(re.compile("jp-mod-dirty"))
        return nbformat.read(notebook, as_version=4)

    def folder_of_the_tab(self) -> str:
        """What is written before the file's name."""
        drawn = "label => JSON.parse(getComputedStyle(label, '::before').content)"
        return str(self.tab.locator(".lm-TabBar-tabLabel").evaluate(drawn))

    def as_in(self, scheme: Any, width: int) -> None:
        """Light or dark, in a window of so many pixels."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
        light = "true" if scheme == "light" else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")


@pytest.fixture(scope="module")
def lab(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """As `workshop up` starts it, on services of its own, with all cells drawn at once, and without its clock."""
    root = notebooks.copy_of_the_tree(tmp_path_factory.mktemp("lab").resolve() / "tree")
    settings = free_settings(root / ".workshop", root)
    looks = root.parent / "looks" / "@jupyterlab"
    for name, text in (
        ("apputils-extension/themes", '{"adaptive-theme": true}'),
        # The clock beside a kernel that is busy has the whole page drawn again each second.
        ("notebook-extension/tracker", '{"windowingMode": "none", "kernelStatus": {"showProgress": false}}'),
    ):
        file = looks / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    env = settings.practice_env() | settings.ports()
    env |= {"WORKSHOP_STATE_DIR": str(settings.state_dir), "JUPYTERLAB_SETTINGS_DIR": str(looks.parent)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (env | {"PYTHONPATH": f"{root}:{ROOT}"}).items():
            patch.setenv(name, value)
        services = Services(settings, known=catalogue(settings), before=die_with_parent)
        try:
            services.start([*EMBEDDED, LAB])
            program = services.running(LAB)
            assert program
            page = new_page(chromium)
            page.context.grant_permissions(["clipboard-read", "clipboard-write"])
            page.goto(re.sub("/tree/.*[?]", "?", program.link))
            yield Lab(page, root)
            page.close()
        finally:
            services.stop(wait=True)


# Of code, texts and outputs: whether it, or anything in it, is wider than its cell; whether a line that is drawn with
# characters, of a table or a picture, is broken; whether a picture is not shown or has no words.
WRONG = """shown => {
  const wrong = [];
  for (const output of shown.querySelectorAll('.jp-OutputArea-output, .jp-MarkdownOutput, .jp-Editor')) {
    const say = what => wrong.push(`${what}: ${output.textContent.slice(0, 80)}`);
    const right = output.closest('.jp-Cell').getBoundingClientRect().right + 1;
    for (const part of [output, ...output.querySelectorAll('*')]) {
      if (!part.checkVisibility()) continue;  // folded away
      if (part.scrollWidth > part.clientWidth + 1 && part.clientWidth && getComputedStyle(part).overflowX !== 'visible')
        say(`scrolls, ${part.scrollWidth} of ${part.clientWidth}`);
      if (part.getBoundingClientRect().right > right) say('beyond its cell');
    }
    for (const image of output.querySelectorAll('img'))
      if (!image.alt || !image.complete || !image.naturalWidth) say('a picture is missing, or its words are');
    const texts = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (const line of texts.currentNode.data.matchAll(/[\\u2500-\\u257f]{2,}/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, line.index);
        range.setEnd(texts.currentNode, line.index + line[0].length);
        const tops = [...range.getClientRects()].map(box => Math.round(box.top));
        if (new Set(tops).size > 1) say('a drawn line is broken');
      }
    }
  }
  return [...new Set(wrong)];
}"""


def solve(lab: Lab, number: str) -> tuple[NotebookNode, Path]:
    """Pastes what the solution has into the starter, runs it, and saves it; returns it, with its folder."""
    folder = notebooks.folder("exercises", number, lab.root)
    path = folder / "exercise.ipynb"
    starter = solved.with_claims(nbformat.read(path, as_version=4), number)
    nbformat.write(starter, path)
    lab.open(path)
    typed = {cell.id: cell.source for cell in notebooks.solved(number).cells if cell.cell_type == "code"}
    places = {cell.id: at for at, cell in enumerate(starter.cells)}
    for cell in starter.cells:
        if cell.source != typed.get(cell.id, cell.source):
            lab.paste(places[cell.id], typed[cell.id])
    done = 0
    for at, cell in enumerate(starter.cells):
        for tag in cell.metadata.get("tags", ()):  # here a learner goes up to a cell, and changes it by hand
            lab.run(starter, done, at)
            lab.paste(places["file-activities"], typed[tag])
            lab.run(starter, places["file-activities"], places["file-activities"] + 1)
            done = at
    lab.run(starter, done, len(starter.cells))
    return lab.saved(path), folder


def assert_step_9_shows_the_kill(lab: Lab, notebook: NotebookNode) -> None:
    """In the picture that is drawn on the page."""
    (at,) = [at for at, cell in enumerate(notebook.cells) if cell.id == "look-kill"]
    picture = lab.cells.nth(at).locator(".jp-OutputArea-output img").first.get_attribute("src") or ""
    svg = base64.b64decode(picture.removeprefix("data:image/svg+xml;base64,")).decode()
    assert len(pictures.parts(svg, "kill")) == 1
    assert pictures.parts(svg, "no worker")


# One after another in one page: a second start of JupyterLab costs 20 s of CPU. All in one page would take minutes, in
# which it mostly waits, as the lessons do; so there are two lanes (see tests/checks/test_bank.py). The quiz of 04 asks
# about runs of 03.
SOLVED_HERE = {"long::03-04": ("03", "04"), "short::01": ("01",), "short::02": ("02",)}


@pytest.mark.parametrize("numbers", SOLVED_HERE.values(), ids=SOLVED_HERE)
def test_every_check_passes_and_all_that_is_shown_fits(lab: Lab, numbers: tuple[str, ...]) -> None:
    for number in numbers:
        lab.as_in(*lab.looks[0])
        notebook, folder = solve(lab, number)
        solved.assert_solved(number, notebook, folder)
        assert lab.folder_of_the_tab() == f"{folder.name}/"
        if number == "03":
            assert_step_9_shows_the_kill(lab, notebook)
        for scheme, width in lab.looks:
            lab.as_in(scheme, width)
            assert lab.shown.evaluate(WRONG) == [], f"{number}, {scheme}, {width} pixels"
        lab.looks.reverse()  # the next begins as this one ends: a change of the theme has the whole page drawn anew
        lab.tab.locator(".lm-TabBar-tabCloseIcon").click()
        assert lab.page.locator(".jp-Dialog").count() == 0
