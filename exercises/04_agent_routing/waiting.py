"""How worker.py waits to be stopped, and starter.py for a result. The same file in every exercise."""

import asyncio
import os
import signal
from typing import Any

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError


async def until_stopped() -> None:
    """Returns at the first Ctrl+C or SIGTERM; a second one ends the process at once."""
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await stop.wait()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_DFL)
    print("Stopping, once the calls in flight are done.", flush=True)


def ui_link(client: Client, workflow_id: str) -> str:
    """Where the web UI shows this workflow. For a server elsewhere, TEMPORAL_UI_URL says it."""
    server = client.service_client.config.target_host
    local = "http://127.0.0.1:8233" if server.startswith(("127.0.0.1:", "localhost:")) else ""
    base = os.environ.get("TEMPORAL_UI_URL") or local or f"the web UI of {server}: "
    return f"{base}/namespaces/{client.namespace}/workflows/{workflow_id}"


async def result_of(handle: WorkflowHandle[Any, str]) -> str:
    """Waits for the workflow's result. Ctrl+C ends the waiting, not the workflow."""
    hint = "Still waiting. The link above shows for what: a worker (python worker.py), a slow call, or a retry."
    patience = asyncio.get_running_loop().call_later(10, lambda: print(hint, flush=True))
    try:
        return await handle.result()
    except asyncio.CancelledError:
        raise SystemExit("Stopped waiting. The workflow goes on without you.") from None
    except RPCError as error:
        problem = f"The server does not tell the result: {str(error)[:500]}"  # a foreign server's may be a page
        raise SystemExit(f"{problem}\nNext: see the workflow at the link above; it may well go on") from None
    except WorkflowFailureError as error:
        cause: BaseException = error
        while cause.__cause__:
            cause = cause.__cause__
        reason = f"The workflow has no result: {str(cause)[:500]}"
        next_step = f"see its history at the link above (in the workshop: workshop why {handle.id})"
        raise SystemExit(f"{reason}\nNext: {next_step}") from None
    finally:
        patience.cancel()
