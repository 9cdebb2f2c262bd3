"""Says something to the agent, which remembers: python starter.py "Any alerts in Texas?" [--name ada]"""

import argparse
import asyncio

from connection import connect, load_env
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.openai_agents import OpenAIAgentsPlugin
from waiting import ui_link
from workflows import TASK_QUEUE, Conversation


async def say(client: Client, workflow_id: str, message: str, turns_per_run: int, remembered_turns: int) -> str:
    """The answer to a message. The first one begins the conversation; later ones find it, whichever run it is in."""
    conversation = WithStartWorkflowOperation(
        Conversation.run,
        args=[[], turns_per_run, remembered_turns],
        id=workflow_id,
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    try:
        return await client.execute_update_with_start_workflow(
            Conversation.say, message, start_workflow_operation=conversation
        )
    except WorkflowUpdateFailedError as error:
        raise SystemExit(f"There is no answer: {error.cause}") from None


async def main(message: str, name: str, turns_per_run: int, remembered_turns: int) -> None:
    load_env()
    client = await connect(OpenAIAgentsPlugin())
    workflow_id = f"{TASK_QUEUE}-{name}"
    print(f"Workflow {workflow_id}\nSee it at {ui_link(client, workflow_id)}", flush=True)
    print(await say(client, workflow_id, message, turns_per_run, remembered_turns) or "The answer is empty: ask again.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("message", nargs="?", default="Any weather alerts in California?")
    parser.add_argument("--name", default="me", help="whose conversation it is")
    parser.add_argument("--turns-per-run", type=int, default=10, help="after how many it continues as new")
    parser.add_argument("--remembered-turns", type=int, default=10, help="how many the model is shown")
    options = parser.parse_args()
    asyncio.run(main(options.message, options.name, options.turns_per_run, options.remembered_turns))
