"""Records that OSV's API gave before, kept in a folder by id, so that only changed ones are asked for again.

`querybatch` gives an id and when the record was modified; a kept record is used only when both are the same. A file
that is damaged, foreign, too large or a link is the same as none. Whoever can write the folder decides what the next
run sees, as with the readings kept beside it, so it is for one's own machine.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlgate.advisories.records import Record, decode, moment

_LARGEST = 32 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Hydrated:
    """The records of the API at `url` in `folder`; None for the folder keeps nothing."""

    url: str
    folder: Path | None

    def get(self, name: str, modified: str) -> Record | None:
        """The record of that id as it was modified then, if it is kept."""
        if self.folder is None or not modified:
            return None
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return None
                data = file.read(_LARGEST + 66)
        except OSError:
            return None
        digest, _, body = data.partition(b"\n")
        if len(body) > _LARGEST or digest != hashlib.sha256(body).hexdigest().encode():
            return None
        return _if_same(body, name, modified)

    def put(self, name: str, modified: str, body: bytes) -> None:
        """Keeps a record's bytes, whole or not at all; a record that changed since the id was given is not kept."""
        if self.folder is None or len(body) > _LARGEST or _if_same(body, name, modified) is None:
            return
        target = self._path(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as part:
                part.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
            Path(part.name).replace(target)
        except OSError:
            return  # the next run asks again

    def _path(self, name: str) -> Path:
        # A digest, since the id is the server's word and would otherwise choose the file.
        digest = hashlib.sha256(f"{self.url.rstrip('/')}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()
        return (self.folder or Path()) / digest[:2] / f"{digest}.json"


def _if_same(body: bytes, name: str, modified: str) -> Record | None:
    try:
        record = decode(body)
    except ValueError:
        return None
    return record if record.id == name and moment(record.modified) == moment(modified) != "" else None
