"""The practice services as a process, and what they make of requests that are none."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.practice.test_responses_api import JSON
from workshop import loopback
from workshop.practice.server import PracticeServer

COMMAND = [sys.executable, "-m", "workshop.practice.server", "--port"]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen([*COMMAND, "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield started
    started.kill()
    started.communicate()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("practice services on http://127.0.0.1:")
    return line.split()[-1]


def test_it_says_where_it_listens_and_that_it_is_no_llm(process: subprocess.Popen[str]) -> None:
    url = address(process)
    assert process.stdout
    assert "no LLM" in process.stdout.readline()
    assert httpx.get(f"{url}/health", trust_env=False).json() == {"service": "practice", "pid": process.pid}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_ends_politely_with_a_slow_request_in_flight(process: subprocess.Popen[str], name: str) -> None:
    url = address(process)
    httpx.post(f"{url}/faults", json={"target": "model", "kind": "slow", "delay": 600}, trust_env=False)
    body = json.dumps({"model": "m", "input": "Texas?"}).encode()
    port = int(url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as caller:
        head = f"POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        caller.sendall(head.encode() + body)
        with loopback.client(url) as http:
            while not http.get("/ledger").json()["entries"]:
                pass
        process.send_signal(getattr(signal, name))
        output, _ = process.communicate(timeout=20)
    assert "Traceback" not in output


def test_it_does_not_import_what_it_does_not_need() -> None:
    code = "import sys, workshop.practice.server; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"agents", "openai", "temporalio", "httpx"} & set(ran.stdout.split())


def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = subprocess.run([*COMMAND, port], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith(f"Port {port} cannot be used")
    assert "WORKSHOP_PRACTICE_PORT" in ran.stderr


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"model": "m"}',
        b'{"model": "m", "input": 7, "messages": 7}',
        b'{"model": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"model": "m", "input": ' + b"9" * 5_000 + b"}",
        b'{"input": "Hi", "messages": [{"role": "user", "content": "Hi"}]}',
    ],
)
async def test_a_body_that_is_no_request_is_400_in_openais_shape(
    http: httpx.AsyncClient, server: PracticeServer, path: str, body: bytes
) -> None:
    answer = await http.post(path, content=body)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    (entry,) = server.state.ledger.as_json()["entries"]
    assert (entry["outcome"], entry["status"]) == ("failed", 400)


CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": {}}


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ({"model": ""}, "You must provide a model parameter.", "model"),
        ({"stream": "yes"}, "Invalid type for 'stream': expected a boolean.", "stream"),
        ({"input": "Hi", "conversation": "c"}, "The practice model keeps no conversations: send", "conversation"),
        ({"input": "Hi", "instructions": 7}, "Invalid type for 'instructions': expected a string.", "instructions"),
        ({"input": 7}, "Missing or invalid 'input': expected a string or a list of items.", "input"),
        ({"input": ["Hi"]}, "Invalid type for 'input[0]': expected an object.", "input[0]"),
        ({"input": [{"role": "tool"}]}, "Invalid value for 'input[0].role'.", "input[0].role"),
        ({"input": [{"role": "user", "content": [{"text": 7}]}]}, "Invalid content part in", "input[0].content"),
        ({"input": [CALL]}, "Invalid function call in 'input[0]'.", "input[0]"),
        ({"input": [{"type": "function_call_output"}]}, "Missing required parameter:", "input[0].call_id"),
        ({"messages": []}, "Missing or invalid 'messages': expected a list that is not empty.", "messages"),
        (
            {"messages": [{"role": "user", "content": 7}]},
            "Invalid type for 'messages[0].content'",
            "messages[0].content",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "Invalid message in 'messages[0]'", "messages[0]"),
        ({"messages": [{"role": "wizard"}]}, "Invalid message in 'messages[0]'", "messages[0]"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c1"}]}]},
            "Invalid tool call in 'messages[0].tool_calls'.",
            "messages[0].tool_calls",
        ),
        ({"input": "Hi", "tools": {}}, "Invalid type for 'tools': expected a list.", "tools"),
        ({"input": "Hi", "tools": [{"type": "function"}]}, "Missing required parameter:", "tools[0].name"),
        ({"input": "Hi", "tool_choice": "any"}, "Invalid value for 'tool_choice'.", "tool_choice"),
    ],
)
async def test_an_error_names_what_is_wrong(http: httpx.AsyncClient, body: Any, message: str, param: str) -> None:
    path = "/v1/chat/completions" if "messages" in body else "/v1/responses"
    error = (await http.post(path, json={"model": "m", **body})).json()["error"]
    assert error["message"].startswith(message)
    assert (error["param"], error["type"], error["code"]) == (param, "invalid_request_error", None)


def called(*ids: str) -> dict[str, Any]:
    calls = [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


HI = {"role": "user", "content": "Hi"}
MADE = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "x"}
TOLD = {"role": "tool", "tool_call_id": "c1", "content": "x"}
FLAT, NESTED = {"type": "function", "name": "f"}, {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ({"input": [HI, MADE]}, "No tool output found for function call c1.", "input"),
        ({"input": [HI, MADE, HI]}, "No tool output found for function call c1.", "input"),
        ({"input": [HI, OUTPUT]}, "No tool call found for function call output with call_id c1.", "input"),
        ({"input": [HI, OUTPUT, MADE]}, "No tool call found for function call output with call_id c1.", "input"),
        ({"messages": [HI, called("c1")]}, "An assistant message with 'tool_calls' must be", "messages.[1].role"),
        (
            {"messages": [HI, called("c1", "c2"), TOLD, HI]},
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: c2",
            "messages.[3].role",
        ),
        (
            {"messages": [HI, TOLD]},
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding",
            "messages.[1].role",
        ),
        ({"messages": [HI, called("c1"), TOLD, HI, TOLD]}, "Invalid parameter: messages with", "messages.[4].role"),
        (
            {"input": "Hi", "tools": [FLAT], "tool_choice": {"type": "function", "name": "g"}},
            "Tool choice 'g' not found in 'tools' parameter.",
            "tool_choice",
        ),
        (
            {"input": "Hi", "tools": [FLAT], "tool_choice": {"type": "web_search"}},
            "Tool choice 'web_search' not found in 'tools' parameter.",
            "tool_choice",
        ),
        (
            {"messages": [HI], "tools": [NESTED], "tool_choice": {"type": "function", "function": {"name": "g"}}},
            "Tool choice 'g' not found in 'tools' parameter.",
            "tool_choice",
        ),
        ({"input": "Hi", "tool_choice": "required"}, "Tool choice 'required' must be specified", "tool_choice"),
        ({"messages": [HI], "tool_choice": "auto"}, "Invalid value for 'tool_choice': 'tool_choice' is", "tool_choice"),
    ],
)
async def test_what_the_real_api_refuses_is_refused_in_its_words(
    http: httpx.AsyncClient, body: Any, message: str, param: str
) -> None:
    """Case C18."""
    await test_an_error_names_what_is_wrong(http, body, message, param)


async def test_a_tools_name_is_refused_as_by_the_real_api(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/responses", json={"model": "m", "input": "Hi", "tools": [{**FLAT, "name": "météo"}]})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == ("tools[0].name", "invalid_value")


@pytest.mark.parametrize(
    "body",
    [
        {"input": [HI, MADE, OUTPUT]},
        {"input": [HI, MADE, {**MADE, "call_id": "c2"}, {**OUTPUT, "call_id": "c2"}, OUTPUT, HI]},
        {"messages": [HI, called("c1", "c2"), {**TOLD, "tool_call_id": "c2"}, TOLD, HI]},
        {"input": "Hi", "tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}},
        {"input": "Hi", "tools": [FLAT], "tool_choice": {"type": "function", "name": "f"}},
        {"input": "Hi", "tool_choice": "none"},
    ],
)
async def test_what_the_real_api_takes_is_taken(http: httpx.AsyncClient, body: Any) -> None:
    path = "/v1/chat/completions" if "messages" in body else "/v1/responses"
    assert (await http.post(path, json={"model": "m", **body})).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/responses", 405),
        ("POST", "/v1/embeddings", 404),
        ("POST", "/alerts/active", 405),
        ("GET", "/alerts", 404),
        ("GET", "/x", 404),
    ],
)
async def test_unknown_paths_and_methods(http: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"].endswith("json")
    assert "Invalid URL" in answer.text


async def test_half_a_surrogate_pair_goes_through(http: httpx.AsyncClient) -> None:
    body = b'{"model": "\\ud800", "instructions": "\\udfff", "input": "Texas \\ud83d?"}'
    assert (await http.post("/v1/responses", content=body)).status_code == 200
    assert (await http.get("/ledger")).json()["entries"][0]["asked"] == "Texas ??"


BODIES = st.fixed_dictionaries(
    {"model": st.text(min_size=1, max_size=5), "input": st.text(max_size=20) | JSON, "messages": JSON},
    optional={"tools": JSON, "stream": st.booleans(), "instructions": st.text(max_size=20)},
)


@settings(max_examples=60)
@given(
    st.sampled_from(["/v1/responses", "/v1/chat/completions", "/faults"]),
    st.binary(max_size=60) | (BODIES | JSON).map(lambda body: json.dumps(body).encode()),
)
def test_no_body_breaks_it(practice_server: PracticeServer, path: str, body: bytes) -> None:
    with loopback.client(practice_server.url) as http:
        answer = http.post(path, content=body)
        assert answer.status_code in (200, 400, 422)
        http.delete("/faults")
