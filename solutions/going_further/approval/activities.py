"""The tool that acts on the world: an activity, so that Temporal retries it, and so it must bear being done twice."""

import os

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError

TLS = httpx.create_ssl_context()  # once: to load the certificates for each call would block the worker


@activity.defn
async def send_alert(state: str, message: str, key: str) -> str:
    """Sends an alert to all residents of a US state, once for each key, however often it is asked to."""
    url = os.environ.get("WEATHER_API_URL")
    if not url:
        # There is no real service that lets anybody do this.
        raise ApplicationError("WEATHER_API_URL names no service that sends alerts.", non_retryable=True)
    async with httpx.AsyncClient(base_url=url, timeout=5, verify=TLS) as http:
        headers = {"User-Agent": "durable-ai-agents-workshop", "Idempotency-Key": key}
        response = await http.post("/alerts/send", params={"area": state}, json={"message": message}, headers=headers)
    if response.is_client_error and response.status_code not in (408, 429):
        # Our own mistake, such as a state that does not exist: asking again cannot help.
        raise ApplicationError(f"Alert service said {response.status_code}: {response.text[:500]}", non_retryable=True)
    response.raise_for_status()
    return str(response.json()["detail"])
