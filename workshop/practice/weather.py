"""A stand-in for the active alerts of the National Weather Service's API.

`GET /alerts/active/area/{area}` and `GET /alerts/active?area=`; and `POST /alerts/send?area=`, which the real service
has not: it stands for anything that acts on the world, and is noted in the ledger. Shapes:
https://www.weather.gov/documentation/services-web-api (GeoJSON; problem documents for errors). The alerts are made up
by us (`data/alerts.json`), of no real place or storm, and the same at every call; only their dates move, so that they
are always in force. Areas that are not named there have no active alerts.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from workshop.practice import data
from workshop.practice.areas import AREAS, MARINE, STATES, name_of
from workshop.practice.endpoints import delay_or_drop, json_object, json_response, state_of
from workshop.practice.faults import Fault
from workshop.practice.ledger import Entry

HUGE_BYTES = 3_000_000
OVER = "over"  # the fault of a warning that ends
# Area -> the properties of its alerts. What is not there is left out, or null, as it comes: clients must bear both.
_ALERTS: dict[str, list[dict[str, str | None]]] = data("alerts.json")
_OF_EVERY_ALERT = data("shapes.json")["alert"]
_GEOJSON = "application/geo+json"
_SITE = "https://api.weather.gov"
_NO_AGENT = "Every request needs a User-Agent header that names your application; yours has none."
# The parameters of the real /alerts/active -> the property of an alert that they select by, if the practice one does.
_PARAMETERS = {
    "area": "area",
    "event": "event",
    "status": "status",
    "message_type": "messageType",
    "urgency": "urgency",
    "severity": "severity",
    "certainty": "certainty",
    **dict.fromkeys(("code", "point", "region", "region_type", "zone")),
}
_ERRORS = data("errors.json")["weather"]  # status, name, title, detail


async def alerts(request: Request) -> Response:
    """The active alerts of an area, of several, or of all."""
    ledger, faults = state_of(request).ledger, state_of(request).faults
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    in_path = request.path_params.get("area")
    query = request.query_params
    areas = [area for text in ([in_path] if in_path is not None else query.getlist("area")) for area in text.split(",")]
    entry = ledger.weather_began(area=areas[0] if areas else "", path=path)

    if not request.headers.get("user-agent", "").strip():
        ledger.failed(entry, answered="no User-Agent header", status=403)
        return problem(403, "Forbidden", "Forbidden", _NO_AGENT, path)
    hit = faults.take("weather")
    if over := await delay_or_drop(request, entry, hit):
        return over
    kind = hit.kind if hit else None
    if hit and (refused := _refusal(request, entry, hit, path)):
        return refused

    wrong: list[tuple[str, str]] = []  # parameters and what is wrong with them
    for name in query:
        if in_path is not None or name not in _PARAMETERS:
            wrong.append((f"query.{name}", f'Query parameter "{name}" is not recognized'))
        elif _PARAMETERS[name] is None:
            wrong.append((f"query.{name}", "The practice weather cannot select by this; the real service can"))
    unknown = next((area for area in areas if area not in AREAS), None)
    if unknown is not None:
        parameter = "query.area[0]" if in_path is None else "path.area"
        for codes in (MARINE, STATES):
            wrong.append((parameter, f"Does not have a value in the enumeration {json.dumps(list(codes))}"))
    if wrong:
        not_found = in_path is not None and unknown is not None
        status, name, title = (404, "NotFound", "Not Found") if not_found else (400, "BadRequest", "Bad Request")
        detail = f"{title}: {wrong[0][1]}" if unknown is None else f"{title}: {unknown[:40]!r} is not an area"
        ledger.failed(entry, answered=detail, status=status, fault=kind)
        errors = [{"parameter": parameter, "message": message} for parameter, message in wrong]
        return problem(status, name, title, detail, path, parameterErrors=errors)
    found = _huge(areas[0] if areas else "TX") if kind == "huge" else _collection(areas)
    if kind == OVER:
        found["features"] = []
    for name, value in query.multi_items():
        if name != "area":
            wanted, of_alert = value.casefold().split(","), str(_PARAMETERS[name])
            alerts = found["features"]
            found["features"] = [one for one in alerts if str(one["properties"].get(of_alert)).casefold() in wanted]
    ledger.completed(entry, answered=f"{len(found['features'])} alerts", fault=kind)
    return Response(json.dumps(found, ensure_ascii=False).encode(), media_type=_GEOJSON)


async def send(request: Request) -> Response:
    """Alerts the residents of an area, once for each Idempotency-Key; a request without one always does."""
    ledger = state_of(request).ledger
    area, key = request.query_params.get("area", ""), request.headers.get("idempotency-key", "").strip()
    path = f"{request.url.path}?{request.url.query}"
    message = (await json_object(request)).get("message")
    entry = ledger.weather_began(area=area, path=f"POST {path} {f'key {key}' if key else 'without a key'}: {message}")
    wrong = "The body is not JSON with a message" if not isinstance(message, str) or not message.strip() else ""
    if wrong or area not in STATES:
        detail = f"Bad Request: {wrong or f'{area[:40]!r} is not a state'}"
        ledger.failed(entry, answered=detail, status=400)
        return problem(400, "BadRequest", "Bad Request", detail, path)
    hit = state_of(request).faults.take("weather", unless=("huge", OVER))
    if hit and hit.kind in _ERRORS and (refused := _refusal(request, entry, hit, path)):
        return refused
    # It is done before it is answered: who gets no answer cannot know whether it was.
    sent = ledger.sends(entry, key)
    if over := await delay_or_drop(request, entry, hit):
        return over
    if hit and (refused := _refusal(request, entry, hit, path)):
        return refused
    to = f"the residents of {name_of(area)}"
    detail = f"Sent to {to}." if sent else f"Not sent again: {to} had this alert already."
    ledger.completed(entry, answered=detail, fault=hit.kind if hit else None)
    return json_response({"sent": sent, "detail": detail})


def _refusal(request: Request, entry: Entry, hit: Fault, path: str) -> Response | None:
    """What a fault answers in place of what was asked for, if it does."""
    ledger = state_of(request).ledger
    if hit.kind == "garbage":
        ledger.failed(entry, answered="a body that is not JSON", status=200, fault=hit.kind)
        return Response('{"type": "FeatureCollection", "features": [{"prop', media_type=_GEOJSON)
    if hit.kind in _ERRORS:
        status, name, title, detail = _ERRORS[hit.kind]
        ledger.failed(entry, answered=detail, status=status, fault=hit.kind)
        return problem(status, name, title, f"{detail} (practice fault)", path, headers=hit.headers())
    return None


def problem(
    status: int, name: str, title: str, detail: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """A problem document. `name` ends its type's address; `path` makes the correlation id, so it is repeatable."""
    correlation = hashlib.sha256(f"{status} {path}".encode("utf-8", "replace")).hexdigest()[:8]
    document = {
        "correlationId": correlation,
        "title": title,
        "type": f"{_SITE}/problems/{name}",
        "status": status,
        "detail": detail,
        "instance": f"{_SITE}/requests/{correlation}",
        **more,
    }
    return json_response(document, status, headers, "application/problem+json")


def _huge(area: str) -> dict[str, Any]:
    """The same shape, with about 3 MB of alerts: the fault that a tool must limit."""
    count, sentence = 60, "The made-up river rises and the made-up gauge is read again. "
    long = _ALERTS["TX"][0] | {"description": sentence * (HUGE_BYTES // count // len(sentence) + 1)}
    return _collection([area], {area: [long] * count})


def _collection(areas: Sequence[str], alerts: Mapping[str, list[dict[str, str | None]]] = _ALERTS) -> dict[str, Any]:
    """The active alerts of the given areas (of all areas, if none are given) as a GeoJSON FeatureCollection.

    An area without alerts gives an empty collection, not an error.
    """
    wanted = list(dict.fromkeys(areas or AREAS))
    where = " or ".join(wanted) if areas else "all areas"
    begins = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    features = []
    for area in wanted:
        for number, alert in enumerate(alerts.get(area, []), start=1):
            name = f"urn:practice:alert.{area.lower()}.{number}"
            properties = {
                "@id": f"{_SITE}/alerts/{name}",
                "@type": "wx:Alert",
                "id": name,
                **alert,
                **_OF_EVERY_ALERT,
                **dict.fromkeys(("sent", "effective", "onset"), begins.isoformat()),
                "expires": (begins + timedelta(days=1)).isoformat(),
                "geocode": {"UGC": [f"{area}Z{number:03d}"], "SAME": []},
                "affectedZones": [f"{_SITE}/zones/forecast/{area}Z{number:03d}"],
            }
            features.append({"id": properties["@id"], "type": "Feature", "geometry": None, "properties": properties})
    return {
        "@context": ["https://geojson.org/geojson-ld/geojson-context.jsonld", {"@version": "1.1"}],
        "type": "FeatureCollection",
        "features": features,
        "title": f"Current watches, warnings, and advisories for {where} (practice data)",
        "updated": begins.isoformat(),
    }
