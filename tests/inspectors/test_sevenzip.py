"""7z archives: members come back whole whatever packed them, and what cannot be unpacked is never clean."""

from __future__ import annotations

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.inspectors.sevenzip import INSPECTOR
from mlgate.records import Limits
from tests.builders import sevenzips as build
from tests.builders.sevenzips import Folder
from tests.inspectors.unpacking import Unpacked
from tests.inspectors.unpacking import unpack as run
from tests.reading import artifact

CONTENT = b"\xe8\x00\x01\x02\x03 call me \xeb" * 3000 + b"end\xe8\x00"


def unpack(data: bytes, path: str = "m.7z", limits: Limits | None = None) -> Unpacked:
    return run(INSPECTOR, path, data, limits)


@pytest.mark.parametrize("method", build.METHODS)
@pytest.mark.parametrize("content", [CONTENT, b"x", CONTENT * 20], ids=["usual", "tiny", "large"])
def test_every_method_gives_the_content_back(method: str, content: bytes) -> None:
    assert unpack(build.archive(build.packed(method, content))) == ({"m.pkl": content}, [], "")


@pytest.mark.parametrize(
    "filters",
    [
        None,
        [{"id": py7zr.FILTER_LZMA2, "preset": 6}],
        [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 6}],
        [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA, "preset": 6}],
        [{"id": py7zr.FILTER_DELTA}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
        [{"id": py7zr.FILTER_BZIP2}],
        [{"id": py7zr.FILTER_DEFLATE}],
        [{"id": py7zr.FILTER_ZSTD, "level": 3}],
        [{"id": py7zr.FILTER_COPY}],
    ],
)
def test_what_another_packer_writes(filters: list[dict[str, int]] | None) -> None:
    members = {"model/m.pkl": CONTENT, "notes.txt": b"notes", "deep/er/x.bin": bytes(300_000)}
    assert unpack(build.by_py7zr(members, filters=filters)) == (members, [], "")


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_headers_that_are_packed_themselves(levels: int) -> None:
    assert unpack(build.packed_header(build.packed("lzma", CONTENT), levels)) == ({"m.pkl": CONTENT}, [], "")


def test_headers_packed_without_end() -> None:
    assert unpack(build.packed_header(build.packed("lzma", CONTENT), 9))[2] == "limit"


def test_several_folders_empty_files_and_members_of_one_stream() -> None:
    both = Folder(members=[("a", b"first"), ("b", b"second")], packed=b"firstsecond")
    data = build.archive(both, build.packed("lzma2", CONTENT), empty=["nothing", "folder"])
    assert unpack(data) == ({"a": b"first", "b": b"second", "m.pkl": CONTENT}, [], "")
    assert unpack(build.closed(b"", b"")) == ({}, [], "")


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        (b"\x06\xf1\x07\x01", "encrypted"),
        (b"\x03\x04\x01", "unsupported"),
        (b"\x04\x01\x09", "unsupported"),
        (b"\x0a", "unsupported"),
        (b"\x7f", "unsupported"),
    ],
)
def test_a_method_that_is_not_unpacked_names_its_members_and_the_others_are_looked_at(
    method: bytes, reason: str
) -> None:
    data = build.archive(build.unread(method), build.packed("lzma", CONTENT))
    assert unpack(data) == ({"m.pkl": CONTENT}, [], reason)
    with pytest.raises(Incomplete, match=r"secret\.pkl"):
        list(INSPECTOR.inspect(artifact("m.7z", data)))


def test_encrypted_archives_of_a_real_packer() -> None:
    assert unpack(build.by_py7zr({"m.pkl": CONTENT}, password="secret"))[2] == "encrypted"


@pytest.mark.parametrize(
    ("name", "mode", "data", "told"),
    [
        ("../m.pkl", 0o100644, b"x", ["021 ../m.pkl"]),
        ("/etc/x", 0o100644, b"x", ["021 /etc/x"]),
        ("a\\..\\..\\x", 0o100644, b"x", ["021 a\\..\\..\\x"]),
        ("link", 0o120777, b"/etc/passwd", ["020 link /etc/passwd"]),
        ("link", 0o120777, b"near", []),
        ("model/m.pkl", 0o100644, b"x", []),
    ],
)
def test_names_and_links(name: str, mode: int, data: bytes, told: list[str]) -> None:
    folder = Folder(members=[(name, data)], packed=data, modes=[mode])
    assert unpack(build.archive(folder)) == ({name: data}, told, "")


def test_a_wrong_checksum_is_told_and_the_member_looked_at() -> None:
    folder = Folder(members=[("m.pkl", b"content")], packed=b"content", crc=1)
    assert unpack(build.archive(folder)) == ({"m.pkl": b"content"}, ["004 crc-32"], "")


def test_limits_end_what_is_announced_and_what_comes() -> None:
    zeros = build.packed("lzma", bytes(4 << 20))
    assert unpack(build.archive(zeros), limits=Limits(unpacked=1 << 20)) == ({}, [], "limit")
    huge = Folder(members=[("m", b"")], packed=zeros.packed, coders=zeros.coders, size=1 << 40)
    assert unpack(build.archive(huge))[2] == "limit"
    wide = Folder(members=[("m", b"")], packed=b"x" * (2 << 20), coders=[(b"\x21", b"\x28")], size=100 << 20)
    assert unpack(build.archive(wide))[2] == "limit"


def test_volumes_cut_archives_and_wrong_checksums_of_the_header() -> None:
    data = build.archive(build.packed("lzma", CONTENT))
    assert unpack(data[:-5], "m.7z.001")[2] == "truncated"
    assert INSPECTOR.claims(artifact("m.7z.002", b"the second volume"))
    assert unpack(b"the second volume", "m.7z.002")[2] == "unsupported"
    assert not INSPECTOR.claims(artifact("m.txt.002", b"a text"))
    assert unpack(data[:-1] + b"\x01")[2] == "malformed"
    assert unpack(data[:20])[2] == "truncated"
    assert unpack(data[:6] + b"\x01" + data[7:])[2] == "unsupported"


def test_content_that_does_not_unpack_is_looked_at_up_to_there() -> None:
    whole = build.packed("deflate", bytes(range(256)) * 4000)
    cut = Folder(members=whole.members, packed=whole.packed[:-50], coders=whole.coders)
    members, _, stop = unpack(build.archive(cut))
    assert stop in ("truncated", "malformed")
    assert whole.members[0][1].startswith(members["m.pkl"])


def test_a_coder_chain_that_goes_in_a_circle() -> None:
    folder = build.packed("bcj+lzma", CONTENT)
    good = build.header([folder])
    at = good.index(b"\x00\x01\x0c")  # the one bond: coder 0 reads what coder 1 gives
    for bond in (b"\x00\x00", b"\x01\x01", b"\x05\x01"):
        end = good[:at] + bond + good[at + 2 :]
        assert unpack(build.archive(folder, end=end))[2] in ("malformed", "limit", "truncated")


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=6), st.sampled_from(["lzma", "bcj+lzma", "copy"]))
def test_changed_headers_never_crash_the_reader(at: int, new: bytes, method: str) -> None:
    folder = build.packed(method, b"abcdefgh" * 4)
    end = bytearray(build.header([folder, build.packed("deflate", b"more")], empty=["folder"]))
    at %= len(end)
    end[at : at + len(new)] = new
    unpack(build.archive(folder, end=bytes(end)), limits=Limits(unpacked=1 << 20))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_any_header_ends_in_an_answer(end: bytes) -> None:
    for start in (b"\x01", b"\x17", b"\x01\x04\x06", b"\x01\x05"):
        unpack(build.archive(end=start + end), limits=Limits(unpacked=1 << 20))
