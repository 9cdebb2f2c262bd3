"""Drives the solutions as their users do: as processes, against real services."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from temporalio.client import Client
from temporalio.service import RPCError

from workshop import fork_server, processes
from workshop.history import Run, read_history
from workshop.notebook.kernel import result_of
from workshop.practice.client import Practice
from workshop.processes import PATIENCE, Program, wait_for
from workshop.services import Services
from workshop.settings import Settings

fork_server.PRELOAD.append("tests.heavy")


class PracticeFrom(Practice):
    """The practice services; `entries()` are those that came in since `begin()`, or since this was made."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.begin()

    def begin(self) -> None:
        """No faults; `entries()` begin here."""
        self.clear()
        self._since = self.newest()

    def entries(self, service: str, since: int = 0) -> list[dict[str, Any]]:
        return super().entries(service, since or self._since)

    def outcomes(self, service: str) -> list[str]:
        """How each request ended, oldest first."""
        return [entry["outcome"] for entry in self.entries(service)]

    def until_in_flight(self, service: str, number: int) -> None:
        """Returns when the `number`th request (from 1) has come in and is not answered yet."""
        wait_for(
            f"request {number} to the {service} to be in flight",
            lambda: (seen := self.outcomes(service))[number - 1 :] and seen[number - 1] == "in flight",
        )


class Solutions:
    """Workers and starters of the solutions, with practice settings. `cold`: each with its imports before it."""

    def __init__(self, services: Services, practice: PracticeFrom, tmp_path: Path, cold: bool = False) -> None:
        self._cold = cold
        self._services = services
        self.settings: Settings = services.settings
        self.practice = practice
        self._tmp_path = tmp_path
        self._programs: list[Program] = []
        self._workers: dict[Path, Program] = {}
        self._numbers = count()

    def env(self, **changes: str) -> dict[str, str]:
        """The environment of a solution in practice mode."""
        return {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "SSL_CERT_DIR")},
            "HOME": str(self._tmp_path),
            **self.settings.practice_env(),
            "OPENAI_BASE_URL": f"{self.practice.url}/v1",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "WEATHER_API_URL": self.practice.url,
            **changes,
        }

    def run(self, script: Path, *arguments: str, **changes: str) -> Program:
        """Starts a script where it stands."""
        if self._cold:
            return self.cold(script, *arguments, **changes)
        return self._kept(fork_server.start(script, arguments, self.env(**changes), self._log()))

    def cold(self, script: Path, *arguments: str, **changes: str) -> Program:
        """Starts a script as a person would, all its imports before it."""
        command = [sys.executable, script.name, *arguments]
        return self._kept(processes.start(command, self.env(**changes), script.parent, self._log()))

    def _log(self) -> Path:
        return self._tmp_path / f"{next(self._numbers)}.log"

    def _kept(self, program: Program) -> Program:
        self._programs.append(program)
        return program

    def worker(self, folder: Path, **changes: str) -> Program:
        """Starts a folder's worker and returns when it polls."""
        return self.run(folder / "worker.py", **changes).until_printed("polls the task queue")

    def live_worker(self, folder: Path) -> Program:
        """The worker of `folder` that was started last, or a new one if it has ended."""
        if folder not in self._workers or not self._workers[folder].running:
            self._workers[folder] = self.worker(folder)
        return self._workers[folder]

    def copy(self, folder: Path, name: str, edits: Mapping[str, tuple[str, str]], own_queue: bool = True) -> Path:
        """A solution's folder as it is, but for `edits`, and for its task queue, which `name` makes its own."""
        target = self._tmp_path / name
        if not target.exists():
            shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__", ".*", "*.ipynb"))
            queue = {"workflows.py": ('TASK_QUEUE = "', f'TASK_QUEUE = "{name}-')} if own_queue else {}
            for file, (old, new) in {**edits, **queue}.items():
                text = (target / file).read_text(encoding="utf-8")
                if old not in text:
                    raise LookupError(f"{file} of {folder.name} has no {old!r} any more")
                (target / file).write_text(text.replace(old, new), encoding="utf-8")
        return target

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

    async def result(self, starter: Program) -> Any:
        """Of the workflow that `starter` has started: it may itself give up while the server is away for long."""
        client = await Client.connect(self.env()["TEMPORAL_ADDRESS"])
        async with asyncio.timeout(PATIENCE):
            return await client.get_workflow_handle(self.workflow_id(starter)).result()

    def server(self) -> psutil.Process:
        """The process of the Temporal server."""
        program = wait_for("the server's process", lambda: self._services.running("temporal"))
        process = program.process()
        assert process
        return process

    def kill_server(self) -> None:
        """SIGKILL for the Temporal server; what it knows is in its database."""
        process = self.server()
        process.kill()
        process.wait(PATIENCE)

    def start_server(self) -> None:
        """Starts it again, on the same database and port."""
        self._services.start(["temporal"])

    def close(self) -> None:
        """Ends all programs."""
        for program in self._programs:
            program.kill()
        self._programs.clear()

    def end_open_workflows(self) -> None:
        """What an earlier test left open, a notebook's too, would be taken by this test's worker."""
        result_of(self._end_open_workflows())

    async def _end_open_workflows(self) -> None:
        client = await Client.connect(self.env()["TEMPORAL_ADDRESS"])
        async for left in client.list_workflows("ExecutionStatus = 'Running'"):
            with suppress(RPCError):  # it is over by now
                await client.get_workflow_handle(left.id).terminate()
