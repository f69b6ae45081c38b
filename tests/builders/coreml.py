"""Core ML specifications from wire-format pieces: sound ones, and ones that reach out."""

from __future__ import annotations

from tests.builders.onnx import block, number


def feature(name: str, *, shape: tuple[int, ...] = (), kind: int = 65568) -> bytes:
    """A FeatureDescription of an array, or of an image when there is no shape."""
    array = b"".join(number(1, n) for n in shape) + number(2, kind)
    return block(1, name) + block(3, block(5, array) if shape else block(4, number(1, 8) + number(2, 8)))


def model(*parts: bytes, version: int = 4, metadata: bytes = b"") -> bytes:
    """A Model with an image as input and an array as output; `parts` are its kind."""
    description = block(1, feature("image")) + block(10, feature("out", shape=(1, 3))) + block(100, metadata)
    return number(1, version) + block(2, description) + b"".join(parts)


def metadata(*pairs: tuple[str, str], licence: str = "MIT") -> bytes:
    entries = b"".join(block(100, block(1, key) + block(2, value)) for key, value in pairs)
    return block(1, "finds birds") + block(3, "acme") + block(4, licence) + entries


def network(*layers: bytes, field: int = 500) -> bytes:
    return block(field, b"".join(block(1, layer) for layer in layers))


def layer(name: str, inside: bytes = b"") -> bytes:
    """A NeuralNetworkLayer; without more it is an activation."""
    return block(1, name) + (inside or block(130, block(10, b"")))


def custom_layer(class_name: str) -> bytes:
    return layer("c", block(500, block(10, class_name) + block(40, "does things")))


def branch(*layers: bytes) -> bytes:
    """A branch, both of whose sides are networks."""
    inside = b"".join(block(1, one) for one in layers)
    return layer("b", block(605, block(1, b"") + block(2, inside)))


def loop(*layers: bytes) -> bytes:
    inside = b"".join(block(1, one) for one in layers)
    return layer("l", block(615, number(1, 3) + block(4, inside)))


def pipeline(*models: bytes, field: int = 202) -> bytes:
    inside = b"".join(block(1, one) for one in models)
    return block(field, inside if field == 202 else block(1, inside))


def custom_model(class_name: str) -> bytes:
    return block(555, block(10, class_name))


def linked(name: str, paths: str = "") -> bytes:
    return block(556, block(1, block(1, block(1, name)) + block(2, block(1, paths))))


def blob(path: str, shape: tuple[int, ...] = (2, 3)) -> bytes:
    """A Value whose numbers are in a file."""
    dimensions = b"".join(block(3, block(1, number(1, n))) for n in shape)
    return block(2, block(1, number(1, 11) + number(2, len(shape)) + dimensions)) + block(5, block(1, path))


def nested(value: bytes) -> bytes:
    """A Value that is a dictionary with a tuple with that value."""
    pair = block(2, block(3, block(2, block(1, value))))
    return block(3, block(4, block(1, pair)))


def operation(kind: str, *, value: bytes = b"", argument: bytes = b"", body: bytes = b"") -> bytes:
    out = block(1, kind)
    if argument:
        out += block(2, block(1, "x") + block(2, block(1, block(2, argument))))
    if body:
        out += block(4, body)
    return out + (block(5, block(1, "val") + block(2, value)) if value else b"")


def program_block(*operations: bytes) -> bytes:
    return b"".join(block(3, one) for one in operations)


def program(*operations: bytes) -> bytes:
    """An mlProgram with one function."""
    function = block(2, "CoreML7") + block(3, block(1, "CoreML7") + block(2, program_block(*operations)))
    return block(502, number(1, 1) + block(2, block(1, "main") + block(2, function)))
