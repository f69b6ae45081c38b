"""TFLite models from FlatBuffers pieces: sound ones, ones with custom operators, and ones that lie."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from tests.builders.flatbuffers import Vector, flatbuffer
from tests.builders.onnx import block

CUSTOM = 32
Table = dict[int, Any]


def tensor(name: str, shape: Sequence[int], buffer: int = 0, kind: int = 0) -> Table:
    """A tensor; kind 0 is float32."""
    return {0: Vector("i", tuple(shape)), 1: ("b", kind), 2: ("I", buffer), 3: name}


def code(number: int, custom: str = "") -> Table:
    """An operator code, in both the old and the new field."""
    out: Table = {0: ("b", min(number, 127)), 2: ("i", 1), 3: ("i", number)}
    return out | ({1: custom} if custom else {})


def operator(index: int, inputs: Sequence[int], outputs: Sequence[int], options: bytes = b"") -> Table:
    """An operator of a graph."""
    out: Table = {0: ("I", index), 1: Vector("i", tuple(inputs)), 2: Vector("i", tuple(outputs))}
    return out | ({5: options} if options else {})


def parts(**changed: Any) -> dict[str, Any]:
    """A sound model's parts: one fully connected layer with weights of 2 by 3."""
    return {
        "version": 3,
        "codes": [code(9)],
        "tensors": [tensor("x", [1, 3]), tensor("w", [2, 3], 1), tensor("y", [1, 2])],
        "operators": [operator(0, [0, 1, -1], [2])],
        "inputs": (0,),
        "outputs": (2,),
        "buffers": [{}, {0: bytes(24)}],
        "metadata": {},
        "more": {},
    } | changed


def model(**changed: Any) -> bytes:
    """The file; see `parts` for what can be changed."""
    p = parts(**changed)
    buffers = list(p["buffers"])
    entries = []
    metadata: Mapping[str, bytes] = p["metadata"]
    for name, data in metadata.items():
        entries.append({0: name, 1: ("I", len(buffers))})
        buffers.append({0: data})
    graph: Table = {
        0: p["tensors"],
        1: Vector("i", p["inputs"]),
        2: Vector("i", p["outputs"]),
        3: p["operators"],
        4: "main",
    }
    root: Table = {0: ("I", p["version"]), 1: p["codes"], 2: [graph], 3: "tiny", 4: buffers, 6: entries}
    return flatbuffer(root | p["more"], b"TFL3")


def described(*files: str, **texts: str) -> bytes:
    """A TFLITE_METADATA buffer with associated files of the whole model, and texts by field name."""
    numbers = {"name": 0, "description": 1, "version": 2, "author": 4, "license": 5}
    root: Table = {numbers[key]: text for key, text in texts.items()}
    tensors = [{0: "input", 6: [{0: files[-1]}]}] if files else []
    root[3] = [{0: "graph", 2: tensors, 4: [{0: name} for name in files]}]
    root[6] = [{0: name} for name in files]
    return flatbuffer(root, b"M001")


def with_files(data: bytes, files: Mapping[str, bytes]) -> bytes:
    """The model with its associated files appended as a ZIP archive, as the metadata writer does."""
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def flex_options(op: str) -> bytes:
    """The FlexBuffers vector of an operator's name and its NodeDef."""
    raw = op.encode()
    node = block(1, "node") + block(2, raw)
    return bytes([len(raw)]) + raw + b"\0" + bytes([len(node)]) + node + b"\0" + b"\x02\x20\x18\x14\x14\x04\x28\x01"


def flex(name: str, op: str | None = None) -> bytes:
    """A model with an operator that runs in TensorFlow; `op` is what its options say, when that is another."""
    options = flex_options(name if op is None else op)
    return model(codes=[code(CUSTOM, f"Flex{name}")], operators=[operator(0, [0], [2], options)])


def bundle(members: Mapping[str, bytes]) -> bytes:
    """A MediaPipe .task file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def litertlm(*sections: bytes, major: int = 1, shift: int = 0) -> bytes:
    """A LiteRT-LM file; `shift` moves what the header says of the sections' ends."""
    start, body, places = 16_384, b"", []
    for data in sections:
        places.append((start + len(body), start + len(body) + len(data) + shift))
        body += data + bytes(-len(data) % 16_384)
    items = [{1: ("Q", begin), 2: ("Q", end), 3: ("b", 3)} for begin, end in places]
    header = flatbuffer({0: {}, 1: {0: items}})
    head = b"LITERTLM" + struct.pack("<IIIIQ", major, 0, 0, 0, 32 + len(header)) + header
    return head + bytes(start - len(head)) + body
