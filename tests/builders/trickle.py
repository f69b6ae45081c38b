"""A server that never stops answering: a byte now and then, each within any time-out between two reads."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BODY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 100000\r\n\r\n"
REFUSED = b"HTTP/1.1 404 Not Found\r\nContent-Length: 100000\r\n\r\n"
HEADERS = b"HTTP/1.1 200 OK\r\nX-Long: "
KINDS = {"body": BODY, "chunks": CHUNKS, "redirect": REDIRECT, "refused": REFUSED, "headers": HEADERS}


@contextmanager
def trickling(start: bytes, *, every: float = 0.05) -> Iterator[str]:
    """The URL of a server that sends `start` at once to each request, and then a space again and again."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(1 << 16)
                connection.sendall(start)
                while not stop.wait(every):
                    connection.sendall(b" ")
            except OSError:
                return

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        listener.close()
