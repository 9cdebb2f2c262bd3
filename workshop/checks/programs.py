"""Runs learners' scripts as processes: forks made beforehand, since a process that talks to Temporal must not fork."""

import json
import os
import runpy
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from workshop.checks.learner import brief, place


def die_with_parent() -> None:
    """On Linux, the kernel of the system ends this process when its parent ends, however that happens."""
    if sys.platform == "linux":
        import ctypes

        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Ended:
    """How a script ended by itself: the exception that it raised, if any."""

    code: int
    error: str = ""  # type and message
    at: str = ""  # file and line


class Program:
    """A forked process that waits for the name of a script, and then is that script."""

    def __init__(self, folder: Path, number: int, scratch: Path, shut: int) -> None:
        self.log = scratch / f"program-{number}.log"
        self._end = scratch / f"program-{number}.end"
        read, self._write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._write)
            os.close(shut)
            self._become(folder, read)
        os.close(read)
        self._code: int | None = None

    def start(self, script: str, *arguments: str, env: dict[str, str]) -> "Program":
        """Lets it become `python script arguments`."""
        message = {"script": script, "arguments": arguments, "env": env}
        with os.fdopen(self._write, "w") as pipe:
            pipe.write(json.dumps(message) + "\n")
        return self

    @property
    def text(self) -> str:
        """What it has printed so far, errors too."""
        try:
            return self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def poll(self) -> Ended | None:
        """How it ended, or None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid == 0:
                return None
            self._code = os.waitstatus_to_exitcode(status)
        try:
            return Ended(self._code, **json.loads(self._end.read_text()))
        except (OSError, ValueError):
            return Ended(self._code)

    def signal(self, signum: signal.Signals) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def _become(self, folder: Path, read: int) -> NoReturn:
        code = 1
        try:
            die_with_parent()
            with os.fdopen(read) as pipe:
                text = pipe.readline()
            if not text:
                os._exit(0)  # never needed
            message = json.loads(text)
            output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for number in (1, 2):
                os.dup2(output, number)
            os.environ.clear()
            os.environ.update(message["env"])
            sys.argv = [message["script"], *message["arguments"]]
            code = _run(folder / message["script"], self._end)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _run(script: Path, end: Path) -> int:
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
            return 1
        return stop.code or 0
    except BaseException as error:
        found: dict[str, Any] = {"error": brief(error), "at": place(error, script.parent)}
        end.write_text(json.dumps(found))
        return 1
    return 0


class Spares:
    """Processes made ready before this one talks to Temporal. `shut` is a file descriptor that they must not hold."""

    def __init__(self, folder: Path, count: int, scratch: Path, shut: int) -> None:
        for old in scratch.glob("program-*"):
            old.unlink()
        self._ready = [Program(folder, number, scratch, shut) for number in range(count)]

    def take(self) -> Program:
        """The next one."""
        return self._ready.pop(0)
