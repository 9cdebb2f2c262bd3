"""A learner's script, run by a check. Its process is made before the check's own, from which nothing can be forked."""

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import dotenv
import dotenv.main
from temporalio.client import Client

from workshop import fork_server
from workshop.checks.learner import raised, shorten
from workshop.checks.verdict import NotPassed, Verdict
from workshop.why.remedies import recognise_slip


@dataclass(frozen=True)
class Ended:
    """How a script ended by itself."""

    code: int  # -1: it could not say
    verdict: Verdict | None = None  # on its exception, if it raised one


class CheckedScript:
    """Our end of a process that waits for the name of a script in `folder`, and then is that script."""

    def __init__(self, pid: int, connection: Connection, folder: Path, log: Path) -> None:
        self.pid = pid
        self.name = ""  # once it is started
        self._connection, self._folder, self._log = connection, folder, log
        self._ended: Ended | None = None

    def start(self, name: str, *arguments: str, env: Mapping[str, str]) -> "CheckedScript":
        """Lets it become `python name arguments`."""
        self.name = name
        self._connection.send(fork_server.Job(self._folder / name, arguments, dict(env), self._log))
        return self

    @property
    def text(self) -> str:
        """What it has printed so far, errors too."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def poll(self) -> Ended | None:
        """How it ended, or None while it runs."""
        if self._ended is None and self._connection.poll():
            try:
                self._ended = self._connection.recv()
            except (EOFError, ConnectionResetError):  # killed, or by os._exit()
                self._ended = Ended(-1)
        return self._ended

    def raise_if_it_failed(self) -> None:
        """For one that has ended with an exception or an exit code.

        Raises:
            NotPassed: it has.
        """
        ended = self.poll()
        if ended and ended.verdict:
            raise NotPassed(ended.verdict)
        if ended and ended.code:
            words = shorten(" ".join(self.text.strip().splitlines()[-2:]))
            how = f"with exit code {ended.code}" if ended.code > 0 else "at once, by os._exit() or a signal"
            seen = f"{self.name} ended {how}{f': {words}' if words else ', and printed nothing'}."
            known = recognise_slip(words)
            code, slip = (known.code, known.slip) if known else ("script-failed", "")
            raise NotPassed(Verdict("raised", code, seen, slip))

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it may just have ended
                os.kill(self.pid, signal.SIGKILL)


def prepare(folder: Path, log: Path) -> tuple[ForkServerProcess, CheckedScript]:
    """A process that waits to be a script of the learner's."""
    log.touch()
    process, connection = fork_server.fork(_wait, folder)
    assert process.pid
    return process, CheckedScript(process.pid, connection, folder, log)


def _wait(connection: Connection, folder: Path) -> None:
    try:
        job = connection.recv()
    except EOFError:
        return  # never needed

    def tell(error: BaseException | None) -> None:
        if error is None or isinstance(error, SystemExit):
            code = getattr(error, "code", None)
            connection.send(Ended(code if isinstance(code, int) else int(code is not None)))
        else:
            connection.send(Ended(1, raised(error, folder, job.script.name, "script-raised").verdict))

    ignore_env_file()
    # A learner's own server has `default`, the check's has a namespace for each check.
    if job.script.name in ("worker.py", "starter.py"):
        Client.connect.__kwdefaults__["namespace"] = job.env["TEMPORAL_NAMESPACE"]  # type: ignore[index]
    fork_server.become(job, tell)


def ignore_env_file() -> None:
    """A learner's .env does not reach a check."""
    for module in (dotenv, dotenv.main):
        setattr(module, "dotenv_values", lambda *_, **__: {})  # noqa: B010
        setattr(module, "load_dotenv", lambda *_, **__: False)  # noqa: B010
