"""TensorFlow's graphs from wire-format pieces (no tensorflow package): sound ones, and ones that reach out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.builders.onnx import block, number

STRING, FLOAT = 7, 1


def shape(*sizes: int) -> bytes:
    """A TensorShapeProto."""
    return b"".join(block(2, number(1, size)) for size in sizes)


def strings(*values: str) -> bytes:
    """A TensorProto of strings, one value each."""
    return number(1, STRING) + block(2, shape(*([len(values)] if len(values) != 1 else []))) + b"".join(
        block(8, value) for value in values
    )  # fmt: skip


def packed(*values: str) -> bytes:
    """A TensorProto of strings in its packed form: the lengths, then the bytes."""
    raw = [value.encode() for value in values]
    content = bytes(len(value) for value in raw) + b"".join(raw)
    return number(1, STRING) + block(2, shape(len(values))) + block(4, content)


def floats(*sizes: int) -> bytes:
    """A TensorProto of zeros."""
    count = 1
    for size in sizes:
        count *= size
    return number(1, FLOAT) + block(2, shape(*sizes)) + block(4, bytes(4 * count))


def text(value: str | bytes) -> bytes:
    """An AttrValue that is a string."""
    return block(2, value)


def texts(*values: str) -> bytes:
    """An AttrValue that is a list of strings."""
    return block(1, b"".join(block(2, value) for value in values))


def calls(function: str) -> bytes:
    """An AttrValue that is a function."""
    return block(10, block(1, function))


def node(name: str, op: str, *inputs: str, **attributes: bytes) -> bytes:
    """A NodeDef; attributes are AttrValues."""
    out = block(1, name) + block(2, op) + b"".join(block(3, i) for i in inputs)
    return out + b"".join(block(5, block(1, key) + block(2, value)) for key, value in attributes.items())


def const(name: str, *values: str) -> bytes:
    """A Const node of strings."""
    return node(name, "Const", dtype=number(6, STRING), value=block(8, strings(*values)))


def weights(name: str, *sizes: int) -> bytes:
    """A Const node of floats."""
    return node(name, "Const", dtype=number(6, FLOAT), value=block(8, floats(*sizes)))


def function(name: str, arguments: Iterable[str], nodes: Iterable[bytes], returns: Mapping[str, str]) -> bytes:
    """A FunctionDef."""
    signature = block(1, name) + b"".join(block(2, block(1, argument)) for argument in arguments)
    out = block(1, signature) + b"".join(block(3, inner) for inner in nodes)
    return out + b"".join(block(4, block(1, key) + block(2, value)) for key, value in returns.items())


def graph(*nodes: bytes, functions: Iterable[bytes] = ()) -> bytes:
    """A GraphDef."""
    library = b"".join(block(1, inner) for inner in functions)
    out = b"".join(block(1, inner) for inner in nodes)
    return out + (block(2, library) if library else b"") + block(4, number(1, 1882))


def asset(tensor: str, filename: str) -> bytes:
    """An AssetFileDef."""
    return block(1, block(1, tensor)) + block(2, filename)


def old_asset(tensor: str, filename: str) -> bytes:
    """A MetaGraphDef's collection of assets, as TensorFlow 1 wrote it."""
    wrapped = block(1, "type.googleapis.com/tensorflow.AssetFileDef") + block(2, asset(tensor, filename))
    return block(4, block(1, "saved_model_assets") + block(2, block(5, block(1, wrapped))))


def metagraph(inner: bytes, *, assets: Iterable[bytes] = (), objects: bytes = b"") -> bytes:
    """A MetaGraphDef with the tag `serve` and one signature."""
    info = block(4, "serve") + block(5, "2.18.0")
    value = block(1, "x:0") + number(2, FLOAT) + block(3, shape(-1, 3))
    entry = block(1, "image") + block(2, value)
    signature = block(1, entry) + block(2, block(1, "out") + block(2, value)) + block(3, "tensorflow/serving/predict")
    out = block(1, info) + block(2, inner) + block(5, block(1, "serving_default") + block(2, signature))
    out += b"".join(block(6, item) for item in assets)
    return out + (block(7, objects) if objects else b"")


def saved_model(inner: bytes, *, assets: Iterable[bytes] = (), objects: bytes = b"", version: int = 1) -> bytes:
    """A SavedModel of one metagraph."""
    return number(1, version) + block(2, metagraph(inner, assets=assets, objects=objects))


def constant_object(operation: str) -> bytes:
    """A SavedObject that is a constant of the main graph."""
    return block(9, block(1, operation))


def asset_object() -> bytes:
    """A SavedObject that is the first asset."""
    return block(5, number(1, 0))


def variable_object(*sizes: int) -> bytes:
    """A SavedObject that is a trainable variable."""
    return block(7, number(1, FLOAT) + block(2, shape(*sizes)) + number(3, 1) + block(6, "w"))


def keras_object(metadata: str, identifier: str = "_tf_keras_layer") -> bytes:
    """A SavedObject of Keras."""
    return block(4, block(1, identifier) + block(3, metadata))


def objects(*inner: bytes, bound: Mapping[str, tuple[int, ...]] | None = None) -> bytes:
    """A SavedObjectGraph; `bound` gives the objects that a concrete function gets as its last arguments."""
    out = b"".join(block(1, item) for item in inner)
    for name, numbers in (bound or {}).items():
        out += block(2, block(1, name) + block(2, block(2, bytes(numbers))))
    return out


def keras_metadata(*metadata: str) -> bytes:
    """A SavedMetadata file (keras_metadata.pb)."""
    return b"".join(
        block(1, number(2, n) + block(3, "root.layer") + block(4, "_tf_keras_layer") + block(5, item))
        for n, item in enumerate(metadata)
    )


def tf1_saver(filename: str = "model") -> list[bytes]:
    """The nodes that `tf.train.Saver(sharded=True)` adds to a graph."""
    return [
        const("save/filename/input", filename),
        node("save/filename", "PlaceholderWithDefault", "save/filename/input"),
        node("save/Const", "PlaceholderWithDefault", "save/filename"),
        const("save/StringJoin/inputs_1", "_temp_0a1b/part"),
        node("save/StringJoin", "StringJoin", "save/Const", "save/StringJoin/inputs_1"),
        weights("save/num_shards"),
        weights("save/shard"),
        node("save/ShardedFilename", "ShardedFilename", "save/StringJoin", "save/shard", "save/num_shards"),
        const("save/SaveV2/tensor_names", "w"),
        const("save/SaveV2/shape_and_slices", ""),
        node("save/SaveV2", "SaveV2", "save/ShardedFilename", "save/SaveV2/tensor_names"),
        node("save/pack", "Pack", "save/ShardedFilename", "^save/SaveV2"),
        node("save/MergeV2Checkpoints", "MergeV2Checkpoints", "save/pack", "save/Const"),
        node("save/RestoreV2", "RestoreV2", "save/Const", "save/SaveV2/tensor_names"),
    ]


def tf2_saver() -> tuple[list[bytes], list[bytes]]:
    """The main graph's nodes and the functions by which TensorFlow 2 saves and restores."""
    nodes = [
        node("saver_filename", "Placeholder"),
        node("read", "ReadVariableOp", "variable"),
        node("StatefulPartitionedCall_1", "StatefulPartitionedCall", "saver_filename", "read", f=calls("traced_save")),
        node("StatefulPartitionedCall_2", "StatefulPartitionedCall", "saver_filename", f=calls("traced_restore")),
    ]
    save = function(
        "traced_save",
        ["file_prefix", "savev2_w"],
        [
            node("StaticRegexFullMatch", "StaticRegexFullMatch", "file_prefix", pattern=text("^s3://.*")),
            const("Const", ".part"),
            const("Const_1", "_temp/part"),
            node("Select", "Select", "StaticRegexFullMatch:output:0", "Const:output:0", "Const_1:output:0"),
            node("StringJoin", "StringJoin", "file_prefix", "Select:output:0"),
            weights("num_shards"),
            weights("ShardedFilename/shard"),
            node("ShardedFilename", "ShardedFilename", "StringJoin:output:0", "ShardedFilename/shard:output:0"),
            node("SaveV2", "SaveV2", "ShardedFilename:filename:0", "savev2_w"),
            node("prefixes", "Pack", "ShardedFilename:filename:0", "^SaveV2"),
            node("MergeV2Checkpoints", "MergeV2Checkpoints", "prefixes:output:0", "file_prefix"),
            node("Identity", "Identity", "file_prefix", "^MergeV2Checkpoints"),
        ],
        {"identity": "Identity:output:0"},
    )
    restore = function("traced_restore", ["file_prefix"], [node("RestoreV2", "RestoreV2", "file_prefix")], {})
    return nodes, [save, restore]
