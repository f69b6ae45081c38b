"""Code objects that a pickle brings along: marshalled bytes, or the arguments of types.CodeType.

dill and cloudpickle store functions by value: the fields of their code object are arguments of a call, in the order of
types.CodeType (with dill's own numbers before them), nested functions as nested calls.
"""

from __future__ import annotations

from mlgate.pickles.bytecode import Code, Description, describe, describe_bytes
from mlgate.pickles.expressions import constant
from mlgate.pickles.values import Bag, Call, Global, Value, items_of
from mlgate.pickles.window import Window

_LARGEST = 8 << 20
_ITEMS = 20  # types.CodeType has 18 arguments in Python 3.11 and later
_AFTER = 11  # arguments from the bytes on: 10 in 3.8 to 3.10, 12 since


def described(window: Window, call: Call) -> Description | None:
    """What the code among a call's arguments reaches, or None when there is none. Raises Incomplete."""
    items = items_of(call.args)[:_ITEMS]
    for index, item in enumerate(items):
        data = _bytes(window, item)
        if data is None:
            continue
        made = describe_bytes(data)
        if made is not None:
            return made
        rest = items[index + 1 : index + 4]
        if len(rest) == 3 and all(isinstance(group, tuple) or _is_tuple(group) for group in rest):
            constants, names, variables = (_texts(window, group) for group in rest)
            return describe(Code(data, names, variables, constants, _layout(window, items, index)))
    return None


def _is_tuple(value: Value) -> bool:
    return isinstance(value, Bag) and value.kind == "tuple"


def _bytes(window: Window, value: Value) -> bytes | None:
    """A bytes constant, or what protocols 0 to 2 write for one: a text that is encoded as Latin-1."""
    if isinstance(value, Call):
        encoded = isinstance(value.callee, Global) and value.callee.path == "_codecs.encode"
        first = next(iter(items_of(value.args)), None) if encoded else None
        text = None if first is None else _read(window, first)
        return None if text is None else text.decode("utf-8", "replace").encode("latin-1", "replace")
    return None if isinstance(value, int) and window.is_text(value) else _read(window, value)


def _read(window: Window, value: Value) -> bytes | None:
    extent = window.extent(value) if isinstance(value, int) else None
    return None if extent is None or extent[1] > _LARGEST else window.source.read_at(*extent)


def _texts(window: Window, value: Value) -> tuple[str, ...]:
    """The strings among the constants of a tuple."""
    found = (constant(window, item) for item in items_of(value))
    return tuple(text for text in found if isinstance(text, str))


def _layout(window: Window, items: tuple[Value, ...], index: int) -> str:
    """By the numbers before the code: 4 in Python 2.7, 5 until 3.7, 6 since; and by what follows."""
    numbers = sum(isinstance(constant(window, item), int) for item in items[:index])
    if numbers < 6:
        return "2.7" if numbers == 4 else "3.0"
    return "3.11" if len(items) - index > _AFTER else "3.8"
