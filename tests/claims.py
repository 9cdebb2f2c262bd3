"""What each *Why* of a solved notebook claims, as a cell that runs after it and fails if it is not so.

A claim is read from what the notebook's own run left behind: the histories, the ledger, the exit codes.
"""

import ast
import os
import re
from pathlib import Path
from typing import Any

import psutil

from tests.steps import steps
from workshop import history, temporal
from workshop.history import Kind, Row, Run
from workshop.notebook.kernel import result_of
from workshop.notebook.predictions import PREDICTIONS, QUIZ
from workshop.practice.report import ledger_shown
from workshop.proof import ABANDONED, RECORDED, REFUSED, UNRECORDED, Proof
from workshop.settings import ROOT, Settings

__all__ = [
    "ABANDONED",
    "LOOKS",
    "RECORDED",
    "REFUSED",
    "UNRECORDED",
    "Kind",
    "agent_code",
    "alerts",
    "all_seen",
    "attempts",
    "born",
    "by",
    "claim",
    "fates",
    "latest",
    "ledger_shown",
    "outcomes",
    "printed",
    "re",
    "rows",
    "said",
    "steps",
    "weight",
]

LOOKS = ("fail_while_active", "watch_while_active", "look_once")  # of the lesson on polling


def latest(ex: Any) -> Run:
    """The history of the workflow that the notebook started last."""
    settings, workflow_id = Settings.from_env(os.environ, ROOT), ex._workflow_id(None)

    async def read() -> Run:
        client = await temporal.connect(dict(os.environ), settings.temporal_address, settings.temporal_namespace)
        return await history.read_history(client, workflow_id)

    return result_of(read())


def rows(run: Run, kind: str) -> list[Row]:
    return [row for row in run.rows if row.kind == kind]


def attempts(run: Run, kind: str = Kind.MODEL) -> list[int]:
    return [row.attempts for row in rows(run, kind)]


def by(row: Row) -> int:
    """The process that ran it."""
    return int(row.worker.partition("@")[0])


def fates(proof: Proof) -> list[list[str]]:
    """What became of the requests of each call; the two witnesses agree on it, and nothing recorded was made again."""
    assert proof.agree, proof.lines
    assert proof.made_again == 0
    return [[request.fate for request in call.requests] for call in proof.calls]


def outcomes(ex: Any, service: str = "model") -> list[str]:
    """How the requests since the last question ended."""
    return [entry["outcome"] for entry in ex._practice.entries(service, ex._asked[-1].since)]


def alerts(ex: Any) -> list[dict[str, Any]]:
    """The requests since the last question to alert residents."""
    return [e for e in ex._practice.entries("weather", ex._asked[-1].since) if e["asked"].startswith("POST")]


def born(pid: int) -> float:
    """When a process was started, in seconds since the epoch."""
    return float(psutil.Process(pid).create_time())


def printed(ex: Any, script: str) -> str:
    """What a script of the folder printed when it was run last."""
    return ex._log(f"{script}-{ex.number}").read_text(encoding="utf-8")


def said(run: Run) -> list[str]:
    """The messages of a conversation."""
    return [row.asked for row in rows(run, Kind.UPDATE)]


def weight(run: Run, turn: int) -> int:
    """Characters of what the model was asked in the first turns, up to this one (from 0): the most of a history."""
    return sum(len(str(row.input)) for row in rows(run, Kind.MODEL)[: turn + 1])


def claim(seen: Any, claimed: Any) -> None:
    assert seen == claimed, f"{seen}, and not {claimed}"


def all_seen(ex: Any) -> None:
    """Every prediction of the notebook, and in the last one the quiz, was held against what really happened."""
    for section, kept in [(ex.number, "predictions"), *([(QUIZ, QUIZ)] if ex.number == "04" else [])]:
        known = ex._feedback.memory.read(kept)
        claim([name for name in PREDICTIONS[section] if known.get(name, {}).get("seen")], list(PREDICTIONS[section]))


def agent_code(path: str | Path) -> str:
    """The function weather_agent of a file, as code without its layout."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return next(ast.dump(node) for node in tree.body if getattr(node, "name", "") == "weather_agent")


# Exercise -> the id of a cell -> what must hold once that cell was passed.
CLAIMS = {
    "01": {
        "look-run": """
            assert [item.type for item in result.new_items].count("tool_call_output_item") == 1
            assert len(result.raw_responses) == 2
        """,
        "why-rate-limit": """
            claim(outcomes(ex), ["completed", "failed", "failed", "failed"])
            assert ex._asked[-1].exit_code == 1
        """,
        "why-drop": """
            claim(outcomes(ex), ["completed", "failed", "failed", "failed"])
            assert ex._asked[-1].exit_code == 1
        """,
        "why-kill": """
            claim(outcomes(ex), ["completed", "abandoned"])
            assert ex._asked[-1].exit_code == -9
        """,
        "why-count": """
            proof = ex.proof()
            claim((proof.answered, proof.made_again, proof.refused, proof.abandoned), (5, 3, 6, 1))
            assert "made again within a run: 0" in str(ledger_shown(ex._practice.ledger(ex._asked[0].since)))
        """,
        "progress": "all_seen(ex)",
        "proof-glance": """
            claim(fates(ex.proof()), [[RECORDED], [REFUSED, REFUSED, REFUSED, RECORDED]])
            claim(attempts(latest(ex)), [1, 4])
        """,
    },
    "02": {
        "progress": "all_seen(ex)",
        "why-run": """
            (row,) = rows(latest(ex), Kind.ACTIVITY)
            assert by(row) == ex.worker.pid
        """,
        "why-outage": """
            (requests,) = fates(ex.proof())
            assert requests.count(REFUSED) >= 3
            assert requests[-1] == RECORDED
            claim(attempts(latest(ex), Kind.ACTIVITY), [len(requests)])
        """,
        "look-timer": """
            run = latest(ex)
            (timer,), (row,) = rows(run, Kind.TIMER), rows(run, Kind.ACTIVITY)
            claim(steps(run), [Kind.TIMER, Kind.ACTIVITY])
            claim((timer.asked, timer.state, attempts(run, Kind.ACTIVITY)), ("10 s", "completed", [1]))
            assert by(row) == ex.worker.pid
            assert timer.closed.timestamp() < born(ex.worker.pid), "it fired with a worker there"
        """,
        "slip": """
            before = ex.worker.pid
            assert "datetime" in rows(latest(ex), Kind.TASK_FAILURE)[0].last_error
        """,
        "look-slip": """
            run = latest(ex)
            assert run.status == "completed"
            assert by(rows(run, Kind.ACTIVITY)[0]) == before == ex.worker.pid
        """,
    },
    "03": {
        "progress": "all_seen(ex)",
        "why-compare": """
            found = ex._evidence.comparison
            claim((found.recorded_again, found.sums["durable"].answered), (0, 4))
            assert found.sums["retry loop"].again > found.sums["durable"].again
        """,
        "why-agent": """
            assert agent_code(before / "workflows.py") == agent_code("workflows.py")
        """,
        "why-run": """
            run = latest(ex)
            claim(steps(run), [Kind.MODEL, Kind.TOOL, Kind.MODEL])
            claim(attempts(run) + attempts(run, Kind.TOOL), [1, 1, 1])
        """,
        "why-drill": """
            claim(fates(ex.proof()), [[RECORDED], [RECORDED]])
            assert attempts(latest(ex), Kind.TOOL)[0] > 2
        """,
        "why-rate-limit": """
            claim(fates(ex.proof()), [[RECORDED], [REFUSED, REFUSED, REFUSED, RECORDED]])
        """,
        "why-server-error": """
            claim(fates(ex.proof()), [[RECORDED], [REFUSED, REFUSED, REFUSED, REFUSED, RECORDED]])
        """,
        "why-kill": """
            claim(fates(ex.proof()), [[RECORDED], [ABANDONED, RECORDED]])
            run = latest(ex)
            claim(attempts(run), [1, 2])
            assert by(rows(run, Kind.MODEL)[0]) != by(rows(run, Kind.MODEL)[1]) == ex.worker.pid
        """,
        "why-window": """
            claim(fates(ex.proof()), [[RECORDED], [UNRECORDED, RECORDED]])
        """,
        "why-start-to-close": """
            claim(fates(ex.proof()), [[ABANDONED, RECORDED], [RECORDED]])
            assert "start-to-close" in rows(latest(ex), Kind.MODEL)[0].last_error
        """,
        "why-heartbeat": """
            claim(fates(ex.proof()), [[RECORDED], [ABANDONED, RECORDED]])
            call = rows(latest(ex), Kind.MODEL)[1]
            assert "start-to-close" in call.last_error
            assert call.duration >= 15
        """,
        "why-false-timeout": """
            first, second = fates(ex.proof())
            claim((first, second[0], second[-1]), ([RECORDED], UNRECORDED, RECORDED))
            run = latest(ex)
            assert {by(row) for row in rows(run, Kind.MODEL)} == {ex.worker.pid}
            assert rows(run, Kind.MODEL)[1].attempts > 1
        """,
        "why-retry": """
            run = latest(ex)
            claim((run.status, attempts(run)), ("failed", [3]))
        """,
    },
    "04": {
        "progress": "all_seen(ex)",
        "why-run": """
            run = latest(ex)
            kinds = [row.kind for row in run.rows if row.kind in (Kind.MODEL, Kind.HANDOFF)]
            claim(kinds, [Kind.MODEL, Kind.HANDOFF, Kind.MODEL, Kind.MODEL])
        """,
        "why-kill": """
            claim(fates(ex.proof()), [[RECORDED], [RECORDED], [RECORDED]])
            triage, *specialist = rows(latest(ex), Kind.MODEL)
            assert by(triage) != by(specialist[0]) == ex.worker.pid
        """,
    },
    "approval": {
        "progress": "all_seen(ex)",
        "why-two": """
            run = latest(ex)
            claim([row.input[1] for row in rows(run, Kind.UPDATE)], ["yes", "no"])
            claim([(row.state, row.input[0]) for row in rows(run, Kind.TOOL) if row.attempts], [("completed", "NY")])
            claim([e["sent"] for e in alerts(ex)], [True])
        """,
        "why-killed": """
            run = latest(ex)
            assert rows(run, Kind.MODEL)[0].attempts == 1
            assert rows(run, Kind.TOOL)[0].attempts > 1
            sent = [e["sent"] for e in alerts(ex)]
            claim((len(sent) > 1, sent.count(True), sent.count(False)), (True, 1, len(sent) - 1))
            (key,) = {e["asked"].partition(" key ")[2].partition(":")[0] for e in alerts(ex)}
            claim(key, rows(run, Kind.TOOL)[0].input[2])
        """,
        "why-deadline": """
            run = latest(ex)
            claim([(row.asked, row.state) for row in rows(run, Kind.TIMER)], [("5 s", "completed")])
            claim((run.status, alerts(ex)), ("completed", []))
        """,
        "why-night": """
            entries = ex._practice.ledger(ex._asked[-1].since)["entries"]
            claim([e["service"] for e in entries[-3:]], ["model", "weather", "model"])
            assert entries[-2]["sent"]
        """,
    },
    "polling": {
        "progress": "all_seen(ex)",
        "why-six": """
            runs = {way: ex._workflows.run(one.workflow_id) for way, one in ways.items()}
            looked = {way: [row.attempts for row in run.rows if row.name in LOOKS] for way, run in runs.items()}
            claim(looked, {"retry": [6], "heartbeat": [1], "timer": [1] * 6})
            claim([len(rows(run, Kind.MODEL)) for run in runs.values()], [2, 2, 2])
            since = ways["retry"].since
            claim((len(ex._practice.entries("weather", since)), len(ex._practice.entries("model", since))), (18, 6))
            retry, heartbeat, timer = (sum(run.events) for run in runs.values())
            assert max(retry, heartbeat) < timer
        """,
        "why-kill": """
            for one in waiting.values():
                run = ex._workflows.finished(one.workflow_id, 30)  # ex.wait() was for the last one
                claim((run.status, attempts(run)), ("completed", [1, 1]))
                assert by(rows(run, Kind.MODEL)[0]) != by(rows(run, Kind.MODEL)[1]) == ex.worker.pid
            claim([row.attempts for row in run.rows if row.name == "watch_while_active"], [2])
        """,
        "why-hour": """
            claim(outcomes(ex)[-4:], ["completed"] * 4)
            text = printed(ex, "hour")
            claim(text.count("After 1:00:00 of looking, the warnings were not over."), 2)
            (_, short), (minutes, long) = re.findall(r"^(\\d+) minutes.*: (\\d+)$", text, re.M)
            assert (int(short) < 30, 59 <= int(minutes) <= 60, int(long) > 600) == (True, True, True)
            assert 3 < 51_200 / (int(long) * 24) < 4  # days
        """,
    },
    "testing": {
        "progress": "all_seen(ex)",
        "why-run": """
            assert "3 passed" in printed(ex, "test_agent")
        """,
        "why-break": """
            assert "1 failed, 2 passed" in printed(ex, "test_agent")
            assert "FAILED test_agent.py::test_a_run_that_is_under_way" in printed(ex, "test_agent")
            assert "NondeterminismError" in printed(ex, "test_agent")
        """,
        "why-patched": """
            assert "3 passed" in printed(ex, "test_agent")
            assert "workflow.patched" in Path("workflows.py").read_text()
        """,
        "why-kill": """
            assert "test_a_kill_repeats_no_recorded_model_call PASSED" in printed(ex, "test_kill")
        """,
    },
    "conversation": {
        "progress": "all_seen(ex)",
        "why-growth": """
            run = ex._workflows.run(f"conversation-long-{now}")
            claim((said(run), run.earlier), ([f"Hello, this is message {turn}." for turn in range(1, 13)], ()))
            assert run.sizes[0] > 60_000
            assert weight(run, 11) > 4 * weight(run, 3)
        """,
        "why-runs": """
            run = ex._workflows.run(f"conversation-short-{now}")
            claim((len(said(run)), len(run.earlier)), (12, 3))
            first, second, third, _ = run.sizes
            assert max(second, third) < 1.1 * min(second, third)
            assert max(run.sizes) < max(ex._workflows.run(f"conversation-long-{now}").sizes) / 2
        """,
        "why-forget": """
            found = ["Weather alerts for Florida" in row.output for row in rows(latest(ex), Kind.UPDATE)]
            claim(found, [True, True, False, False, False])
        """,
        "why-kill": """
            assert [fates for fates in fates(ex.proof()) if fates != [RECORDED]] == [[ABANDONED, RECORDED]]
            run = latest(ex)
            claim([row.output[:24] for row in rows(run, Kind.UPDATE)[-3:-1]], ["Weather alerts for Ohio:"] * 2)
            turns = [row.kind for row in run.rows if row.kind in (Kind.UPDATE, Kind.CONTINUED)]
            claim(turns[:9], [Kind.UPDATE, Kind.UPDATE, Kind.CONTINUED] * 2 + [Kind.UPDATE] * 3)
            claim(sorted(turns[9:]), [Kind.CONTINUED, Kind.UPDATE])
        """,
    },
}
