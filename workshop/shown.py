"""What a person is shown, and its two forms: HTML for a notebook, and lines of text for a terminal.

Both are made of the same blocks, so they hold the same. The HTML needs no script and no style: where a page drops
inline styles, as GitHub does, its elements still say everything. A colour comes with a sign, and both with a word.
"""

import os
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import zip_longest
from typing import Any, Literal

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from workshop.text import WIDTH, printable, scrubber

Tone = Literal["", "good", "wait", "bad", "again", "strong", "quiet"]

_TERMINAL = {
    "good": "green",
    "wait": "yellow",
    "bad": "red",
    "again": "magenta",
    "strong": "bold",
    "quiet": "dim",
    "": "",
}
# A coloured edge beside text in the page's own colour: readable on any page. JupyterLab's colours where there are some.
_EDGES = {
    "good": "var(--jp-success-color1, #388e3c)",
    "wait": "var(--jp-warn-color1, #f57c00)",
    "bad": "var(--jp-error-color1, #d32f2f)",
    "again": "var(--jp-info-color1, #0097a7)",
}
_CELL = 'style="vertical-align: top"'  # in JupyterLab it would be the middle, and its text on the right
GAP = "  "  # between two columns in a terminal
IN_LINES = 400  # characters of a text that a terminal shows
IN_HTML = 4000  # and a notebook, which folds what is longer than the next
UNFOLDED = 250
UNBROKEN = 60  # characters of a word after which a page may break it
ROOM = 36  # columns that the widest column of a table needs in a terminal; with less, it is a list


@dataclass(frozen=True)
class Item:
    """A text with its label, if any. Its line breaks are kept."""

    text: str
    label: str = ""
    tone: Tone = ""
    indent: int = 0  # columns


Cell = Sequence[Item]  # one below the other


@dataclass(frozen=True)
class Table:
    """A table; in a narrow terminal a list."""

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Folded:
    """Lines that a notebook folds away behind their summary."""

    summary: str
    lines: Sequence[Item]


@dataclass(frozen=True)
class Code:
    """Lines of code, their spaces kept."""

    lines: Sequence[Item]


Block = Item | Table | Folded | Code


class Shown:
    """Blocks, shown to a person. No key of the environment is in either form."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks

    def html(self) -> str:
        """For a notebook: well-formed, with no script, no style element and no picture."""
        return f"<div>{''.join(_Html().block(block) for block in self.blocks)}</div>"

    def lines(self, width: int = WIDTH) -> list[str]:
        """For a terminal of that many columns. Only an address may be longer than a line."""
        return [text.plain.rstrip() for text in self._texts(width)]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": str(self)}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text in self._texts(options.max_width):
            text.overflow, text.no_wrap = "ignore", True  # an address stays whole
            yield text

    def _texts(self, width: int) -> Iterator[Text]:
        plain = _Plain()
        for block in self.blocks:
            yield from plain.block(block, width)


class _Form:
    """What both forms do to a text before it is shown."""

    def __init__(self) -> None:
        self._scrub = scrubber(os.environ)

    def clean(self, text: str, length: int) -> str:
        """Its lines, without keys, control characters and spaces that say nothing; cut where it is too long."""
        some = printable(self._scrub(text[: 8 * length]))
        lines = (" ".join(line.split()) for line in some.splitlines())
        whole = "\n".join(line for line in lines if line)
        return whole if len(whole) <= length and len(text) <= 8 * length else f"{whole[: length - 1].rstrip()}…"

    def code(self, text: str) -> str:
        """A line of code, without keys and control characters."""
        return printable(self._scrub(text)).replace("\t", "    ")


class _Html(_Form):
    def block(self, block: Block) -> str:
        if isinstance(block, Item):
            return self.line(block)
        if isinstance(block, Table):
            heads = "".join(f'<th scope="col"><div align="left">{head}</div></th>' for head in block.heads)
            rows = "".join(f"<tr>{''.join(map(self.cell, row))}</tr>" for row in block.rows)
            return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        if isinstance(block, Folded):
            inside = "".join(map(self.line, block.lines))
            return f"<details><summary>{self.words(block.summary)}</summary>{inside}</details>"
        return f"<pre>{'<br/>'.join(self.toned(escape(self.code(line.text)), line.tone) for line in block.lines)}</pre>"

    def cell(self, cell: Cell) -> str:
        return f"<td {_CELL}>{''.join(map(self.line, cell))}</td>"

    def line(self, line: Item) -> str:
        label = f"<strong>{self.words(line.label)}:</strong> " if line.label else ""
        text = self.clean(line.text, IN_HTML)
        inside = label + self.words(text)
        if len(text) > UNFOLDED:
            first = f"{label}{self.words(text[: UNFOLDED // 2])}…"
            inside = f"<details><summary>{first}</summary>{self.words(text)}</details>"
        indent = f' style="padding-left: {line.indent / 2:g}em"' if line.indent else ""
        return f'<div align="left"{indent}>{self.toned(inside, line.tone)}</div>'

    def words(self, text: str) -> str:
        """Escaped, with its line breaks, and with places where a page may break a very long word."""
        lines = []
        for line in self.clean(text, IN_HTML).split("\n"):
            words = (textwrap.wrap(word, UNBROKEN) for word in line.split(" "))
            lines.append(" ".join("<wbr/>".join(map(escape, pieces)) for pieces in words))
        return "<br/>".join(lines)

    def toned(self, html: str, tone: Tone) -> str:
        if tone == "strong":
            return f"<strong>{html}</strong>"
        edge = _EDGES.get(tone)
        return f'<span style="border-left: 4px solid {edge}; padding-left: 6px">{html}</span>' if edge else html


class _Plain(_Form):
    def block(self, block: Block, width: int) -> Iterator[Text]:
        if isinstance(block, Item):
            yield from self.line(block, width)
        elif isinstance(block, Table):
            yield Text()
            yield from self.table(block, width)
            yield Text()
        elif isinstance(block, Folded):
            for line in (Item(block.summary), *block.lines):
                yield from self.line(line, width)
        else:
            for line in block.lines:
                for part in wrapped(self.code(line.text), width, "    "):
                    yield Text(part, _TERMINAL[line.tone])

    def line(self, line: Item, width: int) -> Iterator[Text]:
        margin = " " * line.indent
        label = f"{self.clean(line.label, IN_LINES)}: " if line.label else ""
        hanging = margin + "  " * bool(label)
        for at, part in enumerate(wrapped(margin + label + self.clean(line.text, IN_LINES), width, hanging)):
            text = Text(part, _TERMINAL[line.tone])
            if at == 0:
                text.stylize("bold", len(margin), len(margin + label))
            yield text

    def table(self, table: Table, width: int) -> Iterator[Text]:
        """Its columns side by side, the widest of them wrapped; where that leaves it too little room, a list."""
        natural = [cell_len(head) for head in table.heads]
        for row in table.rows:
            for at, cell in enumerate(row):
                texts = (text for line in cell for text in self.line(line, 2 * IN_LINES))
                natural[at] = max([natural[at], *(text.cell_len for text in texts)])
        widest = natural.index(max(natural))
        left = width - sum(natural) + natural[widest] - len(GAP) * (len(natural) - 1)
        if left < min(natural[widest], ROOM):
            for row in table.rows:
                yield from self.listed(row, widest, width)
            return
        widths = [min(one, left) for one in natural]
        yield _beside([Text(head, "bold") for head in table.heads], widths)
        yield Text("─" * (sum(widths) + len(GAP) * (len(widths) - 1)), "dim")
        for row in table.rows:
            cells = (
                [text for line in cell for text in self.line(line, room)]
                for cell, room in zip(row, widths, strict=True)
            )
            for beside in zip_longest(*cells, fillvalue=Text()):
                yield _beside(beside, widths)

    def listed(self, row: Sequence[Cell], widest: int, width: int) -> Iterator[Text]:
        """The short cells of a row in a line, the long one below it."""
        short = [cell for at, cell in enumerate(row) if at != widest and cell]
        tones: list[Tone] = [line.tone for cell in short for line in cell if line.tone in _EDGES]
        told = GAP.join(", ".join(self.clean(line.text, IN_LINES) for line in cell) for cell in short)
        for part in wrapped(told, width, GAP):
            yield Text(part, _TERMINAL[tones[0]] if tones else "bold")
        for line in row[widest]:
            yield from self.line(replace(line, indent=line.indent + 4), width)


def _beside(texts: Sequence[Text], widths: Sequence[int]) -> Text:
    """Texts in one line, each as wide as its column."""
    return Text(GAP).join(text + " " * (width - text.cell_len) for text, width in zip(texts, widths, strict=True))


def wrapped(text: str, width: int, hanging: str = "") -> list[str]:
    """Text as lines of at most `width` columns, broken between words; those that it did not have begin with `hanging`.

    A word that is longer than a line is cut, but an address stays whole, so that it can be followed.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        bare = line.lstrip(" ")
        now, begun = f"{hanging if lines else ''}{' ' * (len(line) - len(bare))}", False
        for word in bare.split(" "):
            more = f"{now} {word}" if begun else now + word
            if cell_len(more) <= width:
                now, begun = more, True
                continue
            if now.strip():
                lines.append(now)
                now = hanging
            *pieces, word = [word] if "://" in word else chop_cells(word, width - len(hanging)) or [word]
            for piece in pieces:
                lines.append(now + piece)
                now = hanging
            now, begun = now + word, True
        lines.append(now)
    return lines
