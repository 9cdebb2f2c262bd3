"""A stand-in for the active alerts of the National Weather Service's API.

Shapes: https://www.weather.gov/documentation/services-web-api (GeoJSON; problem documents for errors). The alerts are
made up (`alerts.py`), the same at every call; only their dates move, so that they are always in force.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from workshop.practice.alerts import ALERTS, Alert
from workshop.practice.states import AREAS, MARINE, STATES

GEOJSON = "application/geo+json"
PROBLEM = "application/problem+json"
HUGE_BYTES = 3_000_000
_SITE = "https://api.weather.gov"
_AGENT = "Practice Weather Desk (made up, for a workshop)"


def collection(areas: Sequence[str]) -> dict[str, Any]:
    """The active alerts of the given areas (all areas, if none are given) as a GeoJSON FeatureCollection.

    An area without alerts gives an empty collection, not an error.
    """
    wanted = list(dict.fromkeys(areas or AREAS))
    features = [
        _feature(area, number, alert) for area in wanted for number, alert in enumerate(ALERTS.get(area, ()), start=1)
    ]
    return _collection(features, " or ".join(wanted) if areas else "all areas")


def huge(areas: Sequence[str]) -> dict[str, Any]:
    """The same shape, with about 3 MB of alerts: the fault that a tool must bound."""
    area = areas[0] if areas else "TX"
    filler = "The made-up river rises and the made-up gauge is read again. "
    count = 60
    alert = Alert("Flood Warning", "Severe", "Flood Warning for segment {}", "Segment {}", filler)
    text = filler * (HUGE_BYTES // count // len(filler) + 1)
    features = [
        _feature(
            area,
            number,
            alert._replace(
                headline=f"Flood Warning for segment {number}", places=f"Segment {number}", description=text
            ),
        )
        for number in range(1, count + 1)
    ]
    return _collection(features, area)


def unknown_areas(areas: Sequence[str]) -> list[str]:
    """Those that are no area of the service, which knows capitals only."""
    return [area for area in areas if area not in AREAS]


def problem(status: int, name: str, title: str, detail: str, path: str, **more: Any) -> dict[str, Any]:
    """A problem document. `name` ends its type's address; `path` makes the correlation id, so it is repeatable."""
    correlation = hashlib.sha256(f"{status} {path}".encode("utf-8", "replace")).hexdigest()[:8]
    return {
        "correlationId": correlation,
        "title": title,
        "type": f"{_SITE}/problems/{name}",
        "status": status,
        "detail": detail,
        "instance": f"{_SITE}/requests/{correlation}",
        **more,
    }


def bad_area(area: str, path: str, in_path: bool) -> dict[str, Any]:
    """What the service says of an area it does not know: 404 where it stands in the path, 400 in the query."""
    status, name, title = (404, "NotFound", "Not Found") if in_path else (400, "BadRequest", "Bad Request")
    parameter = "path.area" if in_path else "query.area[0]"
    errors = [
        {"parameter": parameter, "message": f"Does not have a value in the enumeration {list(codes)}".replace("'", '"')}
        for codes in (MARINE, STATES)
    ]
    return problem(status, name, title, f"{title}: {area[:40]!r} is not an area", path, parameterErrors=errors)


def _collection(features: list[dict[str, Any]], where: str) -> dict[str, Any]:
    return {
        "@context": ["https://geojson.org/geojson-ld/geojson-context.jsonld", {"@version": "1.1"}],
        "type": "FeatureCollection",
        "features": features,
        "title": f"Current watches, warnings, and advisories for {where} (practice data)",
        "updated": _day().isoformat(),
    }


def _feature(area: str, number: int, alert: Alert) -> dict[str, Any]:
    name = f"urn:practice:alert.{area.lower()}.{number}"
    begins = _day()
    text = {"headline": alert.headline, "areaDesc": alert.places, "description": alert.description}
    return {
        "id": f"{_SITE}/alerts/{name}",
        "type": "Feature",
        "geometry": None,
        "properties": {
            "@id": f"{_SITE}/alerts/{name}",
            "@type": "wx:Alert",
            "id": name,
            "event": alert.event,
            # What is not there is left out, or null, as it comes: clients must bear both.
            **{field: value for field, value in text.items() if value is not None or field == "headline"},
            "instruction": None,
            "severity": alert.severity,
            "certainty": "Likely",
            "urgency": "Expected",
            "status": "Actual",
            "messageType": "Alert",
            "category": "Met",
            "response": "Prepare",
            "sent": begins.isoformat(),
            "effective": begins.isoformat(),
            "onset": begins.isoformat(),
            "expires": (begins + timedelta(days=1)).isoformat(),
            "ends": None,
            "sender": "practice@example.invalid",
            "senderName": _AGENT,
            "geocode": {"UGC": [f"{area}Z{number:03d}"], "SAME": []},
            "affectedZones": [f"{_SITE}/zones/forecast/{area}Z{number:03d}"],
            "references": [],
            "parameters": {},
        },
    }


def _day() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
