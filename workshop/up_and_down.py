"""What `workshop up`, `down` and `status` do and say in a terminal."""

import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from workshop.processes import Program
from workshop.services import EMBEDDED, FIRST_EXERCISE, LAB, Services
from workshop.settings import HOST, Settings
from workshop.text import Say

INTERRUPTED = 130  # exit code, as of a program that Ctrl+C ended
NOT_ALL_UP = 3  # exit code of `status`
STOP_SIGNALS = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def up(settings: Settings, say: Say, uses: Sequence[str], lab: bool, detach: bool) -> int:
    """Starts what does not run yet, prints the addresses and, unless `detach`, stays until it is told to stop.

    Args:
        uses: lines on the model, the weather and the server that programs will use.

    Returns the exit code.

    Raises:
        WorkshopError: something stands in the way; nothing that this call started is left running.
    """
    services = Services(settings, say)
    names = [*EMBEDDED, LAB] if lab else list(EMBEDDED)
    started: list[str] | None = None
    with _signals_interrupt():
        try:
            started = services.start(names)
            what = "all" if len(started) == len(names) else " and ".join(services.known[name].title for name in started)
            for line in _welcome(services, uses, names, started):
                say(line)
            if detach or not started:
                return 0
            say(f"Ctrl+C here, or `{command('down')}` in another terminal, stops {what}.")
            return _stay(services, started, say)
        except KeyboardInterrupt:
            if started is None:
                say("\nStopped before all was up. What had been started is stopped again.")
                return INTERRUPTED
            with suppress(OSError):  # the terminal may be gone
                say("\nStopping ...")
            services.stop(started, wait=True)
            with suppress(OSError):
                say(f"Stopped {what}.")
            return 0


def down(settings: Settings, say: Say) -> None:
    """Stops what `up` started."""
    services = Services(settings, say)
    stopped = services.stop()
    if stopped:
        say(f"Stopped {' and '.join(services.known[name].title for name in stopped)}.")
    else:
        say("Nothing to stop: no service of this workshop is running.")


def status(settings: Settings, say: Say, uses: Sequence[str]) -> int:
    """Tells how each service is and what programs will use; `uses` are lines on model, key, weather and server.

    Returns the exit code: 0 when the Temporal server and the practice services are well, else 3.
    """
    services = Services(settings)
    code = 0
    for name, service in services.known.items():
        program, trouble = services.look(name)
        if trouble and name in EMBEDDED:
            code = NOT_ALL_UP
        how = f"running, pid {program.pid}" if program and not trouble else trouble
        say(f"{service.heading:<23}{how:<22}{program.link if program else ''}".rstrip())
    env_file = settings.root / ".env"
    say(f"{'Settings':<23}{env_file}" + ("" if env_file.exists() else ", not there: `make workshop` writes it"))
    for line in uses:
        say(line)
    return code


def command(name: str) -> str:
    """How to call `workshop NAME` from the shell that called us: with its path, unless this environment is active."""
    here = Path(sys.executable).parent
    found = shutil.which("workshop")
    return f"workshop {name}" if found and Path(found).parent == here else f".venv/bin/workshop {name}"


def _welcome(services: Services, uses: Sequence[str], names: list[str], started: list[str]) -> Iterator[str]:
    settings = services.settings
    links = {name: program.link for name in names if (program := services.running(name))}
    if not started:
        yield "All is up already; nothing was started."
    yield ""
    yield f"Temporal server    {HOST}:{settings.temporal_port}"
    yield f"Temporal web UI    {links.get('temporal', '')}"
    yield f"Practice console   {links.get('practice', '')}"
    if LAB in names:
        yield f"JupyterLab         {links.get(LAB, '')}"
    yield from ["", *uses, ""]
    if LAB in names:
        yield f"Begin at the JupyterLab link: it opens {FIRST_EXERCISE}."
    else:
        yield f"Begin with {FIRST_EXERCISE}, in your own editor or notebook."
    if command("") != "workshop ":
        yield "In each further terminal first: source .venv/bin/activate"


def _stay(services: Services, started: list[str], say: Say) -> int:
    """Watches the services until all of them have ended. Returns the exit code: 1 if one ended by itself."""
    code = 0
    watched: dict[str, Program] = {name: program for name in started if (program := services.noted(name))}
    while watched:
        time.sleep(0.3)
        for name, program in list(watched.items()):
            if program.running:
                continue
            service, now = services.known[name], services.settled(name)
            if now and now.pid != program.pid:  # another command has started it again
                watched[name] = now
                continue
            del watched[name]
            if now:
                code = 1
                say(f"{service.heading}: ended unexpectedly{services.last_words(name, program)}")
                say(f"  Next: `{command('up --detach')}` in another terminal starts it again.")
            else:
                say(f"Stopped {service.title}, as another terminal asked.")
    return code


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Makes SIGTERM and a closed terminal what Ctrl+C is: a KeyboardInterrupt."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for number in before:  # the stop, once begun, goes on undisturbed: its grace time bounds it
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
