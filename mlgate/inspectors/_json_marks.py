"""JSON to look for a format's keys in: who writes the file decides how far from its beginning they stand."""

from __future__ import annotations

import re

from mlgate.records import Artifact

_SEARCHED = 16 << 20
_ESCAPE = re.compile(rb"\\u00([2-7][0-9a-fA-F])")


def json_text(artifact: Artifact) -> bytes:
    """The first 16 MiB of a file that begins like a JSON object or list, with letters for their escapes; else b""."""
    head = artifact.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] not in (b"{", b"[", b""):
        return b""
    data = artifact.head if artifact.source.size <= len(artifact.head) else artifact.source.read_at(0, _SEARCHED)
    if b"\\u00" in data:
        data = _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), data)
    return data
