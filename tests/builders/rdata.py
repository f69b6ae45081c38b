"""R serialisations item by item (R Internals, Serialization Formats), in XDR, native and ASCII."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

TAG, ATTRIBUTES, ACTIVE = 0x400, 0x200, 1 << 27
NIL, GLOBAL, UNBOUND = 254, 253, 252
SYMBOL, PAIRS, CLOSURE, ENVIRONMENT, PROMISE, LANGUAGE, CHARS = 1, 2, 3, 4, 5, 6, 9
INTEGERS, TEXTS, VECTOR, BYTECODE = 13, 16, 19, 21

Item = tuple["int | bytes", ...]  # words and texts in their order


def integers(*values: int) -> Item:
    return (INTEGERS, len(values), *values)


def chars(text: str) -> Item:
    return (CHARS | 0x40000, len(text.encode()), text.encode())


def texts(*values: str) -> Item:
    return (TEXTS, len(values), *(part for value in values for part in chars(value)))


def symbol(name: str) -> Item:
    return (SYMBOL, *chars(name))


def vector(*items: Item) -> Item:
    return (VECTOR, len(items), *(part for item in items for part in item))


def call(function: str, *arguments: Item) -> Item:
    parts: Item = (LANGUAGE, *symbol(function))
    for argument in arguments:
        parts += (PAIRS, *argument)
    return (*parts, NIL)


def pairs(*bound: tuple[str, Item], flags: int = 0) -> Item:
    parts: Item = ()
    for name, value in bound:
        parts += (PAIRS | TAG | flags, *symbol(name), *value)
    return (*parts, NIL)


def promise(expression: Item, value: Item = (UNBOUND,), environment: Item = (GLOBAL,)) -> Item:
    return (PROMISE | TAG, *environment, *value, *expression)


def closure(body: Item, formals: Item = (NIL,)) -> Item:
    return (CLOSURE | TAG, GLOBAL, *formals, *body)


def environment(frame: Item) -> Item:
    return (ENVIRONMENT, 0, GLOBAL, *frame, NIL, NIL)


def bytecode(expression: Item) -> Item:
    """A compiled body: instructions, then the expression as the first constant."""
    return (BYTECODE, 1, *integers(12, 1), 1, 0, *expression)


@dataclass(frozen=True)
class Form:
    mark: bytes
    workspace: bytes


XDR, NATIVE, ASCII = Form(b"X\n", b"RDX3\n"), Form(b"B\n", b"RDB3\n"), Form(b"A\n", b"RDA3\n")


def _written(form: Form, items: Sequence[int | bytes]) -> bytes:
    if form is ASCII:
        return b"".join(b"%d\n" % item if isinstance(item, int) else _quoted(item) + b"\n" for item in items)
    order = ">" if form is XDR else "<"
    return b"".join(struct.pack(f"{order}i", item) if isinstance(item, int) else item for item in items)


def _quoted(text: bytes) -> bytes:
    return text.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b" ", b"\\040")


def rds(item: Item, form: Form = XDR, version: int = 3) -> bytes:
    native: Item = (5, b"UTF-8") if version == 3 else ()
    return form.mark + _written(form, (version, 0x40301, 0x30500, *native, *item))


def rda(*bound: tuple[str, Item], form: Form = XDR) -> bytes:
    return form.workspace + rds(pairs(*bound), form)


# -- attacks and what looks like them


def promise_at_the_top() -> bytes:
    """CVE-2024-27322: the object is a promise; printing it evaluates the expression."""
    return rds(promise(call("system", texts("echo pwned"))))


def promise_among_variables() -> bytes:
    return rda(("x", integers(1)), ("model", promise(call("system", texts("echo pwned")))))


def promise_in_an_environment() -> bytes:
    return rds(vector(environment(pairs(("x", promise(call("system", texts("echo pwned"))))))))


def evaluated_promise() -> bytes:
    return rds(environment(pairs(("x", promise(call("system"), value=integers(1), environment=(NIL,))))))


def lazy_argument() -> bytes:
    """What a closure's environment holds of an argument that nobody used yet."""
    return rds(environment(pairs(("x", promise(call("mean", texts("y")))))))


def active_binding() -> bytes:
    return rds(environment(pairs(("x", closure(call("system", texts("echo")))), flags=ACTIVE)))


def formula_model() -> bytes:
    """Language and a function without anything of note, as in a saved `lm`."""
    return rds(vector(call("~", symbol("y"), symbol("x")), closure(call("mean", symbol("x"))), texts("system")))
