"""What the ledger makes of requests: runs, turns, repeats, totals, bounds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.practice import ledger as module
from workshop.practice.ledger import Entry, Ledger, clean, fingerprint
from workshop.practice.prices import DEFAULT_MODEL, cost_usd, tokens


def began(book: Ledger, opening: str = "Texas?", turn: int = 1, instructions: str = "x", body: Any = None) -> Entry:
    body = {"opening": opening, "turn": turn, "instructions": instructions} if body is None else body
    return book.model_began(
        asked=opening, body=body, instructions=instructions, opening=opening, turn=turn, model="gpt-4.1"
    )


def answer(book: Ledger, entry: Entry, **more: Any) -> int:
    """The number of the entry, which is answered now."""
    book.completed(entry, answered="ok", **more)
    return entry.id


def runs(book: Ledger) -> list[tuple[str, int]]:
    return [(entry["run"], entry["turn"]) for entry in book.as_json()["entries"]]


def test_turns_of_one_conversation_are_one_run() -> None:
    book = Ledger()
    for turn in (1, 2, 3):
        answer(book, began(book, turn=turn))
    assert runs(book) == [("r1", 1), ("r1", 2), ("r1", 3)]


def test_what_is_about_a_text_comes_with_the_rest_of_its_runs() -> None:
    book = Ledger()
    answer(book, began(book, "New York?"), areas=["NY"])
    weather = book.weather_began(area="NY", path="/alerts/active?area=NY")
    book.completed(weather, answered="1 alerts")
    answer(book, began(book, "Texas?"))
    about = book.as_json(about="new york")
    assert [(entry["service"], entry["run"]) for entry in about["entries"]] == [("model", "r1"), ("weather", "r1")]
    assert (about["totals"]["model"]["requests"], about["totals"]["weather"]["requests"]) == (1, 1)
    assert len(book.as_json()["entries"]) == 3
    assert [entry["run"] for entry in book.as_json(since=weather.id, about="?")["entries"]] == ["r2"]
    assert book.as_json(about="Ohio")["entries"] == []


def test_a_first_turn_made_again_is_the_same_run_until_it_is_answered() -> None:
    book = Ledger()
    book.failed(began(book), answered="no", status=503)
    book.abandoned(began(book))
    answer(book, began(book))
    answer(book, began(book))
    assert [run for run, _ in runs(book)] == ["r1", "r1", "r1", "r2"]
    assert [entry["repeats"] for entry in book.as_json()["entries"]] == [None] * 4


def test_a_completed_call_made_again_is_told() -> None:
    book = Ledger()
    answer(book, began(book))
    first = answer(book, began(book, turn=2))
    answer(book, began(book, turn=2))
    entries = book.as_json()["entries"]
    assert [entry["repeats"] for entry in entries] == [None, None, first]
    assert book.as_json()["totals"]["model"]["completed_again"] == 1


def test_a_run_is_found_by_the_ids_of_its_answers() -> None:
    book = Ledger()
    answer(book, began(book), response_id="resp_" + "a" * 32)
    answer(book, began(book, opening="Utah?"), response_id="resp_" + "b" * 32, request_id="req_" + "b" * 32)
    began(book, opening="Iowa?")
    assert book.runs_in(f'{{"response_id":"resp_{"a" * 32}"}}') == {"r1"}
    assert book.runs_in(f"request req_{'b' * 32}, and None") == {"r2"}
    assert book.runs_in("resp_" + "a" * 31) == set()


def test_an_abandoned_call_made_again_is_no_repeat() -> None:
    book = Ledger()
    answer(book, began(book))
    book.abandoned(began(book, turn=2))
    answer(book, began(book, turn=2))
    assert book.as_json()["totals"]["model"]["completed_again"] == 0


def test_a_handoff_stays_in_its_run() -> None:
    book = Ledger()
    answer(book, began(book, instructions="triage"))
    answer(book, began(book, instructions="French", turn=2))
    answer(book, began(book, opening="other"))
    answer(book, began(book, instructions="French", turn=3))
    assert [run for run, _ in runs(book)] == ["r1", "r1", "r2", "r1"]


def test_runs_of_the_same_question_at_the_same_time_are_told_apart_by_the_ids_they_were_given() -> None:
    book = Ledger()
    ids = ["0" * 31 + digit for digit in "12"]
    for unique in ids:
        answer(book, began(book), response_id=f"resp_{unique}")
    for unique in reversed(ids):  # both wait for their second answer, in turn
        items = [{"role": "user", "content": "Texas?"}, {"call_id": f"call_{unique}_1", "output": "none"}]
        answer(book, began(book, turn=2, body={"input": items}))
    assert runs(book) == [("r1", 1), ("r2", 1), ("r2", 2), ("r1", 2)]
    entries = book.as_json()["entries"]
    assert entries[2]["fingerprint"] == entries[3]["fingerprint"]
    assert [entry["repeats"] for entry in entries] == [None] * 4


def test_a_weather_request_belongs_to_the_run_that_asked_for_its_area() -> None:
    book = Ledger()
    answer(book, began(book), areas=["TX", "OH"])
    answer(book, began(book, opening="Texas again?"), areas=["TX"])
    for area in ("TX", "OH", "CA"):
        answer(book, book.weather_began(area=area, path=f"/{area}"))
    assert [entry["run"] for entry in book.as_json()["entries"][2:]] == ["r2", "r1", None]
    # One that has gone on waits for no weather any more: another program asks, or a workflow without a model.
    answer(book, began(book, turn=2, opening="Texas again?"))
    answer(book, book.weather_began(area="TX", path="/TX"))
    assert book.as_json()["entries"][-1]["run"] is None


def test_totals() -> None:
    book = Ledger()
    answer(book, began(book), input_tokens=10, output_tokens=5, cost_usd=0.5)
    book.failed(began(book, turn=2), answered="no", status=None, fault="drop")
    book.abandoned(began(book, turn=2))
    began(book, turn=2)
    book.failed(book.weather_began(area="TX", path="/x"), answered="no", status=503)
    assert book.as_json()["totals"] == {
        "model": {
            "requests": 4,
            "completed": 1,
            "failed": 1,
            "abandoned": 1,
            "in_flight": 1,
            "completed_again": 0,
            "input_tokens": 10,
            "output_tokens": 5,
            "cost_usd": 0.5,
        },
        "weather": {
            "requests": 1,
            "completed": 0,
            "failed": 1,
            "abandoned": 0,
            "in_flight": 0,
            "alerts_sent": 0,
            "alerts_not_sent_again": 0,
        },
    }


def test_since_and_clear() -> None:
    book = Ledger()
    first, second = answer(book, began(book)), answer(book, began(book, turn=2))
    assert [entry["id"] for entry in book.as_json(since=first)["entries"]] == [second]
    in_flight = began(book, turn=3)
    book.clear()
    assert book.as_json()["entries"] == []
    answer(book, in_flight)  # it was forgotten meanwhile, which is no error
    assert began(book).id > second


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 5)
    monkeypatch.setattr(module, "MAX_RUNS", 3)
    book = Ledger()
    ids = [answer(book, began(book, opening=f"{n}"), areas=[f"{n}"]) for n in range(20)]
    assert [entry["id"] for entry in book.as_json()["entries"]] == ids[-5:]
    assert book.as_json()["entries"][-1]["run"] == "r20"
    answer(book, book.weather_began(area="19", path="/19"))
    assert book.as_json()["entries"][-1]["run"] == "r20"


def test_a_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


@given(st.text())
def test_what_is_kept_of_a_text_fits_any_terminal(text: str) -> None:
    book = Ledger()
    began(book, opening=text)
    (entry,) = book.as_json()["entries"]
    assert entry["asked"].isprintable()
    assert len(entry["asked"]) <= module.MAX_TEXT
    assert entry["asked"].encode().decode() == entry["asked"]


def test_brackets_are_kept_and_escapes_are_not() -> None:
    assert clean("alerts for [TX] [/bold]") == "alerts for [TX] [/bold]"
    assert clean("a\x1b[31mb\nc\ud800") == "a [31mb c?"


def test_cost() -> None:
    assert cost_usd("gpt-4.1", 1_000_000, 1_000_000) == 10.0
    assert cost_usd("gpt-4.1-2025-04-14", 1_000_000, 0) == 2.0
    assert cost_usd("gpt-4.1-mini", 1_000_000, 0) == 0.4
    assert cost_usd("my-own-model", 5, 7) == cost_usd(DEFAULT_MODEL, 5, 7)
    assert tokens("abcdefgh") == 2
    assert tokens("é" * 8) == 4
