"""Three ways to wait until the warnings for a state are over. Each says whether they were, before the time was."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities import fail_while_active, look_once, watch_while_active

ONE_LOOK = timedelta(seconds=3)  # its HTTP call gives up after 2.5 s without an answer


async def by_retry(state: str, every: timedelta, bound: timedelta) -> bool:
    """For long and rare looks: the server waits, no worker does, and the history has one activity, however many."""
    same_pause = RetryPolicy(initial_interval=every, backoff_coefficient=1)
    await workflow.execute_activity(
        fail_while_active,
        state,
        start_to_close_timeout=ONE_LOOK,
        schedule_to_close_timeout=bound,
        retry_policy=same_pause,
    )
    return True


async def by_heartbeat(state: str, every: timedelta, bound: timedelta) -> bool:
    """For looks every second or so: one attempt makes them all, and holds one place in a worker all the time."""
    await workflow.execute_activity(
        watch_while_active,
        args=[state, every.total_seconds()],
        # A killed worker is noticed when the heartbeats stop. They come after each look.
        heartbeat_timeout=every + ONE_LOOK,
        schedule_to_close_timeout=bound,
        retry_policy=RetryPolicy(initial_interval=every, backoff_coefficient=1),
    )
    return True


async def by_timer(state: str, every: timedelta, bound: timedelta) -> bool:
    """For a workflow that decides between two looks: it may change the pause, or take a signal. Its history grows."""
    end = workflow.now() + bound
    while (left := end - workflow.now()) > timedelta(0):
        if not await workflow.execute_activity(
            look_once, state, start_to_close_timeout=ONE_LOOK, schedule_to_close_timeout=left
        ):
            return True
        await workflow.sleep(every)
    return False


WAYS = {"retry": by_retry, "heartbeat": by_heartbeat, "timer": by_timer}
