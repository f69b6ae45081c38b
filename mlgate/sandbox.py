"""Worker processes that may touch hostile bytes: a file descriptor goes in, JSON lines come out.

A worker has no secrets (its environment is empty), cannot open sockets, start programs or write named files
(seccomp on Linux x86-64 and arm64), runs as nobody where it may, and has limits on memory and CPU time from
the kernel and on wall time from the parent. When one dies, that is one file's result, and a new one starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

MEMORY = 216 * 2**20  # beyond the 40 MB of an interpreter with all readers: under 256 MB in all
OUTPUT = 64 * 2**20  # bytes of lines one file may produce; more is a flood, not a report
_BOOT = "import json,sys; sys.path[:]=json.loads(sys.argv[1]); from {module} import main; main(int(sys.argv[2]))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A file for a worker: `open` gives a descriptor that the pool closes, `spec` is what the worker is told."""

    key: str
    open: Callable[[], int]
    spec: dict[str, object]
    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a job: its lines, and `failure` ("timeout", "crashed", "limit", "unreadable") or ""."""

    key: str
    lines: tuple[bytes, ...]
    failure: str = ""
    detail: str = ""


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    channel: socket.socket
    job: Job | None = None
    deadline: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)
    lines: list[bytes] = field(default_factory=list)
    received: int = 0


def _spawn(module: str) -> _Worker:
    ours, theirs = socket.socketpair()
    # `-I -S`: nothing of the current folder, the user's site or the environment decides what a worker imports.
    paths = json.dumps([path for path in sys.path if path])
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _BOOT.format(module=module), paths, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            # one arena: a second one for the second thread would reserve 64 MB of the address space
            env={"LC_ALL": "C.UTF-8", "PATH": "/nonexistent", "MALLOC_ARENA_MAX": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
    finally:
        theirs.close()
    ours.setblocking(False)
    return _Worker(process=process, channel=ours)


class Pool:
    """Runs jobs on `size` workers whose `main(fd)` lives in `module`; use as a context manager."""

    def __init__(self, module: str, size: int) -> None:
        self._module = module
        self._size = max(1, size)
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            self._stop(worker)
        self._workers.clear()

    def start(self, count: int) -> None:
        """Starts up to `count` workers now, so that they get ready while the caller still prepares."""
        while len(self._workers) < min(count, self._size):
            self._workers.append(_spawn(self._module))

    def run(self, jobs: Iterator[Job]) -> Iterator[Done]:
        """One Done for each job, in order of completion. Jobs are drawn only when a worker is free."""
        waiting: deque[Job] = deque()
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                selector.register(worker.channel, selectors.EVENT_READ, worker)
            exhausted = False
            while True:
                idle = [worker for worker in self._workers if worker.job is None]
                while not exhausted and (idle or len(self._workers) < self._size):
                    job = waiting.popleft() if waiting else next(jobs, None)
                    if job is None:
                        exhausted = True
                        break
                    if not idle:
                        idle.append(self._add(selector))
                    done = self._give(idle.pop(), job)
                    if done is not None:
                        yield done
                        idle = [worker for worker in self._workers if worker.job is None]
                busy = [worker for worker in self._workers if worker.job is not None]
                if not busy:
                    return
                wait = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
                for key, _ in selector.select(wait):
                    yield from self._read(selector, key.data)
                for worker in [w for w in self._workers if w.job is not None and w.deadline < time.monotonic()]:
                    yield self._fail(selector, worker, "timeout", "the wall-clock budget of the file was used up")

    def _add(self, selector: selectors.BaseSelector) -> _Worker:
        worker = _spawn(self._module)
        self._workers.append(worker)
        selector.register(worker.channel, selectors.EVENT_READ, worker)
        return worker

    def _give(self, worker: _Worker, job: Job) -> Done | None:
        try:
            descriptor = job.open()
        except OSError as error:
            return Done(key=job.key, lines=(), failure="unreadable", detail=error.strerror or "cannot be opened")
        try:
            message = json.dumps(job.spec).encode()
            worker.channel.setblocking(True)
            sent = socket.send_fds(worker.channel, [len(message).to_bytes(4, "big") + message], [descriptor])
            worker.channel.sendall((len(message).to_bytes(4, "big") + message)[sent:])
        except OSError:
            pass  # the worker is gone already: reading its end of file tells, and the job is failed there
        finally:
            worker.channel.setblocking(False)
            os.close(descriptor)
        worker.job = job
        worker.deadline = time.monotonic() + job.wall
        worker.lines, worker.received = [], 0
        worker.buffer.clear()
        return None

    def _read(self, selector: selectors.BaseSelector, worker: _Worker) -> Iterator[Done]:
        try:
            data = worker.channel.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            if worker.job is None:
                self._drop(selector, worker)
            else:
                yield self._fail(selector, worker, *self._cause(worker))
            return
        worker.received += len(data)
        worker.buffer += data
        if worker.received > OUTPUT:
            yield self._fail(selector, worker, "limit", "the reader said more than a report can hold")
            return
        *lines, rest = bytes(worker.buffer).split(b"\n")
        worker.buffer = bytearray(rest)
        for line in lines:
            if line:
                worker.lines.append(line)
            elif worker.job is not None:  # an empty line ends the job
                yield Done(key=worker.job.key, lines=tuple(worker.lines))
                worker.job, worker.lines = None, []

    def _cause(self, worker: _Worker) -> tuple[str, str]:
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.process.wait(5)
        code = worker.process.returncode
        if code == -signal.SIGXCPU:
            return "timeout", "the CPU budget of the file was used up"
        return "crashed", f"the worker ended with {code}" if code is None or code >= 0 else signal.Signals(-code).name

    def _fail(self, selector: selectors.BaseSelector, worker: _Worker, failure: str, detail: str) -> Done:
        job = worker.job
        if job is None:
            raise RuntimeError("a worker without a job cannot fail one")
        lines = tuple(worker.lines)
        self._drop(selector, worker)
        return Done(key=job.key, lines=lines, failure=failure, detail=detail)

    def _drop(self, selector: selectors.BaseSelector, worker: _Worker) -> None:
        selector.unregister(worker.channel)
        self._workers.remove(worker)
        self._stop(worker)

    @staticmethod
    def _stop(worker: _Worker) -> None:
        worker.channel.close()
        worker.process.kill()
        worker.process.wait()


def workers(size: int) -> Pool:
    """The pool of processes that look at files; none of them runs yet."""
    return Pool("mlgate.worker", size)
