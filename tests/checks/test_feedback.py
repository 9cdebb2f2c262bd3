"""Feedback: what is not attempted, hints, solutions, progress, and the checks of a notebook's variables."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from agents import Agent, RunConfig, Runner, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from temporalio import activity
from temporalio.openai_agents.workflow import activity_as_tool

from tests.checks.bank import Answer, solution, text_of
from workshop.checks import CHECKS
from workshop.checks.checker import Checker
from workshop.checks.pristine import pristine_file, unwritten
from workshop.errors import WorkshopError
from workshop.exercises import FOLDERS, GIVEN, solution_of
from workshop.notebook.feedback import Feedback
from workshop.settings import ROOT

NUMBERS = pytest.mark.parametrize("number", sorted(CHECKS))


class Learner:
    """An exercise's folder, its feedback, and what they said."""

    def __init__(self, number: str, home: Path, checker: Checker) -> None:
        self.said: list[str] = []
        self.folder = home / "exercises" / FOLDERS[number]
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(solution(number), solution_of(self.folder), dirs_exist_ok=True)
        for name in GIVEN:
            shutil.copy(solution(number) / name, self.folder)
        self.feedback = Feedback(self.folder, home / "state", checker, self.said.append)

    def starters(self, number: str) -> None:
        for check in CHECKS[number]:
            if check.file:
                (self.folder / check.file).write_text(pristine_file(number, check.file))

    def solve(self, number: str) -> None:
        for path in solution(number).glob("*.py"):
            shutil.copy(path, self.folder)

    @property
    def text(self) -> str:
        return "\n".join(self.said)


@NUMBERS
def test_without_a_file_nothing_is_attempted(number: str, tmp_path: Path, checker: Checker) -> None:
    learner = Learner(number, tmp_path, checker)
    for check in CHECKS[number]:
        found = learner.feedback.check(check.name)
        assert (found.outcome, found.code) == ("not attempted", "file-missing" if check.file else "no-variable")


@NUMBERS
def test_an_untouched_todo_is_not_attempted(number: str, tmp_path: Path, checker: Checker) -> None:
    learner = Learner(number, tmp_path, checker)
    learner.starters(number)
    for check in CHECKS[number]:
        if check.todo and check.file:
            found = learner.feedback.check(check.name)
            assert (found.outcome, found.code) == ("not attempted", "untouched")
            assert f"TODO {check.todo} in {check.file}" in learner.text


def test_a_todo_that_cannot_be_seen_without_another_says_so(tmp_path: Path, checker: Checker) -> None:
    learner = Learner("03", tmp_path, checker)
    learner.solve("03")
    without_three = Answer("03", "workflow", "untouched", "", untouched=True)
    (learner.folder / "workflows.py").write_text(text_of(without_three))
    found = learner.feedback.check("tool")
    assert (found.outcome, found.code) == ("not attempted", "needs-another")
    assert "TODO 3" in learner.text


def test_a_todo_of_another_file_that_is_needed_is_named(tmp_path: Path, checker: Checker) -> None:
    learner = Learner("02", tmp_path, checker)
    learner.solve("02")
    without_three = Answer("02", "workflow", "untouched", "", untouched=True)
    (learner.folder / "workflows.py").write_text(text_of(without_three))
    found = learner.feedback.check("worker")
    assert (found.outcome, found.code) == ("not attempted", "needs-another")
    assert "TODO 3 in workflows.py" in learner.text


@pytest.mark.parametrize("nothing", ["", "pass", "...", "# later", "made = ...", 'raise NotImplementedError("later")'])
@NUMBERS
def test_a_todo_with_nothing_in_it_is_not_attempted(
    number: str, nothing: str, tmp_path: Path, checker: Checker
) -> None:
    """Case C26."""
    learner = Learner(number, tmp_path, checker)
    for check in CHECKS[number]:
        if check.todo and check.file:
            learner.starters(number)
            (learner.folder / check.file).write_text(text_of(Answer(number, check.name, "", "", nothing)))
            found = learner.feedback.check(check.name)
            assert (found.outcome, found.code) == ("not attempted", "untouched")
            assert f"TODO {check.todo} in {check.file}" in learner.text


@pytest.mark.parametrize("text", ["", "\n# later\n", '"""The weather."""\n'])
def test_a_file_with_nothing_in_it_is_not_attempted(text: str, tmp_path: Path, checker: Checker) -> None:
    """Case C26."""
    learner = Learner("02", tmp_path, checker)
    learner.solve("02")
    (learner.folder / "activities.py").write_text(text)
    found = learner.feedback.check("activity")
    assert (found.outcome, found.code) == ("not attempted", "untouched")
    assert "activities.py has no code in it yet" in learner.text


@pytest.mark.parametrize(
    ("check", "file", "line"),
    [
        ("activity", "activities.py", "    data = await make_api_call(state)\n"),
        ("timer", "workflows.py", "        return await workflow.execute_activity(\n"),
        ("worker", "worker.py", "    async with worker:\n"),
        ("starter", "starter.py", "    load_env()\n"),
    ],
)
def test_what_says_that_it_is_not_written_is_not_attempted(
    check: str, file: str, line: str, tmp_path: Path, checker: Checker
) -> None:
    """Case C26, outside of a TODO."""
    learner = Learner("02", tmp_path, checker)
    learner.solve("02")
    margin = line[: len(line) - len(line.lstrip())]
    path = learner.folder / file
    path.write_text(path.read_text().replace(line, f'{margin}raise NotImplementedError("later")\n{line}', 1))
    found = learner.feedback.check(check)
    assert (found.outcome, found.code) == ("not attempted", "not-written")
    assert file in learner.text


def test_what_is_written_elsewhere_is_looked_at() -> None:
    """A TODO with nothing in it, or none at all, says nothing if the code stands elsewhere in the file."""
    right = text_of(Answer("02", "timer", "", ""))
    emptied = text_of(Answer("02", "timer", "", "", "pass"))
    sleeps = "await workflow.sleep(delay_seconds)"
    elsewhere = emptied.replace("        # TODO 2", f"        {sleeps}\n        # TODO 2", 1)
    assert unwritten("02", "workflows.py", emptied, 2)
    below = "\n\nget_weather_alerts = activity.defn(get_weather_alerts)\n"
    decorated = text_of(Answer("03", "activity", "", "", ""))
    assert unwritten("03", "activities.py", decorated, 1)
    assert unwritten("03", "activities.py", decorated + below, 1) == ""
    appended = (
        pristine_file("04", "workflows.py")
        + '    triage_agent.handoffs.append(handoff(specialist("French"), on_handoff=pause))\n'
    )
    assert unwritten("04", "workflows.py", appended, 2) == ""
    assert "unchanged" in unwritten("04", "workflows.py", appended + "import textwrap\n", 3)
    assert "comments only" in unwritten("03", "activities.py", text_of(Answer("03", "activity", "", "", "# @defn")), 1)
    for text in (right, elsewhere, (solution("02") / "workflows.py").read_text(), "x = 5\n", "def ("):
        assert unwritten("02", "workflows.py", text, 2) == ""


def test_a_file_that_another_needs_is_named(tmp_path: Path, checker: Checker) -> None:
    learner = Learner("03", tmp_path, checker)
    learner.solve("03")
    (learner.folder / "workflows.py").unlink()
    assert learner.feedback.check("worker").code == "needs-file"
    assert "workflows.py" in learner.text


@pytest.mark.parametrize("name", ["agents.py", "openai.py", "temporalio/__init__.py"])
def test_a_file_that_hides_a_package_is_named(name: str, tmp_path: Path, checker: Checker) -> None:
    """Case R57."""
    learner = Learner("02", tmp_path, checker)
    learner.solve("02")
    (learner.folder / name).parent.mkdir(exist_ok=True)
    (learner.folder / name).write_text("")
    found = learner.feedback.check("activity")
    assert (found.outcome, found.code) == ("raised", "shadow")
    assert name.removesuffix("/__init__.py") in learner.text


def test_a_check_that_is_not_there_is_one_line(tmp_path: Path, checker: Checker) -> None:
    with pytest.raises(WorkshopError, match='no check "wrker"'):
        Learner("02", tmp_path, checker).feedback.check("wrker")


@NUMBERS
def test_hints_come_one_by_one_and_are_remembered(number: str, tmp_path: Path, checker: Checker) -> None:
    for check in CHECKS[number]:
        assert 1 <= len(check.hints) <= 3
        for shown in range(1, len(check.hints) + 2):
            learner = Learner(number, tmp_path, checker)  # as in a new kernel
            learner.feedback.hint(check.name)
            hints = [line for line in learner.said if line.startswith("Hint")]
            assert len(hints) == min(shown, len(check.hints))
            assert f"Hint {len(hints)} of {len(check.hints)}: {check.hints[len(hints) - 1]}" in " ".join(
                learner.text.split()
            )


def test_a_solution_is_shown_as_a_difference(tmp_path: Path, checker: Checker) -> None:
    learner = Learner("02", tmp_path, checker)
    learner.feedback.solution("activity")
    assert "You have no activities.py yet" in learner.text
    learner.starters("02")
    learner.said.clear()
    learner.feedback.solution("activity")
    assert "+    response.raise_for_status()" in learner.said
    assert any(line.startswith("-") and "TODO 1" in line for line in learner.said)


def test_a_solution_is_taken_and_nothing_lost(tmp_path: Path, checker: Checker) -> None:
    learner = Learner("02", tmp_path, checker)
    learner.starters("02")
    mine = {path.name: path.read_bytes() for path in learner.folder.glob("*.py")}
    learner.feedback.solution("activity", apply=True)
    (learner.folder / "activities.py").write_text("# mine again\n")
    learner.feedback.solution("02", apply=True)
    for path in solution("02").glob("*.py"):
        assert (learner.folder / path.name).read_bytes() == path.read_bytes()
    copies = [path.read_bytes() for path in learner.folder.glob("*.bak-*")]
    for name in ("activities.py", "workflows.py", "worker.py", "starter.py"):
        assert mine[name] in copies
    assert b"# mine again\n" in copies
    learner.said.clear()
    learner.feedback.solution("activity", apply=True)
    assert learner.text == "activities.py is already the solution's."


def test_progress_knows_what_was_found_and_what_changed_since(tmp_path: Path, checker: Checker) -> None:
    learner = Learner("02", tmp_path, checker)
    learner.solve("02")
    assert str(learner.feedback.progress()).startswith("Exercise 02, temporal_hello_world: 0 of 5 checks passed\n")
    assert learner.feedback.check("activity").outcome == "passed"
    told = Learner("02", tmp_path, checker).feedback.progress()
    assert "1 of 5 checks passed" in str(told)
    assert re.search("^activity +✔ passed$", str(told), re.MULTILINE)
    assert "✔ passed" in told.html()
    assert "changed since" not in str(told)
    (learner.folder / "activities.py").write_text("# other\n")
    assert "changed since" in str(learner.feedback.progress())
    learner.feedback.memory.forget()
    assert "0 of 5 checks passed" in str(learner.feedback.progress())


async def get_weather_alerts(state: str) -> str:
    """Alerts of a state."""
    async with httpx.AsyncClient(base_url=os.environ["WEATHER_API_URL"]) as http:
        answer = await http.get("/alerts/active", params={"area": state}, headers={"User-Agent": "test"})
    return str(answer.json()["features"][0]["properties"]["headline"])


async def alerts_of(code: str, area: str = "area", always: str = "") -> str:
    """Alerts, asked for by another name or for another state."""
    async with httpx.AsyncClient(base_url=os.environ["WEATHER_API_URL"]) as http:
        answer = await http.get("/alerts/active", params={area: always or code}, headers={"User-Agent": "test"})
    features = answer.json().get("features", [])
    return "\n".join(str(feature["properties"]["headline"] or feature["properties"]["event"]) for feature in features)


async def whole_answer(state: str) -> str:
    """Alerts of a state."""
    async with httpx.AsyncClient(base_url=os.environ["WEATHER_API_URL"]) as http:
        answer = await http.get("/alerts/active", params={"area": state}, headers={"User-Agent": "test"})
    return answer.text


async def by_state(state: str) -> str:
    """Alerts of a state."""
    return await alerts_of(state, area="state")


async def always_california(state: str) -> str:
    """Alerts of a state."""
    return await alerts_of(state, always="CA")


async def without_return(state: str) -> None:
    """Alerts of a state."""
    await alerts_of(state)


async def in_capitals(state: str) -> str:
    """Alerts of a state."""
    return (await alerts_of(state)).upper()


def not_awaited(state: str) -> Any:
    """Alerts of a state."""
    return get_weather_alerts(state)


async def of_a_limit(limit: int, state: str, details: bool = False) -> str:
    """Alerts of a state, at most so many."""
    return await alerts_of(state)


async def fails_then(state: str) -> str:
    """Asks, and fails."""
    await get_weather_alerts(state)
    raise ValueError("no")


def no_arguments() -> str:
    """Alerts."""
    return "none"


def without_docstring(state: str) -> str:
    return "none"


def canned(state: str) -> str:
    """Alerts of a state."""
    return "Sunshine."


TOOL = function_tool(get_weather_alerts)


def ran(*steps: Any, tool: Any = TOOL, asked: str = "Texas?") -> Any:
    """What `await Runner.run(...)` returns, with a model that follows a script."""
    agent = Agent(name="Weather", instructions="Go.", tools=[tool])
    config = RunConfig(tracing_disabled=True)
    agent.model = ScriptedModel(list(steps))
    return asyncio.run(Runner.run(agent, asked, run_config=config))


def streamed(read: bool) -> Any:
    """The same, streamed, and read to its end or not."""
    agent = Agent(name="Weather", instructions="Go.", tools=[function_tool(canned)])
    agent.model = ScriptedModel([ASKS, SAYS])

    async def made() -> Any:
        result = Runner.run_streamed(agent, "Texas?", run_config=RunConfig(tracing_disabled=True))
        async for _ in result.stream_events() if read else nothing():
            pass
        return result

    async def nothing() -> AsyncIterator[None]:
        for _ in ():
            yield

    return asyncio.run(made())


ASKS_FAILING = [function_call("fails_then", {"state": "TX"}, call_id="c1")]
ASKS = [function_call("canned", {"state": "TX"}, call_id="c1")]
SAYS = [assistant_message("Sunshine.")]

VALUES: tuple[tuple[str, str, Any, str], ...] = (
    ("tool", "the function", lambda: get_weather_alerts, "not-a-tool"),
    ("tool", "called", lambda: get_weather_alerts("CA"), "not-a-tool"),
    ("tool", "of nothing", lambda: function_tool(), "function-called"),
    ("tool", "not called", lambda: function_tool, "function-called"),
    ("tool", "a list", lambda: [TOOL], "not-a-tool"),
    ("tool", "a name with spaces", lambda: function_tool(get_weather_alerts, name_override="my alerts"), "tool-name"),
    ("tool", "all of the answer", lambda: function_tool(whole_answer), "raw-answer"),
    ("tool", "no arguments", lambda: function_tool(no_arguments), "no-arguments"),
    ("tool", "no docstring", lambda: function_tool(without_docstring), "no-description"),
    ("tool", "canned", lambda: function_tool(canned), "not-asked"),
    ("tool", "fails", lambda: function_tool(fails_then), "tool-fails"),
    ("tool", "another parameter", lambda: function_tool(by_state), "no-area"),
    ("tool", "always California", lambda: function_tool(always_california), "state-ignored"),
    ("tool", "not awaited", lambda: function_tool(not_awaited), "not-awaited"),
    (
        "tool",
        "of a workflow",
        lambda: activity_as_tool(activity.defn(get_weather_alerts), start_to_close_timeout=timedelta(seconds=3)),
        "not-in-workflow",
    ),
    ("tool", "right", lambda: TOOL, "passed"),
    ("tool", "no return", lambda: function_tool(without_return), "not-the-alerts"),
    ("tool", "capitals", lambda: function_tool(in_capitals), "passed"),
    ("tool", "three arguments", lambda: function_tool(of_a_limit), "passed"),
    ("tool", "errors are not told", lambda: function_tool(get_weather_alerts, failure_error_function=None), "passed"),
    ("tool", "named", lambda: function_tool(get_weather_alerts, name_override="alerts"), "passed"),
    ("agent", "a name", lambda: "Weather agent", "not-an-agent"),
    ("agent", "no tool", lambda: Agent(name="W", instructions="Go."), "no-tool"),
    (
        "agent",
        "another tool",
        lambda: Agent(name="W", instructions="Go.", tools=[function_tool(no_arguments)]),
        "not-asked",
    ),
    ("agent", "by position", lambda: Agent("W", "Go.", [TOOL]), "no-instructions"),
    (
        "agent",
        "its tool asks for one state",
        lambda: Agent(name="W", instructions="Go.", tools=[function_tool(always_california)]),
        "state-ignored",
    ),
    ("agent", "right", lambda: Agent(name="W", instructions="Go.", tools=[TOOL]), "passed"),
    ("run", "not awaited", lambda: Runner.run(Agent(name="W"), "Texas?"), "not-awaited"),
    ("run", "the text", lambda: "Sunshine.", "text-only"),
    ("run", "an exception", lambda: NameError("agnt"), "exception-kept"),
    ("run", "the agent", lambda: Agent(name="W"), "not-a-result"),
    ("run", "no tool called", lambda: ran(SAYS), "tool-not-called"),
    ("run", "the word", lambda: ran(ASKS, SAYS, tool=function_tool(canned), asked="question"), "quoted"),
    ("run", "a tool that failed", lambda: ran(ASKS_FAILING, SAYS, tool=function_tool(fails_then)), "tool-fails"),
    ("run", "a stream not read", lambda: streamed(read=False), "not-finished"),
    ("run", "a stream", lambda: streamed(read=True), "passed"),
    ("run", "right", lambda: ran(ASKS, SAYS, tool=function_tool(canned)), "passed"),
)


@pytest.mark.filterwarnings("ignore:coroutine 'get_weather_alerts' was never awaited")  # which is the slip
@pytest.mark.parametrize(("check", "name", "make", "code"), VALUES, ids=[f"{v[0]}-{v[1]}" for v in VALUES])
def test_a_variable_gets_its_verdict(
    check: str, name: str, make: Any, code: str, tmp_path: Path, checker: Checker
) -> None:
    learner = Learner("01", tmp_path, checker)
    found = learner.feedback.check(check, make())
    assert found.code == code, learner.text
    assert (found.outcome == "passed") == (code == "passed")
    assert f"{found.outcome}: {check}" in learner.said[0]
    assert str(ROOT) not in learner.text
