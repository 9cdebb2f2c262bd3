"""Reads what a tool gave back: lines to tell, or the error it reports."""

import ast
import json
import re
from typing import Any

MAX_LITERAL = 200_000  # characters
_ERROR = re.compile(
    r"^\W*(?:error\b|an? (?:\w+ )?error (?:occurred|has occurred|happened)|exception\b|traceback\b|failed\b|failure:"
    r"|could not\b|couldn'?t\b|cannot\b|unable to\b|invalid\b|tool (?:execution )?(?:failed|error)"
    r"|[A-Za-z.]*(?:Error|Exception):|erreur\b)",
    re.IGNORECASE,
)


def error_in(output: str) -> str | None:
    """The error a tool's output reports, on one line, or None if it reports none.

    Known forms: text that begins like an error (the Agents SDK's own begins "An error occurred while running the
    tool"), an object with an `error`, and a problem document (RFC 9457) with a status from 400 up.
    """
    data = _json(output)
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
    data = _json(output)
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


def _json(text: str) -> Any:
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
