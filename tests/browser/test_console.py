"""The practice console in real Chromium: read, worked by keyboard, and kept from other pages."""

import os
import re
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Window
from tests.folders import APPROVAL, DURABLE
from tests.harness import PracticeFrom, Solutions
from workshop import processes
from workshop.processes import die_with_parent, free_port
from workshop.settings import ROOT, Settings

HOSTILE = '<img src=x onerror="document.title=1"> weather alerts in Texas?'


@pytest.fixture
def console(window: Window, practice: PracticeFrom) -> Window:
    """The console, up to date."""
    window.page.goto(practice.url)
    expect(window.page.locator("#live")).to_contain_text("every 2 seconds")
    return window


def test_it_shows_runs_cost_and_their_workflows(
    window: Window, practice: PracticeFrom, solutions: Solutions, settings: Settings
) -> None:
    solutions.worker(DURABLE)
    starter = solutions.starter(DURABLE, HOSTILE)
    starter.wait()
    practice.fault("model", "slow", delay=600)
    waiting = solutions.starter(DURABLE, "Any weather alerts in Utah?")
    practice.until_in_flight("model", 3)
    page = window.page
    page.goto(practice.url)
    link = page.get_by_role("link", name=solutions.workflow_id(starter))
    group = page.locator("tbody", has=link)
    expect(group.locator("th[scope=rowgroup]")).to_contain_text(
        re.compile(r"2 model calls, 2 answered; .+ \+ .+\$0\.\d+")
    )
    expect(group.locator("th[scope=rowgroup]")).to_contain_text("(completed)")
    assert str(link.get_attribute("href")).startswith(f"{settings.ui_url}/namespaces/default/workflows/")
    expect(page.locator("#temporal")).to_contain_text(
        f"no answer of the model recorded yet: {solutions.workflow_id(waiting)}"
    )
    expect(page.locator("tbody").first).to_contain_text("in flight")
    # What was asked is text and nothing else.
    expect(group).to_contain_text(HOSTILE)
    assert page.locator("img").count() == 0
    # The sum is the ledger's, and it is in sight.
    cost = page.locator("dl div", has_text="Cost")
    expect(cost).to_contain_text(f"${practice.ledger()['totals']['model']['cost_usd']:.6f}")
    expect(cost).to_be_in_viewport()
    times = group.locator("tr td:first-of-type").all_inner_texts()
    assert times
    assert all(re.fullmatch(r"([01]\d|2[0-3]):\d\d:\d\d", time) for time in times)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert window.findings() == []
    for width in (900, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert not window.scrolls_sideways()
    assert window.errors == []
    assert {url.rpartition("/")[0] for url in window.asked} == {practice.url}


def press_until(page: Page, name: str) -> None:
    """Tab, until what has the focus is called `name`."""
    for _ in range(40):
        page.keyboard.press("Tab")
        named = page.evaluate(
            "(e => e.labels?.[0]?.firstChild.textContent.trim() ?? e.textContent)(document.activeElement)"
        )
        if named == name:
            return
    pytest.fail(f"Tab does not reach {name!r}")


def test_a_fault_is_set_and_cleared_by_keyboard(console: Window, practice: PracticeFrom) -> None:
    page = console.page
    press_until(page, "Fault of the weather")
    page.keyboard.type("sl")
    press_until(page, "How many times")
    page.keyboard.type("3")
    press_until(page, "Delay in seconds")
    page.keyboard.type("0.5")
    page.keyboard.press("Enter")
    expect(page.locator("#weather-now")).to_have_text("⚠ Set: slow, 3 of 3 times left, 0.5 s delay.")
    expect(page.locator("#said")).to_contain_text("Set weather slow, at ")
    (fault,) = practice.faults()
    assert (fault["target"], fault["kind"], fault["times"], fault["delay"]) == ("weather", "slow", 3, 0.5)
    assert console.findings() == []
    press_until(page, "Clear weather fault")
    page.keyboard.press("Space")
    expect(page.locator("#weather-now")).to_have_text("No fault is set.")
    expect(page.locator("#said")).to_contain_text("Cleared the weather fault")
    assert practice.faults() == []
    assert console.errors == []


def test_an_agent_that_asks_is_answered_by_keyboard(
    window: Window, practice: PracticeFrom, solutions: Solutions, settings: Settings
) -> None:
    solutions.worker(APPROVAL)
    starter = solutions.starter(APPROVAL, HOSTILE.replace("weather alerts in Texas?", "Warn Ohio of the flood."))
    page = window.page
    page.goto(practice.url)
    section = page.get_by_role("region", name="Waiting for your decision")
    call = section.locator("li")
    expect(call).to_contain_text("onerror")  # as text and nothing else
    expect(call).to_contain_text(re.compile(r"Asked at \d\d:\d\d:\d\d\. Deadline .*\d\d:\d\d:\d\d\. approval-"))
    href = str(call.get_by_role("link", name=solutions.workflow_id(starter)).get_attribute("href"))
    assert href.startswith(f"{settings.ui_url}/namespaces/default/workflows/")
    expect(call.get_by_role("button", name="No")).to_be_in_viewport()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert window.findings() == []
    assert not window.scrolls_sideways()
    press_until(page, "Yes")
    page.keyboard.press("Enter")
    expect(section.get_by_role("status")).to_contain_text("✓ Decided. yes: send_alert_to_residents")
    expect(call).to_have_count(0)
    expect(section.get_by_role("status")).to_be_focused()  # its button is gone
    assert starter.wait() == 0
    (alert,) = practice.entries("weather")
    assert (alert["asked"].partition(" key")[0], alert["sent"]) == ("POST /alerts/send?area=OH", True)
    assert window.errors == []


def test_what_the_service_refuses_is_told(console: Window, practice: PracticeFrom) -> None:
    page = console.page
    page.evaluate("document.forms.model.noValidate = true")  # else the browser says it itself
    page.locator("#model [name=times]").fill("0")
    page.get_by_role("button", name="Set model fault").click()
    expect(page.locator("#said")).to_contain_text("Nothing was changed. The practice services refuse it")
    assert practice.faults() == []


ATTACK = """<title>attack</title><form method="post" enctype="text/plain" action="{url}/faults">
<input name='{{"target":"model","kind":"down","x":"' value='"}}'></form><iframe src="{url}/"></iframe><script>
const fault = JSON.stringify({{ target: 'model', kind: 'down' }});
const json = {{ headers: {{ 'Content-Type': 'application/json' }} }};
const ways = [{{}}, {{ mode: 'no-cors' }}, {{ credentials: 'include' }}, json];
const asks = ways.map(way => fetch('{url}/faults', {{ method: 'POST', body: fault, ...way }}));
asks.push(fetch('{url}/faults', {{ method: 'DELETE' }}), fetch('{url}/ledger'));
asks.push(fetch('{url}/state', {{ mode: 'no-cors' }}));
Promise.allSettled(asks).then(ends => {{
  window.read = ends.filter(end => end.status === 'fulfilled' && end.value.type !== 'opaque').length;
  document.title = 'done';
}});
</script>"""


@pytest.fixture
def foreign_port(practice: PracticeFrom, tmp_path: Path) -> Iterator[int]:
    """Where another web server of this machine shows a page that attacks the practice services."""
    (tmp_path / "index.html").write_text(ATTACK.format(url=practice.url), encoding="utf-8")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.example"])
def test_a_page_from_another_origin_changes_and_reads_nothing(
    window: Window, practice: PracticeFrom, foreign_port: int, host: str
) -> None:
    """Of another port (the same site), of another name for this machine, and of another site."""
    practice.fault("weather", "slow", delay=1)
    before = practice.faults()
    page = window.page
    statuses: list[tuple[str, int]] = []
    page.on("response", lambda answer: statuses.append((answer.url, answer.status)))
    page.goto(f"http://{host}:{foreign_port}/index.html")
    expect(page).to_have_title("done")
    assert page.evaluate("window.read") == 0
    with page.expect_navigation():
        page.evaluate("document.forms[0].submit()")
    assert "not on behalf of another web page" in page.content()
    assert practice.faults() == before
    refused = [status for url, status in statuses if url.startswith(practice.url)]
    assert len(refused) >= 4
    assert set(refused) <= {
        403,
        405,
    }  # 405: the question whether a request may be made, which is answered by no endpoint


def test_a_foreign_name_that_leads_here_is_refused(window: Window, practice: PracticeFrom) -> None:
    """DNS rebinding: to the browser, the attacker's page and the console are then of one origin."""
    port = practice.url.rpartition(":")[2]
    answer = window.page.goto(f"http://evil.example:{port}/")
    assert answer
    assert answer.status == 403


def test_it_says_when_the_services_are_gone_and_when_they_are_back(window: Window, tmp_path: Path) -> None:
    port = free_port()
    command = ["-m", "workshop.practice.server", "--port", f"{port}", "--ui-port", "0"]

    def start(name: str) -> processes.Program:
        full = [sys.executable, *command]
        started = processes.start(full, dict(os.environ), ROOT, tmp_path / name, die_with_parent)
        return started.until_printed("practice services on")

    program = start("first.log")
    try:
        page = window.page
        page.clock.install()
        page.goto(f"http://127.0.0.1:{port}")
        expect(page.locator("#live")).to_have_text("Live: looked at every 2 seconds.")
        asked = len(window.asked)
        page.clock.run_for(10_000)
        assert len(window.asked) - asked <= 5
        program.kill()
        page.clock.run_for(2_000)
        expect(page.locator("#live")).to_contain_text("The practice services do not answer. Start them: workshop up")
        page.get_by_role("button", name="Set model fault").click()
        expect(page.locator("#said")).to_contain_text("Nothing was changed. The practice services do not answer.")
        program = start("second.log")
        page.clock.run_for(5_000)
        expect(page.locator("#live")).to_have_text("Live: looked at every 2 seconds.")
    finally:
        program.kill()


def test_it_works_behind_the_proxy_of_a_codespace(window: Window, tmp_path: Path) -> None:
    """Its owner's browser sees one name for each port; links to the web UI lead to that of its port."""
    port = free_port()
    names = {"CODESPACE_NAME": "fuzzy", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": f"codespace.example:{port}"}
    command = [sys.executable, "-m", "workshop.practice.server", "--port", f"{port}", "--ui-port", "8233"]
    program = processes.start(command, {**os.environ, **names}, ROOT, tmp_path / "log", die_with_parent)
    try:
        program.until_printed("practice services on")
        page = window.page
        page.goto(f"http://fuzzy-{port}.codespace.example:{port}/")
        page.get_by_role("button", name="Set model fault").click()
        expect(page.locator("#model-now")).to_contain_text("Set: rate-limit")
        assert httpx.get(f"http://127.0.0.1:{port}/faults", trust_env=False).json()["faults"][0]["kind"] == "rate-limit"
        page.get_by_role("button", name="Clear model fault").click()
        expect(page.locator("#model-now")).to_have_text("No fault is set.")
        link = page.get_by_role("link", name="Temporal web UI").get_attribute("href")
        assert link == f"https://fuzzy-8233.codespace.example:{port}"
    finally:
        program.kill()
