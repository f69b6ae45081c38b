"""GGUF files of all versions and both byte orders, sound and not."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

Value = int | float | str | bool | list[str] | list[int]


@dataclass
class Gguf:
    """What to write; `keys` in order, also twice; tensors as (name, shape, type, offset)."""

    keys: list[tuple[str, Value]] = field(default_factory=lambda: [("general.architecture", "llama")])
    tensors: list[tuple[str, list[int], int, int]] = field(default_factory=list)
    data: bytes = b""
    version: int = 3
    order: str = "<"
    key_count: int | None = None
    tensor_count: int | None = None

    def build(self) -> bytes:
        wide = "I" if self.version == 1 else "Q"
        tensors = len(self.tensors) if self.tensor_count is None else self.tensor_count
        keys = len(self.keys) if self.key_count is None else self.key_count
        out = b"GGUF" + self._pack("I" + wide + wide, self.version, tensors, keys)
        for key, value in self.keys:
            out += self._text(key) + self._value(value)
        for name, shape, kind, offset in self.tensors:
            out += self._text(name) + self._pack("I" + wide * len(shape), len(shape), *shape)
            out += self._pack("IQ", kind, offset)
        return out + bytes(-len(out) % 32) + self.data

    def _pack(self, codes: str, *values: float) -> bytes:
        return struct.pack(self.order + codes, *values)

    def _text(self, text: str) -> bytes:
        raw = text.encode("utf-8", "surrogateescape")
        return self._pack("I" if self.version == 1 else "Q", len(raw)) + raw

    def _value(self, value: Value) -> bytes:
        if isinstance(value, bool):
            return self._pack("IB", 7, value)
        if isinstance(value, int):
            return self._pack("II", 4, value)
        if isinstance(value, float):
            return self._pack("If", 6, value)
        if isinstance(value, str):
            return self._pack("I", 8) + self._text(value)
        kind, wide = (8 if value and isinstance(value[0], str) else 4), "I" if self.version == 1 else "Q"
        out = self._pack("II" + wide, 9, kind, len(value))
        return out + b"".join(self._text(v) if isinstance(v, str) else self._pack("I", v) for v in value)


def chat(template: str, key: str = "tokenizer.chat_template") -> bytes:
    """A file with a chat template."""
    return Gguf(keys=[("general.architecture", "llama"), (key, template)]).build()
