"""What the practice model knows of tools: filling in their schemas, and reading what they returned."""

import ast
import json
import re
from collections.abc import Sequence
from typing import Any

from workshop.practice.areas import name_of

MAX_DEPTH = 8
MAX_LITERAL = 200_000  # characters
_PLACE = re.compile(r"state|area|region|location|place|territory|etat|estado|lieu|lugar", re.IGNORECASE)
_ERROR = re.compile(
    r"^\W*(?:error\b|an? (?:\w+ )?error (?:occurred|has occurred|happened)|exception\b|traceback\b|failed\b|failure:"
    r"|could not\b|couldn'?t\b|cannot\b|unable to\b|invalid\b|tool (?:execution )?(?:failed|error)"
    r"|[A-Za-z.]*(?:Error|Exception):|erreur\b)",
    re.IGNORECASE,
)


def first_string(schema: dict[str, Any]) -> str | None:
    """The first property of an object's schema that can hold text."""
    properties = schema.get("properties")
    for name, spec in properties.items() if isinstance(properties, dict) else ():
        if isinstance(name, str) and _type(_resolve(spec, schema)) == "string":
            return name
    return None


def fill(
    schema: dict[str, Any], text: str, areas: Sequence[str], *, area_name: str = "", whole: bool = False
) -> dict[str, Any]:
    """An object that satisfies the schema, as far as its usual keywords say: a tool's arguments, a structured answer.

    Args:
        schema: of an object.
        text: what text properties hold.
        areas: area codes; the first is what a property that asks for a place holds.
        area_name: the property that certainly holds the area.
        whole: fill in every property, not only the required ones.
    """
    properties = schema.get("properties")
    required = schema.get("required")
    if not isinstance(properties, dict):
        return {}
    wanted = properties if whole or not isinstance(required, list) else {*required, area_name}
    found = {}
    for name, spec in properties.items():
        if name in wanted:
            place = areas[0] if areas and (name == area_name or (not area_name and _PLACE.search(str(name)))) else ""
            found[name] = _value(spec, schema, place, text)
    return found


def _value(spec: Any, root: dict[str, Any], place: str, text: str, depth: int = 0) -> Any:
    spec = _resolve(spec, root)
    if "const" in spec:
        return spec["const"]
    if isinstance(spec.get("enum"), list) and spec["enum"]:
        known = [place, name_of(place)] if place else []
        said = [option for option in spec["enum"] if isinstance(option, str) and option.casefold() in text.casefold()]
        options = [option for option in spec["enum"] if option in known] or said or spec["enum"]
        return options[0]
    kind = _type(spec)
    if kind == "string":
        return place or text
    if kind in ("integer", "number"):
        number = re.search(r"-?\d{1,9}", text, re.ASCII)
        return int(number.group()) if number else spec.get("minimum", spec.get("default", 0))
    if kind == "boolean":
        return spec.get("default", False)
    if kind == "null":
        return None
    if depth >= MAX_DEPTH:
        return [] if kind == "array" else {}
    if kind == "array":
        item = _value(spec.get("items", {"type": "string"}), root, place, text, depth + 1)
        return [item] if place or spec.get("minItems") else []
    properties = spec.get("properties")
    names = properties if isinstance(properties, dict) else {}
    return {name: _value(inner, root, place, text, depth + 1) for name, inner in names.items()}


def _resolve(spec: Any, root: dict[str, Any]) -> dict[str, Any]:
    """The schema behind `$ref` and behind the first real choice of anyOf, oneOf, allOf."""
    for _ in range(MAX_DEPTH):
        if not isinstance(spec, dict):
            return {"type": "string"}
        reference = spec.get("$ref")
        choices = spec.get("anyOf") or spec.get("oneOf") or spec.get("allOf")
        if isinstance(reference, str):
            target: Any = root
            for part in reference.removeprefix("#").strip("/").split("/"):
                target = target.get(part) if isinstance(target, dict) else None
            spec = target
        elif isinstance(choices, list) and choices:
            real = [one for one in choices if isinstance(one, dict) and one.get("type") != "null"]
            spec = real[0] if real else choices[0]
        else:
            return spec
    return {"type": "string"}


def _type(spec: dict[str, Any]) -> str:
    kind = spec.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in spec else "string"


def error_in(output: str) -> str | None:
    """The error a tool's output reports, on one line, or None if it reports none.

    Known forms: text that begins like an error (the Agents SDK's own begins "An error occurred while running the
    tool"), an object with an `error`, and a problem document (RFC 9457) with a status from 400 up.
    """
    data = _data(output)
    if isinstance(data, dict):
        error = data.get("error") or data.get("errors")
        if error:
            return _one_line(error.get("message") if isinstance(error, dict) and error.get("message") else error)
        status = data.get("status")
        if isinstance(status, int) and status >= 400:
            return _one_line(data.get("detail") or data.get("title") or status)
        return None
    text = data if isinstance(data, str) else output
    return _one_line(text) if _ERROR.match(text[:200]) else None


def lines_of(output: str) -> list[str]:
    """The output as lines to tell, whether it is text, a JSON list, or the weather service's own GeoJSON."""
    data = _data(output)
    if isinstance(data, dict) and isinstance(data.get("features"), list):
        data = [feature.get("properties") if isinstance(feature, dict) else feature for feature in data["features"]]
    if isinstance(data, dict):
        data = next((value for value in data.values() if isinstance(value, list)), [data])
    if isinstance(data, list):
        return [line for item in data if (line := _line(item))]
    text = data if isinstance(data, str) else output
    return [line for raw in text.splitlines() if (line := raw.strip(" \t-*•"))]


def _line(item: Any) -> str:
    if not isinstance(item, dict):
        return _one_line(item)
    named = [item[name] for name in ("event", "headline") if item.get(name)]
    named = named or [item[name] for name in ("title", "description", "areaDesc", "detail") if item.get(name)][:1]
    return ": ".join(_one_line(value) for value in named) if named else _one_line(item)


def _data(text: str) -> Any:
    """The value of JSON text, or of a Python list or dict as `str()` writes it; None for anything else."""
    if text[:1] not in ("[", "{", '"'):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        # activity_as_tool passes str(result) to the model.
        return ast.literal_eval(text) if len(text) < MAX_LITERAL else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _one_line(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return " ".join(text.split())
