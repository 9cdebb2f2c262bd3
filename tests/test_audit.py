"""The table and the command, with data that would break them."""

import asyncio
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from agents.testing import assistant_message
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from temporalio.client import Client, WorkflowExecutionStatus

from tests import temporal_flows as flows
from tests.pictures import parts
from tests.temporal_env import HISTORIES, TOOL_THEN_ANSWER, recorded, result, start, worker, workshop
from workshop.audit import Audit
from workshop.errors import WorkshopError
from workshop.history import ChainedError, Kind, Row, Run
from workshop.notebook import terminal
from workshop.settings import ROOT, Settings
from workshop.text import shorten

pytest_plugins = ["tests.temporal_env"]

NAMES = [path.stem for path in HISTORIES.glob("*.json")]
NO_LEDGER = Settings.from_env({"OPENAI_BASE_URL": "http://elsewhere.example"})
BEGAN = datetime(2026, 11, 25, 12, tzinfo=UTC)
EMPTY = Run("an-id", "run", "Type", "queue", "running", BEGAN, None, None, None, (), "", "", ())


def table(run: Run, width: int, now: datetime = BEGAN) -> str:
    console = Console(width=width, no_color=True, file=io.StringIO(), highlight=False)
    console.print(Audit(run, now))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert [line.rstrip() for line in text.splitlines()] == Audit(run, now).lines(width)
    return text


def words(text: str) -> str:
    """The text with the table's line breaks taken out."""
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("name", NAMES)
def test_the_table_keeps_to_the_width(name: str, width: int) -> None:
    shown = table(recorded(name), width)
    assert max(map(len, shown.splitlines())) <= width


def test_what_a_row_says_without_colour() -> None:
    shown = table(recorded("two_handoffs"), 120)
    lines = shown.splitlines()
    assert "completed after 1.3 s" in lines[1]
    assert any(re.search(r"handoff .*transfer_to_english_agent +✓ taken *$", line) for line in lines)
    assert any(re.search(r"handoff .*transfer_to_french_agent +⊘ not taken *$", line) for line in lines)
    assert lines[-1] == ("Total: 3 model calls completed, 1 tool call, 1 handoff, 4 attempts, 930 tokens in, 71 out.")


def test_a_completed_call_still_shows_what_went_wrong_before() -> None:
    shown = words(table(recorded("worker_killed"), 80))
    assert "2attempts" in shown
    assert "earliererror:heartbeattimeout:noheartbeatfor" in shown
    assert "note:anattempt'sheartbeatsstopped:itsworkerwaskilled,ortoobusytosendthem" in shown
    assert words(table(recorded("retry_after_date"), 80)).count("429") == 1


def test_open_things_say_until_when() -> None:
    later = BEGAN + timedelta(seconds=90)
    rows = (
        Row(Kind.ACTIVITY, "flaky", "retrying", 5, BEGAN, attempts=3, next_try=later, errors=(ChainedError("E", "x"),)),
        Row(Kind.TIMER, "timer", "running", 6, BEGAN, asked="90 s", next_try=later),
        Row(Kind.HANDOFF, "X agent", "scheduled", 0, BEGAN, answered="asked for"),
    )
    shown = table(replace(EMPTY, rows=rows), 120, BEGAN + timedelta(seconds=30))
    for part in ("3 attempts", "30.0 s so far", "next try in 1", "ends in 1 min 0", "asked for", "running for 30.0 s"):
        assert part in shown
    assert "next try now" in table(replace(EMPTY, rows=rows), 120, later)


def test_each_step_names_the_folder_of_its_worker(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "worker.py").write_text("import sys\nprint('up', flush=True)\nsys.stdin.read()\n")
    command = [sys.executable, "other/worker.py"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        other = f"{process.pid}@{socket.gethostname()}"
        rows = [
            Row(Kind.ACTIVITY, "tool", "completed", n, BEGAN, worker=name)
            for n, name in ((5, other), (6, "1@elsewhere"))
        ]
        told = words(table(replace(EMPTY, rows=tuple(rows)), 300))
        process.communicate()
    assert told.count(f"by{other}({tmp_path}/other)") == 1
    assert f"Workers:{other}({tmp_path}/other),1@elsewhere" in told
    assert "(" not in told.partition("by1@elsewhere")[2][:2]


def test_a_run_without_rows() -> None:
    assert "nothing yet" in table(EMPTY, 80)
    assert "Workers: none yet" in table(EMPTY, 80)


BAD = "[URGENT] Flood [/all counties] [bold red]now"


def with_text(text: str) -> Run:
    place = ChainedError(text, text)
    row = Row(
        Kind.ACTIVITY, text, "failed", 5, BEGAN, closed=BEGAN, asked=text, answered=text, errors=(place,), worker="w"
    )
    return replace(EMPTY, workflow_id=text, type=text, task_queue=text, input=text, rows=(row,), worker="another")


def test_brackets_are_shown_as_they_are() -> None:
    shown = table(with_text(BAD), 300)
    for part in (f"Workflow {BAD}", f"in: {BAD}", f"out: {BAD}", f"error: {BAD}: {BAD}", f"{BAD}, task queue {BAD}"):
        assert part in shown


@given(st.text(max_size=60), st.sampled_from([60, 80, 120]))
def test_no_text_breaks_the_table(text: str, width: int) -> None:
    shown = table(with_text(text), width)
    assert "\x1b" not in shown
    assert "Total: " in shown


def test_large_texts_are_cut_for_the_eye_only() -> None:
    run = with_text("x" * 3_000_000)
    run = replace(run, workflow_id="id", type="T", task_queue="q", worker="")
    assert len(table(run, 80)) < 5_000
    assert run.rows[0].asked == "x" * 3_000_000


@given(st.text(), st.integers(2, 50))
def test_shortened_text_fits_and_says_that_it_is_cut(text: str, length: int) -> None:
    short = shorten(text, length)
    assert len(short) <= length
    assert short.endswith("…") or " ".join(text.split()) == short or not text.isprintable()


async def test_the_command_shows_brackets_and_whole_json(
    client: Client, temporal_address: str, queue: str, tmp_path: Path
) -> None:
    steps: list[Any] = [TOOL_THEN_ANSWER[0], [assistant_message(f"{BAD} {'long ' * 500}")]]
    async with worker(temporal_address, queue, steps):
        handle = await start(client, queue, flows.Asks, "alerts for [TX]")
        answer = await result(handle)
    shown = workshop("audit", handle.id, address=temporal_address)
    assert (shown.returncode, shown.stderr) == (0, "")
    for part in (handle.id, "alerts for [TX]", f"{flows.BRACKETS} in TX"):
        assert part in shown.stdout
    assert answer not in shown.stdout
    whole = json.loads(workshop("audit", handle.id, "--json", address=temporal_address).stdout)
    assert (whole["workflow_id"], whole["input"], whole["result"]) == (handle.id, "alerts for [TX]", answer)
    assert [row["kind"] for row in whole["rows"]] == ["model call", "tool call", "model call"]
    assert whole["rows"][1]["output"] == f"{flows.BRACKETS} in TX"
    assert whole["rows"][2]["model"]["text"] == answer
    assert whole["totals"]["model_calls"] == 2

    svg, html = tmp_path / "run.svg", tmp_path / "run.html"
    written = workshop("audit", handle.id, "--svg", str(svg), "--html", str(html), address=temporal_address)
    assert (written.returncode, written.stdout) == (0, f"Wrote {svg}.\nWrote {html}.\n")
    assert len(parts(svg.read_text(encoding="utf-8"), "lane")) == 3
    assert "<details>" in html.read_text(encoding="utf-8")
    out = Console(width=80, record=True, file=io.StringIO())
    await terminal.watch(client, handle.id, NO_LEDGER, {}, 9, out)
    assert "It is over." in out.export_text()
    with pytest.raises(WorkshopError, match="cannot be written: No such file"):
        terminal.write(tmp_path / "no" / "file", "", print)


def watches(workflow_id: str, address: str) -> tuple[int, str]:
    """`workshop watch`, ended with Ctrl+C: its exit code, and what it printed then."""
    command = [sys.executable, "-c", "from workshop.cli import main; main()", "watch", workflow_id]
    env = {**os.environ, "TEMPORAL_ADDRESS": address, "COLUMNS": "100"}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout
        assert watching.stdout.readline().startswith(f"Watching {workflow_id}.")
        watching.send_signal(signal.SIGINT)
        said, _ = watching.communicate(timeout=60)
    return watching.returncode, said


async def test_watching_ends_when_told(client: Client, temporal_address: str, queue: str) -> None:
    """Ctrl+C ends it with a line; the workflow goes on."""
    handle = await start(client, queue, flows.Sleeps, 1.0)
    code, said = await asyncio.to_thread(watches, handle.id, temporal_address)
    assert (code, said.splitlines()[-1]) == (0, "No longer watched.")
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


@pytest.mark.parametrize(
    ("arguments", "env", "part"),
    [
        (["audit", "no-[such]-id"], {}, "There is no workflow 'no-[such]-id' here"),
        (["why", "no-[such]-id"], {}, "There is no workflow 'no-[such]-id' here"),
        (["why"], {"TEMPORAL_NAMESPACE": "else[where]"}, "else[where]"),
        (["audit"], {"TEMPORAL_ADDRESS": "127.0.0.1:1"}, "No Temporal server at 127.0.0.1:1: nothing listens there."),
    ],
)
def test_mistakes_are_one_line_with_the_next_step(
    temporal_address: str, arguments: list[str], env: dict[str, str], part: str
) -> None:
    said = workshop(*arguments, address=temporal_address, **env)
    assert said.returncode == 1
    assert said.stdout == ""
    first, second = said.stderr.splitlines()
    assert part in first
    assert second.startswith("  Next: ")


async def test_a_terminal_without_unicode(client: Client, temporal_address: str, queue: str) -> None:
    handle = await start(client, queue, flows.Sleeps, "Cañón — 火")
    said = workshop("audit", handle.id, address=temporal_address, PYTHONIOENCODING="ascii")
    assert (said.returncode, said.stderr) == (0, "")
    assert r"Ca\xf1\xf3n" in said.stdout


async def test_why_by_command(client: Client, temporal_address: str, queue: str) -> None:
    handle = await start(client, queue, flows.Sleeps, 1.0)
    said = workshop("why", handle.id, address=temporal_address)
    assert (said.returncode, said.stderr) == (0, "")
    first, reason, *_, step = said.stdout.splitlines()
    assert first.startswith(f"{handle.id} waits for a worker")
    assert reason == f"Why: No worker polls the task queue {queue}."
    assert step.startswith("Next: start its worker")
