"""Tables as Markdown, and where they go: a page below docs/, and a marked section of the README."""

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from workshop.settings import ROOT


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; cells may hold anything."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def where_and_when() -> str:
    """The date and the size of this machine, in one line."""
    memory = psutil.virtual_memory().total / 2**30
    parts = [
        f"{datetime.now(UTC):%Y-%m-%d}",
        f"{os.cpu_count()} cores",
        f"{memory:.0f} GB",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("temporalio", "openai-agents")),
    ]
    return ", ".join(parts)


def publish(name: str, title: str, text: str, root: Path = ROOT) -> None:
    """Writes docs/NAME.md, and the README's section between `<!-- NAME:begin -->` and `<!-- NAME:end -->`."""
    page = root / "docs" / f"{name}.md"
    page.write_text(f"# {title}\n\n{text}\n", encoding="utf-8")
    readme = root / "README.md"
    readme.write_text(with_section(readme.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def with_section(document: str, name: str, text: str) -> str:
    """`document` with `text` between the two marks of section `name`; unchanged if it has no such marks."""
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    return re.sub(f"({begin}).*?({end})", lambda match: f"{match[1]}{text}\n{match[2]}", document, flags=re.DOTALL)
