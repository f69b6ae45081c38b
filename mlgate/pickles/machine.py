"""An exact symbolic machine for pickle streams: it runs the program and imports, calls and builds nothing.

Semantics are those of CPython's Lib/pickle.py and Modules/_pickle.c. Where the two differ, or where bytes could
be read in two ways, the machine goes on as long as either would, so that what it reports is never less than what
a loader does. Constants are never copied out of the stream; the stack holds their offsets (see values).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.pickles import opcodes as op
from mlgate.pickles.operations import SHORTEST, Operations
from mlgate.pickles.state import Event, State
from mlgate.pickles.values import ELIDED, Bag, Settled, Value
from mlgate.pickles.window import Window
from mlgate.records import Source

MEMO = 128 << 20  # bytes
STACK = 2_000_000
# MARK was read, a list is below it: constants of fixed size up to APPENDS change nothing but that list.
_NUMBERS = re.compile(rb"(?s:[N\x88\x89]|K.|M..|J.{4}|G.{8})++e")
MARKS = 100_000
_BEGINNING = b"\x80(cg8"  # first bytes of what operations._PICKLE and _ENCODED take for a pickle
_ENCODED = b"g8"  # first letters of a pickle in Base64 or hexadecimal digits (operations._ENCODED)
_UINT4 = struct.Struct("<I").unpack_from


class Machine(Operations):
    """One stream. `run` yields what it does, in order; afterwards `end` is the offset after STOP.

    Imports are told once for each distinct pair of module and name, calls each time.
    """

    def __init__(self, source: Source, start: int = 0, older: State | None = None) -> None:
        super().__init__(Window(source), older)
        self.start = start
        self.end = start
        self.result: Value | None = None

    def run(self) -> Iterator[Event]:
        """Raises Incomplete (truncated, malformed, limit) with the offset where it had to stop.

        All that happened before is yielded before: a loader has run it by then.
        """
        events = self.events
        offset = self.start
        while True:
            if offset >= self.window.end:
                yield from self._drain()
                raise Incomplete("truncated", "the stream ends without STOP", offset=min(offset, self.window.end))
            try:
                offset = self._chunk(offset)
            except IndexError:
                yield from self._drain()
                raise Incomplete("malformed", "the stack has too little on it", offset=self.at) from None
            except Incomplete:
                yield from self._drain()
                raise
            except ValueError as error:
                yield from self._drain()
                raise Incomplete("malformed", str(error)[:200], offset=self.at) from error
            if events:
                yield from self._drain()
            if offset < 0:
                return

    def _drain(self) -> Iterator[Event]:
        events = tuple(self.events)
        self.events.clear()
        yield from events

    def _check_bounds(self, offset: int) -> None:
        """Once for each new window, because summing up the stacks for each small frame would be a bomb itself."""
        depth = len(self.stack) + sum(map(len, self.meta))
        if len(self.memo) * self.memo.itemsize > MEMO or len(self.meta) > MARKS or depth > STACK:
            raise Incomplete("limit", "memo or stack outgrow their bounds", offset=offset)

    def _chunk(self, offset: int) -> int:  # noqa: C901  (the hot loop: a call per opcode would halve its speed)
        """Runs from `offset` to the end of one chunk or frame; the next offset, or -1 after STOP."""
        window = self.window
        before = window.base, window.size
        last = window.move(offset)
        if (window.base, window.size) != before:
            self._check_bounds(offset)
        buf, base, size = window.buf, window.base, window.size
        limit = size if last else size - 9
        if self.frame_end:
            limit = min(limit, self.frame_end - base)
        pos = offset - base
        fixed, table, meta = op.FIXED, self.table, self.meta
        memo, sparse, get, put, keep = self.memo, self.sparse, self.get, self.put, self.keep
        stack: list[Any] = self.stack  # Any: a cast for each opcode would cost more than the opcode
        numbers, settled, instances, number_at = _NUMBERS.match, self.settled, self.instances, _UINT4
        append, pop, remember = stack.append, stack.pop, memo.append
        while pos < limit:
            code = buf[pos]
            width = fixed[code]
            if width:
                append(base + pos)
                pos += width
            elif code >= 0x80:
                if code == 0x94 and not sparse:  # MEMOIZE
                    top = stack[-1]
                    remember(top if top.__class__ is int else keep(top))
                    pos += 1
                elif code == 0x8C:  # SHORT_BINUNICODE
                    end = pos + 2 + buf[pos + 1]
                    if end > size or not buf[pos + 2 : end].isascii():
                        self.at = base + pos
                        window.check_utf8(base + pos + 2, end - pos - 2)
                    elif buf[pos + 2] in _ENCODED and end - pos > SHORTEST:
                        self.encoded(base + pos + 2, end - pos - 2)
                    append(base + pos)
                    if end < limit and buf[end] == 0x94 and not sparse:  # the MEMOIZE that mostly follows
                        remember(base + pos)
                        end += 1
                    pos = end
                elif code == 0x86:  # TUPLE2
                    second = pop()
                    first = pop()
                    plain = first.__class__ is int and second.__class__ is int
                    append((first, second) if plain else Bag("tuple", (first, second)))
                    pos += 1
                elif code == 0x81 and stack and stack[-1].__class__ is tuple and stack[-2] in instances:  # NEWOBJ
                    pop()
                    result = instances[stack[-1]]
                    result.calls += 1
                    stack[-1] = result
                    pos += 1
                else:
                    self.at = base + pos
                    pos = table[code](self, base + pos) - base
                    stack = self.stack
                    append, pop = stack.append, stack.pop
                    if self.frame_end:
                        limit = min(limit, self.frame_end - base)
            elif code == 0x68:  # BINGET
                index = buf[pos + 1]
                number = memo[index] if index < len(memo) else -1
                if number >= 0:
                    append(number)
                else:
                    self.at = base + pos
                    append(get(index))
                pos += 2
            elif code == 0x71:  # BINPUT
                top = stack[-1]
                if buf[pos + 1] == len(memo) and not sparse:
                    remember(top if top.__class__ is int else keep(top))
                else:
                    put(buf[pos + 1], top)
                pos += 2
            elif code == 0x28:  # MARK
                if stack and stack[-1].__class__ is Bag and stack[-1].kind == "list":
                    match = numbers(buf, pos + 1, limit)
                    if match:
                        stack[-1].add((base + pos + 1, ELIDED))
                        pos = match.end()
                        continue
                meta.append(stack)
                self.stack = stack = []
                append, pop = stack.append, stack.pop
                pos += 1
            elif code == 0x75 or code == 0x65:  # noqa: PLR1714  (SETITEMS, APPENDS; `in` is slower)
                self.at = base + pos
                items = stack
                self.stack = stack = meta.pop()
                append, pop = stack.append, stack.pop
                if code == 0x75:
                    self.set_items(stack[-1], items)
                else:
                    self.extend(stack[-1], items)
                pos += 1
            elif code == 0x5D:  # EMPTY_LIST
                append(Bag("list"))
                pos += 1
            elif code == 0x7D:  # EMPTY_DICT
                append(Bag("dict"))
                pos += 1
            elif code == 0x58:  # BINUNICODE
                end = pos + 5 + number_at(buf, pos + 1)[0]
                if end > size or not buf[pos + 5 : end].isascii():
                    self.at = base + pos
                    window.check_utf8(base + pos + 5, end - pos - 5)
                elif buf[pos + 5] in _ENCODED and end - pos > SHORTEST:
                    self.encoded(base + pos + 5, end - pos - 5)
                append(base + pos)
                pos = end
            elif code == 0x43 or code == 0x55:  # noqa: PLR1714  (SHORT_BINBYTES, SHORT_BINSTRING)
                end = pos + 2 + buf[pos + 1]
                if (
                    end > size or buf[pos + 2] in _BEGINNING or buf[pos + 2] in _ENCODED
                ):  # too long for this window, or perhaps another pickle
                    self.at = base + pos
                    pos = table[code](self, base + pos) - base
                else:
                    append(base + pos)
                    pos = end
            elif code == 0x72:  # LONG_BINPUT
                top = stack[-1]
                (index,) = number_at(buf, pos + 1)
                if index == len(memo) and not sparse:
                    remember(top if top.__class__ is int else keep(top))
                else:
                    put(index, top)
                pos += 5
            elif code == 0x6A:  # LONG_BINGET
                (index,) = number_at(buf, pos + 1)
                number = memo[index] if index < len(memo) else -1
                if number >= 0:
                    append(number)
                else:
                    self.at = base + pos
                    append(get(index))
                pos += 5
            elif code == 0x62 and len(stack) > 1 and stack[-2].__class__ is Settled and not self.planted:  # BUILD
                pop()
                pos += 1
            elif code == 0x52 and stack and stack[-1].__class__ is tuple and stack[-2] in settled:  # REDUCE
                pop()
                result = settled[stack[-1]]
                result.calls += 1
                stack[-1] = result
                pos += 1
            elif code == 0x74:  # TUPLE
                items = stack
                self.stack = stack = meta.pop()
                append, pop = stack.append, stack.pop
                self.tuple_of(items)
                pos += 1
            elif code == 0x2E:  # STOP
                self.at = base + pos
                self.result = pop()
                self.end = base + pos + 1
                return -1
            else:
                self.at = base + pos
                pos = table[code](self, base + pos) - base
                stack = self.stack
                append, pop = stack.append, stack.pop
        return self.boundary(base + pos)
