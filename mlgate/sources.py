"""Random access to bytes: from memory, from an open file, or a slice of either. Nothing here reads a whole file."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from mlgate.records import Source


@dataclass(frozen=True, slots=True)
class BytesSource:
    """Bytes in memory (small members, tests)."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length] if offset >= 0 and length > 0 else b""


@dataclass(frozen=True, slots=True)
class FdSource:
    """An open regular file, read with pread so that readers share no position. `size` is taken once.

    Reading raises OSError when the file has become shorter since.
    """

    fd: int
    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        parts = []
        while length > 0:
            part = os.pread(self.fd, min(length, 1 << 24), offset)
            if not part:  # readers that believe the size would wait for these bytes for ever
                raise OSError(errno.EIO, "the file became shorter while it was read")
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


@dataclass(frozen=True, slots=True)
class SliceSource:
    """`size` bytes of another source from `start`, or what there is of them: a stored archive member read in place."""

    parent: Source
    start: int
    size: int

    def __post_init__(self) -> None:
        # a size that cannot be read to its end would have readers wait for bytes that never come
        object.__setattr__(self, "size", max(0, min(self.size, self.parent.size - self.start)))

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        return self.parent.read_at(self.start + offset, length)
