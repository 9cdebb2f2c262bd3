"""The pictures of README and guides: there, small, with words; and the terminal that plays a program's lines."""

import re
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from tools import pictures
from workshop.settings import ROOT

SVG = "{http://www.w3.org/2000/svg}"
SHOWN = [
    (text, *shown)
    for text in ("README.md", "docs/INSTRUCTOR.md")
    for shown in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", (ROOT / text).read_text(encoding="utf-8"))
]


def test_pictures_are_shown_with_words() -> None:
    assert {path.rpartition("/")[2] for _, _, path in SHOWN} == {
        *("demo.svg", "timeline.svg", "proof.svg", "console.png", "web-ui.png")
    }
    for text, alt, path in SHOWN:
        file = (ROOT / text).parent / path
        assert len(alt) > 60, path
        assert file.stat().st_size < 200_000, path
        if file.suffix == ".svg":
            assert not re.search(r"\d@(?!worker\b)|/tmp/|<script|href", file.read_text(encoding="utf-8")), path
            ElementTree.parse(file)


def test_the_terminal_has_every_line_at_its_time() -> None:
    lines = pictures.played(
        [sys.executable, "-c", "print('  a <b> & c'); print(); print('1234@host.example'); print('x' * 100)"]
    )
    assert [line for _, line in lines] == ["  a <b> & c", "", "1234@worker", "x" * 100, ""]
    assert [at for at, _ in lines] == sorted(at for at, _ in lines)
    svg = ElementTree.fromstring(pictures.terminal("$ it", [(at, line) for at, (_, line) in enumerate(lines, 1)]))
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert texts == ["$\xa0it", "a\xa0<b>\xa0&\xa0c", "1234@worker", "x" * 92, "x" * 8]
    style = svg.findtext(f"{SVG}style") or ""
    whole = 5 + pictures.HOLD
    assert f"@keyframes r1{{0%{{opacity:0}}{100 / whole:.2f}%,to{{opacity:1}}}}" in style
    assert f"@keyframes r4{{0%{{opacity:0}}{400 / whole:.2f}%" in style
    assert "prefers-reduced-motion" in style


def test_a_program_that_fails_is_not_played() -> None:
    with pytest.raises(pictures.subprocess.CalledProcessError):
        pictures.played([sys.executable, "-c", "raise SystemExit(1)"])
