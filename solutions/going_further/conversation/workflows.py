"""A conversation without end: each message is an update, and each run of the workflow hands on to the next."""

import asyncio
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from agent import weather_agent
    from agents import AgentsException, Runner, trace

TASK_QUEUE = "conversation"
Items = list[dict[str, Any]]  # what was said: messages, tool calls, and what the tools returned


def last_turns(said: Items, turns: int) -> Items:
    """What was said in the last turns, each of them whole: a tool's output without its call would be refused."""
    begins = [at for at, item in enumerate(said) if item.get("role") == "user"]
    return said[begins[-turns] :] if len(begins) > turns else said


# What ends an agent's run fails that message only; without this the workflow would retry forever.
@workflow.defn(failure_exception_types=[AgentsException])
class Conversation:
    @workflow.init
    def __init__(self, said: Items, turns_per_run: int, remembered_turns: int) -> None:
        self.said, self.remembered_turns = said, remembered_turns
        self.turns = 0  # of this run
        self.one_at_a_time = asyncio.Lock()

    @workflow.update
    async def say(self, message: str) -> str:
        async with self.one_at_a_time:
            with trace("Conversation", group_id=workflow.info().workflow_id):
                result = await Runner.run(weather_agent(), [*self.said, {"role": "user", "content": message}])
                self.said = last_turns(result.to_input_list(), self.remembered_turns)
            self.turns += 1
            return str(result.final_output)

    @say.validator
    def refuse(self, message: str) -> None:
        # What is refused here leaves no trace in the history.
        if not message.strip():
            raise ValueError("The message is blank.")

    @workflow.run
    async def run(self, said: Items, turns_per_run: int, remembered_turns: int) -> None:
        # The server suggests it, too: long before a history is as long as it may be.
        await workflow.wait_condition(
            lambda: self.turns >= turns_per_run or workflow.info().is_continue_as_new_suggested()
        )
        # Whoever has been let in is answered by this run; whoever comes later, by the next one.
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(args=[self.said, turns_per_run, remembered_turns])
