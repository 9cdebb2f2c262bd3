"""Which workflow recorded the answers of an agent's run: what the console links to.

The practice services are told nothing of Temporal. The console asks its server what it has, over the HTTP API that the
web UI passes on, and looks for the ids of the ledger's answers in the histories. Standard library only.
"""

import asyncio
import base64
import json
import re
import time
from dataclasses import dataclass
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

from workshop.practice.ledger import Ledger

NEWEST = 20  # workflows that are looked at
PERIOD = 1.0  # seconds between two looks at the server, however many pages ask
TIMEOUT = 3.0  # seconds for an answer of the server


@dataclass(frozen=True)
class Recorded:
    """A workflow; `runs` are the names of those in the ledger whose answers are in its history."""

    id: str
    queue: str
    status: str  # "running", "completed", ... as Temporal calls it
    link: str
    runs: frozenset[str]


class RecordedBy:
    """The newest workflows of the Temporal server behind a web UI.

    Args:
        api: where this machine reaches the web UI; "" for none.
        public: where the browser of a person does.
    """

    def __init__(self, api: str, public: str) -> None:
        self.public = public
        self._api = f"{api}/api/v1/namespaces/default/workflows" if api else ""
        self._open = build_opener(ProxyHandler({})).open  # no proxy stands before loopback
        self._lock = asyncio.Lock()
        self._looked = float("-inf")
        self._found: list[Recorded] | None = None
        self._closed: dict[str, str] = {}  # run id -> what the payloads of its history hold, which is whole by now

    async def look(self, ledger: Ledger) -> list[Recorded] | None:
        """What the server has, newest first; None if it does not answer."""
        async with self._lock:
            if self._api and time.monotonic() - self._looked >= PERIOD:
                self._found = await asyncio.to_thread(self._read, ledger)
                self._looked = time.monotonic()
            return self._found

    def _read(self, ledger: Ledger) -> list[Recorded] | None:
        found, closed = [], {}
        try:
            for one in json.loads(self._get(f"?pageSize={NEWEST}")).get("executions", []):
                execution = one["execution"]
                name, run_id = quote(execution["workflowId"], safe=""), execution["runId"]
                text = self._closed.get(run_id) or self._payloads(f"/{name}/history?execution.runId={run_id}")
                status = one["status"].removeprefix("WORKFLOW_EXECUTION_STATUS_").replace("_", " ").lower()
                if status != "running":
                    closed[run_id] = text
                link = f"{self.public}/namespaces/default/workflows/{name}/{run_id}"
                runs = frozenset(ledger.runs_in(text))
                found.append(Recorded(execution["workflowId"], one["taskQueue"], status, link, runs))
        except (OSError, ValueError, KeyError):  # it is not up, or a workflow was deleted meanwhile
            return None
        self._closed = closed
        return found

    def _payloads(self, path: str) -> str:
        """What all payloads of a history hold; of payloads that are encoded, what nobody can read."""
        parts, token = [], ""
        while True:
            page = self._get(f"{path}&nextPageToken={quote(token, safe='')}")
            # A payload's data is base64, whatever is in it: no text of a learner's can end it early.
            parts += [base64.b64decode(data) for data in re.findall(r'"data": ?"([\w+/=]*)"', page, re.ASCII)]
            token = json.loads(page).get("nextPageToken") or ""
            if not token:
                return b"\n".join(parts).decode("utf-8", "replace")

    def _get(self, path: str) -> str:
        with self._open(f"{self._api}{path}", timeout=TIMEOUT) as answer:
            return str(answer.read(), "utf-8")
