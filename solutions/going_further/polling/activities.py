"""Three ways to look for the end of a warning. Each look is one request to the weather service."""

import asyncio
import os

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

WEATHER_API = "https://api.weather.gov"
TLS = httpx.create_ssl_context()  # once: to load the certificates for each call would block the worker


async def count_warnings(state: str) -> int:
    """How many warnings are active for a US state, given by its two-letter code."""
    url = os.environ.get("WEATHER_API_URL", WEATHER_API)
    async with httpx.AsyncClient(base_url=url, timeout=2.5, verify=TLS) as http:
        # The service refuses callers that do not say who they are.
        headers = {"User-Agent": "durable-ai-agents-workshop"}
        response = await http.get("/alerts/active", params={"area": state}, headers=headers)
    if response.is_client_error and response.status_code not in (408, 429):
        # Our own mistake, such as a state that does not exist: asking again cannot help.
        raise ApplicationError(f"Weather service said {response.status_code}.", non_retryable=True)
    response.raise_for_status()
    return len(response.json()["features"])


@activity.defn
async def fail_while_active(state: str) -> None:
    """One look, which fails while there are warnings: the retry policy of the activity is what polls."""
    if active := await count_warnings(state):
        # Benign: it is expected, so the worker logs no error for it.
        raise ApplicationError(f"{active} active for {state}.", category=ApplicationErrorCategory.BENIGN)


@activity.defn
async def watch_while_active(state: str, every_seconds: float) -> None:
    """All looks in one attempt, each followed by a heartbeat: without one, the server would take it for lost."""
    while await count_warnings(state):
        activity.heartbeat()
        await asyncio.sleep(every_seconds)


@activity.defn
async def look_once(state: str) -> int:
    """One look, which says what it found: the workflow polls."""
    return await count_warnings(state)
