"""ZIP archives and torch files made by hand, honest and hostile. No torch is needed."""

from __future__ import annotations

import io
import lzma
import pickle
import struct
import sys
import zipfile
import zlib
from dataclasses import dataclass

from tests.builders import pickles as build

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A member; the `local_*` fields are what its local header says when it lies."""

    name: str
    data: bytes
    method: int = 0
    flags: int = 0
    crc: int | None = None
    local_name: str | None = None
    local_flags: int | None = None
    local_size: int | None = None
    listed: bool = True


def archive(*entries: Entry, before: bytes = b"", after: bytes = b"") -> bytes:
    """An archive of these members, written field by field (APPNOTE 4.3)."""
    out = bytearray()
    central = bytearray()
    count = 0
    for entry in entries:
        body = _packed(entry)
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        raw, local_raw = entry.name.encode(), (entry.local_name or entry.name).encode()
        offset = len(out)
        flags = entry.flags if entry.local_flags is None else entry.local_flags
        size = len(entry.data) if entry.local_size is None else entry.local_size
        fields = struct.pack("<HHHHHIIIHH", 20, flags, entry.method, 0, 33, crc, len(body), size, len(local_raw), 0)
        out += b"PK\x03\x04" + fields + local_raw + body
        if entry.listed:
            sizes = struct.pack("<III", crc, len(body), len(entry.data))
            central += b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, entry.flags, entry.method, 0, 33) + sizes
            central += struct.pack("<HHHHHII", len(raw), 0, 0, 0, 0, 0, offset) + raw
            count += 1
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(out), 0)
    return before + bytes(out) + bytes(central) + b"PK\x05\x06" + end + after


def _packed(entry: Entry) -> bytes:
    if entry.method != 8:
        return entry.data
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(entry.data) + packer.flush()


# -- hostile archives around a payload


def plain(*, method: int = 0) -> bytes:
    return archive(Entry(name="a/model.pkl", data=build.os_system(), method=method))


def encrypted() -> bytes:
    return archive(Entry(name="model.pkl", data=build.os_system()[::-1], flags=1, crc=1))


def flagged_encrypted() -> bytes:
    """The flag says encrypted, the bytes are plain: readers that ignore the flag load them."""
    return archive(Entry(name="model.pkl", data=build.os_system(), flags=1))


def wrong_checksum(*, method: int = 0) -> bytes:
    return archive(Entry(name="model.pkl", data=build.os_system(), crc=0xDEADBEEF, method=method))


def two_names() -> bytes:
    return archive(Entry(name="safe.txt", local_name="model.pkl", data=build.os_system()))


def same_name_twice() -> bytes:
    return archive(Entry(name="m.pkl", data=build.ordinary(2)), Entry(name="m.pkl", data=build.os_system()))


def climbing() -> bytes:
    return archive(Entry(name="../../etc/cron.d/x", data=b"* * * * * root id\n"))


def unlisted() -> bytes:
    return archive(Entry(name="a.txt", data=b"a"), Entry(name="m.pkl", data=build.os_system(), listed=False))


def unknown_method() -> bytes:
    return archive(Entry(name="m.pkl", data=build.os_system(), method=99), Entry(name="n.pkl", data=build.os_system()))


def signature_in_the_comment() -> bytes:
    """The comment ends like an end record begins: miniz and unzip go on to the one before, from any beginning."""
    data = plain()
    return b"GIF89a" + data[:-2] + b"\x06\0--PK\x05\x06"


def signature_in_the_record() -> bytes:
    """The directory's place is the signature's number: zipfile counts back from the end and does not mind."""
    data = plain()
    return b"GIF89a" + data[:-6] + b"PK\x05\x06" + b"\0\0"


def behind_pickle() -> bytes:
    """A polyglot: a pickle for pickle.load, an archive for those who read from the end."""
    return archive(Entry(name="readme.txt", data=b"hello"), before=build.os_system())


def nested(levels: int) -> bytes:
    data = plain()
    for level in range(levels):
        data = archive(Entry(name=f"level{level}.zip", data=data, method=8))
    return data


def bomb(size: int) -> bytes:
    return archive(Entry(name="zeros.bin", data=bytes(size), method=8))


def overlapping(count: int) -> bytes:
    """Entries of the directory that all point at one member (D. Fifield, "A better zip bomb", simplest form)."""
    single = archive(Entry(name="zeros.bin", data=bytes(1 << 20), method=8))
    end = single.rindex(b"PK\x05\x06")
    start = single.index(b"PK\x01\x02")
    entry = single[start:end]
    record = struct.pack("<HHHHIIH", 0, 0, count, count, len(entry) * count, start, 0)
    shifted = b"".join(entry[:42] + struct.pack("<I", 0) + entry[46:] for _ in range(count))
    return single[:start] + shifted + b"PK\x05\x06" + record


# -- torch


def _storage(key: str, count: int, kind: str = "FloatStorage") -> bytes:
    head = build.text("storage") + build.glob("torch", kind) + build.text(key) + build.text("cpu")
    return build.args(head, b"J" + struct.pack("<i", count)) + b"Q"


def _tensor(key: str, count: int) -> bytes:
    parts = (b"K\x00", build.args(b"J" + struct.pack("<i", count)), build.args(b"K\x01"), b"\x89")
    hooks = build.glob("collections", "OrderedDict") + b")R"
    return build.call(build.glob("torch._utils", "_rebuild_tensor_v2"), _storage(key, count), *parts, hooks)


def state_dict(tensors: dict[str, int], extra: bytes = b"") -> bytes:
    """A pickled state dict; `tensors` maps names to numbers of elements, storages are "0", "1", ..."""
    body = build.proto(2) + build.glob("collections", "OrderedDict") + b")R("
    for index, (name, count) in enumerate(tensors.items()):
        body += build.text(name) + _tensor(str(index), count)
    return body + extra + b"u."


def torch_zip(tensors: dict[str, int], *, extra: bytes = b"", pkl: bytes | None = None, method: int = 0) -> bytes:
    """What torch.save writes since 1.6."""
    entries = [Entry(name="m/data.pkl", data=state_dict(tensors, extra) if pkl is None else pkl, method=method)]
    entries += [Entry(name=f"m/data/{i}", data=bytes(4 * n)) for i, n in enumerate(tensors.values())]
    entries += [Entry(name="m/version", data=b"3\n"), Entry(name="m/.data/serialization_id", data=b"1" * 40)]
    return archive(*entries)


_CLASS = b"class Net(Module):\n  w : Tensor\n  def __setstate__(self: __torch__.Net, s: Tensor) -> NoneType:\n    "


def torchscript(code: bytes = b"", *, bytecode: bytes = b"") -> bytes:
    """A scripted module: its types live in the archive's own code. `code` is the body of its __setstate__."""
    mobile = [Entry(name="net/bytecode.pkl", data=bytecode)] if bytecode else []
    pkl = build.proto(2) + build.glob("__torch__.net", "Net") + b")\x81}" + build.text("w") + _tensor("0", 4) + b"sb."
    return archive(
        Entry(name="net/data.pkl", data=pkl),
        Entry(name="net/constants.pkl", data=build.proto(2) + b")."),
        Entry(name="net/code/__torch__/net.py", data=_CLASS + code + b"\n    return None\n", method=8),
        *mobile,
        Entry(name="net/data/0", data=bytes(16)),
        Entry(name="net/version", data=b"3\n"),
    )


def torch_legacy(tensors: dict[str, int], *, extra: bytes = b"", after: bytes = b"") -> bytes:
    """What torch.save wrote before 1.6."""
    keys = [str(index) for index in range(len(tensors))]
    info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, info)]
    parts += [state_dict(tensors, extra), pickle.dumps(keys, 2)]
    parts += [struct.pack("<q", count) + bytes(4 * count) for count in tensors.values()]
    return b"".join(parts) + after


def ordinary_zip() -> bytes:
    """What zipfile writes, with folders, both methods and a comment."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("docs/", b"")
        target.writestr("docs/readme.md", b"# hello\n" * 100, zipfile.ZIP_DEFLATED)
        target.writestr("notes.txt", b"notes")
        target.writestr("packed.txt", b"x" * 1000, zipfile.ZIP_BZIP2)
        target.writestr("lzma.txt", b"y" * 1000, zipfile.ZIP_LZMA)
        target.comment = b"made by zipfile"
    return out.getvalue()


# -- structure


def with_extra(name: str, alias: str) -> bytes:
    """A member with Info-ZIP's Unicode path field (APPNOTE 4.6.9), which some readers prefer to the name."""
    data, raw = b"content", name.encode()
    field = b"\x01" + struct.pack("<I", zlib.crc32(raw)) + alias.encode()
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    numbers = struct.pack("<III", zlib.crc32(data), len(data), len(data))
    lengths = struct.pack("<HH", len(raw), len(extra))
    out = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 0, 0, 33) + numbers + lengths + raw + extra + data
    central = b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 0, 0, 33) + numbers + lengths
    central += struct.pack("<HHHII", 0, 0, 0, 0, 0) + raw + extra
    return out + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(out), 0)


def second_end(hidden: bytes) -> bytes:
    """Two whole archives in one file: the second directory and end record are the first one's comment."""
    first = archive(Entry(name="m.pkl", data=hidden))
    end = first.rindex(b"PK\x05\x06")
    central = first.index(b"PK\x01\x02")
    other = archive(Entry(name="notes.txt", data=b"notes"))
    at, there = len(first), other.index(b"PK\x01\x02")
    listed = other[there:-22]
    shifted = listed[:42] + struct.pack("<I", at) + listed[46:]
    comment = other[:there] + shifted
    comment += b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(shifted), at + there, 0)
    assert central < end
    return first[:-2] + struct.pack("<H", len(comment)) + comment


def wide(*, other: bool) -> bytes:
    """An archive with a zip64 end record; with `other`, the locator points at a second one that says less."""

    def record(count: int, size: int, start: int) -> bytes:
        return b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, start)

    data = archive(Entry(name="a.txt", data=record(1, 51, 146)), Entry(name="b.txt", data=b"y"))
    end, start = data.rindex(b"PK\x05\x06"), data.index(b"PK\x01\x02")
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 35 if other else end, 1)
    return data[:end] + record(2, end - start, start) + locator + data[end:]


def volume() -> bytes:
    """The last volume of an archive in three."""
    data = archive(Entry(name="m.pkl", data=b"x"))
    return data[:-18] + struct.pack("<HH", 2, 0) + data[-14:]


def linked(name: str, target: str, *more: str) -> bytes:
    """A symbolic link as zip -y stores it, and members that come after it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, 0o120777 << 16
        made.writestr(info, target)
        for other in more:
            made.writestr(other, b"content")
    return out.getvalue()


def packed(method: int, data: bytes) -> bytes:
    """A member packed with zstd (93, formerly 20) or xz (95), which zipfile does not write."""
    body = lzma.compress(data) if method == 95 else zstd.compress(data)
    raw = b"m.pkl"
    numbers = struct.pack("<III", zlib.crc32(data), len(body), len(data))
    out = b"PK\x03\x04" + struct.pack("<HHHHH", 63, 0, method, 0, 33) + numbers + struct.pack("<HH", 5, 0) + raw + body
    central = b"PK\x01\x02" + struct.pack("<HHHHHH", 63, 63, 0, method, 0, 33) + numbers
    central += struct.pack("<HHHHHII", 5, 0, 0, 0, 0, 0, 0) + raw
    return out + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(out), 0)
