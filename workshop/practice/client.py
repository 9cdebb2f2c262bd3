"""Talks to the practice services' control paths, for the commands and for tests."""

from typing import Any

import httpx

from workshop import loopback
from workshop.errors import WorkshopError


class Practice:
    """The practice services at an address such as `http://127.0.0.1:8234`.

    Every method raises WorkshopError if nothing answers there, if somebody else does, or if the request is refused.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are set."""
        return self._list("GET", "/faults", "faults")

    def set_fault(self, **spec: Any) -> list[dict[str, Any]]:
        """Sets a fault: target, kind and, where wanted, times, after, delay, retry_after, probability, seed."""
        return self._list("POST", "/faults", "faults", {k: v for k, v in spec.items() if v is not None})

    def clear_faults(self, target: str | None = None) -> list[dict[str, Any]]:
        """Clears one target's fault or all; requests that they delay go on."""
        return self._list("DELETE", f"/faults?target={target}" if target else "/faults", "faults")

    def ledger(self, since: int = 0) -> dict[str, Any]:
        """`{"entries": [...], "totals": {...}}` of the entries with an id above `since`."""
        return self._ask("GET", f"/ledger?since={since}")

    def clear_ledger(self) -> dict[str, Any]:
        """Forgets all entries."""
        return self._ask("DELETE", "/ledger")

    def _list(self, method: str, path: str, name: str, body: Any = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask(method, path, body)[name]
        return found

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        with loopback.client(self.url) as http:
            self._know(http)
            try:
                answer = http.request(method, path, json=body)
                data = answer.json()
            except (httpx.HTTPError, ValueError) as error:
                raise WorkshopError(f"The practice services at {self.url} broke off: {error}.", "try again") from None
        if answer.is_error or not isinstance(data, dict):
            reason = data.get("error") if isinstance(data, dict) else None
            raise WorkshopError(
                f"The practice services said no: {reason or answer.status_code}.", "workshop fault --help"
            )
        return data

    def _know(self, http: httpx.Client) -> None:
        try:
            known = http.get("/health").json()
        except httpx.TransportError:
            raise WorkshopError(f"The practice services are not running at {self.url}.", "workshop up") from None
        except ValueError:
            known = None
        if not isinstance(known, dict) or known.get("service") != "practice":
            raise WorkshopError(
                f"Another program answers at {self.url}, not the practice services.",
                "set WORKSHOP_PRACTICE_PORT to a free port, or stop that program, then: workshop up",
            )
