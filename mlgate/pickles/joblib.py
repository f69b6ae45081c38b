"""joblib's streams: array bytes stand in the stream itself, right after the BUILD of their NumpyArrayWrapper.

Format: joblib/numpy_pickle.py, NumpyArrayWrapper.write_array and read_array, read in joblib 1.6.0
and tried on files of 0.10 and later. An object array is a whole pickle with its own STOP there. A plain unpickler goes
on with the array's bytes as opcodes; the caller runs a plain Machine as well, for the one that is loaded so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.pickles.expressions import constant
from mlgate.pickles.machine import Machine
from mlgate.pickles.state import Event, Oddity, State
from mlgate.pickles.values import Bag, Call, Global, Value, items_of
from mlgate.pickles.window import Constant
from mlgate.records import Source

_NESTING = 8
_ARRAYS = 1_000_000
_DTYPE = re.compile(r"[<>=|]?([biufcSaUVmMO?])(\d*)")
_EXACT = frozenset({"NumpyArrayWrapper", "dtype"})
_HAS_OBJECT = 1  # NPY_ITEM_HASOBJECT in the flags of dtype.__setstate__


class JoblibMachine(Machine):
    """A machine that takes array bytes out of the stream as joblib.load does. `arrays` counts them."""

    def __init__(self, source: Source, start: int = 0, older: State | None = None, nesting: int = 0) -> None:
        super().__init__(source, start, older)
        self.nesting = nesting
        self.arrays = 0

    def settle(self, call: Call) -> None:
        """Not for what array bytes are found by: `built` has to see each one of these with its arguments."""
        if isinstance(call.callee, Global) and call.callee.name not in _EXACT:
            super().settle(call)

    def built(self, target: Value, state: Value, at: int) -> int:
        following = at + 1
        if not _is_wrapper(target) or not isinstance(state, Bag):
            return following
        self.arrays += 1
        self._leave_frame(following)
        if self.arrays > _ARRAYS:
            raise Incomplete("limit", "too many arrays in one stream", offset=at)
        pairs = items_of(state)
        fields = {constant(self.window, key): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)}
        size = self._itemsize(fields.get("dtype"))
        if size is None:
            return self._nested(following)
        shape = [constant(self.window, item) for item in items_of(fields.get("shape"))]
        if not all(isinstance(length, int) and length >= 0 for length in shape):
            raise ValueError("an array with an impossible shape")
        alignment = fields.get("numpy_array_alignment_bytes")
        if alignment is not None and constant(self.window, alignment) is not None:
            following += 1 + self.window.read(following, 1)[0]
        following += size * math.prod(length for length in shape if isinstance(length, int))
        if following > self.window.end:
            raise Incomplete("truncated", "array bytes go beyond the end of the data", offset=at)
        return following

    def _leave_frame(self, offset: int) -> None:
        """Closes the frame, as joblib did before it wrote array bytes (NumpyArrayWrapper.write_array)."""
        if self.frame_end > offset:
            self.events.append(Oddity(kind="frame", detail="array bytes begin inside a frame", offset=offset))
        self.frame_end = 0

    def _itemsize(self, value: Value | None) -> int | None:
        """Bytes of one item of a pickled numpy.dtype; None when the items are objects. Raises Incomplete."""
        first: Constant = None
        if isinstance(value, Call):
            first = constant(self.window, next(iter(items_of(value.args)), ()))
        match = _DTYPE.fullmatch(first) if isinstance(first, str) else None
        if match is None or not isinstance(value, Call):
            raise Incomplete("malformed", "array bytes of an unknown type", offset=self.at)
        kind, digits = match.groups()
        length = int(digits or "1") if len(digits) < 10 else 1 << 40
        if kind == "O":
            return None
        if kind == "V":
            flags = [constant(self.window, item) for item in items_of(value.state)[7:8]]
            if flags and isinstance(flags[0], int) and flags[0] & _HAS_OBJECT:
                return None
        return length * 4 if kind == "U" else length

    def _nested(self, start: int) -> int:
        if self.nesting >= _NESTING:
            raise Incomplete("limit", "object arrays are nested too deep", offset=start)
        inner = JoblibMachine(self.window.source, start, nesting=self.nesting + 1)
        self.events.extend(_bounded(inner))
        self.arrays += inner.arrays
        return inner.end


def _bounded(machine: Machine) -> Iterator[Event]:
    for count, event in enumerate(machine.run()):
        if count > _ARRAYS:
            raise Incomplete("limit", "too many calls in an object array", offset=machine.at)
        yield event


def _is_wrapper(target: Value) -> bool:
    return (
        isinstance(target, Call)
        and isinstance(target.callee, Global)
        and target.callee.name == "NumpyArrayWrapper"
        and target.callee.module.endswith("joblib.numpy_pickle")
    )
