"""Runs the workflow and its activity: python worker.py. Stop it with Ctrl+C, or kill it."""

import asyncio
from datetime import timedelta

from activities import get_weather_alerts
from connection import connect, load_env
from temporalio.worker import Worker
from waiting import until_stopped
from workflows import TASK_QUEUE, TemporalHelloWorld


async def main() -> None:
    load_env()
    client = await connect()
    worker = Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[TemporalHelloWorld],
        activities=[get_weather_alerts],
        # Asked to stop, it lets an activity in flight finish.
        graceful_shutdown_timeout=timedelta(seconds=5),
        # No cache: a workflow in it would wait up to 10 s for a killed worker.
        max_cached_workflows=0,
    )
    async with worker:
        print(f"Worker polls the task queue {TASK_QUEUE}.", flush=True)
        await until_stopped()


if __name__ == "__main__":
    asyncio.run(main())
