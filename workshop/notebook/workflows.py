"""An exercise's workflows: which is the latest, how it goes, why it is not finished."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from temporalio.client import Client
from temporalio.service import RPCError

from workshop import history
from workshop.errors import WorkshopError
from workshop.history import Run
from workshop.notebook.kernel import result_of
from workshop.practice.client import faults_in_use
from workshop.proof import SLACK
from workshop.settings import Settings
from workshop.temporal import connect, follow, latest_workflows
from workshop.why import Diagnosis, why

T = TypeVar("T")


async def among_others(
    client: Client, workflow_id: str, environ: Mapping[str, str] = os.environ
) -> tuple[Run, list[Run]]:
    """The history of a workflow, and those of the workflows of its task queue that went on at the same time.

    A proof looks for requests a little beyond a run's own time, so a run that ended just before it counts too.
    """
    run = await history.read_history(client, workflow_id, environ=environ)
    others = []
    for other in await latest_workflows(client, run.task_queue):
        before = other.close_time and other.close_time < run.started - SLACK
        after = run.closed and other.start_time > run.closed + SLACK
        if other.id != workflow_id and not before and not after:
            others.append(await history.read_history(client, other.id, other.run_id, environ))
    return run, others


class Workflows:
    """The workflows on one task queue."""

    def __init__(self, settings: Settings, queue: str) -> None:
        self._settings, self._queue = settings, queue

    def latest(self) -> str:
        """The id of the workflow that was started last on this task queue.

        Raises:
            WorkshopError: there is none, or the server does not answer.
        """
        found = self.newest()
        if not found:
            raise WorkshopError(f"No workflow has been started on the task queue {self._queue} yet.", "ask something")
        return found[0]

    def newest(self) -> list[str]:
        """The ids of those that were started last, the newest first; one that continued as new counts once."""
        return list(dict.fromkeys(one.id for one in self._ask(lambda client: latest_workflows(client, self._queue))))

    def run(self, workflow_id: str) -> Run:
        return self._ask(lambda client: history.read_history(client, workflow_id))

    def run_among_others(self, workflow_id: str) -> tuple[Run, list[Run]]:
        return self._ask(lambda client: among_others(client, workflow_id))

    def why(self, workflow_id: str) -> Diagnosis:
        faults = faults_in_use(self._settings)
        return self._ask(lambda client: why(client, workflow_id, faults))

    def finished(self, workflow_id: str, seconds: float) -> Run | None:
        """Its history once it has ended; None if it has not, in that many seconds."""

        async def wait(client: Client) -> Run:
            return await follow(
                lambda: history.read_history(client, workflow_id), lambda run: not run.open, seconds, pause=0.3
            )

        run = self._ask(wait)
        return None if run.open else run

    def _ask(self, question: Callable[[Client], Awaitable[T]]) -> T:
        settings = self._settings

        async def ask() -> T:
            client = await connect(dict(os.environ), settings.temporal_address, settings.temporal_namespace)
            try:
                return await question(client)
            except RPCError as error:
                raise WorkshopError(f"The Temporal server does not answer: {error.message}.", "make workshop") from None

        return result_of(ask())
