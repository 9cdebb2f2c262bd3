"""What waits for a person's decision, as the console shows it, and the decisions that its buttons send.

Both are those of workshop/approval.py. It and Temporal's SDK are imported once an agent may ask, not before: with them,
the practice services take more than twice as long to start.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workshop.errors import WorkshopError
from workshop.exercises import EXERCISES
from workshop.practice.recorded import Recorded

if TYPE_CHECKING:
    from temporalio.client import Client

    from workshop.approval import Waiting

TASK_QUEUE = EXERCISES["going_further/approval"]
SOON = 0.5  # seconds that a page waits for workers to answer; what they say later, it shows the next time


class Approvals:
    """The open workflows of the approval exercise, on the Temporal server at an address, host:port ("" for none)."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: Client | None = None
        self._known: dict[str, Waiting | WorkshopError] = {}  # ID of a workflow -> what it said last, or why not
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def look(self, workflows: Sequence[Recorded]) -> list[dict[str, Any]]:
        """What waits, a dict for each workflow that has something to tell, as JSON takes it."""
        careful = [one for one in workflows if one.status == "running" and one.queue == TASK_QUEUE]
        if not careful or not self._address:
            return []
        for one in careful:
            if one.id not in self._asking:
                self._asking[one.id] = asyncio.create_task(self._ask(one.id))
        await asyncio.wait([self._asking[one.id] for one in careful], timeout=SOON)
        for name in [name for name, task in self._asking.items() if task.done()]:
            self._asking.pop(name).result()
        return [told for one in careful if (told := self._told(one))]

    async def decide(self, workflow_id: str, call_id: str, decision: str) -> str:
        """What to say of a decision that was taken.

        Raises:
            WorkshopError: it was not taken, or that is not known.
        """
        client = await self._connected()
        from workshop.approval import Waiting, decide_one

        said = await decide_one(client, workflow_id, call_id, decision)
        if isinstance(known := self._known.get(workflow_id), Waiting):  # what waits is asked again, but not at once
            left = {one: what for one, what in known.calls.items() if one != call_id}
            self._known[workflow_id] = replace(known, calls=left)
        return said

    async def _ask(self, workflow_id: str) -> None:
        from workshop.approval import Waiting, waiting

        known = self._known.get(workflow_id)
        try:
            known = known if isinstance(known, Waiting) else None
            self._known[workflow_id] = await waiting(await self._connected(), workflow_id, known)
        except WorkshopError as error:
            self._known[workflow_id] = error

    def _told(self, one: Recorded) -> dict[str, Any] | None:
        known = self._known.get(one.id)
        if isinstance(known, WorkshopError):
            return {"workflow": one.id, "link": one.link, "calls": [], "trouble": str(known)}
        if known is None or not known.calls:
            return None
        since, until = (time and time.isoformat() for time in (known.since, known.until))
        calls = list(known.calls.items())
        return {"workflow": one.id, "link": one.link, "calls": calls, "since": since, "until": until}

    async def _connected(self) -> "Client":
        if not self._address:
            raise WorkshopError("The practice services run here without a Temporal server.", "workshop up")
        from workshop.temporal import connect

        if self._client is None:
            self._client = await connect({"TEMPORAL_ADDRESS": self._address}, self._address, "default")
        return self._client
