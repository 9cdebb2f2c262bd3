"""The agents of exercise 04 without Temporal: the same specialists and triage, run in this process.

Copied next to the solution's files and run there: python plain_routing.py "Quelles alertes en Floride ?"
"""

import asyncio
import sys

import workflows  # type: ignore[import-not-found]
from agents import Agent, Runner, function_tool
from connection import load_env  # type: ignore[import-not-found]

load_env()
workflows.activity_as_tool = lambda activity, **_: function_tool(activity)
triage_agent = Agent(
    name="Triage agent",
    instructions="Hand the question to the agent that speaks its language. In doubt, to the English agent.",
    handoffs=[workflows.specialist(language) for language in ("French", "Spanish", "English")],
)
print(asyncio.run(Runner.run(triage_agent, sys.argv[1])).final_output)
