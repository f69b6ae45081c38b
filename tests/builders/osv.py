"""Advisory records in OSV's form, databases of them, and a server that speaks OSV's protocol well or badly."""

from __future__ import annotations

import json
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# Failures of the answers about single records; all others are of any answer.
RECORDS = frozenset({"other-id", "other-package", "gone"})
V31_CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def record(
    name: str,
    package: str = "torch",
    *,
    ecosystem: str = "PyPI",
    events: tuple[dict[str, str], ...] = (),
    versions: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    vector: str = "",
    word: str = "",
    withdrawn: bool = False,
    kind: str = "ECOSYSTEM",
) -> dict[str, Any]:
    """One advisory on one package."""
    affected: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": package}}
    if events:
        affected["ranges"] = [{"type": kind, "events": list(events)}]
    if versions:
        affected["versions"] = list(versions)
    made: dict[str, Any] = {
        "id": name,
        "modified": "2026-01-02T03:04:05Z",
        "summary": f"about {package}",
        "aliases": list(aliases),
        "affected": [affected],
    }
    if vector:
        made["severity"] = [{"type": "CVSS_V4" if "4.0" in vector[:9] else "CVSS_V3", "score": vector}]
    if word:
        made["database_specific"] = {"severity": word}
    if withdrawn:
        made["withdrawn"] = "2026-01-03T00:00:00Z"
    return made


def database(folder: Path, *records: dict[str, Any] | bytes) -> Path:
    """A folder in the layout of OSV's dumps; bytes are put in as a broken record of PyPI."""
    grouped: dict[str, list[dict[str, Any] | bytes]] = {"PyPI": []}
    for made in records:
        ecosystem = "PyPI" if isinstance(made, bytes) else made["affected"][0]["package"]["ecosystem"]
        grouped.setdefault(ecosystem, []).append(made)
    for ecosystem, members in grouped.items():
        (folder / ecosystem).mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / ecosystem / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for number, made in enumerate(members):
                data = made if isinstance(made, bytes) else json.dumps(made).encode()
                archive.writestr(f"{made['id'] if isinstance(made, dict) else f'BROKEN-{number}'}.json", data)
    return folder


@dataclass
class Server:
    """What the server has, how it fails, and what it was asked (path, body)."""

    records: dict[str, dict[str, Any]]
    failure: str = ""
    page: int = 0
    times: int = 10**9
    asked: list[tuple[str, Any]] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def failing(self) -> bool:
        with self.lock:
            self.times -= 1
            return bool(self.failure) and self.failure not in RECORDS and self.times >= 0

    def one(self, name: str) -> dict[str, Any] | None:
        found = self.records.get(name)
        if self.failure == "other-id" and found:
            return {**found, "id": "GHSA-other"}
        if self.failure == "other-package" and found:
            return {**found, "affected": [{"package": {"ecosystem": "PyPI", "name": "another"}}]}
        return None if self.failure == "gone" else found

    def batch(self, body: dict[str, Any]) -> dict[str, Any]:
        results = []
        for query in body["queries"]:
            hits = sorted(
                name
                for name, made in self.records.items()
                if made["affected"][0]["package"]["name"] == query["package"]["name"]
            )
            start = int(query.get("page_token", "0"))
            result: dict[str, Any] = {}
            if self.page:
                # every second page has a token and nothing else, as the service gives when it runs out of time
                index, empty = divmod(start, 2)
                chosen = [] if empty == 0 else hits[index * self.page : (index + 1) * self.page]
                if (index + 1) * self.page < len(hits) or empty == 0:
                    result["next_page_token"] = str(start + 1)
            else:
                chosen = hits
            if chosen:
                result["vulns"] = [{"id": name, "modified": "2026-01-02T03:04:05Z"} for name in chosen]
            results.append(result)
        return {"results": results}


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append((self.path, body))
            self._answer(server.batch(body))

        def do_GET(self) -> None:
            server.asked.append((self.path, None))
            self._answer(server.one(self.path.rpartition("/")[2]))

        def _answer(self, value: Any) -> None:
            data = json.dumps(value).encode()
            status = 200 if value is not None else 404
            headers: dict[str, str] = {}
            if server.failing():
                status, data, headers = self._broken(data)
                if status == 0:
                    return
            self.send_response(status)
            plain = {"Content-Length": str(len(data)), "Content-Type": "application/json"}
            for key, text in {**plain, **headers}.items():
                self.send_header(key, text)
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(data)

        def _broken(self, data: bytes) -> tuple[int, bytes, dict[str, str]]:
            kinds: dict[str, tuple[int, bytes, dict[str, str]]] = {
                "429": (429, b"", {"Retry-After": "2"}),
                "429-long": (429, b"", {"Retry-After": "86400"}),
                "429-date": (429, b"", {"Retry-After": formatdate(time.time() + 2, usegmt=True)}),
                "429-past": (429, b"", {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
                "429-nonsense": (429, b"", {"Retry-After": "soon"}),
                "503": (503, b"busy", {}),
                "400": (400, b"{}", {}),
                "truncated": (200, data[: len(data) // 2], {}),
                "cut": (200, data[:5], {"Content-Length": str(len(data) + 100)}),
                "schema": (200, b'{"results": {"vulns": 1}, "id": 3}', {}),
                "empty": (200, b"{}", {}),
                "fewer": (200, b'{"results": []}', {}),
                "huge": (200, b'{"results": [' + b" " * (3 << 20) + b"]}", {}),
                "redirect": (302, b"", {"Location": "http://127.0.0.1:9/v1/querybatch"}),
                "loop": (200, b'{"results": [{"next_page_token": "0"}]}', {}),
                "tokens": (200, b'{"results": [{"next_page_token": "%d"}]}' % -server.times, {}),
                "40-mb": (200, b'{"results": [' + b" " * 40_000_000 + b"{}]}", {}),
                "html": (200, b"<html>Sign in to the guest network</html>", {"Content-Type": "text/html"}),
                "gzip": (200, b"\x1f\x8b", {"Content-Encoding": "gzip"}),
                "no-json": (200, b"\xff\xfe", {}),
                "deep": (200, b"[" * 200_000, {}),
            }
            if server.failure == "hang":
                time.sleep(1.5)
                return 0, b"", {}
            if server.failure == "cut":
                self.close_connection = True
            return kinds[server.failure]

    return Handler


@contextmanager
def serve(*records: dict[str, Any], failure: str = "", times: int = 10**9, page: int = 0) -> Iterator[Server]:
    """The server on a loopback port; it fails the first `times` answers in the way named."""
    state = Server({made["id"]: made for made in records}, failure=failure, times=times, page=page)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    http.daemon_threads = True
    http.block_on_close = False
    state.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
