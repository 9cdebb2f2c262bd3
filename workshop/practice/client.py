"""Talks to the practice services' admin API: for commands, notebooks, checks and tests."""

from typing import Any
from urllib.parse import quote

import httpx

from workshop import loopback
from workshop.errors import WorkshopError
from workshop.practice.faults import BadFault, Fault
from workshop.settings import Settings


class Practice:
    """The practice services at an address such as `http://127.0.0.1:8234`.

    Every method raises WorkshopError if nothing answers there, if somebody else does, or if the request is refused.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._known = False  # that it is the practice services who answer there

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are set."""
        return list(self._ask("GET", "/faults")["faults"])

    def fault(self, target: str, kind: str, **options: Any) -> list[dict[str, Any]]:
        """Sets a fault; options are times, after, delay, retry_after, probability, seed. Returns the faults set."""
        given = {name: value for name, value in options.items() if value is not None}
        spec = {"target": target, "kind": kind, **given}
        try:
            Fault.parse(spec)
        except BadFault as bad:  # told before it is sent: JSON has no inf and no nan
            raise WorkshopError(f"No fault was set: {bad}.", "workshop fault --help") from None
        return list(self._ask("POST", "/faults", spec)["faults"])

    def clear(self, target: str | None = None) -> list[dict[str, Any]]:
        """Clears one target's fault or all; requests that they delay go on. Returns the faults that are left."""
        return list(self._ask("DELETE", f"/faults?target={target}" if target else "/faults")["faults"])

    def ledger(self, since: int = 0, about: str = "") -> dict[str, Any]:
        """`{"entries": [...], "totals": {...}}` of the entries with an id above `since`, all or those about a text."""
        return self._ask("GET", f"/ledger?since={since}&about={quote(about, errors='replace')}")

    def entries(self, service: str, since: int = 0) -> list[dict[str, Any]]:
        """Those of `model` or `weather`, oldest first."""
        return [entry for entry in self.ledger(since)["entries"] if entry["service"] == service]

    def newest(self) -> int:
        """The id of the newest entry; 0 if there is none."""
        return max((entry["id"] for entry in self.ledger()["entries"]), default=0)

    def clear_ledger(self) -> dict[str, Any]:
        """Forgets all entries."""
        return self._ask("DELETE", "/ledger")

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        self._know()
        with loopback.client(self.url, timeout=10) as http:
            try:
                answer = http.request(method, path, json=body)
                data = answer.json()
            except (httpx.HTTPError, ValueError) as error:
                self._known = False
                raise WorkshopError(f"The practice services at {self.url} broke off: {error}.", "try again") from None
        if answer.is_error or not isinstance(data, dict):
            reason = data.get("error") if isinstance(data, dict) else None
            raise WorkshopError(
                f"The practice services said no: {reason or answer.status_code}.", "workshop fault --help"
            )
        return data

    def _know(self) -> None:
        if self._known:
            return
        who = loopback.who(f"{self.url}/health", lambda found: found.get("service") == "practice", 10)
        if who in ("nobody", "silent"):
            raise WorkshopError(f"The practice services are not running at {self.url}.", "workshop up")
        if who == "other":
            raise WorkshopError(
                f"Another program answers at {self.url}, not the practice services.",
                "set WORKSHOP_PRACTICE_PORT to a free port, or stop that program, then: workshop up",
            )
        self._known = True


def faults_in_use(settings: Settings) -> list[dict[str, Any]]:
    """The faults that are set, where the practice services are in use and answer."""
    if not settings.practises:
        return []
    try:
        return Practice(settings.practice_url).faults()
    except WorkshopError:  # whatever asks them for more meets the same, and says so
        return []


def entries_in_use(settings: Settings) -> tuple[list[dict[str, Any]] | None, str]:
    """All that the ledger has; or None, and why there is no ledger."""
    if not settings.practises:
        return None, "No ledger: the services in use are not the practice ones."
    try:
        return list(Practice(settings.practice_url).ledger()["entries"]), ""
    except WorkshopError as error:
        return None, f"No ledger: {error.message}"
