"""Payloads and failures as Temporal stores them -> plain values and plain words.

Decodes the JSON itself: neither the plugin nor a learner's classes are needed, and nothing in here raises for odd data.
Shapes: https://api-docs.temporal.io, temporal.api.common.v1.Payload and temporal.api.failure.v1.Failure.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure

MAX_DEPTH = 100  # deeper JSON stays text: whoever walks it would run out of stack


@dataclass(frozen=True)
class Place:
    """A line of a person's own code."""

    file: str
    line: int
    function: str
    code: str

    @property
    def shown(self) -> str:
        """The file as a person here would name it: relative to the current folder if it lies below it."""
        path = Path(self.file)
        return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else self.file


@dataclass(frozen=True)
class Link:
    """One error of a chain: its type, its message, and the innermost line of a person's own code, if any."""

    type: str
    message: str
    place: Place | None = None

    def __str__(self) -> str:
        # httpx ends its messages with a link to a page about status codes.
        message = self.message.partition("\nFor more information check:")[0]
        return f"{self.type}: {message}" if message else self.type


def decode(payload: Payload) -> Any:
    """The value in a payload: JSON where it is JSON, else text that says how many bytes of what it is."""
    encoding = (
        payload.metadata["encoding"].decode("utf-8", "replace") if "encoding" in payload.metadata else "no encoding"
    )
    if encoding == "binary/null":
        return None
    if encoding.startswith("json/"):
        text = payload.data.decode("utf-8", "replace")
        try:
            # Infinite numbers and half characters are no JSON: what comes out must be printable as JSON again.
            value = json.loads(text, parse_constant=str, parse_float=_finite)
        except (ValueError, RecursionError):
            return text
        if _too_deep(value):
            return text
        return (
            json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
            if r"\ud" in text.lower()
            else value
        )
    return f"<{len(payload.data)} bytes, {encoding}>"


def decode_all(payloads: Iterable[Payload]) -> Any:
    """None for no payload, the value for one, a list of values for several."""
    values = [decode(payload) for payload in payloads]
    return (values[0] if len(values) == 1 else values) if values else None


def as_text(value: Any) -> str:
    """A decoded value for a person: text as it stands, None as nothing, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _finite(text: str) -> float | str:
    return float(text) if math.isfinite(float(text)) else text


def _too_deep(value: Any) -> bool:
    layer = [value]
    for _ in range(MAX_DEPTH):
        children: list[Any] = []
        for item in layer:
            if isinstance(item, dict):
                children += item.values()
            elif isinstance(item, list):
                children += item
        if not children:
            return False
        layer = children
    return True


_WRAPPERS = ("activity_failure_info", "child_workflow_execution_failure_info")


def chain(failure: Failure) -> tuple[Link, ...]:
    """The errors of a failure, outermost first; wrappers that only say "an activity failed" are left out."""
    links = []
    while True:
        # They say nothing, unless they are all there is. The last marks a failure that the server cut to size.
        wrapper = failure.WhichOneof("failure_info") in _WRAPPERS or failure.message == "Failure exceeds size limit."
        if not (wrapper and failure.HasField("cause")):
            links.append(Link(_type(failure), _message(failure), _place(failure.stack_trace)))
        if not failure.HasField("cause"):
            return (*links, *_unread_retry_after(failure))
        failure = failure.cause


def _unread_retry_after(failure: Failure) -> tuple[Link, ...]:
    """What a provider's refusal became that says in its Retry-After header when to come back, as a date.

    The plugin reads that header as a number of seconds, so that its own ValueError hides the status: only the line it
    was raised at tells. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after allows both.
    """
    date = re.fullmatch(r"could not convert string to float: (.*)", failure.message)
    if date is None or "_raise_for_openai_status" not in failure.stack_trace:
        return ()
    reason = "its Retry-After is a date, and the plugin reads only seconds"
    return (Link("APIStatusError", f"429 (or 5xx): the provider asks to wait until {date[1]}; {reason}"),)


def root(links: tuple[Link, ...]) -> Link | None:
    """The root cause: the innermost error that says something (low-level time-outs have no message)."""
    return next((link for link in reversed(links) if link.message), links[0] if links else None)


def _type(failure: Failure) -> str:
    match failure.WhichOneof("failure_info"):
        case "application_failure_info":
            return failure.application_failure_info.type or "ApplicationError"
        case "timeout_failure_info":
            return f"{_timeout(failure.timeout_failure_info.timeout_type)} time-out"
        case "canceled_failure_info":
            return "Cancelled"
        case "terminated_failure_info":
            return "Terminated"
        case other:
            return (other or "failure").removesuffix("_info").replace("_", " ")


def _timeout(kind: TimeoutType.ValueType) -> str:
    # A number that this SDK does not know must not raise.
    name = TimeoutType.Name(kind) if kind in TimeoutType.values() else "TIMEOUT_TYPE_UNKNOWN"
    return name.removeprefix("TIMEOUT_TYPE_").lower().replace("_", "-")


def _message(failure: Failure) -> str:
    if failure.HasField("encoded_attributes"):
        value = decode(failure.encoded_attributes)
        if isinstance(value, dict) and isinstance(value.get("message"), str):
            return str(value["message"])
    return failure.message


def _place(stack: str) -> Place | None:
    frames = re.findall(r'^ *File "([^"\n]*)", line (\d+), in ([^\n]*)(?:\n +([^\n]*))?', stack, re.MULTILINE)
    # Frames of installed packages and of the standard library are not a person's own.
    own = [frame for frame in frames if not re.search(r"site-packages|dist-packages|/lib/python3|^<", frame[0])]
    if not own:
        return None
    file, line, function, code = own[-1]
    return Place(file, int(line), function, code)
