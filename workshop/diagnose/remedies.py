"""Errors, what they mean, and what to do: the one table that `why`, the checks and the tests read.

To explain one more error, add a `Remedy`. The first that matches wins, so the special ones stand before the general
ones.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from workshop.history import Link
from workshop.text import Advice

AUDIT = Advice("workshop audit", "ex.audit()")
WORKER = Advice("python worker.py", "ex.worker.start()")
START_WORKER = Advice("have a worker running: python worker.py", "ex.worker.start()")
RESTART = "restart the worker; it goes on by itself"

# How it goes on: for a run that is open, for one that is over, and for a check.
_OPEN = {"restart": RESTART, "wait": "wait: Temporal tries again by itself"}
_OVER = {"restart": "restart the worker and start anew", "wait": "start anew later"}
_CHECKED = {"restart": "check again", "wait": "check again"}


@dataclass(frozen=True)
class Remedy:
    """One error.

    In a cause and a fix, `{name}` stands for the pattern's group of that name. In a fix, `{restart}` and `{wait}` stand
    for how it goes on, and `{audit}` and `{start_worker}` for what does that in a terminal or in a notebook.

    Args:
        pattern: searched in the whole chain of errors, one "Type: message" a line, outermost first.
        cause: what happened, a sentence or two.
        fix: what to do, without a full stop.
        code: its stable name in a check's verdict; "" for what is not to be seen in a check.
        kind: its stable name in a diagnosis; "" for what a diagnosis tells in the error's own words.
        upstream: the fault is a service's, or that of the account; in practice mode it may be there on purpose.
    """

    pattern: str
    cause: str = ""
    fix: str = ""
    code: str = ""
    kind: str = ""
    upstream: bool = False
    names: Mapping[str, str] = field(default_factory=dict, compare=False)  # the groups, of an error that matched

    @property
    def why(self) -> str:
        """For a diagnosis: the cause."""
        return re.sub(r" +(?=\.)", "", self.cause.format(**self.names))  # a group may be empty

    def next_step(self, over: bool = False) -> Advice:
        """For a diagnosis, of a run that is over or is not."""
        goes_on = {**self.names, **(_OVER if over else _OPEN)}
        return Advice(
            self.fix.format(audit=AUDIT.terminal, start_worker=START_WORKER.terminal, **goes_on),
            self.fix.format(audit=AUDIT.notebook, start_worker=START_WORKER.notebook, **goes_on),
        )

    @property
    def slip(self) -> str:
        """For a verdict: the likely slip and what to do, in sentences."""
        fix = self.fix.format(**self.names, **_CHECKED)
        return f"{self.why} {fix and f'{fix[0].upper()}{fix[1:]}.'}".strip()


# Cells of a notebook meet this one, too.
RUN_SYNC = Remedy(
    r"(run_sync\(\)|asyncio\.run\(\)) cannot be called|event loop is (already )?running",
    "A notebook's event loop runs already: in a notebook write `await Runner.run(...)`.",
    code="run-sync-in-notebook",
)

REMEDIES = (
    # Calls that are written in another way.
    RUN_SYNC,
    Remedy(r"do not support synchronous model calls", fix="write `await Runner.run(...)`", code="run-sync"),
    Remedy(
        r"start_to_close_timeout or schedule_to_close_timeout|at least one of",
        "An activity needs start_to_close_timeout=timedelta(...): without it nobody would notice a lost worker.",
        code="no-timeout",
    ),
    Remedy(
        r"Missing @workflow\.run",
        fix="put @workflow.run above the method that runs the workflow",
        code="no-run-method",
    ),
    Remedy(r"activity_executor must be present|is not async", fix="write it as `async def`", code="not-async"),
    Remedy(
        r"At least one activity.*must be specified",
        fix="give the Worker workflows=[...] and activities=[...]",
        code="nothing-registered",
    ),
    Remedy(
        r"missing attributes, was it decorated with @activity\.defn|not an activity|Activity .* missing",
        "activities=[...] takes the function itself, without (), and it has @activity.defn above it.",
        code="activity-not-decorated",
    ),
    Remedy(
        r"missing attributes, was it decorated with @workflow\.defn|not a workflow",
        "workflows=[...] takes the class itself, without (), and it has @workflow.defn above it.",
        code="workflow-not-decorated",
    ),
    Remedy(
        r"Plugin\.\w+\(\) missing \d required positional argument",
        "connect(...) takes a plugin that is made: OpenAIAgentsPlugin(...), with ().",
        code="plugin-is-a-class",
    ),
    Remedy(
        r"\bconnect\(\) got an unexpected keyword",
        "connect(...) of connection.py takes the plugin itself: connect(OpenAIAgentsPlugin(...)).",
        code="plugin-by-name",
    ),
    Remedy(
        r"tools must be a list",
        "tools=[...] takes a list, of one tool too: tools=[weather_tool].",
        code="tools-no-list",
    ),
    Remedy(
        r"Agent\.__init__\(\) got an unexpected keyword",
        "An Agent takes name, instructions, tools=[...], handoffs=[...].",
        "check the spelling",
        code="agent-keyword",
    ),
    Remedy(
        r"\b(start|execute)_\w+\(\) takes .* positional arguments? but",
        "Several arguments of a workflow or activity go into args=[...].",
        code="several-arguments",
    ),
    # What the worker knows.
    Remedy(
        r"Activity function (?P<name>.+?)(?: for workflow .*)? is not registered .*available activities: (?P<known>.*)",
        "The worker has no activity named {name}. It has: {known}.",
        "add {name} to activities=[...] in worker.py, then {restart}",
        code="activity-missing",
        kind="activity not registered",
    ),
    Remedy(
        r"Activity function (?P<name>.+?)(?: for workflow .*)? is not registered",
        "The worker has no activity named {name}.",
        "add {name} to activities=[...] in worker.py, then {restart}",
        code="activity-missing",
        kind="activity not registered",
    ),
    Remedy(
        r"Workflow class (?P<name>.+?) is not registered .*available workflows: (?P<known>.*)",
        "The worker has no workflow named {name}. It has: {known}.",
        "add it to workflows=[...] in worker.py, or correct its name in starter.py and start anew; then {restart}",
        code="workflow-missing",
        kind="workflow not registered",
    ),
    Remedy(
        r"Workflow class (?P<name>.+?) is not registered",
        "The worker has no workflow named {name}.",
        "add it to workflows=[...] in worker.py, or correct its name in starter.py and start anew; then {restart}",
        code="workflow-missing",
        kind="workflow not registered",
    ),
    # What a workflow may not do.
    Remedy(
        r"Cannot access (?P<name>(?:datetime|time|random|uuid|secrets|os\.urandom)\b\S*?)(?:\.__\w+__)? from inside a",
        "{name} gives another answer each time, and a workflow must do the same again when it is replayed.",
        "use workflow.now(), workflow.random(), workflow.uuid4() or await workflow.sleep(); then {restart}",
        code="not-deterministic",
        kind="sandbox",
    ),
    Remedy(
        r"Cannot access (?P<name>\S+?)(?:\.__\w+__)? from inside a workflow",
        "The workflow sandbox forbids {name}: network, files and clocks belong in an activity, which Temporal retries "
        "and whose result it keeps. A plain @function_tool runs inside the workflow.",
        "make it an activity: @activity.defn, activity_as_tool(...) in workflows.py, activities=[...] in worker.py, "
        "imported inside `with workflow.unsafe.imports_passed_through():`; then {restart}",
        code="sandbox",
        kind="sandbox",
    ),
    # What Python says of the code.
    Remedy(
        r"coroutine.*(not JSON serializable|was never awaited)|ActivityHandle.*not JSON|'coroutine' object has no"
        r"|Unable to serialize unknown type: <class '(coroutine|.*ActivityHandle)'>",
        "An `await` is missing before the call.",
        code="not-awaited",
    ),
    Remedy(
        r"can't be used in 'await' expression",
        "That call gives its result at once: no `await`.",
        code="await-too-many",
    ),
    Remedy(
        r"'(int|float)' object has no attribute '\w*(total_seconds|microseconds|days)'|Duration",
        "Lengths of time are timedelta(seconds=...) here.",
        code="not-a-timedelta",
    ),
    Remedy(
        r"Workflow execution already started|WorkflowAlreadyStarted",
        "Two questions must not share a workflow ID.",
        "put something unique into it, such as uuid4().hex",
        code="id-not-unique",
    ),
    Remedy(
        r"^NotImplementedError",
        "A workflow cannot use the network itself.",
        "let it await workflow.execute_activity(...)",
        code="called-directly",
    ),
    Remedy(
        r"NameError: name '(time|asyncio)' is not defined",
        "The sleep of a workflow is workflow.sleep(...): the server keeps that timer. Elsewhere an import is missing.",
        code="another-sleep",
    ),
    Remedy(
        r"NameError: name '\w+' is not defined",
        "A name is misspelt, or its import is missing.",
        code="name-unknown",
    ),
    Remedy(
        r"'NoneType' object",
        "Something there is None: is a TODO above it not done, or a `return` or an assignment missing?",
        code="nothing-there",
    ),
    Remedy(r"No module named", fix="check the spelling of the import", code="no-such-module"),
    Remedy(
        r"cannot import name",
        fix="check the spelling of the name in the import and in that file",
        code="no-such-name",
    ),
    Remedy(
        r"^(SyntaxError|IndentationError|TabError)",
        "Python cannot read this line or the one before it.",
        code="syntax",
    ),
    # What the server says of the workflow's code and data.
    Remedy(
        r"(?i)TMPRL1100|nondeterminism|non-?determinis",
        "The workflow's code no longer does what this run did before, so that its history cannot be replayed "
        "(TMPRL1100). Code that runs was changed in the order of its calls, or it is not deterministic.",
        "take the change in workflows.py back and restart the worker; or terminate this run and start a new one",
        kind="non-determinism",
    ),
    Remedy(
        r"(?i)TMPRL1101|potential deadlock",
        "The workflow's code held the worker for more than 2 s without an await (TMPRL1101): time.sleep, a long loop, "
        "or a request that blocks.",
        "await workflow.sleep(...) instead, and move slow work to an activity; then {restart}",
        kind="deadlock",
    ),
    Remedy(
        r"(?i)TMPRL110[34]|payloads? too large|message too large|blob size .*limit|larger than max",
        "Something is larger than Temporal takes (2 MiB for an input or output, 4 MiB for a step).",
        "shorten what the activity returns, then {restart}",
        kind="too large",
    ),
    Remedy(
        r"(?i)TMPRL110[56]|failed decoding arguments|no converter (?:found|for)|unknown encoding",
        "Worker and starter do not read data in the same way.",
        "give the same plugin, OpenAIAgentsPlugin, to the client in worker.py and in starter.py; then start anew",
        kind="other converter",
    ),
    # The model's provider.
    Remedy(
        r"(?i)insufficient_quota|exceeded your current quota|billing_hard_limit|billing hard limit",
        "The account behind OPENAI_API_KEY has no credit (429 insufficient_quota). That is a matter of credit and "
        "billing: the same request is refused until the account is topped up.",
        "add credit in the provider's billing settings, or practise without an account: workshop use practice",
        kind="quota",
        upstream=True,
    ),
    Remedy(
        r"(?i)Error code: 429|status code: 429|\b429 Too Many|rate.?limit|Retry-After is a date",
        "The model's provider takes no more requests for now (429, rate limit).",
        "{wait}",
        kind="rate limit",
        upstream=True,
    ),
    Remedy(
        r"(?i)Error code: 401|status code: 401|invalid_api_key|incorrect api key|AuthenticationError",
        "The model's provider refuses OPENAI_API_KEY (401). Asking again does not help, so Temporal does not.",
        "correct OPENAI_API_KEY in .env (workshop doctor names usual slips), restart the worker, start anew",
        kind="bad key",
        upstream=True,
    ),
    Remedy(
        r"(?i)model_not_found|does not exist or you do not have access",
        "The model's provider has no such model, or not for this key.",
        "correct the model's name, or OPENAI_DEFAULT_MODEL; restart the worker, start anew",
        kind="unknown model",
    ),
    Remedy(
        r"Tool (?P<name>.+) not found in agent (?P<agent>.*)",
        "The model asked {agent} for a tool named {name}, which was never offered.",
        "start anew; if it happens again, say in the agent's instructions which tools there are",
        kind="unknown tool",
        upstream=True,
    ),
    Remedy(
        r"MaxTurnsExceeded|Max turns \(\d+\) exceeded",
        "The agent went round and round: more model calls than Runner.run allows (max_turns).",
        "look at the calls with: {audit}; then sharpen the instructions or raise max_turns",
        kind="too many turns",
    ),
    # The weather service.
    Remedy(
        r"(?i)weather service said 403|403[^\n]*user-?agent|user-?agent[^\n]*403|403 Forbidden' for url '\S*/alerts",
        "The weather service refuses this caller (403), as it does when a request has no User-Agent header.",
        'send headers={{"User-Agent": "..."}} in activities.py, then {restart}',
        kind="user agent",
    ),
    Remedy(
        r"(?i)(?:error '|code: |service said )(?P<status>4\d\d)",
        "The service refuses this request ({status}): it is wrong in itself, such as a state that does not exist.",
        "look at what was asked with: {audit}; then start anew",
        kind="refused",
        upstream=True,
    ),
    # Any service.
    Remedy(
        r"(?i)(?:error '|code: |service said )(?P<status>5\d\d)(?:.*for url '(?P<url>[^']*)')?",
        "The service is in trouble itself: it answers {status} {url}.",
        "{wait}",
        kind="service down",
        upstream=True,
    ),
    Remedy(
        r"Connect call failed \('(?P<host>[^']*)', (?P<port>\d+)",
        "Nothing listens at {host}:{port}.",
        "start the services: workshop up; or correct OPENAI_BASE_URL or WEATHER_API_URL in .env and restart the worker",
        kind="connection refused",
        upstream=True,
    ),
    Remedy(
        r"(?i)name or service not known|nodename nor servname|name resolution|getaddrinfo failed",
        "The service's host name is not known: no network, or a slip in its address.",
        "correct OPENAI_BASE_URL or WEATHER_API_URL in .env, then restart the worker",
        kind="unknown host",
    ),
    Remedy(
        r"(?i)server disconnected|RemoteProtocolError|ReadError|connection reset|incomplete chunked",
        "The service closed the connection without a whole answer.",
        "{wait}",
        kind="dropped",
        upstream=True,
    ),
    Remedy(
        r"(?i)ReadTimeout|APITimeoutError|ConnectTimeout|PoolTimeout|request timed out",
        "The service did not answer in time.",
        "{wait}",
        kind="slow service",
        upstream=True,
    ),
    Remedy(
        r"(?i)ConnectError|connection refused|all connection attempts failed|APIConnectionError",
        "The service cannot be reached.",
        "start the services: workshop up; or correct OPENAI_BASE_URL or WEATHER_API_URL in .env and restart the worker",
        kind="connection refused",
        upstream=True,
    ),
    Remedy(
        r"(?i)JSONDecodeError|Expecting value: line|is not valid JSON|validation errors? for ModelResponse"
        r"|response has no choices",
        "The service answered with something that is no answer: no JSON, or JSON of another kind.",
        "{wait}",
        kind="garbage",
        upstream=True,
    ),
    # The worker.
    Remedy(
        r"heartbeat time-out",
        "The attempt's heartbeats stopped: its worker was killed, or too busy to send them.",
        "{start_worker}",
        kind="worker lost",
    ),
    Remedy(
        r"start-to-close time-out",
        "The attempt took longer than its start_to_close_timeout allows: slow, or its worker was killed.",
        "{wait}; if it is always slow, raise start_to_close_timeout",
        kind="too slow",
    ),
    Remedy(
        r"schedule-to-(?:close|start) time-out",
        "It was not done within the time that all its attempts may take together.",
        "look at the attempts with: {audit}; then start anew",
        kind="too slow",
    ),
)


def recognise(errors: Sequence[Link]) -> Remedy | None:
    """The remedy for a chain of errors in a history, outermost first, its texts filled in."""
    return _first([remedy for remedy in REMEDIES if remedy.kind], "\n".join(map(str, errors)))


def recognise_slip(text: str) -> Remedy | None:
    """The remedy for an error's "Type: message" that a check met, its texts filled in."""
    return _first([remedy for remedy in REMEDIES if remedy.code], text)


def _first(remedies: Sequence[Remedy], text: str) -> Remedy | None:
    for remedy in remedies:
        if match := re.search(remedy.pattern, text):
            return replace(remedy, names={name: value or "" for name, value in match.groupdict().items()})
    return None
