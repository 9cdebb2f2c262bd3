"""The practice model: decides, from instructions, tools and conversation, what a real model would do here.

No LLM: rules, and the same request always gets the same reply. It asks the weather tool once for each state named,
hands over to the one agent of the message's language, answers from what the tools really returned, and asks back
when it does not know which state is meant.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from workshop.practice.areas import find_areas, name_of, without_accents
from workshop.practice.languages import named_in, recognise, say
from workshop.practice.request import FunctionCall, FunctionOutput, Item, ModelRequest, Reply, Tool, ToolCall
from workshop.practice.tools import error_in, fill, first_string, lines_of

MAX_READ = 20_000  # characters of a message that are read
MAX_OUTPUT = 4_000  # characters of one tool's output that are quoted
_WEATHER = re.compile(
    r"weather|alert|forecast|storm|warning|hurricane|tornado|flood|snow|rain|wind|heat|fire|climat|clima\b|tiempo"
    r"|meteo|tempete|orage|neige|ouragan|inond|aviso|tormenta|huracan|nieve|lluvia|viento|temps\b|vigilance",
    re.IGNORECASE,
)
_GREETING = re.compile(r"\b(?:hello|hi|hey|good (?:morning|day|evening)|bonjour|bonsoir|salut|hola|buen[oa]s)\b", re.I)
_THANKS = re.compile(r"\b(?:thanks?|thank you|merci|gracias)\b", re.I)
_TRANSFER = "transfer_to_"  # how the name of a handoff begins, unless it has one of its own
_TRANSFERRED = re.compile(r'\{"assistant": ?".*"\}')  # what the Agents SDK answers to it
_EMPTY_WORDS = frozenset(("agent", "tool", "this", "that", "with", "what", "from", "handle"))


def decide(request: ModelRequest) -> Reply:
    """What to reply: a handoff, tool calls, or a text."""
    said, since = request.latest()
    said = said[:MAX_READ]
    offered = () if request.choice == "none" else request.tools
    handed_over = bool(_handovers(since))
    transfer = None if handed_over else _transfer(offered, said)
    if transfer:
        return Reply(calls=[ToolCall(transfer.name, fill(transfer.parameters, said, ()))])

    tools = [tool for tool in offered if not _is_transfer(tool)]
    areas = _areas(request, said)
    tool = _tool(tools, request.choice, said, areas)
    calls = _missing_calls(tool, areas, said, since) if tool else []
    if calls:
        return Reply(calls=calls if request.parallel else calls[:1])

    text = _answer(request, said, since, areas, bool(tools))
    return Reply(text=json.dumps(fill(request.schema, text, areas, whole=True)) if request.schema else text)


def unknown_tool() -> Reply:
    """The fault of a model that asks for a tool that was not offered."""
    return Reply(calls=[ToolCall("get_forecast_now", {"city": "Reno"})])


def bad_arguments(reply: Reply) -> Reply | None:
    """The fault of a model whose arguments are not an object; None for a reply in words."""
    return Reply(calls=[replace(call, bare=True) for call in reply.calls]) if reply.calls else None


def two_handoffs(request: ModelRequest) -> Reply | None:
    """The fault of a model that hands over to two agents at once, or None if there are not two to choose from."""
    transfers = [tool for tool in request.tools if _is_transfer(tool)]
    if len(transfers) < 2:
        return None
    said = request.latest()[0][:MAX_READ]
    right = _transfer(transfers, said)
    pair = sorted(transfers, key=lambda tool: tool is not right)[:2]
    return Reply(calls=[ToolCall(tool.name, fill(tool.parameters, said, ())) for tool in pair])


def areas_asked(reply: Reply) -> list[str]:
    """The areas that a reply asks a tool about: the weather requests for them belong to the same run."""
    values = [value for call in reply.calls for value in call.arguments.values() if isinstance(value, str)]
    return [value.upper() for value in values if len(value) == 2]


def _is_transfer(tool: Tool) -> bool:
    """Whether a tool hands over to another agent, as the Agents SDK names such tools, or else describes them; with both
    names of its own it is told by a language, and by asking for nothing.
    """
    own = named_in(tool.name.replace("_", " ")) and not tool.parameters.get("properties", True)
    return bool(own) or tool.name.startswith(_TRANSFER) or tool.description.startswith("Handoff to the ")


def _handovers(items: Sequence[Item]) -> set[str]:
    """The ids of calls that handed over: named so, or answered as the Agents SDK does."""
    called = {item.call_id for item in items if isinstance(item, FunctionCall) and item.name.startswith(_TRANSFER)}
    return called | {i.call_id for i in items if isinstance(i, FunctionOutput) and _TRANSFERRED.fullmatch(i.text)}


def _transfer(tools: Sequence[Tool], said: str) -> Tool | None:
    """The one agent to hand over to: by language, or by subject if no agent is for a language."""
    transfers = [tool for tool in tools if _is_transfer(tool)]
    languages = {tool.name: named_in(tool.name.replace("_", " ")) or named_in(tool.description) for tool in transfers}
    if any(languages.values()):
        language = recognise(said)
        return next((tool for tool in transfers if languages[tool.name] == language), None)
    best = max(transfers, key=lambda tool: _overlap(tool, said), default=None)
    return best if best and _overlap(best, said) else None


def _areas(request: ModelRequest, said: str) -> list[str]:
    """The areas of the latest message, or of an earlier one if the latest goes on about the weather and names none."""
    areas = find_areas(said)
    if not areas and ("?" in said or _WEATHER.search(without_accents(said))):
        areas = next((found for text in request.earlier() if (found := find_areas(text[:MAX_READ]))), [])
    return areas


def _tool(tools: Sequence[Tool], choice: str, said: str, areas: list[str]) -> Tool | None:
    """The tool that the request forces, or the one that fits the message best, if one fits it."""
    forced = next((tool for tool in tools if tool.name == choice), None)
    if forced:
        return forced
    about_weather = bool(areas or _WEATHER.search(without_accents(said)))

    def fit(tool: Tool) -> int:
        return _overlap(tool, said) + (3 if about_weather and _is_weather(tool) else 0)

    best = max(tools, key=fit, default=None)
    return best if best and (choice == "required" or fit(best) >= 2) else None


def _is_weather(tool: Tool) -> bool:
    return bool(_WEATHER.search(f"{tool.name} {tool.description}"))


def _overlap(tool: Tool, said: str) -> int:
    """How many words a tool's name (counted twice) and description share with the message."""
    spoken = _content_words(said)
    name = _content_words(tool.name.removeprefix(_TRANSFER))
    return 2 * len(spoken & name) + len(spoken & (_content_words(tool.description) - name))


def _content_words(text: str) -> set[str]:
    words = re.findall(r"[a-z]{4,}", without_accents(text).lower().replace("_", " "))
    return {word.removesuffix("s") for word in words} - _EMPTY_WORDS


def _missing_calls(tool: Tool, areas: list[str], said: str, since: Sequence[Item]) -> list[ToolCall]:
    """The calls still to be made: one for each area not yet asked about since the latest message."""
    made = [item for item in since if isinstance(item, FunctionCall) and item.name == tool.name]
    name = first_string(tool.parameters)
    if not name or not _is_weather(tool):
        return [] if made else [ToolCall(tool.name, fill(tool.parameters, said, areas))]
    asked = {area for call in made for area in _areas_in(call)}
    missing = [area for area in areas if area not in asked]
    return [ToolCall(tool.name, fill(tool.parameters, said, [area], area_name=name)) for area in missing]


def _areas_in(call: FunctionCall) -> list[str]:
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return []
    values = [value for value in arguments.values() if isinstance(value, str)] if isinstance(arguments, dict) else []
    codes = [value for value in values if name_of(value) != value]
    return codes or [area for value in values for area in find_areas(value[:200])]


def _answer(request: ModelRequest, said: str, since: Sequence[Item], areas: list[str], has_tools: bool) -> str:
    """What the tools returned, in words; else a question back, a greeting, or what this model is."""
    language = named_in(request.instructions[:MAX_READ]) or recognise(said)
    outputs = {item.call_id: item.text for item in since if isinstance(item, FunctionOutput)}
    handovers = _handovers(since)
    calls = [item for item in since if isinstance(item, FunctionCall) and item.call_id not in handovers]
    answered = [call for call in calls if call.call_id in outputs]
    if answered:
        return "\n\n".join(_in_words(call, outputs[call.call_id], language) for call in answered)
    plain, hello = without_accents(said), say(language, "hello")
    greeted = _GREETING.search(plain)
    if has_tools:
        if _THANKS.search(plain) and not areas and "?" not in said:
            return say(language, "thanks")
        question = say(language, "which")
        return f"{hello} {question}" if greeted else question
    if greeted and not areas and len(plain.split()) <= 4:
        return f"{hello} {say(language, 'can')}"
    return f"{hello} {say(language, 'cannot', text=said[:200].strip())}"


def _in_words(call: FunctionCall, output: str, language: str) -> str:
    """One tool's output: quoted, cut where it is very long, or the error it reports."""
    places = [name_of(area, language) for area in _areas_in(call)]
    place = ", ".join(dict.fromkeys(places)) or call.name
    error = error_in(output)
    if error:
        return say(language, "error", place=place, error=_cut(error, language))
    lines = lines_of(output)
    if not lines:
        return say(language, "none", place=place)
    head = say(language, "alerts" if places else "result", place=place)
    if call.name.startswith("send"):  # it did something, and looked nothing up
        head = f"{place}:"
    if len(lines) == 1:
        return f"{head} {_cut(lines[0], language)}"
    return f"{head}\n" + _cut("\n".join(f"- {line}" for line in lines), language)


def _cut(text: str, language: str) -> str:
    left = len(text) - MAX_OUTPUT
    return text if left <= 0 else f"{text[:MAX_OUTPUT]} {say(language, 'cut', count=left)}"
