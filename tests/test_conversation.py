"""Solution `conversation`: messages by update, and runs that hand on to the next one, whoever is killed."""

import asyncio
import re
from collections import Counter

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy

from tests.crash_points import events_of, killed_at_every_event, name_of
from tests.folders import CONVERSATION
from tests.harness import Solutions
from workshop.history import Kind, Run, read_history
from workshop.practice.client import Practice
from workshop.proof import RECORDED, prove
from workshop.temporal import follow
from workshop.why import why

FOREVER = 1_000_000  # turns


def text(solutions: Solutions, *arguments: str, code: int = 0) -> str:
    """What the starter prints but for the name of the workflow."""
    starter = solutions.starter(CONVERSATION, *arguments)
    assert starter.wait() == code, starter.text
    return starter.text.partition("See it at")[2].partition("\n")[2]


async def say(client: Client, name: str, message: str, turns_per_run: int, remembered_turns: int) -> str:
    """As the starter does, without a process."""
    conversation = WithStartWorkflowOperation(
        "Conversation",
        args=[[], turns_per_run, remembered_turns],
        id=name,
        task_queue="conversation",
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    answer = await client.execute_update_with_start_workflow("say", message, start_workflow_operation=conversation)
    return str(answer)


async def connected(solutions: Solutions) -> Client:
    return await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])


def heard(run: Run) -> list[str]:
    """The messages that were answered, in their order."""
    return [row.asked for row in run.rows if row.kind == Kind.UPDATE and row.state == "completed"]


def agrees(run: Run, practice: Practice) -> list[list[str]]:
    """What became of the requests of each model call. No recorded one was made again."""
    proof = prove(run, practice.entries("model"))
    assert (proof.made_again, proof.agree) == (0, True), proof.lines
    return [[request.fate for request in call.requests] for call in proof.calls]


async def test_it_remembers_what_was_said(solutions: Solutions) -> None:
    solutions.worker(CONVERSATION)
    assert "Weather alerts for Texas" in text(solutions, "Any weather alerts in Texas?", "--name", "ada")
    assert "Weather alerts for Texas" in text(solutions, "And now?", "--name", "ada")
    assert "Which US state" in text(solutions, "And now?", "--name", "bob")
    assert "There is no answer: ValueError: The message is blank" in text(solutions, " ", "--name", "ada", code=1)
    run = await read_history(await connected(solutions), "conversation-ada")
    assert heard(run) == ["Any weather alerts in Texas?", "And now?"]
    assert agrees(run, solutions.practice) == [[RECORDED]] * 4


async def test_a_turn_that_fails_costs_its_message_only(solutions: Solutions) -> None:
    solutions.worker(CONVERSATION)
    solutions.practice.fault("model", "unknown-tool", times=1)
    assert "There is no answer: ModelBehaviorError" in text(solutions, "Hello", code=1)
    (note,) = (await why(await connected(solutions), "conversation-me")).notes
    assert str(note).startswith("1 update failed, the last one say Hello: ModelBehaviorError: Tool ")
    assert "Which US state" in text(solutions, "Hello")
    run = await read_history(await connected(solutions), "conversation-me")
    assert (run.open, heard(run)) == (True, ["Hello"])


async def test_only_the_last_turns_are_remembered_each_of_them_whole(solutions: Solutions) -> None:
    solutions.worker(CONVERSATION)
    client, limits = await connected(solutions), (2, 2)
    for message in ("Any alerts in Ohio?", "Any alerts in Texas?", "Thanks"):
        await say(client, "short", message, *limits)
    assert "Weather alerts for Texas" in await say(client, "short", "And now?", *limits)
    await say(client, "short", "Hello", *limits)
    await say(client, "short", "Thanks", *limits)
    assert "Which US state" in await say(client, "short", "And now?", *limits)
    run = await read_history(client, "short")
    assert len(run.earlier) == 3
    # A tool's output is never shown without its call, or the model's service would refuse it.
    for row in (row for row in run.rows if row.kind == Kind.MODEL):
        items = row.input["input"]
        assert items[0]["role"] == "user"
        calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
        assert calls == [item["call_id"] for item in items if item.get("type") == "function_call_output"]


async def test_no_message_is_lost_or_heard_twice_at_the_seam(solutions: Solutions) -> None:
    """One person, whose every message comes as a run ends; then twelve at once, more than a server lets in."""
    solutions.worker(CONVERSATION)
    client = await connected(solutions)
    said = [f"Hello {number}" for number in range(4)]
    for message in said:
        await say(client, "one", message, 1, 2)
    run = await read_history(client, "one")
    assert (heard(run), len(run.earlier)) == (said, len(said))
    crowd = [f"Hello from {name}" for name in "abcdefghijkl"]
    await asyncio.wait_for(asyncio.gather(*(say(client, "many", message, 1, 2) for message in crowd)), 60)
    run = await read_history(client, "many")
    assert Counter(heard(run)) == Counter(crowd)
    assert run.earlier
    agrees(run, solutions.practice)


async def test_killed_at_every_event_it_loses_no_message(solutions: Solutions) -> None:
    """Each message is the last one of its run: so the seams are among the events."""

    async def until_it_rests(client: Client, name: str) -> None:
        """Returns when its newest run waits for a message."""
        events = await follow(
            lambda: events_of(client, name), lambda events: name_of(events[-1]) == "WORKFLOW_TASK_COMPLETED", 60
        )
        assert name_of(events[-1]) == "WORKFLOW_TASK_COMPLETED"

    async def go(client: Client, name: str, number: int) -> None:
        handle = client.get_workflow_handle(name)
        for message, answer in (("Any alerts in Texas?", "Weather alerts for Texas"), ("Hello", "Which US state")):
            await until_it_rests(client, name)
            assert answer in await handle.execute_update("say", f"{message} ({number})")
        await until_it_rests(client, name)

    solutions.practice.fault("model", "slow", delay=0.2)  # so that a kill often falls into a call
    runs = await killed_at_every_event(solutions, CONVERSATION, "Conversation", lambda _: [[], 1, 2], go)
    for number, run in enumerate(runs):
        assert heard(run) == [f"Any alerts in Texas? ({number})", f"Hello ({number})"]
        assert len(run.earlier) == 2
        assert [row.state for row in run.rows if row.kind in (Kind.MODEL, Kind.TOOL)] == ["completed"] * 4


async def test_a_run_that_does_not_wait_for_its_handlers_loses_a_message_and_why_says_so(
    solutions: Solutions,
) -> None:
    """What the line with all_handlers_finished is for."""
    line = "        await workflow.wait_condition(workflow.all_handlers_finished)\n"
    solutions.worker(solutions.copy(CONVERSATION, "hasty", {"workflows.py": (line, "")}, own_queue=False))
    client = await connected(solutions)
    solutions.practice.fault("model", "slow", delay=120)
    told = [asyncio.create_task(say(client, "hasty", "Hello", 1, 1))]
    await asyncio.to_thread(solutions.practice.until_in_flight, "model", 1)
    told.append(asyncio.create_task(say(client, "hasty", "Thanks", 1, 1)))
    await follow(
        lambda: read_history(client, "hasty"),
        lambda run: sum(row.kind == Kind.UPDATE for row in run.rows) == len(told),
        10,
    )
    solutions.practice.clear()
    answers = await asyncio.gather(*told, return_exceptions=True)
    assert [type(answer) for answer in answers] == [str, WorkflowUpdateFailedError]
    notes = [str(note) for note in (await why(client, "hasty")).notes]
    assert any(note.startswith("1 update accepted and never answered, such as say Thanks") for note in notes), notes


async def test_a_run_that_hands_on_stays_small(solutions: Solutions) -> None:
    """Both talk for 8 turns: one history grows faster than its turns, those of the other's runs do not grow."""
    solutions.worker(CONVERSATION)
    sizes, runs = {}, {}
    for name, limit in (("long", FOREVER), ("short", 2)):
        flags = ("--turns-per-run", str(limit), "--remembered-turns", str(limit))
        talk = solutions.run(CONVERSATION / "talk.py", "8", "--name", name, *flags)
        assert talk.wait() == 0, talk.text
        sizes[name] = [int(size) for size in re.findall(r"(\d+) KiB", talk.text)]
        runs[name] = await read_history(await connected(solutions), f"conversation-{name}")
    assert sizes["long"][7] > 2.2 * sizes["long"][3]
    assert max(sizes["short"]) < sizes["long"][3]
    assert [len(run.sizes) for run in runs.values()] == [1, 5]
    assert max(runs["short"].sizes[1:4]) < 1.1 * min(runs["short"].sizes[1:4])
    assert heard(runs["long"]) == heard(runs["short"])
    assert solutions.practice.outcomes("model") == ["completed"] * 16
