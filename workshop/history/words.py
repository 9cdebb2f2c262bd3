"""Text for people: lengths of time, counts, and data that cannot move a cursor."""

import re


def printable(text: str) -> str:
    """Text whose control characters are spelled out: data must not move the cursor or break a page."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", lambda c: c[0].encode("unicode_escape").decode(), text)


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
