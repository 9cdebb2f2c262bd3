"""Looks at the learner's activity: what it does when the weather service answers, and when it does not."""

import asyncio
import inspect
from typing import Any

from workshop.checks.learner import brief, raised, shorten
from workshop.checks.verdict import NotPassed, incorrect
from workshop.checks.work import Work

SECONDS = 4.0  # that one call may take; its own HTTP timeout is longer only in odd answers
OUTAGES = (
    ("down", "answered with status 503"),
    ("drop", "did not answer at all"),
    ("garbage", "answered with something other than JSON"),
)
# What code raises that takes an error for an answer.
ACCIDENTS = (KeyError, TypeError, AttributeError, IndexError, UnboundLocalError)


async def look(work: Work) -> str:
    """An activity that returns the alerts of the state it is asked for, and raises when the service fails."""
    activities = work.activities()
    name = next((name for name in activities if "alert" in name), next(iter(activities)))
    activity = activities[name]
    if not inspect.iscoroutinefunction(activity):
        slip = "Write `async def`, and await the call in it: the worker here runs no threads."
        raise incorrect("not-async", f"{name} is a plain function.", slip)

    texas = await _answer(work, activity, "TX")
    california = await _answer(work, activity, "CA")
    for state, text in (("TX", texas), ("CA", california)):
        if _names_one(text, work.alerts(state)):
            continue
        if state == "CA" and text == texas:
            seen = "Asked for TX and for CA, it returned the same text."
            raise incorrect("state-ignored", seen, "Use the argument that it is given.")
        seen = f"Asked for {state}, it returned {shorten(text, 80)!r}, with no alert of that state in it."
        raise incorrect("not-the-alerts", seen, "Are the alerts in data['features'] put into the text?")
    await _answer(work, activity, "WY")  # no alert there

    for kind, service_did in OUTAGES:
        work.practice.fault("weather", kind)
        try:
            text = await _call(activity, "TX")
        except TimeoutError:
            seen = f"The service {service_did}, and after {SECONDS:.0f} s it had neither returned nor raised."
            raise incorrect("own-retries", seen, "Leave waiting and retrying to Temporal: raise at once.") from None
        except ACCIDENTS as error:
            if kind == "down":
                seen = f"The service {service_did}, and it stumbled over that: {brief(error)}."
                slip = "It raised by accident. Look at the status: response.raise_for_status()."
                raise incorrect("accidental-error", seen, slip) from None
        except Exception:
            pass  # as it should
        else:
            seen = f"The service {service_did}, and it returned {shorten(str(text), 80)!r} as if all were well."
            slip = "Is an exception caught, or the status not checked? Temporal retries only what raises."
            raise incorrect("error-swallowed", seen, slip)
    return f"{name} returns the alerts, and raises when the service fails."


async def _answer(work: Work, activity: Any, state: str) -> str:
    """What it returns when all is well: a text."""
    try:
        text = await _call(activity, state)
    except TimeoutError:
        seen = f"Asked for {state}, it had not returned after {SECONDS:.0f} s."
        raise incorrect("too-slow", seen, "Does it wait or loop?") from None
    except Exception as error:
        requests = work.practice.entries("weather")
        if requests and requests[-1]["status"] == 403:
            seen = "The weather service refused it with 403: the request has no User-Agent."
            raise incorrect("no-user-agent", seen, 'Send headers={"User-Agent": "..."}.') from None
        if not requests and type(error).__module__.partition(".")[0] in ("httpx", "httpcore", "aiohttp", "requests"):
            raise _not_asked() from None
        raise raised(error, work.folder, f"Asked for {state}, while all is well, it", "raises-when-well") from None
    if not isinstance(text, str):
        seen = f"Asked for {state}, it returned {type(text).__name__}, not a text."
        slip = "Is a `return` missing?" if text is None else "Return a str: it is what the model reads."
        raise incorrect("not-text", seen, slip)
    if not text.strip():
        raise incorrect("empty-text", f"Asked for {state}, it returned an empty text.", "Say that there are none.")
    if not work.practice.entries("weather"):
        raise _not_asked()
    return text


def _not_asked() -> NotPassed:
    """A wrong address, or no request at all."""
    seen = "The weather service at WEATHER_API_URL was not asked."
    return incorrect("not-asked", seen, 'Is the address os.environ.get("WEATHER_API_URL", WEATHER_API)?')


async def _call(activity: Any, state: str) -> Any:
    from temporalio.testing import ActivityEnvironment

    return await asyncio.wait_for(ActivityEnvironment().run(activity, state), SECONDS)


def _names_one(text: str, alerts: list[dict[str, Any]]) -> bool:
    """Whether a text has one of the alerts at least, by whichever of their fields."""
    fields = ("headline", "event", "areaDesc", "description")
    words = [str(alert.get(field)) for alert in alerts for field in fields if alert.get(field)]
    return any(word[:60] in text for word in words)
