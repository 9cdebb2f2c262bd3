"""The practice weather over HTTP: `GET /alerts/active/area/{area}` and `GET /alerts/active?area=`."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from workshop.practice import weather
from workshop.practice.calls import NOBODY, caller_waits, dropped, json_response, services_of

_ON_PURPOSE = "(practice fault)"
_ERRORS = {
    "down": (503, "ServiceUnavailable", "Service Unavailable", "The weather service is down"),
    "not-found": (404, "NotFound", "Not Found", "There is nothing here"),
    "forbidden": (403, "Forbidden", "Forbidden", "Access is denied"),
}
_NO_AGENT = "Every request needs a User-Agent header that names your application; yours has none."


async def alerts(request: Request) -> Response:
    """The active alerts of an area, of several, or of all."""
    ledger, faults = services_of(request).ledger, services_of(request).faults
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    in_path = request.path_params.get("area")
    given = [in_path] if in_path else request.query_params.getlist("area")
    areas = [area for text in given for area in text.split(",") if area]
    entry = ledger.weather_began(area=areas[0] if areas else "", path=path)

    if not request.headers.get("user-agent", "").strip():
        ledger.failed(entry, answered="no User-Agent header", status=403)
        return _problem(weather.problem(403, "Forbidden", "Forbidden", _NO_AGENT, path))
    hit = faults.take("weather")
    kind = hit.kind if hit else None
    if not await caller_waits(request, hit):
        ledger.abandoned(entry, fault=kind)
        return Response(status_code=NOBODY)
    if kind == "drop":
        ledger.failed(entry, answered="connection closed without an answer", status=None, fault=kind)
        return await dropped(request)
    if kind == "garbage":
        ledger.failed(entry, answered="a body that is not JSON", status=200, fault=kind)
        return Response('{"type": "FeatureCollection", "features": [{"prop', media_type=weather.GEOJSON)
    if hit and hit.kind in _ERRORS:
        status, name, title, detail = _ERRORS[hit.kind]
        ledger.failed(entry, answered=detail, status=status, fault=kind)
        return _problem(weather.problem(status, name, title, f"{detail} {_ON_PURPOSE}", path), hit.headers())

    unknown = weather.unknown_areas(areas)
    if unknown:
        answer = weather.bad_area(unknown[0], path, in_path=bool(in_path))
        ledger.failed(entry, answered=str(answer["detail"]), status=int(answer["status"]), fault=kind)
        return _problem(answer)
    found = weather.huge(areas) if kind == "huge" else weather.collection(areas)
    ledger.completed(entry, answered=f"{len(found['features'])} alerts", fault=kind)
    body = json.dumps(found, ensure_ascii=False).encode()
    return Response(body, media_type=weather.GEOJSON)


def _problem(document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return json_response(document, int(document["status"]), headers, weather.PROBLEM)
