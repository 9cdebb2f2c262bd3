"""What the console shows of Temporal: whose answers the newest workflows recorded, and what waits for a decision there.

The practice services are told nothing of Temporal: the ids of the ledger's answers are looked for in the histories.
Temporal's SDK is imported once somebody looks at the console, not before: with it, the practice services take more than
twice as long to start.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from workshop.errors import WorkshopError
from workshop.exercises import EXERCISES
from workshop.practice.ledger import Ledger

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowExecution

    from workshop.approval import Waiting

NEWEST = 20  # workflows that are looked at
PERIOD = 1.0  # seconds between two looks at the server, however many pages ask
TIMEOUT = 4.0  # seconds for one look at the server
SOON = 0.5  # seconds that a page waits for workers to answer; what they say later, it shows the next time
ASKING_QUEUE = EXERCISES["going_further/approval"]


@dataclass(frozen=True)
class Recorded:
    """A workflow; `runs` are the names of those in the ledger whose answers are in its history."""

    id: str
    queue: str
    status: str  # "running", "completed", ... as Temporal calls it
    link: str
    runs: frozenset[str]


class ConsoleWorkflows:
    """The newest workflows of a Temporal server.

    Args:
        address: its host:port; "" for none.
        public: where a person's browser reaches its web UI.
    """

    def __init__(self, address: str = "", public: str = "") -> None:
        self.public = public
        self._address = address
        self._client: Client | None = None
        self._lock = asyncio.Lock()
        self._looked = float("-inf")
        self._found: list[Recorded] | None = None
        self._closed: dict[str, str] = {}  # run id -> its history as text, which is whole by now
        self._known: dict[str, Waiting | WorkshopError] = {}  # ID of a workflow -> what waits in it, or why not known
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def look(self, ledger: Ledger) -> list[Recorded] | None:
        """What the server has, newest first; None if it does not answer."""
        async with self._lock:
            if self._address and time.monotonic() - self._looked >= PERIOD:
                self._found = await self._read(ledger)
                self._looked = time.monotonic()
            return self._found

    async def _read(self, ledger: Ledger) -> list[Recorded] | None:
        await asyncio.to_thread(import_module, "workshop.approval")  # so that requests are answered meanwhile
        from temporalio.service import RPCError

        found, closed = [], {}
        try:
            async with asyncio.timeout(TIMEOUT):
                client = await self._connected()
                async for one in client.list_workflows(limit=NEWEST, page_size=NEWEST):
                    status = one.status.name.replace("_", " ").lower() if one.status else ""
                    text = self._closed.get(one.run_id) or await self._history(client, one)
                    if status != "running":
                        closed[one.run_id] = text
                    link = f"{self.public}/namespaces/default/workflows/{quote(one.id, safe='')}/{one.run_id}"
                    found.append(Recorded(one.id, one.task_queue, status, link, frozenset(ledger.runs_in(text))))
        except (WorkshopError, RPCError, TimeoutError):  # it is not up, or a workflow was deleted meanwhile
            self._client = None  # a new one is told at once that nobody is there; this one tries again and again
            return None
        self._closed = closed
        return found

    async def _history(self, client: "Client", one: "WorkflowExecution") -> str:
        """A history as text; what a codec has encoded in it, nobody can read."""
        handle = client.get_workflow_handle(one.id, run_id=one.run_id)
        events = [event.SerializeToString() async for event in handle.fetch_history_events()]
        return b"\n".join(events).decode("utf-8", "replace")

    async def waiting(self, workflows: Sequence[Recorded]) -> list[dict[str, Any]]:
        """What waits in open ones of the approval exercise, a dict for each that has something to tell, for JSON."""
        careful = [one for one in workflows if one.status == "running" and one.queue == ASKING_QUEUE]
        if not careful:
            return []
        for one in careful:
            if one.id not in self._asking:
                self._asking[one.id] = asyncio.create_task(self._ask(one.id))
        await asyncio.wait([self._asking[one.id] for one in careful], timeout=SOON)
        for name in [name for name, task in self._asking.items() if task.done()]:
            self._asking.pop(name).result()
        return [told for one in careful if (told := self._told(one))]

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
        since, until = (moment and moment.isoformat() for moment in (known.since, known.until))
        calls = list(known.calls.items())
        return {"workflow": one.id, "link": one.link, "calls": calls, "since": since, "until": until}

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

    async def _connected(self) -> "Client":
        if not self._address:
            raise WorkshopError("The practice services run here without a Temporal server.", "workshop up")
        from workshop.temporal import connect

        if self._client is None:
            self._client = await connect({"TEMPORAL_ADDRESS": self._address}, self._address, "default")
        return self._client
