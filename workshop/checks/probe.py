"""The process that looks at learners' files: imports the heavy packages once, then forks for each check.

    python -u -P -m workshop.checks.probe [NUMBER]

Request: {"number": "03", "name": "activity", "folder": "...", "seconds": 20}, or {"practice": true} for the address
of its practice services. Answer: a verdict's fields, or {"practice": "http://..."}, or, when our own part of it
failed, {"trouble": what happened, "next": what to do}.
"""

import asyncio
import contextlib
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from workshop.checks import find
from workshop.checks.bench import Bench, verdict_of
from workshop.checks.packages import import_packages
from workshop.checks.programs import Spares, die_with_parent
from workshop.checks.stage import Stage
from workshop.checks.verdict import Check, Verdict
from workshop.companion import answers, requests
from workshop.errors import WorkshopError


def main() -> None:
    """Serves until its input or its parent ends."""
    out = answers()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted cell is no reason to end
    _clean_environment()
    import_packages(*sys.argv[1:])
    scratch = Path(tempfile.mkdtemp(prefix="workshop-checks-"))
    stage = Stage(scratch)
    try:
        for request in requests():
            try:
                answer = (
                    {"practice": stage.practice_url()} if "practice" in request else _verdict(request, stage, scratch)
                )
            except WorkshopError as error:
                answer = trouble(error)
            print(json.dumps(answer), file=out)
    finally:
        stage.close()
        shutil.rmtree(scratch, ignore_errors=True)


def trouble(error: WorkshopError) -> dict[str, Any]:
    """The answer when a check could not be made."""
    return {"trouble": error.message, "next": error.next_step}


def _clean_environment() -> None:
    """A learner's settings, .env and proxies do not reach the checks."""
    import dotenv
    import dotenv.main

    for name in list(os.environ):
        if name.startswith(("OPENAI_", "TEMPORAL_", "WEATHER_", "CODESPACE")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    for module in (dotenv, dotenv.main):
        setattr(module, "dotenv_values", lambda *_, **__: {})  # noqa: B010
        setattr(module, "load_dotenv", lambda *_, **__: False)  # noqa: B010


def _verdict(request: dict[str, Any], stage: Stage, scratch: Path) -> dict[str, Any]:
    """Looks, in a process forked for it, which is ended after so many seconds whatever it does."""
    check = find(request["number"], request["name"])
    practice_url = stage.practice_url()
    address = stage.address() if check.temporal else ""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        _look(check, Path(request["folder"]), practice_url, address, scratch, write)
    os.close(write)
    try:
        text = _read_all(read, time.monotonic() + request["seconds"])
    finally:
        os.close(read)
        # With it go the scripts that it runs: all are in its group.
        for end in (os.killpg, os.kill):
            with contextlib.suppress(OSError):
                end(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    if text is None:
        seen = f"Your code was still busy after {request['seconds']} s."
        return asdict(Verdict("raised", "no-end", seen, "Does it wait for ever, or sleep with time.sleep()?"))
    if not text:
        seen = f"Python itself ended while your code ran (exit code {os.waitstatus_to_exitcode(status)})."
        return asdict(Verdict("raised", "ended", seen, "Does your code call exit() or os._exit()?"))
    return dict(json.loads(text))


def _read_all(source: int, deadline: float) -> bytes | None:
    """All that comes until the other end is closed; None if that takes too long, or our input ends meanwhile."""
    data = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        ready = select.select([source], [], [], min(left, 0.5))[0]
        if not ready:
            continue
        piece = os.read(source, 65536)
        if not piece:
            return data
        data += piece


def _look(check: Check, folder: Path, practice_url: str, address: str, scratch: Path, write: int) -> NoReturn:
    """The forked process: looks, writes its verdict, ends at once."""
    os.setpgid(0, 0)
    die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.dont_write_bytecode = True
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    spares = Spares(folder, check.programs, scratch, write)
    bench = Bench(folder, practice_url, address, spares)
    os.environ.update(bench.env)

    def done(answer: dict[str, Any]) -> NoReturn:
        with os.fdopen(write, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)

    async def look() -> NoReturn:
        try:
            done(asdict(await verdict_of(check, bench)))
        except WorkshopError as error:
            done(trouble(error))

    asyncio.run(look())
    os._exit(1)


if __name__ == "__main__":
    main()
