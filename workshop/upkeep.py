"""What `workshop up`, `down` and `status` do and say in a terminal."""

import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from workshop.catalogue import EMBEDDED, FIRST_EXERCISE, LAB
from workshop.processes import Record
from workshop.services import Services
from workshop.settings import Settings, is_local

Say = Callable[[str], None]
INTERRUPTED = 130  # exit code, as of a program that Ctrl+C ended
NOT_ALL_UP = 3  # exit code of `status`


def up(settings: Settings, say: Say, lab: bool, detach: bool) -> int:
    """Starts what does not run yet, prints the addresses and, unless `detach`, stays until it is told to stop.

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
            for line in _welcome(services, names, started):
                say(line)
            if detach or not started:
                return 0
            what = " and ".join(services.known[name].title for name in started)
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
                say("All stopped." if len(started) == len(names) else f"Stopped {what}.")
            return 0


def down(settings: Settings, say: Say) -> int:
    """Stops what `up` started. Returns the exit code: 0, also when nothing was running."""
    services = Services(settings, say)
    stopped = services.stop()
    if stopped:
        say(f"Stopped {', '.join(services.known[name].title for name in stopped)}.")
    else:
        say("Nothing to stop: no service of this workshop is running.")
    return 0


def status(settings: Settings, say: Say) -> int:
    """Tells how each service is and which model, weather and Temporal server programs will use.

    Returns the exit code: 0 when the Temporal server and the practice services are well, else 3.
    """
    services = Services(settings)
    code = 0
    for name, service in services.known.items():
        state = services.state(name)
        if not state.healthy and name in EMBEDDED:
            code = NOT_ALL_UP
        how = f"running, pid {state.record.pid}" if state.record and state.healthy else state.trouble
        say(f"{service.heading:<23}{how:<22}{state.record.link if state.record else ''}".rstrip())
    for line in _choices(settings):
        say(line)
    return code


def command(name: str) -> str:
    """How to call `workshop NAME` from the shell that called us: with its path, unless this environment is active."""
    here = Path(sys.executable).parent
    found = shutil.which("workshop")
    return f"workshop {name}" if found and Path(found).parent == here else f".venv/bin/workshop {name}"


def _welcome(services: Services, names: list[str], started: list[str]) -> Iterator[str]:
    settings = services.settings
    links = {name: record.link for name in names if (record := services.record(name))}
    if not started:
        yield "All is up already; nothing was started."
    yield ""
    yield f"Temporal server    {settings.temporal_port} on this machine"
    yield f"Temporal web UI    {links.get('temporal', '')}"
    yield f"Practice console   {links.get('practice', '')}"
    if LAB in names:
        yield f"JupyterLab         {links.get(LAB, '')}"
    yield from ["", *_choices(settings), ""]
    if LAB in names:
        yield f"Begin at the JupyterLab link: it opens {FIRST_EXERCISE}."
    else:
        yield f"Begin with {FIRST_EXERCISE}, in your own editor or notebook."
    if command("") != "workshop ":
        yield "In each further terminal first: source .venv/bin/activate"


def _choices(settings: Settings) -> Iterator[str]:
    """What programs will talk to, as far as settings decide it. Nothing of the key is in it."""
    if settings.mode == "practice":
        yield "Model                  the practice model (practice mode); no API key is needed"
    else:
        whose = "OpenAI (openai mode)" if settings.mode == "openai" else f"{settings.mode} (OPENAI_BASE_URL)"
        yield f"Model                  {whose}; API key: {settings.key}"
    practice_weather = is_local(settings.weather_api_url, settings.practice_port)
    weather = settings.weather_api_url or "https://api.weather.gov, the real service"
    yield f"Weather                {'practice' if practice_weather else weather}"
    if not is_local(f"http://{settings.temporal_address}", settings.temporal_port):
        yield f"Temporal for programs  {settings.temporal_address} (TEMPORAL_ADDRESS), not the server started here"
    env_file = settings.root / ".env"
    there = "" if env_file.exists() else ", not there: `make workshop` writes it"
    yield f"Settings               {env_file}{there}"


def _stay(services: Services, started: list[str], say: Say) -> int:
    """Watches the services until all of them have ended. Returns the exit code: 1 if one ended by itself."""
    code = 0
    watched: dict[str, Record] = {name: record for name in started if (record := services.record(name))}
    while watched:
        time.sleep(0.3)
        for name, record in list(watched.items()):
            if record.process():
                continue
            service = services.known[name]
            fate, now = services.fate(name, record)
            if now:
                watched[name] = now
                continue
            del watched[name]
            if fate == "died":
                code = 1
                say(f"{service.heading}: ended unexpectedly{services.last_words(name, record)}")
                say(f"  Next: `{command('up --detach')}` in another terminal starts it again.")
            else:
                say(f"Stopped {service.title}, as another terminal asked.")
    return code


def _stop_signals() -> list[signal.Signals]:
    return [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Makes SIGTERM and a closed terminal what Ctrl+C is: a KeyboardInterrupt."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for number in before:  # the stop, once begun, goes on undisturbed: its grace time bounds it
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
