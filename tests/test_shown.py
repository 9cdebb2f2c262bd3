"""What a person is shown: its two forms hold the same, fit where they are shown, and tell no key."""

import re
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.temporal_env import HISTORIES, recorded
from workshop.audit import Audit, outcome_parts, title
from workshop.checks import CHECKS, Outcome, Verdict
from workshop.history import as_text
from workshop.notebook.feedback import Checked
from workshop.practice.ledger import Ledger
from workshop.practice.report import faults_shown, ledger_shown
from workshop.shown import IN_LINES, Code, Folded, Item, Shown, Table
from workshop.why.causes import Diagnosis

NAMES = [path.stem for path in HISTORIES.glob("*.json")]
WIDTHS = [60, 80, 120]
# What GitHub and JupyterLab leave in the output of a notebook that is not trusted.
HARMLESS = {
    *("a", "div", "strong", "span", "br", "wbr", "pre", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
BREAKS = {"div", "br", "pre", "summary", "details", "th", "td"}


def words(shown: Shown) -> Counter[str]:
    """All words of the HTML, its attributes left out: as where no style is left."""

    def read(element: ElementTree.Element) -> str:
        inside = (element.text or "") + "".join(read(child) + (child.tail or "") for child in element)
        return f"\n{inside}\n" if element.tag in BREAKS else inside

    page = ElementTree.fromstring(shown.html())
    assert {element.tag for element in page.iter()} <= HARMLESS
    assert {name for element in page.iter() for name in element.attrib} <= {"style", "align", "valign", "scope", "href"}
    return Counter(read(page).split())


def fits(shown: Shown, width: int) -> None:
    """No line is wider, unless it is an address, alone."""
    for line in shown.lines(width):
        assert cell_len(line) <= width or ("://" in line and len(line.split()) == 1), line


# Two characters that HTML takes and the XML parser of this test does not.
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\ufffe\uffff"), max_size=60),
    st.sampled_from(
        (
            *(
                "x" * 130,
                "火" * 70,
                "火事 " * 30,
                "👩‍🚒" * 20,
                "a\n  b\n\n\nc",
                "    indented = True",
                "\x1b[31mred\x00",
            ),
            *("<b>bold</b> &amp; <script>alert(1)</script>", "[red]no[/red] [/]", "'\"><img src=x onerror=y>"),
            f"see (http://127.0.0.1:8233/{'a-long-name/' * 12}) there",
        )
    ),
)


@settings(max_examples=60)
@given(st.lists(TEXTS, min_size=8, max_size=8), st.sampled_from(WIDTHS))
def test_any_text_fits_and_is_the_same_in_both_forms(texts: list[str], width: int) -> None:
    one, two, three, four, five, six, seven, eight = texts
    shown = Shown(
        [
            Item(one, two, "good", indent=2),
            Table(("What", "Told"), [[[Item(three, tone="strong"), Item(four, tone="bad")], [Item(five, "in")]]]),
            Folded(six, [Item(seven)]),
            Code([(eight, "good"), (f"+   {one}", "")]),
        ]
    )
    fits(shown, width)
    told = Counter(" ".join(shown.lines(500)).split())
    told.subtract(word for word in told.copy() if set(word) == {"─"})
    assert +told == +words(shown)


def test_an_address_keeps_its_end_and_words_are_not_cut() -> None:
    link = f"http://127.0.0.1:8233/namespaces/default/workflows/{'durable-agent-' * 4}"
    text = "The Beach Hazards Statement so far is well known to everybody who looks at this page:"
    for shown in (
        Shown([Item(f"{text} {link} and more", "Why")]),
        Shown([Table(("a",), [[[Item(f"{text} {link}")]]])]),
    ):
        for width in WIDTHS:
            lines = shown.lines(width)
            assert any(link in line for line in lines)
            fits(shown, width)
            assert set(text.split()) <= set(" ".join(lines).split())


def test_an_address_is_a_link_and_nothing_else_is() -> None:
    shown = Shown(
        [Item("see http://127.0.0.1:8233/a?b=1&c=2, (https://temporal.io) javascript:alert(1) <a href='x'>y</a>")]
    )
    links = list(ElementTree.fromstring(shown.html()).iter("a"))
    assert [link.get("href") for link in links] == ["http://127.0.0.1:8233/a?b=1&c=2", "https://temporal.io"]
    assert ["".join(link.itertext()) for link in links] == [link.get("href") for link in links]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_an_audit_tells_each_call_outcome_and_number_in_both_forms(name: str, width: int) -> None:
    run = recorded(name)
    audit = Audit(run)
    fits(audit, width)
    html = words(audit)
    told = Counter(" ".join(audit.lines(width)).split())
    for row in run.rows:
        for fact in (row.kind, title(row), *outcome_parts(row, run.latest), row.asked[:99], row.last_error, *row.notes):
            for word in fact.split():
                assert html[word] or html[word.rstrip(",")], word
                if cell_len(word) < 30:  # no word that has room on a line is cut
                    assert told[word] or told[f"{word},"], word
    assert len(re.findall("<tr>", audit.html())) == 1 + len(run.rows)
    assert set(told) - set(html) <= {word for word in told if re.search("[─…,]", word)}


def test_the_line_breaks_of_an_alert_stay() -> None:
    run = recorded("two_handoffs")
    audit, answer = Audit(run), as_text(run.result)
    assert answer.count("\n") == 2
    for line in answer.splitlines():
        assert any(shown.strip() == line or shown == f"Answered: {line}" for shown in audit.lines(120))
    assert "<br/>".join(answer.splitlines()) in audit.html()


def test_a_long_text_is_folded_away() -> None:
    shown = Shown([Item("word " * 300 + "end", "out")])
    page = ElementTree.fromstring(shown.html())
    (details,) = page.iter("details")
    assert "".join(details.itertext()).endswith("end")
    assert len("".join(details[0].itertext())) < 150
    assert len(" ".join(shown.lines(80))) < IN_LINES + 40


def book() -> dict[str, Any]:
    """A ledger in which requests ended in every way, and one was answered twice."""
    ledger = Ledger()

    def began() -> int:
        return ledger.model_began(
            asked="Alerts in <b>[TX]</b>?", body={"a": 1}, instructions="i", opening="o", turn=2, model="m"
        )

    for _ in range(2):
        ledger.completed(began(), answered="Flood", input_tokens=1234, output_tokens=56, cost_usd=0.000314)
    ledger.failed(began(), answered="Rate limit reached", status=429, fault="rate-limit")
    ledger.abandoned(began(), fault="slow")
    began()
    ledger.completed(ledger.weather_began(area="TX", path="/alerts/active?area=TX"), answered="2 alerts")
    return ledger.as_json()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_ledger_tells_each_request_and_number_in_both_forms(width: int) -> None:
    shown = ledger_shown(book())
    fits(shown, width)
    html, text = words(shown), " ".join(" ".join(shown.lines(width)).split())
    for entry in book()["entries"]:
        assert html[f"#{entry['id']}"] >= 1
        assert f"#{entry['id']} {entry['service']}" in text
    ends = {"✓": 3, "answered": 3, "✗": 1, "refused": 1, "429": 1, "rate-limit": 1, "⊘": 1, "abandoned": 1, "▸": 1}
    numbers = {"⟲": 2, "#1": 2, "1,234": 2, "56": 2, "$0.000314": 2, "$0.000628": 1, "2,468": 1, "112": 1}
    for fact, times in (ends | numbers).items():
        assert html[fact] >= times, fact
        assert len(re.findall(rf"(?<!\S){re.escape(fact)}(?![\w.])", text)) >= times, fact
    assert "Alerts in <b>[TX]</b>?" in text


def test_the_price_note_can_be_left_out() -> None:
    for form in (str, Shown.html):
        assert "list prices" in form(ledger_shown(book()))
        assert "list prices" not in form(ledger_shown(book(), price_note=False))


KEY = "a-key-of-a-foreign-server-1"


@pytest.mark.parametrize("key", [KEY, "sk-proj-" + "a1B2" * 8])
def test_no_form_tells_a_key(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREIGN_API_KEY", KEY)
    said = f"it was {key}, and"
    fault = {"target": "model", "kind": said, "spare": 0, "times": None, "left": None, "delay": 0.0}
    fault |= {"retry_after": key, "probability": None, "seed": None}
    entries = [{**entry, "asked": said, "answered": key} for entry in book()["entries"]]
    check = CHECKS["02"][0]
    every = (
        faults_shown([fault]),
        ledger_shown({**book(), "entries": entries}),
        Diagnosis("kind", said, said, said, (said,)).shown(),
        Checked(check, Verdict("incorrect", "code", said, said)).shown,
        Shown([Item("text", said), Folded(said, [Item(said)]), Code([(f"+ {said}", "good")])]),
    )
    for shown in every:
        for form in (shown.html(), *("".join("".join(shown.lines(width)).split()) for width in (40, 300))):
            assert key not in form
            assert "(hidden)" in form


@pytest.mark.parametrize("outcome", ["passed", "incorrect", "raised", "not attempted"])
def test_a_verdict_says_its_outcome_without_colour(outcome: Outcome) -> None:
    for check in CHECKS["03"]:
        shown = Checked(
            check, Verdict(outcome, "code", "What was <seen>.", "" if outcome == "passed" else "A slip.")
        ).shown
        expected = Counter(" ".join(shown.lines(500)).split())
        assert words(shown) == expected
        assert {f"{outcome}:".split()[0], check.name, "<seen>."} <= expected.keys()
        for width in WIDTHS:
            fits(shown, width)
