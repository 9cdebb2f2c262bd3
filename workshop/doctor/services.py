"""Checks of what answers at the ports: the practice services and Temporal are up, and nobody else sits there."""

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from workshop.doctor.finding import Facts, Finding, port_number
from workshop.doctor.variables import LOOPBACK
from workshop.settings import HOST

Answer = Literal["nobody", "silent", "other", "right"]


def practice(facts: Facts) -> Iterator[Finding]:
    """The practice services answer, where they are used."""
    port = facts.settings.practice_port
    used = facts.mode == "practice" or facts.practice_weather
    answer = _get(port, "/health", "service", "practice", facts.quick)
    if answer == "right":
        yield Finding("ok", "practice-services", f"practice services up at port {port}")
    elif answer == "other" or (answer == "silent" and used and not facts.quick):
        yield _taken(port, "the practice services", "WORKSHOP_PRACTICE_PORT")
    elif answer == "nobody" and used:
        message = f"The practice services do not run: nothing listens at port {port}."
        yield Finding("problem", "practice-services", message, "workshop up")


def temporal(facts: Facts) -> Iterator[Finding]:
    """A Temporal server answers at TEMPORAL_ADDRESS, and knows the namespace."""
    host, _, port = facts.settings.temporal_address.rpartition(":")
    host, number = host.strip("[]"), port_number(port)
    local = host in LOOPBACK
    if not host or number is None or "/" in host or (facts.quick and not local):
        return  # another check speaks of the form
    if not _listens(host, number, 0.2 if facts.quick else 3):
        if local:
            message = f"The Temporal server does not run: nothing listens at port {number}."
            yield Finding("problem", "temporal-server", message, "workshop up")
        else:
            message = "The Temporal server that TEMPORAL_ADDRESS names cannot be reached."
            next_step = f"see to the network and the address {facts.place('TEMPORAL_ADDRESS')}, or take it out"
            yield Finding("problem", "temporal-server", message, next_step, facts.line("TEMPORAL_ADDRESS"))
    elif not facts.quick and local and not facts.env.get("TEMPORAL_API_KEY") and not facts.env.get("TEMPORAL_TLS"):
        # In a thread: a notebook's event loop runs already.
        with ThreadPoolExecutor(1) as pool:
            state = pool.submit(asyncio.run, _ask(f"{host}:{number}", facts.settings.temporal_namespace)).result()
        if state == "other":
            yield _taken(number, "Temporal", "WORKSHOP_TEMPORAL_PORT")
        elif state == "no namespace":
            message = "The Temporal server has no namespace of the name in TEMPORAL_NAMESPACE."
            next_step = f"take it out {facts.place('TEMPORAL_NAMESPACE')}: the namespace is then `default`"
            yield Finding("problem", "temporal-namespace", message, next_step, facts.line("TEMPORAL_NAMESPACE"))
        else:
            yield Finding("ok", "temporal-server", f"Temporal up at port {number}")


def other_ports(facts: Facts) -> Iterator[Finding]:
    """The ports that `workshop up` will want are free or its own."""
    settings = facts.settings
    if not _listens(HOST, settings.temporal_port, 1) and _listens(HOST, settings.temporal_ui_port, 1):
        yield _taken(settings.temporal_ui_port, "Temporal's web UI", "WORKSHOP_TEMPORAL_UI_PORT")
    if _get(settings.lab_port, "/api", "version", None, facts.quick) in ("other", "silent"):
        finding = _taken(settings.lab_port, "JupyterLab", "WORKSHOP_LAB_PORT")
        yield Finding("warning", finding.code, finding.message, f"{finding.next_step}; or: workshop up --no-lab")


def _taken(port: int, service: str, variable: str) -> Finding:
    message = f"Another program listens at port {port}, where {service} should be."
    return Finding("problem", "port-taken", message, f"stop it, or set {variable} to a free port")


def _listens(host: str, port: int, timeout: float) -> bool:
    try:
        with socket.create_connection((host, port), timeout):
            return True
    except OSError:
        return False


def _get(port: int, path: str, name: str, value: str | None, quick: bool) -> Answer:
    """Who answers GET `path` on loopback: JSON in which `name` is `value` (None: anything) is right.

    Through http.client, which no proxy variable reaches.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=0.2 if quick else 3)
    try:
        connection.connect()
    except OSError:
        return "nobody"
    try:
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read(10_000))
    except TimeoutError:
        return "silent"
    except (OSError, ValueError, http.client.HTTPException):
        return "other"
    finally:
        connection.close()
    return "right" if isinstance(answer, dict) and name in answer and value in (None, answer[name]) else "other"


async def _ask(address: str, namespace: str) -> Literal["well", "other", "no namespace"]:
    # Here, for the other checks need not wait for these imports.
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.client import Client
    from temporalio.service import RPCError, RPCStatusCode

    try:
        client = await asyncio.wait_for(Client.connect(address), 5)
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    except RPCError as error:
        return "no namespace" if error.status == RPCStatusCode.NOT_FOUND else "other"
    except (RuntimeError, TimeoutError):
        return "other"
    return "well"
