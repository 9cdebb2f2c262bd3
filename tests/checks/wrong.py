"""Wrong answers, and the code of the verdict that each should get: what was seen, for its own reason."""

from tests.checks.bank import ASKED, REQUEST, Answer

POLITE = 'headers = {"User-Agent": "durable-ai-agents-workshop"}'
CALL = "data = await make_api_call(state)"
CALLS = "async def make_api_call(state"
RETURN = 'return text or f"No active alerts for {state}."'
DEFN = "@activity.defn\nasync def get_weather_alerts"
SLEEPS = f"""
    import asyncio

    try:
        {CALL}
    except httpx.HTTPError:
        await asyncio.sleep(0.1)
"""
GOOD_CALL = (
    "return await workflow.execute_activity(get_weather_alerts, state, start_to_close_timeout=timedelta(seconds=5))"
)
EXECUTE = "return await workflow.execute_activity("
DIRECTLY = f"return await get_weather_alerts(state)\n        {EXECUTE}"
HANDLE = GOOD_CALL.replace("return await workflow.execute", "return str(workflow.start") + ")"
LATE = (
    "seconds=10)),\n        )",
    "seconds=10)),\n        )\n        await workflow.sleep(delay_seconds)\n        return text",
)
BY_ASYNCIO = GOOD_CALL.replace("await workflow", "asyncio.run(workflow") + ")"
GOOD_TOOL = "weather_tool = activity_as_tool(get_weather_alerts, start_to_close_timeout=timedelta(seconds=5))"
POLICY = "RetryPolicy(maximum_interval=timedelta(seconds=10))"
TRACE = "with trace('Durable agent', group_id=workflow.info().workflow_id):\n    "
RUN_WORKER = "    async with worker:\n"
WAITING = "from waiting import result_of, ui_link"
PRINTED = "print(await result_of(handle))"
TWICE = ", retry_policy=RetryPolicy(maximum_attempts=2))"
ACTIVITIES = "from activities import get_weather_alerts\n"
BROKEN = f"import activities\n    {ACTIVITIES}    activities.httpx = None\n"  # so that each attempt raises


def written(check: str, name: str, code: str, todo: str | None = None, *edits: tuple[str, ...]) -> Answer:
    return Answer("testing", check, name, code, todo, edits)


RUN_AGENT = "result = await Runner.run(weather_agent(weather_tool), question)"
NO_AGENT = 'from types import SimpleNamespace\n            result = SimpleNamespace(final_output="Sunshine.")'
ID_TAIL = '-{uuid4().hex[:8]}"'
STARTED = "        DurableAgent.run,\n        question,\n"
STARTED_ID = 'id=f"{TASK_QUEUE}-{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}",'
TOLD = '"Hand the question to the agent that speaks its language. In doubt, to the English agent."'
THREE = 'handoffs=[handoff(specialist(language), on_handoff=pause) for language in ("French", "Spanish", "English")],'
ONE_PAUSES = 'handoffs=[handoff(specialist("French"), on_handoff=pause), specialist("Spanish"), specialist("English")],'
SWAPPED = 'other = {"French": "Spanish", "Spanish": "French"}.get(language, language)\n'
RUN_TRIAGE = "result = await Runner.run(triage_agent, question)"
SLEEP = "await workflow.sleep(pause_seconds)"
ENGLISH = 'handoff(specialist("English"), tool_name_override="transfer_to_{}_agent", on_handoff=pause)'


def tool(attempt: str = "seconds=3", together: str = "hours=1", policy: str = POLICY, more: str = "") -> str:
    """The tool of exercise 3, with these limits."""
    one = f"start_to_close_timeout=timedelta({attempt}), " if attempt else ""
    limits = f"{one}schedule_to_close_timeout=timedelta({together}), retry_policy={policy}, {more}"
    return f"weather_tool = activity_as_tool(get_weather_alerts, {limits})"


def specialized(
    name: str = 'f"{language} agent"',
    description: str = 'f"Speaks {language}"',
    instructions: str = 'f"Always answer in {language}."',
) -> str:
    """The specialist of exercise 4, with these texts."""
    texts = f"name={name}, handoff_description={description}, instructions={instructions}"
    return f"return Agent({texts}, tools=[weather_tool])"


def limited(
    start: str = "timedelta(seconds=3)", end: str = "timedelta(hours=1)", policy: str = "", more: str = ""
) -> str:
    """The activity executed, with these limits."""
    limits = f"start_to_close_timeout={start}, schedule_to_close_timeout={end}"
    retries = f"retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10), {policy})"
    return f"{EXECUTE}get_weather_alerts, state, {limits}, {retries}, {more})"


def agent(name: str, code: str, todo: str | None = None, *edits: tuple[str, ...]) -> Answer:
    return Answer("01", "agent", name, code, todo, edits)


def first(name: str, code: str, todo: str | None = None, *edits: tuple[str, ...]) -> Answer:
    return Answer("02", "activity", name, code, todo, edits)


def temporal(check: str, name: str, code: str, todo: str | None = None, *edits: tuple[str, ...]) -> Answer:
    return Answer("02", check, name, code, todo, edits)


def durable(check: str, name: str, code: str, todo: str | None = None, *edits: tuple[str, ...]) -> Answer:
    return Answer("03", check, name, code, todo, edits)


def routing(check: str, name: str, code: str, todo: str | None = None, *edits: tuple[str, ...]) -> Answer:
    return Answer("04", check, name, code, todo, edits)


def approval(check: str, name: str, code: str, todo: str | None = None, *edits: tuple[str, ...]) -> Answer:
    return Answer("approval", check, name, code, todo, edits)


def decided(wait: str, test: str = 'self.decisions.get(str(call.call_id)) == "yes"', late: str = "") -> str:
    """A way to wait for the decisions, and to act on them."""
    late = late or "self.waiting = {}"
    act = f"for call in result.interruptions:\n    state.approve(call) if {test} else state.reject(call)"
    return f"state = result.to_state()\ntry:\n    {wait}\nexcept TimeoutError:\n    {late}\n{act}"


DECIDED = "await workflow.wait_condition(lambda: not self.waiting, timeout=timedelta(seconds=deadline_seconds))"
WORD = 'if decision not in ("yes", "no"):\n    raise ValueError("yes or no")\n'
OPEN_CALL = 'if call_id not in self.waiting:\n    raise ValueError("no such call")\n'


def conversation(check: str, name: str, code: str, todo: str | None = None, *edits: tuple[str, ...]) -> Answer:
    return Answer("conversation", check, name, code, todo, edits)


RUN_ITEMS = 'await Runner.run(weather_agent(), [*self.said, {"role": "user", "content": message}])'
KEEP = "self.said = last_turns(result.to_input_list(), self.remembered_turns)"
ENOUGH = "await workflow.wait_condition(lambda: self.turns >= turns_per_run)"
FINISHED = "await workflow.wait_condition(workflow.all_handlers_finished)"
CONTINUE = "workflow.continue_as_new(args=[self.said, turns_per_run, remembered_turns])"
BEGINS = 'begins = [at for at, item in enumerate(said) if item.get("role") == "user"]'


def polling(check: str, name: str, code: str, todo: str | None = None, *edits: tuple[str, ...]) -> Answer:
    return Answer("polling", check, name, code, todo, edits)


def polled(policy: str = "initial_interval=every, backoff_coefficient=1", bound: str = "bound") -> str:
    """The activity that fails while warnings are active, with this policy and this bound."""
    limits = f"start_to_close_timeout=ONE_LOOK, schedule_to_close_timeout={bound}"
    return f"await workflow.execute_activity(fail_while_active, state, {limits}, retry_policy=RetryPolicy({policy}))"


LOOPS = "while await count_warnings(state):\n    activity.heartbeat()\n    await asyncio.sleep(every_seconds)"
LOOK = "await workflow.execute_activity(look_once, state, start_to_close_timeout=ONE_LOOK)"
END = "end = workflow.now() + bound\nwhile workflow.now() < end:\n    "
POLLS = f"{END}if not {LOOK}:\n        return True\n    await workflow.sleep(every)\nreturn False"

ANSWERED = """
assert answer == "There is a flood watch."
assert "What about Texas?" in str(model.calls[0].input)
"""
OUTAGE = 'if attempts < {}:\n    raise RuntimeError("The weather service cannot be reached.")'
REPLAY = "await Replayer(workflows=[AlertAgent], plugins=[plugin_for(scripted_model())]).replay_workflow(history)"

WRONG = (
    # 01: the agent.
    agent("no return", "not-an-agent", 'Agent(name="Weather", instructions="Use the tool.", tools=[weather_tool])'),
    agent("no instructions", "no-instructions", 'return Agent(name="Weather", tools=[weather_tool])'),
    agent("no tool", "no-tool", 'return Agent(name="Weather", instructions="Answer questions about alerts.")'),
    agent("misspelt keyword", "agent-keyword", 'return Agent(name="W", instructions="Go.", tool=weather_tool)'),
    agent("tool without list", "tools-no-list", 'return Agent(name="W", instructions="Go.", tools=weather_tool)'),
    agent("no name", "argument-missing", 'return Agent(instructions="Go.", tools=[weather_tool])'),
    agent("misspelt", "name-unknown", 'return Agent(name="W", instructions="Go.", tools=[wether_tool])'),
    agent("a comma too many", "not-an-agent", 'return (Agent(name="W", instructions="Go.", tools=[weather_tool]),)'),
    agent("the class", "not-an-agent", "return Agent"),
    agent("broken instructions", "run-raises", 'return Agent("W", instructions=lambda: "Go.", tools=[weather_tool])'),
    agent("another function", "no-agent", None, ("def weather_agent", "def an_agent")),
    agent(
        "by position", "no-instructions", 'return Agent("Weather", "Answer questions about alerts.", [weather_tool])'
    ),
    agent("blank instructions", "no-instructions", 'return Agent("W", instructions=" ", tools=[weather_tool])'),
    agent("empty name", "no-name", 'return Agent(name="", instructions="Go.", tools=[weather_tool])'),
    agent("a function", "not-a-tool", 'return Agent("W", instructions="Go.", tools=[get_weather_alerts])'),
    agent("a list in it", "not-a-tool", 'return Agent("W", instructions="Go.", tools=[[weather_tool]])'),
    agent("called tool", "not-a-function", 'return Agent("W", instructions="Go.", tools=[weather_tool()])'),
    agent("a set", "tools-no-list", 'return Agent("W", instructions="Go.", tools={weather_tool})'),
    agent("a tool as handoff", "no-tool", 'return Agent("W", instructions="Go.", handoffs=[weather_tool])'),
    agent("a prompt", "agent-argument", 'return Agent("W", prompt="Go.", tools=[weather_tool])'),
    agent("async", "not-an-agent", None, ("def weather_agent", "async def weather_agent")),
    agent(
        "a tool of its own",
        "not-asked",
        """
        from agents import function_tool
        return Agent("W", instructions="Go.", tools=[function_tool(get_weather_alerts)])
        """,
    ),
    agent(
        "a tool that it may not use",
        "tool-not-called",
        """
        from agents import ModelSettings
        settings = ModelSettings(tool_choice="none")
        return Agent("W", instructions="Go.", tools=[weather_tool], model_settings=settings)
        """,
    ),
    agent("itself", "recursion", "return weather_agent(weather_tool)"),
    agent("another language", "syntax", 'return new Agent(name="W", instructions="Go.", tools=[weather_tool])'),
    agent("a generator", "not-an-agent", 'yield Agent(name="W", instructions="Go.", tools=[weather_tool])'),
    agent("no words", "no-instructions", 'return Agent("W", instructions="...", tools=[weather_tool])'),
    agent("not indented", "syntax", None, ("    return Agent(", "return Agent(")),
    agent("quoted", "not-a-tool", 'return Agent(name="W", instructions="Go.", tools=["weather_tool"])'),
    # 02: the activity.
    first("no look at the status", "accidental-error", "data = response.json()"),
    first("method not called", "accidental-error", "response.raise_for_status\ndata = response.json()"),
    first(
        "swallowed in the call", "error-swallowed", 'data = {"features": []} if response.is_error else response.json()'
    ),
    first(
        "only 500",
        "accidental-error",
        "if response.status_code == 500:\n    raise RuntimeError\ndata = response.json()",
    ),
    first("nothing kept", "name-unknown", "response.raise_for_status()"),
    first("text for JSON", "other-data", "response.raise_for_status()\ndata = response.text"),
    first("await too many", "await-too-many", "response.raise_for_status()\ndata = await response.json()"),
    first("always raises", "raises-when-well", 'raise RuntimeError("the service failed")'),
    first(
        "waits itself",
        "own-retries",
        "while response.is_error:\n    import asyncio\n    await asyncio.sleep(1)\ndata = response.json()",
    ),
    first("syntax", "syntax", "response.raise_for_status(\ndata = response.json()"),
    first("no user agent", "no-user-agent", None, (POLITE, 'headers = {"User-Agent": ""}')),
    first("always Texas", "state-ignored", None, (CALL, 'data = await make_api_call("TX")')),
    first(
        "another address", "not-asked", None, ('os.environ.get("WEATHER_API_URL", WEATHER_API)', '"http://127.0.0.1:9"')
    ),
    first("no decorator", "no-activity", None, (DEFN, "async def get_weather_alerts")),
    first(
        "not async",
        "not-async",
        None,
        (DEFN, "@activity.defn\ndef get_weather_alerts"),
        (CALL, 'data = {"features": []}'),
    ),
    first("no return", "not-text", None, (RETURN, "text")),
    first("a list", "not-text", None, (RETURN, "return alerts")),
    first("empty", "empty-text", None, (RETURN, "return text")),
    first("canned", "not-the-alerts", None, (RETURN, 'return "Sunshine."')),
    first(
        "swallowed in the activity",
        "error-swallowed",
        None,
        (CALL, "try:\n        data = await make_api_call(state)\n    except Exception:\n        return 'none'"),
    ),
    first(
        "drops swallowed",
        "error-swallowed",
        None,
        (
            CALL,
            "try:\n        data = await make_api_call(state)\n    except httpx.TransportError:\n        return 'none'",
        ),
    ),
    first(
        "garbage swallowed",
        "error-swallowed",
        None,
        (CALL, "try:\n        data = await make_api_call(state)\n    except ValueError:\n        return 'none'"),
    ),
    first("fails for no alert", "raises-when-well", None, (RETURN, 'return text or alerts[0]["headline"]')),
    first("no such module", "no-such-module", None, ("import httpx\n", "import httpx\nimport httpxx\n")),
    first("ends Python", "ended", None, ("import httpx\n", "import httpx\nos._exit(3)\n")),
    first("exits", "import-failed", None, ("import httpx\n", "import httpx\nraise SystemExit(3)\n")),
    first("never imported", "import-hangs", None, ("import httpx\n", "import httpx\nimport time\ntime.sleep(60)\n")),
    first("area misnamed", "no-area", None, ('{"area": state}', '{"state": state}')),
    first("area left out", "no-area", None, ('params={"area": state}, ', "")),
    first("area in quotes", "state-ignored", None, ('{"area": state}', '{"area": "state"}')),
    first("holds up its worker", "blocks", None, (ASKED, f"    response = httpx.get({REQUEST})\n")),
    first(
        "never retried",
        "not-retryable",
        'if response.is_error:\n    raise ApplicationError("down", non_retryable=True)\ndata = response.json()',
    ),
    first(
        "drops never retried",
        "not-retryable",
        None,
        (
            CALL,
            "try:\n        data = await make_api_call(state)\n    except httpx.TransportError as error:\n"
            "        raise ApplicationError(str(error), non_retryable=True) from error",
        ),
    ),
    first(
        "asks again",
        "own-retries",
        None,
        (CALL, f"try:\n        {CALL}\n    except httpx.HTTPError:\n        {CALL}"),
    ),
    first(
        "asks again, asleep",
        "own-retries",
        None,
        (
            CALL,
            f"import time\n    while True:\n        try:\n            {CALL}\n            break\n"
            "        except httpx.HTTPError:\n            time.sleep(60)",
        ),
    ),
    first("ends its worker", "ends-worker", "if response.is_error:\n    raise SystemExit(1)\ndata = response.json()"),
    first("method for data", "not-called", "response.raise_for_status()\ndata = response.json"),
    first("part for data", "other-data", 'response.raise_for_status()\ndata = response.json()["features"]'),
    first("another library's name", "no-such-attribute", "if not response.ok:\n    raise RuntimeError\ndata = {}"),
    first("raises what is none", "raises-no-exception", "raise response.raise_for_status()"),
    first("call not awaited", "not-awaited", None, (CALL, "data = make_api_call(state)")),
    first(
        "caught and printed",
        "accidental-error",
        "try:\n    response.raise_for_status()\nexcept httpx.HTTPStatusError as error:\n    print(error)\n"
        "data = response.json()",
    ),
    first("of the data", "no-such-attribute", "data = response.json()\ndata.raise_for_status()"),
    first("below a return", "accidental-error", "return response.json()\nresponse.raise_for_status()"),
    first("returned", "error-swallowed", 'if response.is_error:\n    return {"features": []}\ndata = response.json()'),
    first(
        "raised by accident",
        "accidental-error",
        'if response.is_error:\n    raise httpx.HTTPStatusError("down")\ndata = response.json()',
    ),
    first("a function for the method", "name-unknown", "raise_for_status(response)\ndata = response.json()"),
    first(
        "asks three times",
        "own-retries",
        None,
        (
            CALL,
            f"for attempt in range(3):\n        try:\n            {CALL}\n            break\n"
            "        except httpx.HTTPError:\n            if attempt == 2:\n                raise",
        ),
    ),
    first(
        "knows one status",
        "status-missed",
        'if response.status_code > 500:\n    raise RuntimeError("down")\ndata = response.json()',
    ),
    first(
        "emptied again",
        "not-the-alerts",
        'response.raise_for_status()\ndata = response.json()\ndata = {"features": []}',
    ),
    first("of the client", "no-such-attribute", "http.raise_for_status()\ndata = response.json()"),
    first(
        "knows server errors",
        "status-missed",
        'if response.is_server_error:\n    raise RuntimeError("down")\ndata = response.json()',
    ),
    # 02: the timer and the workflow.
    temporal("timer", "only a long one", "no-timer", "if delay_seconds > 1:\n    await workflow.sleep(delay_seconds)"),
    temporal("workflow", "below the starter's", "no-activity-run", f'return "TODO 3 is not done yet."\n{GOOD_CALL}'),
    temporal("workflow", "of the other module", "name-unknown", GOOD_CALL.replace("await workflow", "await activity")),
    temporal(
        "workflow", "interval outside", "keyword-unknown", GOOD_CALL[:-1] + ", maximum_interval=timedelta(seconds=10))"
    ),
    temporal(
        "workflow",
        "policy by position",
        "long-pauses",
        limited().replace("maximum_interval=timedelta(seconds=10), ", "timedelta(seconds=10)"),
    ),
    temporal("timer", "returned", "returns-too-early", "return await workflow.sleep(delay_seconds)"),
    temporal("timer", "also where none is asked for", "other-length", "await workflow.sleep(delay_seconds or 5)"),
    temporal(
        "timer",
        "a condition",
        "wait-timed-out",
        "await workflow.wait_condition(lambda: False, timeout=timedelta(seconds=delay_seconds))",
    ),
    temporal("workflow", "no heartbeats", "no-heartbeats-sent", limited(more="heartbeat_timeout=timedelta(seconds=1)")),
    temporal(
        "workflow",
        "three times",
        "run-twice",
        "for _ in range(3):\n    text = " + limited().removeprefix("return ") + "\nreturn text",
    ),
    temporal("timer", "days", "other-length", "await workflow.sleep(timedelta(delay_seconds))"),
    temporal("timer", "twice", "other-length", "await workflow.sleep(delay_seconds)\nawait workflow.sleep(0.4)"),
    temporal("timer", "in quotes", "text-for-number", 'await workflow.sleep("delay_seconds")'),
    temporal("timer", "whole seconds", "other-length", "await workflow.sleep(int(delay_seconds))"),
    temporal("timer", "too late", "timer-too-late", "pass", (EXECUTE, "text = await workflow.execute_activity("), LATE),
    temporal("workflow", "days", "no-attempt-limit", limited(start="timedelta(3)")),
    temporal("workflow", "no limit of one", "no-attempt-limit", limited(start="None")),
    temporal("workflow", "5 ms", "short-attempt", limited(start="timedelta(milliseconds=5)")),
    temporal("workflow", "5 minutes", "long-attempt", limited(start="timedelta(minutes=5)")),
    temporal("workflow", "swapped", "short-end", limited("timedelta(hours=1)", "timedelta(seconds=3)")),
    temporal("workflow", "all in 5 s", "short-end", limited(end="timedelta(seconds=5)")),
    temporal("workflow", "all in years", "no-end", limited(end="timedelta(3600)")),
    temporal(
        "workflow", "heartbeats", "short-heartbeat", limited(more="heartbeat_timeout=timedelta(milliseconds=2.5)")
    ),
    temporal("workflow", "three attempts", "few-attempts", limited(policy="maximum_attempts=3")),
    temporal(
        "workflow", "no retries by type", "no-retries", limited(policy='non_retryable_error_types=["HTTPStatusError"]')
    ),
    temporal("workflow", "another queue", "other-queue", limited(more='task_queue="weather"')),
    temporal("workflow", "state in quotes", "other-argument", GOOD_CALL.replace("state,", '"state",')),
    temporal("workflow", "state in a list", "other-argument", GOOD_CALL.replace("state,", "[state],")),
    temporal("workflow", "state by letters", "other-argument", GOOD_CALL.replace("state,", "args=state,")),
    temporal("workflow", "activity called", "activity-called", GOOD_CALL.replace("alerts, state", "alerts(state)")),
    temporal("workflow", "another keyword", "keyword-unknown", GOOD_CALL.replace("start_to_close_", "")),
    temporal("workflow", "policy as a class", "not-a-retry-policy", GOOD_CALL[:-1] + ", retry_policy=RetryPolicy)"),
    temporal("workflow", "handle for result", "not-awaited", HANDLE),
    temporal("timer", "blocks", "time-sleep", "import time\ntime.sleep(delay_seconds)"),
    temporal("timer", "blocks, not imported", "another-sleep", "time.sleep(delay_seconds)"),
    temporal("timer", "no activity", "called-directly", None, (EXECUTE, DIRECTLY)),
    temporal("timer", "not awaited", "no-timer", "workflow.sleep(delay_seconds)"),
    temporal("timer", "misspelt", "name-unknown", "await workflow.sleep(delay)"),
    temporal("timer", "the module left out", "another-sleep", "await sleep(delay_seconds)"),
    temporal(
        "timer", "a task", "timer-not-awaited", "import asyncio\nasyncio.create_task(workflow.sleep(delay_seconds))"
    ),
    temporal(
        "workflow", "no timeout", "no-timeout", "return await workflow.execute_activity(get_weather_alerts, state)"
    ),
    temporal("workflow", "called directly", "called-directly", "return await get_weather_alerts(state)"),
    temporal("workflow", "tried forever", "no-end", GOOD_CALL),
    temporal(
        "workflow", "long pauses", "long-pauses", GOOD_CALL[:-1] + ", schedule_to_close_timeout=timedelta(hours=1))"
    ),
    temporal("workflow", "not returned", "no-result", GOOD_CALL.removeprefix("return ")),
    temporal("workflow", "not awaited", "not-awaited", GOOD_CALL.replace("await ", "")),
    temporal("workflow", "another state", "other-argument", GOOD_CALL.replace("state,", '"CA",')),
    temporal("workflow", "no state", "other-argument", GOOD_CALL.replace(" state,", "")),
    temporal(
        "workflow", "misspelt", "activity-missing", GOOD_CALL.replace("get_weather_alerts", '"get_wether_alerts"')
    ),
    temporal("workflow", "a number", "not-a-timedelta", GOOD_CALL.replace("timedelta(seconds=5)", "5")),
    temporal("workflow", "local", "local-activity", GOOD_CALL.replace("execute_activity", "execute_local_activity")),
    temporal(
        "workflow", "one attempt", "no-retries", GOOD_CALL[:-1] + ", retry_policy=RetryPolicy(maximum_attempts=1))"
    ),
    temporal(
        "workflow", "network", "sandbox", None, ("with workflow.unsafe.imports_passed_through():\n    from", "from")
    ),
    temporal("workflow", "no decorator", "no-workflow", None, ("@workflow.defn\n", "")),
    temporal("workflow", "no run", "no-run-method", None, ("    @workflow.run\n", "")),
    temporal("workflow", "always fails", "run-failed", GOOD_CALL[:-1] + TWICE, (ACTIVITIES, BROKEN)),
    temporal("timer", "another method", "no-such-attribute", "await workflow.timer(delay_seconds)"),
    temporal("timer", "a wait", "number-for-list", "await workflow.wait(delay_seconds)"),
    temporal("timer", "the state", "text-for-number", "await workflow.sleep(state)"),
    temporal("timer", "of self", "no-such-attribute", "await workflow.sleep(self.delay_seconds)"),
    temporal("timer", "of nothing", "argument-missing", "await workflow.sleep()"),
    temporal(
        "timer",
        "a thread",
        "called-directly",
        "import asyncio, time\nawait asyncio.to_thread(time.sleep, delay_seconds)",
    ),
    temporal("workflow", "seconds in quotes", "not-a-timedelta", limited(start='timedelta(seconds="3")')),
    temporal("workflow", "misspelt method", "no-such-attribute", GOOD_CALL.replace("activity(", "activty(")),
    temporal("workflow", "state by keyword", "keyword-unknown", GOOD_CALL.replace("state,", "state=state,")),
    temporal("workflow", "pauses of days", "long-pauses", limited().replace("timedelta(seconds=10)", "timedelta(10)")),
    temporal("workflow", "asyncio.run", "run-sync-in-notebook", f"import asyncio\n{BY_ASYNCIO}"),
    temporal(
        "workflow",
        "a child workflow",
        "method-missing",
        "return await workflow.execute_child_workflow(get_weather_alerts, state)",
    ),
    # 02: worker and starter.
    temporal("worker", "no activity", "activity-missing", "workflows=[TemporalHelloWorld],"),
    temporal("worker", "no workflow", "workflow-missing", "activities=[get_weather_alerts],"),
    temporal(
        "worker",
        "called",
        "activity-not-decorated",
        "workflows=[TemporalHelloWorld],\nactivities=[get_weather_alerts('TX')],",
    ),
    temporal(
        "worker",
        "instance",
        "workflow-not-decorated",
        "workflows=[TemporalHelloWorld()],\nactivities=[get_weather_alerts],",
    ),
    temporal(
        "worker", "plain function", "activity-not-decorated", "workflows=[TemporalHelloWorld],\nactivities=[connect],"
    ),
    temporal(
        "worker",
        "twice",
        "registered-twice",
        "workflows=[TemporalHelloWorld],\nactivities=[get_weather_alerts, get_weather_alerts],",
    ),
    temporal("worker", "no lists", "not-a-list", "workflows=TemporalHelloWorld,\nactivities=get_weather_alerts,"),
    temporal(
        "worker",
        "in quotes",
        "activity-not-decorated",
        'workflows=["TemporalHelloWorld"],\nactivities=["get_weather_alerts"],',
    ),
    temporal(
        "worker",
        "swapped",
        "activity-not-decorated",
        "workflows=[get_weather_alerts],\nactivities=[TemporalHelloWorld],",
    ),
    temporal("worker", "no commas", "syntax", "workflows=[TemporalHelloWorld]\nactivities=[get_weather_alerts]"),
    temporal(
        "worker",
        "the starter's left",
        "syntax",
        "workflows=[TemporalHelloWorld],\nactivities=[get_weather_alerts],\nworkflows=[],",
    ),
    temporal("worker", "another queue", "not-polling", None, ("task_queue=TASK_QUEUE", 'task_queue="mine"')),
    temporal("worker", "never run", "not-polling", None, (RUN_WORKER, "    if worker:\n")),
    temporal("worker", "never begun", "worker-ended", None, ("asyncio.run(main())", "main")),
    temporal(
        "starter",
        "not awaited",
        "not-awaited",
        "handle = client.start_workflow(TemporalHelloWorld.run, id='1', task_queue='1')",
    ),
    temporal(
        "starter",
        "method called",
        "method-called",
        "handle = await client.start_workflow(TemporalHelloWorld.run(), args=[state], id='1', task_queue=TASK_QUEUE)",
    ),
    temporal(
        "starter",
        "no ID",
        "argument-missing",
        "handle = await client.start_workflow(TemporalHelloWorld.run, args=[state], task_queue=TASK_QUEUE)",
    ),
    temporal(
        "starter",
        "nothing kept",
        "name-unknown",
        "args = [state, delay_seconds]\n"
        "await client.start_workflow(TemporalHelloWorld.run, args=args, id=uuid4().hex, task_queue=TASK_QUEUE)",
    ),
    temporal("starter", "no f in the ID", "id-not-unique", None, (' id=f"', ' id="')),
    temporal("starter", "nothing is called in the ID", "id-not-unique", None, (ID_TAIL, '-{uuid4}"')),
    temporal("starter", "executed", "result-for-handle", None, ("start_workflow(", "execute_workflow(")),
    temporal(
        "starter",
        "a dict",
        "other-input",
        None,
        ("args=[state, delay_seconds]", 'args={"state": state, "delay_seconds": delay_seconds}'),
    ),
    temporal("starter", "swapped", "other-input", None, ("args=[state, delay_seconds]", "args=[delay_seconds, state]")),
    temporal(
        "starter",
        "method called with arguments",
        "method-called",
        "handle = await client.start_workflow(TemporalHelloWorld.run(state, delay_seconds), id='1', task_queue='1')",
    ),
    temporal("starter", "not kept", "name-unknown", None, ("    handle = await", "    await")),
    temporal("starter", "no import", "name-unknown", None, (f"{WAITING}\n", "")),
    temporal("starter", "of the other file", "no-such-name", None, (WAITING, WAITING.replace("waiting", "connection"))),
    temporal("starter", "nothing", "nothing-started", None, ("asyncio.run(main(", "print((")),
    temporal(
        "starter",
        "one ID",
        "id-not-unique",
        "handle = await client.start_workflow(TemporalHelloWorld.run, args=[state, delay_seconds], id='weather',\n"
        "    task_queue=TASK_QUEUE)",
    ),
    temporal(
        "starter",
        "another queue",
        "other-queue",
        "handle = await client.start_workflow(TemporalHelloWorld.run, args=[state, delay_seconds], id=uuid4().hex,\n"
        "    task_queue='mine')",
    ),
    temporal(
        "starter",
        "no delay",
        "other-input",
        "handle = await client.start_workflow(TemporalHelloWorld.run, args=[state], id=uuid4().hex,\n"
        "    task_queue=TASK_QUEUE)",
    ),
    temporal(
        "starter",
        "says nothing",
        "answer-not-printed",
        None,
        ("print(await result_of(handle))", "await result_of(handle)"),
    ),
    temporal("starter", "stays", "starter-hangs", None, (PRINTED, f"{PRINTED}\n    await asyncio.Event().wait()")),
    temporal("starter", "raises", "script-raised", None, (PRINTED, "raise TimeoutError")),
    temporal("starter", "exits", "script-failed", None, (PRINTED, "raise SystemExit(3)")),
    temporal(
        "starter",
        "a short life",
        "short-life",
        None,
        (ID_TAIL, f"{ID_TAIL}, run_timeout=__import__('datetime').timedelta(0, 5)"),
    ),
    temporal(
        "starter",
        "delay as text",
        "other-input",
        "handle = await client.start_workflow(TemporalHelloWorld.run, args=[state, str(delay_seconds)], "
        "id=uuid4().hex, task_queue=TASK_QUEUE)",
    ),
    # 03.
    durable("activity", "another function", "no-activity", "", (CALLS, f"@activity.defn\n{CALLS}")),
    durable("activity", "a keyword", "syntax", "@activity.def"),
    durable("activity", "a class's decorator", "other-decorator", "from temporalio import workflow\n@workflow.defn"),
    durable("activity", "the drill", "drill-left", "@activity.defn", (f"{CALL}\n    # ", "")),
    durable(
        "worker",
        "the plugin twice",
        "plugin-twice",
        "both = [OpenAIAgentsPlugin(model_params=MODEL_CALL) for _ in range(2)]\nclient = await connect(*both)",
    ),
    durable("activity", "module as decorator", "module-called", "@activity"),
    durable("activity", "another decorator", "no-such-attribute", "@activity.run"),
    durable("activity", "a name by position", "defn-argument", '@activity.defn("get_weather_alerts")'),
    durable(
        "activity",
        "a tool, too",
        "no-activity",
        "from agents import function_tool\n\n@function_tool\n@activity.defn",
    ),
    durable("activity", "of a workflow", "no-activity", None, ("@activity.defn\n", "")),
    durable("activity", "no @", "no-activity", "activity.defn"),
    durable(
        "activity",
        "sleeps, then raises",
        "own-retries",
        None,
        (f"    {CALL}\n", f"{SLEEPS}        raise\n"),
    ),
    durable(
        "tool",
        "function tool",
        "tool-in-workflow",
        None,
        ("activity_as_tool(\n", "function_tool(get_weather_alerts)\n        dict(\n"),
        ("Tool, trace", "Tool, function_tool, trace"),
        ("            get_weather_alerts,\n", ""),
    ),
    durable(
        "tool",
        "pure function tool",
        "tool-in-workflow",
        '''
        from agents import function_tool

        @function_tool
        def get_alerts(state: str) -> str:
            """Alerts of a state."""
            return "none"

        weather_tool = get_alerts
        ''',
    ),
    durable("tool", "the function", "not-a-tool", "weather_tool = get_weather_alerts"),
    durable("tool", "no timeout", "no-timeout", "weather_tool = activity_as_tool(get_weather_alerts)"),
    durable("tool", "one attempt", "no-retries", GOOD_TOOL[:-1] + ", retry_policy=RetryPolicy(maximum_attempts=1))"),
    durable("tool", "tried forever", "no-end", GOOD_TOOL),
    durable("tool", "long pauses", "long-pauses", GOOD_TOOL[:-1] + ", schedule_to_close_timeout=timedelta(hours=1))"),
    durable("tool", "not given", "no-tool", None, ("tools=[weather_tool]", "tools=[]")),
    durable("tool", "always fails", "tool-failed", tool(), (ACTIVITIES, BROKEN)),
    durable("tool", "another queue", "other-queue", tool(more='task_queue="weather"')),
    durable("tool", "a number", "odd-option", tool().replace("timedelta(seconds=3)", "3")),
    durable("tool", "the class of a policy", "odd-option", tool(policy="RetryPolicy")),
    durable("tool", "days for an attempt", "no-attempt-limit", tool("3")),
    durable("tool", "days for all", "no-end", tool(together="3600")),
    durable("tool", "5 ms", "short-attempt", tool("milliseconds=5")),
    durable("tool", "30 s", "long-attempt", tool("seconds=30")),
    durable(
        "tool",
        "an interval outside of its policy",
        "keyword-unknown",
        tool(policy="RetryPolicy()", more="maximum_interval=timedelta(seconds=10)"),
    ),
    durable("tool", "another name", "name-unknown", tool().replace("weather_tool =", "alerts_tool =")),
    durable("tool", "another one kept", "nothing-there", tool().replace("weather", "the", 1) + "\nweather_tool = None"),
    durable("tool", "swapped", "short-end", tool("hours=1", "seconds=3")),
    durable("tool", "no limit", "no-heartbeats-sent", tool("", more="heartbeat_timeout=timedelta(seconds=3)")),
    durable("tool", "few attempts", "few-attempts", tool(policy=f"{POLICY[:-1]}, maximum_attempts=3)")),
    durable(
        "tool",
        "no error retried",
        "no-retries",
        tool(policy=f"{POLICY[:-1]}, non_retryable_error_types=['RuntimeError'])"),
    ),
    durable("tool", "heartbeats", "short-heartbeat", tool(more="heartbeat_timeout=timedelta(milliseconds=1)")),
    durable(
        "tool",
        "retried by hand",
        "own-retries",
        None,
        (
            f"    {CALL}\n",
            f"    try:\n        {CALL}\n    except httpx.HTTPError:\n        {CALL}\n",
            "activities.py",
        ),
    ),
    durable(
        "tool", "in quotes", "activity-not-decorated", tool().replace("get_weather_alerts", '"get_weather_alerts"')
    ),
    durable(
        "tool",
        "a tool of it",
        "not-a-tool",
        f"{tool()}\nfrom agents import function_tool\nweather_tool = function_tool(weather_tool)",
    ),
    durable("tool", "called", "argument-missing", tool().replace("get_weather_alerts", "get_weather_alerts()")),
    durable("tool", "a list", "not-a-tool", tool().replace("= ", "= [", 1) + "]"),
    durable("tool", "awaited", "await-too-many", tool().replace("= ", "= await ", 1)),
    durable("tool", "needs an approval", "no-tool", tool() + "\nweather_tool.needs_approval = True"),
    durable(
        "tool",
        "swallowed",
        "error-swallowed",
        None,
        (
            f"    {CALL}\n",
            f"    try:\n        {CALL}\n    except httpx.HTTPError:\n        return 'none'\n",
            "activities.py",
        ),
    ),
    durable("tool", "no agent", "no-model-call", None, (RUN_AGENT, NO_AGENT)),
    durable("workflow", "no agent", "no-model-call", None, (RUN_AGENT, NO_AGENT)),
    durable("workflow", "never ends", "not-finished", "await workflow.wait_condition(lambda: False)"),
    durable("workflow", "fails", "run-failed", "from agents import AgentsException\nraise AgentsException"),
    durable("workflow", "no trace", "trace-group", "result = await Runner.run(weather_agent(weather_tool), question)"),
    durable(
        "workflow",
        "no group",
        "trace-group",
        'with trace("Durable agent"):\n    result = await Runner.run(weather_agent(weather_tool), question)',
    ),
    durable(
        "workflow",
        "another group",
        "trace-group",
        'with trace("Durable agent", group_id="mine"):\n'
        "    result = await Runner.run(weather_agent(weather_tool), question)",
    ),
    durable("workflow", "not awaited", "not-awaited", "result = Runner.run(weather_agent(weather_tool), question)"),
    durable("workflow", "run_sync", "run-sync", "result = Runner.run_sync(weather_agent(weather_tool), question)"),
    durable("workflow", "misspelt", "name-unknown", None, ("str(result.final_output)", "str(resutl.final_output)")),
    durable("workflow", "the whole result", "other-result", None, ("str(result.final_output)", "str(result)")),
    durable(
        "workflow", "a constant", "other-question", TRACE + RUN_AGENT.replace("question", '"Any alerts in Texas?"')
    ),
    durable(
        "workflow",
        "more than the question",
        "other-question",
        TRACE + RUN_AGENT.replace("question)", 'question + " And in Ohio?")'),
    ),
    durable("workflow", "all of it returned", "other-result", TRACE + RUN_AGENT.replace("result =", "return")),
    durable(
        "workflow",
        "three arguments",
        "arguments-too-many",
        f"{TRACE}result = await Runner.run(weather_agent, weather_tool, question)",
    ),
    durable("workflow", "awaits too far", "await-too-far", f"{TRACE}{RUN_AGENT}.final_output"),
    durable("workflow", "two runs", "run-twice", f"{TRACE}{RUN_AGENT}\n    {RUN_AGENT}"),
    durable("workflow", "on and on", "run-twice", f"{TRACE}while True:\n        {RUN_AGENT}"),
    durable("workflow", "an empty trace", "trace-empty", f"{TRACE}pass\n{RUN_AGENT}"),
    durable(
        "workflow", "another agent", "no-tool", f"{TRACE}result = await Runner.run(Agent(name='Weather'), question)"
    ),
    durable("workflow", "the function", "not-an-agent", TRACE + RUN_AGENT.replace("(weather_tool)", "")),
    durable(
        "workflow",
        "asyncio.run",
        "run-sync-in-notebook",
        f"{TRACE}import asyncio\n    result = asyncio.run(Runner.run(weather_agent(weather_tool), question))",
    ),
    durable("workflow", "ends Python", "exits", f"import sys\n{TRACE}sys.exit(3)"),
    durable("workflow", "holds the worker", "deadlock", f"{TRACE}while True:\n        pass"),
    durable("workflow", "one turn", "too-few-turns", TRACE + RUN_AGENT.replace("question)", "question, max_turns=1)")),
    durable(
        "workflow",
        "the activity",
        "no-model-call",
        f"{TRACE}result = await workflow.execute_activity(\n"
        "        get_weather_alerts, question, start_to_close_timeout=timedelta(seconds=3)\n    )",
    ),
    durable("workflow", "of info", "no-such-attribute", f"{TRACE.replace('workflow_id', 'id')}{RUN_AGENT}"),
    durable("workflow", "async with", "async-with", f"async {TRACE}{RUN_AGENT}"),
    durable(
        "workflow",
        "swapped",
        "not-an-agent",
        f"{TRACE}result = await Runner.run(question, weather_agent(weather_tool))",
    ),
    durable(
        "workflow",
        "its text",
        "text-only",
        f"{TRACE}{RUN_AGENT}.final_output".replace("await Runner", "(await Runner").replace("question)", "question))"),
    ),
    durable("workflow", "no tool given", "argument-missing", TRACE + RUN_AGENT.replace("(weather_tool)", "()")),
    durable("workflow", "no method", "no-method", TRACE + RUN_AGENT.replace("Runner.run(", "Runner(")),
    durable(
        "worker",
        "plugin of the worker",
        "plugin-missing",
        "client = await connect()",
        ("        workflows=[", "        plugins=[OpenAIAgentsPlugin(model_params=MODEL_CALL)],\n        workflows=["),
    ),
    durable("worker", "parameters alone", "plugin-by-name", "client = await connect(MODEL_CALL)"),
    durable("worker", "not kept", "name-unknown", "await connect(OpenAIAgentsPlugin(model_params=MODEL_CALL))"),
    durable(
        "worker",
        "another server",
        "no-server",
        "from temporalio.client import Client\n"
        "client = await Client.connect('127.0.0.1:9', plugins=[OpenAIAgentsPlugin(model_params=MODEL_CALL)])",
    ),
    durable("worker", "plugin as a class", "plugin-is-a-class", "client = await connect(OpenAIAgentsPlugin)"),
    durable("worker", "no parameters", "no-heartbeat", "client = await connect(OpenAIAgentsPlugin())"),
    durable("worker", "no activity", "activity-missing", None, ("activities=[get_weather_alerts]", "activities=[]")),
    durable("worker", "plugins in a list", "plugin-by-name", "client = await connect([OpenAIAgentsPlugin()])"),
    durable("worker", "another queue", "not-polling", None, ("task_queue=TASK_QUEUE", 'task_queue="durable_agent"')),
    durable(
        "worker", "5 ms", "short-attempt", None, ("timedelta(seconds=60),\n    #", "timedelta(milliseconds=5),\n    #")
    ),
    durable("worker", "60 days", "long-attempt", None, ("timedelta(seconds=60),\n    #", "timedelta(60),\n    #")),
    durable("worker", "a number", "not-a-timedelta", None, ("timedelta(seconds=60),\n    #", "60,\n    #")),
    durable(
        "worker", "2.5 ms of silence", "short-heartbeat", None, ("timedelta(seconds=3)", "timedelta(milliseconds=2.5)")
    ),
    durable("worker", "ends Python", "script-failed", "os._exit(4)"),
    durable("worker", "few attempts", "few-attempts", None, ("maximum_attempts=12", "maximum_attempts=3")),
    durable("starter", "by the second", "id-not-unique", None, ("-{uuid4().hex[:8]}", "")),
    durable("starter", "a UUID", "argument-type", None, (STARTED_ID, "id=uuid4(),")),
    durable(
        "starter", "a constant", "other-input", None, (STARTED, STARTED.replace("question", '"Any alerts in Texas?"'))
    ),
    durable("starter", "a list", "several-arguments", None, (STARTED, STARTED.replace("question", "[question]"))),
    durable(
        "starter", "a text for args", "several-arguments", None, (STARTED, STARTED.replace("question", "args=question"))
    ),
    durable("starter", "another workflow", "other-workflow", None, ("DurableAgent.run,", '"DurableAgent.run",')),
    durable(
        "starter",
        "twice",
        "started-twice",
        None,
        (
            "    handle =",
            "    await client.start_workflow(DurableAgent.run, question, id=uuid4().hex, task_queue=TASK_QUEUE)\n"
            "    handle =",
        ),
    ),
    # The first of two starts its workflow, the second raises: that is what is told.
    durable("starter", "once", "script-raised", None, ("    handle =", "    open('lock', 'x').close()\n    handle =")),
    durable("starter", "plugin made, not given", "plugin-missing", "OpenAIAgentsPlugin()\nclient = await connect()"),
    durable(
        "fixed",
        "caught",
        "drill-left",
        None,
        (
            f"    {CALL}\n",
            "    try:\n        data = await make_api_call_bug(state)\n    except RuntimeError:\n"
            '        data = {"features": []}\n',
        ),
    ),
    durable(
        "fixed",
        "still broken",
        "drill-left",
        None,
        (
            CALL + "\n    # data = await make_api_call_bug",
            "# data = await make_api_call(state)\n    data = await make_api_call_bug",
        ),
    ),
    durable("recovery", "no heartbeat", "no-heartbeat", None, ("    heartbeat_timeout", "    # heartbeat_timeout")),
    durable(
        "recovery",
        "5 s at most",
        "no-heartbeat",
        None,
        ("    heartbeat_timeout", "    # heartbeat_timeout"),
        ("seconds=60),\n    #", "seconds=5),\n    #"),
    ),
    durable(
        "recovery", "a minute's pause", "long-pauses", None, ("seconds=0.2", "minutes=1"), ("seconds=20", "minutes=1")
    ),
    durable(
        "recovery",
        "5 s for all attempts",
        "short-end",
        None,
        ("    heartbeat_timeout", "    schedule_to_close_timeout=timedelta(seconds=5),\n    heartbeat_timeout"),
    ),
    durable(
        "recovery",
        "local",
        "local-activity",
        None,
        ("    heartbeat_timeout", "    use_local_activity=True,\n    heartbeat_timeout"),
    ),
    # 04.
    routing("specialists", "no return", "not-an-agent", 'Agent(name=f"{language} agent", tools=[weather_tool])'),
    routing(
        "specialists",
        "one name",
        "name-without-language",
        'return Agent(name="Specialist", instructions=f"Answer in {language}.", tools=[weather_tool])',
    ),
    routing(
        "specialists",
        "no instructions",
        "no-instructions",
        'return Agent(name=f"{language} agent", tools=[weather_tool])',
    ),
    routing(
        "specialists", "no tool", "no-tool", 'return Agent(name=f"{language} agent", instructions=f"Speak {language}.")'
    ),
    routing("specialists", "raises", "specialist-raises", "raise KeyError(language)"),
    routing("specialists", "another function", "no-specialist", None, ("def specialist", "def a_specialist")),
    routing(
        "specialists",
        "no language",
        "same-instructions",
        'return Agent(name=f"{language} agent", instructions="Answer.", tools=[weather_tool])',
    ),
    routing(
        "specialists", "always French", "same-instructions", specialized(instructions='"Always answer in French."')
    ),
    routing("specialists", "no f in the name", "name-without-language", specialized(name='"{language} agent"')),
    routing("specialists", "no f", "other-description", specialized(description='"Speaks {language}"')),
    routing(
        "handoffs",
        "as tools",
        "no-handoff",
        'tools=[specialist(one).as_tool(one.lower(), f"Speaks {one}.") for one in ("French", "Spanish", "English")],',
    ),
    routing("handoffs", "nothing runs", "handoff-without-pause", THREE.replace("=pause", "=lambda context: None")),
    routing("handoffs", "the function", "not-a-handoff", "handoffs=[handoff(specialist, on_handoff=pause)],"),
    routing("handoffs", "told otherwise", "other-instructions", None, (TOLD, '"Answer each question in English."')),
    routing(
        "handoffs",
        "one of three agents",
        "not-a-handoff",
        'handoffs=[handoff(specialist("French"), specialist("Spanish"), specialist("English"), on_handoff=pause)],',
    ),
    routing("handoffs", "names", "not-a-handoff", 'handoffs=["French", "Spanish", "English"],'),
    routing(
        "handoffs",
        "one for all",
        "other-specialist",
        f"handoffs=[{ENGLISH.format('French')}, {ENGLISH.format('Spanish')}],",
    ),
    routing("handoffs", "pause in quotes", "text-for-function", THREE.replace("=pause", '="pause"')),
    routing("handoffs", "in tools", "not-a-tool", THREE.replace("handoffs=", "tools=")),
    routing("handoffs", "by position", "function-for-value", THREE.replace("on_handoff=pause", "pause")),
    routing("handoffs", "pause called", "argument-missing", THREE.replace("pause", "pause()")),
    routing("handoffs", "no English", "handoff-missing", THREE.replace(', "English"', "")),
    routing("pause", "itself", "function-for-value", "await workflow.sleep(pause)"),
    routing("pause", "of the context", "no-such-attribute", "await workflow.sleep(context.pause_seconds)"),
    routing("pause", "blocks", "time-sleep", "import time\ntime.sleep(pause_seconds)"),
    routing("pause", "for one", "handoff-without-pause", None, (THREE, ONE_PAUSES)),
    routing(
        "pause",
        "a task",
        "pause-not-awaited",
        "import asyncio\nself.task = asyncio.create_task(workflow.sleep(pause_seconds))",
    ),
    routing("handoffs", "none pauses", "handoff-without-pause", THREE.replace(", on_handoff=pause", "")),
    routing("pause", "twice", "other-length", f"{SLEEP}\n{SLEEP}"),
    routing(
        "handoffs",
        "a filter",
        "question-lost",
        THREE.replace("on_handoff", "input_filter=lambda data: data.clone(input_history=()), on_handoff"),
    ),
    routing("pause", "days", "other-length", "await workflow.sleep(timedelta(pause_seconds))"),
    routing("pause", "no context", "handoff-argument", SLEEP, ("pause(context: RunContextWrapper[Any])", "pause()")),
    routing("pause", "not awaited", "no-timer", "workflow.sleep(pause_seconds)"),
    routing("pause", "before triage", "pause-too-early", "pass", (RUN_TRIAGE, f"{SLEEP}\n            {RUN_TRIAGE}")),
    routing("pause", "after the answer", "pause-too-late", "pass", (RUN_TRIAGE, f"{RUN_TRIAGE}\n            {SLEEP}")),
    routing("pause", "never ends", "not-finished", f"{SLEEP}\nawait workflow.wait_condition(lambda: False)"),
    routing("worker", "no plugin", "plugin-missing", None, ("OpenAIAgentsPlugin(model_params=MODEL_CALL)", "")),
    routing(
        "worker",
        "run at once",
        "worker-run-twice",
        """
        worker = await Worker(
            client, task_queue=TASK_QUEUE, workflows=[AgentRouting], activities=[get_weather_alerts]
        ).run()
        """,
    ),
    routing(
        "starter",
        "no pause",
        "other-input",
        """
        handle = await client.start_workflow(
            AgentRouting.run, args=[question], id=uuid4().hex, task_queue=TASK_QUEUE
        )
        """,
    ),
    # Going further, approval: the key.
    approval("key", "empty", "no-key", 'key = ""'),
    approval("key", "the text", "key-shared", 'key = f"{state}: {message}"'),
    approval("key", "the workflow's ID", "key-shared", "key = workflow.info().workflow_id"),
    approval(
        "key",
        "another at each attempt",
        "key-changes",
        None,
        ('"Idempotency-Key": key', '"Idempotency-Key": f"{key}-{activity.info().attempt}"', "activities.py"),
    ),
    # Going further, approval: the validator.
    approval("refuse", "returns", "takes-anything", 'return decision in ("yes", "no") and call_id in self.waiting'),
    approval("refuse", "the word only", "takes-any-call", WORD),
    approval("refuse", "yes only", "refuses-all", 'if decision != "yes":\n    raise ValueError("no")\n' + OPEN_CALL),
    approval("refuse", "misspelt", "refuses-all", WORD + OPEN_CALL.replace("waiting", "wating")),
    # Going further, approval: the wait.
    approval("decide", "no deadline", "no-timer", decided("await workflow.wait_condition(lambda: not self.waiting)")),
    approval(
        "decide", "after the first", "went-on-early", decided(DECIDED.replace("not self.waiting", "self.decisions"))
    ),
    approval(
        "decide",
        "the wait not caught",
        "wait-timed-out",
        f"state = result.to_state()\n{DECIDED}" + decided("pass").partition("self.waiting = {}")[2],
    ),
    approval("decide", "yes to all", "other-calls", decided(DECIDED, 'call and "yes" in self.decisions.values()')),
    approval("decide", "yes by default", "sent-unasked", decided(DECIDED, 'self.decisions.get(call.call_id) != "no"')),
    approval("decide", "no decision, no key", "no-such-key", decided(DECIDED, 'self.decisions[call.call_id] == "yes"')),
    approval("decide", "misspelt", "no-such-attribute", decided(DECIDED).replace("state.reject", "state.rejct")),
    approval("decide", "late ones wait on", "still-waiting", decided(DECIDED, late="pass")),
    # Going further, polling.
    polling("retry", "grows", "pause-grows", polled("initial_interval=every")),
    polling(
        "retry", "a maximum", "gives-up", polled("initial_interval=every, backoff_coefficient=1, maximum_attempts=9")
    ),
    polling("retry", "no bound", "no-bound", polled(bound="None")),
    polling("retry", "twice the pause", "other-pause", polled("initial_interval=2 * every, backoff_coefficient=1")),
    polling("heartbeat", "none", "no-heartbeat", LOOPS.replace("activity.heartbeat()", "pass")),
    polling("heartbeat", "no pause", "no-pause", LOOPS.replace("await asyncio.sleep(every_seconds)", "pass")),
    polling("heartbeat", "once", "stops-early", LOOPS.replace("while", "if")),
    polling(
        "heartbeat",
        "raises, as the retries do",
        "look-fails",
        'if await count_warnings(state):\n    raise RuntimeError("still active")',
    ),
    polling(
        "heartbeat",
        "raises after four looks",
        "several-attempts",
        """
activity.heartbeat()
await asyncio.sleep(2)
for _ in range(4):
    if not await count_warnings(state):
        return
    activity.heartbeat()
    await asyncio.sleep(every_seconds)
raise RuntimeError("still active")
""",
    ),
    polling("timer", "no sleep", "no-timer", f"{END}if not {LOOK}:\n        return True\nreturn False"),
    polling("timer", "no end", "no-bound", f"while {LOOK}:\n    await workflow.sleep(every)\nreturn True"),
    polling(
        "timer",
        "always over",
        "says-over",
        f"{END}if not {LOOK}:\n        break\n    await workflow.sleep(every)\nreturn True",
    ),
    polling("timer", "one look", "stops-early", f"return not {LOOK}"),
    polling("timer", "the other way round", "says-not-over", POLLS.replace("True", "False")),
    polling("timer", "twice the pause", "other-length", POLLS.replace("(every)", "(2 * every)")),
    polling("timer", "an eighth of the time", "other-length", POLLS.replace("+ bound", "+ bound / 8")),
    # conversation
    conversation("remember", "items", "cuts-a-turn", "return said[-turns:]"),
    conversation("remember", "the first ones", "first-turns", f"{BEGINS}\nreturn said[: [*begins, 99, 99, 99][turns]]"),
    conversation("remember", "all", "remembers-all", "return said"),
    conversation("remember", "no guard", "function-raises", f"{BEGINS}\nreturn said[begins[-turns] :]"),
    conversation(
        "remember",
        "else nothing",
        "drops-too-much",
        f"{BEGINS}\nreturn said[begins[-turns] :] if len(begins) > turns else []",
    ),
    conversation(
        "remember", "no return", "not-a-list", f"{BEGINS}\nsaid[begins[-turns] :] if len(begins) > turns else said"
    ),
    conversation("say", "the message only", "forgets", f"result = await Runner.run(weather_agent(), message)\n{KEEP}"),
    conversation(
        "say",
        "questions only",
        "forgets-answers",
        f'result = {RUN_ITEMS}\nself.said = [*self.said, {{"role": "user", "content": message}}]',
    ),
    conversation(
        "say", "adds all", "said-twice", f"result = {RUN_ITEMS}\nself.said = [*self.said, *result.to_input_list()]"
    ),
    conversation("say", "keeps all", "remembers-all", f"result = {RUN_ITEMS}\nself.said = result.to_input_list()"),
    conversation("say", "new items", "not-items", f"result = {RUN_ITEMS}\nself.said = result.new_items"),
    conversation("seam", "ends", "ends", ENOUGH),
    conversation("seam", "handlers not finished", "message-lost", f"{ENOUGH}\n{CONTINUE}"),
    conversation(
        "seam",
        "what it was given",
        "forgets-at-the-seam",
        f"{ENOUGH}\n{FINISHED}\n{CONTINUE}".replace("self.said", "said"),
    ),
    conversation("seam", "not awaited", "spins", f"{ENOUGH}\n{FINISHED}\n{CONTINUE}".replace("await ", "")),
    conversation(
        "seam",
        "limits swapped",
        "other-limits",
        f"{ENOUGH}\n{FINISHED}\nworkflow.continue_as_new(args=[self.said, remembered_turns, turns_per_run])",
    ),
    # testing
    written("answer", "the answer only", "passes-for-wrong", 'assert answer == "There is a flood watch."'),
    written("answer", "not what the tool was asked", "passes-for-wrong", ANSWERED),
    written("answer", "another name", "no-test", None, ("async def test_the_answer_is", "async def the_answer_is")),
    written("outage", "half a minute", "passes-for-wrong", OUTAGE.format(8)),
    written("outage", "for good", "fails-for-right", 'raise RuntimeError("The weather service cannot be reached.")'),
    written("replay", "not awaited", "passes-for-wrong", REPLAY.replace("await ", "_ = ")),
    written(
        "replay",
        "without the plugin",
        "fails-for-right",
        REPLAY.replace(", plugins=[plugin_for(scripted_model())]", ""),
    ),
    written("replay", "another file", "fails-for-right", None, ('"history.json"', '"histories.json"')),
    written("kill", "the number of calls", "passes-for-wrong", "assert answer\nassert len(model.calls) == 1"),
    written("kill", "both calls", "fails-for-right", "assert len(model.calls) == 2"),
)

# Each TODO unchanged: looked at all the same, it fails for a reason of its own.
UNTOUCHED = tuple(
    Answer(number, check, "untouched", code, untouched=True)
    for number, check, code in (
        ("01", "agent", "no-instructions"),
        ("02", "activity", "not-the-alerts"),
        ("02", "timer", "no-timer"),
        ("02", "workflow", "no-activity-run"),
        ("02", "worker", "nothing-registered"),
        ("02", "starter", "nothing-there"),
        ("03", "activity", "no-activity"),
        ("03", "tool", "nothing-there"),
        ("03", "workflow", "nothing-there"),
        ("03", "worker", "plugin-missing"),
        ("03", "starter", "plugin-missing"),
        ("04", "specialists", "name-without-language"),
        ("04", "handoffs", "no-handoff"),
        ("04", "pause", "no-timer"),
        ("04", "worker", "workflow-missing"),
        ("04", "starter", "nothing-there"),
        ("approval", "key", "not-finished"),
        ("approval", "refuse", "takes-anything"),
        ("approval", "decide", "deadlock"),
        ("conversation", "remember", "other-number"),
        ("conversation", "say", "nothing-there"),
        ("conversation", "seam", "never-continues"),
        ("polling", "retry", "not-polled"),
        ("polling", "heartbeat", "stops-early"),
        ("polling", "timer", "not-polled"),
        ("testing", "answer", "passes-for-wrong"),
        ("testing", "outage", "passes-for-wrong"),
        ("testing", "replay", "passes-for-wrong"),
        ("testing", "kill", "passes-for-wrong"),
    )
)

# Words of a verdict that name the slip, where several slips share its code.
SAYS = {
    "01-agent-no words": "nothing tells the model",
    "01-agent-not indented": "four more spaces",
    "02-activity-emptied again": "data is set in line 30",
    "02-activity-method for data": "data is set in line 29",
    "02-activity-of the client": "Did you mean response.raise_for_status?",
    "02-activity-knows server errors": "status 429",
    "02-timer-not awaited": "in line 20 has no `await`",
    "02-timer-only a long one": "does an `if` stand above it?",
    "02-workflow-below the starter's": "leave it out",
    "02-workflow-of the other module": "Did you mean workflow.execute_activity?",
    "02-workflow-interval outside": "an argument of RetryPolicy(...)",
    "02-workflow-policy by position": "initial_interval",
    "02-worker-in quotes": "stands in the list",
    "02-worker-the starter's left": "workflows= stands twice",
    "02-starter-nothing kept": "does not keep what it awaits",
    "01-agent-misspelt": "Did you mean weather_tool?",
    "01-agent-misspelt keyword": "Did you mean tools?",
    "01-agent-quoted": "without quotes",
    "01-agent-a function": "a bare function",
    "01-agent-another language": "`new` is of another language",
    "01-agent-a generator": "write `return Agent(...)`",
    "02-activity-method not called": "line 28 without ()",
    "02-activity-only 500": "status 500 alone",
    "02-activity-no look at the status": "Nothing in it raises",
    "02-activity-caught and printed": "The `except` in line 30",
    "02-activity-swallowed in the activity": "The `except` in line 43",
    "02-activity-below a return": "line 29 stands below a `return`",
    "02-activity-returned": "Line 29 returns something at an error status",
    "02-activity-raised by accident": "lacks 'request' and 'response'",
    "02-activity-always raises": "Your own `raise` did that",
    "02-activity-syntax": "not closed",
    "02-timer-days": "for days",
    "02-timer-misspelt": "Did you mean delay_seconds?",
    "02-timer-the module left out": "use workflow.sleep(...)",
    "02-workflow-days": "timedelta(3) would be days",
    "02-workflow-misspelt": "correct the name",
    "02-workflow-misspelt method": "Did you mean execute_activity?",
    "02-workflow-another keyword": "Did you mean",
    "02-worker-swapped": "TemporalHelloWorld is a class",
    "02-worker-instance": "without ()",
    "02-worker-plain function": "connect is not an activity",
    "02-worker-no commas": "a comma is missing",
    "03-activity-no @": "'activity.defn' is no decorator",
    "03-tool-an interval outside of its policy": "an argument of RetryPolicy(...)",
    "03-tool-another name": "nothing uses alerts_tool in line",
    "03-tool-another one kept": "Nothing uses the_tool in line",
    "03-workflow-three arguments": "By position it takes starting_agent, input",
    "03-worker-not kept": "client = await connect(",
    "04-handoffs-the function": "specialist(language)",
    "02-starter-not awaited": "`await` is missing before the call",
    "02-starter-nothing is called in the ID": "with ()",
    "02-starter-no import": "`from waiting import ui_link` is missing",
    "02-starter-of the other file": "It is in waiting",
    "02-starter-executed": "execute_workflow(...)",
}
