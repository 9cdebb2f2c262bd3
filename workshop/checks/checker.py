"""Makes checks: each in a process of its own, with services that are the checks' own.

A learner's faults do not disturb a check, and a check leaves no trace in a learner's ledger or list of workflows.
"""

import asyncio
import linecache
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from workshop import fork_server
from workshop.checks import find
from workshop.checks.check import Check, verdict_of
from workshop.checks.learner import told
from workshop.checks.script import CheckedScript, ignore_env_file, prepare
from workshop.checks.submission import Submission
from workshop.checks.verdict import Verdict
from workshop.errors import WorkshopError
from workshop.history import Place
from workshop.processes import die_with_parent
from workshop.services import EMBEDDED, Services, catalogue, free_settings
from workshop.settings import Settings

SECONDS = 25.0  # that a learner's code may take in all
TELL = 4.0  # seconds until a person is told what is waited for
# Each check has a namespace and task queues of its own: for a namespace the server would run workers that no check
# needs, and it would divide a task queue into four.
SERVER_OPTIONS = (
    "--dynamic-config-value=worker.perNamespaceWorkerCount=0",
    "--dynamic-config-value=matching.numTaskqueueReadPartitions=1",
    "--dynamic-config-value=matching.numTaskqueueWritePartitions=1",
    "--db-filename=",  # in memory, at two thirds of the CPU: nobody asks for a check's history after it
)
fork_server.PRELOAD.append(__name__)


class Checker:
    """Makes the checks of one kernel or command. Used by one thread at a time.

    Args:
        say: told, one line each, what takes long.
    """

    def __init__(self, say: Callable[[str], None] = lambda _: None) -> None:
        self._say = say
        self._services: tuple[ForkServerProcess, Connection] | None = None

    def look(self, check: Check, folder: Path) -> Verdict:
        """What a check finds in a folder.

        Raises:
            WorkshopError: it could not be made, through no fault of what is in the folder.
        """
        if check.doing:
            self._say(f"... {check.doing}")
        told = bool(check.doing)

        def waiting(seconds: float) -> None:
            nonlocal told
            if seconds > TELL and not told:
                told = True
                self._say("... a moment more: your code is running, or packages are still being imported")

        fork_server.await_imports(waiting)  # else the services would wait for them, and say nothing
        settings = self.settings("temporal" if check.temporal else "practice")
        with ExitStack() as stack, TemporaryDirectory(prefix="workshop-check-") as scratch:
            scripts = []
            for script in range(check.scripts):
                process, checked = prepare(folder, Path(scratch, f"{script}.log"))
                stack.callback(fork_server.end, process)
                scripts.append(checked)
            arguments = (check.number, check.name, folder, settings, scripts)
            try:
                found = fork_server.call(_look, *arguments, seconds=SECONDS, waiting=waiting)
            except TimeoutError:  # not even a signal got through: it is in a call that does not return
                return _still_busy()
            except ChildProcessError as error:
                seen = f"Python itself ended while your code ran (exit code {error})."
                return Verdict("raised", "ended", seen, "Does your code call exit() or os._exit()?")
        if isinstance(found, WorkshopError):
            raise found
        assert isinstance(found, Verdict)
        return found

    def settings(self, *names: str) -> Settings:
        """Those of the checks' own services, of which the practice services and those named are well.

        Raises:
            WorkshopError: they could not be started.
        """
        for _ in range(2):  # once more if the process that keeps them has ended
            if self._services is None:
                self._services = fork_server.fork(_serve, tied=False)
            _, connection = self._services
            with suppress(OSError, EOFError):
                connection.send([name for name in EMBEDDED if name in ("practice", *names)])
                answer = connection.recv()
                if isinstance(answer, WorkshopError):
                    raise WorkshopError(f"The check could not be made: {answer.message}", "workshop doctor")
                assert isinstance(answer, Settings)
                return answer
            self.close()
        raise WorkshopError("The check could not be made: its services ended.", "try again, or: workshop doctor")

    def close(self) -> None:
        """Ends the services of the checks."""
        services, self._services = self._services, None
        if services:
            process, connection = services
            connection.close()
            process.join()


def _serve(connection: Connection) -> None:
    """In a process of its own: keeps services until the other end of the connection is closed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with TemporaryDirectory(prefix="workshop-checks-") as directory:
        settings = free_settings(Path(directory))
        services = Services(settings, known=catalogue(settings, *SERVER_OPTIONS), before=die_with_parent)
        try:
            while True:
                names = connection.recv()
                try:
                    services.start(names)
                    connection.send(settings)
                except WorkshopError as error:
                    connection.send(error)
        except (EOFError, OSError):
            pass  # the other end is closed
        finally:
            services.stop(wait=True)


def _still_busy(at: str = "") -> Verdict:
    seen = f"Your code was still busy after {SECONDS:.0f} s{at and f' ({at})'}."
    return Verdict("raised", "no-end", seen, "Does it wait forever, or sleep with time.sleep()?")


def _look(
    answer: Callable[[object], Any],
    number: str,
    name: str,
    folder: Path,
    settings: Settings,
    scripts: list[CheckedScript],
) -> None:
    """In a process of its own: a learner's settings, .env and proxies do not reach it."""
    for variable in list(os.environ):
        ours = variable.startswith(("OPENAI_", "TEMPORAL_", "WEATHER_", "CODESPACE"))
        if ours or variable.lower().endswith("_proxy"):
            del os.environ[variable]
    ignore_env_file()
    sys.dont_write_bytecode = True
    sys.setswitchinterval(0.0005)  # a workflow that never yields leaves the worker beside it turns enough to say so
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    submission = Submission(number, folder, settings, scripts)
    os.environ.update(submission.env)

    def tell_where(_: int, frame: FrameType | None) -> None:
        """Time is over: in the learner's code, or while the check itself waited for a busy machine."""
        for theirs, line in traceback.walk_stack(frame):
            if Path(file := theirs.f_code.co_filename).parent == folder:
                answer(_still_busy(told(Place(file, line, "", linecache.getline(file, line)))))
        message = f"The check could not be made: after {SECONDS:.0f} s it was not over, and none of your code was busy."
        answer(WorkshopError(message, "try again, when this machine has less to do"))

    signal.signal(signal.SIGUSR1, tell_where)

    async def look() -> None:
        try:
            found: Verdict | WorkshopError = await verdict_of(find(number, name), submission)
        except WorkshopError as error:
            found = error
        answer(found)  # and ends, whatever still runs here

    asyncio.run(look())
