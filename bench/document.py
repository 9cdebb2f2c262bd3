"""Tables as Markdown, and where they go: a page below docs/, and a marked section of the README."""

import os
import platform
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
    """Writes docs/NAME.md, and the README's section of that name."""
    (root / "docs" / f"{name}.md").write_text(f"# {title}\n\n{text}\n", encoding="utf-8")
    page = root / "README.md"
    page.write_text(with_section(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def with_section(document: str, name: str, text: str) -> str:
    """`document` with `text` between `<!-- NAME:begin -->` and `<!-- NAME:end -->`.

    Raises:
        LookupError: it has no such marks, once each and in this order.
    """
    head, begin, rest = document.partition(f"<!-- {name}:begin -->\n")
    _, end, tail = rest.partition(f"<!-- {name}:end -->")
    if not (begin and end) or begin in rest or end in tail:
        raise LookupError(f"there is no section {name} to write into")
    return f"{head}{begin}{text}\n{end}{tail}"
