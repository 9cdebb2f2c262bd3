"""The road to Temporal, for worker.py and starter.py alike. The same file in every exercise."""

import asyncio
import atexit
import os
import signal
import sys
import time
from typing import Any

from dotenv import dotenv_values, find_dotenv
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, Plugin, WorkflowFailureError, WorkflowHandle
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError


def load_env() -> None:
    """Adds .env to the environment. The shell wins over the file, and an empty variable counts as unset."""
    try:
        # Editors on Windows put a byte order mark before the first name; "-sig" drops it.
        from_file = dotenv_values(find_dotenv(), encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SystemExit(f"{find_dotenv()} is not UTF-8 text.\nNext: save it as UTF-8 (see workshop doctor)") from None
    settings = from_file | {name: value for name, value in os.environ.items() if value}
    os.environ.clear()
    os.environ.update({name: value for name, value in settings.items() if value})
    if "OPENAI_BASE_URL" in os.environ:
        # Traces do not follow that address: they, and the prompts in them, would still go to OpenAI.
        os.environ.setdefault("OPENAI_AGENTS_DISABLE_TRACING", "1")


async def connect(*plugins: Plugin) -> Client:
    """Connects to the server that TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and their kin name."""
    # Python's end can abort while a thread of the client still runs: temporalio/sdk-python#300.
    atexit.register(time.sleep, 0.1)
    address = os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233")
    try:
        config = {"target_host": address} | ClientConfig.load_client_connect_config()
        client = await Client.connect(**config, plugins=plugins)
        # A namespace that does not exist is noticed here, not at the first workflow.
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except (RuntimeError, RPCError, ValueError) as error:
        raise SystemExit(f"No Temporal server to work with at {address}: {error}\nNext: workshop up") from None
    return client


async def warm_up() -> None:
    """Lets the OpenAI client build its schemas now; a first call would hold up its own heartbeats with that."""
    import httpx2  # here, because a worker without an agent needs neither
    from openai import AsyncOpenAI

    message = {"type": "message", "content": [{"type": "output_text", "text": ""}]}
    answer = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"output": [message], "tools": []}))
    await AsyncOpenAI(http_client=httpx2.AsyncClient(transport=answer)).responses.create(model="none", input="none")


async def until_stopped() -> None:
    """Returns at the first Ctrl+C or SIGTERM; a second one ends the process at once."""
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await stop.wait()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(signum)
        signal.signal(signum, signal.SIG_DFL)
    print("Stopping, once the calls in flight are done.", flush=True)
    # Unfinished workflows live on in the server. Dropped from this process at its end, their
    # coroutines close outside their context, and the Agents SDK would complain on stderr.
    sys.unraisablehook = lambda _: None


def ui_link(client: Client, workflow_id: str) -> str:
    """Where the web UI shows this workflow. TEMPORAL_UI_URL names the UI of another server."""
    base = os.environ.get("TEMPORAL_UI_URL", "http://127.0.0.1:8233")
    if "CODESPACE_NAME" in os.environ:
        domain = os.environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev")
        base = f"https://{os.environ['CODESPACE_NAME']}-8233.{domain}"
    return f"{base}/namespaces/{client.namespace}/workflows/{workflow_id}"


async def result_of(handle: WorkflowHandle[Any, str]) -> str:
    """Waits for the workflow's result; after 10 s it says once what may be missing."""
    waiting = asyncio.create_task(handle.result())
    try:
        done, _ = await asyncio.wait([waiting], timeout=10)
        if not done:
            print("Still waiting. Is the worker running (python worker.py)? More: workshop why", flush=True)
        return await waiting
    except asyncio.CancelledError:
        raise SystemExit("Stopped waiting. The workflow goes on without you.") from None
    except (WorkflowFailureError, RPCError) as error:
        cause: BaseException = error
        while cause.__cause__:
            cause = cause.__cause__
        raise SystemExit(f"The workflow has no result: {cause}\nNext: workshop why {handle.id}") from None
    finally:
        waiting.cancel()
