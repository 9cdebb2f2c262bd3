"""Looks every minute for up to two hours, on a server that skips the time between the looks: python hour.py timer"""

import argparse
import asyncio
import sys
from pathlib import Path

from activities import fail_while_active, look_once
from connection import load_env, result_of
from temporalio.openai_agents import OpenAIAgentsPlugin
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from workflows import TASK_QUEUE, PatientAgent

QUESTION = "Tell me when the warnings for California are over."


async def main(way: str) -> None:
    load_env()
    async with await WorkflowEnvironment.start_time_skipping(
        plugins=[OpenAIAgentsPlugin()],
        runtime=Runtime(telemetry=TelemetryConfig(logging=None)),
        test_server_existing_path=str(Path(sys.executable).with_name("temporal-test-server")),
    ) as server:
        looks = [fail_while_active, look_once]
        async with Worker(server.client, task_queue=TASK_QUEUE, workflows=[PatientAgent], activities=looks):
            asked = await server.client.start_workflow(
                PatientAgent.run, args=[QUESTION, way, 60, 2 * 3600], id="patient", task_queue=TASK_QUEUE
            )
            print(await result_of(asked))
            events = (await asked.fetch_history()).events
            minutes = (events[-1].event_time.ToDatetime() - events[0].event_time.ToDatetime()).total_seconds() / 60
            print(f"{minutes:.0f} minutes went by on this server; events in the history: {len(events)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    # The heartbeat way waits in Python, in a worker, whose time no server can skip.
    parser.add_argument("way", choices=["retry", "timer"])
    asyncio.run(main(parser.parse_args().way))
