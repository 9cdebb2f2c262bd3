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
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe, active_children, forkserver, get_context, parent_process, util
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import psutil  # type: ignore[import-untyped]

from workshop.errors import WorkshopError
from workshop.processes import SETTLE, Patience, Program, adopt, die_with_parent, fresh_log

# Forked scripts crash in macOS's own frameworks; there, each starts with its imports before it.
WARM = sys.platform == "linux"
IMPORT = 60.0  # seconds that the imports may take, on a busy machine
GRACE = 5.0  # seconds that programs have to end by themselves, once the process that had them started is gone
LOST = 255  # the exit code of a process where the server, which alone would know it, has ended too
PRELOAD = ["workshop.preload"]
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
        if ready() or any(thread.is_alive() for thread in _threads):
            return
        _server_env.clear()
        _server_env.update(os.environ)
        # A file beside the notebook must not be imported in place of a package, and an interrupted cell must not end
        # the server; macOS forbids to fork once certain libraries were used, unless it is told that all is well.
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
        _threads[:] = [threading.Thread(target=_begin, daemon=True)]
        _threads[0].start()


def ready() -> bool:
    """Whether the server runs, and has its imports behind it."""
    return bool(_running) and _running[0][0].is_alive()


def _begin() -> None:
    """Waits for the imports: until then nothing can be forked. The first fork is the guard."""
    with suppress(WorkshopError, OSError, EOFError, psutil.NoSuchProcess):  # whoever needs a server starts it anew
        guard, connection = fork(_guard, daemon=True)
        with connection:
            _running[:] = [(guard, psutil.Process(connection.recv()))]


def _guard(connection: Connection) -> None:
    """In a fork: when the process that started the server has ended, ends the server's children, then the server."""
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
    """Asks them to end, and kills what still runs after `GRACE` seconds. A paused one must go on first."""
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


def fork(
    function: Callable[..., object], *arguments: Any, tied: bool = True, daemon: bool = False
) -> tuple[ForkServerProcess, Connection]:
    """A process that calls `function(connection, *arguments)`, and our end of that connection.

    Args:
        tied: on Linux, the system kills it when the server ends; otherwise it sees for itself that its connection ends.
        daemon: nobody waits for it.

    Raises:
        WorkshopError: the server ended meanwhile.
    """
    warm_up()
    # Told of the main script of this process, a fork would run it, to know the names in it.
    main = vars(sys.modules["__main__"])
    ours, theirs = Pipe()
    with theirs, _starting:
        process = _context.Process(target=_stand_alone, args=(tied, function, theirs, *arguments), daemon=daemon)
        told: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
        main.update(dict.fromkeys(told))
        try:
            process.start()
        except (OSError, EOFError):
            ours.close()
            raise WorkshopError("A process could not be started: the fork server has ended.", "try again") from None
        finally:
            main.update(told)
    return process, ours


def _stand_alone(tied: bool, function: Callable[..., object], *arguments: Any) -> None:
    """In each fork: signals to whoever started it do not reach it, and what it prints goes nowhere."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
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
    """Calls `function(answer, *arguments)` in a process of its own; returns what that gives to `answer`, which ends it.

    Meanwhile `waiting` is called now and then, with the seconds that have passed.

    Raises:
        TimeoutError: it took longer than `seconds` of `Patience`, did not answer SIGUSR1 either, and was ended.
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
                    assert process.pid
                    os.kill(process.pid, signal.SIGUSR1)  # it may say what it is at
                    if not connection.poll(SETTLE):
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


def _exit_code(process: ForkServerProcess, seconds: float | None) -> int | None:
    """How it ended, which only the server, its parent, learns; None if it has not within so many seconds."""
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

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-u", self.script.name, *self.arguments]


def start(script: Path, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> Program:
    """Starts a script in its folder; its output goes to `log`. On Linux it ends with this process.

    Raises:
        OSError: the log cannot be opened.
        WorkshopError: it could not be started.
    """
    fresh_log(log).close()
    # Python reads some variables as it starts: with others than the server has, all starts anew.
    cold = not WARM or _pythons(env) != _pythons(_server_env or os.environ)
    job = Job(script, tuple(arguments), dict(env), log)
    process, connection = fork(_run, job, cold)
    with connection:
        if cold:  # until it has become another program, its command line is not its own
            connection.poll(IMPORT)
    assert process.pid
    # A fork keeps the server's command line.
    return adopt(process.pid, job.command if cold else None, partial(_exit_code, process), log)


def _pythons(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that Python itself reads as it starts, and of which a fork cannot be told later."""
    return {name: value for name, value in env.items() if name.startswith("PYTHON") and name not in TOLD}


def _run(connection: Connection, job: Job, cold: bool) -> NoReturn:
    if not cold:
        become(job)
    _redirect(job)
    os.set_inheritable(connection.fileno(), False)
    os.execve(sys.executable, job.command, job.env)


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
    log = os.open(job.log, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.chdir(job.script.parent)
