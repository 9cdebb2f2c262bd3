"""The proof, from real runs: what was recorded is never made again, and every other request is explained."""

import json
import signal
import subprocess
import sys
from datetime import timedelta
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
from tests.harness import Bench
from tests.temporal_env import result, start
from workshop.diagnose import why
from workshop.history import Run, read_history
from workshop.processes import Program, wait_for
from workshop.proof import ABANDONED, IN_FLIGHT, RECORDED, REFUSED, UNRECORDED, Proof, prove, prove_plain

QUESTION = "Any weather alerts in California?"


def everything(bench: Bench) -> list[dict[str, Any]]:
    """All that the ledger has, from earlier tests too, as a notebook's kernel would see it."""
    return list(bench.practice.ledger()["entries"])


async def proved(bench: Bench, *starters: Program) -> list[Proof]:
    """The proofs of runs that went on at the same time."""
    runs = [await bench.history(starter) for starter in starters]
    return [prove(run, everything(bench), [other for other in runs if other is not run]) for run in runs]


def fates(proof: Proof) -> list[list[str]]:
    return [[request.fate for request in call.requests] for call in proof.calls]


def in_second_call(bench: Bench, *starters: Program) -> None:
    """Returns when each run is in its second model call, which the fault that is set delays."""
    wait_for(
        "the second model calls to be in flight",
        lambda: bench.practice.outcomes("model").count("in flight") == len(starters),
    )


def a_run_in_its_second_call(bench: Bench) -> tuple[Program, Program]:
    """Its worker and its starter."""
    worker = bench.worker(DURABLE)
    bench.practice.fault("model", "slow", after=1, delay=120)
    starter = bench.starter(DURABLE, QUESTION)
    in_second_call(bench, starter)
    return worker, starter


async def test_what_is_in_flight_at_a_kill_is_made_again_and_nothing_else(bench: Bench) -> None:
    """The fault is cleared in the same moment: the model must not answer into a dead connection."""
    for _ in range(2):
        worker, starter = a_run_in_its_second_call(bench)
        worker.kill()
        bench.practice.clear()
        bench.worker(DURABLE)
        assert starter.wait() == 0
        (proof,) = await proved(bench, starter)
        assert fates(proof) == [[RECORDED], [ABANDONED, RECORDED]]
        assert (proof.recorded, proof.made_again, proof.paid, proof.agree) == (2, 0, 3, True)
        assert "do not agree" not in "\n".join(proof.lines)
        bench.close()


async def test_an_answer_that_nobody_recorded_is_made_again(bench: Bench) -> None:
    """Paused, the worker gets the answer and cannot read it; then it is killed."""
    worker, starter = a_run_in_its_second_call(bench)
    worker.signal(signal.SIGSTOP)
    bench.practice.clear()
    assert bench.practice.outcomes("model") == ["completed", "completed"]
    worker.kill()
    bench.worker(DURABLE)
    assert starter.wait() == 0
    (proof,) = await proved(bench, starter)
    assert fates(proof) == [[RECORDED], [UNRECORDED, RECORDED]]
    assert (proof.made_again, proof.paid, proof.agree) == (0, 3, True)


async def test_a_worker_that_was_silent_pays_twice_and_repeats_nothing_recorded(bench: Bench) -> None:
    """A false timeout: nobody is killed."""
    worker, starter = a_run_in_its_second_call(bench)
    worker.signal(signal.SIGSTOP)
    bench.practice.clear()
    client = await Client.connect(bench.env()["TEMPORAL_ADDRESS"])
    workflow_id = bench.workflow_id(starter)

    async def attempts() -> int:
        return (await read_history(client, workflow_id)).rows[-1].attempts

    while await attempts() < 2:
        assert worker.running
    worker.signal(signal.SIGCONT)
    assert starter.wait() == 0
    (proof,) = await proved(bench, starter)
    assert fates(proof)[0] == [RECORDED]
    assert (fates(proof)[1][0], fates(proof)[1][-1]) == (UNRECORDED, RECORDED)
    assert (proof.made_again, proof.agree) == (0, True)


async def test_runs_of_the_same_question_are_told_apart(bench: Bench) -> None:
    """Two at once and one before, all of the same question, and the ledger never cleared."""
    bench.worker(DURABLE)
    before = bench.starter(DURABLE, QUESTION)
    assert before.wait() == 0
    bench.practice.fault("model", "rate-limit", after=2, times=3)
    twins = [bench.starter(DURABLE, QUESTION) for _ in range(2)]
    assert [twin.wait() for twin in twins] == [0, 0]
    proofs = await proved(bench, *twins, before)
    for proof in proofs:
        assert (proof.recorded, proof.having(RECORDED), proof.made_again, proof.having(UNRECORDED)) == (2, 2, 0, 0)
        assert proof.agree
    assert sum(proof.having(REFUSED) for proof in proofs) == 3
    assert proofs[2].having(REFUSED) == 0
    # Also when nothing is known of the others.
    alone = prove(await bench.history(before), everything(bench))
    assert (alone.agree, alone.made_again) == (True, 0)


async def test_a_call_of_another_run_is_not_taken_for_one_made_again(bench: Bench) -> None:
    """Killed when one run is in its second call, and another one of the same question in its first."""
    worker = bench.worker(DURABLE)
    bench.practice.fault("model", "slow", after=1, delay=120)
    ahead = bench.starter(DURABLE, QUESTION)
    in_second_call(bench, ahead)
    behind = bench.starter(DURABLE, QUESTION)
    in_second_call(bench, ahead, behind)
    worker.kill()
    bench.practice.clear()
    bench.worker(DURABLE)
    assert [ahead.wait(), behind.wait()] == [0, 0]
    first, second = await proved(bench, ahead, behind)
    assert fates(first) == [[RECORDED], [ABANDONED, RECORDED]]
    assert fates(second) == [[ABANDONED, RECORDED], [RECORDED]]
    assert (first.agree, second.agree) == (True, True)


async def test_a_run_that_is_not_over_is_no_disagreement(bench: Bench) -> None:
    _, starter = a_run_in_its_second_call(bench)
    (proof,) = await proved(bench, starter)
    assert fates(proof) == [[RECORDED], [IN_FLIGHT]]
    assert (proof.open, proof.agree, proof.recorded) == (True, True, 1)
    bench.practice.clear()
    assert starter.wait() == 0


async def test_a_ledger_that_was_cleared_is_told(bench: Bench) -> None:
    bench.worker(DURABLE)
    starter = bench.starter(DURABLE, QUESTION)
    assert starter.wait() == 0
    run = await bench.history(starter)
    proof = prove(run, [])
    assert not proof.agree
    assert "call 1, call 2: recorded, and the ledger has no such answer" in "\n".join(proof.lines)
    assert prove(run, None).agree is False
    assert "There is no ledger" in "\n".join(prove(run, None).lines)


async def test_a_recorded_call_that_is_made_again_would_be_seen(bench: Bench) -> None:
    """The proof can fail: one more request like the first call's, while the run goes on."""
    bench.worker(DURABLE)
    bench.practice.fault("weather", "slow", delay=120)
    starter = bench.starter(DURABLE, QUESTION)
    bench.practice.until_in_flight("weather", 1)
    run = await bench.history(starter)
    (first,) = bench.practice.entries("model")
    forged = {**first, "id": first["id"] + 1, "response_id": "resp_other", "request_id": "req_other"}
    proof = prove(run, [*everything(bench), forged])
    assert (proof.made_again, proof.agree) == (1, False)
    assert f"#{forged['id']} in the ledger: made again although the call had been recorded" in "\n".join(proof.lines)
    bench.practice.clear()
    assert starter.wait() == 0


async def test_a_tool_alone_is_proved_by_the_weather(bench: Bench) -> None:
    bench.worker(HELLO_TEMPORAL)
    bench.practice.fault("weather", "down", times=2)
    starter = bench.starter(HELLO_TEMPORAL, "CA")
    assert starter.wait() == 0
    (proof,) = await proved(bench, starter)
    assert (proof.service, fates(proof)) == ("weather", [[REFUSED, REFUSED, RECORDED]])
    assert (proof.agree, proof.made_again) == (True, 0)


def test_a_plain_run_pays_again_for_what_was_answered(bench: Bench) -> None:
    bench.practice.fault("model", "rate-limit", after=1, times=3)
    assert bench.starter(HELLO_AGENT, QUESTION).wait() == 1
    assert bench.starter(HELLO_AGENT, QUESTION).wait() == 0
    proof = prove_plain(QUESTION, bench.practice.entries("model"))
    assert (proof.answered, proof.made_again, proof.abandoned, proof.refused) == (3, 1, 0, 3)


def audit(bench: Bench, workflow_id: str) -> str:
    command = [str(Path(sys.executable).with_name("workshop")), "audit", workflow_id, "--json"]
    return subprocess.run(command, env=bench.env(), capture_output=True, text=True, check=True).stdout


async def test_a_conversation_over_several_runs_is_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each turn continues as new: audit, proof and why tell of the whole."""
    for name, value in bench.env().items():
        monkeypatch.setenv(name, value)
    async with AsyncOpenAI() as model:
        plugin = OpenAIAgentsPlugin(
            model_params=ModelActivityParameters(start_to_close_timeout=timedelta(seconds=20)),
            model_provider=OpenAIProvider(openai_client=model),
        )
        client = await Client.connect(bench.env()["TEMPORAL_ADDRESS"], plugins=[plugin])
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
    proof = prove(run, everything(bench))
    assert len(run.earlier) == 2
    assert (
        run.totals.model_calls == proof.recorded == proof.having(RECORDED) == len(bench.practice.entries("model")) == 5
    )
    assert (proof.made_again, proof.agree) == (0, True)
    assert (await why(client, handle.id)).kind == "completed"
    told = json.loads(audit(bench, handle.id))
    assert told["totals"]["model_calls"] == 5
    assert told["earlier"] == list(run.earlier)
