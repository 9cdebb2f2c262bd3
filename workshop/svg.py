"""Pictures as SVG: elements, lines of text, a legend, a page in light and dark, and the image that a page shows.

A picture stands in an `<img>`, where no page's style reaches it: it has a background of its own, and follows the
browser's light or dark scheme. Colour says nothing that a shape, a pattern or a letter does not say too.
"""

import base64
from collections.abc import Iterable, Sequence
from html import escape

from workshop.shown import Shown
from workshop.text import printable, shorten

WIDTH, EDGE = 520, 12  # units of the SVG
SIZE = 13  # of text
# Lines of a square of 8 units: each worker has its own.
HATCHES = ("", "M0 8L8 0", "M0 0L8 8", "M4 0V8", "M0 4H8", "M0 8L8 0M0 0L8 8")
PATTERNS = len(HATCHES)
# Classes -> what they set, and its colour on a light page and on a dark one.
COLOURS = {
    ".page,.hollow": ("fill", "#fff", "#0d1117"),
    ".halo": ("stroke", "#fff", "#0d1117"),
    ".page,.grid": ("stroke", "#d1d9e0", "#3d444d"),
    ".ink": ("fill", "#1f2328", "#e6edf3"),
    ".edge,.hatch": ("stroke", "#1f2328", "#e6edf3"),
    ".dim": ("fill", "#59636e", "#9198a1"),
    ".line": ("stroke", "#59636e", "#9198a1"),
    ".good": ("fill", "#1a7f37", "#3fb950"),
    ".warn": ("fill", "#9a6700", "#d29922"),
    ".bad": ("fill", "#cf222e", "#ff7b72"),
    ".badline": ("stroke", "#cf222e", "#ff7b72"),
    ".w": ("fill", "#d8dee4", "#3d444d"),
    ".w0": ("fill", "#9cd0ff", "#1158a7"),
    ".w1": ("fill", "#ffc680", "#8a4600"),
    ".w2": ("fill", "#d8b9ff", "#6639ba"),
    ".w3": ("fill", "#9fe0d0", "#13625d"),
    ".w4": ("fill", "#ffb8c6", "#8e2a47"),
    ".w5": ("fill", "#d9dd7f", "#5c5f12"),
}


def tag(name: str, *inside: str, **attributes: object) -> str:
    """An element. `class_` becomes `class`, `stroke_width=2` becomes `stroke-width="2"`; numbers get one decimal."""
    texts = {key: f"{round(value, 1):g}" if isinstance(value, float) else value for key, value in attributes.items()}
    given = "".join(f' {key.strip("_").replace("_", "-")}="{text}"' for key, text in texts.items())
    return f"<{name}{given}>{''.join(inside)}</{name}>" if inside else f"<{name}{given}/>"


def wide(text: str, size: int = SIZE, bold: bool = False) -> float:
    """How many units a text takes, about: nobody knows which font the browser has."""
    return len(text) * size * (0.66 if bold else 0.56)


def fits(units: float, size: int = SIZE, bold: bool = False) -> int:
    """How many characters have room in so many units."""
    return max(int(units / wide("x", size, bold)), 1)


def clean(text: str) -> str:
    """For XML: escaped, without what is no character of it."""
    return escape("".join(c for c in printable(text) if c not in "\ufffe\uffff"))


def words(x: float, y: float, text: str, style: str = "ink", **more: object) -> str:
    """A line of text; `style` are classes."""
    return tag("text", clean(text), x=x, y=y, class_=style, **more)


def flow(items: Sequence[tuple[str, str]], y: float, left: float = EDGE, right: float = WIDTH) -> tuple[str, float]:
    """Items of a legend, each a drawing at (0, 0) and its words, in as many lines as they need; and where they end."""
    drawn, x = "", left
    for sign, text in items:
        size = 22 + wide(text, 12) + 10
        if x + size > right and x > left:
            x, y = left, y + 19
        told = words(22, 4, text, "dim", font_size=12)
        drawn += tag("g", sign, told, transform=f"translate({x:.1f} {y:.1f})")
        x += size
    return drawn, y + 19


def page(body: Iterable[str], height: float, spoken: str, workers: int = 0) -> str:
    """The whole of a picture: its parts on a page of its own, readable in both schemes."""
    light = "".join(f"{classes}{{{what}:{colour}}}" for classes, (what, colour, _) in COLOURS.items())
    dark = "".join(f"{classes}{{{what}:{colour}}}" for classes, (what, _, colour) in COLOURS.items())
    more = ".line{fill:none}.over{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}"
    patterns = []
    for at, hatch in enumerate(HATCHES[:workers]):
        square = tag("rect", class_=f"w{at}", width=8, height=8)
        lines = tag("path", d=hatch, class_="hatch", stroke_opacity="0.45", fill="none")
        patterns.append(tag("pattern", square, lines, id=f"p{at}", width=8, height=8, patternUnits="userSpaceOnUse"))
    band = tag("path", d="M0 7L7 0", class_="badline", stroke_opacity=0.7)
    patterns.append(tag("pattern", band, id="nobody", width=7, height=7, patternUnits="userSpaceOnUse"))
    return tag(
        "svg",
        tag("title", clean(spoken)),
        tag("style", f"{light}@media (prefers-color-scheme: dark){{{dark}}}{more}"),
        tag("defs", *patterns),
        tag("rect", class_="page", x=0.5, y=0.5, width=WIDTH - 1, height=height - 1, rx=6),
        *body,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        width=WIDTH,
        height=round(height),
        viewBox=f"0 0 {WIDTH} {height:.0f}",
        font_family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif",
        font_size=SIZE,
    )


def image(svg: str, spoken: str) -> str:
    """A picture for a page: GitHub and untrusted notebooks show an image, and no SVG of the page's own."""
    data = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    return tag("img", width=660, style="max-width:100%;height:auto", alt=clean(spoken), src=data)


class Picture(Shown):
    """Something that is shown with a picture before it. As text, a terminal has it in lines of at least 60 columns."""

    def svg(self) -> str:
        raise NotImplementedError

    @property
    def spoken(self) -> str:
        """What the picture shows, in sentences: its alternative text."""
        raise NotImplementedError

    def page(self) -> str:
        title = clean(shorten(self.spoken, 100))
        head = '<meta charset="utf-8"/><meta name="viewport" content="width=device-width"/>'
        head += '<meta name="color-scheme" content="light dark"/>'
        head += "<style>body{font-family:system-ui;margin:1em}h1{font-size:1.1em}</style>"
        body = f"<main><h1>{title}</h1>{self.html()}</main>"
        return f'<!doctype html>\n<html lang="en"><head>{head}<title>{title}</title></head><body>{body}</body></html>\n'

    def html(self) -> str:
        """The picture, and below it the same as text."""
        details = f"<details><summary>The same as text</summary>{super().html()}</details>"
        return f"<div>{image(self.svg(), self.spoken)}{details}</div>"
