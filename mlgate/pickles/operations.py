"""Opcodes outside the hot loop: constants of any length, containers, memo, frames.

Each method takes the offset of its opcode and returns the offset of the next one. Raises IndexError on stack
underflow, ValueError where CPython would refuse, Incomplete where the data ends or a bound is met.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

from mlgate.errors import Incomplete
from mlgate.pickles import opcodes as op
from mlgate.pickles.calls import Calls
from mlgate.pickles.state import Blob, Oddity, State
from mlgate.pickles.values import Bag, Opaque, Value, as_tuple
from mlgate.pickles.window import Window, check_line

SHORTEST = 24  # characters of a Base64 text that can hold a pickle with an import and a call
Handler = Callable[[Any, int], int]  # the machine and an offset
_LONGS = frozenset({op.LONG1, op.LONG4})
_SIGNED = frozenset({op.BINSTRING, op.LONG4})
_BYTES = frozenset(op.COUNTED) - {op.LONG1, op.LONG4, op.BINUNICODE, op.SHORT_BINUNICODE, op.BINUNICODE8}
# How pickles that import something begin: PROTO, GLOBAL, MARK with GLOBAL or INST, or with a protocol 0 container.
_PICKLE = re.compile(rb"\x80[\x00-\x05]|c[A-Za-z_]|\([ci][A-Za-z_]|\([dl]p\d")
# The same from protocol 2 on, as Base64 (six bits a letter: 0x80, 0x02 to 0x05) and in hexadecimal digits.
_ENCODED = re.compile(rb"gA[I-X][\w+/-]{4}|800[2-5][0-9A-Fa-f]{4}", re.ASCII)
_UNHASHABLE = frozenset({"list", "dict", "set"})
_TOO_LONG = (1 << 63) - 1


class Operations(Calls):
    """The table of opcodes over the state."""

    def __init__(self, window: Window, older: State | None = None) -> None:
        super().__init__(window, older)
        self.table = _table(type(self))  # type: ignore[arg-type]  # machines have no hash, their classes do

    def unknown(self, at: int) -> int:
        code = self.window.read(at, 1)[0]
        raise ValueError(f"invalid opcode 0x{code:02x}")

    # -- constants

    def counted(self, at: int) -> int:
        code = self.window.read(at, 1)[0]
        size = op.COUNTED[code]
        length = int.from_bytes(self.window.read(at + 1, size), "little", signed=code in _SIGNED)
        start = at + 1 + size
        if length < 0 or length > _TOO_LONG:
            raise ValueError(f"opcode 0x{code:02x} has an impossible length")
        if code == op.BINUNICODE8:
            self.window.check_utf8(start, length)
        if start + length > self.window.end:
            raise Incomplete("truncated", f"a constant of {length:,} bytes goes beyond the end", offset=at)
        if code in _BYTES and length > 3 and _PICKLE.match(self.window.read(start, 4)):
            self.events.append(Blob(offset=start, length=length))
        elif length >= SHORTEST and code not in _LONGS:
            self.encoded(start, length)
        self.stack.append(at)
        return start + length

    def encoded(self, start: int, length: int) -> None:
        """Tells a constant that would be a pickle if something decoded it."""
        match = _ENCODED.match(self.window.read(start, 8))
        if match:
            kind = "base64" if match[0][:1] == b"g" else "hex"
            self.events.append(Blob(offset=start, length=length, encoding=kind))

    def text_line(self, at: int) -> int:
        line, following = self.window.line(at + 1)
        check_line(self.window.read(at, 1)[0], line)
        if len(line) >= SHORTEST and self.window.read(at, 1)[0] == op.UNICODE:
            self.encoded(at + 1, min(following - 1, self.window.end) - at - 1)
        self.stack.append(at)
        return following

    # -- stack and memo

    def op_pop(self, at: int) -> int:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()
        return at + 1

    def op_pop_mark(self, at: int) -> int:
        self.pop_mark()
        return at + 1

    def op_dup(self, at: int) -> int:
        self.stack.append(self.stack[-1])
        return at + 1

    def op_get(self, at: int) -> int:
        line, following = self.window.line(at + 1)
        self.stack.append(self.get(int(line)))
        return following

    def op_put(self, at: int) -> int:
        line, following = self.window.line(at + 1)
        index = int(line)
        if index < 0:
            raise ValueError("negative PUT argument")
        self.put(index, self.stack[-1])
        return following

    def op_memoize(self, at: int) -> int:
        self.put(len(self.memo) + len(self.sparse), self.stack[-1])
        return at + 1

    # -- containers

    def op_empty_tuple(self, at: int) -> int:
        self.stack.append(())
        return at + 1

    def op_tuple1(self, at: int) -> int:
        return self.tuple_of([self.stack.pop()], at)

    def op_tuple3(self, at: int) -> int:
        third, second, first = self.stack.pop(), self.stack.pop(), self.stack.pop()
        return self.tuple_of([first, second, third], at)

    def op_tuple(self, at: int) -> int:
        return self.tuple_of(self.pop_mark(), at)

    def tuple_of(self, items: list[Value], at: int = 0) -> int:
        """Pushes the tuple of these items."""
        self.stack.append(as_tuple(items))
        return at + 1

    def op_list(self, at: int) -> int:
        items = self.pop_mark()
        self.stack.append(Bag("list", items))
        return at + 1

    def op_dict(self, at: int) -> int:
        items = self.pop_mark()
        self.check_keys(items)
        made = Bag("dict", items)
        self.plant(made, items)
        self.stack.append(made)
        return at + 1

    def op_empty_set(self, at: int) -> int:
        self.stack.append(Bag("set"))
        return at + 1

    def op_frozenset(self, at: int) -> int:
        items = self.pop_mark()
        self._check_hashable(items)
        self.stack.append(Bag("frozenset", items))
        return at + 1

    def op_append(self, at: int) -> int:
        item = self.stack.pop()
        self.extend(self.stack[-1], (item,))
        return at + 1

    def op_setitem(self, at: int) -> int:
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items(self.stack[-1], (key, value))
        return at + 1

    def op_additems(self, at: int) -> int:
        items = self.pop_mark()
        target = self.stack[-1]
        if isinstance(target, Bag) and target.kind == "set":
            self._check_hashable(items)
            target.add(items)
        else:
            self.mutate("additems", target, items, ())
        return at + 1

    def extend(self, target: Value, items: Sequence[Value]) -> None:
        """APPEND and APPENDS: a list grows; of anything else the method `extend` or `append` is called."""
        if target.__class__ is Bag and target.kind == "list":
            target.add(items)
        else:
            self.mutate("appends", target, items, ("bytearray",))

    def set_items(self, target: Value, items: Sequence[Value]) -> None:
        """SETITEM and SETITEMS: a dict grows; of anything else `__setitem__` is called.

        The Python unpickler sets the pairs before it fails on an odd last item.
        """
        if target.__class__ is Bag and target.kind == "dict":
            for item in items:
                if item.__class__ is not int:
                    self._check_hashable(items[::2])
                    self.plant(target, items)
                    break
            target.add(items)
        else:
            self.mutate("setitems", target, items[: len(items) // 2 * 2], ("bytearray", "list"))
        if len(items) % 2:
            raise ValueError("an odd number of items for SETITEMS")

    def check_keys(self, items: Sequence[Value]) -> None:
        """Raises ValueError when keys and values do not pair or a key cannot be one."""
        if len(items) % 2:
            raise ValueError("a dict needs pairs of key and value")
        self._check_hashable(items[::2])

    def _check_hashable(self, items: Sequence[Value]) -> None:
        for item in items:
            if item.__class__ is not int and isinstance(item, Bag) and item.kind in _UNHASHABLE:
                raise ValueError("an unhashable key or member")

    # -- protocol, frames, buffers

    def op_proto(self, at: int) -> int:
        proto = self.window.read(at + 1, 1)[0]
        if proto > op.HIGHEST_PROTOCOL:
            raise ValueError(f"unsupported pickle protocol: {proto}")
        self.proto = proto
        return at + 2

    def op_frame(self, at: int) -> int:
        length = int.from_bytes(self.window.read(at + 1, 8), "little")
        if length > _TOO_LONG:
            raise ValueError(f"frame size > sys.maxsize: {length}")
        if self.frame_end:
            self.events.append(Oddity(kind="frame", detail="a frame begins inside another", offset=at))
        if at + 9 + length > self.window.end:
            self.events.append(Oddity(kind="frame", detail="a frame goes beyond the end of the data", offset=at))
        self.frame_end = at + 9 + length
        return at + 9

    def op_next_buffer(self, at: int) -> int:
        self.stack.append(Opaque("buffer", offset=at))
        return at + 1

    def op_readonly_buffer(self, at: int) -> int:
        if self.name_of(self.stack[-1]) in {"NoneType", "int", "float", "bool", "tuple", "list", "dict"}:
            raise ValueError("READONLY_BUFFER on something that is no buffer")
        return at + 1


_NAMED = tuple(name.removeprefix("op_") for name in dir(Operations) if name.startswith("op_"))


@functools.cache
def _table(kind: type[Operations]) -> tuple[Handler, ...]:
    """The handler of each opcode, made once for a kind of machine: a file can hold thousands of small pickles."""
    handlers: dict[int, Handler] = {}
    handlers.update(dict.fromkeys(op.COUNTED, kind.counted))
    handlers.update(dict.fromkeys(op.LINES, kind.text_line))
    handlers.update({getattr(op, name.upper()): getattr(kind, f"op_{name}") for name in _NAMED})
    return tuple(handlers.get(code, kind.unknown) for code in range(256))
