"""Reads .env, and connects a program to Temporal. The same file in every exercise."""

import atexit
import os
import sys
import time
from typing import Any

from dotenv import dotenv_values, find_dotenv
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, Plugin
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError, RPCStatusCode

# Ctrl+C is no error, from here on: also while the program still connects.
python_tells = sys.excepthook
sys.excepthook = lambda kind, *rest: print("Stopped.") if kind is KeyboardInterrupt else python_tells(kind, *rest)
# Python's end can abort while a thread of the client still runs: temporalio/sdk-python#300.
atexit.register(time.sleep, 0.1)


def load_env() -> None:
    """Adds to the environment what .env has and the shell lacks; an empty variable is as none. Sets up the SDK."""
    try:
        values = dotenv_values(find_dotenv(), encoding="utf-8-sig")  # "-sig": Windows editors put a mark first
        os.environ.update({name: value for name, value in values.items() if value and not os.environ.get(name)})
    except ValueError as error:
        raise SystemExit(f"{find_dotenv()} cannot be read: {error}.\nNext: save it as plain text, in UTF-8") from None
    for name, value in list(os.environ.items()):
        if name.endswith("_API_KEY"):
            os.environ[name] = value.strip()  # a key that ends with a newline is refused by an error that shows the key
        if not os.environ[name]:
            del os.environ[name]
    if os.environ.get("OPENAI_DEFAULT_API") == "chat_completions":  # for a server without the Responses API
        from agents import set_default_openai_api  # here, since it takes seconds

        set_default_openai_api("chat_completions")
    if "OPENAI_BASE_URL" in os.environ:
        # Traces do not follow that address: they, and the prompts in them, would still go to OpenAI.
        os.environ.setdefault("OPENAI_AGENTS_DISABLE_TRACING", "1")


async def connect(*plugins: Plugin) -> Client:
    """Connects as TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and the like say."""
    config: dict[str, Any] = {"target_host": "127.0.0.1:7233"}
    problem = "The settings for Temporal cannot be used"
    try:
        # Temporal's own configuration file is for the server that it names, not for one at another address.
        config |= ClientConfig.load_client_connect_config(disable_file="TEMPORAL_ADDRESS" in os.environ)
        problem = f"No Temporal server to work with at {config['target_host']}"
        client = await Client.connect(**config, plugins=plugins)
        # A namespace that does not exist is noticed here, not at the first workflow.
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except (OSError, RuntimeError, RPCError, ValueError) as error:
        if getattr(error, "status", None) == RPCStatusCode.PERMISSION_DENIED:
            return client  # it may be used, if not described
        next_step = "start a server: temporal server start-dev (in the workshop: workshop up); or correct TEMPORAL_..."
        raise SystemExit(f"{problem}: {error}\nNext: {next_step}") from None
    return client
