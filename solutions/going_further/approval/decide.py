"""Decides about the calls that the agent asks for, one word for each: python decide.py WORKFLOW_ID [yes|no ...]"""

import argparse
import asyncio

from connection import connect, load_env
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.service import RPCError
from workflows import CarefulAgent


async def main(workflow_id: str, decisions: list[str]) -> None:
    load_env()
    asked = (await connect()).get_workflow_handle_for(CarefulAgent.run, workflow_id)
    try:
        for _ in range(100):  # 20 s: the model may still be thinking
            calls = await asked.query(CarefulAgent.open_calls)
            if calls or (await asked.describe()).status != WorkflowExecutionStatus.RUNNING:
                break
            await asyncio.sleep(0.2)
        if not calls:
            raise SystemExit(f"Nothing of {workflow_id} waits for a decision.")
        if decisions and len(decisions) != len(calls):
            raise SystemExit(f"{len(calls)} calls wait, and you decided about {len(decisions)}: a word for each.")
        for call_id, call in calls.items():
            decision = decisions.pop(0) if decisions else ""
            print(f"{call}? {decision}".rstrip())
            if decision:
                await asked.execute_update(CarefulAgent.decide, args=[call_id, decision])
    except WorkflowUpdateFailedError as error:
        raise SystemExit(f"The workflow refuses that: {error.cause}") from None
    except RPCError as error:
        problem = f"{workflow_id} does not say what waits: {error.message}"
        raise SystemExit(f"{problem}\nNext: start its worker, python worker.py, or correct the ID") from None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workflow_id", help="what the starter printed")
    parser.add_argument("decisions", nargs="*", metavar="yes|no", help="one for each call; none: what waits is shown")
    options = parser.parse_args()
    asyncio.run(main(options.workflow_id, options.decisions))
