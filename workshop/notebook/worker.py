"""An exercise's worker: started, stopped, killed and watched from the notebook, never run inside it."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from temporalio.service import RPCError

from workshop.errors import WorkshopError
from workshop.notebook import scripts
from workshop.notebook.kernel import wait_for
from workshop.notebook.scripts import Script
from workshop.processes import Program, Record
from workshop.settings import Settings
from workshop.temporal import connect, follow, pollers

START = 40.0  # seconds until a worker must poll: it imports for 3 s, more on a busy machine
SLOW = 8.0  # seconds after which a start that takes longer is mentioned
STOP = 30.0  # seconds that a worker asked to stop may take: it lets calls in flight finish
REPLACE = 5.0  # the same, for one that is replaced

Say = Callable[[str], None]


def pid_file(number: str, state_dir: Path) -> Path:
    """Where the worker of an exercise is noted, whichever kernel started it."""
    return state_dir / f"worker-{number}.pid"


def running(file: Path, log: Path) -> Program | None:
    """The worker that a pid file names, if it runs."""
    record = Record.read(file)
    return Program(record, log) if record and record.process() else None


def end(file: Path, seconds: float) -> str:
    """Ends the worker that a pid file names: "stopped", "killed" if it took longer than that, "" if there was none."""
    worker = running(file, file)
    how = ""
    if worker:
        worker.signal(signal.SIGCONT)  # a paused one would not hear of it
        worker.signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while worker.running and time.monotonic() < deadline:
            time.sleep(0.05)
        how = "killed" if worker.kill() else "stopped"
    file.unlink(missing_ok=True)
    return how


class Worker:
    """The worker of one exercise; at most one runs, whoever started it."""

    def __init__(self, number: str, folder: Path, root: Path, settings: Settings, queue: str, say: Say) -> None:
        self._folder, self._root, self._settings, self._queue, self._say = folder, root, settings, queue, say
        self._log = settings.state_dir / "logs" / f"worker-{number}.log"
        self._pid_file = pid_file(number, settings.state_dir)
        self._script: Script | None = None
        self._lost = False

    @property
    def running(self) -> bool:
        """Whether one runs, whoever started it."""
        return self._now() is not None

    @property
    def pid(self) -> int | None:
        """Its process id."""
        worker = self._now()
        return worker.pid if worker else None

    @property
    def lost(self) -> bool:
        """Whether none runs, and not because the learner stopped it: the last one could not start, or broke down."""
        return self._lost and not self.running

    def start(self) -> None:
        """Starts worker.py, in place of one that runs, and returns when it polls its task queue, or has ended."""
        if self._end(REPLACE):
            self._say("The worker that ran before is replaced.")
        self._lost = True
        try:
            self._script = scripts.run(self._folder, self._root, "worker.py", [], self._log)
            self._script.program.record.write(self._pid_file)
        except WorkshopError as error:
            self._say(str(error))
            return
        try:
            self._await_polling(self._script)
        except KeyboardInterrupt:  # nobody would know of it
            self._script.program.kill()
            self._say("Interrupted: the worker that was starting is ended.")
            raise

    def stop(self, seconds: float = STOP) -> None:
        """Asks the worker to stop, as Ctrl+C does: it lets the calls in flight finish, for so many seconds."""
        if not self.running:
            self._say("No worker runs.")
            return
        self._lost = False
        began = time.monotonic()
        ended = self._end(seconds)
        took = time.monotonic() - began
        self._say(
            f"Worker stopped, {took:.1f} s after it was asked to." if ended == "stopped" else _KILLED.format(took)
        )

    def kill(self) -> None:
        """SIGKILL: it cannot finish, say or save anything."""
        if worker := self._need():
            self._lost = False
            worker.kill()
            self._pid_file.unlink(missing_ok=True)
            self._say(f"Worker killed (process {worker.pid}): SIGKILL, no goodbye.")

    def pause(self) -> None:
        """SIGSTOP: it stays, with its connections open, and does nothing until `resume`."""
        if worker := self._need():
            worker.signal(signal.SIGSTOP)
            self._say(f"Worker paused (process {worker.pid}): SIGSTOP. Its connections stay open.")

    def resume(self) -> None:
        """SIGCONT: it goes on where it was paused."""
        if worker := self._need():
            worker.signal(signal.SIGCONT)
            self._say(f"Worker resumed (process {worker.pid}): SIGCONT.")

    def restart(self) -> None:
        """Stops the worker politely and starts a new one, with the files as they are now."""
        self.start()

    def logs(self, n: int = 20) -> None:
        """Prints the last lines that the worker printed."""
        script = self._script or scripts.never_started(self._folder, self._log)
        lines = script.output.splitlines()[-n:]
        for line in lines or ["The worker has printed nothing yet."]:
            self._say(line)

    def leave(self) -> None:
        """At the kernel's end: the worker is asked to stop, and has until then."""
        if self._script and self._script.program.running:
            self._script.program.signal(signal.SIGTERM)
            self._pid_file.unlink(missing_ok=True)

    def _need(self) -> Program | None:
        worker = self._now()
        if worker is None:
            self._say("No worker runs.")
        return worker

    def _now(self) -> Program | None:
        """The worker that runs, even if another notebook or an earlier kernel started it."""
        return running(self._pid_file, self._log)

    def _end(self, seconds: float) -> str:
        """Ends the worker that runs: "stopped", "killed" if it had to be, "" if there was none."""
        return end(self._pid_file, seconds)

    def _await_polling(self, script: Script) -> None:
        if not (seen := self._watch(script, SLOW)):
            self._say("... still starting: a busy machine takes longer to import the packages")
            seen = self._watch(script, START - SLOW)
        if seen == "polls":
            self._say(f"Worker running: process {script.program.pid} polls the task queue {self._queue}.")
        elif not seen:
            where = "other task queue? Worker(..., task_queue=TASK_QUEUE), run with `async with worker:`"
            self._say(f"The worker runs, and does not poll the task queue {self._queue}. An {where}")
        else:
            self._pid_file.unlink(missing_ok=True)
            self._say(f"The worker ended (exit code {script.program.exit_code}) before it polled. Its last lines:")
            for line in script.last_words():
                self._say(f"    {line}")

    def _watch(self, script: Script, seconds: float) -> str:
        """ "polls" or "ended" as soon as the worker does or has; "" if it does neither within so many seconds."""

        async def look() -> str:
            if not script.program.running:
                return "ended"
            settings = self._settings
            try:
                client = await connect(dict(os.environ), settings.temporal_address, settings.temporal_namespace)
                found = await pollers(client, self._queue)
            except (WorkshopError, RPCError):
                return ""  # the worker will say so itself
            mine = f"{script.program.pid}@"
            return "polls" if any(name.startswith(mine) for name in (*found.workflows, *found.activities)) else ""

        return wait_for(follow(look, bool, seconds, pause=0.25))


_KILLED = "The worker did not stop within {:.0f} s, and was killed."
