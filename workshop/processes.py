"""Child processes that may outlive the command that started them: pid files, logs, ports, a polite stop."""

import contextlib
import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import psutil  # type: ignore[import-untyped]

from workshop.errors import WorkshopError
from workshop.settings import HOST

T = TypeVar("T")
PATIENCE = 60.0  # seconds; a bound against hanging, never an expectation
SETTLE = 1.0  # seconds until it is told how a process ended that is gone
BUSY = 4  # times as long is waited on a machine that is busy
SLACK = 2.0  # seconds by which two readings of one process's start may differ


class Child(Protocol):
    """What this process knows of one that it started: as `subprocess.Popen` has it."""

    def poll(self) -> int | None:
        """The exit code (negative: by that signal); None while it runs, or if that is not known yet."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not, in so many seconds.
        """


# Kept so that each is reaped and its exit code can be told.
_children: dict[int, Child] = {}


@dataclass(frozen=True)
class Record:
    """What a pid file says: which process was started, as which command, and where it answers."""

    pid: int
    created: float  # start of the process, seconds since the machine's: a clock that is set does not move it
    command: list[str]
    ports: list[int]
    link: str  # for a browser; may hold JupyterLab's token

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """The record in the pid file `path`, or None when there is none or it is no pid file of ours."""
        try:
            record = cls(**json.loads(path.read_text(encoding="utf-8")))
            known = isinstance(record.pid, int) and record.pid > 0 and isinstance(record.created, float)
            texts, numbers = [*record.command, record.link], record.ports
        except (OSError, ValueError, TypeError):
            return None
        known = known and all(isinstance(text, str) for text in texts)
        return record if known and all(isinstance(number, int) for number in numbers) else None

    def write(self, path: Path) -> None:
        """Writes the pid file whole or not at all, readable by its owner only."""
        part = path.with_suffix(".part")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        part.replace(path)

    def process(self) -> psutil.Process | None:
        """The running process, or None when it has ended, even if another one has its number by now."""
        child = _children.get(self.pid)
        if child is not None and child.poll() is not None:
            return None
        try:
            process = psutil.Process(self.pid)
            if abs(_created(process) - self.created) > SLACK:
                return None
            if process.status() == psutil.STATUS_ZOMBIE:  # its own parent has not looked yet
                # Until its last thread is gone, too, its connections are open.
                return process if process.num_threads() > 1 else None
            try:
                command = process.cmdline()
            except psutil.ZombieProcess:
                command = []
            # While a process ends, its command line is gone before its connections are. A Python may call itself
            # by another path than it was called by.
            return process if not command or command[1:] == self.command[1:] else None
        except psutil.Error:
            return None

    def exit_code(self) -> int | None:
        """How the process ended (negative: by that signal), known only of those that this very process started."""
        child = _children.get(self.pid)
        if child is None or self.process():
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(SETTLE)
        return None


class Program:
    """A running program: its process, and the file that its output goes to, so that nobody has to read it."""

    def __init__(self, record: Record, log: Path) -> None:
        self.record, self.log = record, log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.record.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.record.process() is not None

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: by that signal); None while it runs, and if this process did not start it."""
        return self.record.exit_code()

    @property
    def text(self) -> str:
        """All that it has printed so far, errors too."""
        return printed_in(self.log)

    def until_printed(self, text: str, patience: float = PATIENCE) -> "Program":
        """Returns when it has printed `text`.

        Raises:
            TimeoutError: it has not, in so many seconds.
            ChildProcessError: it ended without.
        """

        def look() -> bool:
            running = self.running  # asked first: what it printed last is in the file then
            if text not in self.text and not running:
                raise ChildProcessError(f"ended ({self.exit_code}) without printing {text!r}:\n{self.text}")
            return text in self.text

        wait_for(f"{text!r} to be printed", look, patience)
        return self

    def signal(self, signum: signal.Signals) -> None:
        """Sends a signal, unless it has ended."""
        if process := self.record.process():
            process.send_signal(signum)

    def kill(self) -> bool:
        """SIGKILL, for it and for what it has started: they are a group. Whether it still ran."""
        if not self.running:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        stop([self.record], 5)
        return True

    def wait(self, patience: float = PATIENCE) -> int:
        """Its exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not, in so many seconds.
        """
        return _children[self.pid].wait(patience)


class Patience:
    """A bound on a wait, in seconds of a machine that has nothing else to do.

    One that is busy, or waits for its disk, gets up to `BUSY` times as many: what is slow there is not wrong.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began, self._before = time.monotonic(), psutil.cpu_times()

    @property
    def left(self) -> float:
        """Seconds; 0 or less once the bound is reached."""
        now = psutil.cpu_times()
        idle: float = (now.idle - self._before.idle) / max(sum(now) - sum(self._before), 0.01)
        return self._seconds - (time.monotonic() - self._began) * max(idle, 1 / BUSY)


def wait_for(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """What `look` sees, as soon as it sees something.

    Raises:
        TimeoutError: it saw nothing in so many seconds; says what was waited for.
    """
    deadline = time.monotonic() + patience
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience:.0f} s for {what}")
        time.sleep(0.05)
    return seen


def start(
    command: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    before: Callable[[], None] | None = None,
) -> Program:
    """Starts `command` in a session of its own, so that Ctrl+C reaches us and not it; its output goes to `log`.

    Args:
        before: called in the new process. For a process of one thread only: another one's locks would stay locked.

    Raises:
        OSError: the command or the log cannot be opened.
    """
    with fresh_log(log) as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=before,
        )
    try:
        return adopt(child.pid, command, child, log)
    except BaseException:
        child.kill()
        raise


def die_with_parent() -> None:
    """On Linux, the kernel of the system ends this process when its parent ends, however that happens."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def python(
    script: Path,
    arguments: Sequence[str],
    env: Mapping[str, str],
    log: Path,
    before: Callable[[], None] | None = None,
) -> Program:
    """Starts `python script arguments` in the script's folder; `before` as in `start`."""
    return start([sys.executable, script.name, *arguments], env, script.parent, log, before)


def adopt(pid: int, command: Sequence[str] | None, child: Child, log: Path) -> Program:
    """The program that a process which was just started is; without `command`, with the command line that it has."""
    _children[pid] = child
    try:
        process = psutil.Process(pid)
        created, command = _created(process), command or process.cmdline()
    except psutil.Error:  # gone already; the caller sees that when it waits for health
        created, command = 0.0, command or []
    return Program(Record(pid, created, list(command), [], ""), log)


def _created(process: psutil.Process) -> float:
    return float(process.create_time() - psutil.boot_time())


def printed_in(log: Path) -> str:
    """All that has been printed into `log` so far."""
    try:
        return log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def fresh_log(log: Path) -> BinaryIO:
    """An empty log file; that of the run before is kept as `LOG.old`.

    Raises:
        OSError: it cannot be opened.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        log.replace(log.with_suffix(".log.old"))
    return log.open("wb")


def stop(records: Iterable[Record], grace: float) -> None:
    """Ends the processes, by pid: SIGTERM to all, then, after `grace` seconds in all, SIGKILL to what is left."""
    left = list(records)
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for record in left:
            if process := record.process():
                with contextlib.suppress(psutil.NoSuchProcess):
                    end(process)
        deadline = time.monotonic() + grace
        while (left := [record for record in left if record.process()]) and time.monotonic() < deadline:
            time.sleep(0.02)


_given: set[int] = set()


def free_port() -> int:
    """A TCP port that nothing on loopback uses at this moment, and that this process has not been given before.

    It is below those that systems give to outgoing connections and to whoever asks for any port (from 32768 on Linux,
    49152 elsewhere), so that none of these takes it before it is used.
    """
    while True:
        port = random.randrange(20000, 32000)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            _given.add(port)
            return port


def listens(host: str, port: int, timeout: float = 1) -> bool:
    """Whether a program takes connections there."""
    try:
        with socket.create_connection((host, port), timeout):
            return True
    except OSError:
        return False


def port_trouble(port: int, patience: float = 0.0) -> str:
    """Why `port` cannot be listened on, as the end of a sentence ("is taken by ..."), or "" when it can.

    Looks again for `patience` seconds, since a program that was just stopped may hold its port a moment longer.
    """
    deadline = time.monotonic() + patience
    while True:
        taken = listens(HOST, port)
        with socket.socket() as probe:
            if sys.platform != "win32":  # there it would let two programs share a port; here it only skips TIME_WAIT
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                if not taken:
                    probe.bind((HOST, port))
                    return ""
            except PermissionError:
                return "needs rights that you do not have"
            except OSError:
                pass  # taken, by one that takes no connections
        if time.monotonic() >= deadline:
            return f"is taken{_holder(port)}"
        time.sleep(0.05)


def _holder(port: int) -> str:
    with contextlib.suppress(psutil.Error, OSError):  # macOS tells root only
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""


def prepare_directory(path: Path, room: int = 1 << 20) -> None:
    """Makes `path` and proves, by writing and removing a file, that `room` bytes fit into it.

    Raises:
        WorkshopError: it cannot be made or written, or the disk is full.
    """
    probe = path / ".room"
    try:
        path.mkdir(parents=True, exist_ok=True)
        try:
            with probe.open("wb") as file:
                file.write(bytes(room))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise WorkshopError(
            f"Cannot write to {path}, where the services keep their data and logs: {error.strerror}.",
            "free some space or fix the directory's rights, or set WORKSHOP_STATE_DIR to another directory",
        ) from error


@contextlib.contextmanager
def locked(path: Path, busy: str, wait: bool = False) -> Iterator[None]:
    """Holds a lock on the file `path`, which two processes cannot both have.

    Raises:
        WorkshopError: `busy`, when another process has it and `wait` is false; or the file cannot be opened.
    """
    try:
        file = path.open("a")
    except OSError as error:
        raise WorkshopError(f"Cannot write to {path}: {error.strerror}.", "fix the rights of that file") from error
    with file:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise WorkshopError(busy, "wait until it is done, then see `workshop status`") from error
            except OSError as error:
                raise WorkshopError(
                    f"{path.parent} is on a file system that cannot lock files: {error.strerror}.",
                    "set WORKSHOP_STATE_DIR to a folder on a local disk",
                ) from error
        yield
