"""Which language a short text is in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.practice.languages import LANGUAGES, named_in, recognise

# Of these, only the "tuned" ones were looked at while rules and word lists were written.
TEXTS = json.loads(Path(__file__).with_name("texts.json").read_text(encoding="utf-8"))
FIXED = {
    "ANY WEATHER ALERTS FOR TEXAS TODAY? PLEASE ANSWER QUICKLY!": "english",
    "QUELLES ALERTES EN FLORIDE": "french",
    "HAY AVISOS EN OHIO": "spanish",
    "Bonjour": "french",
    "hola": "spanish",
    "Hi": "english",
    "Quelles sont les alertes meteo au Texas": "french",
    "¿Que alertas hay?": "spanish",
}


@pytest.mark.parametrize(("text", "language"), FIXED.items())
def test_short_texts_in_capitals_and_without_accents(text: str, language: str) -> None:
    assert recognise(text) == language


@pytest.mark.parametrize(("group", "allowed"), [("tuned", 0), ("unseen", 0.02)])
def test_short_texts_about_anything(group: str, allowed: float) -> None:
    """Case C19."""
    texts = [(text, language) for language in LANGUAGES for text in TEXTS[group][language]]
    wrong = [(text, language, recognise(text)) for text, language in texts if recognise(text) != language]
    assert len(texts) >= 60
    assert len(wrong) <= allowed * len(texts), wrong


def test_the_same_in_every_process() -> None:
    """No hash seed, no order of a set may change the answer."""
    code = (
        "from tests.practice.test_languages import FIXED; from workshop.practice.languages import recognise;"
        "print([recognise(text) for text in FIXED for _ in range(50)])"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert answers == {f"{[language for language in FIXED.values() for _ in range(50)]}\n"}


@given(st.text(max_size=200))
def test_any_text_gets_one_of_the_three(text: str) -> None:
    assert recognise(text) in LANGUAGES
    assert recognise(text) == recognise(text)


@pytest.mark.parametrize(
    ("instructions", "language"),
    [
        ("You answer in French.", "french"),
        ("You only speak Spanish", "spanish"),
        ("Tu réponds en français.", "french"),
        ("Respondes siempre en español.", "spanish"),
        ("Answer in English, even to French messages.", "english"),
        ("You understand French and Spanish. Respond only in Spanish.", "spanish"),
        ("Hand over to the French, Spanish or English agent.", None),
        ("You answer questions about the weather.", None),
        ("Talk about French fries' frenchness.", "french"),
    ],
)
def test_the_language_that_instructions_name(instructions: str, language: str | None) -> None:
    assert named_in(instructions) == language
