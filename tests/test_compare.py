"""`workshop compare`: its plan, its forms, and a small real comparison, held against ledger and history."""

import csv
import json
import re
import signal
import sys
import xml.etree.ElementTree as ET
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from workshop import cli, compare
from workshop.compare import (
    ANSWERED,
    BLIND,
    DURABLE,
    LOOP,
    LOST,
    MOST,
    PLAIN,
    TROUBLES,
    ComparedRow,
    Comparison,
    PlannedQuestion,
    Way,
)
from workshop.errors import WorkshopError
from workshop.notebook import live
from workshop.practice.areas import find_areas
from workshop.processes import listens
from workshop.services import free_settings
from workshop.settings import HOST
from workshop.svg import WIDTH, wide


def test_a_seed_makes_the_plan() -> None:
    assert compare.plan(20, 1) == compare.plan(20, 1)
    assert compare.plan(20, 1) != compare.plan(20, 2)


@pytest.mark.parametrize("seed", range(20))
def test_every_plan_is_fit_to_be_asked(seed: int) -> None:
    """Each question names one state, and none is asked twice: the ledger tells them apart by their words."""
    planned = compare.plan(MOST, seed)
    assert len({question.question for question in planned}) == MOST
    assert all(len(find_areas(question.question)) == 1 for question in planned)
    assert {question.trouble for question in planned} == set(TROUBLES)
    assert [question.meets for question in compare.plan(1, seed)] == ["kill in call 2"]
    assert {question.meets for question in compare.plan(2, seed)} == {"kill in call 2", "weather down"}
    of_eight = {question.meets for question in compare.plan(8, seed)}
    assert len(of_eight) == 8
    assert {"kill in call 1", "kill in call 2", "weather down", "nothing"} <= of_eight


@pytest.mark.parametrize("questions", [0, -1, MOST + 1])
def test_a_number_that_cannot_be_asked(questions: int) -> None:
    with pytest.raises(WorkshopError, match=f"from 1 to {MOST}"):
        compare.plan(questions, 1)


def row(way: str, number: int, outcome: str, seconds: float, answered: int = 2, again: int = 0) -> ComparedRow:
    durable = (2, 0, True) if way == DURABLE else (None, None, None)
    counts = (answered + 1, answered, again, 1, 0, 0.0001 * answered)
    return ComparedRow(way, number, f"Question <{number}>", "kill in call 2", outcome, 0, 1, seconds, *counts, *durable)


RECORDED = Comparison(
    3,
    7,
    (
        *(row(PLAIN, 1, LOST, 9, answered=1), row(PLAIN, 2, BLIND, 2), row(PLAIN, 3, ANSWERED, 1)),
        *(row(LOOP, 1, ANSWERED, 3, answered=3, again=1), row(LOOP, 2, BLIND, 2), row(LOOP, 3, ANSWERED, 1)),
        *(row(DURABLE, 1, ANSWERED, 5), row(DURABLE, 2, ANSWERED, 4), row(DURABLE, 3, ANSWERED, 1)),
    ),
)


def test_the_sums_of_recorded_rows() -> None:
    plain, loop, durable = (RECORDED.sums[way] for way in (PLAIN, LOOP, DURABLE))
    assert (plain.answered, plain.blind, plain.lost, plain.asked) == (1, 1, 1, 3)
    assert (plain.p50, plain.p95) == (1, 2)  # what came to nothing took no time to answer
    assert (loop.paid, loop.again, loop.requests, loop.abandoned) == (7, 1, 10, 3)
    assert durable.cost_usd == pytest.approx(0.0006)
    assert (durable.p50, durable.p95) == (4, 5)
    assert RECORDED.problems == []
    lost = replace(RECORDED.rows[0], outcome=LOST)
    assert Comparison(1, 1, (lost,)).sums[PLAIN].p50 is None
    bad = replace(RECORDED.rows[-1], recorded_again=1, agree=False)
    assert len(Comparison(3, 7, (bad,)).problems) == 2


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_table_fits_a_terminal(width: int) -> None:
    lines = RECORDED.lines(width)
    assert max(map(len, lines)) <= width
    cells = [re.split(r"\s{2,}", line.strip()) for line in lines]
    assert ["answered", "1 of 3", "2 of 3", "3 of 3"] in cells
    assert ["of these, paid before", "0", "1", "0"] in cells


def test_the_csv_has_every_row_whole() -> None:
    read = list(csv.DictReader(RECORDED.csv().splitlines()))
    assert len(read) == 9
    assert read[0]["question"] == "Question <1>"
    assert [(line["way"], line["again"], line["recorded_again"]) for line in read[3:7]] == [
        (LOOP, "1", ""),
        (LOOP, "0", ""),
        (LOOP, "0", ""),
        (DURABLE, "0", "0"),
    ]


def test_the_picture_and_the_page_say_what_the_rows_do() -> None:
    svg = ET.fromstring(RECORDED.svg())
    texts = [text.text or "" for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert (texts.count("✓"), texts.count("?"), texts.count("✗"), texts.count("+1")) == (6, 2, 1, 1)
    assert "7, 1 of them paid before" in texts
    for text in svg.iter("{http://www.w3.org/2000/svg}text"):
        size = wide(text.text or "", int(float(text.get("font-size", 13))), bold="font-weight" in text.attrib)
        assert float(text.attrib["x"]) + size * (0.5 if text.get("text-anchor") else 1) <= WIDTH, text.text
    html = RECORDED.html()
    assert "<script" not in html
    assert "<svg" not in html
    assert 'alt="3 questions, seed 7' in html
    assert f"plain ✗, {LOOP} ✓ (1 paid before), durable ✓" in html
    ET.fromstring(f"<p>{html}</p>")
    for few in (Comparison(3, 7, ()), Comparison(3, 7, RECORDED.rows[:1])):  # it may be looked at at any time
        ET.fromstring(few.svg())
        assert few.title in str(few)
        assert few.html()


@pytest.fixture(scope="module")
def compared() -> Comparison:
    """Three questions, really asked: one meets a kill, one a rate limit, one an outage of the weather.

    Then they are asked once more, and that is interrupted in the middle.
    """

    def interrupt(_: ComparedRow) -> None:
        raise KeyboardInterrupt

    planned = [
        PlannedQuestion(1, "Any weather alerts in California?", "kill", 2),
        PlannedQuestion(2, "Any weather alerts in Texas?", "rate limit", 2),
        PlannedQuestion(3, "Any weather alerts in Florida?", "weather down", 0),
    ]
    with suppress(KeyboardInterrupt), compare.ways_on_own_services(lambda _: None) as ways:
        rows: list[ComparedRow] = []
        told = set()
        compare.ask_all(ways, planned, lambda way, what: told.add((way, what.partition(":")[0])), rows.append)
        books = {way.name: way.practice.ledger()["totals"]["model"] for way in ways}
        ports = [way.settings.practice_port for way in ways] + [ways[-1].settings.temporal_port]
        compare.ask_all(ways, planned, lambda *_: None, interrupt)
    started = [program for way in ways for program in way.programs]
    assert not any(program.running for program in started)
    assert not any(listens(HOST, port) for port in ports)
    assert told == {(way, f"question {number}") for way in books for number in (1, 2, 3)}
    found = Comparison(3, 0, tuple(rows))
    for name, book in books.items():
        sums = found.sums[name]
        counts = (book["requests"], book["completed"], book["abandoned"])
        assert (sums.requests, sums.paid, sums.abandoned) == counts
        assert sums.cost_usd == pytest.approx(book["cost_usd"])
    return found


def test_the_durable_agent_answers_all_and_repeats_nothing(compared: Comparison) -> None:
    rows = compared.of(DURABLE)
    assert [row.outcome for row in rows] == [ANSWERED] * 3
    assert [(row.recorded, row.recorded_again, row.agree) for row in rows] == [(2, 0, True)] * 3
    assert [row.again for row in rows] == [0, 0, 0]
    assert [row.abandoned for row in rows] == [1, 0, 0]
    assert rows[1].refused == 3
    assert compared.problems == []


def test_the_plain_agent_loses_answers(compared: Comparison) -> None:
    rows = compared.of(PLAIN)
    assert [row.outcome for row in rows] == [LOST, LOST, BLIND]
    assert [row.exit_code for row in rows] == [-signal.SIGKILL, 1, 0]
    assert [row.runs for row in rows] == [1, 1, 1]


def test_the_retry_loop_pays_twice(compared: Comparison) -> None:
    rows = compared.of(LOOP)
    assert [row.outcome for row in rows] == [ANSWERED, ANSWERED, BLIND]
    assert [(row.runs, row.answered, row.again) for row in rows] == [(2, 3, 1), (2, 3, 1), (1, 2, 0)]


def test_ctrl_c_shows_what_was_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*given: Any) -> None:
        given[-1](RECORDED.rows[0])
        raise KeyboardInterrupt

    monkeypatch.setattr(compare, "ways_on_own_services", lambda *_: nullcontext([Way(PLAIN, free_settings(tmp_path))]))
    monkeypatch.setattr(compare, "ask_all", interrupted)
    files = {name: tmp_path / f"found.{name}" for name in ("csv", "svg", "html")}
    words = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    result = CliRunner().invoke(cli.app, ["compare", "--questions", "3", *words])
    assert result.exit_code == 130
    assert "Stopped. All that was started is ended." in result.stdout
    assert "0 of 1" in result.stdout
    one = Comparison(3, 1, RECORDED.rows[:1])
    assert [path.read_text() for path in files.values()] == [one.csv(), one.svg(), one.page()]
    missing = CliRunner().invoke(cli.app, ["compare", "--csv", str(tmp_path / "no" / "found.csv")])
    assert isinstance(missing.exception, WorkshopError)


def printing(lines: list[str], code: int) -> tuple[str, ...]:
    """A program in place of the command, which prints the lines."""
    return (sys.executable, "-c", f"import sys; print({chr(10).join(lines)!r}); sys.exit({code})")


def test_a_notebook_shows_the_rows_that_there_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = [json.dumps(asdict(row)) for row in RECORDED.rows]
    told: list[str] = []
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(live, "COMMAND", printing(rows, 0))
    live.show_comparison(3, 7, tmp_path / "compare.log", told.append)
    assert told[0].startswith("... 3 questions, three ways at the same time: about ")
    assert told[1:] == RECORDED.lines(100)
    monkeypatch.setattr(live, "COMMAND", printing([rows[0], "No room.", "  Next: make some"], 1))
    with pytest.raises(WorkshopError, match=r"^No room\.\n  Next: make some$"):
        live.show_comparison(3, 7, tmp_path / "compare.log", told.append)
    assert told[-1] == Comparison(3, 7, RECORDED.rows[:1]).lines(100)[-1]
