"""Scripts as processes of their own that have the heavy imports behind them.

A worker or starter spends four seconds on imports before its first line. Here a server process imports the packages
once and is forked for every script, which then runs as `python SCRIPT` would: own process, own directory, own
environment, own exit code, killed like any other. What is about starting, or about variables that Python reads as it
starts, begins cold.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

from tests.program import Program

# Forked children crash in macOS's own frameworks; there, scripts start cold.
WARM = sys.platform == "linux"
_context = multiprocessing.get_context("forkserver")
if WARM:
    _context.set_forkserver_preload(["tests.heavy", "tests.warm"])


class WarmProgram(Program):
    """A `Program` that runs `script` with `arguments` where it stands."""

    def __init__(self, script: Path, arguments: tuple[str, ...], env: dict[str, str], log: Path) -> None:
        self.log = log
        log.touch()
        self._process = _Child(script, arguments, env, log)  # type: ignore[assignment]


class _Child:
    """The part of `subprocess.Popen` that `Program` uses."""

    def __init__(self, script: Path, arguments: tuple[str, ...], env: dict[str, str], log: Path) -> None:
        self._process = _context.Process(target=_run, args=(script, arguments, env, log), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, signum: signal.Signals) -> None:
        if self._process.is_alive():
            os.kill(self.pid, signum)


def _run(script: Path, arguments: tuple[str, ...], env: dict[str, str], log: Path) -> None:
    """In the child: becomes what `python script arguments > log` would be."""
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    os.chdir(script.parent)
    sys.argv = [script.name, *arguments]
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")
