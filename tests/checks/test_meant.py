"""What a name that Python does not know was meant to be: from the file that has it, and from the packages."""

import agents
import httpx
import pytest
from temporalio import client, worker, workflow

from tests.checks.bank import solution
from workshop.checks.meant import meant

FILES = {(number, path.name): path.read_text() for number in ("01", "02") for path in solution(number).glob("*.py")} | {
    "cell": "from agents import Runner, function_tool"
}
IMPORTED = (agents, httpx, client, worker, workflow)  # as in a check's process
WORKFLOWS, WORKER, STARTER = ("02", "workflows.py"), ("02", "worker.py"), ("02", "starter.py")


@pytest.mark.parametrize(
    ("where", "code", "said"),
    [
        (WORKFLOWS, "delay", "Did you mean delay_seconds?"),
        (WORKFLOWS, "sleep", "It belongs to workflow: write workflow.sleep."),
        (WORKFLOWS, "datetime.timedelta(3)", "imports timedelta, not datetime: write timedelta alone."),
        (WORKFLOWS, "activity.execute_activity", "Did you mean workflow.execute_activity?"),
        (WORKFLOWS, "say_hello", "Nothing in this file makes or imports say_hello."),
        (("02", "activities.py"), "json.loads", "`import json` is missing."),
        (("02", "activities.py"), "resp.text", "Did you mean response?"),
        (WORKER, "activities.get_weather_alerts", "write get_weather_alerts alone."),
        (WORKER, "get_alerts", "Did you mean get_weather_alerts?"),
        (WORKER, "TemporalHelloworld", "Did you mean TemporalHelloWorld?"),
        (STARTER, "uuid.uuid4()", "`from uuid import uuid4` imports uuid4, not uuid: write uuid4 alone."),
        (STARTER, "workflow.start_workflow()", "Did you mean client.start_workflow?"),
        (STARTER, "Client.start_workflow()", "Did you mean client.start_workflow?"),
        (STARTER, "Client.connect()", "`from temporalio.client import Client` is missing."),
        (("01", "workflows.py"), "function_tool", "`from agents import function_tool` is missing."),
        (("01", "workflows.py"), "tool", "Did you mean Tool or weather_tool?"),
        ("cell", "make_api_call", "is a name of activities.py: is its import missing?"),
        ("cell", "FunctionTool", "Did you mean function_tool?"),
        ("cell", "\nweather_tool == 1", "== compares two values; a single = gives weather_tool its value."),
        (
            "cell",
            "\nweather_tool: function_tool(f)",
            "declares a type; = gives it its value.",
        ),
    ],
)
def test_a_name(where: str | tuple[str, str], code: str, said: str) -> None:
    name = code.strip().partition(".")[0].partition(" ")[0].partition(":")[0]
    found = meant(f"NameError: name '{name}' is not defined", f"{FILES[where]}\n{code}")
    assert found.endswith(said) if said else not found


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("RetryPolicy.__init__() got an unexpected keyword argument 'max_interval'", "Did you mean maximum_interval?"),
        ("execute_activity() got an unexpected keyword argument 'retry'", "Did you mean retry_policy?"),
        ("Client.start_workflow() got an unexpected keyword argument 'workflow_id'", "Did you mean id?"),
        ("Runner.run() got an unexpected keyword argument 'question'", "It takes starting_agent, input."),
        ("Agent.__init__() missing 1 required positional argument: 'name'", ""),
        ("'second' is an invalid keyword argument for __new__()", "Did you mean seconds?"),
        ("module 'temporalio.workflow' has no attribute 'executeActivity'", "Did you mean execute_activity?"),
        ("'Client' object has no attribute 'run_workflow'", ""),
        ("cannot import name 'function_tools' from 'agents' (agents/__init__.py)", "Did you mean function_tool?"),
        ("cannot import name 'function_tool' from 'openai'", "It is in agents: `from agents import function_tool`."),
        ("No module named 'temporlio'", "Did you mean temporalio?"),
        ("No module named 'langchain'", ""),
    ],
)
def test_what_a_package_has(error: str, said: str) -> None:
    assert meant(f"Error: {error}") == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("\nwait workflow.sleep(3)", "`await` was probably meant"),
        (
            "\nweather_tool = function_tool get_weather_alerts",
            "function_tool and get_weather_alerts stand side by side",
        ),
        ("@function_tool\nweather_tool = 3", "right below it stands a `def`"),
    ],
)
def test_a_line_that_python_cannot_read(source: str, said: str) -> None:
    assert said in meant("SyntaxError: invalid syntax", source, line=2)
