"""Tar archives made header by header, honest and hostile (POSIX.1-2017 pax, GNU tar's Basic Tar Format)."""

from __future__ import annotations

from dataclasses import dataclass

BLOCK = 512
END = bytes(2 * BLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A header and its data; `size` and `checksum` are what the header says when it lies."""

    name: str
    data: bytes = b""
    kind: bytes = b"0"
    target: str = ""
    size: int | None = None
    checksum: int | bytes | None = None
    magic: bytes = b"ustar\x0000"


def member(it: Member) -> bytes:
    size = len(it.data) if it.size is None else it.size
    head = it.name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + f"{size:011o}\0".encode()
    tail = it.kind + it.target.encode().ljust(100, b"\0") + it.magic
    block = (head + b"00000000000\0" + b" " * 8 + tail).ljust(BLOCK, b"\0")
    checksum = sum(block) if it.checksum is None else it.checksum
    field = checksum if isinstance(checksum, bytes) else f"{checksum:06o}\0 ".encode()
    block = block[:148] + field + block[156:]
    return block + it.data + bytes(-len(it.data) % BLOCK)


def tar(*members: Member, end: bytes = END) -> bytes:
    return b"".join(map(member, members)) + end


def pax(kind: bytes = b"x", **records: str) -> Member:
    data = b""
    for key, value in records.items():
        rest = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        data += str(length).encode() + rest
    return Member(name="PaxHeaders/x", kind=kind, data=data)


def long_name(name: str, kind: bytes = b"L") -> Member:
    return Member(name="././@LongLink", kind=kind, data=name.encode() + b"\0")


def desynchronised(hidden: bytes) -> bytes:
    """CVE-2025-62518: by the extended header a member holds another archive, by the plain one it is empty."""
    inner = member(Member(name="hidden.pkl", data=hidden))
    return tar(pax(size=str(len(inner))), Member(name="notes.txt", data=inner, size=0))


def behind_the_end(hidden: bytes, blocks: int = 1) -> bytes:
    """Python's tarfile stops at one block of zeros, GNU tar at two."""
    return tar(Member(name="notes.txt", data=b"notes"), end=bytes(BLOCK * blocks)) + tar(
        Member(name="m.pkl", data=hidden)
    )


def behind_a_broken_header(hidden: bytes) -> bytes:
    """Python ends silently at a wrong checksum, GNU tar skips to the next header."""
    return tar(
        Member(name="notes.txt", data=b"notes"), Member(name="bad", checksum=1), Member(name="m.pkl", data=hidden)
    )


def odd_checksum(form: str, hidden: bytes) -> bytes:
    """A header of the oldest kind whose checksum is right, but not written as tar writes it."""
    honest = member(Member(name="m.pkl", data=hidden, magic=b"", checksum=b" " * 8))
    total = sum(honest[:BLOCK])
    field = {
        "base-256": b"\x80" + total.to_bytes(7, "big"),
        "behind a NUL": f"{total:05o}\0zz".encode(),
        "prefix": f"0o{total:05o}\0".encode(),
        "blanks": f"\t{total:05o}\n ".encode(),
    }[form]
    return honest[:148] + field + honest[156:] + END


def nameless(hidden: bytes) -> bytes:
    """Headers of the oldest kind without a name in them: the long name before says it."""
    name = Member(name="", kind=b"L", data=b"m.pkl\0", magic=b"")
    return tar(name, Member(name="", data=hidden, magic=b""))
