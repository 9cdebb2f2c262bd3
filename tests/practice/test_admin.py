"""Faults and ledger over HTTP, and who may ask for them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.practice.conftest import Entries
from workshop.practice.endpoints import PracticeState
from workshop.practice.server import PracticeServer, build_app, forwarded_host

CONTROL = [(method, "/faults") for method in ("GET", "POST", "DELETE")]
CONTROL += [("GET", "/ledger"), ("DELETE", "/ledger"), ("GET", "/state"), ("GET", "/")]


DECISION = ("POST", "/approvals")


async def statuses(http: httpx.AsyncClient, headers: dict[str, str], *more: tuple[str, str]) -> set[int]:
    asked, body = (*CONTROL, *more), {"target": "model", "kind": "down"}
    return {(await http.request(method, path, headers=headers, json=body)).status_code for method, path in asked}


async def test_faults_are_set_shown_and_cleared(http: httpx.AsyncClient) -> None:
    spec = {"target": "model", "kind": "rate-limit", "times": 3, "retry_after": "2", "probability": 0.2, "seed": 7}
    expected = {"faults": [{**spec, "left": 3, "delay": None, "after": None, "spare": 0}]}
    assert (await http.post("/faults", json=spec)).json() == expected
    assert (await http.get("/faults")).json() == expected
    assert (await http.delete("/faults", params={"target": "weather"})).json() == expected
    assert (await http.delete("/faults")).json() == {"faults": []}
    assert (await http.delete("/faults", params={"target": "moon"})).status_code == 422


async def test_the_ledger_is_shown_and_emptied(http: httpx.AsyncClient) -> None:
    await http.post("/v1/responses", json={"model": "m", "input": "alerts for [TX]"})
    await http.get("/alerts/active/area/TX")
    book = (await http.get("/ledger")).json()
    assert [entry["service"] for entry in book["entries"]] == ["model", "weather"]
    assert book["entries"][0]["asked"] == "alerts for [TX]"
    assert set(book["totals"]) == {"model", "weather"}
    since = (await http.get("/ledger", params={"since": book["entries"][0]["id"]})).json()
    assert since["entries"] == book["entries"][1:]
    assert (await http.get("/ledger?since=x")).status_code == 422
    assert (await http.delete("/ledger")).json()["entries"] == []


async def test_a_decision_needs_three_words_and_a_server(http: httpx.AsyncClient) -> None:
    asked = {"workflow_id": "w", "call_id": "c", "decision": "yes"}
    for wrong in ("{", "[]", json.dumps({**asked, "call_id": 1}), json.dumps({"decision": "yes"})):
        assert (await http.post("/approvals", content=wrong)).status_code == 422
    answer = await http.post("/approvals", json=asked)
    assert (answer.status_code, "without a Temporal server" in answer.json()["error"]) == (409, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8234"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[::1"},
        {"Host": ""},
    ],
)
async def test_other_sites_are_refused(http: httpx.AsyncClient, server: PracticeServer, headers: Any) -> None:
    assert await statuses(http, headers, DECISION) <= {403, 400}  # 400: uvicorn does not take the Host header at all
    assert server.state.faults.as_json() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "localhost:8234"},
        {"Host": "[::1]:8234"},
    ],
)
async def test_this_machine_is_let_in(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert await statuses(http, headers) == {200}


async def test_the_consoles_own_requests_are_let_in(http: httpx.AsyncClient, server: PracticeServer) -> None:
    assert await statuses(http, {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}) == {200}


async def test_a_link_to_the_console_may_be_followed_and_nothing_else(http: httpx.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert (await http.get("/", headers=headers)).status_code == 200
    for path in ("/ledger", "/state", "/faults"):
        assert (await http.get(path, headers=headers)).status_code == 403
    assert (await http.post("/faults", headers=headers, json={"target": "model", "kind": "down"})).status_code == 403
    assert (await http.get("/", headers={**headers, "Sec-Fetch-Dest": "iframe"})).status_code == 403


FORWARDED = "fuzzy-space-rwp96-8234.app.github.dev"
LOCAL = "localhost:8234"


@pytest.fixture
async def codespace(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the services in a codespace, as they are started there on port 8234."""
    monkeypatch.setenv("CODESPACE_NAME", "fuzzy-space-rwp96")
    monkeypatch.setenv("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev")
    transport = httpx.ASGITransport(build_app(PracticeState(forwarded=forwarded_host(8234))))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8234") as http:
        yield http


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": FORWARDED},
        {"Host": FORWARDED, "X-Forwarded-Host": FORWARDED},
        {"Host": LOCAL, "X-Forwarded-Host": FORWARDED},
        {"Host": FORWARDED, "X-Forwarded-Host": LOCAL},
        {"Host": FORWARDED, "Origin": f"https://{FORWARDED}", "Sec-Fetch-Site": "same-origin"},
        {"Host": LOCAL, "X-Forwarded-Host": FORWARDED, "Origin": f"https://{FORWARDED}"},
        {"Host": FORWARDED, "Origin": f"http://{LOCAL}", "Sec-Fetch-Site": "same-origin"},
        {"Host": LOCAL, "X-Forwarded-Host": FORWARDED, "Origin": f"http://{LOCAL}"},
    ],
)
async def test_each_header_shape_of_a_codespace_is_let_in(codespace: httpx.AsyncClient, headers: Any) -> None:
    """Case C34. 422: a decision about nothing, which was read."""
    assert await statuses(codespace, headers, DECISION) == {200, 422}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": FORWARDED.replace("8234", "8888")},
        {"Host": FORWARDED.replace("fuzzy", "other")},
        {"Host": f"{FORWARDED}.evil.example"},
        {"Host": f"evil.{FORWARDED}"},
        {"Host": "app.github.dev"},
        {"Host": f"{FORWARDED}:8234"},
        {"Host": LOCAL, "X-Forwarded-Host": "evil.example"},
        {"Host": LOCAL, "X-Forwarded-Host": f"{FORWARDED}, evil.example"},
        {"Host": LOCAL, "X-Forwarded-Host": FORWARDED.replace("8234", "8888")},
        {"Host": "evil.example", "X-Forwarded-Host": FORWARDED},
        {"Host": FORWARDED, "Origin": "https://evil.example"},
        {"Host": FORWARDED, "Origin": f"https://{FORWARDED.replace('8234', '8888')}"},
        {"Host": FORWARDED, "Origin": "http://localhost:8888"},
        {"Host": FORWARDED, "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_everything_else_in_a_codespace_is_refused(codespace: httpx.AsyncClient, headers: Any) -> None:
    assert await statuses(codespace, headers, DECISION) == {403}


@pytest.mark.parametrize("headers", [{"Host": FORWARDED}, {"Host": LOCAL, "X-Forwarded-Host": FORWARDED}])
async def test_a_codespaces_name_is_refused_elsewhere(http: httpx.AsyncClient, headers: Any) -> None:
    assert await statuses(http, headers) == {403}


@pytest.mark.parametrize("client", [("192.0.2.7", 1234), ("::ffff:192.0.2.7", 1), None])
async def test_another_machine_is_refused(client: Any) -> None:
    transport = httpx.ASGITransport(build_app(), client=client)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        assert await statuses(http, {}) == {403}
        assert (await http.get("/ledger")).json() == {"error": "only this machine may ask this"}
        assert (await http.get("/health")).status_code == 200


async def test_fifty_at_once_are_all_noted(http: httpx.AsyncClient, entries: Entries) -> None:
    bodies = [{"model": "m", "input": f"Alerts {number}?"} for number in range(50)]
    answers = await asyncio.gather(*(http.post("/v1/responses", json=body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 50
    assert len({entry["run"] for entry in entries()}) == 50
    assert {entry["outcome"] for entry in entries()} == {"completed"}
