"""Bytes to format labels, before any name is believed, and the names that promise a model."""

from __future__ import annotations

import re

from mlgate.records import Category, Rule, Severity, Source

HEAD = 4096
_END_RECORDS = 100  # signatures of zip end records that are tried, the last first

MISMATCH = Rule(
    id="MLG-MDL-001",
    title="Content is another format than the name says",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The file's name promises one format and its bytes are another. Loaders that go by content will run what "
    "people and scanners that go by name took for harmless data.",
    remediation="Rename the file to what it is, and find out who named it.",
    cwe=("CWE-434", "CWE-646"),
    atlas=("AML.T0010", "AML.T0011.000"),
)

RULES = (MISMATCH,)

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (257, b"ustar", "tar"),
    (0, b"\x93NUMPY", "npy"),
    (0, b"GGUF", "gguf"),
    *((0, magic, "ggml") for magic in (b"lmgg", b"fmgg", b"tjgg", b"algg")),  # before GGUF: ggml, ggmf, ggjt, ggla
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (4, b"TFL3", "tflite"),
    (4, b"ET12", "executorch"),
    (4, b"ORTM", "onnxruntime"),
    (0, b"\x12\x01" + bytes(14), "mxnet"),  # NDArray lists, and eight bytes that are always zero
    (0, b"PAR1", "parquet"),
    (0, b"ARROW1", "arrow"),
    (0, b"\x7fELF", "elf"),
    (0, b"MZ", "pe"),
)

# Contents that are models (or wrap them) wherever they stand, so somebody has to understand them.
MODEL_CONTENT = frozenset(
    {"hdf5", "tflite", "executorch", "onnxruntime", "mxnet", "gguf", "ggml", "npy", "safetensors", "pickle"}
)

# Name endings by which ML frameworks save what they later load; each names the format people expect.
MODEL_SUFFIXES = {
    **dict.fromkeys((".pkl", ".pickle", ".p", ".pck", ".pcl", ".dill", ".joblib", ".jbl"), "pickles"),
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".pt2", ".ptl", ".torchscript", ".mar", ".t7", ".ot"), "torch"),
    **dict.fromkeys((".h5", ".hdf5", ".keras"), "keras"),
    **dict.fromkeys((".tflite", ".litertlm", ".task"), "tflite"),
    **dict.fromkeys((".npy", ".npz"), "numpy"),
    **dict.fromkeys((".ggml", ".gguf"), "gguf"),
    ".llamafile": "llamafile",
    **dict.fromkeys((".pdparams", ".pdmodel", ".pdopt", ".pdiparams"), "paddle"),
    **dict.fromkeys((".rds", ".rda", ".rdata"), "r"),
    **dict.fromkeys((".cbm", ".ubj", ".xgb", ".lgb"), "boosting"),
    **dict.fromkeys((".engine", ".trt", ".plan"), "tensorrt"),
    ".safetensors": "safetensors",
    ".onnx": "onnx",
    ".ort": "onnxruntime",
    ".pb": "tensorflow",
    ".mlmodel": "coreml",
    ".nemo": "nemo",
    ".pmml": "pmml",
    ".pte": "executorch",
    ".caffemodel": "caffe",
    ".params": "mxnet",
    ".msgpack": "flax",
    ".skops": "skops",
    ".rknn": "rknn",
}

# `.bin` is anybody's; under these names the Hugging Face and PyTorch tools put weights.
_WEIGHTS_BIN = re.compile(
    r"(pytorch_model|adapter_model|diffusion_pytorch_model|model|training_args|optimizer|scheduler|consolidated"
    r"|tf_model|flax_model|weights|checkpoint|rng_state)([-_.]?[\d\w-]*)?\.bin",
    re.IGNORECASE,
)
# TensorFlow's files, its checkpoints and TensorFlow.js's shards have endings of their own.
_ENDINGS = (
    (re.compile(r".+\.ckpt(-\d+)?\.meta|saved_model\.(pbtxt|cpb)", re.IGNORECASE), "tensorflow"),
    (re.compile(r".*\.data-\d{5}-of-\d{5}|.+\.ckpt(-\d+)?\.index|variables\.index", re.IGNORECASE), "tfcheckpoint"),
    (re.compile(r"group\d+-shard\d+of\d+(\.bin)?", re.IGNORECASE), "tfjs"),
)
_WRAPPERS = (
    *(
        ".gz",
        ".gzip",
        ".bz2",
        ".xz",
        ".lzma",
        ".zst",
        ".zstd",
        ".lz4",
        ".z",
        ".zlib",
        ".zz",
        ".br",
        ".lz",
        ".lzo",
        ".sz",
    ),
    *(".zip", ".7z", ".rar", ".tar", ".cpio", ".iso", ".dmg", ".squashfs", ".sqfs", ".img", ".cab", ".arj", ".lha"),
)


# Other tools write text under these names; no model of the format is text.
_TEXT_TOO = frozenset({".plan", ".params", ".task", ".engine", ".rda", ".mar", ".pth", ".ot", ".pb"})


def is_text(name: str, head: bytes) -> bool:
    """Whether the name is one that text has too, and the bytes are plain text."""
    plain = not re.search(rb"[^\t\n\f\r\x20-\x7e\x80-\xff]", head)
    return plain and bool(head) and name[name.rfind(".") :].lower() in _TEXT_TOO


def identify(source: Source, head: bytes) -> tuple[str, ...]:
    """Labels of all formats the bytes begin (or, for zip, end) with. Several at once is a polyglot."""
    found = [label for offset, magic, label in _MAGIC if head[offset : offset + len(magic)] == magic]
    if "hdf5" not in found and _hdf5_behind_user_block(source, head):
        found.append("hdf5")
    if "tar" not in found and is_tar_header(head[:512]):
        found.append("tar")
    if "zip" not in found and _ends_with_zip(source):
        found.append("zip")
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        found.append("pickle")
    if len(head) > 9 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= min(source.size, 100_000_000):
        found.append("safetensors")
    return tuple(found)


def _hdf5_behind_user_block(source: Source, head: bytes) -> bool:
    """Whether the signature stands at 512, 1024, 2048, ..., where HDF5 looks for it (file format 3.0, II.A)."""
    signature = b"\x89HDF\r\n\x1a\n"
    offset = 512
    while offset + 8 <= source.size:
        found = head[offset : offset + 8] if offset + 8 <= len(head) else source.read_at(offset, 8)
        if found == signature:
            return True
        offset *= 2
    return False


def is_tar_header(block: bytes) -> bool:
    """Whether 512 bytes are a tar header, also one from before the signature.

    The checksum counts its own eight bytes as blanks, and old programs summed signed bytes (POSIX.1-2017 pax).
    """
    if len(block) < 512:
        return False
    try:
        checksum = tar_number(block[148:156])
    except ValueError:
        return False
    if not checksum:
        return False
    rest = block[:148] + block[156:]
    plain = sum(rest) + 256
    return checksum in (plain, plain - 256 * sum(byte > 127 for byte in rest))


def tar_number(raw: bytes) -> int:
    """A field of a tar header as Python's tarfile reads it: octal up to a NUL, or GNU's base-256. Raises ValueError."""
    if raw[:1] in (b"\x80", b"\xff"):
        value = int.from_bytes(raw[1:], "big")
        return value if raw[0] == 0x80 else value - (1 << 8 * (len(raw) - 1))
    text = raw.split(b"\0", 1)[0].strip()
    return int(text, 8) if text else 0


def _ends_with_zip(source: Source) -> bool:
    """Whether zip readers would find a directory from the end, whatever stands in front (APPNOTE 4.3.16)."""
    start = max(0, source.size - 22 - 0xFFFF)
    tail = source.read_at(start, 22 + 0xFFFF)
    at = last_end_record(tail)
    for _ in range(_END_RECORDS):
        if at < 0:
            return False
        if tail[max(0, at - 20) : at][:4] == b"PK\x06\x07":
            return True
        size = int.from_bytes(tail[at + 12 : at + 16], "little")
        offset = int.from_bytes(tail[at + 16 : at + 20], "little")
        # zipfile counts the directory back from its end record, miniz (torch) forward from the start of the file
        if any(source.read_at(place, 4) == b"PK\x01\x02" for place in {start + at - size, offset}):
            return True
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return False


def last_end_record(tail: bytes) -> int:
    """Where the last zip end record that is whole begins, or -1.

    A signature in the last 21 bytes begins none: it is part of the comment or of a number in the record itself.
    """
    return tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - 18))


def promised(name: str, *, unwrap: bool = True) -> str | None:
    """The model format that a file name promises, or None. With `unwrap`, compression endings are looked through."""
    lowered = name.lower().rstrip(" .")  # Windows leaves them away
    for wrapper in _WRAPPERS if unwrap else ():
        if lowered.endswith(wrapper) and lowered != wrapper:
            lowered = lowered.removesuffix(wrapper)
            break
    if _WEIGHTS_BIN.fullmatch(lowered):
        return "torch"
    for ending, format_ in _ENDINGS:
        if ending.fullmatch(lowered):
            return format_
    dot = lowered.rfind(".")
    return MODEL_SUFFIXES.get(lowered[dot:]) if dot > 0 else None
