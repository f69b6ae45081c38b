"""Answers of the hub's API as it gives them, and connections that go wrong below HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

COMMIT = "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3"
OTHER = "0" * 39 + "1"
DIGEST = "ab" * 32


def model(name: str = "acme/tiny", commit: str = COMMIT, **fields: Any) -> dict[str, Any]:
    """A model that was fine-tuned from another one, as /api/models/{id} tells of it."""
    return {
        "_id": "64a",
        "id": name,
        "modelId": name,
        "author": name.partition("/")[0],
        "sha": commit,
        "lastModified": "2026-02-03T04:05:06.000Z",
        "private": False,
        "disabled": False,
        "gated": "manual",
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "downloads": 9031,
        "tags": [
            "transformers",
            "safetensors",
            "license:apache-2.0",
            "base_model:acme/base",
            "base_model:finetune:acme/base",
        ],
        "cardData": {"license": "apache-2.0", "base_model": ["acme/base"], "datasets": ["acme/chat"]},
        "siblings": [
            {"rfilename": "README.md", "size": 10, "blobId": "f" * 40},
            {
                "rfilename": "model.safetensors",
                "size": 99,
                "blobId": "e" * 40,
                "lfs": {"sha256": DIGEST, "size": 99, "pointerSize": 134},
            },
        ],
        **fields,
    }


def dataset(name: str = "acme/chat", commit: str = COMMIT, **fields: Any) -> dict[str, Any]:
    """A dataset as /api/datasets/{id} tells of it."""
    plain = model(name, commit, tags=["license:cc-by-4.0"], cardData={"license": ["cc-by-4.0"]}, gated=False)
    return {key: value for key, value in plain.items() if key not in {"pipeline_tag", "library_name"}} | fields


def cut_off() -> bytes:
    """A response whose body is shorter than its Content-Length says."""
    return b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n{"id": "acme/tiny"'


def trickle() -> bytes:
    """The start of a response that never ends."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n "


def trickling_redirect() -> bytes:
    """The start of a redirect whose body never ends."""
    return b"HTTP/1.1 307 Moved\r\nLocation: https://[\r\nContent-Length: 5000\r\n\r\n "


def silence() -> bytes:
    """No response at all."""
    return b""


@contextmanager
def raw_server(answer: bytes, *, drip: bool) -> Iterator[str]:
    """A server that sends these bytes to everybody, and then one more each tenth of a second, or closes."""
    listening = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve_one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(answer)
            while drip and not stopped.wait(0.1):
                if answer:
                    connection.sendall(b" ")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=serve_one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stopped.set()
        listening.shutdown(socket.SHUT_RDWR)  # wakes the thread, which would keep the port and take others' connections
        thread.join()
        listening.close()
