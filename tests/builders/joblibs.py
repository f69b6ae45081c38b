"""joblib streams whose array is longer for joblib.load than it looks: the payload begins where the array ends for it.

Each was loaded with joblib 1.6.0 and numpy 2.4.6: the payload ran.
"""

from __future__ import annotations

import struct

from tests.builders import pickles as build

PAYLOAD = b"0" + build.os_system()
WRAPPER = build.glob("joblib.numpy_pickle", "NumpyArrayWrapper")
_MADE = WRAPPER + b")\x81"
_ITEMSIZE = 20


def dtype(descr: str, *state: bytes) -> bytes:
    made = build.call(build.glob("numpy", "dtype"), build.text(descr))
    return made + (build.args(*state) + b"b" if state else b"")


def fields(kind: bytes, shape: bytes, more: bytes = b"") -> bytes:
    """The wrapper's state, as a dict that is open for more pairs."""
    pairs = (
        build.text("subclass")
        + build.glob("numpy", "ndarray")
        + build.text("dtype")
        + kind
        + build.text("shape")
        + shape
    )
    pairs += build.text("order") + build.text("C") + build.text("allow_mmap") + b"\x89"
    return b"(" + pairs + build.text("numpy_array_alignment_bytes") + b"N" + more + b"u"


def hidden(looks: int, is_: int) -> bytes:
    """An array of `looks` bytes and a bytes constant; for who takes `is_` bytes, a payload."""
    filler = is_ - looks - 5
    body = b"A" * filler + PAYLOAD
    return b"A" * looks + b"B" + struct.pack("<I", len(body)) + body


def _stream(state: bytes, looks: int, is_: int, made: bytes = _MADE) -> bytes:
    return build.proto(2) + made + b"}" + state + b"b" + hidden(looks, is_) + b"."


BYTES = dtype("u1")
_ONE = b"K\x01\x85"
_TWENTY = b"K\x14\x85"


def size_in_state(size: int = _ITEMSIZE) -> bytes:
    """dtype("V1") whose state says that an item has 20 bytes."""
    state = (b"K\x03", build.text("|"), b"N", b"N", b"N", bytes([0x4B, size]), b"K\x01", b"K\x00")
    return _stream(fields(dtype("V1", *state), _ONE), 1, size)


def objects_in_state() -> bytes:
    """dtype("u1") whose flags say that items are objects: joblib reads a pickle there, in a bytes constant here."""
    state = (b"K\x03", build.text("|"), b"N", b"N", b"N", b"J\xff\xff\xff\xff", b"J\xff\xff\xff\xff", b"K\x3f")
    return build.proto(2) + _MADE + b"}" + fields(dtype("u1", *state), _ONE) + b"b" + build.os_system()


def bare_float() -> bytes:
    """dtype("f") has four bytes."""
    return _stream(fields(dtype("f"), b"K\x02\x85"), 2, 8)


def shape_by_call() -> bytes:
    """The shape is what a call of tuple returns."""
    shape = build.call(build.glob("builtins", "tuple"), b"](K\x14e")
    return _stream(fields(BYTES, shape), 1, _ITEMSIZE)


def many_dimensions() -> bytes:
    """More dimensions than a tuple keeps; the last one counts."""
    return _stream(fields(BYTES, b"(" + b"K\x01" * 33 + b"K\x14t"), 1, _ITEMSIZE)


def shape_given_twice() -> bytes:
    """The second shape stands behind more attributes than a dict keeps."""
    filler = b"".join(build.text(name) + b"N" for name in "abc")
    return _stream(fields(BYTES, _ONE, filler + build.text("shape") + _TWENTY), 1, _ITEMSIZE)


def state_by_call() -> bytes:
    """The wrapper's state is an OrderedDict."""
    made = build.glob("collections", "OrderedDict") + b")R"
    return build.proto(2) + _MADE + made + fields(BYTES, _TWENTY) + b"b" + hidden(0, _ITEMSIZE) + b"."


def by_reconstructor() -> bytes:
    """The wrapper is made as protocols 0 and 1 make instances."""
    made = build.call(build.glob("copyreg", "_reconstructor"), WRAPPER, build.glob("builtins", "object"), b"N")
    return _stream(fields(BYTES, _TWENTY), 0, _ITEMSIZE, made)


def dotted_wrapper() -> bytes:
    """The wrapper's class is reached through joblib's package."""
    made = build.stack_global("joblib", "numpy_pickle.NumpyArrayWrapper") + b")\x81"
    body = b"}" + fields(BYTES, _TWENTY) + b"b" + hidden(0, _ITEMSIZE) + b"."
    return build.proto(4) + made + body


def wrapper_in_an_object_array() -> bytes:
    """An object array's stream is read without arrays, so that a wrapper in it hides nothing."""
    inner = build.proto(2) + b"(" + _MADE + b"}" + fields(BYTES, _TWENTY) + b"b" + build.os_system()[:-1]
    state = (b"K\x03", build.text("|"), b"N", b"N", b"N", b"J\xff\xff\xff\xff", b"J\xff\xff\xff\xff", b"K\x3f")
    first = _MADE + b"}" + fields(dtype("O8", *state), _ONE) + b"b" + build.proto(2) + b"N."
    second = _MADE + b"}" + fields(dtype("O8", *state), _ONE) + b"b" + inner + b"t."
    return build.proto(2) + b"(" + first + second + b"t."


def object_array(inner: bytes) -> bytes:
    """An array of objects, whose dtype is in the memo as number 0 and again as number 1."""
    state = (b"K\x03", build.text("|"), b"N", b"N", b"N", b"J\xff\xff\xff\xff", b"J\xff\xff\xff\xff", b"K\x3f")
    kind = dtype("O8", *state) + b"\x94\x94"
    return build.proto(4) + _MADE + b"}" + fields(kind, _ONE) + b"b" + inner + b"."
