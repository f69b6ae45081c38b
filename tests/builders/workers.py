"""A worker that misbehaves on request, to see the sandbox hold. It runs as `main(fd)` like the real one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
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


def _serve(channel: socket.socket, spec: dict[str, Any]) -> None:
    name = spec["act"]
    if name == "flood":
        while True:
            channel.sendall(b"x" * 65536 + b"\n")
    if name == "report":
        answer: Any = {"environ": dict(os.environ), "uid": os.getuid(), "content": os.read(spec["fd"], 100).decode()}
    else:
        channel.sendall(b'"before"\n')
        try:
            ACTS[name]()
            answer = "done"
        except (OSError, MemoryError) as error:
            answer = type(error).__name__
    channel.sendall(json.dumps(answer).encode() + b"\n\n")


def main(descriptor: int) -> None:
    channel = socket.socket(fileno=descriptor)
    confine(MEMORY, 1 << 20)
    while True:
        data, descriptors, _, _ = socket.recv_fds(channel, 1 << 16, 1)
        if not data:
            return
        cpu_budget(1)
        _serve(channel, json.loads(data[4:]) | {"fd": descriptors[0]})
        os.close(descriptors[0])
