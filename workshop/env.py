"""`.env`: read as the solutions read it, and switched to another model without losing a line of the learner's."""

import io
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from dotenv.parser import Binding, parse_stream
from dotenv.variables import parse_variables

from workshop.errors import WorkshopError
from workshop.settings import HOST, Settings, host_of, is_local
from workshop.text import like_a_key

URL, KEY = "OPENAI_BASE_URL", "OPENAI_API_KEY"
TRACING, WEATHER = "OPENAI_AGENTS_DISABLE_TRACING", "WEATHER_API_URL"
MANAGED = (URL, KEY, TRACING, WEATHER)
SERVER = ADDRESS, NAMESPACE, UI = "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_UI_URL"
# They name the server, so that TEMPORAL_ADDRESS does not have to.
PROFILES = ("TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")
PRACTICE_KEY = "practice"
SAVE_AS_UTF8 = "save .env as UTF-8 (VS Code: click the encoding in the status bar, then Save with Encoding)"
# The practice services' address, also with the usual typing mistakes.
ON_THIS_MACHINE = re.compile(r"\s*(?:https?:)?/*(?:127\.0\.0\.1|localhost|\[::1\]|0\.0\.0\.0):(\d{1,5})(?:/.*)?", re.I)
BOM = "\ufeff"
# In a pasted key or address; the first that fits is the best explanation: code, pattern, words after the name.
MISTAKES = json.loads(Path(__file__).with_name("env_mistakes.json").read_text(encoding="utf-8"))
NEWLINE = re.compile(r"\r\n|\n|\r")
# An assignment that another mode needs stays in the file, as a comment that says which command brings it back.
KEPT = re.compile(r"(\s*)# workshop use (\S+):(?: |(?=[\r\n]|$))(.*)", re.DOTALL)
# Name, space, equals sign, space and the rest of an assignment.
ASSIGNMENT = re.compile(r"((?:export[^\S\r\n]+)?(?:'[^']+'|[^=#\s]+))([^\S\r\n]*)(=?)([^\S\r\n]*)(.*)", re.DOTALL)
QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)


@dataclass(eq=False)
class Statement:
    """An assignment, a comment, blank lines, or a piece that python-dotenv cannot read."""

    before: str  # blank lines and indentation
    text: str
    end: str  # the line break; "" at the end of a file without one
    line: int = 0  # where `text` begins, from 1; 0 if an edit added it
    name: str | None = None  # None: not an assignment
    value: str | None = None  # with ${NAME} filled in; None: a name without "="
    error: bool = False
    kept_for: str = ""  # of a comment that keeps an assignment: the mode that brings it back

    def keep(self, mode: str | None) -> None:
        """Comments an assignment out, to be restored for `mode`; None: for good."""
        tag = f"# workshop use {mode}: " if mode else "# "
        self.text = tag + NEWLINE.sub(lambda newline: newline[0] + tag, self.text)
        if mode:
            self.kept_for = mode
        else:
            self.name = self.value = None

    def restore(self) -> None:
        """Makes an assignment that is kept for a mode an assignment again."""
        tag = rf"(^|\r\n|\n|\r)# workshop use {re.escape(self.kept_for)}:(?: |(?=[\r\n]|$))"
        self.text, self.kept_for = re.sub(tag, r"\1", self.text), ""

    def put(self, value: str) -> None:
        """Gives an assignment another value, which needs no quotes; `export`, quotes, spaces and comment stay."""
        parts = ASSIGNMENT.fullmatch(self.text)
        assert parts, "python-dotenv has read it as an assignment"
        name, space, equals, gap, rest = parts.groups()
        if not equals or (gap and rest.startswith("#")):  # no value, so that the space belongs to the comment
            comment = space + gap + rest
            self.text = f"{name}={value}{' ' if comment.startswith('#') else ''}{comment}"
        elif quoted := QUOTED.match(rest):
            self.text = f"{name}{space}={gap}{rest[0]}{value}{rest[quoted.end() - 1 :]}"
        else:
            comment = rest[len(re.sub(r"\s+#.*", "", rest).rstrip()) :]
            self.text = f"{name}{space}={gap}{value}{comment}"
        self.value = value


@dataclass
class EnvFile:
    """The statements of one `.env`; bytes that no edit is about stay as they are."""

    head: str = ""  # byte order marks
    statements: list[Statement] = field(default_factory=list)

    @classmethod
    def parse(cls, data: bytes, environ: Mapping[str, str] | None = None) -> "EnvFile":
        """Reads `data`; `environ` fills in ${NAME}. Bytes that are not UTF-8 become surrogates, and bytes again.

        Raises:
            WorkshopError: the text is UTF-16 or UTF-32, which nothing here can read or edit.
        """
        if kind := wide_encoding(data):
            message = f".env is {kind} text, as Windows PowerShell writes it, and scripts cannot read it."
            raise WorkshopError(message, SAVE_AS_UTF8)
        text = data.decode("utf-8", "surrogateescape")
        pieces = list(parse_stream(io.StringIO(text.removeprefix(BOM), newline="")))
        # From 1.2.3 on, python-dotenv itself drops another mark.
        start = len(text) - sum(len(piece.original.string) for piece in pieces)
        file = cls(text[:start])
        values = dict[str, str | None](environ or {})
        while pieces:
            count, binding, kept_for = _first(pieces)
            string = "".join(piece.original.string for piece in pieces[:count])
            del pieces[:count]
            value = binding.value
            if value is not None:
                value = "".join(atom.resolve(values) for atom in parse_variables(value))
            if binding.key is not None and not kept_for:
                values[binding.key] = value
            end = next((end for end in ("\r\n", "\n", "\r") if string.endswith(end)), "")
            body = string.removesuffix(end)
            before = body.removesuffix(body.lstrip())
            # Counted from the beginning: python-dotenv may cut a \r\n in two.
            line = 1 + len(NEWLINE.findall(text[: start + len(before)]))
            statement = Statement(before, body.lstrip(), end, line, binding.key, value, binding.error, kept_for)
            file.statements.append(statement)
            start += len(string)
        return file

    def __str__(self) -> str:
        return self.head + "".join(each.before + each.text + each.end for each in self.statements)

    def data(self) -> bytes:
        return str(self).encode("utf-8", "surrogateescape")

    def values(self) -> dict[str, str | None]:
        """Name to value; the last assignment of a name counts."""
        return {each.name: each.value for each in self.statements if each.name is not None and not each.kept_for}

    def assignments(self, name: str, kept_for: str = "") -> list[Statement]:
        """Those that assign `name`, or would do so in the mode that they are kept for."""
        return [each for each in self.statements if (each.name, each.kept_for) == (name, kept_for)]

    def add(self, name: str, value: str) -> Statement:
        """Adds an assignment after the last line, commented out or not, that speaks of `name`, or at the end.

        A file that ends without a line break goes on doing so.
        """
        comment = re.compile(rf"#\s*(?:workshop use \S+: )?(?:export\s+)?'?{re.escape(name)}'?\s*=")
        found = self.statements
        speaks = [at for at, each in enumerate(found, 1) if each.name == name or comment.match(each.text)]
        place = speaks[-1] if speaks else len(found)
        # Not into a block that is kept for one mode.
        while 0 < place < len(found) and found[place].kept_for and found[place].kept_for == found[place - 1].kept_for:
            place += 1
        newline = NEWLINE.search(str(self))
        new = Statement("", f"{name}={value}", newline[0] if newline else "\n", name=name, value=value)
        if place and not found[place - 1].end:
            found[place - 1].end, new.end = new.end, ""
        found.insert(place, new)
        return new


def _first(pieces: list[Binding]) -> tuple[int, Binding, str]:
    """The first statement: of how many pieces, what it assigns, and the mode that it is kept for.

    A quoted value may hold line breaks, and each of its lines is a comment then.
    """
    text, mode = "", ""
    for count, piece in enumerate(pieces, 1):
        found = KEPT.fullmatch(piece.original.string)
        if not found or (count > 1 and (found[1] or found[2] != mode)):
            break
        mode = found[2]
        text += found[3]
        bindings = list(parse_stream(io.StringIO(text, newline="")))
        if len(bindings) == 1 and bindings[0].key is not None:
            return count, bindings[0], mode
    return 1, pieces[0], mode


def wide_encoding(data: bytes) -> str:
    """`UTF-16` or `UTF-32` if that is what `data` is, as Windows PowerShell's `>` writes it; else an empty text."""
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "UTF-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    mostly_nul = [half.count(0) * 5 > len(half) * 4 for half in (data[::2], data[1::2])]
    return "UTF-16" if len(data) > 3 and mostly_nul[0] != mostly_nul[1] else ""


def read(path: Path, environ: Mapping[str, str] | None = None) -> EnvFile | None:
    """The file at `path`; None if there is none.

    Raises:
        WorkshopError: it cannot be read, or is UTF-16.
    """
    try:
        return EnvFile.parse(path.read_bytes(), environ)
    except FileNotFoundError:
        return None
    except OSError as error:
        next_step = "make .env a file that you may read and write"
        raise WorkshopError(f".env cannot be read: {error.strerror}.", next_step) from None


def write(path: Path, data: bytes) -> None:
    """Replaces the file in one step, so that an interrupt or a full disk leaves the old one. Keeps mode and symlink.

    A new file is for its owner's eyes only: it will hold a key.

    Raises:
        WorkshopError: the file could not be written; the old one is untouched.
    """
    target = Path(os.path.realpath(path))
    try:
        old = target.stat() if target.exists() else None
        handle, name = tempfile.mkstemp(prefix=".env.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if old:
                os.chmod(name, stat.S_IMODE(old.st_mode))
                with suppress(OSError, AttributeError):  # another's file stays another's, where that is allowed
                    os.chown(name, old.st_uid, old.st_gid)
            os.replace(name, target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        message = f".env could not be written ({error.strerror}); it is as it was."
        raise WorkshopError(message, "see to the disk's space and the folder's permissions, then try again") from None


def effective(file: EnvFile | None, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that scripts see: the shell's over the file's, where an empty value counts as unset."""
    from_file = {name: value for name, value in file.values().items() if value} if file else {}
    return from_file | {name: value for name, value in environ.items() if value}


_loaded: dict[str, str] = {}  # what this process has put into its environment, so that it can be removed again


def load(folder: Path, environ: MutableMapping[str, str] = os.environ) -> None:
    """Adds .env to the environment, as each solution's connection.py does; again, if it was changed meanwhile.

    The shell wins over the file, an empty variable counts as unset, and where the model has an address of its own,
    traces, which would not follow it, are off.

    Raises:
        WorkshopError: the file cannot be read.
    """
    unload(environ)
    path = next((above / ".env" for above in (folder, *folder.parents) if (above / ".env").is_file()), None)
    found = effective(read(path, environ) if path else None, environ)
    if URL in found:
        found.setdefault(TRACING, "1")
    for name in [name for name, value in environ.items() if not value]:
        del environ[name]
    # No environment holds a NUL; the doctor names the line that it is in.
    _loaded.update({name: found[name] for name in found.keys() - environ.keys() if "\x00" not in name + found[name]})
    environ.update(_loaded)


def unload(environ: MutableMapping[str, str] = os.environ) -> None:
    """Leaves what the shell alone has set."""
    for name, value in _loaded.items():
        if environ.get(name) == value:
            del environ[name]
    _loaded.clear()


@dataclass(frozen=True)
class Switch:
    """What `use` did."""

    mode: str  # `practice`, `openai`, or another server's address
    weather: str  # `practice`, `real`, or `other`
    changed: list[str]  # names whose lines are not as they were
    made: bool  # there was no .env
    overridden: list[str]  # names for which the shell says something else, and wins

    def lines(self) -> Iterator[str]:
        """What a person wants to know after a switch."""
        if self.made:
            yield "Made .env from .env.example."
        model = {"practice": "the practice model", "openai": "OpenAI"}.get(self.mode, "another server")
        changed = f"Changed there: {', '.join(self.changed)}." if self.changed else "Nothing had to change."
        weather = "another weather service" if self.weather == "other" else f"the {self.weather} weather"
        yield f".env leads to {model} and {weather}. {changed}"
        if self.mode not in ("practice", "openai"):
            yield "If that server calls its models otherwise than OpenAI, add OPENAI_DEFAULT_MODEL=name to .env."
        if self.changed:
            yield "Workers that run already keep the old settings: restart them."
        if names := self.overridden:
            yield f"But the shell sets {' and '.join(names)} too, and wins over .env. Next: unset {' '.join(names)}"


def use(root: Path, mode: str, weather: str | None, environ: Mapping[str, str]) -> Switch:
    """Edits `root/.env` so that it leads to `mode`; makes it from `.env.example` if there is none.

    Args:
        mode: `practice`, `openai`, or the address of another OpenAI-compatible server; "" leaves the model as it is.
        weather: `practice` or `real`; None: the practice weather in practice mode, else the real one.

    Raises:
        WorkshopError: the address is none, or the file cannot be read or written. Nothing is changed then.
    """
    path = root / ".env"
    file = read(path, environ)
    made = file is None
    if file is None:
        stray = next((name for name in (".env.txt", "env.txt") if (root / name).is_file()), None)
        if stray:
            raise WorkshopError(f"There is no .env, but a {stray}: an editor added .txt.", f"mv {stray} .env")
        file = read(root / ".env.example", environ) or EnvFile()

    def lines() -> dict[str, list[str]]:
        names = (*MANAGED, ADDRESS, UI)
        return {name: [each.text for each in file.assignments(name)] for name in names}

    data_before, lines_before = file.data(), lines()
    settings = Settings.from_env(effective(file, environ), root)
    port = settings.practice_port
    if mode:
        url = "" if mode in ("practice", "openai") else checked(mode)
        mode = mode_of(url, port) if url else mode
        weather = weather or ("practice" if mode == "practice" else "real")
        here = mode_of(file.values().get(URL) or "", port)
        _lead(file, URL, mode, f"{settings.practice_url}/v1" if mode == "practice" else url, port, here)
        _lead(file, KEY, mode, PRACTICE_KEY if mode == "practice" else "", port, here)
        _lead(file, TRACING, mode, "" if mode == "openai" else "1", port, here)
    if weather:
        address = settings.practice_url if weather == "practice" else ""
        _lead(file, WEATHER, f"--weather={weather}", address, port, "")
    for name, wanted in forgotten(effective(file, environ), settings).items():
        if found := file.assignments(name):
            found[-1].put(wanted)
        elif not environ.get(name):
            file.add(name, wanted)
    if made or file.data() != data_before:
        write(path, file.data())
    values = file.values()
    return Switch(
        mode or mode_of(values.get(URL) or "", port),
        weather_of(values.get(WEATHER) or "", port),
        [name for name, now in lines().items() if now != lines_before[name]],
        made,
        overridden(file, environ),
    )


def _lead(file: EnvFile, name: str, mode: str, value: str, practice_port: int, here: str) -> None:
    """Leaves at most one assignment of `name`: the one that belongs to `mode`. All others are kept for theirs.

    Args:
        value: what it has to be; "" for whatever is there or kept for `mode`, or nothing.
        here: the mode before the switch; keys and tracing belong to it.
    """

    def owner(assignment: Statement, here: str = here) -> str | None:
        """The mode that an assignment belongs to; None if its value says nothing."""
        value = assignment.value or ""
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

    def means(text: str) -> bool:
        if name == TRACING:
            return is_on(text)
        address = urlsplit(value)
        here = address.hostname == HOST and is_local(text, address.port or 80, address.path)  # by its other name
        return here or text.rstrip("/") == value

    found = file.assignments(name)
    mine = next((each for each in reversed(found) if owner(each) == mode), None)
    if not mine:
        mine = next((each for each in reversed(file.assignments(name, mode)) if owner(each, mode) == mode), None)
        if mine:
            mine.restore()
    if not mine and value:
        mine = next((each for each in reversed(found) if not each.value), None) or file.add(name, value)
    if not mine and name == KEY:  # the line where the learner's key will go
        mine = next((each for each in reversed(found) if owner(each) is None), None)
    if mine and value and not means(mine.value or ""):
        mine.put(value)
    for each in file.assignments(name):
        if each is not mine:
            each.keep(owner(each))


def overridden(file: EnvFile, environ: Mapping[str, str]) -> list[str]:
    """Names of ours that the shell sets to something else than the file, and so decides."""
    values = file.values()
    names = [name for name in (*MANAGED, *SERVER) if environ.get(name) and environ[name] != values.get(name)]
    names = [name for name in names if name in MANAGED or values.get(name)]
    # A key that only the shell has is a good place for it; tracing that is off in the shell harms nobody.
    if KEY in names and not values.get(KEY):
        names.remove(KEY)
    if TRACING in names and is_on(environ[TRACING]):
        names.remove(TRACING)
    return names


def forgotten(found: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The addresses of Temporal's server and web UI that must follow, where `found` moves their ports: by variable."""
    address = found.get(ADDRESS, "")
    elsewhere = not ON_THIS_MACHINE.fullmatch(address) if address else any(name in found for name in PROFILES)
    if elsewhere:
        return {}
    moved = {
        ADDRESS: ("WORKSHOP_TEMPORAL_PORT", f"{HOST}:7233", f"{HOST}:{settings.temporal_port}"),
        UI: ("WORKSHOP_TEMPORAL_UI_PORT", f"http://{HOST}:8233", settings.ui_url),
    }
    wanted = {}
    for name, (variable, usual, value) in moved.items():
        here = ON_THIS_MACHINE.fullmatch(found.get(name, usual))
        if variable in found and here and not value.endswith(f":{here[1]}"):
            wanted[name] = value
    return wanted


def weather_of(url: str, practice_port: int) -> str:
    """`practice`, `real` or `other`: the weather service that a WEATHER_API_URL stands for."""
    if is_practice(url, practice_port):
        return "practice"
    return "real" if not url or host_of(url) == "api.weather.gov" else "other"


def mode_of(url: str, practice_port: int) -> str:
    """`practice`, `openai`, or an address without spaces: the mode that an OPENAI_BASE_URL stands for."""
    if is_practice(url, practice_port):
        return "practice"
    if host_of(url) == "api.openai.com":
        return "openai"
    # A comment is not a value: some dialects read `NAME= # text` as one.
    bare = "" if url.startswith("#") else url.strip().rstrip("/")
    return quote(bare.encode("utf-8", "surrogateescape"), safe=":/[]@%+,=~&;!*") or "openai"


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
    example = f"workshop use practice | openai | https://server.example/v1; a key goes into .env, as {KEY}"
    if like_a_key(url):
        message = "That looks like a key, and it stands in your shell's history now."
        raise WorkshopError(message, f"keys go into .env, as {KEY}; revoke this one if others read your history")
    if wrong := address_mistake(url):
        raise WorkshopError(f"That is neither a mode nor an address: it {wrong[1]}.", example)
    if not re.fullmatch(r"[\w.:/@%+,=\[\]~-]+", url, re.ASCII):
        raise WorkshopError("That address has a character that does not belong there.", example)
    if ending := request_path(url):
        raise WorkshopError(f"That address ends in {ending}, which the client adds itself.", "leave that ending out")
    return url.rstrip("/")


def mistake(value: str, kind: str = "any") -> tuple[str, str] | None:
    """What cannot be right in a key or an address: a code, and words that follow "OPENAI_API_KEY"; None: nothing."""
    for code, pattern, words in MISTAKES[kind]:
        if re.match(pattern, value, re.DOTALL):
            return code, words
    return None


def address_mistake(url: str) -> tuple[str, str] | None:
    """What cannot be right in an http address: a code, and words that follow the variable's name; None: nothing."""
    if like_a_key(url):
        return "is-key", "holds a key, not an address"
    if wrong := mistake(url):
        return wrong
    try:
        _ = urlsplit(url).port
    except ValueError:
        return "malformed", "has a host or port that is malformed"
    return mistake(url, "http")


def request_path(url: str) -> str:
    """The path of one request, such as `/responses`, if an address wrongly ends in it."""
    match = re.search(r"/(responses|chat/completions|completions|models)/?$", url)
    return f"/{match[1]}" if match else ""
