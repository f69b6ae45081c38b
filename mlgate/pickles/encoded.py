"""Pickles as text: Base64 (RFC 4648, both alphabets) and hexadecimal digits, which some programs decode and load."""

from __future__ import annotations

import base64

from mlgate.records import Source
from mlgate.sources import BytesSource

DECODED = 16 << 20  # characters of a text that are decoded
_NEWLINE = b"\\u000a"  # as protocol 0 writes it
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def decoded(text: Source, encoding: str) -> Source | None:
    """What the text stands for, or None for other text; of a very long one the beginning."""
    data = text.read_at(0, min(text.size, DECODED))
    try:
        if encoding == "hex":
            return BytesSource(bytes.fromhex(data.decode("ascii")))
        data = data.replace(_NEWLINE, b"").translate(_URL_SAFE, b"\r\n=")
        data = data[: len(data) - (len(data) % 4 == 1)]
        return BytesSource(base64.b64decode(data + b"=" * (-len(data) % 4), validate=True))
    except ValueError:
        return None
