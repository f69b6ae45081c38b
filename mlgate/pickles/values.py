"""What lies on the machine's stack: symbols, never the objects themselves.

A constant (number, text, bytes, None, True, False) is the offset of the opcode that pushed it, an `int`, and is
read again from the source when somebody asks. A tuple of constants is a Python tuple of such offsets. Everything
else is a Node. `depth` counts nesting, so that nobody has to recurse over hostile depth to find it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

PREVIEW = 16  # contents that a container keeps for display
TUPLE_KEEP = 32  # items that a tuple keeps: arguments of a call
DEEP = 24  # nesting that is kept; deeper contents become ELIDED


class Node:
    """A value that is not a constant."""

    __slots__ = ("depth",)

    depth: int


Value = int | tuple[int, ...] | Node


class Global(Node):
    """What an import pushed. `module` and `name` as Python 3 looks them up; `raw_*` as the stream spells them."""

    __slots__ = ("computed", "module", "name", "offset", "opcode", "raw_module", "raw_name")

    def __init__(
        self,
        module: str,
        name: str,
        *,
        raw: tuple[str, str],
        offset: int,
        opcode: str,
        computed: bool = False,
    ) -> None:
        self.depth = 0
        self.module = module
        self.name = name
        self.raw_module, self.raw_name = raw
        self.offset = offset
        self.opcode = opcode
        self.computed = computed

    @property
    def path(self) -> str:
        """Module and name joined with a dot."""
        return f"{self.module}.{self.name}"


class Call(Node):
    """What a call returned. `kind` is reduce, newobj, newobj_ex, inst, obj, build, setitems, appends or additems.

    The last four call a method of `callee`, which is then the object that was changed, with `args` as contents.
    `state` is what BUILD gave to the object last.
    """

    __slots__ = ("args", "callee", "kind", "kwargs", "offset", "state")

    def __init__(self, kind: str, callee: Value, args: Value, offset: int, kwargs: Value | None = None) -> None:
        self.kind = kind
        self.offset = offset
        self.kwargs = None if kwargs is None else shallow(kwargs)
        self.state: Value | None = None
        depth = 1
        if isinstance(args, Node):
            args = shallow(args)
            depth = depth_of(args)
        if isinstance(callee, Node) and callee.depth > depth:
            callee = shallow(callee)
            depth = max(depth, depth_of(callee))
        self.callee = callee
        self.args = args
        self.depth = depth + 1


class Settled(Call):
    """What all further calls of one name return, once the judge has no more to say about them: without arguments."""

    __slots__ = ("calls", "number")

    def __init__(self, first: Call) -> None:
        super().__init__(first.kind, first.callee, (), first.offset)
        self.calls = 0
        self.number = 0


class Bag(Node):
    """A list, dict, set, frozenset or tuple: the first contents and how many there are (a dict counts both)."""

    __slots__ = ("count", "items", "kind")

    def __init__(self, kind: str, items: Sequence[Value] = (), keep: int = PREVIEW) -> None:
        self.kind = kind
        self.depth = 1
        self.count = 0
        self.items: Sequence[Value] = ()
        if items:
            self.add(items, keep)

    def add(self, items: Sequence[Value], keep: int = PREVIEW) -> None:
        """Takes more contents in."""
        count = len(items)
        room = keep - self.count
        self.count += count
        if room <= 0:
            return
        kept = items if count <= room else items[:room]
        deepest = self.depth
        copied = None
        for index, item in enumerate(kept):
            if item.__class__ is int:
                continue
            depth = item.depth + 1 if isinstance(item, Node) else 2
            if depth > DEEP + 1:
                copied = copied or list(kept)
                copied[index] = ELIDED
            elif depth > deepest:
                deepest = depth
        self.depth = deepest
        self.items = [*self.items, *(copied or kept)] if self.items else copied or kept


class Opaque(Node):
    """A value from outside the stream: persistent (with its id), ext (with its code), buffer, elided."""

    __slots__ = ("detail", "kind", "offset")

    def __init__(self, kind: str, detail: Value | str = "", offset: int = 0) -> None:
        self.depth = 0 if isinstance(detail, str) else 1 + depth_of(detail)
        self.kind = kind
        self.detail = detail
        self.offset = offset


ELIDED: Final = Opaque("elided")


def depth_of(value: Value) -> int:
    """Nesting of a value; constants have none."""
    if isinstance(value, Node):
        return value.depth
    return 0 if isinstance(value, int) else 1


def shallow(value: Value) -> Value:
    """The value, or ELIDED when it is nested so deep that keeping it could be a bomb."""
    return ELIDED if isinstance(value, Node) and value.depth > DEEP else value


def as_tuple(items: Sequence[Value]) -> Value:
    """The symbol for a tuple of these items."""
    if len(items) <= TUPLE_KEEP:
        for item in items:
            if item.__class__ is not int:
                break
        else:
            return tuple(cast("Sequence[int]", items))
    return Bag("tuple", items, TUPLE_KEEP)


def items_of(value: Value | None) -> tuple[Value, ...]:
    """The known contents of a tuple or list of arguments."""
    if isinstance(value, tuple):
        return value
    return tuple(value.items) if isinstance(value, Bag) else ()
