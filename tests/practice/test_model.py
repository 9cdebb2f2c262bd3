"""What the practice model decides, from the request alone."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.practice.areas import STATES
from workshop.practice.model import areas_asked, decide, two_handoffs
from workshop.practice.request import FunctionCall, FunctionOutput, Message, ModelRequest, Reply, Tool
from workshop.practice.tools import fill

STATE = {"type": "object", "properties": {"state": {"type": "string"}}, "required": ["state"]}
WEATHER = Tool("get_weather_alerts", "Active weather alerts for a US state.", STATE)
TRANSFERS = tuple(Tool(f"transfer_to_{name}_agent", f"Speaks {name}.") for name in ("french", "spanish", "english"))


def ask(question: str, *later: Any, tools: tuple[Tool, ...] = (WEATHER,), **more: Any) -> Reply:
    return decide(ModelRequest("m", more.pop("instructions", ""), (Message("user", question), *later), tools, **more))


def calls(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in reply.calls]


def looked_up(area: str, output: str, key: str = "c1") -> tuple[FunctionCall, FunctionOutput]:
    return FunctionCall(key, "get_weather_alerts", json.dumps({"state": area})), FunctionOutput(key, output)


def test_only_what_is_missing_is_asked_for() -> None:
    reply = ask("Alerts in Texas and Ohio?", *looked_up("TX", "Hail"))
    assert calls(reply) == [("get_weather_alerts", {"state": "OH"})]
    assert areas_asked(reply) == ["OH"]


ALERT = {"type": "object", "properties": {"state": {"type": "string"}, "message": {"type": "string"}}}
SEND = Tool("send_alert_to_residents", "Sends an alert to the residents of a US state.", ALERT)


def test_what_acts_is_asked_for_once_for_each_state_and_told_as_it_went() -> None:
    words = "Warn the residents of Ohio and Texas of hail."
    reply = ask(words, tools=(SEND,))
    assert calls(reply) == [(SEND.name, {"state": area, "message": words}) for area in ("OH", "TX")]
    went = {"c1": ("OH", "Sent to the residents of Ohio."), "c2": ("TX", "Tool execution was not approved.")}
    later = [
        item
        for key, (area, said) in went.items()
        for item in (
            FunctionCall(key, SEND.name, json.dumps({"state": area, "message": words})),
            FunctionOutput(key, said),
        )
    ]
    assert ask(words, *later, tools=(SEND,)).text == (
        "Ohio: Sent to the residents of Ohio.\n\nTexas: Tool execution was not approved."
    )


def test_a_new_question_is_looked_up_again() -> None:
    reply = ask("Texas?", *looked_up("TX", "Hail"), Message("assistant", "Hail."), Message("user", "Texas again?"))
    assert calls(reply) == [("get_weather_alerts", {"state": "TX"})]


def test_thanks_need_no_tool() -> None:
    reply = ask("Alerts in Texas?", *looked_up("TX", "Hail"), Message("assistant", "Hail."), Message("user", "Thanks!"))
    assert not reply.calls
    assert "welcome" in reply.text


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("Hail: big", "Weather alerts for Texas: Hail: big"),
        ("Hail\nSnow", "Weather alerts for Texas:\n- Hail\n- Snow"),
        ("", "Texas: no active weather alerts; the tool gave back nothing."),
        ("[]", "Texas: no active weather alerts; the tool gave back nothing."),
        ('["Hail", "Snow"]', "Weather alerts for Texas:\n- Hail\n- Snow"),
        ("['Hail', 'Snow']", "Weather alerts for Texas:\n- Hail\n- Snow"),
        ('{"features": [{"properties": {"event": "Hail", "headline": null}}]}', "Weather alerts for Texas: Hail"),
        ('{"alerts": [{"event": "Hail", "headline": "Big"}]}', "Weather alerts for Texas: Hail: Big"),
        ("[URGENT] [/all] [bold red]now", "Weather alerts for Texas: [URGENT] [/all] [bold red]now"),
    ],
)
def test_it_tells_what_the_tool_gave_back(output: str, told: str) -> None:
    assert ask("Alerts in Texas?", *looked_up("TX", output)).text == told


@pytest.mark.parametrize(
    "output",
    [
        "An error occurred while running the tool. Please try again. Error: the service is down",
        "Error: the service is down",
        "RuntimeError: the service is down",
        '{"error": {"message": "the service is down"}}',
        '{"title": "Bad", "status": 503, "detail": "the service is down"}',
        "{'error': 'the service is down'}",
    ],
)
def test_it_says_when_the_tool_reports_an_error(output: str) -> None:
    text = ask("Alerts in Texas?", *looked_up("TX", output)).text
    assert "reported an error" in text
    assert "the service is down" in text


def test_an_alert_that_speaks_of_failure_is_no_error() -> None:
    assert "reported an error" not in ask("Texas?", *looked_up("TX", "Dam failure likely, errors in gauges")).text


def test_a_long_output_is_cut_and_it_says_so() -> None:
    text = ask("Alerts in Texas?", *looked_up("TX", "flood " * 500_000)).text
    assert len(text) < 5_000
    assert "more characters]" in text


def test_every_state_by_name_and_by_code() -> None:
    for code, names in STATES.items():
        for said in (names[0], code):
            assert calls(ask(f"Any alerts in {said}?")) == [("get_weather_alerts", {"state": code})]


@pytest.mark.parametrize("piece", ["in OR, ", "TX or ", "new ", "l'", "Kansas City, "])
def test_a_very_long_message_is_no_burden(piece: str) -> None:
    assert len(ask(piece * 200_000).calls) <= 2


def test_a_tool_choice_is_followed() -> None:
    assert not ask("Alerts in Texas?", choice="none").calls
    other = Tool("remember", "Notes something.", {"type": "object", "properties": {"note": {"type": "string"}}})
    forced = ask("Alerts in Texas?", tools=(WEATHER, other), choice="remember")
    assert calls(forced) == [("remember", {"note": "Alerts in Texas?"})]


def test_the_tool_that_fits_is_taken() -> None:
    send = Tool(
        "send_warning",
        "Sends a message to everybody in a state.",
        {
            "type": "object",
            "properties": {"state": {"type": "string"}, "message": {"type": "string"}, "loud": {"type": "boolean"}},
            "required": ["state", "message", "loud"],
        },
    )
    tools = (send, WEATHER)
    assert calls(ask("Any alerts in Ohio?", tools=tools)) == [("get_weather_alerts", {"state": "OH"})]
    said = "Please send a warning message to Ohio"
    assert calls(ask(said, tools=tools)) == [("send_warning", {"state": "OH", "message": said, "loud": False})]


def test_an_enum_of_names_gets_a_name() -> None:
    schema = {"type": "object", "properties": {"state": {"enum": ["Texas", "Ohio"], "type": "string"}}}
    assert fill(schema, "in Ohio", ["OH"], area_name="state") == {"state": "Ohio"}


@pytest.mark.parametrize(
    ("question", "agent"),
    [("Quelles alertes en Floride ?", "french"), ("¿Hay alertas en Florida?", "spanish"), ("Florida?", "english")],
)
def test_one_transfer_to_the_agent_of_the_language(question: str, agent: str) -> None:
    assert calls(ask(question, tools=TRANSFERS)) == [(f"transfer_to_{agent}_agent", {})]
    assert calls(ask(question, tools=(WEATHER, *TRANSFERS))) == [(f"transfer_to_{agent}_agent", {})]


def test_without_the_agent_it_answers_itself() -> None:
    reply = ask("Bonjour, quelles alertes ?", tools=TRANSFERS[1:])
    assert not reply.calls
    assert reply.text.startswith("Bonjour")


def test_after_a_transfer_it_does_not_transfer_again() -> None:
    moved = (FunctionCall("c1", TRANSFERS[0].name, "{}"), FunctionOutput("c1", '{"assistant": "French agent"}'))
    reply = ask("Alertes en Floride ?", *moved, tools=(WEATHER, *TRANSFERS), instructions="You answer in French.")
    assert calls(reply) == [("get_weather_alerts", {"state": "FL"})]
    told = ask("Alertes en Floride ?", *moved, *looked_up("FL", "Vague", "c2"), tools=(WEATHER, *TRANSFERS))
    assert told.text == "Alertes météo pour Floride : Vague"


def test_transfers_by_subject() -> None:
    tools = (Tool("transfer_to_billing_agent", "Invoices and refunds."), Tool("transfer_to_weather_agent", "Storms."))
    assert calls(ask("I want a refund of my invoice", tools=tools)) == [("transfer_to_billing_agent", {})]
    assert not ask("Tell me a joke", tools=tools).calls


def test_the_fault_of_two_handoffs_needs_two_agents() -> None:
    request = ModelRequest("m", "", (Message("user", "Hola"),), TRANSFERS)
    pair = two_handoffs(request)
    assert pair is not None
    assert [call.name for call in pair.calls] == ["transfer_to_spanish_agent", "transfer_to_french_agent"]
    assert two_handoffs(ModelRequest("m", "", (Message("user", "Hola"),), TRANSFERS[:1])) is None


@pytest.mark.parametrize(
    ("question", "instructions", "begins"),
    [
        ("What is love?", "", "Hello! I am the practice model"),
        ("Write a haiku", "You answer in Spanish.", "¡Hola! Soy el modelo de práctica"),
        ("Bonjour", "", "Bonjour ! Je suis le modèle"),
        ("", "", "Hello! I am the practice model"),
    ],
)
def test_without_tools_it_says_what_it_is(question: str, instructions: str, begins: str) -> None:
    assert ask(question, tools=(), instructions=instructions).text.startswith(begins)


TEXT = st.text(max_size=60) | st.sampled_from(["Texas?", "alerts in CA", "Hola", "[]", "{", "Error: x", "null"])
ITEMS = st.lists(
    st.builds(Message, st.sampled_from(["user", "assistant"]), TEXT)
    | st.builds(FunctionCall, st.sampled_from(["c1", "c2"]), st.sampled_from(["get_weather_alerts", "x"]), TEXT)
    | st.builds(FunctionOutput, st.sampled_from(["c1", "c2"]), TEXT),
    max_size=6,
)
SCHEMAS = st.recursive(
    st.sampled_from([{}, {"type": "string"}, {"type": ["null", "integer"]}, {"$ref": "#"}, {"enum": []}, STATE, 7]),
    lambda inner: st.dictionaries(st.sampled_from(["anyOf", "items", "properties", "type"]), inner | st.lists(inner)),
    max_leaves=6,
)
TOOLS = st.lists(
    st.sampled_from([WEATHER, *TRANSFERS])
    | st.builds(Tool, TEXT, TEXT, st.fixed_dictionaries({"properties": st.dictionaries(TEXT, SCHEMAS, max_size=3)})),
    max_size=4,
)


@given(TEXT, ITEMS, TOOLS, st.sampled_from(["auto", "none", "required", "x"]))
def test_it_always_decides_and_asks_only_for_tools_on_offer(
    instructions: str, items: list[Any], tools: list[Tool], choice: str
) -> None:
    request = ModelRequest("m", instructions, tuple(items), tuple(tools), choice=choice)
    reply = decide(request)
    assert bool(reply.calls) != bool(reply.text)
    assert {call.name for call in reply.calls} <= {tool.name for tool in tools}
    assert sum(call.name.startswith("transfer_to_") for call in reply.calls) <= 1
    assert decide(request) == reply
    json.dumps([call.arguments for call in reply.calls])


@given(st.lists(st.sampled_from(sorted(STATES)), min_size=1, max_size=5, unique=True), st.text(max_size=80))
def test_the_answer_holds_the_outputs(codes: list[str], output: str) -> None:
    question = "Alerts in " + ", ".join(STATES[code][0] for code in codes)
    items = [item for n, code in enumerate(codes) for item in looked_up(code, f"x{n} {output}", f"c{n}")]
    text = ask(question, *items).text
    assert all(f"x{number}" in text for number in range(len(codes)))
    assert all(STATES[code][0] in text for code in codes)
