"""Real Chromium, of the machine: none is downloaded. Without it these tests are skipped, with the reason; where
REQUIRE_CHROMIUM is set, as in CI, they fail."""

import os
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = [
    "--no-sandbox",  # which root may not have
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--disable-gpu",  # whose work the processor would do
    # A page under a foreign name that leads here, and one as a codespace has it; neither is ever looked up.
    "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP *.codespace.example 127.0.0.1",
]
PATIENCE = 120_000  # milliseconds for one condition; a bound against hanging


def path_of_chromium() -> str | None:
    """The browser of this machine, if it has one that Playwright can drive."""
    return next(filter(None, map(shutil.which, NAMES)), None)


# For a module only: while Playwright runs, no other event loop can run in this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser."""
    path = path_of_chromium()
    if path is None:
        missing = "there is no Chromium on this machine; install it: sudo apt install chromium"
        assert not os.environ.get("REQUIRE_CHROMIUM"), missing
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


def new_page(chromium: Browser) -> Page:
    """A page of 900 pixels."""
    page = chromium.new_page(viewport={"width": 900, "height": 900})
    page.set_default_timeout(PATIENCE)
    return page


class Window:
    """A page, what went wrong in it, and the addresses that it asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def findings(self, outside: Sequence[str] = (), without: Sequence[str] = ()) -> list[Any]:
        """What axe finds, with the first places of each.

        Args:
            outside: selectors of what is not looked at.
            without: rules that are not applied.
        """
        options = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in without}}
        found = Axe().run(self.page, {"exclude": [[place] for place in outside]}, options).response["violations"]
        return [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found]

    def scrolls_sideways(self) -> bool:
        """Whether something of the page, or of a region that scrolls by itself, lies beyond the right edge."""
        return bool(
            self.page.evaluate(
                """() => [document.scrollingElement, ...document.querySelectorAll('.scroll')]
                         .some(box => box.scrollWidth > box.clientWidth)"""
            )
        )


@pytest.fixture
def window(chromium: Browser) -> Iterator[Window]:
    """A window of 900 pixels."""
    page = new_page(chromium)
    yield Window(page)
    page.close()
