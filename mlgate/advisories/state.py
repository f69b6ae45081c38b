"""What `mlgate db update` notes in the database's folder: where a file is from, and when it was last current.

A note speaks only of the very file it was written for: whoever puts another one in its place has no note.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec

NAME = "mlgate-db.json"
_LARGEST = 1 << 20
_TAIL = 1 << 16  # of a zip this holds the checksums of its last members, and how many there are


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One file: `checked` is when (UTC, ISO 8601), `etag` the server's mark, `listing` that of modified_id.csv."""

    url: str
    checked: str
    size: int
    tail: str
    etag: str = ""
    listing: str = ""


def _notes(folder: Path) -> dict[str, Note]:
    try:
        with (folder / NAME).open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST), type=dict[str, Note])
    except (OSError, ValueError, RecursionError):
        return {}


def get(folder: Path, name: str) -> Note | None:
    """The note of the file, or None where there is none or the file is another one by now."""
    note = _notes(folder).get(name)
    return note if note and _mark(folder / name) == (note.size, note.tail) else None


def put(folder: Path, name: str, *, url: str, etag: str = "", listing: str = "") -> None:
    """Notes that the file is what the URL has at this moment. Raises OSError when that cannot be written."""
    size, tail = _mark(folder / name)
    checked = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = Note(url=url, checked=checked, size=size, tail=tail, etag=etag, listing=listing)
    data = msgspec.json.format(msgspec.json.encode({**_notes(folder), name: made}, order="sorted"), indent=1)
    replace(folder / NAME, data)


def replace(path: Path, data: bytes) -> None:
    """Writes the file whole or not at all. Raises OSError."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as part:
        temporary = Path(part.name)
        try:
            part.write(data)
            part.flush()
            temporary.chmod(0o644)
            os.replace(temporary, path)  # noqa: PTH105  (atomic, over what is there)
        finally:
            temporary.unlink(missing_ok=True)


def day(folder: Path, name: str) -> str:
    """The day on which the file was last seen to be current, or "" when that was not noted."""
    note = get(folder, name)
    return note.checked[:10] if note else ""


def _mark(path: Path) -> tuple[int, str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            return size, hashlib.sha256(file.read(_TAIL)).hexdigest()
    except OSError:
        return -1, ""
