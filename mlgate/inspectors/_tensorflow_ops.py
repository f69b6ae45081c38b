"""TensorFlow operators that do more than compute (tensorflow/core/ops; SECURITY.md: "models are programs")."""

from __future__ import annotations

FILES, CODE, NETWORK, OPAQUE = "files", "code", "network", "opaque"


def _each(names: str, kind: str, does: str) -> dict[str, tuple[str, str]]:
    found = {}
    for name in names.split():
        found[name] = (kind, does)
        if name.endswith("Dataset") or "Dataset" in name:
            found["Experimental" + name] = (kind, does)
    return found


# Operator: what it reaches, and what it does. These have no place in a model that computes.
JUDGED: dict[str, tuple[str, str]] = {
    **_each("ReadFile", FILES, "reads a file whose name the model or its input gives"),
    **_each("WriteFile", FILES, "writes a file"),
    **_each("MatchingFiles MatchingFilesDataset", FILES, "lists the files of the machine"),
    **_each(
        "WholeFileReader WholeFileReaderV2 FixedLengthRecordReader FixedLengthRecordReaderV2 TextLineReader "
        "TextLineReaderV2 TFRecordReader TFRecordReaderV2 LMDBReader RecordInput TextLineDataset TFRecordDataset "
        "TFRecordDatasetV2 FixedLengthRecordDataset FixedLengthRecordDatasetV2 CSVDataset CSVDatasetV2 LMDBDataset "
        "LoadDataset SSTableReader RecordIODataset ImmutableConst Skipgram GenerateVocabRemapping LoadAndRemapMatrix "
        "SnapshotDatasetReader SnapshotChunkDataset SnapshotNestedDatasetReader ListSnapshotChunksDataset",
        FILES,
        "reads files",
    ),
    **_each(
        "DatasetToTFRecord SaveDataset SaveDatasetV2 SnapshotDataset SnapshotDatasetV2 CreateSummaryFileWriter "
        "CreateSummaryDbWriter",
        FILES,
        "writes files",
    ),
    **_each(
        "SummaryWriter WriteSummary WriteScalarSummary WriteHistogramSummary WriteImageSummary WriteAudioSummary "
        "WriteGraphSummary WriteRawProtoSummary ImportEvent",
        FILES,
        "writes to the log that the process keeps",
    ),
    **_each("FileSystemSetConfiguration", FILES, "changes how the process reaches files"),
    **_each("SqlDataset", FILES, "queries a database"),
    **_each("PyFunc PyFuncStateless EagerPyFunc", CODE, "calls a Python function of the process that runs the model"),
    **_each("XlaCustomCall XlaCustomCallV2", CODE, "calls a native function by its name"),
    **_each("DatasetFromGraph", CODE, "runs a graph that it takes from a string"),
    **_each("Rpc TryRpc RpcClient RpcCall RpcGetValue RpcCheckStatus", NETWORK, "calls a remote service"),
    **_each("RpcServer RpcServerStart RpcServerRegister GrpcServer", NETWORK, "offers its functions to the network"),
    **_each(
        "DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 RegisterDataset "
        "RegisterDatasetV2 DistributedSave",
        NETWORK,
        "sends its data pipeline to a service on the network",
    ),
    **_each(
        "BigQueryReader BigtableClient BigtableTable GcsConfigureBlockCache GcsConfigureCredentials KafkaDataset "
        "KinesisDataset PubsubDataset IgniteDataset",
        NETWORK,
        "reaches a service on the network",
    ),
    **_each("XlaCallModule", OPAQUE, "runs a compiled StableHLO program"),
    **_each("TRTEngineOp", OPAQUE, "runs a compiled TensorRT engine"),
    **_each("MlirPassthroughOp", OPAQUE, "runs a program in MLIR's text"),
    **_each("RemoteFusedGraphExecute", OPAQUE, "runs a program on another processor"),
    **_each("TPUCompileMlirAndExecute _TPUCompileMlir", OPAQUE, "compiles and runs a program in MLIR's text"),
    **_each("RemoteCall", OPAQUE, "runs a function on the machine that its input names"),
    **_each("Abort", OPAQUE, "ends the process"),
}

# Of these, the ones that reach nothing without another that is told too, or that the caller has to set up.
MILD = frozenset(
    {
        "SummaryWriter", "WriteSummary", "WriteScalarSummary", "WriteHistogramSummary", "WriteImageSummary",
        "WriteAudioSummary", "WriteGraphSummary", "WriteRawProtoSummary", "ImportEvent",
    }
)  # fmt: skip

# What tensorflow-io's operators are named after when they reach files or services; the rest of them decode.
_IO_REACH = (
    "Readable", "File", "Kafka", "Http", "Mongo", "BigQuery", "Bigtable", "Pubsub", "Prometheus", "SQL", "Elastic",
    "ArrowDataset", "ArrowFeather", "ArrowZeroCopy", "ArrowStream", "LMDB", "AvroDataset", "Video", "Kinesis", "OSS",
)  # fmt: skip

# Operators that are innocent or not by the file name they get: the inputs that hold it, and what they do with it.
SINKS: dict[str, tuple[tuple[int, ...], str]] = {
    "SaveV2": ((0,), "writes"),
    "Save": ((0,), "writes"),
    "SaveSlices": ((0,), "writes"),
    "MergeV2Checkpoints": ((0, 1), "moves and deletes"),
    "RestoreV2": ((0,), "reads"),
    "Restore": ((0,), "reads"),
    "RestoreSlice": ((0,), "reads"),
    "DTensorRestoreV2": ((0,), "reads"),
    "InitializeTableFromTextFile": ((1,), "reads"),
    "InitializeTableFromTextFileV2": ((1,), "reads"),
    "InitializeTRTResource": ((1,), "reads"),
    "SerializeTRTResource": ((1,), "writes"),
    "CacheDataset": ((1,), "writes"),
    "CacheDatasetV2": ((1,), "writes"),
}

# Operators that give on names they got, so that a trace goes through all of their inputs.
PASSING = frozenset(
    {
        "Identity", "IdentityN", "StringJoin", "ShardedFilename", "ShardedFilespec", "Pack", "PlaceholderWithDefault",
        "Select", "SelectV2", "ExpandDims", "Reshape", "Squeeze", "Fill", "ConcatV2", "Concat", "Switch", "Merge",
        "StridedSlice", "Snapshot", "StopGradient", "PreventGradient", "Enter", "Exit", "NextIteration", "Tile",
        "BroadcastTo", "GatherV2", "Gather", "Slice", "Unpack", "Split", "SplitV", "Copy", "CopyHost", "EnsureShape",
        "RefSwitch", "RefMerge", "RefIdentity", "RefEnter", "RefExit", "RefNextIteration",
    }
)  # fmt: skip
# Operators whose strings are no names of the model's choosing: what the caller gives, and what is only compared.
CALLERS = frozenset({"Placeholder", "PlaceholderV2", "_Arg", "_DeviceArg", "FakeParam"})
PLAIN = frozenset(
    {
        "StaticRegexFullMatch", "RegexFullMatch", "StringToHashBucketFast", "AsString", "Shape", "Size", "Rank",
        "Range", "Equal", "NotEqual", "Less", "Greater", "LogicalNot", "LogicalAnd", "LogicalOr", "NoOp",
    }
)  # fmt: skip
CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall", "TPUPartitionedCall", "BatchFunction", "RemoteCall"})
# Where the arguments of the branches begin.
BRANCHES = {"If": 1, "StatelessIf": 1, "Case": 1, "StatelessCase": 1, "While": 0, "StatelessWhile": 0, "_If": 1}
HOST_CALLBACKS = (b"xla_python_cpu_callback", b"xla_python_gpu_callback", b"xla_ffi_python_cpu_callback",
                  b"xla_ffi_python_gpu_callback", b"xla_ffi_partitioned_python_cpu_callback")  # fmt: skip


def judged(op: str) -> tuple[str, str] | None:
    """What an operator reaches and does, by its name; None for one that computes."""
    if op.startswith("IO>"):
        return (FILES, "reads files or reaches services") if any(word in op for word in _IO_REACH) else None
    return JUDGED.get(op)
