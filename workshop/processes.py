"""Programs that may outlive the command that started them: pid files, logs, ports, a polite stop."""

import atexit
import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar

import psutil  # type: ignore[import-untyped]

from workshop.errors import WorkshopError
from workshop.settings import HOST

T = TypeVar("T")
PATIENCE = 60.0  # seconds; a bound against hanging, never an expectation
SETTLE = 1.0  # seconds to wait for the exit code of a process that has ended
BUSY = 4  # how many times as long a busy machine may take
SLACK = 2.0  # seconds by which two readings of one process's start may differ
ROOM = 1 << 20  # bytes that must fit where the services keep their data

# By pid, of each process that this one has started: waits at most so many seconds, and returns the exit code (negative:
# the signal that ended it), None while it runs. Kept so that each is reaped.
_ends: dict[int, Callable[[float | None], int | None]] = {}


@dataclass(frozen=True)
class Program:
    """A program that was started. What it prints goes to a file, so that nobody has to read it."""

    pid: int
    created: float  # start of the process, seconds since the machine's: a clock that is set does not move it
    command: list[str]
    log: str = ""  # the path of that file
    ports: list[int] = field(default_factory=list)  # where it answers
    link: str = ""  # for a browser; may hold JupyterLab's token

    @classmethod
    def read(cls, path: Path) -> "Program | None":
        """The program in the pid file `path`, or None when there is none or it is no pid file of ours."""
        try:
            program = cls(**json.loads(path.read_text(encoding="utf-8")))
            texts, numbers = [*program.command, program.log, program.link], [program.pid, *program.ports]
        except (OSError, ValueError, TypeError):
            return None
        right = isinstance(program.created, float) and all(isinstance(number, int) for number in numbers)
        right = right and all(isinstance(text, str) for text in texts)
        return program if right and program.pid > 0 else None

    def write(self, path: Path) -> None:
        """Writes the pid file whole or not at all, readable by its owner only.

        Raises:
            OSError: it cannot be written.
        """
        part = path.with_suffix(".part")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        part.replace(path)

    def process(self) -> psutil.Process | None:
        """The running process, or None when it has ended, even if another one has its number by now."""
        ended = _ends.get(self.pid)
        if ended and ended(0) is not None:
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

    @property
    def running(self) -> bool:
        return self.process() is not None

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: by that signal); None while it runs, and if this process did not start it."""
        ended = _ends.get(self.pid)
        return None if ended is None or self.running else ended(SETTLE)

    @property
    def text(self) -> str:
        """All that it has printed so far, errors too."""
        try:
            return Path(self.log).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def until_printed(self, text: str) -> "Program":
        """Returns when it has printed `text`.

        Raises:
            TimeoutError: it has not, within `PATIENCE`.
            ChildProcessError: it ended without.
        """

        def look() -> bool:
            running = self.running  # asked first: what it printed last is in the file then
            if text not in self.text and not running:
                raise ChildProcessError(f"ended ({self.exit_code}) without printing {text!r}:\n{self.text}")
            return text in self.text

        wait_for(f"{text!r} to be printed", look)
        return self

    def signal(self, signum: signal.Signals) -> None:
        """Sends a signal, unless it has ended."""
        with suppress(psutil.NoSuchProcess):
            if process := self.process():
                process.send_signal(signum)

    def kill(self) -> bool:
        """SIGKILL, for it and for what it has started: they are a group. Whether it still ran."""
        if not self.running:
            return False
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        stop([self], 5)
        return True

    def wait(self, patience: float = PATIENCE) -> int:
        """Its exit code, once it has ended.

        Raises:
            TimeoutError: it has not, in so many seconds.
        """
        code = _ends[self.pid](patience)
        if code is None:
            raise TimeoutError(f"did not end within {patience:.0f} s")
        return code


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
    # Whoever ends it may know its pid only; Python would say at its own end that it is still running.
    atexit.register(child.poll)

    def ended(seconds: float | None) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return child.wait(seconds)
        return None

    try:
        return adopt(child.pid, command, ended, log)
    except BaseException:
        child.kill()
        raise


def die_with_parent() -> None:
    """On Linux, the kernel kills this process when its parent ends, however that happens."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt(pid: int, command: Sequence[str] | None, ended: Callable[[float | None], int | None], log: Path) -> Program:
    """A process that was just started, as a program. Without `command`, the system says what its command line is."""
    _ends[pid] = ended
    try:
        process = psutil.Process(pid)
        created, command = _created(process), command or process.cmdline()
    except psutil.Error:  # gone already; the caller sees that when it waits for health
        created, command = 0.0, command or []
    return Program(pid, created, list(command), str(log))


def _created(process: psutil.Process) -> float:
    return float(process.create_time() - psutil.boot_time())


def fresh_log(log: Path) -> BinaryIO:
    """An empty log file; that of the run before is kept as `LOG.old`.

    Raises:
        OSError: it cannot be opened.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        log.replace(log.with_suffix(".log.old"))
    return log.open("wb")


def stop(programs: Iterable[Program], grace: float) -> None:
    """Ends them, by pid: SIGTERM to all, then, after `grace` seconds in all, SIGKILL to what is left."""
    left = list(programs)
    for signum in (signal.SIGTERM, signal.SIGKILL):
        for program in left:
            program.signal(signum)
        deadline = time.monotonic() + grace
        while (left := [program for program in left if program.running]) and time.monotonic() < deadline:
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
        with socket.socket() as probe, suppress(OSError):
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
            break
        time.sleep(0.05)
    with suppress(psutil.Error, OSError):  # macOS tells root only
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"is taken by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "is taken"


def prepare_directory(path: Path) -> None:
    """Makes `path` and proves, by writing a file, that there is room in it.

    Raises:
        WorkshopError: it cannot be made or written, or the disk is full.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(bytes(ROOM))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise WorkshopError(
            f"Cannot write to {path}, where the services keep their data and logs: {error.strerror}.",
            "free some space or fix the directory's rights, or set WORKSHOP_STATE_DIR to another directory",
        ) from error


@contextmanager
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
