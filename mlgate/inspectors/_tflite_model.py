"""TFLite's model, read as its own verifier would (tensorflow/lite/schema/schema.fbs, core/tools/verifier.cc)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from math import prod

from mlgate.errors import Incomplete
from mlgate.inspectors import _tensorflow_ops as ops
from mlgate.inspectors._flatbuffers import Buffer, Table, Vector

_TOLD = 20
_TENSORS = 2_000_000
_OPTIONS = 1 << 18
_CUSTOM = 32
_STABLEHLO_CUSTOM_CALL = 173
_PLACEHOLDER = 127
_BUILTINS = 209
_LARGEST = 1 << 50
# TensorType: name and bits of an element.
TYPES: dict[int, tuple[str, int]] = {
    0: ("float32", 32), 1: ("float16", 16), 2: ("int32", 32), 3: ("uint8", 8), 4: ("int64", 64), 5: ("string", 0),
    6: ("bool", 8), 7: ("int16", 16), 8: ("complex64", 64), 9: ("int8", 8), 10: ("float64", 64),
    11: ("complex128", 128), 12: ("uint64", 64), 13: ("resource", 0), 14: ("variant", 0), 15: ("uint32", 32),
    16: ("uint16", 16), 17: ("int4", 4), 18: ("bfloat16", 16), 19: ("int2", 2), 20: ("uint4", 4),
    21: ("float8_e4m3fn", 8), 22: ("float8_e5m2", 8),
}  # fmt: skip
_URL = re.compile(rb"(?:file|grpc)://[\x21-\x7e]*")  # PrintV2 and the debug operators write there
_WORD = re.compile(rb"[A-Za-z_][\w>]{2,}")


@dataclass(slots=True)
class Lite:
    """What a model says of itself."""

    version: int = 0
    description: str = ""
    codes: list[tuple[int, str]] = field(default_factory=list)
    custom: Counter[str] = field(default_factory=Counter)
    builtin: Counter[int] = field(default_factory=Counter)
    inside: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    targets: Counter[str] = field(default_factory=Counter)
    subgraphs: int = 0
    tensors: int = 0
    parameters: int = 0
    types: Counter[str] = field(default_factory=Counter)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    external: list[str] = field(default_factory=list)
    metadata: list[tuple[str, int, int]] = field(default_factory=list)
    lies: list[str] = field(default_factory=list)
    buffers: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0

    def lie(self, reason: str) -> None:
        """Keeps the first few things that are not as they should be."""
        if len(self.lies) < _TOLD:
            self.lies.append(reason)


def read_model(buffer: Buffer, lite: Lite) -> None:
    """Fills `lite`. Raises Incomplete when the structure breaks; what was read until then is kept."""
    root = buffer.root()
    lite.version = root.integer(0, "I")
    lite.description = root.text(3, 1000)
    if lite.version != 3:
        raise Incomplete("unsupported", f"a TFLite model of schema version {lite.version}")
    for code in root.vector(1).tables():
        # the old field is a byte, and says 127 when the number does not fit it
        number = max(code.integer(0, "b"), code.integer(3, "i"))
        lite.codes.append((number, code.text(1, 300)))
    _buffers(root, lite, buffer.size)
    lite.external = list(_names(root.vector(8)))
    graphs = root.vector(2)
    lite.subgraphs = graphs.count
    if not graphs.count:
        raise Incomplete("malformed", "there is no graph in the model")
    for index, graph in enumerate(graphs.tables()):
        _graph(graph, lite, index)
    for entry in root.vector(6).tables():
        at = entry.integer(1, "I")
        if at < len(lite.buffers):
            lite.metadata.append((entry.text(0, 200), *lite.buffers[at]))
        else:
            lite.lie(f"the metadata {entry.text(0, 60)!r} is in a buffer that is not there")
    for signature in root.vector(7).tables():
        if len(lite.signatures) < _TOLD:
            lite.signatures.append(signature.text(2, 100))


def _names(groups: Vector) -> list[str]:
    return [group.text(0, 1000) for group in groups.tables()]


def _buffers(root: Table, lite: Lite, size: int) -> None:
    for number, item in enumerate(root.vector(4).tables()):
        offset, length = item.integer(1, "Q"), item.integer(2, "Q")
        if offset > 1:  # 0 and 1 say that the data is in the buffer itself
            if offset + length > size:
                raise Incomplete("truncated", f"buffer {number} ends at {offset + length:,} of {size:,} bytes")
            lite.buffers.append((offset, length))
        else:
            data = item.vector(0, 1)
            lite.buffers.append((data.at, data.count))
        lite.end = max(lite.end, sum(lite.buffers[-1]))


def _graph(graph: Table, lite: Lite, index: int) -> None:
    tensors = graph.vector(0)
    lite.tensors += tensors.count
    if lite.tensors > _TENSORS:
        raise Incomplete("limit", f"more than {_TENSORS:,} tensors")
    shown = []
    for number, tensor in enumerate(tensors.tables()):
        shown.append(_tensor(tensor, lite, number))
    for field_, into in ((1, lite.inputs), (2, lite.outputs)):
        for at in graph.vector(field_).numbers("i"):
            if not 0 <= at < len(shown):
                lite.lie(f"graph {index} takes or gives tensor {at} of {len(shown)}")
            elif index == 0 and len(into) < 100:
                into.append(shown[at])
    for operator in graph.vector(3).tables():
        _operator(operator, lite, len(shown))


def _tensor(tensor: Table, lite: Lite, number: int) -> str:
    shape = tensor.vector(0).numbers("i", 64)
    kind = tensor.integer(1, "b")
    name, bits = TYPES.get(kind, (f"type {kind}", 0))
    where = tensor.integer(2, "I")
    label = tensor.text(3, 100)
    if where >= len(lite.buffers) and where:
        lite.lie(f"tensor {number} {label!r} has its data in buffer {where} of {len(lite.buffers)}")
    elements = prod(shape)
    if any(size < 0 for size in shape) or elements > _LARGEST:
        lite.lie(f"tensor {number} {label!r} has an impossible shape")
        elements = 0
    size = lite.buffers[where][1] if 0 < where < len(lite.buffers) else 0
    if size and bits and not tensor.has(6):
        lite.parameters += elements
        lite.types[name] += 1
        if size != (elements * bits + 7) // 8:
            lite.lie(f"tensor {number} {label!r} has {size:,} bytes of data, and not what its type and shape need")
    sizes = ", ".join(map(str, tensor.vector(7).numbers("i", 64) or shape)).replace("-1", "?")
    return f"{label}: {name}[{sizes}]"


def _operator(operator: Table, lite: Lite, tensors: int) -> None:
    at = operator.integer(0, "I")
    if at >= len(lite.codes):
        lite.lie(f"an operator has code {at} of {len(lite.codes)}")
        return
    for field_ in (1, 2, 8):
        if any(not -1 <= index < tensors for index in operator.vector(field_).numbers("i")):
            lite.lie("an operator takes or gives a tensor that is not there")
    code, name = lite.codes[at]
    if code == _CUSTOM:
        lite.custom[name] += 1
        offset, length = operator.integer(9, "Q"), operator.integer(10, "Q")
        options = operator.vector(5, 1).data(_OPTIONS)
        if offset > 1:
            options += operator.buffer.take(offset, min(length, _OPTIONS))
        if name.startswith("Flex"):
            _flex(name, options, lite)
    else:
        lite.builtin[code] += 1
        if code == _STABLEHLO_CUSTOM_CALL:
            called = operator.table(12)
            lite.targets[called.text(0, 200) if called else ""] += 1


def _flex(name: str, options: bytes, lite: Lite) -> None:
    """The operators that a Flex operator's options name: the delegate runs what they say, not what the code says.

    The options are a FlexBuffers vector of the operator's name and its NodeDef; both put a length before a text.
    """
    url = _URL.search(options)
    if url is not None:
        lite.told.setdefault(url[0].decode("ascii", "replace")[:200], name)
    for match in _WORD.finditer(options):
        word = match[0].decode("ascii")
        for start in range(len(word)):
            op = word[start:]
            if (op in ops.JUDGED or op in ops.SINKS) and _length_before(options, match.start() + start, len(op)):
                lite.inside.setdefault(op, name)
            if start > 2:  # the length of a text may itself look like a letter, so the text begins a little later
                break


def _length_before(data: bytes, at: int, length: int) -> bool:
    return any(data[max(0, at - width) : at] == length.to_bytes(width, "little") for width in (1, 2, 4, 8))
