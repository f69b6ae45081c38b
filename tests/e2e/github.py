"""GitHub's REST API for the tests: a stateful emulator that we did not write, behind a proxy that watches.

The proxy checks every request against GitHub's own OpenAPI description, keeps a record, and can play a read-only token.
The emulator has no git repository, so the proxy puts the tested repository's head into what it says of a pull request.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.e2e.openapi import Description
from tests.github import server
from tests.github.gitserver import backend

TOKEN = "ghs_test_token"
REPOSITORY = "octocat/hello"
SEED = {
    "tokens": {
        TOKEN: {"login": "octocat", "scopes": ["repo"]},
        "ghs_other": {"login": "mallory", "scopes": ["repo"]},
    },
    "github": {
        "users": [
            {"login": "octocat", "name": "Octo", "email": "octo@example.test"},
            {"login": "mallory", "name": "M", "email": "m@example.test"},
        ],
        "repos": [{"owner": "octocat", "name": "hello", "description": "t", "auto_init": True}],
    },
}


@dataclass(frozen=True, slots=True)
class Request:
    """What the gate asked for, and what it got."""

    method: str
    path: str
    body: Any
    status: int


@dataclass(slots=True)
class Api:
    """The proxy's view.

    `head` is put into pull requests, `read_only` refuses writes as GitHub does, `projects` holds repositories to fetch
    from. `unknown` is what GitHub's description does not have.
    """

    emulator: int
    description: Description
    port: int = 0
    head: str = ""
    read_only: bool = False
    projects: Path | None = None
    requests: list[Request] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> Any:
        """Talks to the emulator itself, as the tests' own hand."""
        status, _, data = self.forward(method, path, json.dumps(body).encode() if body is not None else b"", token)
        if status >= 400:
            raise AssertionError(f"{method} {path}: {status} {data[:300]!r}")
        return json.loads(data) if data else None

    def forward(self, method: str, path: str, body: bytes, token: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.emulator, timeout=30)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), data

    def pull_request(self) -> int:
        """A new pull request; gives its number."""
        main = self.ask("GET", f"/repos/{REPOSITORY}/git/ref/heads/main")["object"]["sha"]
        name = f"feature-{time.monotonic_ns()}"
        self.ask("POST", f"/repos/{REPOSITORY}/git/refs", {"ref": f"refs/heads/{name}", "sha": main})
        made = self.ask("POST", f"/repos/{REPOSITORY}/pulls", {"title": "t", "head": name, "base": "main"})
        return int(made["number"])

    def comments(self, number: int) -> list[dict[str, Any]]:
        """The comments on a pull request."""
        found: list[dict[str, Any]] = self.ask("GET", f"/repos/{REPOSITORY}/issues/{number}/comments")
        return found


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if api.projects is not None and ".git/" in self.path:
                self._git(api.projects, body)
                return
            token = (self.headers.get("Authorization") or "").partition(" ")[2]
            if self.path == "/graphql":  # no REST operation; a token of Actions gets nothing useful here
                status, headers, data = 404, dict[str, str](), b'{"message": "Not Found"}'
            else:
                api.unknown += api.description.complaints(self.command, self.path, body)
                status, headers, data = self._answer(body, token)
            shown = json.loads(body) if body else None
            api.requests.append(Request(self.command, self.path, shown, status))
            self.send_response(status)
            for key, value in headers.items():
                if key.lower() in {"content-type", "link"}:
                    self.send_header(key, re.sub(r"http://(localhost|127\.0\.0\.1):\d+", api.url, value))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _git(self, projects: Path, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = backend(projects, server.Request(method=self.command, path=self.path, headers=headers, body=body))
            self.send_response(reply.status)
            for key, value in {**reply.headers, "Content-Length": str(len(reply.raw or b""))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(reply.raw or b"")

        def _answer(self, body: bytes, token: str) -> tuple[int, dict[str, str], bytes]:
            refused = json.dumps({"message": "Resource not accessible by integration"}).encode()
            if api.read_only and (self.command != "GET" or self.path == "/user"):
                return 403, {"Content-Type": "application/json"}, refused
            status, headers, data = api.forward(self.command, self.path, body, token)
            if status == 200 and self.command == "GET" and re.fullmatch(r"/repos/[^/]+/[^/]+/pulls/\d+", self.path):
                value = json.loads(data)
                value["head"]["sha"] = api.head
                data = json.dumps(value).encode()
            return status, headers, data

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

    return Handler


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(npm: Path, folder: Path) -> Iterator[Api]:
    """The emulator from the npm folder and the proxy in front of it."""
    modules = npm / "node_modules"
    port = _free_port()
    (folder / "seed.yaml").write_text(json.dumps(SEED))  # JSON is YAML
    node = modules / ".bin" / "node"
    script = modules / "emulate" / "dist" / "index.js"
    command = [node, script, "start", "--service", "github", "--seed", "seed.yaml"]
    with (folder / "emulator.log").open("wb") as log:
        process = subprocess.Popen(
            [*map(str, command), "--port", str(port), "--host", "127.0.0.1"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    api = Api(emulator=port, description=Description(modules))
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    proxy.daemon_threads = True
    proxy.block_on_close = False
    api.port = proxy.server_address[1]
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        for _ in range(100):
            try:
                api.ask("GET", f"/repos/{REPOSITORY}")
                break
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
        else:
            raise AssertionError((folder / "emulator.log").read_text()[-2000:])
        yield api
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
        process.terminate()
        process.wait(10)
