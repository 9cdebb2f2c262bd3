"""The practice services: a local stand-in for the OpenAI API and for the weather API."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
