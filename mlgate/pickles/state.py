"""The state of one unpickling: stack, marks, memo, frame, and what there is to tell."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.pickles.values import ELIDED, PREVIEW, Bag, Call, Global, Opaque, Settled, Value
from mlgate.pickles.window import Window

_NODES = 200_000  # memoised values that are kept with their contents; later ones by their kind only
_SPARSE = 100_000
_MANY = 1_000
_NAMES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Constant in the stream that begins like another pickle: bytes, or text in an `encoding` (base64, hex)."""

    offset: int
    length: int
    encoding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """Something no pickler writes: `kind` is frame, ext, buffer or name."""

    kind: str
    detail: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """An instance gets `value` as an attribute of a method's name ("" when its state is made by a call)."""

    name: str
    value: Value
    offset: int


Event = Global | Call | Opaque | Blob | Oddity | Planted


class State:
    """What CPython's Unpickler holds, in symbols.

    `memo` maps dense indices to constants (offsets, not negative) or to `nodes` (-1 is the first); `sparse` holds
    indices beyond the dense ones. `older` is the memo of the streams before, for loaders that keep one Unpickler.
    """

    def __init__(self, window: Window, older: State | None = None) -> None:
        self.window = window
        self.stack: list[Value] = []
        self.meta: list[list[Value]] = []
        # half the memory where offsets and node numbers fit into 31 bits
        self.memo = array("i" if window.end < 1 << 31 else "q")
        self.sparse: dict[int, Value] = {}
        self.nodes: list[Value] = []
        self.older = older
        self.events: list[Event] = []
        self.proto = 0
        self.frame_end = 0
        self.at = 0
        self.settled: dict[Value, Settled] = {}  # by name, for REDUCE
        self.instances: dict[Value, Settled] = {}  # the same for NEWOBJ, which runs no constructor
        self._shared: dict[str, int] = {}
        self._passed: Counter[tuple[str, Value]] = Counter()

    def settle(self, call: Call) -> None:
        """Takes note that nobody wants to hear of this call. After many, those of the same name make no events."""
        table = self.instances if call.kind == "newobj" else self.settled if call.kind == "reduce" else None
        self._passed[call.kind, call.callee] += 1
        if table is not None and self._passed[call.kind, call.callee] >= _MANY and len(table) < _NAMES:
            table.setdefault(call.callee, Settled(call))

    def close(self, kept: int) -> None:
        """Lets go of all but the memo, and of the memos of streams more than `kept` before."""
        self.window.close()
        self.stack, self.meta = [], []
        before: State | None = self
        for _ in range(kept):
            before = before.older if before is not None else None
        if before is not None:
            before.older = None

    @property
    def skipped(self) -> int:
        """Calls that made no event."""
        return sum(result.calls for table in (self.settled, self.instances) for result in table.values())

    def keep(self, value: Value) -> int:
        """The memo's number for a value that is not a constant."""
        nodes = self.nodes
        if value.__class__ is Settled:
            if not value.number:
                nodes.append(value)
                value.number = -len(nodes)
            return value.number
        if len(nodes) >= _NODES:
            return (value.__class__ is Bag and self._shared.get(value.kind)) or self._share(value)
        nodes.append(value)
        return -len(nodes)

    def _share(self, value: Value) -> int:
        """The number of a stand-in that all values of this kind share, so that a memo of millions stays small."""
        if isinstance(value, Bag):
            key = value.kind
        elif isinstance(value, tuple):
            key = "tuple"
        elif isinstance(value, Call) and isinstance(value.callee, Global):
            key = f"{value.kind} {value.callee.path}"
        else:
            key = f"{value.path} {value.opcode}" if isinstance(value, Global) else ""
        number = self._shared.get(key)
        if number is None:
            stand_in: Value = ELIDED
            if isinstance(value, Global):
                stand_in = value
            elif isinstance(value, Call) and key:
                stand_in = Call(value.kind, value.callee, (), value.offset)
            elif key:
                stand_in = Bag(key, (ELIDED,) * PREVIEW)
            self.nodes.append(stand_in)
            number = self._shared[key] = -len(self.nodes)
        return number

    def put(self, index: int, value: Value) -> None:
        """Sets a memo entry. Raises Incomplete (limit)."""
        number = value if isinstance(value, int) else self.keep(value)
        if index < len(self.memo):
            self.memo[index] = number
        elif index == len(self.memo):
            self.memo.append(number)
            self.sparse.pop(index, None)
        else:
            self.sparse[index] = value
            if len(self.sparse) > _SPARSE:
                raise Incomplete("limit", "a memo with too many gaps", offset=self.at)

    def get(self, index: int) -> Value:
        """A memo entry. Raises ValueError when there is none (CPython: UnpicklingError)."""
        if 0 <= index < len(self.memo):
            number = self.memo[index]
            return number if number >= 0 else self.nodes[-number - 1]
        if index in self.sparse:
            return self.sparse[index]
        before = self.older
        while before is not None:
            if 0 <= index < len(before.memo) or index in before.sparse:
                return before.get(index)
            before = before.older
        raise ValueError(f"memo value not found at index {index}")

    def pop_mark(self) -> list[Value]:
        """The items since the last MARK. Raises IndexError without one, as all stack underflows do."""
        items = self.stack
        self.stack = self.meta.pop()
        return items

    def boundary(self, offset: int) -> int:
        """Closes the frame when `offset` reached its end, and says so when an argument went across it.

        PEP 3154: opcodes and arguments do not straddle frames. Loaders differ on those that do: the Python
        unpickler and CPython since 3.13.15 and 3.14.7 refuse, older C ones read on, or skip to the next frame,
        depending on the kind of file (cpython issue 154848).
        """
        if self.frame_end and offset >= self.frame_end:
            if offset > self.frame_end:
                detail = f"an argument crosses the end of its frame by {offset - self.frame_end} bytes"
                self.events.append(Oddity(kind="frame", detail=detail, offset=self.at))
            self.frame_end = 0
        return offset

    def name_of(self, value: Value) -> str:
        """The Python type that a value surely has, or "" when only a run would tell."""
        if isinstance(value, tuple):
            return "tuple"
        if isinstance(value, Bag):
            return value.kind
        if isinstance(value, int):
            if value < 0:
                return ""
            return type(self.window.constant(value)).__name__
        return ""
