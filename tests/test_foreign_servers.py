"""Servers that are not ours: one that has Chat Completions only, one whose errors are pages."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from temporalio.exceptions import ApplicationError

from tests.folders import ALL, DURABLE, HELLO_AGENT, ROUTING
from tests.harness import Solutions
from tests.solution_modules import modules_of
from workshop import doctor
from workshop.loopback import NO_TLS

PAGE = f"<!DOCTYPE html><html><head><title>Denied</title></head>{'<p>no</p>' * 3000}</html>".encode()


@contextmanager
def foreign_server(practice: str = "") -> Iterator[str]:
    """The address of a server that hands Chat Completions on to the practice model, and has nothing else but pages."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, kind, answer = 404, "text/plain", b"404 page not found"
            if practice and self.path == "/v1/chat/completions":
                headers = {"Authorization": self.headers.get("Authorization", "")}
                found = httpx.post(practice + self.path, content=body, headers=headers, trust_env=False, verify=NO_TLS)
                status, kind, answer = found.status_code, "application/json", found.content
            self.send(status, kind, answer)

        def do_GET(self) -> None:
            self.send(403, "text/html; charset=utf-8", PAGE)

        def send(self, status: int, kind: str, answer: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("folder", ALL, ids=lambda folder: folder.name)
async def test_an_error_that_is_a_page_is_bounded_where_it_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with foreign_server() as url, modules_of(folder) as modules:
        monkeypatch.setenv("WEATHER_API_URL", url)
        with pytest.raises(ApplicationError) as caught:
            await modules["activities"].make_api_call("CA")
    assert caught.value.message == "Weather service said 403: Forbidden"


def test_a_server_with_chat_completions_only(solutions: Solutions, tmp_path: Path) -> None:
    with foreign_server(solutions.practice.url) as url:
        env = {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "practice", "OPENAI_DEFAULT_API": "chat_completions"}
        (tmp_path / ".env").write_text(f"OPENAI_BASE_URL={url}/v1\n")
        (finding,) = doctor.diagnose(tmp_path, {}, doctor.MODEL_SERVER)
        assert (finding.level, finding.code) == ("problem", "model-api")
        assert "OPENAI_DEFAULT_API=chat_completions" in finding.next_step
        assert doctor.diagnose(tmp_path, env, doctor.MODEL_SERVER) == []
        solutions.practice.begin()
        plain = solutions.starter(HELLO_AGENT, "Any weather alerts in Texas?", **env)
        assert plain.wait() == 0, plain.text
        for folder, arguments in ((HELLO_AGENT, ["--durable"]), (DURABLE, []), (ROUTING, [])):
            solutions.worker(folder, **env)
            starter = solutions.starter(folder, *arguments, "Any weather alerts in Texas?", **env)
            assert starter.wait() == 0, starter.text
        assert len(solutions.practice.outcomes("model")) > 6
        assert set(solutions.practice.outcomes("model")) == {"completed"}


def test_a_server_that_has_neither_or_does_not_answer(tmp_path: Path) -> None:
    with foreign_server() as url:
        (finding,) = doctor.diagnose(tmp_path, {"OPENAI_BASE_URL": f"{url}/v1"}, doctor.MODEL_SERVER)
        assert (finding.level, finding.code) == ("problem", "model-api")
    (finding,) = doctor.diagnose(tmp_path, {"OPENAI_BASE_URL": f"{url}/v1"}, doctor.MODEL_SERVER)
    assert (finding.level, finding.code) == ("warning", "model-api")
