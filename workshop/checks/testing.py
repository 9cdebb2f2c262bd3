"""Lesson `testing`: a learner's test is run with right agents, where it has to pass, and with wrong ones, where not.

An agent here is the lesson's workflows.py with some lines changed.
"""

import asyncio
import inspect
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

from workshop.checks.check import checks_of
from workshop.checks.learner import brief, import_module, place, shorten, told
from workshop.checks.pristine import pristine_file
from workshop.checks.submission import Submission
from workshop.checks.verdict import NotPassed, Verdict, incorrect
from workshop.processes import Patience, wait_for

SECONDS = 10.0  # of `Patience`, that one run of a test may take
MODULES = ("test_agent", "test_kill", "scripted", "workflows", "activities")
RUN = "            result = await Runner.run(weather_agent(weather_tool), question)\n"
LIMIT = "schedule_to_close_timeout=timedelta(hours=1)"
PAUSES = "maximum_interval=timedelta(seconds=10)"
TEXT = "        return str(result.final_output)"
CALIFORNIA = """            async def of_california(state: str) -> str:
                limit = timedelta(seconds=3)
                return await workflow.execute_activity(get_weather_alerts, "CA", start_to_close_timeout=limit)

            weather_tool = function_tool(of_california, name_override="get_weather_alerts")
"""
BEGINS_AGAIN = f"""            try:
    {RUN}            except Exception:
    {RUN}"""


@dataclass(frozen=True)
class Changed:
    """The agent with some of its lines changed: each text becomes the one after it."""

    what: str  # rest of the sentence "an agent that ..."
    slip: str = ""  # what a test that passes for a wrong one lacks
    edits: Sequence[tuple[str, str]] = ()


IT_IS = Changed("is right")
TESTS = {  # the file and the name of each
    "answer": ("test_agent", "test_the_answer_is_made_of_what_the_tool_reports"),
    "outage": ("test_agent", "test_an_outage_of_minutes_is_waited_out"),
    "replay": ("test_agent", "test_a_run_that_is_under_way_survives_an_update"),
    "kill": ("test_kill", "test_a_kill_repeats_no_recorded_model_call"),
}
WRONG = {
    "answer": (
        Changed(
            "asks the model something other than it was asked",
            "What was the model shown in its first call? assert ... in str(model.calls[0].input)",
            [(RUN, RUN.replace("question)", '"Hello")'))],
        ),
        Changed(
            "answers with the question",
            "assert answer == ..., what the scripted model says last.",
            [(TEXT, "        return question")],
        ),
        Changed(
            "asks its tool about California, whatever the model wants",
            "`asked` has the states that the tool was asked about: assert asked == [...].",
            [(RUN, CALIFORNIA + RUN), ("Runner, Tool", "Runner, Tool, function_tool")],
        ),
    ),
    "outage": (
        Changed(
            "gives up after three attempts",
            "Let the tool fail more often than that, and let the test fail if there is no answer.",
            [(PAUSES, f"{PAUSES}, maximum_attempts=3")],
        ),
        Changed(
            "gives up after a minute",
            "Let the outage last for minutes: with pauses of up to 10 s, some 30 attempts.",
            [(LIMIT, "schedule_to_close_timeout=timedelta(minutes=1)")],
        ),
    ),
    "replay": (
        Changed(
            "sleeps before it runs, and did not when the history was recorded",
            "Replay the history, and await it: await replayer.replay_workflow(history).",
            [(RUN, f"            await workflow.sleep(1)\n{RUN}")],
        ),
    ),
    "kill": (
        Changed(
            "begins again with its first model call, when its tool is lost",
            "What was the second worker's model shown? assert ... in str(model.calls[0].input)",
            [(PAUSES, f"{PAUSES}, maximum_attempts=1"), (RUN, BEGINS_AGAIN)],
        ),
    ),
}
RIGHT = {
    "answer": (IT_IS,),
    "outage": (IT_IS,),
    "replay": (
        IT_IS,
        Changed(
            "sleeps in new runs only, by workflow.patched",
            edits=[(RUN, f'            if workflow.patched("pause"):\n                await workflow.sleep(1)\n{RUN}')],
        ),
    ),
    "kill": (IT_IS,),
}


def _run_forked(submission: Submission, command: Sequence[str], timeout: float) -> CompletedProcess[str]:
    """In place of `subprocess.run` in a learner's test: as with each script in a check, its process was made before."""
    _python, path, *arguments = command
    script = submission.script(path, *arguments)
    code = wait_for("the test's first worker to end", script.poll, timeout).code
    return CompletedProcess(command, code if code >= 0 else -signal.SIGKILL)


async def test_of(submission: Submission, name: str) -> str:
    """A test that tells right agents from wrong ones."""
    module, test = TESTS[name]
    submission.module(module)  # says what is wrong with the file
    for agent in RIGHT[name]:
        error = await _run(submission, agent, module, test)
        if isinstance(error, TimeoutError):
            seen = f"{test} does not end within {SECONDS:.0f} s, with an agent that {agent.what}."
            slip = "What does it wait for? The server skips time only if nothing else is done."
            raise incorrect("test-hangs", seen, slip)
        if error:
            at = error.__notes__[-1]
            line = next((f.line for f in reversed(traceback.extract_tb(error.__traceback__)) if f.name == test), "")
            what = f"{brief(error)}{f': {line}' if line and isinstance(error, AssertionError) else ''}"
            seen = f"{test} fails for an agent that {agent.what}: {shorten(what)}{f' ({at})' if at else ''}."
            raise NotPassed(Verdict("raised", "fails-for-right", seen, "It has to pass: look at that line."))
    for agent in WRONG[name]:
        if await _run(submission, agent, module, test) is None:
            seen = f"It passes, too, for an agent that {agent.what}: nobody would notice."
            raise incorrect("passes-for-wrong", seen, agent.slip)
    wrong = "; ".join(agent.what for agent in WRONG[name])
    return f"It passes for the agent as it is, and fails for each that is wrong ({wrong})."


async def _run(submission: Submission, agent: Changed, of: str, name: str) -> BaseException | None:
    """How a test of the learner's ends with an agent: None if it passes."""
    workflows = pristine_file(submission.number, "workflows.py")
    for old, new in agent.edits:
        assert old in workflows, f"workflows.py has no {old!r} any more"
        workflows = workflows.replace(old, new)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        for file in (*submission.folder.glob("*.py"), *submission.folder.glob("*.json")):
            shutil.copy(file, folder)
        (folder / "workflows.py").write_text(workflows, encoding="utf-8")
        for loaded in MODULES:
            sys.modules.pop(loaded, None)
        sys.path.insert(0, directory)
        before = Path.cwd()
        os.chdir(folder)
        try:
            module = import_module(folder, of)
            vars(module)["subprocess"] = SimpleNamespace(run=partial(_run_forked, submission))
            test = getattr(module, name, None)
            if test is None:
                seen = f"{of}.py has no test of the name {name}."
                raise incorrect("no-test", seen, "Leave the names of the tests as they are.")
            try:
                found = test()
                if inspect.isawaitable(found):
                    await _within(SECONDS, asyncio.ensure_future(found))
            except Exception as error:
                at = place(error, folder)  # while the copy is there
                error.add_note(told(at) if at else "")
                return error
            return None
        finally:
            os.chdir(before)
            sys.path.remove(directory)


async def _within(seconds: float, found: "asyncio.Future[None]") -> None:
    """As `asyncio.wait_for`, in seconds of `Patience`."""
    patience = Patience(seconds)
    while not found.done():
        if patience.left <= 0:
            found.cancel()
            raise TimeoutError
        await asyncio.wait([found], timeout=0.2)
    found.result()  # raises


CHECKS = checks_of("testing", {name: partial(test_of, name=name) for name in TESTS})
