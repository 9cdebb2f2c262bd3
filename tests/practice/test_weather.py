"""The practice weather as its callers see it."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.practice.conftest import Entries
from workshop.loopback import NO_TLS
from workshop.practice.areas import AREAS
from workshop.practice.server import PracticeServer


async def alerts(http: httpx.AsyncClient, area: str) -> list[dict[str, Any]]:
    answer = await http.get(f"/alerts/active/area/{area}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/geo+json"
    collection = answer.json()
    assert collection["type"] == "FeatureCollection"
    return [feature["properties"] for feature in collection["features"]]


async def test_every_area_answers_by_path_and_by_query(http: httpx.AsyncClient) -> None:
    for area in AREAS:
        by_query = await http.get("/alerts/active", params={"area": area})
        assert await alerts(http, area) == [one["properties"] for one in by_query.json()["features"]]


async def test_a_good_spread_of_alerts(http: httpx.AsyncClient) -> None:
    counts = {area: len(await alerts(http, area)) for area in ("OH", "NY", "TX", "LM", "GM", "LS")}
    assert counts == {"OH": 0, "NY": 1, "TX": 14, "LM": 1, "GM": 1, "LS": 0}
    assert any("Cañón" in alert["headline"] for alert in await alerts(http, "CA"))
    assert len((await alerts(http, "AK"))[0]["description"]) > 10_000
    first, second = await alerts(http, "GU")
    assert first["headline"] is None
    assert "description" not in first
    assert "areaDesc" not in second
    assert (await alerts(http, "KS"))[0]["headline"] == "[URGENT] Flood [/all counties] [bold red]now"


async def test_several_areas_and_all(http: httpx.AsyncClient) -> None:
    two = await http.get("/alerts/active?area=NY,FL")
    same = await http.get("/alerts/active?area=NY&area=FL")
    assert len(two.json()["features"]) == 3
    assert two.json() == same.json()
    everything = (await http.get("/alerts/active")).json()["features"]
    assert len({feature["id"] for feature in everything}) == len(everything) > 20


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("/alerts/active/area/ZZ", 404, "path.area"),
        ("/alerts/active/area/tx", 404, "path.area"),
        ("/alerts/active/area/T%20X/../x", 404, "path.area"),
        ("/alerts/active?area=ZZ", 400, "query.area[0]"),
        ("/alerts/active?area=TX,Texas", 400, "query.area[0]"),
        # Case C18, and what an area that is not given becomes: None, an empty text.
        ("/alerts/active?area=", 400, "query.area[0]"),
        ("/alerts/active?area=TX,", 400, "query.area[0]"),
        ("/alerts/active/area/", 404, "path.area"),
        ("/alerts/active/area", 404, None),
        ("/alerts/active?area=CA&limit=5", 400, "query.limit"),
        ("/alerts/active?foo=5", 400, "query.foo"),
        ("/alerts/active?state=CA", 400, "query.state"),
        ("/alerts/active?Area=CA", 400, "query.Area"),
        ("/alerts/active/area/CA?limit=5", 400, "query.limit"),
        ("/alerts/active/area/CA?severity=Severe", 400, "query.severity"),
        ("/alerts/active?point=39.7,-97.0", 400, "query.point"),
    ],
)
async def test_a_bad_area_is_a_problem_document(
    http: httpx.AsyncClient, entries: Entries, path: str, status: int, parameter: str | None
) -> None:
    answer = await http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert {"type", "title", "detail", "instance", "correlationId"} <= set(problem)
    if parameter:
        assert problem["parameterErrors"][0]["parameter"] == parameter
        assert (entries()[0]["outcome"], entries()[0]["status"]) == ("failed", status)


async def test_a_parameter_that_is_not_known_is_told_as_by_the_real_service(http: httpx.AsyncClient) -> None:
    problem = (await http.get("/alerts/active?area=CA&limit=5")).json()
    assert (problem["title"], problem["type"]) == ("Bad Request", "https://api.weather.gov/problems/BadRequest")
    assert problem["parameterErrors"] == [
        {"parameter": "query.limit", "message": 'Query parameter "limit" is not recognized'}
    ]


async def test_alerts_can_be_selected_as_at_the_real_service(http: httpx.AsyncClient) -> None:
    everything = (await http.get("/alerts/active?area=CA")).json()["features"]
    kinds = {one["properties"]["severity"] for one in everything}
    assert len(kinds) > 1
    for kind in kinds:
        some = (await http.get(f"/alerts/active?area=CA&status=actual&severity={kind}")).json()["features"]
        assert some == [one for one in everything if one["properties"]["severity"] == kind]
    both = (await http.get(f"/alerts/active?area=CA&severity={','.join(kinds)}&message_type=alert")).json()
    assert both["features"] == everything
    assert (await http.get("/alerts/active?area=CA&status=test")).json()["features"] == []


@pytest.mark.parametrize("agent", ["", None])
async def test_a_caller_without_a_user_agent_is_refused(http: httpx.AsyncClient, agent: str | None) -> None:
    request = http.build_request("GET", "/alerts/active/area/CA")
    del request.headers["user-agent"]
    if agent is not None:
        request.headers["user-agent"] = agent
    answer = await http.send(request)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert "User-Agent" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [("down", 503, "failed"), ("not-found", 404, "failed"), ("forbidden", 403, "failed"), ("garbage", 200, "failed")],
)
async def test_faults(
    server: PracticeServer, http: httpx.AsyncClient, entries: Entries, kind: str, status: int, outcome: str
) -> None:
    server.state.faults.set({"target": "weather", "kind": kind, "times": 1, "retry_after": 3})
    answer = await http.get("/alerts/active/area/NY")
    assert answer.status_code == status
    if kind == "garbage":
        with pytest.raises(json.JSONDecodeError):
            answer.json()
    else:
        assert "(practice fault)" in answer.json()["detail"]
        assert answer.headers["retry-after"] == "3"
    assert len(await alerts(http, "NY")) == 1
    assert [entry["outcome"] for entry in entries()] == [outcome, "completed"]


async def test_drop(server: PracticeServer, http: httpx.AsyncClient, entries: Entries) -> None:
    server.state.faults.set({"target": "weather", "kind": "drop", "times": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get("/alerts/active/area/NY")
    assert len(await alerts(http, "NY")) == 1
    assert entries()[0]["outcome"] == "failed"


async def test_huge(server: PracticeServer, http: httpx.AsyncClient) -> None:
    server.state.faults.set({"target": "weather", "kind": "huge"})
    answer = await http.get("/alerts/active?area=NV")
    assert 3_000_000 < len(answer.content) < 4_000_000
    assert all(feature["properties"]["event"] for feature in answer.json()["features"])


async def test_warnings_end_after_some_requests(server: PracticeServer, http: httpx.AsyncClient) -> None:
    server.state.faults.set({"target": "weather", "kind": "over", "after": 2})
    assert [len(await alerts(http, "NY")) for _ in range(4)] == [1, 1, 0, 0]


async def post(http: httpx.AsyncClient, key: str, **more: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    body = more.pop("body", {"message": "Storm."})
    return await http.post("/alerts/send", params={"area": more.get("area", "NY")}, json=body, headers=headers)


async def test_an_alert_is_sent_once_for_each_key(http: httpx.AsyncClient, entries: Entries) -> None:
    answers = [(await post(http, key)).json()["sent"] for key in ("a", "b", "a", "", "")]
    assert answers == [True, True, False, True, True]
    assert [(entry["sent"], entry["repeats"]) for entry in entries()] == [
        (True, None),
        (True, None),
        (False, entries()[0]["id"]),
        (True, None),
        (True, None),
    ]


async def test_a_key_outlives_the_ledger(server: PracticeServer, http: httpx.AsyncClient) -> None:
    await post(http, "a")
    server.state.ledger.clear()
    assert not (await post(http, "a")).json()["sent"]
    totals = server.state.ledger.as_json()["totals"]["weather"]
    assert (totals["alerts_sent"], totals["alerts_not_sent_again"]) == (0, 1)


@pytest.mark.parametrize(
    ("kind", "sent"), [("down", None), ("forbidden", None), ("drop", True), ("garbage", True), ("slow", True)]
)
async def test_what_is_done_is_done_whatever_is_answered(
    server: PracticeServer, http: httpx.AsyncClient, entries: Entries, kind: str, sent: bool | None
) -> None:
    """An error comes before the effect; an answer that is lost, late or broken comes after it."""
    delay = {"delay": 0.05} if kind == "slow" else {}
    server.state.faults.set({"target": "weather", "kind": kind, "times": 1, **delay})
    with suppress(httpx.RemoteProtocolError):
        await post(http, "a")
    assert (await post(http, "a")).json()["sent"] is (sent is None)
    assert entries()[0]["sent"] is sent


@pytest.mark.parametrize(
    "more",
    [{"area": "ZZ"}, {"area": ""}, {"body": {}}, {"body": []}, {"body": {"message": " "}}, {"body": {"message": 1}}],
)
async def test_an_alert_without_state_or_words_is_refused(
    http: httpx.AsyncClient, entries: Entries, more: dict[str, Any]
) -> None:
    answer = await post(http, "a", **more)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert (entries()[0]["outcome"], entries()[0]["sent"]) == ("failed", None)


async def test_the_alerts_stay_the_same(http: httpx.AsyncClient) -> None:
    assert (await http.get("/alerts/active")).json() == (await http.get("/alerts/active")).json()


@settings(max_examples=60)
@given(st.text(min_size=1, max_size=60), st.booleans())
def test_any_area_gets_an_answer_that_is_json(practice_server: PracticeServer, area: str, in_path: bool) -> None:
    path = f"/alerts/active/area/{quote(area, safe='')}" if in_path else f"/alerts/active?{urlencode({'area': area})}"
    answer = httpx.get(f"{practice_server.url}{path}", trust_env=False, verify=NO_TLS)
    assert answer.status_code in (200, 400, 404)
    assert answer.json()
