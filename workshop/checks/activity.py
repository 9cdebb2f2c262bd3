"""Looks at the learner's activity: what it does when the weather service answers, and when it does not."""

import ast
import asyncio
import inspect
import os
import re
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from workshop.checks.learner import MISTAKES, brief, raised, shorten, sleeps
from workshop.checks.pristine import comes_from, tree_of
from workshop.checks.submission import Submission
from workshop.checks.verdict import NotPassed, incorrect
from workshop.temporal import follow
from workshop.text import count
from workshop.why.remedies import recognise_slip

SECONDS = 4.0  # that one call may take; its own HTTP timeout is longer only in odd answers
ENOUGH = 100  # other things; the end of a call takes a handful of turns of its loop
OUTAGES = (
    ("down", "answered with status 503"),
    ("drop", "did not answer at all"),
    ("garbage", "answered with something other than JSON"),
)
ENDS = (SystemExit, KeyboardInterrupt, asyncio.CancelledError)
DRILL = "make_api_call_bug"  # of exercise 3: fails whenever it is called
AT_ERROR = re.compile(r"is_(server_)?error|not .*is_success|status_code (!=|>=|>)")
FAIL_AT_ONCE = "Leave waiting and retrying to Temporal, which sees only exceptions: raise at once."


async def check(submission: Submission) -> str:
    """An activity that returns the alerts of the state it is asked for, and raises when the service fails."""
    name, activity = submission.activity()
    if not inspect.iscoroutinefunction(activity) and not submission.has_threads():
        slip = "Write `async def`, and await the call in it: the worker here runs no threads."
        raise incorrect("not-async", f"{name} is a plain function.", slip)

    loop = _Loop(activity)
    await _raise_if_it_blocks(submission, loop)
    texas = await _answer(submission, loop, "TX")
    california = await _answer(submission, loop, "CA")
    for state, text in (("TX", texas), ("CA", california)):
        if names_one(text, submission.alerts(state)):
            continue
        if state == "CA" and text == texas:
            seen = "Asked for TX and for CA, it returned the same text."
            raise incorrect("state-ignored", seen, "Use the argument that it is given.")
        known = count(len(submission.alerts(state)), "alert")
        seen = f"The service answered with {known} for {state}, and it returned {shorten(text, 80)!r}."
        names = ("data", "alerts", "text")
        made = comes_from("activities.py", submission.text("activities.py"), names=names)
        slip = f"{made} Is it what the service answered, response.json(), or the alerts in data['features']?".strip()
        raise incorrect("not-the-alerts", seen, slip)
    await _answer(submission, loop, "WY")  # no alert there

    for outage, service_did in OUTAGES:
        await _raise_if_it_hides(outage, service_did, submission, loop)
    for status in (500, 429):
        await _raise_if_it_knows_one_status(submission, loop, status)
    return f"{name} returned the alerts of two states, and raised when the service was down, silent, or sent no JSON."


class _Loop(threading.Thread):
    """An event loop in a thread of its own, as a worker has one: an activity may hold it up."""

    def __init__(self, activity: Any) -> None:
        super().__init__(daemon=True)
        self._activity, self._loop = activity, asyncio.new_event_loop()
        self._call = _Call()
        self.start()

    def run(self) -> None:
        try:
            self._loop.run_forever()
        except BaseException as error:  # SystemExit, which ends a loop
            self._call.error, self._call.over = error, True

    def call(self, state: str) -> "_Call":
        """Begins a call of the activity."""
        self._call = _Call()
        asyncio.run_coroutine_threadsafe(self._call.make(self._activity, state), self._loop)
        return self._call

    async def free_during(self, call: "_Call") -> bool:
        """Whether other things run here while a call waits: enough before it is over, on a busy machine, too."""
        ran = 0

        def run() -> None:
            nonlocal ran
            if ran < ENOUGH and not call.over:
                ran += 1
                self._loop.call_soon(run)

        self._loop.call_soon_threadsafe(run)

        async def known() -> bool:
            return ran == ENOUGH or call.over

        await follow(known, bool, SECONDS, 0.02)
        return ran == ENOUGH

    async def held_up(self, call: "_Call", folder: Path) -> bool:
        """Whether a call is in the learner's code for a second on end, and never waits for what comes next."""

        async def free() -> bool:
            frames = traceback.walk_stack(sys._current_frames().get(self.ident or 0))
            return call.over or not any(Path(frame.f_code.co_filename).parent == folder for frame, _ in frames)

        return not await follow(free, bool, 1, 0.02)


class _Call:
    """One call of an activity: what it returned or raised, once it is over."""

    def __init__(self) -> None:
        self.returned: Any = None
        self.error: BaseException | None = None
        self.over = False

    async def make(self, activity: Any, state: str) -> None:
        from temporalio.testing import ActivityEnvironment

        try:
            run = ActivityEnvironment().run
            threaded = not inspect.iscoroutinefunction(activity)
            self.returned = await (asyncio.to_thread(run, activity, state) if threaded else run(activity, state))
        except BaseException as error:
            self.error = error
        self.over = True

    async def wait(self) -> bool:
        """Whether it is over within `SECONDS`."""

        async def over() -> bool:
            return self.over

        return await follow(over, bool, SECONDS, 0.01)


async def _raise_if_it_blocks(submission: Submission, loop: _Loop) -> None:
    """For an activity that holds up its worker while it waits for an answer, as a request that is not awaited does."""
    before = submission.practice.newest()
    submission.practice.fault("weather", "slow", delay=60, times=1)
    call = loop.call("TX")

    async def waits() -> bool:  # one that is refused at once shows nothing
        entries = submission.practice.entries("weather", before)
        return call.over or any(entry["outcome"] == "in flight" for entry in entries)

    if await follow(waits, bool, SECONDS, 0.02) and not call.over and not await loop.free_during(call):
        seen = "While it waited for the weather service, it blocked its worker: nothing else could run there."
        raise incorrect("blocks", seen, "Await the call: `await http.get(...)`, of an httpx.AsyncClient.")
    submission.practice.clear()
    await call.wait()


async def _answer(submission: Submission, loop: _Loop, state: str) -> str:
    """What it returns when all is well: a text."""
    before, call = submission.practice.newest(), loop.call(state)
    await call.wait()
    requests = submission.practice.entries("weather", before)
    if not call.over:
        seen = f"Asked for {state}, it had not returned after {SECONDS:.0f} s."
        raise incorrect("too-slow", seen, "Does it wait or loop?")
    if requests:
        raise_if_asked_otherwise(requests[-1], state)
    text, error = call.returned, call.error
    if error:
        if any(frame.name == DRILL for frame in traceback.extract_tb(error.__traceback__)):
            seen = f"Asked for {state}, while all is well, it called {DRILL}, which always fails: {brief(error)}."
            raise incorrect("drill-left", seen, "Comment out that line, and restore the one with make_api_call(state).")
        if not requests and type(error).__module__.partition(".")[0] in ("httpx", "httpcore", "aiohttp", "requests"):
            raise _not_asked(submission)
        if re.search(r"status_code *(==|!=|not in|in) *[(\[]?[\"']", submission.text("activities.py")):
            seen = f"Asked for {state}, with no fault set, it raised {shorten(brief(error), 120)}."
            slip = "status_code is a number: compare it with one, without quotes."
            raise incorrect("raises-when-well", seen, slip)
        raise raised(error, submission.folder, f"Asked for {state}, with no fault set, it", "raises-when-well")
    if not isinstance(text, str):
        seen = f"Asked for {state}, it returned {type(text).__name__}, not a string."
        slip = "Is a `return` missing?" if text is None else "Return a str: it is what the model reads."
        raise incorrect("not-text", seen, slip)
    if not text.strip():
        raise incorrect("empty-text", f"Asked for {state}, it returned an empty text.", "Say that there are none.")
    if not requests:
        raise _not_asked(submission, f" It returned {shorten(text, 80)!r} all the same.")
    return text


async def _raise_if_it_hides(outage: str, service_did: str, submission: Submission, loop: _Loop) -> None:
    """For an activity that does not raise, once and at once, what Temporal retries, when the service fails."""
    submission.practice.fault("weather", outage)
    before, call = submission.practice.newest(), loop.call("TX")

    def requests() -> int:
        return len(submission.practice.entries("weather", before))

    async def seen_enough() -> bool:
        return call.over or requests() > 1 or await loop.held_up(call, submission.folder)

    await follow(seen_enough, bool, SECONDS, 0.05)
    sent = requests()
    if not call.over or sent > 1:
        did = f"after {SECONDS:.0f} s it had neither returned nor raised"
        if sent > 1:
            did = "it asked again"
        elif await loop.held_up(call, submission.folder):
            did = "it blocked its worker"
        seen = f"The service {service_did}, and {did}: it made {count(sent, 'request')} by itself."
        raise incorrect("own-retries", seen, FAIL_AT_ONCE)
    error = call.error
    if error is None:
        text = shorten(str(call.returned), 80)
        seen = f"The service {service_did}, and it returned {text!r} as if nothing had happened."
        why = _what_hides(submission.text("activities.py"), outage) or "Is an exception caught?"
        raise incorrect("error-swallowed", seen, f"{why} Temporal retries only what raises.")
    if isinstance(error, ENDS):
        seen = f"The service {service_did}, and it raised {brief(error)}, which ends the worker or the activity."
        raise incorrect("ends-worker", seen, "Raise an ordinary exception: response.raise_for_status().")
    for sleep, _ in sleeps(submission.text("activities.py")):
        seen = f"The service {service_did}, and it raised that; but line {sleep.lineno} of activities.py sleeps."
        raise incorrect("own-retries", seen, FAIL_AT_ONCE)
    if getattr(error, "non_retryable", False):
        seen = f"The service {service_did}, and it raised {shorten(brief(error), 120)}, with non_retryable=True."
        slip = "Such an error is not retried, although an outage passes. It is for errors that no retry can change."
        raise incorrect("not-retryable", seen, slip)
    if outage == "down" and isinstance(error, MISTAKES):
        seen = f"The service {service_did}, and that made it fail by accident: {brief(error)}."
        source = submission.text("activities.py")
        why = "Is raise_for_status() called, with (), and in no `try` that hides it?"
        at = traceback.extract_tb(error.__traceback__)[-1]
        if (at.line or "").startswith("raise ") and (known := recognise_slip(brief(error))):
            raise incorrect("accidental-error", seen, f"Line {at.lineno} of activities.py raises it. {known.slip}")
        raise incorrect("accidental-error", seen, _what_hides(source, outage) or why)


def _what_hides(source: str, outage: str) -> str:
    """What in activities.py keeps an error from being raised, in a sentence; "" if that is not clear."""
    tree = tree_of(source)
    if found := re.search(r"\braise_for_status\b(?!\s*\()", source):
        line = source.count("\n", 0, found.start()) + 1
        return f"raise_for_status stands in line {line} without (): it is not called."
    for node in ast.walk(tree):
        body = getattr(node, "body", ())
        for at, one in enumerate(body if isinstance(body, list) else ()):
            below = [other for other in body[at + 1 :] if "raise_for_status" in ast.unparse(other)]
            if isinstance(one, ast.Return) and below:
                return f"raise_for_status() in line {below[0].lineno} stands below a `return`: it is never reached."
        if isinstance(node, ast.If) and AT_ERROR.search(ast.unparse(node.test)):
            if returned := next((one for one in node.body if isinstance(one, ast.Return)), None):
                return f"Line {returned.lineno} returns something at an error status, and raises nothing."
            if not any(isinstance(one, ast.Raise) for one in ast.walk(node)):
                return f"What stands below the `if` in line {node.lineno} raises nothing."
    one_status = re.search(r"status_code\s*==\s*([45]\d\d)", source)
    if one_status and "raise_for_status" not in source:
        return f"It looks for status {one_status[1]} alone: response.raise_for_status() raises at every error status."
    caught = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    caught = [node for node in caught if not any(isinstance(one, ast.Raise) for one in ast.walk(node))]
    if len(caught) == 1 and (outage != "down" or "raise_for_status" in source):
        return f"The `except` in line {caught[0].lineno} catches the error, and does not raise it again."
    nothing = outage == "down" and "raise_for_status" not in source
    return "Nothing in it raises at an error status: response.raise_for_status() does." if nothing else ""


async def _raise_if_it_knows_one_status(submission: Submission, loop: _Loop, status: int) -> None:
    """For an activity that raises at status 503, and not at another one that passes."""

    class Broken(BaseHTTPRequestHandler):
        error_content_type = "application/problem+json"
        error_message_format = '{"title": "%(message)s", "status": %(code)d}'

        def do_GET(self) -> None:
            self.send_error(status)

    before = submission.practice.newest()
    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        os.environ["WEATHER_API_URL"] = f"http://127.0.0.1:{server.server_port}"  # of this process, which ends soon
        call = loop.call("TX")
        await call.wait()
        server.shutdown()
    elsewhere = submission.practice.entries("weather", before)
    if elsewhere or not call.over or (call.error and not isinstance(call.error, MISTAKES)):
        return
    did = f"stumbled over that: {brief(call.error)}" if call.error else f"returned {shorten(str(call.returned), 80)!r}"
    seen = f"The service answered with status 503, and it raised; it answered with status {status}, and {did}."
    raise incorrect("status-missed", seen, "response.raise_for_status() raises at every error status.")


def raise_if_asked_otherwise(request: dict[str, Any], state: str) -> None:
    """For a request that the service refuses, or that is not about the state."""
    if request["status"] == 403:
        seen = "The weather service refused it with 403: the request has no User-Agent."
        raise incorrect("no-user-agent", seen, 'Send headers={"User-Agent": "..."}.')
    address = urlsplit(request["asked"])
    areas = parse_qs(address.query).get("area") or [address.path.partition("/area/")[2]]
    if areas[0].upper() == state:
        return
    seen = f"Asked for {state}, it sent the request {request['asked']}"
    if not areas[0]:
        slip = 'The service takes the state as `area`: params={"area": state}.'
        raise incorrect("no-area", f"{seen}, which names no area: that is not about one state.", slip)
    quoted = f", without quotes: {areas[0]}" if areas[0].isidentifier() and len(areas[0]) > 2 else ""
    raise incorrect("state-ignored", f"{seen}.", f"Use the argument that it is given{quoted}.")


def _not_asked(submission: Submission, returned: str = "") -> NotPassed:
    """A wrong address, or no request at all."""
    seen = f"The weather service at WEATHER_API_URL was not asked.{returned}"
    if re.search(rf"^[^#\n]*\bawait {DRILL}\(", submission.text("activities.py"), re.M):
        seen += f" activities.py calls {DRILL}, which always fails."
        return incorrect("drill-left", seen, "Comment out that line, and restore the one with make_api_call(state).")
    slip = 'Is the address os.environ.get("WEATHER_API_URL", WEATHER_API)?'
    if returned and 'environ.get("WEATHER_API_URL"' in submission.text("activities.py"):
        slip = "The address is right, but nothing was sent: is make_api_call(state) called, and what it returns used?"
    return incorrect("not-asked", seen, slip)


def names_one(text: str, alerts: list[dict[str, Any]]) -> bool:
    """Whether a text has one of the alerts at least, by whichever of their fields."""
    fields = ("headline", "event", "areaDesc", "description")
    words = [str(alert.get(field)) for alert in alerts for field in fields if alert.get(field)]
    return any(word[:60].casefold() in text.casefold() for word in words)
