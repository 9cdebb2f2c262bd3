"""Looks every minute for an hour, in two ways, on a server that skips the time between the looks: python hour.py"""

import asyncio
import sys
from pathlib import Path

from activities import fail_while_active, look_once
from connection import load_env
from temporalio.openai_agents import OpenAIAgentsPlugin
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from waiting import result_of
from workflows import TASK_QUEUE, PatientAgent

QUESTION = "Tell me when the warnings for California are over."


async def main() -> None:
    load_env()
    async with await WorkflowEnvironment.start_time_skipping(
        plugins=[OpenAIAgentsPlugin()],
        runtime=Runtime(telemetry=TelemetryConfig(logging=None)),
        test_server_existing_path=str(Path(sys.executable).with_name("temporal-test-server")),
    ) as server:
        looks = [fail_while_active, look_once]
        async with Worker(server.client, task_queue=TASK_QUEUE, workflows=[PatientAgent], activities=looks):
            # The heartbeat way pauses in Python, in a worker: no server can skip that time.
            for way in ("retry", "timer"):
                asked = await server.client.start_workflow(
                    PatientAgent.run, args=[QUESTION, way, 60, 3600], id=way, task_queue=TASK_QUEUE
                )
                print(f"{way}: {await result_of(asked)}")
                events = (await asked.fetch_history()).events
                minutes = (events[-1].event_time.seconds - events[0].event_time.seconds) / 60
                print(f"{minutes:.0f} minutes went by on this server; events in the history: {len(events)}")


if __name__ == "__main__":
    asyncio.run(main())
