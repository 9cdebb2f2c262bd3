"""Lesson `conversation`: what it remembers, what a message gets, and how a run hands on to the next one."""

import asyncio
from copy import deepcopy
from typing import Any

from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from workshop.checks import history
from workshop.checks.activity import names_one
from workshop.checks.check import checks_of
from workshop.checks.learner import raised, raised_elsewhere, shorten
from workshop.checks.submission import PATIENCE, Submission
from workshop.checks.verdict import incorrect
from workshop.history import Kind, Run, read_history
from workshop.temporal import follow
from workshop.text import count

TEXAS, HELLO, NOW = "Any weather alerts in Texas?", "Hello", "And now?"
MANY = 100  # turns; more than any conversation here has
# Three turns, the second one with a tool.
SAID: list[dict[str, Any]] = [
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Which state?"},
    {"role": "user", "content": "Texas"},
    {"type": "function_call", "call_id": "c1", "name": "get_weather_alerts", "arguments": '{"state": "TX"}'},
    {"type": "function_call_output", "call_id": "c1", "output": "Flood Watch"},
    {"role": "assistant", "content": "A Flood Watch."},
    {"role": "user", "content": "Thanks"},
    {"role": "assistant", "content": "You are welcome."},
]
BEGINS = (0, 2, 6)  # where its turns begin


async def remember(submission: Submission) -> str:
    """The last turns of a conversation, each of them whole."""
    last_turns = getattr(submission.module("workflows"), "last_turns", None)
    if last_turns is None:
        raise incorrect("no-function", "workflows.py has no function last_turns.", "def last_turns(said, turns): ...")
    for said, turns in ((SAID, 1), (SAID, 2), (SAID, 3), (SAID, 5), ([], 2)):
        try:
            kept = last_turns(deepcopy(said), turns)
        except Exception as error:
            what = f"last_turns, given {count(len(said), 'item')} and {turns},"
            raise raised(error, submission.folder, what, "function-raises") from None
        expected = said[BEGINS[-turns] :] if said and turns <= len(BEGINS) else said
        if kept == expected:
            continue
        asked = f"Of three turns, it was asked for the last {'one' if turns == 1 else turns}"
        if not isinstance(kept, list):
            seen = f"{asked}, and returned {type(kept).__name__}, not a list."
            slip = "Is a `return` missing?" if kept is None else "Return a slice: said[...]."
            raise incorrect("not-a-list", seen, slip)
        if kept == said:
            raise incorrect("remembers-all", f"{asked}, and returned all of them.", "Cut it: said[begins[-turns] :].")
        if kept and kept == said[: len(kept)] and turns < len(BEGINS):
            seen = f"{asked}, and returned the first."
            raise incorrect("first-turns", seen, "Count from the end: said[begins[-turns] :].")
        if kept and kept[0].get("role") != "user":
            first = kept[0].get("type") or f"the {kept[0].get('role')}'s message"
            seen = f"{asked}, and returned what begins with {first}: that is in the middle of a turn."
            slip = "A turn is of several items. Cut where the user's message is: item.get('role') == 'user'."
            raise incorrect("cuts-a-turn", seen, slip)
        if turns >= len(BEGINS):
            seen = f"{asked}, which are all, and returned {count(len(kept), 'item')} of {len(said)}."
            raise incorrect("drops-too-much", seen, "While there are no more turns than that, return all of it.")
        seen = f"{asked}, and returned {count(sum(item.get('role') == 'user' for item in kept), 'turn')}."
        raise incorrect("other-number", seen, "The last ones are counted from the end: begins[-turns].")
    return "Of three turns, one with a tool, it kept the last one, two, or all, each of them whole."


async def say(submission: Submission) -> str:
    """An update that asks the agent with all that was said, keeps what is said now, and returns the answer."""
    queue, workflow = await submission.served()
    long, short = [await _begun(submission, workflow, queue, [[], MANY, turns]) for turns in (MANY, 1)]
    await _answer(submission, long, TEXAS)
    first = _shown(await read_history(submission.client, long))
    if not first:
        seen = f"Told {TEXAS!r}, it asked no model."
        raise incorrect("no-model-call", seen, "Run the agent: await Runner.run(weather_agent(), [...]).")
    if TEXAS not in _of_user(first[0]):
        said = ", ".join(map(repr, _of_user(first[0]))) or "nothing"
        seen = f"Told {TEXAS!r}, the model was shown {shorten(said, 120)} of the user's."
        slip = 'Put the message last: [*self.said, {"role": "user", "content": message}].'
        raise incorrect("message-missing", seen, slip)
    await _answer(submission, long, NOW)
    run = await read_history(submission.client, long)
    shown = _shown(run)[len(first)]
    told = f"Told {TEXAS!r} and then {NOW!r}, the model"
    if TEXAS not in _of_user(shown):
        slip = "Keep what was said, result.to_input_list(), in self.said, and ask with it: [*self.said, ...]."
        raise incorrect("forgets", f"{told} was shown the second message only.", slip)
    if not any(item.get("role") == "assistant" for item in shown):
        slip = "Keep all of it: result.to_input_list() has messages, answers, tool calls and their outputs."
        raise incorrect("forgets-answers", f"{told} was shown both, and not what it had answered.", slip)
    await _answer(submission, short, TEXAS)
    await _answer(submission, short, HELLO)
    await _answer(submission, short, HELLO)
    kept = _of_user(_shown(await read_history(submission.client, short))[-1])
    if kept.count(TEXAS) > 1:
        seen = f"Told {TEXAS!r}, {HELLO!r} and {HELLO!r}, the model was shown the first of them twice."
        slip = "result.to_input_list() has everything, also what went in: it replaces self.said."
        raise incorrect("said-twice", seen, slip)
    if TEXAS in kept:
        seen = f"Asked to remember one turn, it showed the model {len(kept) - 1} of them beside the new message."
        raise incorrect("remembers-all", seen, "self.said = last_turns(result.to_input_list(), self.remembered_turns)")
    return "It answered with what was said before, and kept no more turns than it should."


async def seam(submission: Submission) -> str:
    """After so many turns a run continues as new, with what was said, and loses nobody's message."""
    queue, workflow = await submission.served()
    name = await _begun(submission, workflow, queue, [[], 2, 3])
    await _answer(submission, name, TEXAS)
    run = await read_history(submission.client, name)
    if run.earlier:
        seen = f"Asked to continue as new after 2 turns, it did so {count(len(run.earlier), 'time')} after the first."
        slip = "Await workflow.wait_condition(lambda: self.turns >= turns_per_run ...)."
        raise incorrect("too-early", seen, slip)
    await _answer(submission, name, HELLO)
    run = await submission.follow(name, 1.5, lambda run: run.earlier)
    history.raise_if_stuck(run)
    history.raise_if_failed(run)
    if not run.open:
        seen = f"After 2 turns the workflow is over: {run.status}."
        raise incorrect("ends", seen, "It has to go on in a new run: workflow.continue_as_new(args=[...]).")
    if not run.earlier:
        seen = "Asked to continue as new after 2 turns, it has not."
        slip = "Does it wait for self.turns >= turns_per_run, and then call workflow.continue_as_new(args=[...])?"
        raise incorrect("never-continues", seen, slip)
    latest = await read_history(submission.client, name, run.run_id)
    history.raise_if_stuck(latest, "The next run")
    given = latest.input if isinstance(latest.input, list) else [latest.input]
    if given[1:] != [2, 3]:
        seen = f"The first run was given the limits 2 and 3, the next one {shorten(str(given[1:]), 60)}."
        raise incorrect("other-limits", seen, "Pass on all three: args=[self.said, turns_per_run, remembered_turns].")
    answer = await _answer(submission, name, NOW)
    if not names_one(str(answer), submission.alerts("TX")):
        seen = f"Told {TEXAS!r}, and {NOW!r} in the next run, it answered {shorten(str(answer), 80)!r}."
        raise incorrect("forgets-at-the-seam", seen, "Its first argument is what was said: self.said.")
    await _two_at_once(submission, await submission.start(workflow, queue, [[], 1, 3]))
    return "After 2 turns it went on in a new run, and knew what was said; of two messages at once, none was lost."


async def _begun(submission: Submission, workflow: type, queue: str, args: list[Any]) -> str:
    """The id of a workflow that is started, and waits for its first message."""
    name = await submission.start(workflow, queue, args)
    run = await submission.follow(name, until=lambda run: run.earlier)
    if run.earlier or run.status == "continued as new":
        seen = "It continues as new at once, before any message has come, and so does each run after it."
        raise incorrect("spins", seen, "Await workflow.wait_condition(...): without `await` nothing waits.")
    return name


async def _two_at_once(submission: Submission, name: str) -> None:
    """For a run that hands on while a message that it has accepted is not answered."""
    submission.practice.fault("model", "slow", delay=60)
    handle = submission.client.get_workflow_handle(name)
    told = [asyncio.ensure_future(handle.execute_update("say", message)) for message in (HELLO, TEXAS)]

    def both(run: Run) -> bool:
        return len(history.of_kind(run, Kind.UPDATE)) == len(told) or any(one.done() for one in told)

    await submission.follow(name, 5, both)
    submission.practice.clear()
    for one, message in zip(told, (HELLO, TEXAS), strict=True):
        await _answered(submission, name, message, one, "Of two messages that came at once, ")


async def _answer(submission: Submission, name: str, message: str) -> Any:
    """What a message is answered."""
    update = submission.client.get_workflow_handle(name).execute_update("say", message)
    return await _answered(submission, name, message, asyncio.ensure_future(update))


async def _answered(
    submission: Submission, name: str, message: str, told: "asyncio.Future[Any]", when: str = ""
) -> Any:
    """The answer, once it is there.

    Raises:
        NotPassed: there is none.
    """

    async def look() -> Run:
        return await read_history(submission.client, name)

    def settled(run: Run) -> bool:
        return told.done() or not run.open or bool(history.stuck_at(run))

    run = await follow(look, settled, PATIENCE)
    if (stuck := history.stuck_at(run)) and "PydanticSerializationError" in stuck.last_error:
        seen = f"{when}{message!r} could not be put to the model: what was kept is no list of items."
        raise incorrect("not-items", seen, "Keep result.to_input_list(): these are plain dicts.")
    history.raise_if_stuck(run)
    history.raise_if_failed(run)
    try:
        return await asyncio.wait_for(told, 2)
    except TimeoutError:
        seen = f"{when}{message!r} was not answered. {history.doing(run)}".strip()
        raise incorrect("no-answer", seen, "What does `say` wait for?") from None
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        if isinstance(cause, ApplicationError) and cause.type == "AcceptedUpdateCompletedWorkflow":
            seen = f"{when}{message!r} was lost: a run had accepted it, and was over before it was answered."
            slip = "Before it continues as new: await workflow.wait_condition(workflow.all_handlers_finished)."
            raise incorrect("message-lost", seen, slip) from None
        link = cause.__cause__ or cause
        text = f"{getattr(link, 'type', None) or type(link).__name__}: {getattr(link, 'message', link)}"
        raise raised_elsewhere(text, f"{when}{message!r} was refused: it", "message-fails") from None


def _shown(run: Run) -> list[list[dict[str, Any]]]:
    """What the model was shown in each of its calls: items."""
    requests = [row.input[0] if isinstance(row.input, list) else row.input for row in history.of_kind(run, Kind.MODEL)]
    inputs = [request.get("input") for request in requests if isinstance(request, dict)]
    return [[{"role": "user", "content": items}] if isinstance(items, str) else list(items or ()) for items in inputs]


def _of_user(items: list[dict[str, Any]]) -> list[str]:
    """What the user said in them."""
    return [str(item.get("content")) for item in items if item.get("role") == "user"]


CHECKS = checks_of("conversation", {"remember": remember, "say": say, "seam": seam})
