"""Looks at the learner's starter.py, of any exercise: runs it twice and sees what Temporal sees of that."""

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Any

from temporalio.client import Client

from workshop.checks import history
from workshop.checks.learner import shorten
from workshop.checks.limits import DAY, SHORTEST_OUTAGE
from workshop.checks.script import CheckedScript
from workshop.checks.submission import CONNECT, CONNECTS_ITSELF, WARM_UP, Submission, no_plugin
from workshop.checks.verdict import NotPassed, incorrect
from workshop.history import as_text
from workshop.history.payloads import decode
from workshop.temporal import follow
from workshop.text import span

NAMES = ("state", "delay_seconds", "question", "pause_seconds")  # of what the starters are given


async def check(submission: Submission, words: Sequence[str], args: Sequence[Any], agent: bool = True) -> str:
    """A starter that starts the workflow under an id of its own, passes the question on, and prints the answer.

    Args:
        words: its command line, the question first.
        args: what the workflow has to be given.
        agent: whether it needs the plugin.
    """
    queue, workflow = submission.task_queue(), submission.workflow()
    await submission.connect(agent)
    # Both at once, before any worker, and as a second begins: two ids made of the same time collide.
    await asyncio.sleep(1 - time.time() % 1)
    scripts = [submission.script("starter.py", *words) for _ in range(2)]
    ids = await _started(submission, scripts)
    for workflow_id in ids:
        events = (await submission.client.get_workflow_handle(workflow_id).fetch_history()).events
        start = events[0].workflow_execution_started_event_attributes
        if start.task_queue.name != queue:
            seen = f"It started a workflow on the task queue {start.task_queue.name!r}, where no worker of yours is: "
            raise incorrect("other-queue", f"{seen}{queue!r}.", "Use task_queue=TASK_QUEUE, from workflows.py.")
        if start.workflow_type.name != vars(workflow)["__temporal_workflow_definition"].name:
            seen = f"It started a workflow named {start.workflow_type.name!r}, and yours is {workflow.__name__}."
            raise incorrect("other-workflow", seen, f"Pass its method, without quotes or (): {workflow.__name__}.run.")
        given = [decode(payload) for payload in start.input.payloads]
        if given != list(args):
            raise _other_input(given, list(args))
        lives = [limit for limit in (_seconds(start, "execution"), _seconds(start, "run")) if limit]
        if min(lives, default=DAY) < SHORTEST_OUTAGE:
            seen = (
                f"Temporal ends this workflow after {span(min(lives))}, whatever it is doing: an outage lasts longer."
            )
            raise incorrect("short-life", seen, "Leave execution_timeout and run_timeout out.")
        if agent and "__openai_span" not in start.header.fields:
            seen = "The starter's client has no plugin: traces of starter and workflow will not belong together."
            raise incorrect("plugin-missing", seen, no_plugin("starter.py"))
    once = f"Run twice at once, it started only one workflow: {ids[0]}."
    slip = "Put something unique into the workflow's ID, such as uuid4().hex."
    if len(ids) < 2 and re.search(r"[{<]", ids[0]):
        slip = "Put an f before the quotes." if "{" in ids[0] else "Call what makes it unique, with (): uuid4().hex."
        raise incorrect("id-not-unique", once, slip)
    for script in scripts:
        script.raise_if_it_failed()
    if len(ids) < 2:
        raise incorrect("id-not-unique", once, slip)
    if differ_by_one(*ids[:2]):
        seen = f"Its workflow IDs differ only by the second: {' and '.join(sorted(ids))}."
        raise incorrect("id-not-unique", seen, f"Two questions in one second would share an ID. {slip}")

    await submission.serve(queue, [workflow])
    runs = [await submission.follow(workflow_id) for workflow_id in ids]
    for run in runs:
        history.raise_if_stuck(run, "The workflow that it started")
        if run.status != "completed":
            seen = f"Its workflow did not complete ({run.status}). {history.doing(run)}"
            raise incorrect("run-failed", seen.strip(), "See workflows.py.")

    if len(ids := await _workflow_ids(submission.client)) > 2:
        seen = f"Run twice, it started {len(ids)} workflows: one question, one workflow."
        raise incorrect("started-twice", seen, "Is start_workflow or execute_workflow called once more?")

    async def all_over() -> bool:
        return all(script.poll() for script in scripts)

    await follow(all_over, bool, 5)
    answer = " ".join(as_text(runs[0].result).split())
    for script in scripts:
        script.raise_if_it_failed()
        if answer[:60] not in " ".join(script.text.split()):
            seen = f"The workflow has a result, and the starter does not print it: {shorten(script.text, 120)!r}."
            raise incorrect("answer-not-printed", seen, "Await the result, and print it.")
        if not script.poll():
            raise incorrect("starter-hangs", "It printed the answer, but does not end.", "What does it wait for?")
    return "Run twice, it started two workflows, each with the question that it was given, and printed the answers."


def _seconds(start: Any, which: str) -> float:
    """How long a workflow, or a run of it, may take; 0 if there is no limit."""
    return float(getattr(start, f"workflow_{which}_timeout").ToTimedelta().total_seconds())


def _other_input(given: Sequence[Any], wanted: list[Any]) -> NotPassed:
    """The verdict on a workflow that was started with other arguments."""
    had, right = (shorten(as_text(one), 120) for one in (given, wanted))
    seen = f"The workflow was given {had}, not {right}."
    if given == [wanted]:
        return incorrect("several-arguments", seen, "A list in the second place is one argument: write args=[...].")
    if given == list(str(wanted[0])):
        return incorrect("several-arguments", seen, "args= takes a list: args=[...]. Of a string it takes the letters.")
    if len(given) == 1 and isinstance(given[0], dict):
        return incorrect("several-arguments", seen, "run(...) takes values, not a dict of them: write args=[..., ...].")
    if len(given) < len(wanted):
        lacks = " and ".join(as_text(one) for one in wanted if one not in given)
        return incorrect("other-input", seen, f"It lacks {shorten(lacks, 120)}: args=[...] takes all of them.")
    if len(given) == len(wanted) and given == wanted[::-1]:
        return incorrect("other-input", seen, "The values are right, in the wrong order: that of run(...) counts.")
    if any(isinstance(one, str) and one in NAMES and one not in wanted for one in given):
        slip = "args=[...] takes values: a name in quotes is a string, and of a dict only the keys are passed on."
        return incorrect("other-input", seen, slip)
    for one, other in zip(given, wanted, strict=False):
        if isinstance(one, str) != isinstance(other, str):
            had, right = ("a number" if isinstance(each, int | float) else "a string" for each in (one, other))
            had = had if isinstance(one, str | int | float) else f"a {type(one).__name__}"
            slip = f"run(...) takes {right} where it was given {had}, {shorten(as_text(one), 60)}: pass it on as it is."
            return incorrect("other-input", seen, slip)
    slip = "Pass on what the starter was given, by its names, and no values of your own."
    return incorrect("other-input", seen, slip)


async def _started(submission: Submission, scripts: Sequence[CheckedScript]) -> list[str]:
    """The ids of the workflows that the starters started.

    Raises:
        NotPassed: none was.
    """

    client = submission.client

    async def settled() -> bool:
        over = [script.poll() for script in scripts]
        return (
            len(await _workflow_ids(client)) >= len(scripts) or all(over) or any(ended and ended.code for ended in over)
        )

    await follow(settled, bool, 6)
    if ids := await follow(lambda: _workflow_ids(client), bool, 0.5):  # the list lags
        return ids
    for script in scripts:
        script.raise_if_it_failed()
        if script.poll():
            seen = "starter.py ended without starting a workflow."
            slip = "Is asyncio.run(main(...)) called, and client.start_workflow awaited?"
            raise incorrect("nothing-started", seen, slip)
    seen, slip = "starter.py runs, and starts no workflow.", "Await client.start_workflow(...), with the run method."
    if CONNECTS_ITSELF in submission.text("starter.py"):
        seen, slip = "starter.py runs, and starts no workflow where the other files are connected.", CONNECT
    raise incorrect("nothing-started", seen, slip)


async def _workflow_ids(client: Client) -> list[str]:
    """The ids of all workflows that a learner's code started."""
    return [found.id async for found in client.list_workflows() if found.id != WARM_UP]


def differ_by_one(one: str, other: str) -> bool:
    """Whether two ids that were made at the same time are equal but for a number that went up by one."""
    digits = re.compile(r"\d+")
    numbers = [pair for pair in zip(digits.findall(one), digits.findall(other), strict=False) if pair[0] != pair[1]]
    alike = digits.sub("#", one) == digits.sub("#", other)
    return alike and len(numbers) == 1 and abs(int(numbers[0][0]) - int(numbers[0][1])) == 1
