"""Which model and which weather `.env` leads to, and switching without losing a line of the learner's."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from workshop import envfile
from workshop.envfile import EnvFile
from workshop.errors import WorkshopError
from workshop.settings import HOST, Settings, is_local

URL, KEY = "OPENAI_BASE_URL", "OPENAI_API_KEY"
TRACING, WEATHER = "OPENAI_AGENTS_DISABLE_TRACING", "WEATHER_API_URL"
MANAGED = (URL, KEY, TRACING, WEATHER)
PRACTICE_KEY = "practice"
OPENAI_HOST = "api.openai.com"
# The practice services' address, also as it gets mistyped.
ON_THIS_MACHINE = re.compile(r"\s*(?:https?:)?/*(?:127\.0\.0\.1|localhost|\[::1\]|0\.0\.0\.0):(\d{1,5})(?:/.*)?", re.I)


@dataclass(frozen=True)
class Switch:
    """What `use` did."""

    mode: str  # `practice`, `openai`, or another server's address
    weather: str  # `practice` or `real`
    changed: list[str]  # names whose lines are not as they were
    made: bool  # there was no .env
    overridden: list[str]  # names for which the shell says something else, and wins


def use(root: Path, mode: str, weather: str | None, environ: Mapping[str, str]) -> Switch:
    """Edits `root/.env` so that it leads to `mode`; makes it from `.env.example` if there is none.

    Args:
        mode: `practice`, `openai`, or the address of another OpenAI-compatible server; "" leaves the model as it is.
        weather: `practice` or `real`; None: the practice weather in practice mode, else the real one.

    Raises:
        WorkshopError: the address is none, or the file cannot be read or written. Nothing is changed then.
    """
    path = root / ".env"
    file = envfile.read(path, environ)
    made = file is None
    if file is None:
        stray = next((name for name in (".env.txt", "env.txt") if (root / name).is_file()), None)
        if stray:
            raise WorkshopError(f"There is no .env, but a {stray}: an editor added .txt.", f"mv {stray} .env")
        file = envfile.read(root / ".env.example", environ) or EnvFile(environ=environ)
    before = file.data()
    was = _lines(file)
    settings = Settings.from_env(effective(file, environ), root)
    port = settings.practice_port
    if mode:
        url = "" if mode in ("practice", "openai") else checked(mode)
        label = mode_of(url, port) if url else mode
        weather = weather or ("practice" if label == "practice" else "real")
        _lead_model(file, label, f"{settings.practice_url}/v1" if label == "practice" else url, port)
    else:
        label = current(file, port)
    if weather:
        _lead(file, WEATHER, f"--weather={weather}", settings.practice_url if weather == "practice" else "", port)
    if made or file.data() != before:
        envfile.write(path, file.data())
    changed = [name for name, lines in _lines(file).items() if lines != was[name]]
    return Switch(label, weather_of(file, port), changed, made, overridden(file, environ))


def told(switch: Switch) -> Iterator[str]:
    """What a person wants to know after a switch."""
    if switch.made:
        yield "Made .env from .env.example."
    model = {"practice": "the practice model", "openai": "OpenAI"}.get(switch.mode, "another server")
    changed = f"Changed there: {', '.join(switch.changed)}." if switch.changed else "Nothing had to change."
    yield f".env leads to {model} and the {switch.weather} weather. {changed}"
    if switch.mode not in ("practice", "openai"):
        yield "If that server calls its models otherwise than OpenAI, add OPENAI_DEFAULT_MODEL=name to .env."
    if switch.changed:
        yield "Workers that run already keep the old settings: restart them."
    if names := switch.overridden:
        yield f"But the shell sets {' and '.join(names)} too, and wins over .env. Next: unset {' '.join(names)}"


def effective(file: EnvFile | None, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that scripts see: the shell's over the file's, where an empty value counts as unset."""
    from_file = {name: value for name, value in file.values().items() if value} if file else {}
    return from_file | {name: value for name, value in environ.items() if value}


def overridden(file: EnvFile, environ: Mapping[str, str]) -> list[str]:
    """Names of ours that the shell sets to something else than the file, and so decides."""
    values = file.values()
    names = [name for name in MANAGED if environ.get(name) and environ[name] != values.get(name)]
    # A key that only the shell has is a good place for it; tracing that is off in the shell harms nobody.
    if KEY in names and not values.get(KEY):
        names.remove(KEY)
    if TRACING in names and is_on(environ[TRACING]):
        names.remove(TRACING)
    return names


def current(file: EnvFile, practice_port: int) -> str:
    """The mode that the file alone leads to."""
    return mode_of(file.values().get(URL) or "", practice_port)


def weather_of(file: EnvFile, practice_port: int) -> str:
    """`practice` or `real`, as the file alone leads to."""
    return "practice" if is_practice(file.values().get(WEATHER) or "", practice_port) else "real"


def mode_of(url: str, practice_port: int) -> str:
    """`practice`, `openai`, or an address without spaces: the mode that an OPENAI_BASE_URL stands for."""
    if is_practice(url, practice_port):
        return "practice"
    # A comment is not a value: some dialects read `NAME= # text` as one.
    if url.startswith("#") or _host(url) == OPENAI_HOST:
        return "openai"
    bare = url.strip().rstrip("/").encode("utf-8", "surrogateescape")
    return quote(bare, safe=":/[]@%+,=~&;!*") or "openai"


def is_practice(text: str, practice_port: int) -> bool:
    """Whether `text` is meant to be an address of the practice services, perhaps mistyped."""
    match = ON_THIS_MACHINE.fullmatch(text.strip())
    return bool(match and int(match[1]) in (8234, practice_port))


def is_on(text: str) -> bool:
    """Whether the Agents SDK reads this OPENAI_AGENTS_DISABLE_TRACING as yes."""
    return text.lower() in ("1", "true")


def checked(url: str) -> str:
    """The address of an OpenAI-compatible server, without its last slash.

    Raises:
        WorkshopError: it is not well-formed. The message never repeats it: it may be a key.
    """
    example = "workshop use practice | openai | https://server.example/v1"
    if re.match(r"(sk|pk|gsk|hf|xai)[-_]|AIza", url):
        message = "That looks like a key, and it stands in your shell's history now."
        raise WorkshopError(message, f"keys go into .env, as {KEY}; revoke this one if others read your history")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WorkshopError("That is not an address: its host or port is malformed.", example) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise WorkshopError("That is neither a mode nor an address: these begin with https:// or http://.", example)
    if parts.username is not None or "?" in url or "#" in url:
        message = "An address here holds no user, password, ? or #: the client would send it wrongly."
        raise WorkshopError(message, f"{example}; its key goes into .env, as {KEY}")
    if not re.fullmatch(r"[\w.:/@%+,=\[\]~-]+", url, re.ASCII):
        raise WorkshopError("That address has a character that does not belong there.", example)
    if ending := request_path(url):
        raise WorkshopError(f"That address ends in {ending}, which the client adds itself.", "leave that ending out")
    return url.rstrip("/")


def request_path(url: str) -> str:
    """The path of one request, such as `/responses`, if an address wrongly ends in it."""
    match = re.search(r"/(responses|chat/completions|completions|models)/?$", url)
    return f"/{match[1]}" if match else ""


def _lead_model(file: EnvFile, label: str, url: str, practice_port: int) -> None:
    here = current(file, practice_port)  # asked before the edits change it
    _lead(file, URL, label, url, practice_port, here)
    _lead(file, KEY, label, PRACTICE_KEY if label == "practice" else "", practice_port, here)
    _lead(file, TRACING, label, "" if label == "openai" else "1", practice_port, here)


def _lead(file: EnvFile, name: str, label: str, value: str, practice_port: int, here: str = "") -> None:
    """Leaves at most one assignment of `name`: the one that belongs to `label`. All others are stashed.

    Args:
        value: what it has to be; "" for whatever is there or stashed for `label`, or nothing.
        here: the mode before the switch; keys and tracing belong to it.
    """

    def belongs(index: int) -> str | None:
        return _owner(name, file.statements[index].value or "", practice_port, here)

    mine = [index for index in file.assignments(name) if belongs(index) == label]
    kept = [kept for kept in file.stashes(name, label) if _owner(name, kept.value, practice_port, label) == label]
    if not mine and kept:
        file.restore(kept[-1], name)
        mine = [kept[-1].start]
    if not mine and value:
        mine = [index for index in file.assignments(name) if not file.statements[index].value]
        mine = mine or [file.add(name, value)]
    if not mine and name == KEY:  # the line where the learner's key will go
        mine = [index for index in file.assignments(name) if belongs(index) is None]
    keep = mine[-1] if mine else None
    if keep is not None and value and not _means(name, file.statements[keep].value or "", value):
        file.put(keep, value)
    for index in reversed(file.assignments(name)):
        if index != keep:
            file.stash(index, belongs(index))


def _owner(name: str, value: str, practice_port: int, here: str) -> str | None:
    """The mode that an assignment belongs to; None if its value says nothing."""
    if not value or value.startswith("#"):
        return None
    if name == URL:
        return mode_of(value, practice_port)
    if name == WEATHER:
        return "--weather=practice" if is_practice(value, practice_port) else "--weather=real"
    if name == KEY:
        # A real key beside the practice address was meant for OpenAI.
        return "practice" if value == PRACTICE_KEY else ("openai" if here == "practice" else here)
    return here if value.lower() in ("0", "1", "false", "true", "no", "yes") else None


def _means(name: str, text: str, value: str) -> bool:
    if name == TRACING:
        return is_on(text)
    address = urlsplit(value)
    here = address.hostname == HOST and is_local(text, address.port or 80, address.path)  # by its other name
    return here or text.rstrip("/") == value


def _lines(file: EnvFile) -> dict[str, list[str]]:
    return {name: [file.statements[index].text for index in file.assignments(name)] for name in MANAGED}


def _host(url: str) -> str:
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""
