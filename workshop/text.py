"""Text for people: times, counts, long texts in a line, and data that neither moves a cursor nor shows a key."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Say = Callable[[str], None]  # prints a line
WIDTH = 110  # columns, where nobody knows how wide a terminal is
SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD")
HIDDEN = "(hidden)"
# By their prefix, as providers give them out; by the words before them, as servers quote them.
LIKE_A_KEY = (
    re.compile(r"\b(sk|pk|gsk)-[\w*.…-]{4,}"),
    re.compile(r"\b(?:(?:xai|nvapi|pplx|csk)-|(?:hf|gsk|r8|fw|ghp|tgp_v1)_|AIza)[\w*-]{16,}"),
    re.compile(r"(?i)(?:(?<=bearer )|(?<=api key: )|(?<=api-key: )|(?<=api_key: )|(?<=provided: ))[\w*.+/=-]{12,}"),
)


def like_a_key(text: str) -> bool:
    """Whether a text begins as the keys of known providers do."""
    return any(pattern.match(text) for pattern in LIKE_A_KEY[:2])


def printable(text: str) -> str:
    """Text whose control characters are spelled out: data must not move the cursor or break a page."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", lambda c: c[0].encode("unicode_escape").decode(), text)


def shorten(text: str, length: int = 300) -> str:
    """Text in one line, its control characters spelled out, its end replaced by an ellipsis where it is too long."""
    line = " ".join(printable(text[: 8 * length]).split())
    return line if len(line) <= length and len(text) <= 8 * length else f"{line[: length - 1].rstrip()}…"


def scrub(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Text without any key: neither a variable's value, nor what looks like one."""
    return scrubber(environ)(text)


def scrubber(environ: Mapping[str, str]) -> Callable[[str], str]:
    """What does the same to many texts, and looks at the variables once."""
    # "practice" is no secret.
    keys = [value for name, value in environ.items() if SECRET.search(name) and len(value) > 8]

    def scrubbed(text: str) -> str:
        for key in keys:
            text = text.replace(key, HIDDEN)
        for pattern in LIKE_A_KEY:
            text = pattern.sub(HIDDEN, text)
        return text

    return scrubbed


def span(seconds: float) -> str:
    """A length of time: 0.25 s, 12.3 s, 3 min 5 s, 2 h 3 min, 1 d 4 h."""
    if seconds < 0.995:
        return f"{max(seconds, 0):.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, part, part_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {part_unit}"
    return f"{whole // 60} min {whole % 60} s"


def count(number: int, word: str) -> str:
    """1 model call, 2 model calls."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


class Printed:
    """A result that was printed where it was made: a notebook whose cell ends with it does not print it once more."""

    def _ipython_display_(self) -> None: ...


@dataclass(frozen=True)
class Advice:
    """What to do, in two forms: a notebook's cell does what a terminal's command does. `+` joins it with plain text."""

    terminal: str
    notebook: str

    def __str__(self) -> str:
        return self.terminal

    def __add__(self, more: str) -> "Advice":
        return Advice(self.terminal + more, self.notebook + more)

    def __radd__(self, before: str) -> "Advice":
        return Advice(before + self.terminal, before + self.notebook)


def told(text: str | Advice, notebook: bool) -> str:
    """A text in the form for a terminal or for a notebook."""
    return text.notebook if notebook and isinstance(text, Advice) else str(text)
