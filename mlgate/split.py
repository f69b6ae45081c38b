"""One scan as several jobs: each reads its share of the tree and keeps what it saw, and a last one judges all of it.

Whoever writes a share decides what is seen, so shares are for the jobs of one run, handed on as its artifacts. What is
in them is decoded like the words of a worker.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from mlgate import __version__
from mlgate.errors import MlgateError
from mlgate.records import File, Finding

NAME = "shard.msgpack"
_LARGEST = 1 << 30
_EACH = 1 << 16  # bytes that a file costs besides its own, when shares are made equal


class _Share(msgspec.Struct, frozen=True):
    version: str
    limits: str
    head: str
    index: int
    of: int
    # reader and path -> size, lines
    readings: dict[str, tuple[int, tuple[bytes, ...]]]


def share(entries: Iterable[File | Finding], index: int, of: int) -> Iterator[File]:
    """The files of one of `of` shares of about the same size; `index` begins at 1. The same on every machine.

    An LFS pointer counts as the file that it stands for, which another job may have fetched.
    """
    files = [entry for entry in entries if isinstance(entry, File)]
    files.sort(key=lambda file: (-_size(file), file.raw))
    loads = [(0, number) for number in range(1, of + 1)]
    for file in files:
        load, number = loads[0]
        heapq.heapreplace(loads, (load + _size(file) + _EACH, number))
        if number == index:
            yield file


def _size(file: File) -> int:
    return file.lfs.size if file.lfs else file.size


class Recorder:
    """Keeps what is read, to be written as one share; for `collect`."""

    incomplete = True

    def __init__(self, index: int, of: int, *, limits: str, head: str) -> None:
        self._about = (__version__, limits, head, index, of)
        self._readings: dict[str, tuple[int, tuple[bytes, ...]]] = {}

    def get(self, path: str, reader: str, descriptor: int) -> tuple[bytes, ...] | None:  # noqa: ARG002
        """Nothing is known before."""
        return None

    def put(self, path: str, reader: str, state: bytes, lines: tuple[bytes, ...]) -> None:
        """Keeps the lines of a file."""
        size = msgspec.msgpack.decode(state)[0]
        self._readings[f"{reader}:{path}"] = (size, lines)

    def pointed(self, path: str) -> tuple[bytes, ...] | None:  # noqa: ARG002
        """Nothing is known before."""
        return None

    def save(self, folder: Path) -> int:
        """Writes the share into the folder; gives how many files it has. Raises MlgateError."""
        data = msgspec.msgpack.encode(_Share(*self._about, readings=self._readings))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / NAME).write_bytes(data)
        except OSError as error:
            hint = "Give another folder with --output."
            raise MlgateError(f"The output folder {str(folder)!r} cannot be written: {error.strerror}.", hint) from None
        return len(self._readings)


class Joined:
    """All shares of a scan, for `collect`. Raises MlgateError unless they are all of the shares of one scan."""

    incomplete = True

    def __init__(self, folders: Iterable[Path], *, limits: str, head: str) -> None:
        shares = [_load(folder) for folder in folders]
        self._readings: dict[str, tuple[int, tuple[bytes, ...]]] = {}
        for folder, one in shares:
            for what, theirs, ours in (
                ("mlgate", one.version, __version__),
                ("commit", one.head[:12] or "none", head[:12] or "none"),
                ("limits of the policy", one.limits, limits),
            ):
                if theirs != ours:
                    told = f": {theirs} there, {ours} here" if len(theirs + ours) < 60 else ""
                    hint = "Every shard and the merge need the same commit, --base, --policy, and version of mlgate."
                    raise MlgateError(f"The shard in {str(folder)!r} is of another {what}{told}.", hint)
            self._readings |= one.readings
        counts = {one.of for _, one in shares}
        indices = sorted(one.index for _, one in shares)
        if len(counts) != 1 or indices != list(range(1, counts.pop() + 1)):
            told = ", ".join(f"{one.index}/{one.of}" for _, one in shares)
            raise MlgateError(f"These are not all shards of one scan: {told}.", "Give the folder of each shard once.")

    def get(self, path: str, reader: str, descriptor: int) -> tuple[bytes, ...] | None:
        """The lines that a share has for a file of this name and size."""
        size, lines = self._readings.get(f"{reader}:{path}", (-1, ()))
        return lines if size == os.fstat(descriptor).st_size else None

    def put(self, path: str, reader: str, state: bytes, lines: tuple[bytes, ...]) -> None:
        """What no share has was read here, and is not needed again."""

    def pointed(self, path: str) -> tuple[bytes, ...] | None:
        """The lines of a file that is an LFS pointer here; the caller compares their digest with the pointer's."""
        found = self._readings.get(f":{path}")
        return found and found[1]


def _load(folder: Path) -> tuple[Path, _Share]:
    try:
        with (folder / NAME).open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise MlgateError(f"{str(folder / NAME)!r} is larger than {_LARGEST:,} bytes.")
        return folder, msgspec.msgpack.decode(data, type=_Share)
    except OSError as error:
        hint = "`mlgate scan --shard I/N --output DIR` makes it."
        raise MlgateError(f"{str(folder)!r} holds no shard: {error.strerror}.", hint) from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise MlgateError(f"{str(folder / NAME)!r} is no shard of mlgate.", "Make it again.") from None
