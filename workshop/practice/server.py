"""The practice services as one process: model, weather, faults, ledger and console on one loopback port.

    python -m workshop.practice.server [--port 8234] [--ui-port 8233] [--temporal-port 7233]

Port 0 takes a free one. It prints one line with its address once it listens; a taken port is one line and exit 1.
"""

import argparse
import contextlib
import os
import socket
import sys
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from workshop.practice import admin, model_service, weather
from workshop.practice.endpoints import PracticeState, json_response
from workshop.practice.openai_api import STAND_IN
from workshop.practice.workflows import ConsoleWorkflows
from workshop.settings import HOST, PORTS, Settings


def build_app(state: PracticeState | None = None) -> Starlette:
    """The ASGI application, with a state of its own unless one is given."""
    app = Starlette(
        routes=[
            Route("/health", health),
            Route("/v1/responses", model_service.answer, methods=["POST"]),
            Route("/v1/chat/completions", model_service.answer, methods=["POST"]),
            Route("/v1/models", model_service.models),
            Route("/v1/models/{name:path}", model_service.models),
            Route("/alerts/active", weather.alerts),
            Route("/alerts/send", weather.send, methods=["POST"]),
            Route("/alerts/active/area/{area:path}", weather.alerts),
            Route("/faults", admin.faults, methods=["GET", "POST", "DELETE"]),
            Route("/ledger", admin.ledger, methods=["GET", "DELETE"]),
            Route("/", admin.console),
            Route("/state", admin.state),
            Route("/approvals", admin.approvals, methods=["POST"]),
        ],
        exception_handlers={HTTPException: refused, Exception: broken},
    )
    app.router.redirect_slashes = False  # the real services do not, either
    app.state.practice = state or PracticeState()
    return app


async def health(_request: Request) -> Response:
    """`GET /health`: who answers here, so that another program on the port is not taken for us."""
    return json_response({"service": "practice", "pid": os.getpid()})


async def refused(request: Request, error: Exception) -> Response:
    """What Starlette or an endpoint refuses, in the shape of the API it belongs to."""
    assert isinstance(error, HTTPException)
    status, path = error.status_code, request.url.path
    text = f"Invalid URL ({request.method} {path})" if status in (404, 405) else error.detail
    if path.startswith("/v1"):
        return model_service.error(status, text, "invalid_request_error")
    if path.startswith("/alerts"):
        name = "NotFound" if status == 404 else "MethodNotAllowed"
        return weather.problem(status, name, name, text, path)
    return json_response({"error": text}, status)


async def broken(request: Request, _error: Exception) -> Response:
    """Our own mistake; the traceback is in the log."""
    return model_service.error(500, "The practice services have a fault of their own; see their log.", "server_error")


def public_url(port: int) -> str:
    """Where a person's browser reaches a port of this machine."""
    return Settings.from_env(os.environ, strict=False).public_url(port)


def forwarded_host(port: int) -> str:
    """The name under which GitHub Codespaces shows a port to its owner; "" elsewhere."""
    url = urlsplit(public_url(port))
    return url.netloc if url.scheme == "https" else ""


class PracticeServer(uvicorn.Server):
    """A uvicorn server that can cut a connection and that says where it listens.

    Args:
        port: TCP port on loopback; 0 takes a free one.
        ui_port: that of Temporal's web UI, to which the console links; 0 for none.
        temporal_port: that of the Temporal server, whose workflows the console shows; 0 for none.

    Raises:
        OSError, OverflowError: the port is taken, or is none.
    """

    def __init__(self, port: int = 0, ui_port: int = 0, temporal_port: int = 0) -> None:
        # With the protocol named, asyncio turns Nagle's algorithm off; without, each answer waits 40 ms for an ACK.
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((HOST, port))
        except (OSError, OverflowError):
            self.socket.close()
            raise
        self.port: int = self.socket.getsockname()[1]
        self.state = PracticeState(hang_up=self._hang_up, hung_up=self._hung_up, forwarded=forwarded_host(self.port))
        self.state.workflows = ConsoleWorkflows(
            f"{HOST}:{temporal_port}" if temporal_port else "", public_url(ui_port) if ui_port else ""
        )
        config = uvicorn.Config(
            build_app(self.state),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await super().serve(sockets or [self.socket])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"practice services on {self.url}\nThe model here is {STAND_IN}.", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A request that is being delayed would hold up the end.
        for connection in list(self.server_state.connections):
            if isinstance(connection, H11Protocol):
                connection.transport.abort()
        await super().shutdown(sockets)

    def _connection(self, client: tuple[str, int]) -> H11Protocol | None:
        for connection in self.server_state.connections:
            if isinstance(connection, H11Protocol) and connection.client == client:
                return connection
        return None

    def _hang_up(self, client: tuple[str, int]) -> None:
        if connection := self._connection(client):
            connection.transport.abort()

    def _hung_up(self, client: tuple[str, int]) -> bool:
        connection = self._connection(client)
        if connection is None or connection.transport.is_closing():
            return True
        with socket.socket(fileno=os.dup(connection.transport.get_extra_info("socket").fileno())) as end:
            try:
                return end.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
            except BlockingIOError:
                return False
            except OSError:  # the connection was reset
                return True


def main() -> None:
    """Serves until SIGTERM or Ctrl+C."""
    parser = argparse.ArgumentParser(description="The workshop's practice services (no LLM).")
    usual = PORTS["WORKSHOP_PRACTICE_PORT"]
    parser.add_argument("--port", type=int, default=usual, help="TCP port on loopback; 0 takes a free one")
    ui = PORTS["WORKSHOP_TEMPORAL_UI_PORT"]
    parser.add_argument("--ui-port", type=int, default=ui, help="that of Temporal's web UI, for links; 0 for none")
    temporal = PORTS["WORKSHOP_TEMPORAL_PORT"]
    parser.add_argument("--temporal-port", type=int, default=temporal, help="that of its server, for the console")
    given = parser.parse_args()
    port = given.port
    try:
        server = PracticeServer(port, given.ui_port, given.temporal_port)
    except (OSError, OverflowError) as taken:
        reason = getattr(taken, "strerror", None) or taken
        sys.exit(f"Port {port} cannot be used for the practice services: {reason}.\n  Next: set WORKSHOP_PRACTICE_PORT")
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again once it has stopped
        server.run()


if __name__ == "__main__":
    main()
