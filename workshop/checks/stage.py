"""The services that checks use: a Temporal server in memory and practice services, both on free ports.

They are the checks' own: a learner's faults do not disturb a check, and a check leaves no trace in a learner's ledger
or list of workflows.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workshop import loopback
from workshop.checks.programs import die_with_parent
from workshop.errors import WorkshopError
from workshop.processes import free_port
from workshop.settings import HOST

PATIENCE = 30.0  # seconds that a service may take until it can be used


class Stage:
    """Started at first need; gone with the process that made it."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._processes: list[subprocess.Popen[Any]] = []
        self._practice = self._temporal = 0

    def practice_url(self) -> str:
        """Where the practice services answer."""
        if not self._practice:
            port = free_port()
            command = [sys.executable, "-m", "workshop.practice.server", "--port", str(port)]
            self._start(command, lambda: loopback.answers(f"http://{HOST}:{port}/health"))
            self._practice = port
        return f"http://{HOST}:{self._practice}"

    def address(self) -> str:
        """host:port of the Temporal server."""
        if not self._temporal:
            programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
            binary = shutil.which("temporal", path=programs)
            if binary is None:
                raise WorkshopError("The program `temporal` is not in .venv.", "delete .venv, then: make workshop")
            port = free_port()
            options = ["--headless", "--ip", HOST, "--port", str(port), "--log-level", "error"]
            # Each check has a namespace of its own, and for each the server would run workers that no check needs.
            options += ["--dynamic-config-value", "worker.perNamespaceWorkerCount=0"]
            # The port is there before the server can be used: asked by a process, since this one must stay fit to fork.
            describe = [binary, "operator", "namespace", "describe", "--address", f"{HOST}:{port}", "default"]
            self._start([binary, "server", "start-dev", *options], lambda: self._run(describe).wait() == 0)
            self._temporal = port
        return f"{HOST}:{self._temporal}"

    def close(self) -> None:
        """Ends what it started."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(3)
            process.kill()

    def _start(self, command: Sequence[str], well: Callable[[], bool]) -> None:
        """Returns when it can be used."""
        process = self._run(command)
        self._processes.append(process)
        deadline = time.monotonic() + PATIENCE
        while not well():
            if process.poll() is not None or time.monotonic() > deadline:
                raise WorkshopError(f"The checks' own service did not start: {command[0]}.", "workshop doctor")
            time.sleep(0.02)

    def _run(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        ours = ("OPENAI_", "TEMPORAL_", "WEATHER_")
        return subprocess.Popen(
            command,
            env={name: value for name, value in os.environ.items() if not name.startswith(ours)},
            cwd=self._scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
