"""The solution notebooks, executed, where people read them: as pages of nbconvert, by GitHub's rules, in JupyterLab."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Window, new_page
from tools import notebooks
from workshop.processes import die_with_parent
from workshop.services import EMBEDDED, LAB, Services, catalogue, free_settings

NUMBERS = pytest.mark.parametrize("number", ["01", "02", "03", "04"])  # each shows a timeline


def path(number: str, root: Path = notebooks.ROOT) -> Path:
    return notebooks.folder("solutions", number, root) / "solution.ipynb"


def outputs(number: str) -> list[NotebookNode]:
    cells = nbformat.read(path(number), as_version=4).cells
    return [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]


@NUMBERS
def test_axe_finds_nothing_on_the_pages_of_nbconvert(window: Window, tmp_path: Path, number: str) -> None:
    """In what is ours: the colours of code and prompts, and links that are not underlined, are nbconvert's."""
    page, code = window.page, ".jp-CodeCell > .jp-Cell-inputWrapper"
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
    looked_at = {"light": [code], "dark": [code, ".jp-MarkdownCell"]}  # a text reads alike in both
    for theme in ("light", "dark") if number == "03" else ("light",):  # 03 has outputs of every kind
        outside = looked_at[theme]
        html, _ = HTMLExporter(theme=theme).from_filename(str(path(number)))
        (tmp_path / f"{theme}.html").write_text(html, encoding="utf-8")
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.goto(f"file://{tmp_path}/{theme}.html")
        assert window.findings([*outside, ".jp-OutputPrompt"], ["link-in-text-block"]) == []
        assert not window.scrolls_sideways()


# What GitHub's view of a notebook leaves of an output that is HTML: markup and pictures, and none of these.
LEFT_BY_GITHUB = """([html, id]) => {
  const box = document.createElement('section');
  box.id = id;
  box.append(new DOMParser().parseFromString(html, 'text/html').body);
  for (const gone of box.querySelectorAll('script, style, link, svg, iframe, object, form, button')) gone.remove();
  for (const kept of box.querySelectorAll('*'))
    for (const name of kept.getAttributeNames()) if (/^(style|class|id|on.*)$/.test(name)) kept.removeAttribute(name);
  document.body.append(box);
}"""
SIZES = "images => images.map(image => image.complete ? image.naturalWidth : 0)"


@NUMBERS
def test_by_githubs_rules_pictures_and_numbers_are_still_there(window: Window, number: str) -> None:
    page = window.page
    page.set_content("<html lang=en><title>x</title><body>")
    pages = [output.data for output in outputs(number) if "text/html" in output.get("data", {})]
    for at, data in enumerate(pages):
        html = data["text/html"]
        assert not re.search(r"<(script|style|svg|link|iframe|object)\b|\son\w+=|javascript:", html), html[:300]
        page.evaluate(LEFT_BY_GITHUB, [html, f"output-{at}"])
        left = page.locator(f"#output-{at}")
        # With what is folded, and the words of pictures.
        told = left.evaluate("box => box.textContent")
        told += " ".join(image.get_attribute("alt") or "" for image in left.locator("img").all())
        assert told.strip()
        lines = [line for line in data["text/plain"].splitlines() if "again" in line]
        missing = set(re.findall(r"\d+", " ".join(lines))) - set(re.findall(r"\d+", told))
        assert not missing, f"only in the text form: {sorted(missing)}"
    for image in page.locator("img").all():
        assert len(image.get_attribute("alt") or "") > 20
        assert str(image.get_attribute("src")).startswith("data:image/")
    assert all(page.locator("img").evaluate_all(SIZES))
    assert page.locator("img").count() > 0
    assert all(url.startswith(("data:", "about:")) for url in window.asked)


class Lab:
    """JupyterLab on a copy of the tree, in a window whose theme follows the colours that the page is asked for."""

    def __init__(self, page: Page, link: str, root: Path) -> None:
        self.page, self.root = page, root
        self._server, _, self._token = re.split("/lab|token=", link)

    def open(self, notebook: Path) -> None:
        """Returns when the notebook is drawn and its kernel is ready."""
        self.page.goto(f"{self._server}/lab/tree/{notebook.relative_to(self.root)}?token={self._token}&reset")
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("| Idle")

    def dialogs(self) -> int:
        return self.page.locator(".jp-Dialog").count()

    def as_in(self, scheme: Any, width: int) -> None:
        """Light or dark, in a window of so many pixels."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
        light = "true" if scheme == "light" else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")


@pytest.fixture(scope="module")
def lab(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """As `workshop up` starts it, on services of its own, with all cells drawn at once."""
    root = notebooks.copy_of_the_tree(tmp_path_factory.mktemp("lab").resolve() / "tree")
    settings = free_settings(root / ".workshop", root)
    looks = root.parent / "looks" / "@jupyterlab"
    for name, text in (
        ("apputils-extension/themes", '{"adaptive-theme": true}'),
        ("notebook-extension/tracker", '{"windowingMode": "none"}'),
    ):
        file = looks / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    env = settings.practice_env() | settings.ports()
    env |= {"WORKSHOP_STATE_DIR": str(settings.state_dir), "JUPYTERLAB_SETTINGS_DIR": str(looks.parent)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (env | {"PYTHONPATH": str(root)}).items():
            patch.setenv(name, value)
        services = Services(settings, known=catalogue(settings), before=die_with_parent)
        try:
            services.start([*EMBEDDED, LAB])
            program = services.running(LAB)
            assert program
            page = new_page(chromium)
            yield Lab(page, program.link, root)
            page.close()
        finally:
            services.stop(wait=True)


# Of each output: whether it, or anything in it, is wider than its cell; whether a line that is drawn with characters,
# of a table or a picture, is broken; whether a picture is not shown or has no words.
WRONG = """() => {
  const wrong = [];
  for (const output of document.querySelectorAll('.jp-OutputArea-output')) {
    const say = what => wrong.push(`${what}: ${output.innerText.slice(0, 80)}`);
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


@NUMBERS
def test_in_jupyterlab_no_output_is_wider_than_its_cell(lab: Lab, number: str) -> None:
    """With the file browser open, in a notebook that is not trusted: nobody has run it here."""
    lab.open(path(number, lab.root))
    with_output = [cell for cell in nbformat.read(path(number), as_version=4).cells if cell.get("outputs")]
    drawn = lab.page.locator(".jp-CodeCell", has=lab.page.locator(".jp-OutputArea-output"))
    expect(drawn).to_have_count(len(with_output))
    for scheme, width in (("light", 1280), ("light", 900), ("dark", 900), ("dark", 1280)):
        lab.as_in(scheme, width)
        assert lab.page.evaluate(WRONG) == [], f"{scheme}, {width} pixels"
    assert lab.dialogs() == 0


def test_cells_run_in_jupyterlab_by_its_menu(lab: Lab) -> None:
    """The first half of exercise 1, solved: no dialog, no error, and nothing wider than its cell."""
    home = notebooks.folder("exercises", "01", lab.root)
    notebook = notebooks.solved("01")
    end = next(at for at, cell in enumerate(notebook.cells) if cell.source.startswith("## Step 5"))
    del notebook.cells[end:]
    nbformat.write(notebook, home / "exercise.ipynb")
    lab.as_in("light", 900)
    lab.open(home / "exercise.ipynb")
    page = lab.page
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
    expect(prompts.last).to_have_text(re.compile(r"\[\d+\]:"))
    assert all(re.fullmatch(r"\[\d+\]:", text) for text in prompts.all_inner_texts())
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").all_inner_texts() == []
    expect(page.locator(".jp-OutputArea").filter(has_text="passed: tool").first).to_be_attached()
    for scheme, width in (("light", 900), ("dark", 1280)):
        lab.as_in(scheme, width)
        assert page.evaluate(WRONG) == []
    assert lab.dialogs() == 0
