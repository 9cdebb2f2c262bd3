"""Which areas a text asks about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.practice.test_languages import TEXTS
from workshop.practice.areas import AREAS, MARINE, STATES, find_areas, name_of


def wrong(cases: list[tuple[str, str]]) -> list[tuple[str, str, list[str]]]:
    """The (code, text) pairs whose text is not taken for that code alone."""
    return [(code, text, find_areas(text)) for code, text in cases if find_areas(text) != [code]]


def test_every_area_by_every_name_in_any_case() -> None:
    questions = ("{}", "Any alerts in {}?", "any storms for {} and nearby?", "[{}]")
    spelled = [
        (code, spelling)
        for code, names in AREAS.items()
        for name in names
        for spelling in (name, name.upper(), name.lower())
    ]
    assert wrong([(code, question.format(name)) for code, name in spelled for question in questions]) == []


def test_every_state_by_code() -> None:
    questions = ("alerts for {}", "Any alerts in {} today?", "state: {}", "[{}]", "weather {}")
    assert wrong([(code, question.format(code)) for code in STATES for question in questions]) == []


def test_every_marine_area_by_code_where_it_is_called_one() -> None:
    assert wrong([(code, f"warnings for area {code}?") for code in MARINE]) == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Any storm warnings in California?", "CA"),
        ("Is it bad in Texas or Ohio for me?", "TX OH"),
        ("alerts for OR", "OR"),
        ("IS IT BAD IN TEXAS OR OHIO FOR ME?", "TX OH"),
        ("Is it bad in TX OR OH?", "TX OH"),
        ("alerts IN Texas", "TX"),
        ("tell me, or mail me, in Texas", "TX"),
        ("OK, hi, oh: is it ok in Ohio?", "OH"),
        ("Is Virginia or West Virginia worse?", "VA WV"),
        ("west virginia only", "WV"),
        ("Washington, D.C. alerts", "DC"),
        ("Washington and Washington DC", "WA DC"),
        ("in D.C.?", "DC"),
        ("Arkansas", "AR"),
        ("the Carolinas", "NC SC"),
        ("North or South Dakota", "ND SD"),
        ("Washington County, Oregon", "OR"),
        ("Kansas City, Kansas", "KS"),
        ("Portland, OR", "OR"),
        ("Salem OR today", "OR"),
        ("NH, ME and VT", "NH ME VT"),
        ("alerts in tx and fl", "TX FL"),
        ("in ok?", "OK"),
        ("alerts for me", ""),
        ("log in or out", ""),
        ("5 PM in Iowa, I AM there", "IA"),
        ("Lake Michigan, not Michigan", "LM MI"),
        ("New   York and new-mexico", "NY NM"),
        ("Texas, texas, TX", "TX"),
        ("Hawai\u02bbi or Hawai'i", "HI"),
        ("Alertes au Nouveau-Mexique et en Caroline-du-Nord", "NM NC"),
        ("Avisos en Nueva York y Míchigan", "NY MI"),
        ("c'est pour ça", ""),
        ("Dime el clima para mi pueblo de la costa", ""),
        ("Il va en Virginie-Occidentale", "WV"),
        ("Baja California", ""),
        ("Texan Ohioans in Indianapolis", ""),
        ("Texas" * 3, ""),
    ],
)
def test_only_real_mentions_count(text: str, codes: str) -> None:
    assert find_areas(text) == codes.split()


@pytest.mark.parametrize(("group", "allowed"), [("tuned", 0), ("unseen", 0.05)])
def test_areas_at_the_edge(group: str, allowed: float) -> None:
    """Case C19: codes in small letters, pronouns in capitals, rivers and streets, abbreviations."""
    texts = TEXTS[group]["areas"]
    wrong = [(text, codes, find_areas(text)) for text, codes in texts if find_areas(text) != codes.split()]
    assert len(texts) >= 40
    assert len(wrong) <= allowed * len(texts), wrong


def test_names_are_told_in_three_languages() -> None:
    assert [name_of("NM", language) for language in ("english", "french", "spanish")] == [
        "New Mexico",
        "Nouveau-Mexique",
        "Nuevo México",
    ]
    assert name_of("OH", "french") == "Ohio"
    assert name_of("ZZ") == "ZZ"


@given(st.lists(st.sampled_from(sorted(STATES)), min_size=1, max_size=6, unique=True))
def test_names_in_a_sentence_are_found_in_their_order(codes: list[str]) -> None:
    text = "Any alerts in " + ", then ".join(STATES[code][0] for code in codes) + "?"
    assert find_areas(text) == codes


@given(st.text(max_size=300))
def test_any_text_gives_areas_each_once(text: str) -> None:
    found = find_areas(text)
    assert set(found) <= set(AREAS)
    assert len(found) == len(set(found))


@given(st.text(alphabet=st.characters(min_codepoint=0x400, max_codepoint=0xFFF), max_size=80))
def test_other_scripts_name_no_area(text: str) -> None:
    assert find_areas(text) == []
