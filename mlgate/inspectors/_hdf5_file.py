"""HDF5 below its objects: superblock, addresses, object headers and their messages, local and global heaps.

Source: The HDF Group, HDF5 File Format Specification Version 3.0, sections II (superblock), III.D (local heap), III.E
(global heap) and IV.A (object headers). Addresses count from where the superblock stands, which is 0 or a power of two
from 512 on; what lies before it is the user block.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.records import Source

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_WORK = 256 << 20  # bytes of structure read from one file; models have a few megabytes of it
_BLOCK = 16 << 20  # one header chunk, heap or tree node
_MESSAGES = 1_000_000
_CHUNKS = 4096
_HEAP_OBJECTS = 1_000_000
_KEPT = 8
# messages that say where data is; without the one they refer to nothing is known
_CONTINUATION, _SHARED = 0x10, 2


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an object header; `shared` when `data` only says where the message is."""

    kind: int
    data: bytes
    shared: bool = False


class Fields:
    """Reads through one block of bytes. Raises Incomplete("malformed") past its end."""

    def __init__(self, data: bytes, file: Hdf5File, at: int = 0) -> None:
        self.data = data
        self.at = at
        self._file = file

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise Incomplete("malformed", "a structure is shorter than its fields")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    def address(self) -> int | None:
        """An address in the file, or None for "undefined" (all ones)."""
        value = self.number(self._file.offset_size)
        return None if value == (1 << 8 * self._file.offset_size) - 1 else value

    def length(self) -> int:
        return self.number(self._file.length_size)

    def text(self) -> str:
        """Up to the next NUL, which is taken too."""
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise Incomplete("malformed", "a name does not end")
        return self.take(end + 1 - self.at)[:-1].decode("utf-8", "backslashreplace")

    def align(self, to: int) -> None:
        self.at = min(len(self.data), -(-self.at // to) * to)


def superblock_offset(source: Source) -> int | None:
    """Where the library looks for the signature: 0, 512, 1024, 2048 and so on to the end of the file."""
    at = 0
    while at + 8 <= source.size:
        if source.read_at(at, 8) == SIGNATURE:
            return at
        at = at * 2 or 512
    return None


class Hdf5File:
    """The superblock and the means to read what it leads to. Raises Incomplete (malformed, truncated, limit)."""

    def __init__(self, source: Source, start: int) -> None:
        self.source = source
        self.start = start
        self._work = 0
        self._messages = 0
        self._heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self.offset_size = self.length_size = 8
        head = source.read_at(start, 128)
        fields = Fields(head, self, 8)
        self.version = fields.number(1)
        self.extension: int | None = None
        driver: int | None = None
        if self.version in (0, 1):
            fields.take(4)
            self._sizes(fields)
            fields.take(1 + 2 + 2 + 4 + (4 if self.version == 1 else 0))
            fields.address()
            fields.address()
            self.end = fields.address() or 0
            driver = fields.address()
            fields.number(self.offset_size)
            self.root = fields.address()
        elif self.version in (2, 3):
            self._sizes(fields)
            fields.take(1)
            fields.address()
            self.extension = fields.address()
            self.end = fields.address() or 0
            self.root = fields.address()
        else:
            raise Incomplete("unsupported", f"HDF5 superblock version {self.version}", offset=start + 8)
        if driver is not None:
            self._driver(self.read(driver, 16)[8:16])
        for message in self.messages(self.extension) if self.extension is not None else ():
            if message.kind == 0x14:
                self._driver(message.data[1:9])

    def _sizes(self, fields: Fields) -> None:
        self.offset_size, self.length_size = fields.number(1), fields.number(1)
        if self.offset_size not in (2, 4, 8) or self.length_size not in (2, 4, 8):
            raise Incomplete("malformed", "addresses have an impossible size")

    def _driver(self, name: bytes) -> None:
        """The drivers that need driver information spread one file over several."""
        raise Incomplete("unsupported", f"written by the driver {name!r}, which keeps the content in several files")

    def read(self, address: int, length: int) -> bytes:
        """Exactly `length` bytes at an address of the file. Raises Incomplete when they are not there."""
        if length > _BLOCK:
            raise Incomplete("limit", f"a block of {length:,} bytes", offset=self.start + address)
        self._work += length + 64
        if self._work > _WORK:
            raise Incomplete("limit", f"more than {_WORK >> 20} MB of structure")
        data = self.source.read_at(self.start + address, length)
        if len(data) < length:
            raise Incomplete("truncated", "a structure lies outside of the file", offset=self.start + address)
        return data

    def fields(self, data: bytes, at: int = 0) -> Fields:
        return Fields(data, self, at)

    def block(self, address: int, signature: bytes, length: int) -> Fields:
        """A block that begins with a signature; the fields begin behind it."""
        data = self.read(address, length)
        if data[:4] != signature:
            name = signature.decode()
            raise Incomplete("malformed", f"no {name} block where one should be", offset=self.start + address)
        return Fields(data, self, 4)

    # -- object headers

    def messages(self, address: int) -> list[Message]:
        """All messages of the object header at an address, in order, continuations included."""
        head = self.read(address, min(64, max(16, self.source.size - self.start - address)))
        found: list[Message] = []
        if head[:4] == b"OHDR":
            self._second_version(address, head, found)
        elif head[:1] == b"\x01":
            size = int.from_bytes(head[8:12], "little")
            self._chunks(address + 16, size, found, creation_order=None)
        else:
            raise Incomplete("malformed", "no object header where one should be", offset=self.start + address)
        return found

    def _second_version(self, address: int, head: bytes, found: list[Message]) -> None:
        fields = self.fields(head, 4)
        version, flags = fields.number(1), fields.number(1)
        if version != 2:
            raise Incomplete("unsupported", f"object header version {version}", offset=self.start + address)
        fields.take((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
        size = fields.number(1 << (flags & 3))
        self._chunks(address + fields.at, size, found, creation_order=bool(flags & 4))

    def _chunks(self, address: int, size: int, found: list[Message], *, creation_order: bool | None) -> None:
        """Messages of a chunk and those it continues in; `creation_order` is None for headers of version 1."""
        pending, seen = [(address, size, False)], {address}
        while pending:
            address, size, continued = pending.pop(0)
            if continued and creation_order is not None:
                fields = self.block(address, b"OCHK", size)
                fields.data = fields.data[:-4]
            else:
                fields = self.fields(self.read(address, size))
            for message in self._parse(fields, creation_order=creation_order):
                if message.kind != _CONTINUATION:
                    found.append(message)
                    continue
                further = self.fields(message.data)
                place, length = further.address(), further.length()
                if place is None or place in seen or len(seen) > _CHUNKS:
                    raise Incomplete("malformed", "an object header continues in itself")
                seen.add(place)
                pending.append((place, length, True))

    def _parse(self, fields: Fields, *, creation_order: bool | None) -> list[Message]:
        found = []
        first = creation_order is None
        least = 8 if first else 6 if creation_order else 4
        while fields.left >= least:
            self._messages += 1
            if self._messages > _MESSAGES:
                raise Incomplete("limit", f"more than {_MESSAGES:,} messages")
            kind, size, flags = fields.number(2 if first else 1), fields.number(2), fields.number(1)
            fields.take(least - (5 if first else 4))
            data = fields.take(size)
            if kind:
                found.append(Message(kind, data, bool(flags & _SHARED)))
        return found

    def resolved(self, message: Message) -> bytes:
        """A message's own bytes, fetched from where they are shared: another object's header.

        Raises Incomplete("unsupported") for the table of shared messages, which is only made when asked for.
        """
        if not message.shared:
            return message.data
        fields = self.fields(message.data)
        version, how = fields.number(1), fields.number(1)
        if version == 1:
            fields.take(6)
        if version == 3 and how == 1:
            raise Incomplete("unsupported", "messages in a table of shared messages")
        address = fields.address()
        for other in self.messages(address) if address is not None else ():
            if other.kind == message.kind and not other.shared:
                return other.data
        raise Incomplete("malformed", "a shared message is not there")

    # -- heaps

    def local_heap(self, address: int) -> bytes:
        """The data of a local heap (III.D)."""
        fields = self.block(address, b"HEAP", 8 + 2 * self.length_size + self.offset_size)
        fields.take(4)
        size = fields.length()
        fields.length()
        place = fields.address()
        return self.read(place, size) if place is not None else b""

    def heap_text(self, heap: bytes, offset: int) -> str:
        """A name in a local heap."""
        end = heap.find(b"\0", offset)
        if not 0 <= offset < len(heap):
            raise Incomplete("malformed", "a name lies outside of its heap")
        return heap[offset : end if end >= 0 else len(heap)].decode("utf-8", "backslashreplace")

    def global_object(self, collection: int, index: int) -> tuple[int, int]:
        """Address and size of an object in a global heap collection (III.E)."""
        if collection not in self._heaps:
            while len(self._heaps) >= _KEPT:
                self._heaps.pop(next(iter(self._heaps)))
            self._heaps[collection] = self._collection(collection)
        if index not in self._heaps[collection]:
            raise Incomplete("malformed", "a value is not in its heap", offset=self.start + collection)
        return self._heaps[collection][index]

    def _collection(self, address: int) -> dict[int, tuple[int, int]]:
        fields = self.block(address, b"GCOL", 8 + self.length_size)
        fields.take(4)
        end = address + fields.length()
        if end > self.source.size - self.start:
            raise Incomplete("truncated", "a heap is longer than the file", offset=self.start + address)
        found: dict[int, tuple[int, int]] = {}
        at, head = address + 8 + self.length_size, 8 + self.length_size
        while at + head <= end:
            item = self.fields(self.read(at, head))
            index = item.number(2)
            item.take(6)
            size = item.length()
            if index == 0 or len(found) > _HEAP_OBJECTS:
                break
            if size > end - at - head:
                raise Incomplete("malformed", "a heap object is longer than its heap", offset=self.start + at)
            found[index] = (at + head, size)
            at += head + -(-size // 8) * 8
        return found
