"""Right answers, written in other ways than the solution's: behaviour decides."""

from tests.checks.bank import ASKED, REQUEST, Answer

DEFN = "@activity.defn\nasync def get_weather_alerts"
RETURN = 'return text or f"No active alerts for {state}."'
OWN_CLASS = '''

class Weather:
    """An activity that is a method."""

    @activity.defn(name="get_weather_alerts")
    async def alerts(self, state: str) -> str:
        """Active alerts."""
        return await the_alerts(state)


get_weather_alerts = Weather().alerts
'''
HELLO = (
    "# If the model asks",
    '''@workflow.defn
class SayHello:
    """The workflow of the documentation."""

    @workflow.run
    async def run(self, name: str) -> str:
        return f"Hello, {name}!"


# If the model asks''',
)
ADDS = (DEFN, f"@activity.defn\nasync def add(one: int) -> int:\n    return one + 1\n\n\n{DEFN}", "activities.py")
# An activity of a class whose state its worker gives it.
INJECTED = (
    (
        f"{DEFN}(state: str)",
        '''class Weather:
    def __init__(self, http: httpx.AsyncClient, names: dict[str, str]) -> None:
        self.http, self.names = http, names

    @activity.defn
    async def get_weather_alerts(self, state: str) -> str:
        """Alerts of a US state."""
        return await alerts_of(self.names.get(state, state))


async def alerts_of(state: str)''',
        "activities.py",
    ),
    ("from activities import get_weather_alerts", "from activities import Weather", "workflows.py"),
    ("            get_weather_alerts,", "            Weather.get_weather_alerts,", "workflows.py"),
    ("from activities import get_weather_alerts", "import httpx\nfrom activities import Weather", "worker.py"),
    ("activities=[get", "activities=[Weather(httpx.AsyncClient(), {}).get", "worker.py"),
)
# A plain function as an activity, and a worker with threads for it.
THREADS = (
    ("async with httpx.AsyncClient(", "with httpx.Client(", "activities.py"),
    ("await http.get", "http.get", "activities.py"),
    ("async def make_api_call(", "def make_api_call(", "activities.py"),
    (DEFN, DEFN.replace("async ", ""), "activities.py"),
    ("data = await make_api_call(", "data = make_api_call(", "activities.py"),
    ("import asyncio\n", "import asyncio\nfrom concurrent.futures import ThreadPoolExecutor\n", "worker.py"),
    ("        # Asked to", "        activity_executor=ThreadPoolExecutor(8),\n        # Asked to", "worker.py"),
)
LIMITS = """start_to_close_timeout=timedelta(seconds=3),
            schedule_to_close_timeout=timedelta(hours=1),
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),"""
RUN_AGENT = "result = await Runner.run(weather_agent(weather_tool), question)"
TOLD = """def told(context: RunContextWrapper[Any], agent: Agent) -> str:
    return f"You are the {agent.name}. Use its language."


def specialist("""

OTHERS = '''@activity.defn
async def say_hello(name: str) -> str:
    """Hello."""
    return f"Hello, {name}!"


@activity.defn
async def count_alerts(text: str) -> int:
    """How many there are."""
    return len(text.splitlines())


'''
SAY_HELLO = """@workflow.defn
class SayHello:
    @workflow.run
    async def run(self, name: str) -> str:
        return f"Hello, {name}!"


"""

# By exercise and check: what stands in the TODO, or what is edited in the solution's file.
ANSWERS: dict[tuple[str, str], dict[str, str | tuple[tuple[str, ...], ...]]] = {
    ("01", "agent"): {
        "in steps": """
            made = Agent(name="Weather")
            made.instructions = "Go."
            made.tools.append(weather_tool)
            return made
        """,
        "every keyword": """
            options = {"name": "W", "instructions": "Go.", "tools": list((weather_tool,)), "handoffs": []}
            return Agent(**options)
        """,
        "a copy": 'return Agent("W", instructions="Go.").clone(tools=[weather_tool])',
        "a second tool": """
            from agents import function_tool

            @function_tool
            def noon() -> str:
                \"\"\"The time.\"\"\"
                return "noon"

            return Agent("W", instructions="Go.", tools=[noon, weather_tool])
        """,
        "must use it": """
            from agents import ModelSettings
            settings = ModelSettings(tool_choice="required")
            return Agent("W", instructions="Go.", tools=[weather_tool], model_settings=settings)
        """,
        "instructions as a function": 'return Agent("W", instructions=lambda c, a: "Go.", tools=[weather_tool])',
    },
    ("02", "activity"): {
        "in a thread of its worker": THREADS,
        "in a line": "data = response.raise_for_status().json()",
        "by hand": """
            if response.is_error:
                raise RuntimeError(f"status {response.status_code}")
            data = response.json()
        """,
        "retryable": """
            if response.status_code >= 400:
                raise ApplicationError("down")
            data = response.json()
        """,
        "a match": """
            match response.status_code:
                case 200:
                    data = response.json()
                case other:
                    raise ValueError(other)
        """,
        "the other way round": "data = response.json()\nresponse.raise_for_status()",
        "an assertion": "assert response.is_success, response.text\ndata = response.json()",
        "raised again": """
            try:
                response.raise_for_status()
            except httpx.HTTPStatusError as error:
                activity.logger.warning("attempt %s", activity.info().attempt)
                raise ApplicationError("down", type="WeatherDown") from error
            data = response.json()
        """,
        "in a thread": (
            (
                'await http.get("/alerts/active", params={"area": state}, headers=headers)',
                'await asyncio.to_thread(httpx.get, f"{url}/alerts/active?area={state}", headers=headers)',
            ),
            ("import os\n", "import asyncio\nimport os\n"),
        ),
        "area in the path": (('"/alerts/active", params={"area": state}', 'f"/alerts/active/area/{state}"'),),
        "a client for all calls": (
            (ASKED, f"    response = await HTTP.get({REQUEST})\n"),
            ("MAX_CHARACTERS =", "HTTP = httpx.AsyncClient(timeout=2.5)\nMAX_CHARACTERS ="),
        ),
        "others beside it": ((DEFN, f"{OTHERS}{DEFN}"),),
        "another name": ((DEFN, '@activity.defn(name="alerts_of_a_state")\nasync def get_weather_alerts'),),
        "an alias": (
            ("from temporalio import activity\n", "import temporalio.activity as act\n"),
            ("@activity.", "@act."),
        ),
        "helpers": (
            (
                f"    {RETURN}",
                "    return or_none(text, state)\n\n\n"
                'def or_none(text: str, state: str) -> str:\n    return text or f"Nothing for {state}."',
            ),
        ),
        "of a class": ((DEFN, "async def the_alerts"), (RETURN, RETURN + "\n" + OWN_CLASS)),
    },
    ("02", "timer"): {
        "asyncio": """
            import asyncio
            await asyncio.sleep(delay_seconds)
        """,
        "timedelta": "await workflow.sleep(timedelta(seconds=delay_seconds))",
        "in two parts": "for _ in range(2):\n    await workflow.sleep(delay_seconds / 2)",
        "an awaited task": """
            import asyncio
            if delay_seconds > 0:
                await asyncio.create_task(workflow.sleep(delay_seconds, summary="first"))
        """,
        "a timeout beside it": (
            ("return await workflow.execute_activity(", "return await asyncio.wait_for(workflow.execute_activity("),
            ("seconds=10)),\n        )", "seconds=10)),\n        ), 3600)"),
            ("from datetime import timedelta\n", "import asyncio\nfrom datetime import timedelta\n"),
        ),
    },
    ("02", "workflow"): {
        "in a thread of its worker": THREADS,
        "another above it": (("@workflow.defn\n", f"{SAY_HELLO}@workflow.defn\n"),),
        "own queue": (("            state,\n", "            state,\n            task_queue=TASK_QUEUE,\n"),),
        "options of the module": """
            return await workflow.execute_activity(
                activity=get_weather_alerts,
                arg=state,
                start_to_close_timeout=timedelta(seconds=10),
                schedule_to_close_timeout=timedelta(minutes=60),
                retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=5)),
                summary=f"alerts of {state}",
            )
        """,
        "other times": """
            return await workflow.execute_activity(
                get_weather_alerts,
                state,
                start_to_close_timeout=timedelta(milliseconds=9500),
                schedule_to_close_timeout=timedelta(days=1),
                retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=2)),
            )
        """,
        "policy in a variable": """
            policy = RetryPolicy(maximum_interval=timedelta(seconds=10))
            one, together = timedelta(seconds=5), timedelta(hours=1)
            result = await workflow.execute_activity(
                get_weather_alerts,
                args=[state],
                start_to_close_timeout=one,
                schedule_to_close_timeout=together,
                retry_policy=policy,
            )
            return result
        """,
        "by its name": """
            limits = {"start_to_close_timeout": timedelta(seconds=5), "schedule_to_close_timeout": timedelta(hours=1)}
            policy = RetryPolicy(backoff_coefficient=1)
            return str(await workflow.execute_activity("get_weather_alerts", state, retry_policy=policy, **limits))
        """,
        "a handle": """
            handle = workflow.start_activity(
                get_weather_alerts,
                state,
                start_to_close_timeout=timedelta(seconds=5),
                schedule_to_close_timeout=timedelta(hours=1),
                retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),
            )
            return await handle
        """,
    },
    ("02", "worker"): {
        "in a thread": THREADS,
        "other order": """
            activities=[get_weather_alerts],
            workflows=[TemporalHelloWorld],
        """,
        "splat": '**{"workflows": [TemporalHelloWorld], "activities": [get_weather_alerts]},',
    },
    ("02", "starter"): {
        "its own client": (
            (
                "client = await connect()",
                "import os\n    from temporalio.client import Client\n"
                '    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])',
            ),
        ),
        "a tuple": """
            handle = await client.start_workflow(
                "TemporalHelloWorld", args=(state, delay_seconds), id=f"mine-{uuid4()}", task_queue=TASK_QUEUE
            )
        """,
    },
    ("03", "activity"): {
        "name": '@activity.defn(name="weather_alerts")',
    },
    ("03", "tool"): {
        "a variable": """
            limit = timedelta(seconds=6)
            policy = RetryPolicy(maximum_interval=timedelta(seconds=2))
            weather_tool = activity_as_tool(
                get_weather_alerts,
                start_to_close_timeout=limit,
                schedule_to_close_timeout=100 * limit,
                retry_policy=policy,
            )
        """,
        "policy in a variable": """
            policy = RetryPolicy(maximum_attempts=20, maximum_interval=timedelta(seconds=10))
            one, together = timedelta(0, 10), timedelta(1)
            weather_tool = activity_as_tool(
                get_weather_alerts, start_to_close_timeout=one, schedule_to_close_timeout=together, retry_policy=policy
            )
        """,
        "a tool around the activity": f"""
            from agents import function_tool

            @function_tool
            async def weather_tool(state: str) -> str:
                "Weather alerts for a US state."
                return await workflow.execute_activity(
                get_weather_alerts,
                state,
                {LIMITS}
                )
        """,
        "its own queue": f"""
            weather_tool = activity_as_tool(
            get_weather_alerts,
            task_queue=TASK_QUEUE,
            {LIMITS}
            )
        """,
        "another workflow above": (HELLO,),
        "another activity": (ADDS,),
        "injected state": INJECTED,
    },
    ("03", "workflow"): {
        "a trace by hand": f"""
            around = trace("Mine", group_id=workflow.info().workflow_id)
            around.start(mark_as_current=True)
            try:
                {RUN_AGENT}
            finally:
                around.finish(reset_current=True)
        """,
        "run config": """
            from agents import RunConfig

            config = RunConfig(workflow_name="Durable agent", group_id=workflow.info().workflow_id)
            result = await Runner.run(weather_agent(weather_tool), question, run_config=config)
        """,
        "another workflow above": (HELLO,),
        "streamed": """
            with trace("Durable agent", group_id=workflow.info().workflow_id):
                result = Runner.run_streamed(weather_agent(weather_tool), question)
                async for event in result.stream_events():
                    workflow.logger.debug(event.type)
        """,
        "messages": """
            with trace("Durable agent", group_id=workflow.info().workflow_id):
                messages = [{"role": "user", "content": question}]
                result = await Runner.run(weather_agent(weather_tool), messages)
        """,
        "variables": """
            group = workflow.info().workflow_id
            agent = weather_agent(weather_tool)
            with trace(workflow_name="Mine", group_id=group):
                result = await Runner.run(agent, input=question)
        """,
    },
    ("03", "worker"): {
        "its own client": """
            from temporalio.client import Client
            from temporalio.envconfig import ClientConfig
            config = ClientConfig.load_client_connect_config()
            client = await Client.connect(**config, plugins=[OpenAIAgentsPlugin(model_params=MODEL_CALL)])
        """,
        "injected state": INJECTED,
        "an identity": (("        client,\n", '        client,\n        identity="mine",\n'),),
        "another workflow, too": (
            (*HELLO, "workflows.py"),
            ("TASK_QUEUE, DurableAgent", "TASK_QUEUE, DurableAgent, SayHello"),
            ("workflows=[", "workflows=[SayHello, "),
        ),
        "parameters in place": """
            parameters = ModelActivityParameters(heartbeat_timeout=timedelta(seconds=5))
            client = await connect(OpenAIAgentsPlugin(parameters))
        """,
        "in two lines": """
            plugin = OpenAIAgentsPlugin(model_params=MODEL_CALL)
            client = await connect(plugin)
        """,
    },
    ("03", "starter"): {
        "by microseconds": (("%Y%m%d-%H%M%S}-{uuid4().hex[:8]}", "%Y%m%d-%H%M%S.%f}"),),
        "wrapped": (
            ("print(await result_of(handle)", "import textwrap\n    print(textwrap.fill(await result_of(handle), 30)"),
        ),
        "another workflow above": ((*HELLO, "workflows.py"),),
        "with parameters": """
            plugins = [OpenAIAgentsPlugin()]
            client = await connect(*plugins)
        """,
    },
    ("03", "recovery"): {
        "an identity": (("        client,\n", '        client,\n        identity="mine",\n'),),
        "other times": (("heartbeat_timeout=timedelta(seconds=3)", "heartbeat_timeout=timedelta(milliseconds=1500)"),),
    },
    ("04", "specialists"): {
        "the SDK's own words": """
            from agents.extensions.handoff_prompt import prompt_with_handoff_instructions
            text = prompt_with_handoff_instructions(f"Always answer in {language}.")
            name = f"{language} agent"
            return Agent(name=name, handoff_description=language, instructions=text, tools=[weather_tool])
        """,
        "instructions as a function": (
            ("def specialist(", TOLD),
            ("instructions=f", "instructions=told or f"),
        ),
        "in their own words": """
            words = {"French": "Réponds toujours en français.", "Spanish": "Responde siempre en español."}
            return Agent(
                f"{language.lower()}_agent",
                f"Speaks {language}",
                [weather_tool],
                instructions=words.get(language, "Always answer in English."),
            )
        """,
        "not another one": """
            others = [other for other in ("French", "Spanish", "English") if other != language]
            name, text = f"{language} agent", f"Answer in {language}, never in {others[0]} or {others[1]}."
            return Agent(name=name, handoff_description=language, instructions=text, tools=[weather_tool])
        """,
        "in steps": """
            texts = {"name": f"{language} agent", "handoff_description": language}
            return Agent(**texts, instructions="Speak only " + language, tools=[weather_tool])
        """,
    },
    ("04", "handoffs"): {
        "a lambda": """
            handoffs=[
                handoff(specialist(language), on_handoff=lambda context: pause(context))
                for language in ("French", "Spanish", "English")
            ],
        """,
        "no pause yet": (("await workflow.sleep(timedelta(seconds=pause_seconds))", "pass"),),
        "names of their own": """
            handoffs=[
                handoff(specialist(one), f"ask_{one.lower()}", f"Speaks {one}.", on_handoff=pause)
                for one in ("French", "Spanish", "English")
            ],
        """,
    },
    ("04", "pause"): {
        "a lambda": (("on_handoff=pause", "on_handoff=lambda context: pause(context)"),),
        "a condition": """
            try:
                await workflow.wait_condition(lambda: False, timeout=pause_seconds)
            except TimeoutError:
                pass
        """,
        "asyncio": """
            import asyncio
            await asyncio.sleep(pause_seconds)
        """,
    },
    ("04", "worker"): {
        "no options": """
            worker = Worker(client, task_queue=TASK_QUEUE, workflows=[AgentRouting], activities=[get_weather_alerts])
        """,
        "an identity": """
            worker = Worker(
                client,
                task_queue=TASK_QUEUE,
                workflows=[AgentRouting],
                activities=[get_weather_alerts],
                max_cached_workflows=0,
                identity="mine",
            )
        """,
    },
    ("04", "starter"): {
        "id of its own": """
            handle = await client.start_workflow(
                AgentRouting.run, args=[question, pause_seconds], id="q" + uuid4().hex, task_queue=TASK_QUEUE
            )
        """,
    },
    ("approval", "key"): {
        "made by the workflow": "key = str(workflow.uuid4())",
    },
    ("approval", "refuse"): {
        "asserted": 'assert decision in ("yes", "no"), "yes or no"\nassert call_id in self.waiting, "no such call"',
    },
    ("approval", "decide"): {
        "wait_for": """
            import asyncio

            state = result.to_state()
            try:
                await asyncio.wait_for(workflow.wait_condition(lambda: not self.waiting), deadline_seconds)
            except asyncio.TimeoutError:
                self.waiting.clear()
            for call in result.interruptions:
                word = self.decisions.get(call.call_id, "no")
                {"yes": state.approve, "no": state.reject}[word](call)
            """,
    },
    ("polling", "retry"): {
        "as a policy of maximum and minimum": """
            await workflow.execute_activity(
                "fail_while_active",
                state,
                schedule_to_close_timeout=bound,
                start_to_close_timeout=timedelta(seconds=5),
                retry_policy=RetryPolicy(every, 1.0, every),
            )
        """,
    },
    ("polling", "heartbeat"): {
        "for ever": """
            while True:
                activity.heartbeat("looking")
                if not await count_warnings(state):
                    return
                await asyncio.sleep(every_seconds)
        """,
    },
    ("polling", "timer"): {
        "counted": """
            import asyncio

            for _ in range(bound // every):
                found = await workflow.execute_activity(look_once, state, start_to_close_timeout=ONE_LOOK)
                if found == 0:
                    return True
                await asyncio.sleep(every.total_seconds())
            return False
        """,
    },
    ("testing", "answer"): {
        "by the last item": """
            assert (answer, asked) == ("There is a flood watch.", ["TX"])
            assert model.calls[0].input[-1]["content"] == "What about Texas?"
            assert model.calls[-1].input[-1]["output"] == "Flood Watch"
        """,
    },
    ("testing", "replay"): {
        "in one line": """
            await Replayer(
                workflows=[AlertAgent], plugins=[plugin_for(scripted_model())]
            ).replay_workflow(history, raise_on_replay_failure=True)
        """,
    },
    ("testing", "kill"): {
        "the whole of what it was shown": """
            (shown,) = [call.input for call in model.calls]
            assert [item.get("type") for item in shown] == [None, "function_call", "function_call_output"]
            assert (shown[-1]["output"], answer) == ("Flood Watch", "There is a flood watch.")
        """,
    },
    ("conversation", "remember"): {
        "counted from the end": """
            for at in range(len(said) - 1, -1, -1):
                turns -= said[at].get("role") == "user"
                if turns == 0:
                    return said[at:]
            return said
        """,
    },
    ("conversation", "say"): {
        "said aloud": """
            self.said.append({"role": "user", "content": message})
            result = await Runner.run(weather_agent(), input=list(self.said), max_turns=5)
            self.said = last_turns(result.to_input_list(), self.remembered_turns)
        """,
    },
    ("conversation", "seam"): {
        "one condition": """
            await workflow.wait_condition(lambda: self.turns >= turns_per_run and workflow.all_handlers_finished())
            workflow.continue_as_new(args=[self.said, turns_per_run, remembered_turns])
        """,
    },
}
RIGHT = tuple(
    Answer(number, check, name, "passed", *((how, ()) if isinstance(how, str) else (None, how)))
    for (number, check), answers in ANSWERS.items()
    for name, how in answers.items()
)
