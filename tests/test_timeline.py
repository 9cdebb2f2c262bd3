"""The pictures: what is seen is drawn as seen, what is not is drawn otherwise, and no data breaks them."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from rich.cells import cell_len

from tests.pictures import embedded, parts
from tests.temporal_env import HISTORIES, recorded
from workshop.chart import FAILED, SIGNS, BarKind, ticks
from workshop.chart_svg import dot
from workshop.history import ChainedError, Kind, ModelCall, Row, Run, Sign, WorkflowTask
from workshop.kills import Kill, note_kill, noted_kills
from workshop.proof import ABANDONED, RECORDED, prove_plain
from workshop.proof_picture import ProofPicture
from workshop.svg import PATTERNS, Picture, page
from workshop.timeline import PlainTimeline, Timeline, Watched

pytest_plugins = ["tests.temporal_env"]

SVG = "{http://www.w3.org/2000/svg}"
NAMES = [path.stem for path in HISTORIES.glob("*.json")]
BEGAN = datetime(2026, 11, 30, 12, tzinfo=UTC)
EMPTY = Run("an-id", "run", "Type", "queue", "running", BEGAN, None, None, None, (), "", "", ())


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def a_call(**changes: object) -> Row:
    """A model call of one attempt by worker A, from second 1 to 2."""
    row = Row(
        Kind.MODEL, "invoke_model_activity", "completed", 5, after(1), after(1), None, after(2), 1, worker="1@here"
    )
    return replace(row, **{"first_pause": 0.2, "longest_pause": 20.0, "heartbeat_timeout": 3.0, **changes})  # type: ignore[arg-type]


def a_run(*rows: Row, signs: tuple[Sign, ...] = (), seconds: float | None = 10) -> Run:
    closed = None if seconds is None else after(seconds)
    status = "running" if seconds is None else "completed"
    return replace(EMPTY, rows=rows, signs=signs, closed=closed, status=status)


def bars(picture: Timeline, lane: int = 0) -> list[tuple[str, float, float]]:
    found = picture.chart.tracks[lane].bars
    return [(bar.kind, round(bar.begin, 2), round(bar.end, 2)) for bar in found if bar.kind != BarKind.BETWEEN]


@pytest.mark.parametrize("name", NAMES)
def test_every_lane_has_its_words(name: str) -> None:
    run = recorded(name)
    bundle = Timeline(run)._repr_mimebundle_()
    svg, alt = embedded(bundle["text/html"])
    assert alt.startswith(f"Workflow {name}: {run.status} after ")
    assert len(parts(svg, "lane")) == len(run.rows)
    shown = ElementTree.fromstring(bundle["text/html"])
    assert len(shown.findall(".//details//tbody/tr")) == len(run.rows)
    assert not {"script", f"{SVG}svg", "style", "link"} & {one.tag for one in shown.iter()}
    # The same words as plain text.
    assert len(re.findall(r"(?m)^ {1,6}[\d.]+ s  \S", bundle["text/plain"])) == len(run.rows)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", NAMES)
def test_the_text_keeps_to_the_width(name: str, width: int) -> None:
    for picture in (Timeline(recorded(name)), ProofPicture(Timeline(recorded(name), []).proof)):
        assert max(map(cell_len, picture.lines(width))) <= width


def test_a_notebook_shows_the_picture() -> None:
    shown, _ = DisplayFormatter().format(Timeline(recorded("two_handoffs")))
    assert shown["text/html"].startswith("<div><img ")
    assert shown["text/plain"].startswith("Workflow two_handoffs: ")


def test_a_run_that_was_not_killed_has_no_mark() -> None:
    svg = Timeline(recorded("two_handoffs")).svg()
    assert not parts(svg, "kill")
    assert not parts(svg, "no worker")


def test_heartbeats_that_stopped_are_a_kill_that_nobody_saw() -> None:
    """The history alone: the mark is drawn as worked out, and says so."""
    run = recorded("worker_killed")
    picture = Timeline(run)
    (loss,) = picture.chart.losses
    assert not loss.seen
    assert re.match(r"worker A silent since [\d.]+ s or earlier$", loss.words)
    assert "not seen" in picture.svg()
    (gap,) = picture.chart.gaps
    started = run.rows[-1].started
    assert started
    assert (gap.begin, gap.end) == (loss.at, (started - run.started).total_seconds())


def test_a_kill_that_was_noted_is_where_it_was(tmp_path: Path) -> None:
    """In a pause, where neither history nor ledger can know of it."""
    signs = (Sign(after(0.1), "1@here", after(0)), Sign(after(8), "2@here", after(7.9)))
    run = a_run(Row(Kind.TIMER, "timer", "completed", 5, after(0.2), None, None, after(7.9)), signs=signs)
    picture = Timeline(run, kills=[Kill("1@here", after(3)), Kill("3@here", after(4)), Kill("1@here", after(-50))])
    (loss,) = picture.chart.losses
    assert (loss.at, loss.seen, loss.words) == (3, True, "worker A killed (SIGKILL) at 3.0 s")
    assert [(gap.begin, gap.end) for gap in picture.chart.gaps] == [(3, 8)]
    assert len(parts(picture.svg(), "kill")) == len(parts(picture.svg(), "no worker")) == 1
    assert "No worker at work from 3.0 s to 8.0 s" in picture.chart.spoken
    assert not Timeline(run).chart.losses

    note_kill(tmp_path / "state", 1, after(3))
    note_kill(tmp_path / "state", 2, after(4))
    assert [(kill.worker.partition("@")[0], kill.at) for kill in noted_kills(tmp_path / "state")] == [
        ("1", after(3)),
        ("2", after(4)),
    ]
    (tmp_path / "state" / "kills.jsonl").write_text("[1\n")
    assert noted_kills(tmp_path / "state") == []
    note_kill(tmp_path / "state", 3, after(5))
    assert [kill.at for kill in noted_kills(tmp_path / "state")] == [after(5)]


def test_kills_that_two_notebooks_note_at_once_are_all_kept(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as notebooks:
        list(notebooks.map(lambda number: note_kill(tmp_path, number, after(number)), range(100)))
    assert sorted(kill.at for kill in noted_kills(tmp_path)) == [after(number) for number in range(100)]


def asked(number: int, began: float, ended: float, outcome: str, service: str = "model") -> dict[str, Any]:
    """An entry of the ledger."""
    ids = (f"resp_{number}", f"req_{number}") if outcome == "completed" else (None, None)
    what = "Texas?" if service == "model" else "/alerts/active?area=TX"
    return {
        "id": number,
        "service": service,
        "asked": what,
        "answered": "",
        "fingerprint": service,
        "run": "r1",
        "turn": 1,
        "began": after(began).isoformat(),
        "ended": after(ended).isoformat(),
        "outcome": outcome,
        "response_id": ids[0],
        "request_id": ids[1],
    }


def two_attempts(service: str, **changes: object) -> Row:
    """A call that worker A began in second 1, and worker B in second 7."""
    model = ModelCall("", "", "Texas?", (), (), {}, opening="Texas?", response_id="resp_2")
    kind = {"kind": Kind.MODEL, "model": model} if service == "model" else {"kind": Kind.ACTIVITY, "input": "TX"}
    return a_call(**{**kind, "attempts": 2, "started": after(7), "closed": after(8), "worker": "2@here", **changes})


SIGNS_OF_TWO = (Sign(after(0.5), "1@here"), Sign(after(7), "2@here"))
TERMINATED = {"attempts": 1, "state": "cancelled", "started": after(1), "closed": after(2.9), "worker": "1@here"}
LEFT_AT_3 = [asked(1, 1, 3, "abandoned"), asked(2, 7, 8, "completed")]


def test_a_model_call_that_was_left_shows_when_its_worker_went() -> None:
    picture = Timeline(a_run(two_attempts("model"), signs=SIGNS_OF_TWO), LEFT_AT_3)
    assert [(loss.at, loss.seen, loss.until) for loss in picture.chart.losses] == [(3, True, 7)]
    assert [(bar.mark, bar.worker) for bar in picture.chart.tracks[0].bars if bar.kind == BarKind.ATTEMPT] == [
        (ABANDONED, 0),
        (RECORDED, 1),
    ]


@pytest.mark.parametrize(
    ("run", "entries"),
    [
        # It took as long as it may, and the next worker came for another reason.
        (a_run(two_attempts("model", start_to_close=2.0), signs=SIGNS_OF_TWO), LEFT_AT_3),
        # A tool's own timeout.
        (
            a_run(two_attempts("weather"), signs=SIGNS_OF_TWO),
            [asked(1, 1, 3, "abandoned", "weather"), asked(2, 7, 8, "completed", "weather")],
        ),
        # The workflow was terminated, and its worker told to give up.
        (a_run(two_attempts("model", **TERMINATED), signs=SIGNS_OF_TWO[:1]), LEFT_AT_3[:1]),
        # The same worker was there afterwards.
        (a_run(two_attempts("model"), signs=(*SIGNS_OF_TWO, Sign(after(9), "1@here"))), LEFT_AT_3),
    ],
)
def test_a_request_that_was_left_for_another_reason_is_no_kill(run: Run, entries: list[dict[str, Any]]) -> None:
    picture = Timeline(run, entries)
    assert ABANDONED in [bar.mark for bar in picture.chart.tracks[0].bars]
    assert picture.chart.losses == picture.chart.gaps == ()


def test_of_three_workers_the_one_that_fell_silent_is_lost() -> None:
    """The first one was stopped politely, long before."""
    signs = (Sign(after(0.1), "0@here"), *SIGNS_OF_TWO)
    silent = two_attempts("model", errors=(ChainedError("heartbeat timeout", "no heartbeat for 3.0 s"),))
    (loss,) = Timeline(a_run(silent, signs=signs)).chart.losses
    assert (loss.words, loss.seen, loss.at) == ("worker B silent since 3.8 s or earlier", False, 3.8)


def test_a_step_that_nobody_takes_is_a_band_without_a_kill() -> None:
    waiting = replace(a_run(seconds=None), task=WorkflowTask(False, 1, after(1)))
    picture = Timeline(waiting, now=after(9))
    assert [(gap.begin, gap.end) for gap in picture.chart.gaps] == [(1, 9)]
    assert not picture.chart.losses
    assert not Timeline(replace(waiting, task=WorkflowTask(True, 1, after(1))), now=after(9)).chart.gaps
    # Likewise an attempt: the first one, or the next one once its time has come.
    for changes, begins in (
        ({"state": "scheduled", "attempts": 0}, [1]),
        ({"state": "retrying", "next_try": after(5)}, [5]),
    ):
        call = a_call(started=None, closed=None, attempt_ended=after(3) if begins == [5] else None, **changes)
        assert [gap.begin for gap in Timeline(a_run(call, seconds=None), now=after(9)).chart.gaps] == begins
    assert not Timeline(a_run(call, seconds=None), now=after(6)).chart.gaps


def test_attempts_that_nobody_saw_follow_the_retry_policy() -> None:
    """Attempts 1 to 3 of 0.1 s each, with pauses of 0.2, 0.4 and 0.8 s; the history has the fourth."""
    row = a_call(attempts=4, started=after(2.7), closed=after(3))
    assert bars(Timeline(a_run(row))) == [
        (BarKind.INFERRED, 1.0, 1.1),
        (BarKind.INFERRED, 1.3, 1.4),
        (BarKind.INFERRED, 1.8, 1.9),
        (BarKind.ATTEMPT, 2.7, 3.0),
    ]
    # A look at the run saw how the second one ended: then it is drawn as seen.
    watched = Watched()
    look = replace(row, attempts=2, state="retrying", started=None, closed=None, attempt_ended=after(1.4))
    watched.look(a_run(look, seconds=None))
    seen = Timeline(a_run(row), watched=watched)
    assert bars(seen) == [
        (BarKind.INFERRED, 1.0, 1.2),
        (BarKind.ATTEMPT, 1.4, 1.4),
        (BarKind.INFERRED, 1.8, 1.9),
        (BarKind.ATTEMPT, 2.7, 3.0),
    ]
    assert [bar.mark for bar in seen.chart.tracks[0].bars if bar.kind == BarKind.ATTEMPT] == [FAILED, RECORDED]
    # Pauses that the policy does not have, since a service asked for others, are not made up.
    unlike = Timeline(a_run(a_call(attempts=4, started=after(1.5), closed=after(3))))
    assert bars(unlike) == [(BarKind.ATTEMPT, 1.5, 3.0)]
    assert "3 earlier attempts that nobody saw: not drawn" in unlike.svg()


def test_pauses_grow_up_to_the_longest() -> None:
    row = a_call(maximum_attempts=10)
    assert [row.pause_before(attempt) for attempt in range(1, 10)] == [0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20]
    assert row.pauses == pytest.approx(0.2 * 127 + 2 * 20)
    assert (a_call().pauses, a_call(maximum_attempts=1).pauses) == (None, 0)
    # By a policy without sense.
    row = a_call(attempts=100, started=after(2.7), closed=after(3), backoff=1e9)
    assert row.pause_before(100) == 20
    assert bars(Timeline(a_run(row))) == [(BarKind.ATTEMPT, 2.7, 3.0)]


def texts(text: str) -> list[Picture]:
    """Pictures in which everything is `text`."""
    row = Row(
        Kind.ACTIVITY, text, "failed", 5, BEGAN, after(1), None, after(2), 2, asked=text, answered=text, worker=text
    )
    signs = (Sign(BEGAN, text, BEGAN), Sign(after(9), "another", after(1)))
    run = replace(
        a_run(replace(row, errors=(ChainedError(text, text),)), signs=signs), workflow_id=text or "x", type=text
    )
    entry = {
        "id": 1,
        "service": "model",
        "began": BEGAN.isoformat(),
        "ended": None,
        "asked": text,
        "fingerprint": text,
        "run": text,
        "turn": 1,
        "outcome": "in flight",
        "answered": text,
        "response_id": None,
        "request_id": None,
    }
    plain = prove_plain(text, [entry])
    timeline = Timeline(run, [], kills=[Kill(text, after(3))], now=after(10))
    return [timeline, ProofPicture(timeline.proof, plain), PlainTimeline(plain, [entry], now=after(3))]


@given(st.text(max_size=60), st.sampled_from([60, 80, 120]))
def test_no_text_breaks_a_picture(text: str, width: int) -> None:
    for picture in texts(text):
        html = picture.html()
        ElementTree.fromstring(html)
        ElementTree.fromstring(embedded(html)[0])
        lines = picture.lines(width)
        assert max(map(cell_len, lines)) <= width
        assert "\x1b" not in "\n".join(lines)


def test_large_texts_are_cut_for_the_eye_only() -> None:
    for picture in texts("x" * 1_000_000):
        assert len(embedded(picture.html())[0]) < 20_000


def test_a_long_run_makes_a_picture_of_bounded_height() -> None:
    rows = tuple(Row(Kind.ACTIVITY, f"a{i}", "completed", i, BEGAN, None, None, after(1), 1) for i in range(1000))
    picture = Timeline(replace(EMPTY, rows=rows), [], now=after(2))
    assert "960 more lanes in the text below" in picture.svg()
    assert picture.html().count("<tr>") == 1001
    assert len(picture.svg()) < 100_000


@given(st.floats(0.001, 1e7), st.integers(2, 12))
def test_ticks_are_round_and_few(whole: float, most: int) -> None:
    found = ticks(whole, most)
    assert 1 <= len(found) <= most
    assert found[0][0] == 0
    assert all(at <= whole * 1.0001 and len(name) <= 9 for at, name in found)


def test_ticks_are_named_by_their_unit() -> None:
    assert ticks(13.7, 7)[1:3] == [(2, "2 s"), (4, "4 s")]
    assert ticks(0.3, 7)[1] == (0.05, "0.05 s")
    assert ticks(500, 7)[1] == (120, "2 min")
    assert ticks(9000, 7)[1] == (1800, "30 min")
    assert ticks(86400, 7)[-1] == (86400, "24 h")


def test_each_sign_and_each_worker_has_a_shape_of_its_own() -> None:
    """Colour is never the only signal."""
    shapes = {re.sub(r'(data-mark|class)="[^"]*"', "", dot(mark, 0, 0)) for mark in SIGNS}
    assert len(shapes) == len(set(SIGNS.values())) == len(SIGNS)
    picture = ElementTree.fromstring(page([], 10, "", PATTERNS))
    hatches = [path.get("d") for pattern in picture.iter(f"{SVG}pattern") for path in pattern.iter(f"{SVG}path")]
    assert len(set(hatches)) == len(hatches) == PATTERNS + 1  # and the band's
