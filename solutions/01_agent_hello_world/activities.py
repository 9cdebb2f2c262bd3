"""The weather tool: a plain function. That it is also a Temporal activity matters to workflows.py only."""

import os
from typing import Any

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError

WEATHER_API = "https://api.weather.gov"
TLS = httpx.create_ssl_context()  # once: to load the certificates for each call would block the worker
MAX_CHARACTERS = 4000  # you pay for every word that a model reads


async def make_api_call(state: str) -> dict[str, Any]:
    """Asks the weather service for a state's alerts, as GeoJSON: https://www.weather.gov/documentation/services-web-api"""
    url = os.environ.get("WEATHER_API_URL", WEATHER_API)
    async with httpx.AsyncClient(base_url=url, timeout=2.5, verify=TLS) as http:
        # The service refuses callers that do not say who they are.
        headers = {"User-Agent": "durable-ai-agents-workshop"}
        response = await http.get("/alerts/active", params={"area": state}, headers=headers)
    if response.is_client_error and response.status_code not in (408, 429):
        # Our own mistake, such as a state that does not exist: asking again cannot help. The answer may be a page.
        said = response.text[:500] if "json" in response.headers.get("content-type", "") else response.reason_phrase
        raise ApplicationError(f"Weather service said {response.status_code}: {said}", non_retryable=True)
    response.raise_for_status()
    data: dict[str, Any] = response.json()
    return data


@activity.defn
async def get_weather_alerts(state: str) -> str:
    """Active weather alerts for a US state.

    Args:
        state: Two-letter code of the state, such as CA.
    """
    data = await make_api_call(state)
    alerts = [alert["properties"] for alert in data["features"]]
    text = "\n".join(str(alert.get("headline") or alert.get("event")) for alert in alerts)
    if len(text) > MAX_CHARACTERS:
        return f"{text[:MAX_CHARACTERS]}\n[cut here: {len(alerts)} alerts in all]"
    return text or f"No active alerts for {state}."
