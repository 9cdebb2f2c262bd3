"""The solution notebooks, executed, where people read them: as pages of nbconvert, and by GitHub's rules."""

import re
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from tests.browser.conftest import Window
from tools import notebooks

NUMBERS = pytest.mark.parametrize("number", ["01", "02", "03", "04"])  # each shows a timeline


def path(number: str) -> Path:
    return notebooks.folder("solutions", number) / "solution.ipynb"


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
