"""Fills in a JSON schema: a tool's arguments, or a structured answer."""

import re
from collections.abc import Sequence
from typing import Any

from workshop.practice.states import name_of

_PLACE = re.compile(r"state|area|region|location|place|territory|etat|estado|lieu|lugar", re.IGNORECASE)
MAX_DEPTH = 8


def first_string(schema: dict[str, Any]) -> str | None:
    """The first property of an object's schema that can hold text."""
    properties = schema.get("properties")
    for name, spec in properties.items() if isinstance(properties, dict) else ():
        if isinstance(name, str) and _type(spec, schema, 0) == "string":
            return name
    return None


def fill(
    schema: dict[str, Any], text: str, areas: Sequence[str], *, area_name: str = "", whole: bool = False
) -> dict[str, Any]:
    """An object that satisfies the schema, as far as its usual keywords say.

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
            found[name] = _value(spec, schema, place, text, whole, 0)
    return found


def _value(spec: Any, root: dict[str, Any], place: str, text: str, whole: bool, depth: int) -> Any:
    spec = _resolve(spec, root, depth)
    if "const" in spec:
        return spec["const"]
    if isinstance(spec.get("enum"), list) and spec["enum"]:
        known = [place, name_of(place)] if place else []
        said = [option for option in spec["enum"] if isinstance(option, str) and option.casefold() in text.casefold()]
        options = [option for option in spec["enum"] if option in known] or said or spec["enum"]
        return options[0]
    kind = _type(spec, root, depth)
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
        item = _value(spec.get("items", {"type": "string"}), root, place, text, whole, depth + 1)
        return [item] if place or spec.get("minItems") else []
    properties = spec.get("properties")
    names = properties if isinstance(properties, dict) else {}
    return {name: _value(inner, root, place, text, whole, depth + 1) for name, inner in names.items()}


def _resolve(spec: Any, root: dict[str, Any], depth: int) -> dict[str, Any]:
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


def _type(spec: Any, root: dict[str, Any], depth: int) -> str:
    spec = _resolve(spec, root, depth)
    kind = spec.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in spec else "string"
