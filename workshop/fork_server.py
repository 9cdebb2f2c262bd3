"""Processes that start at once: forked from a server that has imported the packages already.

`python worker.py` spends seconds on its imports. The standard library's fork server (see `multiprocessing`, "contexts
and start methods") spends them once. A script that is forked from it is otherwise what `python -u script` is: a process
with a directory, an environment, a log and an exit code of its own. None outlives the process that had it started.
"""

import atexit
import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe, active_children, forkserver, get_context, parent_process, util
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import psutil  # type: ignore[import-untyped]

from workshop.errors import WorkshopError
from workshop.processes import Patience, Program, adopt, die_with_parent, fresh_log

# Forked scripts crash in macOS's own frameworks; there, each starts with its imports before it.
WARM = sys.platform == "linux"
IMPORT = 60.0  # seconds that the imports may take, on a busy machine
GRACE = 5.0  # seconds that programs have to end by themselves, once the process that had them started is gone
SETTLE = 1.0  # seconds until the server has told how a process ended that is gone
LOST = 255  # the exit code of a process whose end the server could not tell, since it has ended itself
PRELOAD = ["workshop.packages"]
# Variables that Python reads as it starts, and which a fork is told of later.
TOLD = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")

_context = get_context("forkserver")
_server_env: dict[str, str] = {}  # with which it was started
_imported_by = os.getpid()  # in a fork: the server
_running: list[tuple[ForkServerProcess, psutil.Process]] = []  # the guard and the server, which end together
_threads: list[threading.Thread] = []  # one, which waits for the imports
_warming, _starting = threading.Lock(), threading.Lock()


def warm_up() -> None:
    """Starts the server if it does not run, and does not wait for its imports."""
    with _warming:
        if not ready() and not any(thread.is_alive() for thread in _threads):
            _launch()
            _threads[:] = [threading.Thread(target=_begin, daemon=True)]
            _threads[0].start()


def _launch() -> None:
    _server_env.clear()
    _server_env.update(os.environ)
    # A file beside the notebook must not be imported in place of a package, and an interrupted cell must not end the
    # server; macOS forbids to fork once certain libraries were used, unless it is told that all is well.
    ours = {"PYTHONSAFEPATH": "1", "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"}
    before = {name: os.environ.get(name) for name in ours}
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ.update(ours)
    try:
        _context.set_forkserver_preload([*PRELOAD, __name__])
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def ready() -> bool:
    """Whether the server runs, and has its imports behind it."""
    return bool(_running) and _running[0][0].is_alive()


def _begin() -> None:
    """Waits for the imports: until then nothing can be forked. The first fork is the guard."""
    ours, theirs = Pipe(duplex=False)
    with ours, suppress(OSError, EOFError):  # it has ended: whoever needs it next starts it anew
        with theirs:
            guard = _context.Process(target=_guard, args=(theirs,), daemon=True)
            _start(guard)
        with suppress(psutil.NoSuchProcess):
            _running[:] = [(guard, psutil.Process(ours.recv()))]


def _guard(connection: Connection) -> None:
    """In a fork: when the process that started the server has ended, ends the server's children, then the server."""
    os.setsid()
    _to(os.open(os.devnull, os.O_RDWR))
    die_with_parent()
    server, starter = psutil.Process(_imported_by), parent_process()
    if os.getppid() != server.pid or not starter:
        return  # the server has ended
    connection.send(server.pid)
    connection.close()
    wait([starter.sentinel])
    _end_politely([process for process in server.children(recursive=True) if process.pid != os.getpid()])
    shutil.rmtree(util.get_temp_dir(), ignore_errors=True)  # the starter's, which may have been killed
    server.kill()


def _end_politely(left: list[psutil.Process]) -> None:
    """Asks them to end, and after `GRACE` seconds makes them. A paused one would not hear of it."""
    for end in (psutil.Process.resume, psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                end(process)
        _, left = psutil.wait_procs(left, GRACE if end is psutil.Process.terminate else 0)


@atexit.register
def _end_all() -> None:
    """At the end of the process that started the server: multiprocessing would wait for its children, without end."""
    forks = [process for process in active_children() if isinstance(process, ForkServerProcess)]
    with suppress(psutil.NoSuchProcess):
        guards = [guard for guard, _ in _running]
        _end_politely([psutil.Process(process.pid) for process in forks if process not in guards])
        for guard, server in _running:
            guard.kill()
            server.kill()
            server.wait(GRACE)


def _start(process: ForkServerProcess) -> None:
    # Told of the main script of this process, a fork would run it, to know the names in it.
    main = vars(sys.modules["__main__"])
    with _starting:
        told: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
        main.update(dict.fromkeys(told))
        try:
            process.start()
        finally:
            main.update(told)


def fork(function: Callable[..., object], *arguments: Any, tied: bool = True) -> tuple[ForkServerProcess, Connection]:
    """A process that calls `function(connection, *arguments)`, and our end of that connection.

    Args:
        tied: on Linux, the system kills it when the server ends; otherwise it sees for itself that its connection ends.

    Raises:
        WorkshopError: the server ended meanwhile.
    """
    warm_up()
    ours, theirs = Pipe()
    with theirs:
        process = _context.Process(target=_stand_alone, args=(tied, function, theirs, *arguments))
        try:
            _start(process)
        except (OSError, EOFError):
            ours.close()
            raise WorkshopError("A process could not be started: the fork server has ended.", "try again") from None
    return process, ours


def _stand_alone(tied: bool, function: Callable[..., object], *arguments: Any) -> None:
    """In each fork: signals to whoever started it do not reach it, and what it prints goes nowhere."""
    os.setsid()
    _to(os.open(os.devnull, os.O_RDWR))
    if tied:
        die_with_parent()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    gc.freeze()  # what was imported after the packages
    gc.enable()
    function(*arguments)


def await_imports(waiting: Callable[[float], None]) -> None:
    """Returns when the server can fork at once; `waiting` as in `call`.

    Raises:
        WorkshopError: the packages were not imported in time.
    """
    began = time.monotonic()
    warm_up()
    while not ready():
        time.sleep(0.1)
        waiting(time.monotonic() - began)
        if time.monotonic() - began > IMPORT:
            raise WorkshopError("The packages were not imported within a minute.", "try again, or: workshop doctor")


def call(function: Callable[..., object], *arguments: Any, seconds: float, waiting: Callable[[float], None]) -> Any:
    """What `function(answer, *arguments)`, in a process of its own, answers: it calls `answer(object)`, which ends it.

    Meanwhile `waiting` is called now and then, with the seconds that have passed.

    Raises:
        TimeoutError: it took longer than `seconds` of `Patience`, and was ended.
        ChildProcessError: it ended without an answer. Holds the exit code.
        WorkshopError: it could not be started.
    """
    process, connection = fork(_answer, function, arguments)
    began, patience = time.monotonic(), Patience(seconds)
    with connection:
        try:
            while not connection.poll(0.2):
                waiting(time.monotonic() - began)
                if patience.left <= 0:
                    raise TimeoutError
            return connection.recv()
        except (EOFError, ConnectionResetError):
            code = _exit_code(process, SETTLE)
            if code == LOST:
                raise WorkshopError("The check could not be made: the fork server has ended.", "try again") from None
            raise ChildProcessError(code) from None
        finally:
            end(process)


def _answer(connection: Connection, function: Callable[..., object], arguments: Sequence[Any]) -> None:
    def answer(found: object) -> NoReturn:
        connection.send(found)
        os._exit(0)  # at once, whatever still runs here

    function(answer, *arguments)


def end(process: ForkServerProcess) -> None:
    """SIGKILL, for it and for what it has started."""
    assert process.pid
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    _exit_code(process, SETTLE)


def send_signal(pid: int, signum: signal.Signals) -> None:
    """To a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signum)


class _Fork:
    """A forked process as `subprocess.Popen` has one: only the server, its parent, learns how it ended."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process

    def poll(self) -> int | None:
        return _exit_code(self._process, 0)

    def wait(self, timeout: float | None = None) -> int:
        code = _exit_code(self._process, timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code


def _exit_code(process: ForkServerProcess, seconds: float | None) -> int | None:
    """How it ended; None if it has not within so many seconds."""
    wait([process.sentinel], seconds)
    # An end is read once. Whoever starts a process looks for ends, too: two threads that read one get half of it each.
    with _starting:
        return process.exitcode


# Scripts.


@dataclass(frozen=True)
class Job:
    """A script to run in its folder, with these words on its command line, this environment and this log."""

    script: Path
    arguments: tuple[str, ...]
    env: dict[str, str]
    log: Path


def start(script: Path, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> Program:
    """Starts a script in its folder; its output goes to `log`. On Linux it ends with this process.

    Raises:
        OSError: the log cannot be opened.
        WorkshopError: it could not be started.
    """
    fresh_log(log).close()
    # Python reads some variables as it starts: with others than the server has, all starts anew.
    cold = not WARM or _python_variables(env) != _python_variables(_server_env or os.environ)
    process, connection = fork(_run, Job(script, tuple(arguments), dict(env), log), cold)
    with connection:
        if cold:  # until it has become another program, its command line is not its own
            connection.poll(IMPORT)
    assert process.pid
    # A fork keeps the server's command line.
    return adopt(process.pid, _command(script, arguments) if cold else None, _Fork(process), log)


def _python_variables(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith("PYTHON") and name not in TOLD}


def _command(script: Path, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-u", script.name, *arguments]


def _run(connection: Connection, job: Job, cold: bool) -> NoReturn:
    if not cold:
        become(job)
    _redirect(job)
    os.set_inheritable(connection.fileno(), False)
    os.execve(sys.executable, _command(job.script, job.arguments), job.env)


def become(job: Job, tell: Callable[[BaseException | None], None] = lambda _: None) -> NoReturn:
    """In a fork: becomes what `python -u script arguments > log` would be. `tell` is called with what it raised."""
    _redirect(job)
    os.environ.clear()
    os.environ.update(job.env)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    sys.dont_write_bytecode = bool(job.env.get("PYTHONDONTWRITEBYTECODE"))
    sys.argv = [job.script.name, *job.arguments]
    sys.path.insert(0, str(job.script.parent))
    main = ModuleType("__main__")
    main.__file__ = str(job.script)
    sys.modules["__main__"] = main
    try:
        exec(compile(job.script.read_bytes(), job.script, "exec"), vars(main))
        tell(None)
    except BaseException as error:
        tell(error)
        if isinstance(error, SystemExit):
            if isinstance(error.code, str):  # told before what atexit runs has its say
                print(error.code, file=sys.stderr)
                sys.exit(1)
            raise
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename != str(job.script):
            trace = trace.tb_next  # a learner sees only what `python script` would show
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        if isinstance(error, KeyboardInterrupt):
            atexit._run_exitfuncs()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        sys.exit(1)
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out
    sys.exit()


def _redirect(job: Job) -> None:
    _to(os.open(os.devnull, os.O_RDONLY), os.open(job.log, os.O_WRONLY))
    os.chdir(job.script.parent)


def _to(source: int, target: int | None = None) -> None:
    """Leads standard input, output and errors to opened files."""
    for number in (0, 1, 2):
        os.dup2(source if number == 0 or target is None else target, number)
