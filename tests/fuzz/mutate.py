"""A mutator that knows no format but the usual ways of writing lengths, text, JSON and zips."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

LARGEST = 1 << 18
_NUMBERS = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 4095, 32767, 65535, 1 << 16, 1 << 20, (1 << 31) - 1, 1 << 31)
_NUMBERS_WIDE = (*_NUMBERS, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
_DIGITS = re.compile(rb"\d+")
_TEXTS = (b"0", b"-1", b"1e999", b"99999999999999999999", b"NaN", b"\xff\xfe", b"\x00", b"{", b"[" * 64, b'"', b"\n")
_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 1 << 80, "", "\ud800", "x" * 5000, [], {}, [[]], {"": {}}, [None], ["a", 1], {"a": []}),
    *(float("inf"), "os.system", "{{ x }}", "../../etc/passwd", "http://example.test/x"),
)


class Mutator:
    """Makes new files from seeds. The same seed number makes the same files."""

    def __init__(self, seeds: Sequence[bytes], number: int) -> None:
        self._seeds = seeds
        self._random = random.Random(number)  # noqa: S311  (not for secrets)
        self._plain: tuple[Callable[[bytearray], bytearray], ...] = (
            *(self._flip, self._byte, self._length, self._length, self._length, self._delete),
            *(self._copy, self._splice, self._digits, self._digits, self._token, self._cut, self._varint),
        )

    def mutate(self, data: bytes) -> bytes:
        """A few changes of the bytes, of a member of the zip, or of a value of the JSON that they are."""
        chance = self._random.random()
        if chance < 0.5 and data[:4] == b"PK\x03\x04":
            changed = self._in_zip(data)
        elif chance < 0.5 and data[:2] == b"\x1f\x8b":
            changed = self._in_gzip(data)
        elif chance < 0.6:
            changed = self._in_json(data)
        else:
            changed = None
        return (self._few(data) if changed is None else changed)[:LARGEST]

    def _few(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self._random.choice((1, 1, 1, 2, 2, 3, 5, 12))):
            changed = self._random.choice(self._plain)(changed)
        return bytes(changed)

    def _place(self, data: bytearray) -> int:
        # headers are at the beginning and directories at the end, most of what is between is weights
        size, chance = len(data), self._random.random()
        if chance < 0.3:
            return self._random.randrange(min(size, 256) + 1)
        if chance < 0.45:
            return max(0, size - self._random.randrange(min(size, 256) + 1))
        return self._random.randrange(size + 1)

    def _flip(self, data: bytearray) -> bytearray:
        if data:
            data[min(self._place(data), len(data) - 1)] ^= 1 << self._random.randrange(8)
        return data

    def _byte(self, data: bytearray) -> bytearray:
        if data:
            data[min(self._place(data), len(data) - 1)] = self._random.randrange(256)
        return data

    def _length(self, data: bytearray) -> bytearray:
        width = self._random.choice((1, 2, 4, 4, 8, 8))
        if len(data) < width:
            return data
        at = min(self._place(data), len(data) - width)
        order = self._random.choice(("little", "little", "big"))
        if self._random.random() < 0.4:
            value = int.from_bytes(data[at : at + width], order) + self._random.randint(-4, 4)  # type: ignore[arg-type]
        else:
            value = self._random.choice((*_NUMBERS_WIDE, len(data), len(data) - at, at))
        data[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, order)  # type: ignore[arg-type]
        return data

    def _varint(self, data: bytearray) -> bytearray:
        value, out = self._random.choice(_NUMBERS_WIDE), bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        out.append(value)
        at = self._place(data)
        data[at : at + self._random.choice((0, 1, 2))] = out
        return data

    def _delete(self, data: bytearray) -> bytearray:
        at = self._place(data)
        del data[at : at + self._random.choice((1, 2, 4, 8, 64, 1000))]
        return data

    def _copy(self, data: bytearray) -> bytearray:
        at, size = self._place(data), self._random.choice((1, 4, 16, 64, 512, 4096))
        piece = data[at : at + size] * self._random.choice((1, 1, 2, 50))
        to = self._place(data)
        data[to:to] = piece
        return data[:LARGEST]

    def _splice(self, data: bytearray) -> bytearray:
        other = self._random.choice(self._seeds)
        at, size = self._random.randrange(len(other) + 1), self._random.choice((4, 16, 64, 512, 4096, LARGEST))
        to = self._place(data)
        data[to : to + self._random.choice((0, size))] = other[at : at + size]
        return data[:LARGEST]

    def _cut(self, data: bytearray) -> bytearray:
        return data[: self._place(data)]

    def _token(self, data: bytearray) -> bytearray:
        at = self._place(data)
        data[at : at + self._random.choice((0, 1, 4))] = self._random.choice(_TEXTS)
        return data

    def _digits(self, data: bytearray) -> bytearray:
        start = self._place(data)
        found = _DIGITS.search(data, start) or _DIGITS.search(data)
        if found:
            data[found.start() : found.end()] = self._random.choice(
                (b"0", b"-1", b"1", b"9" * 25, b"4294967296", b"18446744073709551615", b"1.5", b"0x1", b"9" * 5000)
            )
        return data

    def _in_zip(self, data: bytes) -> bytes | None:
        """The zip with one member changed and its checksum right again."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as old:
                members = [(info.filename, old.read(info)) for info in old.infolist()[:50] if info.file_size < LARGEST]
        except Exception:  # noqa: BLE001  (zipfile has many ways to fail on what was mutated before)
            return None
        if not members:
            return None
        chosen = self._random.randrange(len(members))
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as new:
            for number, (name, content) in enumerate(members):
                changed = self.mutate(content) if number == chosen else content
                new.writestr(zipfile.ZipInfo(name), changed)
        return out.getvalue()

    def _in_gzip(self, data: bytes) -> bytes | None:
        try:
            content = zlib.decompressobj(31).decompress(data, LARGEST)
        except zlib.error:
            return None
        packer = zlib.compressobj(wbits=31)
        return packer.compress(self.mutate(content)) + packer.flush()

    def _in_json(self, data: bytes) -> bytes | None:
        """JSON (also safetensors' header) with one value replaced by one of another kind."""
        prefixed = data[8:9] == b"{" and data[:1] != b"{"
        text = data[8 : 8 + int.from_bytes(data[:8], "little")] if prefixed else data
        if text.lstrip()[:1] not in (b"{", b"["):
            return None
        try:
            tree = json.loads(text)
        except (ValueError, RecursionError):
            return None
        self._replace(tree)
        changed = json.dumps(tree, ensure_ascii=self._random.random() < 0.9).encode("utf-8", "surrogatepass")
        if not prefixed:
            return changed
        return len(changed).to_bytes(8, "little") + changed + data[8 + len(text) :]

    def _replace(self, tree: Any) -> None:
        node = tree
        while True:
            if isinstance(node, dict) and node:
                key: Any = self._random.choice(list(node))
            elif isinstance(node, list) and node:
                key = self._random.randrange(len(node))
            else:
                return
            if isinstance(node[key], (dict, list)) and node[key] and self._random.random() < 0.75:
                node = node[key]
                continue
            old = node[key]
            node[key] = self._random.choice((*_VALUES, [old], {"a": old}))
            if isinstance(node, dict) and self._random.random() < 0.2:
                node[str(self._random.choice(_VALUES))[:50]] = old
            return
