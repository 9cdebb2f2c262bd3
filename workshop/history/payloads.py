"""Payloads and failures as Temporal stores them -> plain values and plain words.

Decodes the JSON itself: neither the plugin nor a learner's classes are needed, and nothing in here raises for odd data.
Shapes: https://api-docs.temporal.io, temporal.api.common.v1.Payload and temporal.api.failure.v1.Failure.
"""

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure

from workshop.history.rows import ChainedError, Place

OURS = Path(__file__).parents[1]
MAX_DEPTH = 100  # deeper JSON stays text: whoever walks it would run out of stack
_WRAPPERS = ("activity_failure_info", "child_workflow_execution_failure_info")


# Encodings of Temporal's own converters that hold bytes as they are.
PLAIN = ("binary/plain", "binary/protobuf", "no encoding")


class Encoded(str):
    """Stands for data that only a codec can read."""


def decode(payload: Payload) -> Any:
    """The value in a payload: JSON where it is JSON, else text that says how many bytes of what it is."""
    encoding = payload.metadata.get("encoding", b"no encoding").decode("utf-8", "replace")
    if encoding == "binary/null":
        return None
    if not encoding.startswith("json/"):
        words = f"<{len(payload.data)} bytes, {encoding}>"
        return words if encoding in PLAIN else Encoded(words)
    text = payload.data.decode("utf-8", "replace")
    try:
        # Infinite numbers and half characters are no JSON: what comes out must be printable as JSON again.
        value = json.loads(text, parse_constant=str, parse_float=_finite)
    except (ValueError, RecursionError):
        return text
    if _reaches(value, MAX_DEPTH):
        return text
    if r"\ud" in text.lower():
        return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


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


def _reaches(value: Any, depth: int) -> bool:
    """Whether a value is nested as deep as that."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth == 0 or any(_reaches(item, depth - 1) for item in inner)


def chain(failure: Failure) -> tuple[ChainedError, ...]:
    """The errors of a failure, outermost first; wrappers that only say "an activity failed" are left out."""
    errors = []
    while True:
        # They say nothing, unless they are all there is. The last marks a failure that the server cut to size.
        wrapper = failure.WhichOneof("failure_info") in _WRAPPERS or failure.message == "Failure exceeds size limit."
        if not (wrapper and failure.HasField("cause")):
            errors.append(ChainedError(_type(failure), _message(failure), _place(failure.stack_trace)))
        if not failure.HasField("cause"):
            break
        failure = failure.cause
    # What a provider's refusal became whose Retry-After header is a date, or no number that makes sense: the plugin
    # reads that header as a number of seconds, so that its own error hides the status, and only the line it was
    # raised at tells. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after allows dates, too.
    if errors[-1].type in ("ValueError", "OverflowError") and "_raise_for_openai_status" in failure.stack_trace:
        said = re.fullmatch(r"could not convert string to float: (.*)", failure.message)
        asks = f"the provider's Retry-After is no length of time: {said[1] if said else 'infinite or not a number'}"
        if said and re.search(r"\d:\d\d", said[1]):
            reason = "its Retry-After is a date, and the plugin reads only seconds"
            asks = f"the provider asks to wait until {said[1]}; {reason}"
        errors.append(ChainedError("APIStatusError", f"429 (or 5xx): {asks}"))
    return tuple(errors)


def _type(failure: Failure) -> str:
    match failure.WhichOneof("failure_info"):
        case "application_failure_info":
            return failure.application_failure_info.type or "ApplicationError"
        case "timeout_failure_info":
            kind = failure.timeout_failure_info.timeout_type
            # A number that this SDK does not know must not raise.
            name = TimeoutType.Name(kind) if kind in TimeoutType.values() else "TIMEOUT_TYPE_UNKNOWN"
            return f"{name.removeprefix('TIMEOUT_TYPE_').lower().replace('_', '-')} timeout"
        case "canceled_failure_info":
            return "Cancelled"
        case "terminated_failure_info":
            return "Terminated"
        case other:
            return (other or "failure").removesuffix("_info").replace("_", " ")


def _message(failure: Failure) -> str:
    if failure.HasField("encoded_attributes"):
        value = decode(failure.encoded_attributes)
        if isinstance(value, dict) and isinstance(value.get("message"), str):
            return str(value["message"])
    return failure.message


def _place(stack: str) -> Place | None:
    frames = re.findall(r'^ *File "([^"\n]*)", line (\d+), in ([^\n]*)(?:\n +([^\n]*))?', stack, re.MULTILINE)
    # Frames of installed packages, of the standard library and of this package are not a person's own.
    own = [frame for frame in frames if not re.search(r"site-packages|dist-packages|/lib/python3|^<", frame[0])]
    own = [frame for frame in own if not Path(frame[0]).is_relative_to(OURS)]
    if not own:
        return None
    file, line, function, code = own[-1]
    return Place(file, int(line), function, code)
