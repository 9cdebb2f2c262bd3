"""The practice services from the notebook: faults set and cleared, the ledger shown, a call waited for."""

import time
from typing import Any

from workshop.errors import WorkshopError
from workshop.practice.client import Practice
from workshop.practice.report import fault_lines, ledger_lines
from workshop.settings import Settings

POLITE = "The model in use is not the practice model, so there are no faults to set."
CLEAR = "ex.clear()"
NO_LEDGER = "The ledger belongs to the practice services, which are not in use now."


class Desk:
    """What `ex.fault`, `ex.clear` and `ex.ledger` do. Returns lines of text."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._practice = Practice(settings.practice_url)

    @property
    def model_practises(self) -> bool:
        """Whether the practice model is the one that is asked."""
        return self._settings.mode == "practice"

    @property
    def weather_practises(self) -> bool:
        """Whether the practice weather is the one that is asked."""
        return self._settings.weather_api_url.rstrip("/") in (
            self._settings.practice_url,
            self._settings.practice_url.replace("127.0.0.1", "localhost"),
        )

    def fault(self, target: str, kind: str, **options: Any) -> list[str]:
        """Sets a fault of `model` or `weather`."""
        if not (self.weather_practises if target == "weather" else self.model_practises):
            return [POLITE.replace("model", "weather") if target == "weather" else POLITE, _BACK]
        return fault_lines(self._practice.fault(target, kind, **options), CLEAR)

    def clear(self, target: str | None = None) -> list[str]:
        """Takes faults back; requests that they delay go on."""
        if not (self.model_practises or self.weather_practises):
            return [POLITE]
        return fault_lines(self._practice.clear(target), CLEAR)

    def newest(self) -> int:
        """The id of the newest entry; 0 if there is none, or the practice services are not in use."""
        if not (self.model_practises or self.weather_practises):
            return 0
        try:
            return self._practice.newest()
        except WorkshopError:
            return 0

    def entries(self, since: int = 0) -> list[dict[str, Any]]:
        """The ledger's entries after one."""
        found: list[dict[str, Any]] = self._practice.ledger(since)["entries"]
        return found

    def ledger(self, since: int = 0) -> list[str]:
        """The ledger for a person."""
        if not (self.model_practises or self.weather_practises):
            return [NO_LEDGER]
        return ledger_lines(self._practice.ledger(since))

    def in_flight(self, service: str, seconds: float, since: int) -> bool:
        """Waits until a request to `model` or `weather` is under way, for so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(e["service"] == service and e["outcome"] == "in flight" for e in self.entries(since)):
                return True
            time.sleep(0.05)
        return False


_BACK = "Back to practice: workshop use practice, in a terminal; then run the first cell again."
