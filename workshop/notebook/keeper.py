"""Starts a notebook's programs, and sees to it that none of them outlives the kernel, however that ends.

    python -u -P -m workshop.notebook.keeper NUMBER

It has imported the packages of that exercise, and a program is forked from it: that starts at once, where
`python worker.py` spends seconds on imports. In all else the two are alike: a process, a group and an exit code of its
own.

Requests: {"script": path, "arguments": [...], "log": path, "env": null} -> {"pid": 123}. With an environment in "env",
which the packages were not imported with, it is `python script` that starts. {"code": 123} -> {"code": 0}, or null
while that program runs. {"module": name, "arguments": [...]}, with a channel -> {"pid": 123}, of a fork that is
`python -m name arguments` at the other end of that channel.
"""

import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from workshop.checks.packages import import_packages
from workshop.checks.programs import die_with_parent
from workshop.companion import answers, requests

# Forked children crash in macOS's own frameworks; there, every program starts as `python script`.
WARM = sys.platform == "linux"
GRACE = 5.0  # seconds that programs have to end by themselves, once the kernel is gone


@dataclass(frozen=True)
class Job:
    """What to run: see the module."""

    script: str
    arguments: list[str]
    log: str
    env: dict[str, str] | None


def serve() -> Callable[[], NoReturn] | None:
    """Serves until the kernel is gone, ends all that still runs, and returns None. In a fork: what that is to do."""
    out = answers()
    codes: dict[int, int | None] = {}  # of each program; None while it runs
    for request in requests(idle=lambda: _reap(codes)):
        _reap(codes)
        if "code" in request:
            answer = {"code": codes.get(request["code"])}
        else:
            task = partial(become, Job(**request)) if "script" in request else partial(accompany, **request)
            pid = os.fork()
            if pid == 0:
                out.close()
                return task
            with suppress(OSError):  # it has done so itself
                os.setpgid(pid, pid)
            if "channel" in request:
                os.close(request["channel"])
            codes[pid] = None
            answer = {"pid": pid}
        print(json.dumps(answer), file=out)
    deadline = time.monotonic() + GRACE
    for end in (signal.SIGTERM, signal.SIGKILL):
        for pid in _reap(codes):
            os.kill(pid, end)
        while _reap(codes) and time.monotonic() < deadline:
            time.sleep(0.05)
    return None


def _reap(codes: dict[int, int | None]) -> list[int]:
    """Notes how programs ended; returns those that run."""
    for pid, code in codes.items():
        if code is None and (ended := os.waitpid(pid, os.WNOHANG))[0]:
            codes[pid] = os.waitstatus_to_exitcode(ended[1])
    return [pid for pid, code in codes.items() if code is None]


def accompany(module: str, arguments: list[str], channel: int) -> NoReturn:
    """In a fork: is from now on what `python -m module arguments` would be."""
    _stand_alone()
    for number in (0, 1):
        os.dup2(channel, number)
    os.close(channel)
    sys.argv = [module, *arguments]
    importlib.import_module(module).main()
    sys.exit()


def _stand_alone() -> None:
    with suppress(OSError):  # the keeper has done so
        os.setpgid(0, 0)
    die_with_parent()


def become(job: Job) -> NoReturn:
    """In a fork: is from now on what `python -u script arguments > log` would be."""
    _stand_alone()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(job.log, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(log, number)
    script = Path(job.script)
    os.chdir(script.parent)
    if job.env is not None:
        os.execve(sys.executable, [sys.executable, "-u", script.name, *job.arguments], job.env)
    gc.enable()
    sys.argv = [script.name, *job.arguments]
    sys.path.insert(0, str(script.parent))
    main = ModuleType("__main__")
    main.__file__ = job.script
    sys.modules["__main__"] = main
    try:
        exec(compile(script.read_bytes(), job.script, "exec"), vars(main))
    except Exception as error:
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename != job.script:
            trace = trace.tb_next  # a learner sees only what `python script` would show
        traceback.print_exception(error.with_traceback(trace))
        sys.exit(1)
    sys.exit()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted cell ends no program
    if WARM:
        import_packages(sys.argv[1])
    if task := serve():
        task()
