"""The practice services: a local stand-in for the OpenAI API and for the weather API."""

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


def data(name: str) -> Any:
    """A file of `data/`."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))
