"""The practice model: decides, from instructions, tools and conversation, what a real model would do here.

No LLM: rules, and the same request always gets the same reply. It asks the weather tool once for each state named,
hands over to the one agent of the message's language, answers from what the tools really gave back, and asks back
when it does not know which state is meant.
"""

import json
import re

from workshop.practice.conversation import Call, Message, Output, Reply, Request, Tool, ToolCall
from workshop.practice.languages import named_in, recognise
from workshop.practice.phrases import say
from workshop.practice.reading import error_in, lines_of
from workshop.practice.schemas import fill, first_string
from workshop.practice.states import find_areas, name_of, without_accents

MAX_READ = 20_000  # characters of a message that are looked at
MAX_OUTPUT = 4_000  # characters of one tool's output that are quoted
_WEATHER = re.compile(
    r"weather|alert|forecast|storm|warning|hurricane|tornado|flood|snow|rain|wind|heat|fire|climat|clima\b|tiempo"
    r"|meteo|tempete|orage|neige|ouragan|inond|aviso|tormenta|huracan|nieve|lluvia|viento|temps\b|vigilance",
    re.IGNORECASE,
)
_GREETING = re.compile(r"\b(?:hello|hi|hey|good (?:morning|day|evening)|bonjour|bonsoir|salut|hola|buen[oa]s)\b", re.I)
_THANKS = re.compile(r"\b(?:thanks?|thank you|merci|gracias)\b", re.I)


def decide(request: Request) -> Reply:
    """What to reply: tool calls, a handoff, or a text."""
    said, since = request.latest()
    said = said[:MAX_READ]
    offered = () if request.choice == "none" else request.tools
    transfer = None if _handed_over(since) else _transfer(offered, said)
    if transfer:
        return Reply(calls=(ToolCall(transfer.name, fill(transfer.parameters, said, ())),))
    tools = [tool for tool in offered if not tool.is_transfer]
    areas = _areas(request, said)
    tool = _tool(tools, request.choice, said, areas)
    calls = _due(tool, areas, said, since) if tool else []
    if calls:
        return Reply(calls=tuple(calls if request.parallel else calls[:1]))
    text = _answer(request, said, since, areas, bool(tools))
    return Reply(text=json.dumps(fill(request.schema, text, areas, whole=True)) if request.schema else text)


def unknown_tool() -> Reply:
    """The fault of a model that asks for a tool nobody offered."""
    return Reply(calls=(ToolCall("get_forecast_now", {"city": "Reno"}),))


def two_handoffs(request: Request) -> Reply | None:
    """The fault of a model that hands over to two agents at once, or None if there are not two to choose from."""
    transfers = [tool for tool in request.tools if tool.is_transfer]
    if len(transfers) < 2:
        return None
    said, _ = request.latest()
    right = _transfer(request.tools, said[:MAX_READ])
    pair = sorted(transfers, key=lambda tool: tool is not right)[:2]
    return Reply(calls=tuple(ToolCall(tool.name, fill(tool.parameters, said[:MAX_READ], ())) for tool in pair))


def areas_asked(reply: Reply) -> list[str]:
    """The areas that a reply asks a tool about, so that the weather request can be told whose it is."""
    values = [value for call in reply.calls for value in call.arguments.values() if isinstance(value, str)]
    return [value.upper() for value in values if len(value) == 2]


def _handed_over(since: tuple[Message | Call | Output, ...]) -> bool:
    return any(isinstance(item, Call) and item.name.startswith("transfer_to_") for item in since)


def _transfer(tools: tuple[Tool, ...], said: str) -> Tool | None:
    """The one agent to hand over to: by language, or by subject where no agent is there for a language."""
    transfers = [tool for tool in tools if tool.is_transfer]
    languages = {tool.name: named_in(tool.name.replace("_", " ")) or named_in(tool.description) for tool in transfers}
    if any(languages.values()):
        language = recognise(said)
        return next((tool for tool in transfers if languages[tool.name] == language), None)
    best = max(transfers, key=lambda tool: _overlap(tool, said), default=None)
    return best if best and _overlap(best, said) else None


def _areas(request: Request, said: str) -> list[str]:
    """The areas of the latest message; of an earlier one where the latest asks on without naming any."""
    areas = find_areas(said)
    if not areas and ("?" in said or _WEATHER.search(without_accents(said))):
        areas = next((found for text in request.earlier() if (found := find_areas(text[:MAX_READ]))), [])
    return areas


def _tool(tools: list[Tool], choice: str, said: str, areas: list[str]) -> Tool | None:
    """The tool for this message, if one fits it."""
    forced = [tool for tool in tools if tool.name == choice]
    if forced:
        return forced[0]
    about_weather = bool(areas or _WEATHER.search(without_accents(said)))

    def fit(tool: Tool) -> int:
        weather = _WEATHER.search(f"{tool.name} {tool.description}")
        return _overlap(tool, said) + (3 if weather and about_weather else 0)

    best = max(tools, key=fit, default=None)
    if best and choice == "required":
        return best
    return best if best and fit(best) >= 2 else None


def _overlap(tool: Tool, said: str) -> int:
    """How many words a tool's name (counted twice) and description share with the message."""
    spoken = _content_words(said)
    name = _content_words(tool.name.removeprefix("transfer_to_"))
    return 2 * len(spoken & name) + len(spoken & (_content_words(tool.description) - name))


def _content_words(text: str) -> set[str]:
    words = re.findall(r"[a-z]{4,}", without_accents(text).lower().replace("_", " "))
    return {word.removesuffix("s") for word in words} - {
        "agent",
        "tool",
        "this",
        "that",
        "with",
        "what",
        "from",
        "handle",
    }


def _due(tool: Tool, areas: list[str], said: str, since: tuple[Message | Call | Output, ...]) -> list[ToolCall]:
    """The calls still to be made: one for each area not yet asked about since the latest message."""
    made = [call for call in since if isinstance(call, Call) and call.name == tool.name]
    name = first_string(tool.parameters)
    if not _WEATHER.search(f"{tool.name} {tool.description}") or not name:
        return [] if made else [ToolCall(tool.name, fill(tool.parameters, said, areas))]
    asked = {area for call in made for area in _areas_in(call)}
    missing = [area for area in areas if area not in asked]
    return [ToolCall(tool.name, fill(tool.parameters, said, [area], area_name=name)) for area in missing]


def _areas_in(call: Call) -> list[str]:
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return []
    values = [value for value in arguments.values() if isinstance(value, str)] if isinstance(arguments, dict) else []
    return [area for value in values for area in ([value] if name_of(value) != value else find_areas(value[:200]))]


def _answer(
    request: Request, said: str, since: tuple[Message | Call | Output, ...], areas: list[str], has_tools: bool
) -> str:
    language = named_in(request.instructions[:MAX_READ]) or recognise(said)
    outputs = {item.call_id: item.text for item in since if isinstance(item, Output)}
    calls = [item for item in since if isinstance(item, Call) and not item.name.startswith("transfer_to_")]
    told = [_told(call, outputs[call.id], language) for call in calls if call.id in outputs]
    if told:
        return "\n\n".join(told)
    plain = without_accents(said)
    if has_tools:
        if _THANKS.search(plain) and not areas and "?" not in said:
            return say(language, "thanks")
        greeting = [say(language, "hello")] if _GREETING.search(plain) else []
        return " ".join([*greeting, say(language, "which")])
    if _GREETING.search(plain) and not areas and len(plain.split()) <= 4:
        return f"{say(language, 'hello')} {say(language, 'can')}"
    return f"{say(language, 'hello')} {say(language, 'cannot', text=said[:200].strip())}"


def _told(call: Call, output: str, language: str) -> str:
    """One tool's output in words: quoted, cut where it is very long, or the error it reports."""
    places = [name_of(area, language) for area in _areas_in(call)]
    place = ", ".join(dict.fromkeys(places)) or call.name
    error = error_in(output)
    if error:
        return say(language, "error", place=place, error=_cut(error, language))
    lines = lines_of(output)
    if not lines:
        return say(language, "none", place=place)
    head = say(language, "alerts" if places else "result", place=place)
    if len(lines) == 1:
        return f"{head} {_cut(lines[0], language)}"
    return f"{head}\n" + _cut("\n".join(f"- {line}" for line in lines), language)


def _cut(text: str, language: str) -> str:
    left = len(text) - MAX_OUTPUT
    return text if left <= 0 else f"{text[:MAX_OUTPUT]} {say(language, 'cut', count=left)}"
