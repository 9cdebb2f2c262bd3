"""The console page: self-contained, guarded, and with nothing of a request in its HTML."""

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from workshop.loopback import NO_TLS
from workshop.practice.admin import PAGE
from workshop.practice.endpoints import PracticeState
from workshop.practice.faults import KINDS
from workshop.practice.server import build_app
from workshop.practice.workflows import PERIOD, ConsoleWorkflows
from workshop.processes import free_port
from workshop.services import own_services


class Elements(HTMLParser):
    """Collects (tag, attributes)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


async def test_it_is_one_page_with_nothing_from_outside(http: httpx.AsyncClient) -> None:
    answer = await http.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == PAGE
    links = [
        value for _, attributes in Elements(PAGE).found for name, value in attributes.items() if name in ("src", "href")
    ]
    assert links == ["data:,"]
    assert "//" not in re.sub(r"^.*?<script>|</script>.*$", "", PAGE, flags=re.DOTALL).replace("  // ", "")


async def test_its_policy_lets_its_own_script_run_and_no_other(http: httpx.AsyncClient) -> None:
    policy = (await http.get("/")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert len(re.findall(r"(?:style|script)-src 'sha256-[\w+/]{43}='", policy)) == 2


async def test_it_says_what_it_is_without_any_request(http: httpx.AsyncClient) -> None:
    await http.post("/v1/responses", json={"model": "m", "input": "<script>canary-4711</script>"})
    page = (await http.get("/")).text
    assert "scripted stand-in, not an LLM" in page
    assert "list prices" in page
    assert "4711" not in page
    assert "innerHTML" not in page


def test_it_can_be_read_by_all() -> None:
    elements = Elements(PAGE).found
    assert ("html", {"lang": "en"}) in elements
    headers = [attributes for tag, attributes in elements if tag == "th"]
    assert len(headers) == 7
    assert all(attributes["scope"] == "col" for attributes in headers)
    fields = len(re.findall(r"<label[^>]*>[^<]+<(?:select|input)", PAGE))
    assert fields == sum(tag in ("select", "input") for tag, _ in elements) == 8
    assert {"caption", "main", "h1"} <= {tag for tag, _ in elements}
    assert "color-scheme: light dark" in PAGE


def test_each_fault_can_be_set_from_it() -> None:
    for target, kinds in KINDS.items():
        (form,) = re.findall(rf'<form id="{target}".*?</form>', PAGE, re.DOTALL)
        assert re.findall(r'<option value="([\w-]+)">', form) == list(kinds)


async def test_its_state_is_bounded_and_the_totals_are_of_all(http: httpx.AsyncClient) -> None:
    for number in range(203):
        await http.get("/alerts/active/area/TX", headers={"User-Agent": f"test {number}"})
    state = (await http.get("/state")).json()
    assert [len(state["entries"]), state["totals"]["weather"]["requests"]] == [200, 203]
    assert state["entries"][-1]["id"] == (await http.get("/ledger")).json()["entries"][-1]["id"]
    assert (state["faults"], state["ui"], state["workflows"]) == ([], "", None)


async def test_without_an_answer_of_temporal_there_are_no_workflows() -> None:
    here = PracticeState(workflows=ConsoleWorkflows(f"127.0.0.1:{free_port()}", "http://ui.example"))
    transport = httpx.ASGITransport(build_app(here))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        state = (await client.get("/state")).json()
    assert (state["ui"], state["workflows"]) == ("http://ui.example", None)


def test_a_server_that_is_gone_is_told_and_found_again_when_it_is_back(tmp_path: Path) -> None:
    with (
        own_services(tmp_path) as services,
        httpx.Client(base_url=services.settings.practice_url, trust_env=False, timeout=30, verify=NO_TLS) as console,
    ):

        def seen() -> tuple[list[object] | None, float]:
            """The workflows, at the next look at the server, and how long that took."""
            time.sleep(PERIOD)
            began = time.monotonic()
            return console.get("/state").json()["workflows"], time.monotonic() - began

        assert seen()[0] == []
        server = services.running("temporal")
        assert server
        server.kill()
        assert seen()[0] is None
        assert seen() == (None, pytest.approx(0, abs=3))
        services.start(["temporal"])
        assert seen()[0] == []
