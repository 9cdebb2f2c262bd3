"""What happened in a workflow run: Temporal's history -> plain rows, one for each call, wait, signal and failure.

Works with any client and with recorded histories; neither the plugin nor the workflow's own classes are needed.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workshop.errors import WorkshopError
from workshop.history.agent import AGENT_AS_TOOL, MODEL_ACTIVITIES
from workshop.history.events import PAUSED, run_from_events
from workshop.history.payloads import as_text
from workshop.history.rows import (
    ACTIVITIES,
    ChainedError,
    Kind,
    ModelCall,
    Place,
    Row,
    Run,
    Sign,
    WorkflowTask,
    as_json,
    place_of,
    root,
    short_path,
    with_texts,
)
from workshop.temporal import RPC_TIMEOUT, latest_workflow_ids, refused, retention
from workshop.text import scrubber, span


async def read_history(
    client: Client, workflow_id: str, run_id: str | None = None, environ: Mapping[str, str] = os.environ
) -> Run:
    """Reads a workflow: its latest run, with all that continued as new into it, as one; or just the run that is named.

    Keys are hidden: what looks like one, and the values of the variables of `environ` that hold one.

    Raises:
        WorkshopError: there is no such workflow or run, or the server does not say.
    """
    try:
        runs = [await _read_run(client, workflow_id, run_id)]
        while runs[0].continues and run_id is None:
            try:
                runs.insert(0, await _read_run(client, workflow_id, runs[0].continues))
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                break  # the server keeps a run that is over for some time only
    except RPCError as error:
        no_such_workflow = error.status is RPCStatusCode.NOT_FOUND and "amespace" not in error.message
        if not (no_such_workflow or error.status is RPCStatusCode.INVALID_ARGUMENT):
            raise refused(client, error) from None
        latest = await latest_workflow_ids(client)
        named = f"the latest are: {', '.join(latest)}" if latest else "none has been started yet"
        kept = f" One that is over is kept for {span(days)}." if (days := await retention(client)) else ""
        raise WorkshopError(
            f"There is no workflow {workflow_id!r} here; {named}.{kept}", "name one of them, or none for the latest"
        ) from None
    run = joined(runs)
    hidden: Run = with_texts(run, scrubber(environ))
    if hidden == run:
        return run
    delete = f"temporal workflow delete --workflow-id {workflow_id}"
    note = f"a key stands in the history, where all who may read it see it, and is hidden here: change it; {delete}"
    return replace(hidden, notes=(*hidden.notes, note))


async def _read_run(client: Client, workflow_id: str, run_id: str | None) -> Run:
    # Described first: what happens between the two requests is then in the history, which knows better.
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    description = (await handle.describe(rpc_timeout=RPC_TIMEOUT)).raw_description
    handle = client.get_workflow_handle(workflow_id, run_id=description.workflow_execution_info.execution.run_id)
    history = await handle.fetch_history(rpc_timeout=RPC_TIMEOUT)
    return run_from_events(workflow_id, history.events, description)


def joined(runs: Sequence[Run]) -> Run:
    """Runs of one workflow, oldest first, each of which continued as new into the next, as one."""
    rows: list[Row] = []
    for run in runs:
        before = max((row.event for row in rows), default=0)  # an event's id stays its own: each run begins with 1
        rows += [replace(row, event=row.event and row.event + before) for row in run.rows]
    first, last = runs[0], runs[-1]
    return replace(
        last,
        started=first.started,
        input=first.input,
        continues=first.continues,
        earlier=tuple(run.run_id for run in runs[:-1]),
        rows=tuple(rows),
        signs=tuple(sign for run in runs for sign in run.signs),
        sizes=tuple(size for run in runs for size in run.sizes),
        events=tuple(events for run in runs for events in run.events),
    )
