"""A server of OSV's dumps: all.zip, modified_id.csv and single records, with marks, and with ways to fail."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Dumps:
    """What the server has by path, each way to spoil an answer by path, and what it was asked (path, status)."""

    files: dict[str, bytes] = field(default_factory=dict)
    spoil: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    marks: bool = True
    url: str = ""

    def publish(self, *records: dict[str, Any], listed: bool = True) -> None:
        """Puts the records there as OSV exports them, instead of those before."""
        self.files = {path: data for path, data in self.files.items() if not path.startswith("/PyPI/")}
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for made in records:
                archive.writestr(f"{made['id']}.json", json.dumps(made))
                self.files[f"/PyPI/{made['id']}.json"] = json.dumps(made).encode()
        self.files["/PyPI/all.zip"] = out.getvalue()
        if listed:
            newest = sorted(records, key=lambda made: str(made["modified"]), reverse=True)
            lines = "".join(f"{made['modified']},{made['id']}\n" for made in newest)
            self.files["/PyPI/modified_id.csv"] = lines.encode()

    def paths(self) -> list[str]:
        """What was asked for since the last time, with the status where it was not 200."""
        told = [path if status == 200 else f"{path} {status}" for path, status in self.asked]
        self.asked.clear()
        return told


def _handler(dumps: Dumps) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            data = dumps.files.get(self.path)
            mark = f'"{hashlib.sha256(data or b"").hexdigest()[:16]}"'
            status = 200 if data is not None else 404
            if self.path in dumps.moved:
                status = 302
            elif data is not None and dumps.marks and self.headers["If-None-Match"] == mark:
                status = 304
            dumps.asked.append((self.path, status))
            body = dumps.spoil.get(self.path, bytes)(data or b"") if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if dumps.marks:
                self.send_header("ETag", mark)
            if status == 302:
                self.send_header("Location", dumps.moved[self.path])
            self.end_headers()
            self.wfile.write(body)

    return Handler


@contextmanager
def serving() -> Iterator[Dumps]:
    """The server on a loopback port, with nothing in it."""
    state = Dumps()
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
