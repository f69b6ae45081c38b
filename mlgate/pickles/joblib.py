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
from mlgate.pickles.table import look_up
from mlgate.pickles.values import Bag, Call, Global, Value, items_of
from mlgate.pickles.window import Constant
from mlgate.records import Source

_ARRAYS = 1_000_000
# Without digits a name means sizes of its own ("f" has four bytes), and numpy writes none such but "?".
_DTYPE = re.compile(r"[<>=|]?(?:([biufcSaUVmMO])(\d+)|(\?)())")
_FLEXIBLE = frozenset("SaUV")
_DTYPES = frozenset({"numpy.dtype", "numpy.core.multiarray.dtype", "numpy._core.multiarray.dtype"})
_CONSTRUCTORS = frozenset({"copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__"})
_STRINGS = frozenset({"str", "unicode", "basestring"})
_EXACT = frozenset({"NumpyArrayWrapper", "dtype"})
_HAS_OBJECT = 1  # NPY_ITEM_HASOBJECT in the flags of dtype.__setstate__


class JoblibMachine(Machine):
    """A machine that takes array bytes out of the stream as joblib.load does. `arrays` counts them."""

    def __init__(self, source: Source, start: int = 0, older: State | None = None) -> None:
        super().__init__(source, start, older)
        self.arrays = 0

    def settle(self, call: Call) -> None:
        """Not for what array bytes are found by: `built` has to see each one of these with its arguments."""
        if isinstance(call.callee, Global) and call.callee.name.rsplit(".", 1)[-1] not in _EXACT:
            super().settle(call)

    def built(self, target: Value, state: Value, at: int) -> int:
        following = at + 1
        if not _is_wrapper(target):
            return following
        self.arrays += 1
        self._leave_frame(following)
        if self.arrays > _ARRAYS:
            raise Incomplete("limit", "too many arrays in one stream", offset=at)
        fields = self._fields(state)
        size = self._itemsize(fields["dtype"])
        if size is None:
            return self._nested(following)
        shape = [constant(self.window, item) for item in _all(fields["shape"])]
        if not all(isinstance(length, int) and length >= 0 for length in shape):
            raise ValueError("an array with an impossible shape")
        alignment = fields.get("numpy_array_alignment_bytes")
        if alignment is not None and not isinstance(alignment, int):
            raise ValueError("an array whose alignment is no number")
        if alignment is not None and self.window.constant(alignment) is not None:
            following += 1 + self.window.read(following, 1)[0]
        following += size * math.prod(length for length in shape if isinstance(length, int))
        if following > self.window.end:
            raise Incomplete("truncated", "array bytes go beyond the end of the data", offset=at)
        return following

    def _fields(self, state: Value) -> dict[Constant, Value]:
        """The wrapper's attributes. Raises ValueError when the length of the array cannot be told from them."""
        if not isinstance(state, Bag) or state.kind != "dict":
            raise ValueError("an array's description is no dict")
        pairs = _all(state)
        fields = {constant(self.window, key): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)}
        if not {"dtype", "shape"} <= fields.keys():
            raise ValueError("an array's description lacks type or shape")
        return fields

    def _leave_frame(self, offset: int) -> None:
        """Closes the frame, as joblib did before it wrote array bytes (NumpyArrayWrapper.write_array)."""
        if self.frame_end > offset:
            self.events.append(Oddity(kind="frame", detail="array bytes begin inside a frame", offset=offset))
        self.frame_end = 0

    def _itemsize(self, value: Value) -> int | None:
        """Bytes of one item of a pickled numpy.dtype; None when the items are objects. Raises Incomplete.

        The state (dtype.__setstate__) overrules the type's name: size of texts, bytes and records, and the flags of
        any type (numpy arraydescr_setstate).
        """
        first: Constant = None
        if isinstance(value, Call) and isinstance(value.callee, Global) and value.callee.path in _DTYPES:
            named = next(iter(items_of(value.args)), ())
            record = isinstance(named, Global) and named.path.endswith(".record") and value.state is not None
            first = "V0" if record else constant(self.window, named)
        match = _DTYPE.fullmatch(first) if isinstance(first, str) else None
        if match is None or not isinstance(value, Call):
            raise Incomplete("malformed", "array bytes of an unknown type", offset=self.at)
        kind, digits = (group for group in match.groups() if group is not None)
        length = int(digits or "1") if len(digits) < 10 else 1 << 40
        if value.state is None:
            return None if kind == "O" else length * 4 if kind == "U" else length
        stated = items_of(value.state)
        if len(stated) not in (8, 9):  # older states are laid out differently
            raise Incomplete("malformed", "array bytes of a type with an unknown state", offset=self.at)
        size, flags = constant(self.window, stated[5]), constant(self.window, stated[7])
        if not isinstance(size, int) or not isinstance(flags, int) or bool(flags & _HAS_OBJECT) < (kind == "O"):
            raise Incomplete("malformed", "array bytes of a type with an unknown state", offset=self.at)
        if flags & _HAS_OBJECT:
            return None
        if kind not in _FLEXIBLE:
            return length
        if size < 0:
            raise Incomplete("malformed", "array bytes of a type without a size", offset=self.at)
        return size

    def _nested(self, start: int) -> int:
        """An array of objects: joblib reads it with a plain unpickler, which knows of no arrays."""
        inner = Machine(self.window.source, start)
        self.events.extend(_bounded(inner))
        return inner.end


class PlainMachine(Machine):
    """A machine for joblib's streams as pickle.load reads them: with array bytes as opcodes."""

    def _operand(self, value: Value) -> str | None:
        """As for all streams, but what array bytes take out of the memo is mostly an instance of a data type."""
        made = value.callee if isinstance(value, Call) else None
        if isinstance(made, Global) and made.name not in _STRINGS and look_up(made.module, made.name).level == "safe":
            raise ValueError("STACK_GLOBAL requires str")
        return super()._operand(value)


def _all(value: Value) -> tuple[Value, ...]:
    """All contents of a container. Raises ValueError when some of them were not kept or it is none."""
    if isinstance(value, Bag) and value.count > len(value.items):
        raise ValueError("an array's description is too long")
    if not isinstance(value, (tuple, Bag)):
        raise ValueError("an array's description is made by a call")  # noqa: TRY004  (what the file says)
    return items_of(value)


def _bounded(machine: Machine) -> Iterator[Event]:
    for count, event in enumerate(machine.run()):
        if count > _ARRAYS:
            raise Incomplete("limit", "too many calls in an object array", offset=machine.at)
        yield event


def _is_wrapper(target: Value) -> bool:
    if not isinstance(target, Call) or not isinstance(target.callee, Global):
        return False
    made: Value = target.callee
    if target.callee.path in _CONSTRUCTORS:
        made = next(iter(items_of(target.args)), made)
    return isinstance(made, Global) and is_wrapper_name(made)


def is_wrapper_name(imported: Global) -> bool:
    """Whether an import is the class after whose BUILD joblib reads array bytes, by whatever path."""
    return f".{imported.path}".endswith(".numpy_pickle.NumpyArrayWrapper")
