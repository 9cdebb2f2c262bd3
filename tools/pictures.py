"""Makes the pictures of README and guide, of real runs, in Chromium; `make pictures` runs it, in two minutes.

    python tools/pictures.py [demo] [notebook] [console] [web-ui]    all of them, or those named

They go to docs/img: `demo.svg`, a terminal that plays what `workshop demo` printed, at the times at which it did;
`timeline.svg` and `proof.svg`, of a worker that is killed in exercise 3; `console.png` and `web-ui.png`, of a model
that refuses everything. Services of its own run on free ports, and end with it.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path

from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import OPTIONS, path_of_chromium
from tools import notebooks
from workshop import processes
from workshop.demo import QUESTION
from workshop.practice.client import Practice
from workshop.processes import Program, die_with_parent, wait_for
from workshop.settings import ROOT

IMAGES = ROOT / "docs" / "img"
PATIENCE = 120_000  # milliseconds for one condition in a page
# What a learner does in step 9 of exercise 3, and looks at afterwards.
KILL = """
ex.worker.start()
ex.fault("model", "slow", delay=600, after=1)
asked = ex.ask("{question}", wait=0)
from workshop.processes import wait_for
from workshop.practice.client import Practice
wait_for("call 2", lambda: [e["outcome"] for e in Practice("{url}").entries("model")] == ["completed", "in flight"])
ex.worker.kill()
import time
time.sleep(4)  # so long nobody works on it: the picture shows that
ex.clear()
ex.worker.start()
ex.wait(60)
"""
# Of terminal and text, in units of the SVG.
COLUMNS, ROWS, CHARACTER, LINE, EDGE = 92, 26, 8.0, 18, 14
NAME = re.compile(r"\b(\d+)@[\w.-]+")  # a worker's, which holds that of this machine
HOLD = 8.0  # seconds for which the last screen stays before it begins again


def main(names: list[str]) -> None:
    """Makes those named, a line for each."""
    wanted = names or ["demo", "notebook", "console", "web-ui"]
    IMAGES.mkdir(exist_ok=True)
    if "demo" in wanted:
        _write(
            IMAGES / "demo.svg",
            terminal("$ make demo", played([str(Path(sys.executable).with_name("workshop")), "demo"])),
        )
    if set(wanted) - {"demo"}:
        with tempfile.TemporaryDirectory() as place:
            root = notebooks.copy_of_the_tree(Path(place).resolve())
            with notebooks.services(root) as env:
                html = executed(root, env) if "notebook" in wanted else ""
                with browser() as page:  # not before: while it is there, no notebook can be run
                    if html:
                        of_the_notebook(page, html, root)
                    if {"console", "web-ui"} & set(wanted):
                        of_the_pages(page, env, wanted)


@contextmanager
def browser() -> Iterator[Page]:
    """A page of 900 pixels."""
    path = path_of_chromium()
    if path is None:
        sys.exit("There is no Chromium on this machine.\n  Next: sudo apt install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        page = chromium.new_page(viewport={"width": 900, "height": 900}, color_scheme="light")
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield page
        chromium.close()


def executed(root: Path, env: Mapping[str, str]) -> str:
    """What exercise 3 shows of a kill, as a page: two cells, the timeline and the proof."""
    solution, exercise = (notebooks.folder(kind, "03", root) for kind in ("solutions", "exercises"))
    for file in solution.glob("*.py"):
        shutil.copy(file, exercise)
    cells = [
        new_code_cell('from workshop.notebook import exercise\n\nex = exercise("03")', id="first"),
        new_code_cell(KILL.format(question=QUESTION, url=env["WEATHER_API_URL"]).strip(), id="kill"),
        new_code_cell("ex.timeline()", id="timeline"),
        new_code_cell("ex.proof()", id="proof"),
    ]
    made = notebooks.run(new_notebook(cells=cells, metadata={"kernelspec": notebooks.KERNEL}), exercise, env)
    made.cells = made.cells[2:]
    for cell in made.cells:
        cell.outputs = notebooks.without_noise(cell.outputs, root, env)
    return str(HTMLExporter(theme="light").from_notebook_node(made)[0])


def of_the_notebook(page: Page, html: str, root: Path) -> None:
    """The timeline of a kill and its proof."""
    (root / "shown.html").write_text(html, encoding="utf-8")
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
    page.goto(f"file://{root}/shown.html")
    page.unroute("**/*")
    for name, cell in zip(("timeline", "proof"), page.locator(".jp-CodeCell").all(), strict=True):
        shown = cell.locator(".jp-OutputArea-output img").first
        expect(shown).to_be_visible()
        assert shown.evaluate("image => image.complete && image.naturalWidth")
        data = str(shown.get_attribute("src")).removeprefix("data:image/svg+xml;base64,")
        _write(IMAGES / f"{name}.svg", base64.b64decode(data).decode())


def of_the_pages(page: Page, env: Mapping[str, str], wanted: list[str]) -> None:
    """The console and the web UI while the model refuses the second call of a run."""
    practice = Practice(env["WEATHER_API_URL"])
    folder = notebooks.folder("solutions", "03")
    programs: list[Program] = []

    def start(*words: str) -> None:
        log = Path(env["WORKSHOP_STATE_DIR"], "logs", f"pictures-{len(programs)}.log")
        programs.append(processes.start([sys.executable, *words], dict(env), folder, log, die_with_parent))

    try:
        start("worker.py")
        practice.fault("model", "rate-limit", after=1)
        start("starter.py", QUESTION)
        wait_for("four attempts", lambda: sum(e["status"] == 429 for e in practice.entries("model")) >= 4)
        page.goto(practice.url)
        run = page.locator("tbody", has_text="(running)").first
        expect(run).to_be_visible()
        if "console" in wanted:
            page.set_viewport_size({"width": 900, "height": 1060})
            page.screenshot(path=IMAGES / "console.png")
            _told(IMAGES / "console.png")
        if "web-ui" in wanted:
            page.set_viewport_size({"width": 1000, "height": 1200})
            link = run.get_by_role("link")
            page.goto(f"{link.get_attribute('href')}/pending-activities")
            expect(page.get_by_text("practice fault").first).to_be_visible()
            page.evaluate(WITHOUT_NAMES)
            below = page.get_by_text('"stackTrace"').first.bounding_box()  # from there on, paths of this machine
            assert below
            page.screenshot(path=IMAGES / "web-ui.png", clip={"x": 0, "y": 0, "width": 1000, "height": below["y"]})
            _told(IMAGES / "web-ui.png")
    finally:
        practice.clear()
        for program in programs:
            program.kill()


# Without the name of this machine, which is in the names of workers.
WITHOUT_NAMES = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    text.data = text.data.replace(/\\b(\\d+)@[\\w.-]+/g, '$1@worker');
  }
}"""


def played(command: list[str]) -> list[tuple[float, str]]:
    """The lines that a program prints, each with the second in which it did; the last is when it ended.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    columns = COLUMNS - len("@worker")  # the name that stands in the place of this machine's may be longer
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": str(columns), "PYTHONIOENCODING": "utf-8"}
    began, lines = time.monotonic(), []
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, encoding="utf-8") as program:
        assert program.stdout
        for line in program.stdout:
            lines.append((time.monotonic() - began, NAME.sub(r"\1@worker", line.rstrip())))
    if program.returncode:
        raise subprocess.CalledProcessError(program.returncode, command)
    return [*lines, (time.monotonic() - began, "")]


def terminal(prompt: str, lines: list[tuple[float, str]]) -> str:
    """An SVG that plays lines at their times, over and over. Who wants no motion sees the end of it, and it stands."""
    rows = [(0.0, prompt)]
    for at, line in lines:
        parts = [line[begin : begin + COLUMNS] for begin in range(0, len(line), COLUMNS)] or [""]
        rows += [(at, part) for part in parts]
    whole = rows[-1][0] + HOLD
    width, height = 2 * EDGE + COLUMNS * CHARACTER, 2 * EDGE + ROWS * LINE
    frames, texts, scrolls = [], [], ["0%{transform:none}"]
    for row, (at, text) in enumerate(rows):
        percent = f"{100 * at / whole:.2f}%"
        up = max(row + 1 - ROWS, 0) * LINE
        if up:
            scrolls.append(f"{percent}{{transform:translateY(-{up}px)}}")
        if text.strip():
            indent = len(text) - len(text.lstrip())
            frames.append(
                f"@keyframes r{row}{{0%{{opacity:0}}{percent},to{{opacity:1}}}}#r{row}{{animation-name:r{row}}}"
            )
            tone = "good" if "made again: 0" in text else "bad" if "made again: " in text else ""
            texts.append(
                f'<text id="r{row}" class="{tone}" '
                f'x="{EDGE + indent * CHARACTER:g}" y="{EDGE + (row + 0.75) * LINE:g}" '
                f'textLength="{len(text.strip()) * CHARACTER:g}" lengthAdjust="spacingAndGlyphs">'
                f"{escape(text.strip()).replace(' ', chr(0xA0))}</text>"
            )
    end = f"translateY(-{max(len(rows) - ROWS, 0) * LINE}px)"
    said = escape(" ".join(text.strip() for _, text in rows if "made again" in text or text.startswith("$")))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-labelledby="t d"><title id="t">A terminal that plays {escape(prompt[2:])}'
        f'</title><desc id="d">{said}</desc><style>'
        f"text{{fill:#e6e6e6;font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}}"
        f".good{{fill:#7ee787}}.bad{{fill:#ff9d8a}}"
        f"text,g{{animation:0s step-end infinite;animation-duration:{whole:.2f}s}}"
        f"{''.join(frames)}@keyframes up{{{''.join(scrolls)}}}g{{animation-name:up;transform:{end}}}"
        f"@media(prefers-reduced-motion:reduce){{text,g{{animation:none!important}}}}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="#16181d"/>'
        f'<svg y="{EDGE}" width="{width:g}" height="{ROWS * LINE}" viewBox="0 {EDGE} {width:g} {ROWS * LINE}">'
        f"<g>{''.join(texts)}</g></svg></svg>\n"
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    _told(path)


def _told(path: Path) -> None:
    print(f"wrote {path.relative_to(ROOT)}, {path.stat().st_size // 1024} KiB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
