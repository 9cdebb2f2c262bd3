"""`.env`: read as python-dotenv reads it, edited so that each byte stays that the edit does not speak of."""

import io
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from dotenv.parser import Binding, parse_stream
from dotenv.variables import parse_variables

from workshop.errors import WorkshopError

BOM = "\ufeff"
NEWLINE = re.compile(r"\r\n|\n|\r")
# An assignment that another mode needs stays in the file, as a comment that says which command brings it back.
STASHED = re.compile(r"# workshop use (\S+):(?: (.*))?")
# A value that python-dotenv reads back as it is, quoted or not.
PLAIN = re.compile(r"[^\s'\"`#$\\]+", re.ASCII)


@dataclass(frozen=True)
class Statement:
    """An assignment, a comment, blank lines, or a piece that python-dotenv cannot read.

    `before + text + end` is what stands in the file.
    """

    before: str  # blank lines and indentation
    text: str
    end: str  # the line break; "" at the end of a file without one
    line: int = 0  # where `text` begins, from 1; 0 for a statement that an edit added
    name: str | None = None  # None: not an assignment
    value: str | None = None  # with ${NAME} filled in; None: a name without "="
    error: bool = False

    @property
    def label(self) -> str | None:
        """Of a stashed line: the mode that it is kept for."""
        match = None if self.name or self.error else STASHED.fullmatch(self.text)
        return match[1] if match else None

    @property
    def stashed(self) -> str:
        """Of a stashed line: the text that it keeps."""
        match = STASHED.fullmatch(self.text)
        return (match[2] or "") if match else ""


@dataclass(frozen=True)
class Stash:
    """An assignment kept for another mode, in `count` statements from `start` (a quoted value may hold line breaks)."""

    start: int
    count: int
    value: str


@dataclass
class EnvFile:
    """The statements of one `.env`."""

    head: str = ""  # the byte order mark, if there is one
    statements: list[Statement] = field(default_factory=list)
    environ: Mapping[str, str] = field(default_factory=dict)

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
        head = BOM if text.startswith(BOM) else ""
        text = text.removeprefix(BOM)
        bindings = list(parse_stream(io.StringIO(text, newline="")))
        # From 1.2.3 on, python-dotenv itself drops another mark.
        head += text[: len(text) - sum(len(binding.original.string) for binding in bindings)]
        file = cls(head, [], environ or {})
        seen: dict[str, str | None] = {}
        line = 1
        for string, binding in _whole_lines(bindings):
            end = next((end for end in ("\r\n", "\n", "\r") if string.endswith(end)), "")
            body = string.removesuffix(end)
            before = body[: len(body) - len(body.lstrip())]
            line += len(NEWLINE.findall(before))
            value = _filled_in(binding.value, {**file.environ, **seen})
            if binding.key is not None:
                seen[binding.key] = value
            file.statements.append(Statement(before, body.lstrip(), end, line, binding.key, value, error=binding.error))
            line += len(NEWLINE.findall(body.lstrip() + end))
        return file

    def data(self) -> bytes:
        """The file's bytes."""
        pieces = [statement.before + statement.text + statement.end for statement in self.statements]
        return (self.head + "".join(pieces)).encode("utf-8", "surrogateescape")

    def values(self) -> dict[str, str | None]:
        """Name to value; the last assignment of a name counts."""
        return {statement.name: statement.value for statement in self.statements if statement.name is not None}

    def assignments(self, name: str) -> list[int]:
        """Indices of the statements that assign `name`."""
        return [index for index, statement in enumerate(self.statements) if statement.name == name]

    def stashes(self, name: str, label: str) -> list[Stash]:
        """Assignments of `name` kept for the mode `label`."""
        found = []
        index = 0
        while index < len(self.statements):
            count, binding = self._stashed_at(index, label)
            if binding and binding.key == name:
                above = EnvFile(statements=self.statements[:index]).values()
                value = _filled_in(binding.value, {**self.environ, **above}) or ""
                found.append(Stash(index, count, value))
            index += count
        return found

    def _stashed_at(self, index: int, label: str) -> tuple[int, Binding | None]:
        """How many statements from `index` keep one assignment for `label`, and that; (1, None) if they do not."""
        text = ""
        for count, statement in enumerate(self.statements[index:], 1):
            if statement.label != label or (count > 1 and statement.before):
                break
            text += statement.stashed + statement.end
            bindings = list(parse_stream(io.StringIO(text, newline="")))
            if len(bindings) == 1 and bindings[0].key is not None:
                return count, bindings[0]
        return 1, None

    def stash(self, index: int, label: str | None) -> None:
        """Comments an assignment out, to be restored for the mode `label`; None: for good."""
        tag = f"# workshop use {label}: " if label else "# "
        old = self.statements[index]
        lines = [tag + line for line in NEWLINE.split(old.text)]
        breaks = [*NEWLINE.findall(old.text), old.end]
        self.statements[index : index + 1] = [
            Statement("" if n else old.before, line, end)
            for n, (line, end) in enumerate(zip(lines, breaks, strict=True))
        ]

    def restore(self, stash: Stash, name: str) -> None:
        """Makes a stashed assignment an assignment again."""
        old = self.statements[stash.start : stash.start + stash.count]
        text = "".join(piece.stashed + piece.end for piece in old).removesuffix(old[-1].end)
        new = Statement(old[0].before, text, old[-1].end, name=name, value=stash.value)
        self.statements[stash.start : stash.start + stash.count] = [new]

    def put(self, index: int, value: str) -> None:
        """Gives an assignment another value; `export`, quotes, spaces and comment stay.

        Raises:
            WorkshopError: `value` would have to be quoted.
        """
        if not PLAIN.fullmatch(value):
            raise WorkshopError("A value with spaces, quotes, #, $ or \\ cannot be set here.", "write it into .env")
        old = self.statements[index]
        if old.value == value:
            return
        match = re.match(r"((?:export[^\S\r\n]+)?(?:'[^']+'|[^=#\s]+))([^\S\r\n]*)(=?)([^\S\r\n]*)", old.text)
        assert match, "python-dotenv has read it as an assignment"
        name, space, equals, gap = match.groups()
        rest = old.text[match.end() :]
        quoted = re.match(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", rest, re.DOTALL)
        if not equals or (gap and rest.startswith("#")):
            comment = f"{space}{gap}{rest}"
            text = f"{name}={value}{' ' if comment.startswith('#') else ''}{comment}"
        elif quoted:
            text = f"{name}{space}={gap}{rest[0]}{value}{rest[0]}{rest[quoted.end() :]}"
        else:
            comment = rest[len(re.sub(r"\s+#.*", "", rest).rstrip()) :]
            text = f"{name}{space}={gap}{value}{comment}"
        self.statements[index] = replace(old, text=text, value=value)

    def add(self, name: str, value: str) -> int:
        """Adds an assignment after the last line, commented out or not, that speaks of `name`, or at the end.

        A file that ends without a line break goes on doing so. Returns the new statement's index.
        """
        name_first = rf"(?:export\s+)?'?{re.escape(name)}'?\s*=.*"
        speaks = re.compile(rf"(?:# workshop use \S+: |#\s*)?{name_first}", re.DOTALL)
        places = [index for index, old in enumerate(self.statements) if not old.error and speaks.fullmatch(old.text)]
        place = places[-1] + 1 if places else len(self.statements)
        # Not into the middle of a stashed value that holds line breaks.
        while 0 < place < len(self.statements) and self.statements[place].label:
            if self.statements[place].label != self.statements[place - 1].label:
                break
            place += 1
        end = self.statements[place - 1].end if place else "\n"
        if not end:
            usual = next((old.end for old in self.statements if old.end), "\n")
            self.statements[place - 1] = replace(self.statements[place - 1], end=usual)
        self.statements.insert(place, Statement("", f"{name}={value}", end, name=name, value=value))
        return place


SAVE_AS_UTF8 = "save .env as UTF-8 (VS Code: click the encoding in the status bar, then Save with Encoding)"


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
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        message = f".env could not be written ({error.strerror}); it is as it was."
        raise WorkshopError(message, "see to the disk's space and the folder's permissions, then try again") from None


def _whole_lines(bindings: list[Binding]) -> Iterator[tuple[str, Binding]]:
    """Each binding with its text. A line that python-dotenv cannot read leaves half of its \\r\\n to the next."""
    strings = [binding.original.string for binding in bindings]
    for index in range(1, len(strings)):
        if strings[index - 1].endswith("\r") and strings[index].startswith("\n"):
            strings[index - 1] += "\n"
            strings[index] = strings[index][1:]
    return ((string, binding) for string, binding in zip(strings, bindings, strict=True) if string)


def _filled_in(value: str | None, env: Mapping[str, str | None]) -> str | None:
    return None if value is None else "".join(atom.resolve(env) for atom in parse_variables(value))
