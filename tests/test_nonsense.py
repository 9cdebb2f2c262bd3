"""The solutions' own code against whatever a weather service and a model may send: it ends, and loses nothing."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any

import httpx
import pytest
from agents import AgentsException, RunConfig, Runner, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from hypothesis import example, given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from tests.folders import DURABLE
from tests.solution_modules import modules_of

NO_DEADLINE = settings(deadline=None)  # how long an example takes says more of the machine than of the code
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.none() | st.booleans() | st.integers() | TEXTS
ALERTS = st.lists(
    st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from(["headline", "event", "area"]), VALUES)})
)


@pytest.fixture(scope="module")
def solution() -> Iterator[dict[str, ModuleType]]:
    with modules_of(DURABLE) as modules:
        yield modules


def ask(activities: ModuleType, answer: httpx.Response, state: str = "CA") -> tuple[str, httpx.Request]:
    """What the tool makes of an answer of the weather service, and what it had asked."""
    asked: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    client = partial(httpx.AsyncClient, transport=httpx.MockTransport(service))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(activities.httpx, "AsyncClient", client)
        return asyncio.run(activities.get_weather_alerts(state)), asked[0]


@given(alerts=ALERTS, state=TEXTS)
@example(alerts=[{"properties": {"headline": "x" * 9000}}], state="ñ&area=TX")
@NO_DEADLINE
def test_the_tool_tells_of_every_alert(solution: dict[str, ModuleType], alerts: list[Any], state: str) -> None:
    told, request = ask(solution["activities"], httpx.Response(200, json={"features": alerts}), state)
    assert request.url.params["area"] == state
    assert request.headers["User-Agent"]
    assert told
    assert len(told) < solution["activities"].MAX_CHARACTERS + 100
    lines = [str(alert["properties"].get("headline") or alert["properties"].get("event")) for alert in alerts]
    if "[cut here:" in told:
        assert f"{len(alerts)} alerts in all" in told
    else:
        assert all(line in told for line in lines)


@given(status=st.integers(400, 599), body=st.binary(max_size=200))
@NO_DEADLINE
def test_the_tool_is_asked_again_only_where_that_can_help(
    solution: dict[str, ModuleType], status: int, body: bytes
) -> None:
    with pytest.raises((ApplicationError, httpx.HTTPStatusError)) as raised:
        ask(solution["activities"], httpx.Response(status, content=body))
    helps = status >= 500 or status in (408, 429)
    assert helps != (isinstance(raised.value, ApplicationError) and raised.value.non_retryable)


@given(body=st.binary(max_size=200) | st.recursive(VALUES, st.lists).map(lambda value: json.dumps(value).encode()))
@NO_DEADLINE
def test_an_answer_without_alerts_is_never_taken_for_one(solution: dict[str, ModuleType], body: bytes) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        ask(solution["activities"], httpx.Response(200, content=body))


@given(arguments=TEXTS | st.dictionaries(TEXTS, VALUES).map(json.dumps), said=TEXTS)
@NO_DEADLINE
def test_whatever_the_model_says_the_run_ends(solution: dict[str, ModuleType], arguments: str, said: str) -> None:
    async def get_weather_alerts(state: str) -> str:
        """Active weather alerts for a US state."""
        return f"No active alerts for {state}."

    agent = solution["workflows"].weather_agent(function_tool(get_weather_alerts))
    script = [[function_call("get_weather_alerts", arguments, call_id="c1")], [assistant_message(said)]]
    config = RunConfig(model=ScriptedModel(script), tracing_disabled=True)
    try:
        result = asyncio.run(Runner.run(agent, "Texas?", run_config=config, max_turns=3))
    except AgentsException:
        return  # a workflow of ours ends with it: failure_exception_types
    assert result.final_output == said
