"""Errors and what they mean: one table. Pattern -> kind -> plain words -> the one next step.

To teach `why` a new error, add a `Trouble`. The first that matches wins, so the special ones stand before the general
ones. A pattern is searched in the whole chain of errors, one "Type: message" a line, outermost first; `{name}` in a
text stands for the pattern's group of that name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workshop.history import Link

RESTART = "restart the worker; it goes on by itself"
WAIT = "wait: Temporal tries again by itself"


@dataclass(frozen=True)
class Trouble:
    """An error in words. `kind` is a stable name for programs; `upstream` says that the fault is not in the code."""

    kind: str
    pattern: str
    why: str
    next_step: str
    upstream: bool = False  # a service's fault, or that of the account: in practice mode, perhaps a practice fault


TROUBLES = (
    # What the worker knows.
    Trouble(
        "activity not registered",
        r"Activity function (?P<name>.+?)(?: for workflow .*)? is not registered .*available activities: (?P<known>.*)",
        "The worker has no activity named {name}. It has: {known}.",
        f"add {{name}} to activities=[...] in worker.py, then {RESTART}",
    ),
    Trouble(
        "activity not registered",
        r"Activity function (?P<name>.+?)(?: for workflow .*)? is not registered ",
        "The worker has no activity named {name}.",
        f"add {{name}} to activities=[...] in worker.py, then {RESTART}",
    ),
    Trouble(
        "workflow not registered",
        r"Workflow class (?P<name>.+?) is not registered .*available workflows: (?P<known>.*)",
        "The worker has no workflow named {name}. It has: {known}.",
        f"add it to workflows=[...] in worker.py, or correct its name in starter.py and start anew; then {RESTART}",
    ),
    # What a workflow may not do.
    Trouble(
        "sandbox",
        r"Cannot access (?P<name>(?:datetime|time|random|uuid|secrets|os\.urandom)\b\S*?)(?:\.__\w+__)? from inside a",
        "{name} gives another answer each time, and a workflow must do the same again when it is replayed.",
        f"use workflow.now(), workflow.random(), workflow.uuid4() or await workflow.sleep(); then {RESTART}",
    ),
    Trouble(
        "sandbox",
        r"Cannot access (?P<name>\S+?)(?:\.__\w+__)? from inside a workflow",
        "The workflow sandbox forbids {name}: network, files and clocks belong in an activity, which Temporal retries "
        "and whose result it keeps. A plain @function_tool runs inside the workflow.",
        "make it an activity: @activity.defn, activity_as_tool(...) in workflows.py, activities=[...] in worker.py; "
        f"then {RESTART}",
    ),
    Trouble(
        "non-determinism",
        r"(?i)TMPRL1100|nondeterminism|non-?determinis",
        "The workflow's code no longer does what this run did before, so that its history cannot be replayed "
        "(TMPRL1100). Code that runs was changed in the order of its calls, or it is not deterministic.",
        "take the change in workflows.py back and restart the worker; or terminate this run and start a new one",
    ),
    Trouble(
        "deadlock",
        r"(?i)TMPRL1101|potential deadlock",
        "The workflow's code held the worker for more than 2 s without an await (TMPRL1101): time.sleep, a long loop, "
        "or a request that blocks.",
        f"await workflow.sleep(...) instead, and move slow work to an activity; then {RESTART}",
    ),
    Trouble(
        "too large",
        r"(?i)TMPRL110[34]|payloads? too large|message too large|blob size .*limit|larger than max",
        "Something is larger than Temporal takes (2 MiB for an input or output, 4 MiB for a step).",
        f"shorten what the activity returns, then {RESTART}",
    ),
    Trouble(
        "other converter",
        r"(?i)TMPRL110[56]|failed decoding arguments|no converter (?:found|for)|unknown encoding",
        "Worker and starter do not read data in the same way.",
        "give the same plugin, OpenAIAgentsPlugin, to the client in worker.py and in starter.py; then start anew",
    ),
    # The model's provider.
    Trouble(
        "quota",
        r"(?i)insufficient_quota|exceeded your current quota|billing_hard_limit|billing hard limit",
        "The account behind OPENAI_API_KEY has no credit (429 insufficient_quota). That is a matter of credit and "
        "billing: the same request is refused until the account is topped up.",
        "add credit in the provider's billing settings, or practise without an account: workshop use practice",
        upstream=True,
    ),
    Trouble(
        "rate limit",
        r"(?i)Error code: 429|status code: 429|\b429 Too Many|rate.?limit|Retry-After is a date",
        "The model's provider takes no more requests for now (429, rate limit).",
        WAIT,
        upstream=True,
    ),
    Trouble(
        "bad key",
        r"(?i)Error code: 401|status code: 401|invalid_api_key|incorrect api key|AuthenticationError",
        "The model's provider refuses OPENAI_API_KEY (401). Asking again does not help, so Temporal does not.",
        "correct OPENAI_API_KEY in .env (workshop doctor names usual slips), restart the worker, start anew",
        upstream=True,
    ),
    Trouble(
        "unknown model",
        r"(?i)model_not_found|does not exist or you do not have access",
        "The model's provider has no such model, or not for this key.",
        "correct the model's name, or OPENAI_DEFAULT_MODEL; restart the worker, start anew",
    ),
    Trouble(
        "unknown tool",
        r"Tool (?P<name>.+) not found in agent (?P<agent>.*)",
        "The model asked {agent} for a tool named {name}, which was never offered.",
        "start anew; if it happens again, say in the agent's instructions which tools there are",
        upstream=True,
    ),
    Trouble(
        "too many turns",
        r"MaxTurnsExceeded|Max turns \(\d+\) exceeded",
        "The agent went round and round: more model calls than Runner.run allows (max_turns).",
        "look at the calls with: workshop audit; then sharpen the instructions or raise max_turns",
    ),
    # The weather service.
    Trouble(
        "user agent",
        r"(?i)weather service said 403|403[^\n]*user-?agent|user-?agent[^\n]*403|403 Forbidden' for url '\S*/alerts",
        "The weather service refuses this caller (403), as it does when a request has no User-Agent header.",
        f'send headers={{{{"User-Agent": "..."}}}} in activities.py, then {RESTART}',
    ),
    Trouble(
        "refused",
        r"(?i)(?:error '|code: |service said )(?P<status>4\d\d)",
        "The service refuses this request ({status}): it is wrong in itself, such as a state that does not exist.",
        "look at what was asked with: workshop audit; then start anew",
        upstream=True,
    ),
    # Any service.
    Trouble(
        "service down",
        r"(?i)(?:error '|code: |service said )(?P<status>5\d\d)(?:.*for url '(?P<url>[^']*)')?",
        "The service is in trouble itself: it answers {status} {url}.",
        WAIT,
        upstream=True,
    ),
    Trouble(
        "connection refused",
        r"Connect call failed \('(?P<host>[^']*)', (?P<port>\d+)",
        "Nothing listens at {host}:{port}.",
        "start the services: workshop up; or correct OPENAI_BASE_URL or WEATHER_API_URL in .env and restart the worker",
        upstream=True,
    ),
    Trouble(
        "unknown host",
        r"(?i)name or service not known|nodename nor servname|name resolution|getaddrinfo failed",
        "The service's host name is not known: no network, or a slip in its address.",
        "correct OPENAI_BASE_URL or WEATHER_API_URL in .env, then restart the worker",
    ),
    Trouble(
        "dropped",
        r"(?i)server disconnected|RemoteProtocolError|ReadError|connection reset|incomplete chunked",
        "The service closed the connection without a whole answer.",
        WAIT,
        upstream=True,
    ),
    Trouble(
        "slow service",
        r"(?i)ReadTimeout|APITimeoutError|ConnectTimeout|PoolTimeout|request timed out",
        "The service did not answer in time.",
        WAIT,
        upstream=True,
    ),
    Trouble(
        "connection refused",
        r"(?i)ConnectError|connection refused|all connection attempts failed|APIConnectionError",
        "The service cannot be reached.",
        "start the services: workshop up; or correct OPENAI_BASE_URL or WEATHER_API_URL in .env and restart the worker",
        upstream=True,
    ),
    Trouble(
        "garbage",
        r"(?i)JSONDecodeError|Expecting value: line|is not valid JSON|validation errors? for ModelResponse",
        "The service answered with something that is no answer: no JSON, or JSON of another kind.",
        WAIT,
        upstream=True,
    ),
    # The worker.
    Trouble(
        "worker lost",
        r"heartbeat time-out",
        "The attempt's heartbeats stopped: its worker was killed, or too busy to send them.",
        "have a worker running: python worker.py",
    ),
    Trouble(
        "too slow",
        r"start-to-close time-out",
        "The attempt took longer than its start_to_close_timeout allows: slow, or its worker was killed.",
        f"{WAIT}; if it is always slow, raise start_to_close_timeout",
    ),
    Trouble(
        "too slow",
        r"schedule-to-(?:close|start) time-out",
        "It was not done within the time that all its attempts may take together.",
        "look at the attempts with: workshop audit; then start anew",
    ),
)


@dataclass(frozen=True)
class Recognised:
    """A trouble found in an error, its texts filled in."""

    kind: str
    why: str
    next_step: str
    upstream: bool


def recognise(errors: Sequence[Link]) -> Recognised | None:
    """The first trouble of the table that the errors (outermost first) match."""
    text = "\n".join(map(str, errors))
    for trouble in TROUBLES:
        match = re.search(trouble.pattern, text)
        if match:
            groups = {name: value or "" for name, value in match.groupdict().items()}
            why = re.sub(r" +(?=\.)", "", trouble.why.format(**groups))
            return Recognised(trouble.kind, why, trouble.next_step.format(**groups), trouble.upstream)
    return None
