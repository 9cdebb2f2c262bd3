"""Errors, what they mean, and what to do: the one table, remedies.toml, that `why`, the checks and the tests read."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from workshop.history import ChainedError
from workshop.text import Advice, shorten

AUDIT = Advice("workshop audit", "ex.audit()")
WORKER = Advice("python worker.py", "ex.worker.start()")
START_WORKER = Advice("have a worker running: python worker.py", "ex.worker.start()")
RESTART = "restart the worker; it goes on by itself"

LOOKED_AT = 5000  # characters of an error: it may be a page

# How it goes on: for a run that is open, for one that is over, and for a check.
_OPEN = {"restart": RESTART, "wait": "wait: Temporal tries again by itself", "anew": "terminate it and start again"}
_OVER = {"restart": "restart the worker and start again", "wait": "start again later", "anew": "start again"}
_CHECKED = {"restart": "check again", "wait": "check again", "anew": "check again"}


@dataclass(frozen=True)
class Remedy:
    """One error.

    In a cause and a fix, `{name}` stands for the group of that name in `pattern` or `where`. In a fix, `{restart}`,
    `{wait}` and `{anew}` stand for how it goes on, `{audit}` and `{start_worker}` for what does that in a terminal or
    in a notebook.
    """

    pattern: str  # searched in the whole chain of errors, one "Type: message" a line, outermost first
    cause: str = ""  # what happened, a sentence or two
    fix: str = ""  # what to do, without a full stop
    code: str = ""  # its stable name in a check's verdict; "" for what is not to be seen in a check
    where: str = ""  # searched in "worker.py, line 12: client = x", what raised; <name> stands for a group; "" for any
    kind: str = ""  # its stable name in a diagnosis; "" for what a diagnosis tells in the error's own words
    upstream: bool = False  # the fault is a service's, or the account's; in practice mode perhaps there on purpose
    names: Mapping[str, str] = field(default_factory=dict, compare=False)  # the groups, of an error that matched

    @property
    def why(self) -> str:
        """For a diagnosis: the cause."""
        return re.sub(r" +(?=\.(?!\.))", "", self.cause.format(**self.names))  # a group may be empty

    def next_step(self, over: bool = False) -> Advice:
        """For a diagnosis, of a run that is over or is not."""
        goes_on = {**self.names, **(_OVER if over else _OPEN)}
        return Advice(
            self.fix.format(audit=AUDIT.terminal, start_worker=START_WORKER.terminal, **goes_on),
            self.fix.format(audit=AUDIT.notebook, start_worker=START_WORKER.notebook, **goes_on),
        )

    @property
    def slip(self) -> str:
        """For a verdict: the likely slip and what to do, in sentences."""
        fix = self.fix.format(**self.names, **_CHECKED)
        return f"{self.why} {fix and f'{fix[0].upper()}{fix[1:]}.'}".strip()


_FILE = Path(__file__).with_name("remedies.toml")
REMEDIES = tuple(Remedy(**entry) for entry in tomllib.loads(_FILE.read_text(encoding="utf-8"))["remedy"])
# Cells of a notebook meet this one, too.
RUN_SYNC = next(remedy for remedy in REMEDIES if remedy.code == "run-sync-in-notebook")


def recognise(errors: Sequence[ChainedError]) -> Remedy | None:
    """The remedy for a chain of errors in a history, outermost first, its texts filled in."""
    return _first([remedy for remedy in REMEDIES if remedy.kind], "\n".join(str(error)[:LOOKED_AT] for error in errors))


def recognise_slip(text: str, where: str = "") -> Remedy | None:
    """The remedy for an error's "Type: message" that a check met, and the code that raised it, its texts filled in."""
    return _first([remedy for remedy in REMEDIES if remedy.code], text, where)


def _first(remedies: Sequence[Remedy], text: str, where: str = "") -> Remedy | None:
    for remedy in remedies:
        if not (match := re.search(remedy.pattern, text)):
            continue
        names = {name: value or "" for name, value in match.groupdict().items()}
        sought = remedy.where
        for name, value in names.items():
            sought = sought.replace(f"<{name}>", re.escape(value))
        if found := re.search(sought, where):
            names |= {name: value or "" for name, value in found.groupdict().items()}
            return replace(remedy, names={name: shorten(value, 200) for name, value in names.items()})
    return None
