"""ar and cpio archives member by member (ar(5), cpio(5))."""

from __future__ import annotations


def ar_member(name: bytes, data: bytes, *, size: int | None = None) -> bytes:
    head = name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"100644".ljust(8)
    return head + str(len(data) if size is None else size).encode().ljust(10) + b"`\n" + data + b"\n" * (len(data) % 2)


def ar(*members: bytes) -> bytes:
    return b"!<arch>\n" + b"".join(members)


def cpio_member(name: str, data: bytes = b"", *, mode: int = 0o100644, magic: bytes = b"070701") -> bytes:
    raw = name.encode() + b"\0"
    fields = [1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
    out = magic + b"".join(b"%08X" % field for field in fields) + raw
    out += bytes(-len(out) % 4) + data
    return out + bytes(-len(out) % 4)


def cpio(*members: bytes) -> bytes:
    return b"".join(members) + cpio_member("TRAILER!!!", mode=0)


def old_cpio_member(name: str, data: bytes = b"", *, mode: int = 0o100644) -> bytes:
    raw = name.encode() + b"\0"
    head = b"070707" + b"".join(b"%06o" % field for field in (0, 1, mode, 0, 0, 1, 0)) + b"%011o" % 0
    return head + b"%06o" % len(raw) + b"%011o" % len(data) + raw + data
