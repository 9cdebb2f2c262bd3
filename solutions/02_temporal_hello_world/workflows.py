"""A workflow that waits, then asks for the weather alerts of a state."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities import get_weather_alerts

TASK_QUEUE = "temporal-hello-world"


@workflow.defn
class TemporalHelloWorld:
    @workflow.run
    async def run(self, state: str, delay_seconds: float = 0) -> str:
        # A durable timer: the server keeps it, so that no worker has to live as long.
        await workflow.sleep(delay_seconds)
        return await workflow.execute_activity(
            get_weather_alerts,
            state,
            # Its HTTP call gives up after 2.5 s without an answer. A worker killed here is noticed after these 3 s.
            start_to_close_timeout=timedelta(seconds=3),
            # Tried for an hour, to outlast an outage, with pauses of 10 s at most.
            schedule_to_close_timeout=timedelta(hours=1),
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),
        )
