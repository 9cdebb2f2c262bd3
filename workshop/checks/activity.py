"""Looks at the learner's activity: what it does when the weather service answers, and when it does not."""

import asyncio
import inspect
from typing import Any

from workshop.checks.learner import brief, raised, shorten
from workshop.checks.verdict import incorrect
from workshop.checks.work import Work

SECONDS = 4.0  # one call may take; its own HTTP time-out is longer only in odd answers
# What code raises that takes an error for an answer.
ACCIDENTS = (KeyError, TypeError, AttributeError, IndexError, UnboundLocalError)
SWALLOWED = "An exception was caught, or the status not looked at. Let it through: Temporal retries what raises."


async def look(work: Work) -> str:
    """An activity that gives the alerts of the state it is asked for, and raises when the service fails."""
    activities = work.activities()
    name, activity = next((item for item in activities.items() if "alert" in item[0]), next(iter(activities.items())))
    if not inspect.iscoroutinefunction(activity):
        slip = "Write `async def`, and await the call in it: the worker here runs no threads."
        raise incorrect("not-async", f"{name} is a plain function.", slip)
    texas = await _answer(work, activity, "TX")
    california = await _answer(work, activity, "CA")
    for state, text in (("TX", texas), ("CA", california)):
        if not _tells(text, work.alerts(state)):
            if state == "CA" and text == texas:
                slip = "Use the argument that it is given."
                raise incorrect("state-ignored", "Asked for TX and for CA, it gives the same text.", slip)
            seen = f"Asked for {state}, it returned {shorten(text, 80)!r}, and no alert of that state is in it."
            raise incorrect("not-the-alerts", seen, "Are the alerts in data['features'] put into the text?")
    await _answer(work, activity, "WY")  # no alert there
    for kind, words in (("down", "status 503"), ("drop", "no answer at all"), ("garbage", "no JSON")):
        work.practice.fault("weather", kind)
        try:
            text = await _call(activity, "TX")
        except TimeoutError:
            seen = f"While the service gives {words}, it neither returned nor raised within {SECONDS:.0f} s."
            raise incorrect("own-retries", seen, "Leave waiting and retrying to Temporal: raise at once.") from None
        except ACCIDENTS as error:
            if kind != "down":
                continue
            seen = f"The service gave {words}, and it stumbled over that: {brief(error)}."
            slip = "It raised by accident. Look at the status: response.raise_for_status()."
            raise incorrect("accidental-error", seen, slip) from None
        except Exception:  # as it should
            continue
        seen = f"The service gave {words}, and it returned {shorten(str(text), 80)!r} as if all were well."
        raise incorrect("error-swallowed", seen, SWALLOWED)
    return f"{name} gives the alerts, and raises when the service fails."


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
            raise incorrect("no-user-agent", seen, 'Send headers={"User-Agent": "..."} along.') from None
        if not requests:
            _not_asked(error)
        raise raised(error, work.folder, f"Asked for {state}, while all is well, it", "raises-when-well") from None
    if not isinstance(text, str):
        seen = f"Asked for {state}, it returned {type(text).__name__}, not a text."
        slip = "Is a `return` missing?" if text is None else "Return a str: it is what the model reads."
        raise incorrect("not-text", seen, slip)
    if not text.strip():
        raise incorrect("empty-text", f"Asked for {state}, it returned an empty text.", "Say that there is none.")
    if not work.practice.entries("weather"):
        _not_asked(None)
    return text


def _not_asked(error: Exception | None) -> None:
    """It ran, and the weather service was never asked: a wrong address, or no request at all."""
    if error is None or type(error).__module__.partition(".")[0] in ("httpx", "httpcore", "aiohttp", "requests"):
        seen = "The weather service at WEATHER_API_URL was not asked."
        raise incorrect("not-asked", seen, 'Is the address os.environ.get("WEATHER_API_URL", WEATHER_API)?')


async def _call(activity: Any, state: str) -> Any:
    from temporalio.testing import ActivityEnvironment

    return await asyncio.wait_for(ActivityEnvironment().run(activity, state), SECONDS)


def _tells(text: str, alerts: list[dict[str, Any]]) -> bool:
    """Whether a text tells of one of the alerts at least, by whichever of their fields."""
    fields = ("headline", "event", "areaDesc", "description")
    words = [str(alert.get(field)) for alert in alerts for field in fields if alert.get(field)]
    return any(word[:60] in text for word in words)
