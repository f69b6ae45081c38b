"""Answers of the hub on disk. Whoever can write there is not trusted: what is read is checked like an answer."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mlgate.hub.answer import Info, NoAnswer, read
from mlgate.references._targets import is_commit

_FORM = 1
_FRESH = 3600.0  # seconds; what a commit says does not change, and is kept
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What was asked. `token` says only that one was sent: with one the hub may answer more."""

    url: str
    kind: str
    name: str
    revision: str
    token: bool

    def stated(self) -> dict[str, Any]:
        """The parts as they stand in an entry."""
        return {"url": self.url, "kind": self.kind, "name": self.name, "revision": self.revision, "token": self.token}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The folder of the entries, or None for no cache. Nothing here fails: an entry is there or it is not."""

    folder: Path | None
    clock: Callable[[], float] = time.time

    def get(self, key: Key) -> Info | None:
        """The answer that is kept for this question, as long as it is one and fresh."""
        raw = self._read(key)
        if raw is None or raw.get("form") != _FORM or raw.get("asked") != key.stated():
            return None
        stored, answer = raw.get("stored"), raw.get("answer")
        if isinstance(stored, bool) or not isinstance(stored, int | float) or not isinstance(answer, dict):
            return None
        if not is_commit(key.revision) and not 0 <= self.clock() - stored < _FRESH:
            return None
        try:
            info = read(answer)
        except NoAnswer:
            return None
        return None if is_commit(key.revision) and info.commit != key.revision.lower() else info

    def put(self, key: Key, answer: dict[str, Any]) -> None:
        """Keeps an answer. A reader sees it whole or not at all."""
        if self.folder is None:
            return
        data = msgspec.json.encode({"form": _FORM, "asked": key.stated(), "stored": self.clock(), "answer": answer})
        if len(data) > _LARGEST:
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        except OSError:
            return
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(name).replace(self.folder / self._name(key))
        except OSError:
            Path(name).unlink(missing_ok=True)

    @staticmethod
    def _name(key: Key) -> str:
        return hashlib.sha256(msgspec.json.encode(key.stated())).hexdigest() + ".json"

    def _read(self, key: Key) -> dict[str, Any] | None:
        if self.folder is None:
            return None
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(self.folder / self._name(key), flags)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return None
                data = file.read(_LARGEST + 1)
            raw = msgspec.json.decode(data) if len(data) <= _LARGEST else None
        except (OSError, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
        return raw if isinstance(raw, dict) else None
