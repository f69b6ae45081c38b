"""What files said the last time, kept in a folder so that only changed files are read again.

A file is unchanged when its path, size, inode, and times of change are: programs can set the time of modification but
not the one of the inode's change (stat(2), st_ctime). Whoever can write the folder decides what the next run sees, so
it is for one's own machine; the action has no such option. What is kept is decoded like the words of a worker.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

import msgspec

from mlgate.errors import MlgateError

_LARGEST = 1 << 30
_NAME = "readings.msgpack"


class _Kept(msgspec.Struct, frozen=True):
    stamp: str
    readings: dict[str, tuple[bytes, tuple[bytes, ...]]]


class Cache:
    """The readings of a folder. `limits` are part of what they depend on, as mlgate's own files are.

    Raises MlgateError when the folder cannot be used. A file in it that is not ours, damaged or of another version is
    the same as none.
    """

    incomplete = False

    def __init__(self, folder: Path, limits: str) -> None:
        self._file = folder / _NAME
        self._stamp = _stamp(limits)
        self._new: dict[str, tuple[bytes, tuple[bytes, ...]]] = {}
        self.hits = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._old = self._load()
        except OSError as error:
            hint = "Give another folder with --cache."
            raise MlgateError(f"The cache {str(folder)!r} cannot be used: {error.strerror}.", hint) from None

    def _load(self) -> dict[str, tuple[bytes, tuple[bytes, ...]]]:
        try:
            if self._file.stat().st_size > _LARGEST:
                return {}
            kept = msgspec.msgpack.decode(self._file.read_bytes(), type=_Kept)
        except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}
        return kept.readings if kept.stamp == self._stamp else {}

    def get(self, path: str, reader: str, descriptor: int) -> tuple[bytes, ...] | None:
        """The lines of an open file that is as it was."""
        kept = self._old.get(f"{reader}:{path}")
        if kept is None or kept[0] != state(descriptor):
            return None
        self.hits += 1
        self._new[f"{reader}:{path}"] = kept
        return kept[1]

    def put(self, path: str, reader: str, state: bytes, lines: tuple[bytes, ...]) -> None:
        """Keeps the lines of a file that was in this state before it was read."""
        self._new[f"{reader}:{path}"] = (state, lines)

    def pointed(self, path: str) -> tuple[bytes, ...] | None:  # noqa: ARG002
        """Nothing: what is a pointer now was not read here."""
        return None

    def save(self) -> None:
        """Writes what this run saw, and nothing of before that it did not see. Raises MlgateError."""
        data = msgspec.msgpack.encode(_Kept(self._stamp, self._new))
        try:
            with tempfile.NamedTemporaryFile(dir=self._file.parent, delete=False) as file:
                file.write(data)
            Path(file.name).replace(self._file)
        except OSError as error:
            raise MlgateError(f"The cache {str(self._file)!r} cannot be written: {error.strerror}.") from None


def state(descriptor: int) -> bytes:
    """What changes when the file does."""
    seen = os.fstat(descriptor)
    return msgspec.msgpack.encode((seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, seen.st_dev))


def _stamp(limits: str) -> str:
    """Changes with every change of mlgate's own files, of Python, and of the limits."""
    digest = hashlib.sha256(f"{sys.version}\n{limits}\n".encode())
    package = Path(__file__).parent
    for file in sorted(package.rglob("*")):
        if file.suffix in {".py", ".toml"}:
            seen = file.stat()
            digest.update(f"{file.relative_to(package)} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()
