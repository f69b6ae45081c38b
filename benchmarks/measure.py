"""Runs a command and says what it took: wall and processor seconds, and the peak memory of its whole process tree."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.02
_BLOCK = 1 << 20
# some tools break their JSON at the width of the terminal
_ENVIRONMENT = os.environ | {"COLUMNS": "1000000", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. `memory` is the largest sum of resident memory over the tree, sampled; shared pages count in each."""

    wall: float
    cpu: float
    memory: int
    code: int | None
    stdout: str
    stderr: str


def run(command: Sequence[str], *, cwd: Path, timeout: float) -> Run:
    """Runs the command to its end; the code is None when it was stopped after `timeout` seconds."""
    peak = 0
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=_ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        code: int | None = None
        while True:
            peak = max(peak, sum(_resident(pid) for pid in _tree(process.pid)))
            try:
                code = process.wait(_EVERY)
                break
            except subprocess.TimeoutExpired:
                if time.perf_counter() - start > timeout:
                    for pid in _tree(process.pid):
                        _kill(pid)
                    process.wait()
                    break
        wall = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        stdout, stderr = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall=wall, cpu=cpu, memory=peak, code=code, stdout=stdout, stderr=stderr)


def hashes(files: Sequence[Path]) -> tuple[float, float]:
    """Wall and processor seconds of plain SHA-256 over all files on as many threads as there are cores."""
    buffers = threading.local()

    def one(file: Path) -> None:
        if not hasattr(buffers, "block"):
            buffers.block = memoryview(bytearray(_BLOCK))
        digest = hashlib.sha256()
        with file.open("rb", buffering=0) as stream:
            while length := stream.readinto(buffers.block):
                digest.update(buffers.block[:length])

    start, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(one, files))
    return time.perf_counter() - start, time.process_time() - cpu


def _tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                found.extend(int(child) for child in (task / "children").read_text().split())
        except OSError:
            continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except OSError:
        return
