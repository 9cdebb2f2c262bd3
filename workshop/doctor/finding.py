"""What the doctor looks at, and what it says.

`findings.json` has all that it can say: by code, or code/variant, the level, the message and the one next step.
"""

import json
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workshop import env
from workshop.env import EnvFile
from workshop.errors import WorkshopError
from workshop.settings import Settings

Level = Literal["ok", "warning", "problem"]
TABLE = json.loads(Path(__file__).with_name("findings.json").read_text(encoding="utf-8"))

UNREADABLE = re.compile("[\x00\udc80-\udcff]")  # bytes that are not UTF-8 stand as surrogates


@dataclass(frozen=True)
class Finding:
    """One thing that is well or not. Holds no secret: no value of a variable is ever repeated, only its shape."""

    level: Level
    code: str  # short name of the check's outcome, such as `key-placeholder`
    message: str  # what happened, and why
    next_step: str = ""
    line: int | None = None  # in .env, from 1

    @property
    def what(self) -> str:
        """The message, after the line that it speaks of."""
        return f".env line {self.line}: {self.message}" if self.line else self.message

    def __str__(self) -> str:
        return f"{self.what}\n  Next: {self.next_step}" if self.next_step else self.what


def finding(row: str, line: int | None = None, level: Level | None = None, code: str = "", **words: Any) -> Finding:
    """A row of `findings.json`, with `words` for its braces; `level` and `code` replace the row's."""
    usual, message, next_step = TABLE["findings"][row]
    code = code or row.partition("/")[0]
    return Finding(level or usual, code, message.format(**words), next_step.format(**words), line)


@dataclass(frozen=True)
class Facts:
    """One reading of the checkout and the environment, for all checks."""

    root: Path
    shell: Mapping[str, str]
    file: EnvFile  # empty if there is none, or none that can be read
    missing: bool  # there is no .env
    unreadable: WorkshopError | None
    env: Mapping[str, str]  # what scripts see: the shell's variables over the file's, without empty ones
    settings: Settings  # a wrong port counts as unset here
    quick: bool  # no wait, and no look beyond this machine
    python: tuple[int, ...] = tuple(sys.version_info[:3])
    prefix: Path = field(default_factory=lambda: Path(sys.prefix))
    now: float = field(default_factory=time.time)

    @classmethod
    def gather(cls, root: Path, environ: Mapping[str, str], quick: bool = False) -> "Facts":
        """Reads `.env` and the variables. Never fails for what is in them."""
        file, unreadable = None, None
        try:
            file = env.read(root / ".env", environ)
        except WorkshopError as error:
            unreadable = error
        seen = env.effective(file, environ)
        settings = Settings.from_env(seen, root, strict=False)
        missing = file is None and unreadable is None
        return cls(root, environ, file or EnvFile(), missing, unreadable, seen, settings, quick)

    @property
    def mode(self) -> str:
        """`practice`, `openai`, or another server's address; never to be printed in the third case."""
        return env.mode_of(self.env.get(env.URL, ""), self.settings.practice_port)

    @property
    def readable(self) -> bool:
        """Whether scripts can read .env, if there is one."""
        return not self.unreadable and not UNREADABLE.search(str(self.file))

    @property
    def script_folders(self) -> list[Path]:
        """Where scripts and notebooks stand, below the checkout."""
        tops = [self.root / "exercises", self.root / "solutions"]
        return sorted(folder for top in tops for pattern in ("*/", "going_further/*/") for folder in top.glob(pattern))

    @property
    def patience(self) -> float:
        """Seconds to wait for one answer."""
        return 0.2 if self.quick else 3

    @property
    def weather(self) -> str:
        """`practice`, `real` or `other`."""
        return env.weather_of(self.env.get(env.WEATHER, ""), self.settings.practice_port)

    def line(self, name: str) -> int | None:
        """The line of .env that decides `name`; None if the shell or nobody does."""
        found = [] if self.shell.get(name) else self.file.assignments(name)
        return found[-1].line if found else None

    def place(self, name: str) -> str:
        """Where to fix `name`."""
        if line := self.line(name):
            return f"in line {line} of .env"
        return "in the shell, which wins over .env" if self.shell.get(name) else "in .env"

    def finding(self, row: str, name: str = "", line: int | None = None, **words: Any) -> Finding:
        """As `finding`, of the variable `name`, wherever it is set, or of a line of .env.

        The words include its {name}, its {place}, and the way {back} to the practice services: against the shell,
        editing .env does not help.
        """
        command = "workshop use --weather practice" if name == env.WEATHER else "workshop use practice"
        back = f"unset {name}" if self.shell.get(name) else command
        return finding(row, line or self.line(name), **{"name": name, "place": self.place(name), "back": back} | words)
