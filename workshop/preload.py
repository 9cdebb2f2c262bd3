"""What the fork server of `workshop.fork_server` imports before it forks: the packages of the learners' files.

Nothing here may start a thread: forks would lack it.
"""

# ruff: noqa: E402

import gc

# Forks share what is not touched, and a garbage collection would touch it all. While so much is imported, it would also
# look through it again and again, and find nothing: a sixth of the CPU that the imports take.
gc.disable()

import agents  # noqa: F401
import dotenv  # noqa: F401
import httpx
import openai
import temporalio.envconfig
import temporalio.openai_agents.workflow
import temporalio.worker  # noqa: F401

# Both import their larger parts at first use.
httpx.AsyncClient()
openai.AsyncOpenAI(api_key="practice", base_url="http://127.0.0.1:1/v1").responses  # noqa: B018
gc.freeze()
