"""A worker that misbehaves on request, to see the sandbox hold. It runs as `main(fd)` like the real one."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlgate.confine import confine, cpu_budget

MEMORY = 128 * 2**20


def _open_network() -> None:
    socket.socket()


def _start_program() -> None:
    subprocess.run(["/bin/true"], check=True)


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _write_named_file() -> None:
    Path(f"/tmp/mlgate-escape-{os.getpid()}").write_text("escaped")


def _remove_file() -> None:
    Path("/tmp/mlgate-no-such-file").unlink()


def _signal_parent() -> None:
    os.kill(os.getppid(), 0)


def _take_memory() -> None:
    bytearray(4 * MEMORY)


def _use_nameless_file() -> None:
    with tempfile.TemporaryFile() as scratch:
        scratch.write(b"x")


def _overfill_nameless_file() -> None:
    with tempfile.TemporaryFile() as scratch:
        scratch.write(b"x" * (2 << 20))
        scratch.flush()


class _Earlier:
    """A thread that was there before the process was confined, and runs what it is given."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except OSError as error:
                self._results.put(error)
            else:
                self._results.put(None)

    def run(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)
        error = self._results.get()
        if error:
            raise error


def _burn() -> None:
    while True:
        pass


def _sleep() -> None:
    time.sleep(60)


def _die() -> None:
    os.abort()


ACTS = {
    f.__name__.strip("_"): f
    for f in (
        _open_network,
        _start_program,
        _fork,
        _write_named_file,
        _remove_file,
        _signal_parent,
        _take_memory,
        _use_nameless_file,
        _overfill_nameless_file,
        _burn,
        _sleep,
        _die,
    )
}


def _serve(channel: socket.socket, spec: dict[str, Any], earlier: _Earlier) -> None:
    name = spec["act"].removesuffix(" in an earlier thread")
    if name == "flood":
        while True:
            channel.sendall(b"x" * 65536 + b"\n")
    if name == "report":
        answer: Any = {"environ": dict(os.environ), "uid": os.getuid(), "content": os.read(spec["fd"], 100).decode()}
    else:
        channel.sendall(b'"before"\n')
        try:
            if name == spec["act"]:
                ACTS[name]()
            else:
                earlier.run(ACTS[name])
            answer = "done"
        except (OSError, MemoryError) as error:
            answer = type(error).__name__
    channel.sendall(json.dumps(answer).encode() + b"\n\n")


def main(descriptor: int) -> None:
    channel = socket.socket(fileno=descriptor)
    earlier = _Earlier()
    confine(MEMORY, 1 << 20)
    while True:
        data, descriptors, _, _ = socket.recv_fds(channel, 1 << 16, 1)
        if not data:
            return
        cpu_budget(1)
        _serve(channel, json.loads(data[4:]) | {"fd": descriptors[0]}, earlier)
        os.close(descriptors[0])
