"""Drives the solutions as their users do: as processes, against real services."""

import os
import sys
from pathlib import Path
from typing import Any

from temporalio.client import Client

from tests.program import PATIENCE, Program, wait_for
from tests.warm import WARM, WarmProgram
from workshop import loopback
from workshop.history import Run, read_history
from workshop.services import Services
from workshop.settings import HOST


class Practice:
    """The practice services' control API; `ledger()` holds what came in since `begin()`, or since this was made."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = loopback.client(url, timeout=10)
        self.begin()

    def begin(self) -> None:
        """`ledger()` begins here."""
        self._since = max((entry["id"] for entry in self._get("/ledger")["entries"]), default=0)

    def _get(self, path: str, **params: Any) -> dict[str, Any]:
        return dict(self._http.get(path, params=params).raise_for_status().json())

    def fault(self, target: str, kind: str, **options: Any) -> None:
        """Sets a fault of `model` or `weather`; options as in `POST /faults`."""
        self._http.post("/faults", json={"target": target, "kind": kind, **options}).raise_for_status()

    def clear(self, target: str | None = None) -> None:
        """Takes the faults of `target`, by default all, back; delayed requests go on at once."""
        self._http.delete("/faults", params={"target": target} if target else {}).raise_for_status()

    def ledger(self, service: str) -> list[dict[str, Any]]:
        """The entries of `model` or `weather`, oldest first."""
        entries = self._get("/ledger", since=self._since)["entries"]
        return [entry for entry in entries if entry["service"] == service]

    def whole_ledger(self) -> list[dict[str, Any]]:
        """All entries, also those from before `begin`."""
        return list(self._get("/ledger")["entries"])

    def outcomes(self, service: str) -> list[str]:
        """How each request ended, oldest first."""
        return [entry["outcome"] for entry in self.ledger(service)]

    def until_in_flight(self, service: str, number: int) -> None:
        """Returns when the `number`th request (from 1) has come in and is not answered yet."""
        wait_for(
            f"request {number} to the {service} to be in flight",
            lambda: (seen := self.outcomes(service))[number - 1 :] and seen[number - 1] == "in flight",
        )

    def close(self) -> None:
        self._http.close()


class Bench:
    """Workers and starters of the solutions, with practice settings. `warm`: as tests.warm starts them."""

    def __init__(self, services: Services, practice: Practice, tmp_path: Path, warm: bool = WARM) -> None:
        self._warm = warm
        self._services = services
        self.settings = services.settings
        self.practice = practice
        self._tmp_path = tmp_path
        self._programs: list[Program] = []

    def env(self, **changes: str) -> dict[str, str]:
        """The environment of a solution in practice mode."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._tmp_path),
            "OPENAI_API_KEY": "practice",
            "OPENAI_BASE_URL": f"{self.practice.url}/v1",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "WEATHER_API_URL": self.practice.url,
            "TEMPORAL_ADDRESS": f"{HOST}:{self.settings.temporal_port}",
            "TEMPORAL_UI_URL": self.settings.ui_url,
            **changes,
        }

    def run(self, script: Path, *arguments: str, **changes: str) -> Program:
        """Starts a script where it stands."""
        if not self._warm:
            return self.cold(script, *arguments, **changes)
        return self._kept(WarmProgram(script, arguments, self.env(**changes), self._log()))

    def cold(self, script: Path, *arguments: str, **changes: str) -> Program:
        """Starts a script as a person would, all its imports before it."""
        command = [sys.executable, script.name, *arguments]
        return self._kept(Program(command, script.parent, self.env(**changes), self._log()))

    def _log(self) -> Path:
        return self._tmp_path / f"{len(self._programs)}.log"

    def _kept(self, program: Program) -> Program:
        self._programs.append(program)
        return program

    def worker(self, folder: Path, **changes: str) -> Program:
        """Starts a folder's worker and returns when it polls."""
        return self.run(folder / "worker.py", **changes).until_printed("polls the task queue")

    def starter(self, folder: Path, *arguments: str, **changes: str) -> Program:
        """Starts a folder's starter."""
        return self.run(folder / "starter.py", *arguments, **changes)

    def workflow_id(self, starter: Program) -> str:
        """The workflow that `starter` has started."""
        starter.until_printed("See it at")
        return starter.text.split("Workflow ", 1)[1].split()[0]

    async def history(self, starter: Program) -> Run:
        """The history of the workflow that `starter` has started."""
        client = await Client.connect(self.env()["TEMPORAL_ADDRESS"])
        return await read_history(client, self.workflow_id(starter))

    def kill_server(self) -> None:
        """SIGKILL for the Temporal server; what it knows is in its database."""
        record = wait_for("the server's process", lambda: self._services.record("temporal"))
        process = record.process()
        assert process
        process.kill()
        process.wait(PATIENCE)

    def start_server(self) -> None:
        """Starts it again, on the same database and port."""
        self._services.start(["temporal"])

    def close(self) -> None:
        for program in self._programs:
            program.close()
