"""The proof, from real runs: what was recorded is never made again, and every other request is explained."""

import json
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from agents import OpenAIProvider
from openai import AsyncOpenAI
from temporalio.client import Client
from temporalio.openai_agents import ModelActivityParameters, OpenAIAgentsPlugin
from temporalio.worker import Worker

from tests import temporal_flows as flows
from tests.folders import DURABLE, HELLO_AGENT, HELLO_TEMPORAL
from tests.harness import Solutions
from tests.pictures import dots, parts
from tests.temporal_env import result, start
from workshop.chart import BarKind
from workshop.history import Run, read_history
from workshop.kills import Kill
from workshop.processes import PATIENCE, Program, wait_for
from workshop.proof import (
    ABANDONED,
    AGAIN,
    ANSWERED,
    IN_FLIGHT,
    RECORDED,
    REFUSED,
    UNRECORDED,
    Proof,
    prove,
    prove_plain,
)
from workshop.proof_picture import ProofPicture
from workshop.temporal import follow
from workshop.timeline import PlainTimeline, Timeline
from workshop.why import why

QUESTION = "Any weather alerts in California?"


def everything(solutions: Solutions) -> list[dict[str, Any]]:
    """All that the ledger has, from earlier tests too, as a notebook's kernel would see it."""
    return list(solutions.practice.ledger()["entries"])


async def proved(solutions: Solutions, *starters: Program) -> list[Proof]:
    """The proofs of runs that went on at the same time."""
    runs = [await solutions.history(starter) for starter in starters]
    return [prove(run, everything(solutions), [other for other in runs if other is not run]) for run in runs]


def fates(proof: Proof) -> list[list[str]]:
    return [[request.fate for request in call.requests] for call in proof.calls]


async def drawn(solutions: Solutions, starter: Program, *kills: Kill) -> Timeline:
    """The picture of a run, whose dots are as many as history and ledger have."""
    picture = Timeline(await solutions.history(starter), everything(solutions), kills=kills)
    svg, proof = picture.svg(), picture.proof
    assert dots(svg, "history") == [RECORDED] * proof.recorded
    assert dots(svg, "ledger") == [fate for call in fates(proof) for fate in call]
    assert f"{proof.made_again} recorded calls made again" in svg
    assert f"{proof.made_again} ✓" in ProofPicture(proof).svg()
    assert len(parts(svg, "kill")) == len(picture.chart.losses)
    assert len(parts(svg, "no worker")) == len(picture.chart.gaps)
    return picture


def in_second_call(solutions: Solutions, *starters: Program) -> None:
    """Returns when each run is in its second model call, which the fault that is set delays."""
    wait_for(
        "the second model calls to be in flight",
        lambda: (
            sum(e["outcome"] == "in flight" and e["turn"] == 2 for e in solutions.practice.entries("model"))
            == len(starters)
        ),
    )


def a_run_in_its_second_call(solutions: Solutions) -> tuple[Program, Program]:
    """Its worker and its starter."""
    worker = solutions.worker(DURABLE)
    solutions.practice.fault("model", "slow", after=1, delay=120)
    starter = solutions.starter(DURABLE, QUESTION)
    in_second_call(solutions, starter)
    return worker, starter


async def test_what_is_in_flight_at_a_kill_is_made_again_and_nothing_else(solutions: Solutions) -> None:
    """The fault is cleared in the same moment: the model must not answer into a dead connection."""
    for _ in range(2):
        worker, starter = a_run_in_its_second_call(solutions)
        worker.kill()
        solutions.practice.clear()
        solutions.worker(DURABLE)
        assert starter.wait() == 0
        (proof,) = await proved(solutions, starter)
        assert fates(proof) == [[RECORDED], [ABANDONED, RECORDED]]
        assert (proof.recorded, proof.made_again, proof.agree) == (2, 0, True)
        assert "do not agree" not in "\n".join(proof.lines)
        picture = await drawn(solutions, starter)
        (loss,), (gap,) = picture.chart.losses, picture.chart.gaps
        assert (loss.seen, loss.at, loss.until) == (True, gap.begin, gap.end)  # the ledger saw its caller go
        assert loss.words.startswith("worker A gone")
        attempts = [bar for bar in picture.chart.tracks[2].bars if bar.kind == BarKind.ATTEMPT]
        assert [(bar.mark, bar.worker) for bar in attempts] == [(ABANDONED, 0), (RECORDED, 1)]
        solutions.close()


async def test_an_answer_that_nobody_recorded_is_made_again(solutions: Solutions) -> None:
    """Paused, the worker gets the answer and cannot read it; then it is killed."""
    worker, starter = a_run_in_its_second_call(solutions)
    worker.signal(signal.SIGSTOP)
    solutions.practice.clear()
    assert solutions.practice.outcomes("model") == ["completed", "completed"]
    kill = Kill(f"{worker.pid}@{socket.gethostname()}", datetime.now(UTC))
    worker.kill()
    solutions.worker(DURABLE)
    assert starter.wait() == 0
    (proof,) = await proved(solutions, starter)
    assert fates(proof) == [[RECORDED], [UNRECORDED, RECORDED]]
    assert (proof.made_again, proof.agree) == (0, True)
    # Without a note of the kill, only the heartbeats that stopped tell of it.
    assert [loss.seen for loss in (await drawn(solutions, starter)).chart.losses] == [False]
    (loss,) = (await drawn(solutions, starter, kill)).chart.losses
    assert (loss.seen, "killed (SIGKILL)" in loss.words) == (True, True)


async def test_a_worker_that_was_silent_pays_twice_and_repeats_nothing_recorded(solutions: Solutions) -> None:
    """A false timeout: nobody is killed."""
    worker, starter = a_run_in_its_second_call(solutions)
    worker.signal(signal.SIGSTOP)
    solutions.practice.clear()
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])
    workflow_id = solutions.workflow_id(starter)

    async def attempts() -> int:
        return (await read_history(client, workflow_id)).rows[-1].attempts

    assert await follow(attempts, lambda seen: seen > 1, PATIENCE) > 1
    assert worker.running
    worker.signal(signal.SIGCONT)
    assert starter.wait() == 0
    (proof,) = await proved(solutions, starter)
    assert fates(proof)[0] == [RECORDED]
    assert (fates(proof)[1][0], fates(proof)[1][-1]) == (UNRECORDED, RECORDED)
    assert (proof.made_again, proof.agree) == (0, True)
    assert not (await drawn(solutions, starter)).chart.losses


async def test_runs_of_the_same_question_are_told_apart(solutions: Solutions) -> None:
    """Two at once and one before, all of the same question, and the ledger never cleared."""
    solutions.worker(DURABLE)
    before = solutions.starter(DURABLE, QUESTION)
    assert before.wait() == 0
    solutions.practice.fault("model", "rate-limit", after=2, times=3)
    twins = [solutions.starter(DURABLE, QUESTION) for _ in range(2)]
    assert [twin.wait() for twin in twins] == [0, 0]
    proofs = await proved(solutions, *twins, before)
    for proof in proofs:
        assert (proof.recorded, proof.having(RECORDED), proof.made_again, proof.having(UNRECORDED)) == (2, 2, 0, 0)
        assert proof.agree
    assert sum(proof.having(REFUSED) for proof in proofs) == 3
    assert proofs[2].having(REFUSED) == 0
    # Also when nothing is known of the others.
    alone = prove(await solutions.history(before), everything(solutions))
    assert (alone.agree, alone.made_again) == (True, 0)


async def test_a_call_of_another_run_is_not_taken_for_one_made_again(solutions: Solutions) -> None:
    """Killed when one run is in its second call, and another one of the same question in its first."""
    worker = solutions.worker(DURABLE)
    solutions.practice.fault("model", "slow", after=1, delay=120)
    ahead = solutions.starter(DURABLE, QUESTION)
    in_second_call(solutions, ahead)
    behind = solutions.starter(DURABLE, QUESTION)
    wait_for("both to be in flight", lambda: solutions.practice.outcomes("model").count("in flight") == 2)
    worker.kill()
    solutions.practice.clear()
    solutions.worker(DURABLE)
    assert [ahead.wait(), behind.wait()] == [0, 0]
    first, second = await proved(solutions, ahead, behind)
    assert fates(first) == [[RECORDED], [ABANDONED, RECORDED]]
    assert fates(second) == [[ABANDONED, RECORDED], [RECORDED]]
    assert (first.agree, second.agree) == (True, True)


async def test_a_run_that_is_not_over_is_no_disagreement(solutions: Solutions) -> None:
    _, starter = a_run_in_its_second_call(solutions)
    (proof,) = await proved(solutions, starter)
    assert fates(proof) == [[RECORDED], [IN_FLIGHT]]
    assert (proof.open, proof.agree, proof.recorded) == (True, True, 1)
    picture = await drawn(solutions, starter)
    assert (picture.chart.tracks[2].bars[-1].mark, picture.chart.losses) == (IN_FLIGHT, ())
    solutions.practice.clear()
    assert starter.wait() == 0


async def test_a_ledger_that_was_cleared_is_told(solutions: Solutions) -> None:
    solutions.worker(DURABLE)
    starter = solutions.starter(DURABLE, QUESTION)
    assert starter.wait() == 0
    run = await solutions.history(starter)
    proof = prove(run, [])
    assert not proof.agree
    assert "call 1, call 2: recorded, and the ledger has no such answer" in "\n".join(proof.lines)
    assert "? history and ledger do not agree" in Timeline(run, []).svg()
    assert "history and ledger do not agree" in ProofPicture(proof).svg()
    assert prove(run, None).agree is False
    assert "There is no ledger" in "\n".join(prove(run, None).lines)


async def test_a_recorded_call_that_is_made_again_would_be_seen(solutions: Solutions) -> None:
    """The proof can fail: one more request like the first call's, while the run goes on."""
    solutions.worker(DURABLE)
    solutions.practice.fault("weather", "slow", delay=120)
    starter = solutions.starter(DURABLE, QUESTION)
    solutions.practice.until_in_flight("weather", 1)
    run = await solutions.history(starter)
    recorded, entries = run.rows[0].model, everything(solutions)
    assert recorded
    # Of a worker that was too busy to send heartbeats, the first call has two requests: one of them is recorded.
    (first,) = [entry for entry in entries if entry["response_id"] == recorded.response_id]
    other = {"id": entries[-1]["id"] + 1, "response_id": "resp_other", "request_id": "req_other"}
    forged = {**first, **other}
    proof = prove(run, [*entries, forged])
    assert (proof.made_again, proof.agree) == (1, False)
    assert f"#{forged['id']} in the ledger: made again although the call had been recorded" in "\n".join(proof.lines)
    assert "1 recorded call made again (call 1)" in (svg := Timeline(run, [*entries, forged]).svg())
    assert dots(svg, "ledger")[:2] == [RECORDED, AGAIN]
    assert "1 ✗" in ProofPicture(proof).svg()
    solutions.practice.clear()
    assert starter.wait() == 0


async def test_a_tool_alone_is_proved_by_the_weather(solutions: Solutions) -> None:
    solutions.worker(HELLO_TEMPORAL)
    solutions.practice.fault("weather", "down", times=2)
    starter = solutions.starter(HELLO_TEMPORAL, "CA")
    assert starter.wait() == 0
    (proof,) = await proved(solutions, starter)
    assert (proof.service, fates(proof)) == ("weather", [[REFUSED, REFUSED, RECORDED]])
    picture = await drawn(solutions, starter)
    assert [bar.mark for bar in picture.chart.tracks[-1].bars if bar.kind == BarKind.ATTEMPT] == fates(proof)[0]
    assert (proof.agree, proof.made_again) == (True, 0)


def test_a_plain_run_pays_again_for_what_was_answered(solutions: Solutions) -> None:
    solutions.practice.fault("model", "rate-limit", after=1, times=3)
    assert solutions.starter(HELLO_AGENT, QUESTION).wait() == 1
    assert solutions.starter(HELLO_AGENT, QUESTION).wait() == 0
    proof = prove_plain(QUESTION, solutions.practice.entries("model"))
    assert (proof.answered, proof.made_again, proof.abandoned, proof.refused) == (3, 1, 0, 3)
    assert [len(call.again) for call in proof.calls] == [1, 0]
    picture = PlainTimeline(proof, solutions.practice.entries("model"))
    assert dots(picture.svg(), "ledger") == [ANSWERED, AGAIN, REFUSED, REFUSED, REFUSED, ANSWERED]
    assert "1 answered call made again (call 1)" in picture.svg()
    again = [track.label for track in picture.chart.tracks if any(bar.mark == AGAIN for bar in track.bars)]
    assert again == ["run 2, model call 1"]


def audit(solutions: Solutions, workflow_id: str) -> str:
    command = [str(Path(sys.executable).with_name("workshop")), "audit", workflow_id, "--json"]
    return subprocess.run(command, env=solutions.env(), capture_output=True, text=True, check=True).stdout


async def test_a_conversation_over_several_runs_is_one(solutions: Solutions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each turn continues as new: audit, proof and why tell of the whole."""
    for name, value in solutions.env().items():
        monkeypatch.setenv(name, value)
    async with AsyncOpenAI() as model:
        plugin = OpenAIAgentsPlugin(
            model_params=ModelActivityParameters(start_to_close_timeout=timedelta(seconds=20)),
            model_provider=OpenAIProvider(openai_client=model),
        )
        client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"], plugins=[plugin])
        async with Worker(
            client,
            task_queue="turns",
            workflows=[flows.TakesTurns],
            activities=[flows.get_weather_alerts],
            build_id="tests",
        ):
            questions = ["Alerts in Texas?", "Alerts in Ohio?", "Thank you"]
            handle = await start(client, "turns", flows.TakesTurns, questions)
            assert await result(handle)
    run: Run = await read_history(client, handle.id)
    proof = prove(run, everything(solutions))
    assert len(run.earlier) == 2
    assert (
        run.totals.model_calls
        == proof.recorded
        == proof.having(RECORDED)
        == len(solutions.practice.entries("model"))
        == 5
    )
    assert (proof.made_again, proof.agree) == (0, True)
    assert (await why(client, handle.id)).kind == "completed"
    told = json.loads(audit(solutions, handle.id))
    assert told["totals"]["model_calls"] == 5
    assert told["earlier"] == list(run.earlier)
