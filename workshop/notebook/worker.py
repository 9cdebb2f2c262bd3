"""An exercise's worker: started, stopped, killed and watched from the notebook, never run inside it."""

import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from temporalio.service import RPCError

from workshop.errors import WorkshopError
from workshop.exercises import EXERCISES, FOLDERS, number_of
from workshop.history import short_path
from workshop.kills import note_kill
from workshop.notebook.kernel import result_of, says_what_to_fix
from workshop.notebook.scripts import Script, imported
from workshop.processes import Program, wait_for
from workshop.settings import Settings
from workshop.temporal import connect, folder_of, follow, pid_of, pollers
from workshop.text import Say, scrub

START = 40.0  # seconds until a worker must poll: it imports for 3 s, more on a busy machine
SLOW = 8.0  # seconds after which a start that takes longer is mentioned
STOP = 30.0  # seconds that a worker asked to stop may take: it lets calls in flight finish
REPLACE = 5.0  # the same, for one that is replaced


class Worker:
    """The worker of one exercise; at most one runs, whoever started it."""

    def __init__(self, folder: Path, settings: Settings, say: Say) -> None:
        self._folder, self._settings, self._say = folder, settings, say
        number = number_of(folder)
        self._log = settings.state_dir / "logs" / f"worker-{number}.log"
        self._pid_file = settings.state_dir / f"worker-{number}.pid"
        self._script = Script(folder, "worker.py", self._log)
        self._queue = EXERCISES[FOLDERS[number]]
        self._lost = False
        self._texts: dict[str, bytes] | None = None  # its files when it was started here

    def __repr__(self) -> str:
        pid = self.pid
        state = f"process {pid}" if pid else "not running"
        return " ".join(filter(None, [f"Worker of exercise {number_of(self._folder)}, {state}.", self.outdated]))

    @property
    def outdated(self) -> str:
        """What to say of a worker whose files were changed since it started; "" where none were."""
        if not self.running:
            return ""
        if self._texts is not None:
            changed = [name for name, text in self._read().items() if text != self._texts.get(name)]
        else:  # an earlier kernel's
            began = self._pid_file.stat().st_mtime
            changed = [name for name in self._read() if (self._folder / name).stat().st_mtime > began]
        if not changed:
            return ""
        files = " and ".join(changed)
        return f"The worker is older than {files}: ex.worker.restart() starts one with the files as they are now."

    def _read(self) -> dict[str, bytes]:
        files = sorted(["worker.py", *imported(self._folder, "worker.py")])
        return {name: (self._folder / name).read_bytes() for name in files if (self._folder / name).is_file()}

    @property
    def running(self) -> bool:
        """Whether one runs, whoever started it."""
        return self._now() is not None

    @property
    def pid(self) -> int | None:
        worker = self._now()
        return worker.pid if worker else None

    @property
    def lost(self) -> bool:
        """Whether none runs, and not because the learner stopped it: the last one could not start, or crashed."""
        return self._lost and not self.running

    @says_what_to_fix
    def start(self) -> None:
        """Starts worker.py, in place of one that runs, and returns when it polls its task queue, or has ended."""
        if self.end(REPLACE):
            self._say("The previous worker is replaced.")
        self._lost = True
        self._texts = self._read()
        worker = self._script.start()
        worker.write(self._pid_file)
        try:
            seen = self._watch(worker, SLOW)
            if not seen:
                self._say("... still starting: a busy machine takes longer to import the packages")
                seen = self._watch(worker, START - SLOW)
        except KeyboardInterrupt:  # nobody would know of it
            worker.kill()
            self._say("Interrupted: the worker that was starting was ended.")
            raise
        if seen == "polls":
            self._say(f"Worker running: process {worker.pid} polls the task queue {self._queue}.")
            for other in result_of(self._polling()):
                if pid_of(other) == str(worker.pid):
                    continue
                folder = folder_of(other)
                where = f", in {short_path(folder)}," if folder else ""
                what = f"Another worker, {other}{where} polls it too, and takes some of the calls, with its own code."
                self._say(f"{what} Stop it where it was started: Ctrl+C.")
        elif seen == "ended":
            self._pid_file.unlink(missing_ok=True)
            self._say(f"The worker ended (exit code {worker.exit_code}) before it polled. Its last lines:")
            for line in self._script.last_words():
                self._say(f"    {line}")
        else:
            where = "Another task queue? Worker(..., task_queue=TASK_QUEUE), run with `async with worker:`"
            self._say(f"The worker runs, but does not poll the task queue {self._queue}. {where}")

    def stop(self, seconds: float = STOP) -> None:
        """Asks the worker to stop, as Ctrl+C does: it lets the calls in flight finish, for that many seconds."""
        if self._need():
            self._lost = False
            began = time.monotonic()
            how = self.end(seconds)
            took = time.monotonic() - began
            if how == "stopped":
                self._say(f"Worker stopped, {took:.1f} s after it was asked to.")
            else:
                self._say(f"The worker did not stop within {took:.0f} s, and was killed.")

    def kill(self) -> None:
        """SIGKILL: it cannot finish, say or save anything."""
        if worker := self._need():
            self._lost = False
            now = datetime.now(UTC)
            if worker.kill():
                note_kill(self._settings.state_dir, worker.pid, now)
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
        unchanged = self.running and not self.outdated
        self.start()
        if unchanged:
            self._say(
                "No file has changed since the worker was started before. If you have edited a cell that begins with "
                "%%writefile: run that cell, then this one again."
            )

    def logs(self, n: int = 20) -> None:
        """Prints the last lines that the worker printed."""
        # An earlier kernel's, if this one has started none.
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        for line in scrub(text).splitlines()[-n:] or ["The worker has printed nothing yet."]:
            self._say(line)

    def end(self, seconds: float) -> str:
        """Ends the worker that runs. Says "stopped", "killed" if it took longer than that, "" if there was none."""
        worker = self._now()
        how = ""
        if worker:
            worker.signal(signal.SIGCONT)  # a paused one would not hear of it
            worker.signal(signal.SIGTERM)
            with suppress(TimeoutError):
                wait_for("the worker to stop", lambda: not worker.running, seconds)
            how = "killed" if worker.kill() else "stopped"
        self._pid_file.unlink(missing_ok=True)
        return how

    def leave(self) -> None:
        """At the kernel's end, asks the worker that it started to stop."""
        mine = self._script.program
        if mine and mine.running:
            mine.signal(signal.SIGTERM)
            self._pid_file.unlink(missing_ok=True)

    def _now(self) -> Program | None:
        """The worker that runs, even if another notebook or an earlier kernel started it."""
        worker = Program.read(self._pid_file)
        return worker if worker and worker.running else None

    def _need(self) -> Program | None:
        worker = self._now()
        if worker is None:
            self._say("No worker runs.")
        return worker

    async def _polling(self) -> list[str]:
        """The workers that poll the exercise's task queue; none where the server does not say."""
        settings = self._settings
        try:
            client = await connect(dict(os.environ), settings.temporal_address, settings.temporal_namespace)
            found = await pollers(client, self._queue)
        except (WorkshopError, RPCError):
            return []  # the worker will say so itself
        return sorted({*found.workflows, *found.activities})

    def _watch(self, worker: Program, seconds: float) -> str:
        """ "polls" or "ended" as soon as the worker does or has; "" if it does neither in that many seconds."""

        async def look() -> str:
            if not worker.running:
                return "ended"
            polling = await self._polling()
            return "polls" if str(worker.pid) in map(pid_of, polling) else ""

        return result_of(follow(look, bool, seconds, pause=0.25))
