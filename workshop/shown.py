"""What a person is shown, in two forms: HTML for a notebook, and lines of text for a terminal.

Both are made of the same blocks, so they say the same. The HTML has no script, no style element and no picture, and
where a page drops inline styles, as GitHub does, its elements still say everything: a colour comes with a sign, and
both with a word.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import zip_longest
from typing import Any, Literal

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from workshop.text import WIDTH, printable, scrubber

Tone = Literal["", "strong", "good", "wait", "bad", "again"]

# In a terminal a colour; in a notebook an edge beside text that keeps the page's own colour, so that it can be read on
# any page. The colours are JupyterLab's, and the first ones where there is no JupyterLab.
_TERMINAL = {"": "", "strong": "bold", "good": "green", "wait": "yellow", "bad": "red", "again": "magenta"}
_EDGE = "border-left: 4px solid {}; border-left-color: var({}, {}); padding-left: 6px"
_EDGES = {
    "good": _EDGE.format("#388e3c", "--jp-success-color1", "#388e3c"),
    "wait": _EDGE.format("#f57c00", "--jp-warn-color1", "#f57c00"),
    "bad": _EDGE.format("#d32f2f", "--jp-error-color1", "#d32f2f"),
    "again": _EDGE.format("#0097a7", "--jp-info-color1", "#0097a7"),
}
GAP = "  "  # between two columns in a terminal
ROOM = 36  # columns that the widest column of a table needs in a terminal; with less, the table becomes a list
IN_LINES = 400  # characters of a text that a terminal shows; a notebook folds away what is longer
IN_HTML = 4000  # and shows as much of it as this
IN_A_LINE = 14  # characters that a page keeps in a line
ADDRESS = re.compile(r"""(https?://[^\s<>"']+[^\s<>"'.,;:!?)\]}…])""")
UNBROKEN = 20  # characters of a word after which a page may break it, beside the places where a call or a query begins


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
    """Rows of cells; in a narrow terminal a list."""

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Folded:
    """Items that a notebook folds away behind their summary."""

    summary: str
    items: Sequence[Item]


@dataclass(frozen=True)
class Code:
    """Lines of code, their spaces kept, each with its tone."""

    lines: Sequence[tuple[str, Tone]]


Block = Item | Table | Folded | Code


class Shown:
    """Blocks, shown to a person. No key of the environment is in either form."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = blocks

    @property
    def blocks(self) -> Sequence[Block]:
        return self._blocks

    def html(self) -> str:
        """For a notebook, well-formed."""
        form = _Html()
        return f"<div>{''.join(form.block(block) for block in self.blocks)}</div>"

    def lines(self, width: int) -> list[str]:
        """For a terminal of that many columns. Only an address may be longer than a line."""
        return [text.plain.rstrip() for text in self._texts(width)]

    def __str__(self) -> str:
        return "\n".join(self.lines(WIDTH))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": str(self)}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text in self._texts(options.max_width):
            text.no_wrap, text.overflow = True, "ignore"  # an address stays whole
            yield text

    def _texts(self, width: int) -> Iterator[Text]:
        form = _Plain()
        for block in self.blocks:
            yield from form.block(block, width)


class _Form:
    """What both forms do to a text before it is shown."""

    def __init__(self) -> None:
        self._scrub = scrubber(os.environ)

    def clean(self, text: str, length: int) -> str:
        """Its lines, without keys, control characters and spaces that say nothing; cut where it is too long."""
        lines = (" ".join(line.split()) for line in printable(self._scrub(text[: 8 * length])).splitlines())
        whole = "\n".join(line for line in lines if line)
        return whole if len(whole) <= length and len(text) <= 8 * length else f"{whole[: length - 1].rstrip()}…"

    def code(self, text: str) -> str:
        """A line of code, without keys and control characters."""
        return printable(self._scrub(text)).replace("\t", "    ")


class _Html(_Form):
    def block(self, block: Block) -> str:
        if isinstance(block, Item):
            return self.item(block)
        if isinstance(block, Table):
            heads = "".join(f'<th scope="col"><div align="left">{escape(head)}</div></th>' for head in block.heads)
            rows = "".join(f"<tr>{''.join(map(self.cell, row))}</tr>" for row in block.rows)
            return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        if isinstance(block, Folded):
            inside = "".join(map(self.item, block.items))
            return f"<details><summary>{self.words(block.summary)}</summary>{inside}</details>"
        lines = (f'<span style="{_EDGES.get(tone, "")}">{escape(self.code(line))}</span>' for line, tone in block.lines)
        return f'<pre style="white-space: pre-wrap; word-break: normal">{"<br/>".join(lines)}</pre>'

    def cell(self, cell: Cell) -> str:
        # Else a cell's text stands in its middle, and in JupyterLab, but for `align`, on its right.
        return f'<td valign="top" style="vertical-align: top">{"".join(map(self.item, cell))}</td>'

    def item(self, item: Item) -> str:
        label = f"<strong>{self.words(item.label)}:</strong> " if item.label else ""
        text = self.clean(item.text, IN_HTML)
        inside = label + self.words(text)
        if len(text) > IN_LINES:
            summary = f"{label}{self.words(text[: IN_LINES // 3].rpartition(' ')[0] or text[: IN_LINES // 3])}…"
            inside = f"<details><summary>{summary}</summary>{self.words(text)}</details>"
        elif item.tone == "strong":
            inside = f"<strong>{inside}</strong>"
        styles = (
            _EDGES.get(item.tone, ""),
            f"margin-left: {item.indent / 2:g}em" if item.indent else "",
            "white-space: nowrap" if len(item.label) + len(text) <= IN_A_LINE else "",
        )
        return f'<div align="left" style="{"; ".join(filter(None, styles))}">{inside}</div>'

    def words(self, text: str) -> str:
        """Escaped, with its line breaks and links, and with places where a page may break a very long word."""
        pieces = re.split(ADDRESS, self.clean(text, IN_HTML))  # by turns text and an address
        return "".join(_linked(piece) if at % 2 else _broken(piece) for at, piece in enumerate(pieces))


def _broken(text: str) -> str:
    text = re.sub(r"(?<=\w)[(?](?=\S)", "\\g<0>\0", text)
    text = re.sub(rf"[^\s\0]{{{UNBROKEN}}}(?=[^\s\0])", "\\g<0>\0", text)
    return escape(text).replace("\0", "<wbr/>").replace("\n", "<br/>")


def _linked(address: str) -> str:
    return f'<a href="{escape(address)}" style="text-decoration: underline">{_broken(address)}</a>'


class _Plain(_Form):
    def block(self, block: Block, width: int) -> Iterator[Text]:
        if isinstance(block, Item):
            yield from self.item(block, width)
        elif isinstance(block, Table):
            yield Text()
            yield from self.table(block, width)
            yield Text()
        elif isinstance(block, Folded):
            for item in (Item(block.summary), *block.items):
                yield from self.item(item, width)
        else:
            for line, tone in block.lines:
                yield from (Text(part, _TERMINAL[tone]) for part in wrapped(self.code(line), width, "    "))

    def item(self, item: Item, width: int) -> Iterator[Text]:
        margin = " " * item.indent
        label = f"{self.clean(item.label, IN_LINES)}: " if item.label else ""
        hanging = f"{margin}  " if label else margin
        for at, part in enumerate(wrapped(margin + label + self.clean(item.text, IN_LINES), width, hanging)):
            text = Text(part, _TERMINAL[item.tone])
            if at == 0:
                text.stylize("bold", len(margin), len(margin + label))
            yield text

    def table(self, table: Table, width: int) -> Iterator[Text]:
        """Its columns side by side, the widest of them wrapped; where that leaves it too little room, a list."""
        natural = [cell_len(head) for head in table.heads]
        for row in table.rows:
            for at, cell in enumerate(row):
                texts = (text for item in cell for text in self.item(item, 3 * IN_LINES))  # unwrapped
                natural[at] = max([natural[at], *(text.cell_len for text in texts)])
        widest = natural.index(max(natural))
        left = width - sum(natural) + natural[widest] - len(GAP) * (len(natural) - 1)
        if left < min(natural[widest], ROOM):
            for row in table.rows:
                yield from self.listed(row, widest, width)
            return
        widths = [min(one, left) if at == widest else one for at, one in enumerate(natural)]
        yield _beside([Text(head, "bold") for head in table.heads], widths)
        yield Text("─" * (sum(widths) + len(GAP) * (len(widths) - 1)), "dim")
        for row in table.rows:
            cells = ([text for item in cell for text in self.item(item, widths[at])] for at, cell in enumerate(row))
            for beside in zip_longest(*cells, fillvalue=Text()):
                yield _beside(beside, widths)

    def listed(self, row: Sequence[Cell], widest: int, width: int) -> Iterator[Text]:
        """The short cells of a row in a line, the long one below it."""
        short = [cell for at, cell in enumerate(row) if at != widest and cell]
        tones = [item.tone for cell in short for item in cell if item.tone in _EDGES]
        told = GAP.join(", ".join(self.clean(item.text, IN_LINES) for item in cell) for cell in short)
        for part in wrapped(told, width, GAP) if told else ():
            yield Text(part, _TERMINAL[tones[0]] if tones else "bold")
        for item in row[widest]:
            yield from self.item(replace(item, indent=item.indent + 4), width)


def _beside(texts: Sequence[Text], widths: Sequence[int]) -> Text:
    """Texts in one line, each as wide as its column."""
    return Text(GAP).join(text + " " * (width - text.cell_len) for text, width in zip(texts, widths, strict=True))


def wrapped(text: str, width: int, hanging: str = "") -> list[str]:
    """Text as lines of at most `width` columns, broken between words; each but the first begins with `hanging`.

    A word that is longer than a line is cut, but an address stays whole, so that it can be followed.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        bare = line.lstrip(" ")
        now, begun = (hanging if lines else "") + " " * (len(line) - len(bare)), False
        for word in bare.split(" "):
            more = f"{now} {word}" if begun else now + word
            if cell_len(more) <= width:
                now, begun = more, True
                continue
            if now.strip():
                lines.append(now)
            if now.strip() or len(now) > width // 2:  # a margin alone says nothing
                now = hanging
            room = width - max(len(now), len(hanging))
            *pieces, word = [word] if "://" in word else chop_cells(word, room) or [word]
            for piece in pieces:
                lines.append(now + piece)
                now = hanging
            now, begun = now + word, True
        lines.append(now)
    return lines
