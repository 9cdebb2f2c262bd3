"""The commands `workshop fault` and `workshop ledger`, and the client behind them."""

import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.practice.conftest import Entries
from workshop import cli
from workshop.errors import WorkshopError
from workshop.practice.client import Practice
from workshop.practice.server import PracticeServer


@dataclass
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Workshop = Callable[..., Done]


@pytest.fixture
def workshop(
    server: PracticeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Workshop]:
    """Runs the command against the server; a proxy in the environment must not matter."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")

    def run(*arguments: str, port: int = server.port) -> Done:
        monkeypatch.setenv("WORKSHOP_PRACTICE_PORT", str(port))
        monkeypatch.setattr(sys, "argv", ["workshop", *arguments])
        forget()
        code: object = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        printed = capsys.readouterr()
        assert isinstance(code, int)
        return Done(code, printed.out, printed.err)

    def forget() -> None:
        cli.environment.cache_clear()
        cli.settings.cache_clear()

    yield run
    forget()


@pytest.fixture
def stranger() -> Iterator[int]:
    """The port of a web server that is none of ours."""

    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_fault_sets_shows_and_clears(workshop: Workshop, server: PracticeServer) -> None:
    options = ["--times", "3", "--retry-after", "2", "--probability", "0.2", "--seed", "7"]
    done = workshop("fault", "model", "rate-limit", *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "model rate-limit: 3 of 3 times left, Retry-After 2, probability 0.2, seed 7",
        "Clear with: workshop fault clear",
    ]
    assert workshop("fault").stdout == done.stdout
    assert workshop("fault", "clear").stdout == "No fault is set.\n"
    assert server.state.faults.as_json() == []


def test_the_delay_may_be_a_third_word(workshop: Workshop, server: PracticeServer) -> None:
    workshop("fault", "model", "slow", "5")
    workshop("fault", "weather", "slow", "--delay", "0.5")
    assert [fault["delay"] for fault in server.state.faults.as_json()] == [5.0, 0.5]
    assert "weather" not in workshop("fault", "clear", "weather").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["moon", "down"], "not on 'moon'"),
        (["model"], "Which fault should model have?"),
        (["model", "slw"], "no such fault for model: 'slw'"),
        (["clear", "moon"], "no such target: 'moon'"),
        (["model", "slow", "5", "--delay", "6"], "given twice"),
        (["--times", "3"], "set on model or weather"),
    ],
)
def test_a_mistake_is_one_line_with_the_next_step(workshop: Workshop, arguments: list[str], says: str) -> None:
    done = workshop("fault", *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert "\n  Next: workshop fault " in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--retry-after", value) for value in ("inf", "-inf", "nan", "-1", "1e400", "1e3", "9" * 8, "[/soon]", "")),
        *(("--delay", value) for value in ("inf", "nan", "-1", "3601")),
        *(("--probability", value) for value in ("nan", "1.5")),
        ("--times", "0"),
    ],
)
def test_an_option_without_sense_is_refused_in_one_line(
    workshop: Workshop, server: PracticeServer, option: str, value: str
) -> None:
    """Case C14."""
    done = workshop("fault", "model", "rate-limit", option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"No fault was set: {option.removeprefix('--').replace('-', '_')} is ")
    assert done.stderr.count("\n") == 1
    assert server.state.faults.as_json() == []


def test_the_ledger_shows_every_character(workshop: Workshop, server: PracticeServer) -> None:
    question = "alerts for [TX] [/all counties] [bold red]now \\[x]"
    body = {"model": "gpt-4.1", "input": question}
    httpx.post(f"{server.url}/v1/responses", json=body, trust_env=False)
    done = workshop("ledger")
    assert done.returncode == 0
    assert question in done.stdout
    assert "1 request: 1 answered" in done.stdout
    assert "list prices" in done.stdout


def test_the_ledger_as_json_and_emptied(workshop: Workshop, server: PracticeServer, entries: Entries) -> None:
    httpx.get(f"{server.url}/alerts/active/area/TX", trust_env=False)
    done = workshop("ledger", "--json")
    assert json.loads(done.stdout)["entries"] == entries()
    assert done.stderr == ""
    assert workshop("ledger", "--clear").stdout == "The ledger is emptied.\n"
    assert entries() == []
    assert "nothing was asked yet" in workshop("ledger").stdout


def test_nobody_there(workshop: Workshop) -> None:
    for command in ("fault", "ledger"):
        done = workshop(command, port=9)
        assert done.returncode == 1
        assert done.stderr == "The practice services are not running at http://127.0.0.1:9.\n  Next: workshop up\n"


def test_somebody_else_there(workshop: Workshop, stranger: int) -> None:
    done = workshop("ledger", port=stranger)
    assert done.returncode == 1
    assert "Another program answers" in done.stderr
    assert "WORKSHOP_PRACTICE_PORT" in done.stderr


def test_the_client_in_a_program(server: PracticeServer) -> None:
    practice = Practice(f"{server.url}/")
    assert practice.fault(target="model", kind="down", times=2)[0]["left"] == 2
    assert practice.faults()[0]["kind"] == "down"
    assert practice.clear() == []
    assert practice.ledger(since=5)["entries"] == []
    assert practice.clear_ledger()["totals"]["model"]["requests"] == 0
    with pytest.raises(WorkshopError, match="no such target"):
        practice.clear("moon")
    for nonsense in (float("inf"), float("nan"), -1, 1e400):  # case C14
        with pytest.raises(WorkshopError, match=r"No fault was set: retry_after is seconds .*, not"):
            practice.fault("model", "rate-limit", retry_after=nonsense)
