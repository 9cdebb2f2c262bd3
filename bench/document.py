"""Tables as Markdown, and where they go: a page below docs/."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

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


def publish(name: str, title: str, text: str) -> None:
    (ROOT / "docs" / f"{name}.md").write_text(f"# {title}\n\n{text}\n", encoding="utf-8")
