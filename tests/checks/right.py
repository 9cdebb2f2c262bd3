"""Right answers, written in other ways than the solution's: behaviour decides."""

from tests.checks.bank import Answer

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


def right(number: str, check: str, name: str, todo: str | None = None, *edits: tuple[str, str]) -> Answer:
    return Answer(number, check, name, "passed", todo, edits)


RIGHT = (
    right(
        "01",
        "agent",
        "in steps",
        """
            made = Agent(name="Weather")
            made.instructions = "Go."
            made.tools.append(weather_tool)
            return made
        """,
    ),
    right(
        "01",
        "agent",
        "instructions as a function",
        'return Agent("W", instructions=lambda c, a: "Go.", tools=[weather_tool])',
    ),
    right(
        "02",
        "activity",
        "in a line",
        "data = response.raise_for_status().json()",
    ),
    right(
        "02",
        "activity",
        "by hand",
        """
            if response.is_error:
                raise RuntimeError(f"status {response.status_code}")
            data = response.json()
        """,
    ),
    right(
        "02",
        "activity",
        "retryable",
        """
            if response.status_code >= 400:
                raise ApplicationError("down")
            data = response.json()
        """,
    ),
    right(
        "02",
        "activity",
        "a match",
        """
            match response.status_code:
                case 200:
                    data = response.json()
                case other:
                    raise ValueError(other)
        """,
    ),
    right(
        "02",
        "activity",
        "another name",
        None,
        (
            DEFN,
            '@activity.defn(name="alerts_of_a_state")\nasync def get_weather_alerts',
        ),
    ),
    right(
        "02",
        "activity",
        "an alias",
        None,
        ("from temporalio import activity\n", "import temporalio.activity as act\n"),
        ("@activity.", "@act."),
    ),
    right(
        "02",
        "activity",
        "helpers",
        None,
        (
            f"    {RETURN}",
            "    return or_none(text, state)\n\n\n"
            'def or_none(text: str, state: str) -> str:\n    return text or f"Nothing for {state}."',
        ),
    ),
    right(
        "02",
        "activity",
        "of a class",
        None,
        (DEFN, "async def the_alerts"),
        (RETURN, RETURN + "\n" + OWN_CLASS),
    ),
    right(
        "02",
        "timer",
        "asyncio",
        """
            import asyncio
            await asyncio.sleep(delay_seconds)
        """,
    ),
    right(
        "02",
        "timer",
        "timedelta",
        "await workflow.sleep(timedelta(seconds=delay_seconds))",
    ),
    right(
        "02",
        "workflow",
        "minutes",
        """
            return await workflow.execute_activity(
                get_weather_alerts,
                state,
                start_to_close_timeout=timedelta(minutes=1),
                schedule_to_close_timeout=timedelta(days=1),
                retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=2)),
            )
        """,
    ),
    right(
        "02",
        "workflow",
        "policy in a variable",
        """
            policy = RetryPolicy(maximum_interval=timedelta(seconds=10))
            limit = timedelta(hours=1)
            result = await workflow.execute_activity(
                get_weather_alerts, args=[state], schedule_to_close_timeout=limit, retry_policy=policy
            )
            return result
        """,
    ),
    right(
        "02",
        "workflow",
        "by its name",
        """
            limits = {"start_to_close_timeout": timedelta(seconds=5), "schedule_to_close_timeout": timedelta(hours=1)}
            policy = RetryPolicy(backoff_coefficient=1)
            return str(await workflow.execute_activity("get_weather_alerts", state, retry_policy=policy, **limits))
        """,
    ),
    right(
        "02",
        "workflow",
        "a handle",
        """
            handle = workflow.start_activity(
                get_weather_alerts,
                state,
                start_to_close_timeout=timedelta(seconds=5),
                schedule_to_close_timeout=timedelta(hours=1),
                retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),
            )
            return await handle
        """,
    ),
    right(
        "02",
        "worker",
        "other order",
        """
            activities=[get_weather_alerts],
            workflows=[TemporalHelloWorld],
        """,
    ),
    right(
        "02",
        "worker",
        "splat",
        '**{"workflows": [TemporalHelloWorld], "activities": [get_weather_alerts]},',
    ),
    right(
        "02",
        "starter",
        "a tuple",
        """
            handle = await client.start_workflow(
                "TemporalHelloWorld", args=(state, delay_seconds), id=f"mine-{uuid4()}", task_queue=TASK_QUEUE
            )
        """,
    ),
    right(
        "03",
        "activity",
        "name",
        '@activity.defn(name="weather_alerts")',
    ),
    right(
        "03",
        "tool",
        "minutes",
        """
            limit = timedelta(minutes=1)
            policy = RetryPolicy(maximum_interval=timedelta(seconds=2))
            weather_tool = activity_as_tool(
                get_weather_alerts,
                start_to_close_timeout=limit,
                schedule_to_close_timeout=10 * limit,
                retry_policy=policy,
            )
        """,
    ),
    right(
        "03",
        "tool",
        "policy in a variable",
        """
            policy = RetryPolicy(maximum_attempts=20, maximum_interval=timedelta(seconds=10))
            weather_tool = activity_as_tool(
                get_weather_alerts, schedule_to_close_timeout=timedelta(hours=1), retry_policy=policy
            )
        """,
    ),
    right(
        "03",
        "workflow",
        "run config",
        """
            from agents import RunConfig

            config = RunConfig(workflow_name="Durable agent", group_id=workflow.info().workflow_id)
            result = await Runner.run(weather_agent(weather_tool), question, run_config=config)
        """,
    ),
    right(
        "03",
        "workflow",
        "variables",
        """
            group = workflow.info().workflow_id
            agent = weather_agent(weather_tool)
            with trace(workflow_name="Mine", group_id=group):
                result = await Runner.run(agent, input=question)
        """,
    ),
    right(
        "03",
        "worker",
        "in two lines",
        """
            plugin = OpenAIAgentsPlugin(model_params=MODEL_CALL)
            client = await connect(plugin)
        """,
    ),
    right(
        "03",
        "starter",
        "with parameters",
        """
            plugins = [OpenAIAgentsPlugin()]
            client = await connect(*plugins)
        """,
    ),
    right(
        "03",
        "recovery",
        "other times",
        None,
        ("heartbeat_timeout=timedelta(seconds=3)", "heartbeat_timeout=timedelta(milliseconds=1500)"),
    ),
    right(
        "04",
        "specialists",
        "in steps",
        """
            texts = {"name": f"{language} agent", "handoff_description": language}
            return Agent(**texts, instructions="Speak only " + language, tools=[weather_tool])
        """,
    ),
    right(
        "04",
        "handoffs",
        "agents",
        'handoffs=[specialist("English"), specialist("French"), specialist("Spanish")],',
    ),
    right(
        "04",
        "pause",
        "asyncio",
        """
            import asyncio
            await asyncio.sleep(pause_seconds)
        """,
    ),
    right(
        "04",
        "starter",
        "id of its own",
        """
            handle = await client.start_workflow(
                AgentRouting.run, args=[question, pause_seconds], id="q" + uuid4().hex, task_queue=TASK_QUEUE
            )
        """,
    ),
)
