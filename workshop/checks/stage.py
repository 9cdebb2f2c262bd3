"""The services that checks use: a Temporal server in memory and practice services, both on free ports.

They are the checks' own: a learner's faults do not disturb a check, and a check leaves no trace in a learner's ledger
or list of workflows.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workshop.checks.programs import die_with_parent
from workshop.errors import WorkshopError
from workshop.processes import free_port
from workshop.settings import HOST

PATIENCE = 30.0  # seconds that a service may take to listen


class Stage:
    """Started at first need; gone with the process that made it."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._processes: list[subprocess.Popen[Any]] = []
        self._practice = self._temporal = 0

    def practice_url(self) -> str:
        """Where the practice services answer."""
        if not self._practice:
            self._practice = free_port()
            command = [sys.executable, "-m", "workshop.practice.server", "--port", str(self._practice)]
            self._start(command, self._practice)
        return f"http://{HOST}:{self._practice}"

    def address(self) -> str:
        """host:port of the Temporal server."""
        if not self._temporal:
            programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
            binary = shutil.which("temporal", path=programs)
            if binary is None:
                raise WorkshopError("The program `temporal` is not in .venv.", "delete .venv, then: make workshop")
            self._temporal = free_port()
            options = ["--headless", "--ip", HOST, "--port", str(self._temporal), "--log-level", "error"]
            # Each check has a namespace of its own, and for each the server would run workers that no check needs.
            options += ["--dynamic-config-value", "worker.perNamespaceWorkerCount=0"]
            self._start([binary, "server", "start-dev", *options], self._temporal)
        return f"{HOST}:{self._temporal}"

    def close(self) -> None:
        """Ends what it started."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(3)
            process.kill()

    def _start(self, command: Sequence[str], port: int) -> None:
        ours = ("OPENAI_", "TEMPORAL_", "WEATHER_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        process = subprocess.Popen(
            command,
            env=env,
            cwd=self._scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
        self._processes.append(process)
        deadline = time.monotonic() + PATIENCE
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise WorkshopError(f"The checks' own service did not start: {command[0]}.", "workshop doctor")
            time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0
