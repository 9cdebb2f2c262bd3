"""Each fault as the unchanged OpenAI client sees it, and how the plan counts."""

import asyncio
import json
import re
import socket
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import (
    APIConnectionError,
    AsyncOpenAI,
    AuthenticationError,
    InternalServerError,
    RateLimitError,
)

from tests.practice.conftest import Entries, Server, until
from tests.practice.test_chat_api import TOOL as CHAT_TOOL
from tests.practice.test_responses_api import JSON, TOOL
from workshop.loopback import NO_TLS
from workshop.practice.faults import KINDS, BadFault, Fault, Faults
from workshop.practice.server import PracticeServer

DATE = "Wed, 25 Nov 2026 12:00:00 GMT"


async def ask(client: AsyncOpenAI, chat: bool, **more: Any) -> Any:
    if chat:
        messages: list[Any] = [{"role": "user", "content": "Alerts in Texas?"}]
        return await client.chat.completions.create(model="m", messages=messages, **more)
    return await client.responses.create(model="m", input="Alerts in Texas?", **more)


@pytest.mark.parametrize("chat", [False, True], ids=["responses", "chat"])
class TestModelFaults:
    """Both APIs, no retries by the client."""

    @pytest.mark.parametrize(
        ("kind", "error", "status", "code"),
        [
            ("rate-limit", RateLimitError, 429, "rate_limit_exceeded"),
            ("quota", RateLimitError, 429, "insufficient_quota"),
            ("bad-key", AuthenticationError, 401, "invalid_api_key"),
            ("down", InternalServerError, 503, None),
            ("server-error", InternalServerError, 500, None),
        ],
    )
    async def test_errors(
        self,
        server: PracticeServer,
        openai: AsyncOpenAI,
        entries: Entries,
        chat: bool,
        kind: str,
        error: type[Exception],
        status: int,
        code: str | None,
    ) -> None:
        server.state.faults.set({"target": "model", "kind": kind, "times": 1})
        for stream in (False, True):
            with pytest.raises(error) as caught:
                await ask(openai, chat, stream=stream)
            assert caught.value.status_code == status  # type: ignore[attr-defined]
            assert caught.value.code == code  # type: ignore[attr-defined]
            assert "(practice fault)" in str(caught.value)
            server.state.faults.set({"target": "model", "kind": kind, "times": 1})
        server.state.faults.clear()
        assert await ask(openai, chat)
        seen = [(entry["outcome"], entry["status"], entry["fault"]) for entry in entries()]
        assert seen == [("failed", status, kind)] * 2 + [("completed", 200, None)]

    async def test_drop(self, server: PracticeServer, openai: AsyncOpenAI, entries: Entries, chat: bool) -> None:
        server.state.faults.set({"target": "model", "kind": "drop", "times": 2})
        for stream in (False, True):
            with pytest.raises(APIConnectionError):
                await ask(openai, chat, stream=stream)
        assert await ask(openai, chat)
        assert [entry["outcome"] for entry in entries()] == ["failed", "failed", "completed"]

    async def test_garbage(self, server: PracticeServer, openai: AsyncOpenAI, entries: Entries, chat: bool) -> None:
        server.state.faults.set({"target": "model", "kind": "garbage"})
        with pytest.raises(json.JSONDecodeError):
            await ask(openai, chat)
        with pytest.raises(json.JSONDecodeError):
            [event async for event in await ask(openai, chat, stream=True)]
        assert [(entry["outcome"], entry["status"]) for entry in entries()] == [("failed", 200)] * 2

    async def test_error_body(self, server: PracticeServer, openai: AsyncOpenAI, chat: bool) -> None:
        server.state.faults.set({"target": "model", "kind": "error-body"})
        answer = await ask(openai, chat)
        assert answer.choices is None
        message = answer.error["message"] if chat else answer.error.message
        assert "did not answer" in message

    async def test_unknown_tool(self, server: PracticeServer, openai: AsyncOpenAI, chat: bool) -> None:
        server.state.faults.set({"target": "model", "kind": "unknown-tool", "times": 1})
        answer = await ask(openai, chat, tools=[CHAT_TOOL if chat else TOOL])
        call = answer.choices[0].message.tool_calls[0].function if chat else answer.output[0]
        assert (call.name, json.loads(call.arguments)) == ("get_forecast_now", {"city": "Reno"})

    async def test_bad_arguments(
        self, server: PracticeServer, openai: AsyncOpenAI, entries: Entries, chat: bool
    ) -> None:
        """Case C39."""
        server.state.faults.set({"target": "model", "kind": "bad-arguments", "times": 1})
        assert (await ask(openai, chat)).id  # it asks for no tool: kept for later
        for written in ('["TX"]', '{"state": "TX"}'):
            answer = await ask(openai, chat, tools=[CHAT_TOOL if chat else TOOL])
            call = answer.choices[0].message.tool_calls[0].function if chat else answer.output[0]
            assert (call.name, call.arguments) == ("get_weather_alerts", written)
        assert [entry["fault"] for entry in entries()] == [None, "bad-arguments", None]

    async def test_empty_answer(self, server: PracticeServer, openai: AsyncOpenAI, chat: bool) -> None:
        """Case C42."""
        server.state.faults.set({"target": "model", "kind": "empty-answer", "times": 2})
        answer = await ask(openai, chat)
        if chat:
            assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("", "stop")
        else:
            assert (answer.output_text, answer.status) == ("", "completed")
        events = [event async for event in await ask(openai, chat, stream=True)]
        assert events[-1].choices[0].finish_reason == "stop" if chat else events[-1].response.output_text == ""

    async def test_two_handoffs(self, server: PracticeServer, openai: AsyncOpenAI, chat: bool) -> None:
        server.state.faults.set({"target": "model", "kind": "two-handoffs", "times": 1})
        assert (await ask(openai, chat)).id  # nobody to hand over to: kept for later
        names = [f"transfer_to_{language}_agent" for language in ("french", "spanish")]
        flat: list[Any] = [{"type": "function", "name": name, "parameters": None, "strict": None} for name in names]
        nested = [{"type": "function", "function": {"name": name}} for name in names]
        answer = await ask(openai, chat, tools=nested if chat else flat)
        calls = [call.function for call in answer.choices[0].message.tool_calls] if chat else answer.output
        assert sorted(call.name for call in calls) == names

    async def test_slow_is_let_go_by_clearing(
        self, server: PracticeServer, openai: AsyncOpenAI, entries: Entries, http: httpx.AsyncClient, chat: bool
    ) -> None:
        await http.post("/faults", json={"target": "model", "kind": "slow", "delay": 600, "times": 1})
        waiting = asyncio.create_task(ask(openai, chat))
        await until(lambda: len(entries()) == 1)
        assert entries()[0]["outcome"] == "in flight"
        assert (await ask(openai, chat)).id  # used up: the next one is not slow
        assert (await http.delete("/faults?target=model")).json() == {"faults": []}
        assert (await waiting).id
        assert [entry["outcome"] for entry in entries()] == ["completed", "completed"]


async def test_slow_ends_by_itself(server: PracticeServer, openai: AsyncOpenAI, entries: Entries) -> None:
    server.state.faults.set({"target": "model", "kind": "slow", "delay": 0.05})
    assert (await ask(openai, chat=False)).id
    assert (entries()[0]["outcome"], entries()[0]["fault"]) == ("completed", "slow")


async def test_a_new_fault_lets_go_what_the_old_one_delayed(
    server: PracticeServer, openai: AsyncOpenAI, entries: Entries, http: httpx.AsyncClient
) -> None:
    await http.post("/faults", json={"target": "model", "kind": "slow", "delay": 600})
    waiting = asyncio.create_task(ask(openai, chat=False))
    await until(lambda: len(entries()) == 1)
    await http.post("/faults", json={"target": "model", "kind": "down"})
    assert (await waiting).id


@pytest.mark.parametrize("target", ["model", "weather"])
async def test_a_caller_that_goes_away_is_noticed(
    server: PracticeServer, http: httpx.AsyncClient, entries: Entries, target: str
) -> None:
    server.state.faults.set({"target": target, "kind": "slow", "delay": 600})
    path = "/v1/responses" if target == "model" else "/alerts/active"
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, verify=NO_TLS) as caller:
        method = "POST" if target == "model" else "GET"
        call = asyncio.create_task(caller.request(method, path, json={"model": "m", "input": "Texas?"}))
        await until(lambda: len(entries()) == 1)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    await until(lambda: entries()[0]["outcome"] == "abandoned")
    assert entries()[0]["fault"] == "slow"
    assert entries()[0]["ended"]
    assert entries()[0]["cost_usd"] == 0


@pytest.mark.parametrize(
    ("retry_after", "headers"),
    [
        ("2", {"retry-after": "2"}),
        (2, {"retry-after": "2"}),
        (0.25, {"retry-after": "1", "retry-after-ms": "250"}),
        ("1.5", {"retry-after": "2", "retry-after-ms": "1500"}),
        (DATE, {"retry-after": DATE}),
        (None, {}),
    ],
)
async def test_retry_after(http: httpx.AsyncClient, server: PracticeServer, retry_after: Any, headers: Any) -> None:
    await http.post("/faults", json={"target": "model", "kind": "rate-limit", "retry_after": retry_after})
    answer = await http.post("/v1/responses", json={"model": "m", "input": "Hi"})
    found = {name: value for name, value in answer.headers.items() if name.startswith("retry-after")}
    assert (answer.status_code, found) == (429, headers)


async def test_the_client_retries_by_itself_through_a_few_faults(server: PracticeServer, openai: AsyncOpenAI) -> None:
    server.state.faults.set({"target": "model", "kind": "rate-limit", "times": 2, "retry_after": 0.01})
    assert await ask(openai.with_options(max_retries=2), chat=False)
    assert server.state.faults.as_json() == []


@pytest.mark.parametrize(("target", "kind"), [(target, kind) for target, kinds in KINDS.items() for kind in kinds])
async def test_each_kind_changes_what_is_answered(
    server: PracticeServer, http: httpx.AsyncClient, entries: Entries, target: str, kind: str
) -> None:
    tools = [{"type": "function", "name": name, "parameters": {}} for name in ("transfer_to_a", "transfer_to_b")]
    tools.append(TOOL)
    body = {"model": "m", "input": "Alerts in Texas?", "tools": tools}

    async def answered() -> tuple[int, str]:
        asked = ("POST", "/v1/responses") if target == "model" else ("GET", "/alerts/active?area=TX")
        try:
            answer = await http.request(*asked, json=body, headers={"User-Agent": "x"})
        except httpx.TransportError as error:
            return 0, type(error).__name__
        return answer.status_code, re.sub(r"(resp|call|fc|msg)_\w+|\d{10}", "", answer.text)

    server.state.faults.set({"target": target, "kind": kind, "times": 1} | ({"delay": 0.2} if kind == "slow" else {}))
    broken, well = await answered(), await answered()
    first, _ = entries()
    took = datetime.fromisoformat(first["ended"]) - datetime.fromisoformat(first["began"])
    assert took >= timedelta(seconds=0.2) if kind == "slow" else broken != well
    assert first["fault"] == kind


def rolls(seed: int, count: int = 200, probability: float = 0.2) -> list[bool]:
    faults = Faults()
    faults.set({"target": "model", "kind": "down", "probability": probability, "seed": seed})
    return [faults.take("model") is not None for _ in range(count)]


def test_a_seed_makes_chance_repeatable() -> None:
    assert rolls(7) == rolls(7)
    assert rolls(7) != rolls(8)
    assert 15 < sum(rolls(7)) < 65
    assert not any(rolls(7, probability=0))
    assert all(rolls(7, probability=1))


def test_times_count_hits_only() -> None:
    faults = Faults()
    faults.set({"target": "weather", "kind": "down", "times": 3, "probability": 0.5, "seed": 1})
    assert sum(faults.take("weather") is not None for _ in range(100)) == 3
    assert faults.take("model") is None


def test_one_fault_a_target() -> None:
    faults = Faults()
    for kind in ("down", "slow"):
        faults.set({"target": "model", "kind": kind})
    faults.set({"target": "weather", "kind": "huge", "times": 2})
    faults.take("weather")
    shown = {fault["target"]: fault for fault in faults.as_json()}
    assert (shown["model"]["kind"], shown["model"]["delay"]) == ("slow", 5.0)
    assert (shown["weather"]["times"], shown["weather"]["left"]) == (2, 1)
    faults.clear("model")
    assert [fault["target"] for fault in faults.as_json()] == ["weather"]
    faults.clear()
    assert faults.as_json() == []


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ([], "JSON object"),
        ({"target": "moon", "kind": "down"}, "no such target"),
        ({"target": "model", "kind": "huge"}, "no such fault for model"),
        ({"target": "model", "kind": "down", "times": 0}, "times is a whole number from 1"),
        ({"target": "model", "kind": "down", "times": 1.5}, "times is a whole number"),
        ({"target": "model", "kind": "down", "times": True}, "times"),
        ({"target": "model", "kind": "slow", "delay": -1}, "delay is a number from 0"),
        ({"target": "model", "kind": "slow", "delay": float("nan")}, "delay"),
        ({"target": "model", "kind": "slow", "delay": 1e9}, "delay"),
        ({"target": "model", "kind": "down", "probability": 2}, "probability is a number from 0 to 1"),
        ({"target": "model", "kind": "down", "seed": "x"}, "seed is a whole number"),
        ({"target": "model", "kind": "rate-limit", "retry_after": "soon"}, "HTTP date"),
        ({"target": "model", "kind": "rate-limit", "retry_after": f"{DATE}\r\nX: y"}, "HTTP date"),
        ({"target": "model", "kind": "rate-limit", "retry_after": -1}, "HTTP date"),
        ({"target": "model", "kind": "down", "tiems": 1}, "unknown field 'tiems'"),
    ],
)
async def test_nonsense_is_refused_in_one_line(http: httpx.AsyncClient, spec: Any, says: str) -> None:
    answer = await http.post("/faults", content=json.dumps(spec))
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert says in error
    assert "\n" not in error


SPECS = st.fixed_dictionaries(
    {"target": st.sampled_from([*KINDS, "x"]) | JSON, "kind": st.sampled_from([*KINDS["model"], "huge"]) | JSON},
    optional=dict.fromkeys(("times", "delay", "retry_after", "probability", "seed", "more"), JSON | st.just(DATE)),
)


@given(SPECS | JSON)
def test_any_spec_is_read_or_refused(spec: Any) -> None:
    try:
        fault = Fault.parse(spec)
    except BadFault:
        return
    assert fault.kind in KINDS[fault.target]
    assert json.loads(json.dumps(fault.as_json())) == fault.as_json()


def test_a_fault_lets_requests_through_first() -> None:
    plan = Faults()
    plan.set({"target": "model", "kind": "down", "after": 2, "times": 1})
    assert [hit and hit.kind for hit in (plan.take("model") for _ in range(4))] == [None, None, "down", None]
    plan.set({"target": "weather", "kind": "down", "after": 1})
    assert plan.as_json()[0]["spare"] == 1
    with pytest.raises(BadFault, match="after is a whole number"):
        plan.set({"target": "model", "kind": "down", "after": -1})


async def test_a_connection_that_was_closed_is_known_at_once(server: Server, http: httpx.AsyncClient) -> None:
    """Also before the event loop has heard of it: a caller may die in the moment in which its fault is cleared."""
    caller = socket.create_connection(("127.0.0.1", server.port))
    caller.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert caller.recv(1000)
    name = caller.getsockname()

    async def before_and_after() -> tuple[bool, bool]:  # in one step of the server's event loop
        before = server.state.hung_up(name)
        caller.close()
        return before, server.state.hung_up(name)

    seen = asyncio.run_coroutine_threadsafe(before_and_after(), server.loop)
    assert await asyncio.wrap_future(seen) == (False, True)
    await until(lambda: len(server.server_state.connections) == 0)
    assert server.state.hung_up(name)


async def test_clearing_returns_when_what_was_delayed_is_in_the_ledger(
    http: httpx.AsyncClient, openai: AsyncOpenAI, entries: Entries
) -> None:
    await http.post("/faults", json={"target": "model", "kind": "slow", "delay": 60})
    waiting = [asyncio.create_task(ask(openai, chat=False)) for _ in range(5)]
    await until(lambda: len(entries()) == 5)
    await http.delete("/faults")
    assert {entry["outcome"] for entry in entries()} == {"completed"}
    await asyncio.gather(*waiting)
