from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.inspectors.wrapped import INSPECTOR
from mlgate.records import Artifact, Finding, Limits
from tests.builders import streams
from tests.reading import artifact

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": streams.lzma_alone,
    "z": zlib.compress,
    "lz4": lz4.frame.compress,
    "zst": zstd.compress,
}


def unpack(path: str, data: bytes, limits: Limits | None = None) -> tuple[dict[str, bytes], list[Finding], str]:
    """(content by member, findings, reason of the stop)"""
    members: dict[str, bytes] = {}
    findings = []
    try:
        for said in INSPECTOR.inspect(artifact(path, data, limits)):
            if isinstance(said, Artifact):
                assert said.depth == 1
                members[said.member or ""] = said.source.read_at(0, said.source.size)
            elif isinstance(said, Finding):
                findings.append(said)
    except Incomplete as stop:
        return members, findings, stop.reason
    return members, findings, ""


@pytest.mark.parametrize("ending", PACKERS)
@given(data=st.binary(max_size=5000), parts=st.integers(1, 3))
def test_every_stream_comes_back_whole(ending: str, data: bytes, parts: int) -> None:
    members, _, stop = unpack(f"model.pkl.{ending}", PACKERS[ending](data) * parts)
    assert stop == ""
    assert members == ({"model.pkl": data * parts} if data else {})


@pytest.mark.parametrize("ending", PACKERS)
def test_what_stands_before_a_break_is_still_looked_at(ending: str) -> None:
    content = bytes(range(256)) * 8000
    members, _, stop = unpack(f"m.pkl.{ending}", PACKERS[ending](content)[:-9])
    assert stop == "truncated"
    assert content.startswith(members.get("m.pkl", b""))


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_bomb_ends_within_its_budget(pack: Callable[[bytes], bytes]) -> None:
    members, _, stop = unpack("b", pack(bytes(8 << 20)), Limits(unpacked=1 << 20))
    assert stop == "limit"
    assert sum(map(len, members.values())) <= 2 << 20


def test_rubbish_after_the_stream_is_told() -> None:
    members, _, stop = unpack("m.gz", gzip.compress(b"first") + b"\x80\x04rubbish")
    assert stop == "malformed"
    assert members == {"m": b"first"}


@pytest.mark.parametrize("ending", ["gz", "z", "xz"])
def test_a_second_stream_behind_much_padding_is_not_lost(ending: str) -> None:
    pack = PACKERS[ending]
    members, _, stop = unpack(f"m.{ending}", pack(b"first") + bytes(1 << 20) + pack(b"second"))
    assert (members, stop) == ({"m": b"firstsecond"}, "")


def test_frames_that_decoders_leave_out_and_the_oldest_lz4() -> None:
    content = bytes(range(256)) * 40_000
    skipped = streams.skippable(b"user data")
    for ending in ("lz4", "zst"):
        data = skipped + PACKERS[ending](content) + skipped + PACKERS[ending](b"end")
        assert unpack(f"m.pkl.{ending}", data) == ({"m.pkl": content + b"end"}, [], "")
    for data in (streams.lz4_legacy(content), streams.lz4_legacy(bytes(8 << 20)), streams.lz4_legacy(bytes(24 << 20))):
        members, _, stop = unpack("m.lz4", data)
        assert stop == ""
        assert members["m"] in (content, bytes(8 << 20), bytes(24 << 20))
    mixed = streams.lz4_legacy(b"old") + lz4.frame.compress(b"new")
    assert unpack("m.lz4", mixed) == ({"m": b"oldnew"}, [], "")
    assert unpack("m.lz4", streams.lz4_legacy(content)[:-3])[2] == "truncated"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("m.zst", streams.zstd_window(30), "limit"),
        ("m.zst", streams.zstd_dictionary(), "unsupported"),
        ("m.lz4", streams.lz4_dictionary(), "unsupported"),
        ("m.lzma", streams.lzma_dictionary(1 << 30), "limit"),
        ("m.pkl.Z", b"\x1f\x9d\x90rubbish", "unsupported"),
    ],
)
def test_what_needs_more_than_is_given_is_incomplete(name: str, data: bytes, reason: str) -> None:
    assert INSPECTOR.claims(artifact(name, data))
    assert unpack(name, data) == ({}, [], reason)


@pytest.mark.parametrize("ending", ["z", "lzma"])
def test_streams_without_a_magic_number_under_any_name(ending: str) -> None:
    data = PACKERS[ending](b"GGUF" * 100)
    assert INSPECTOR.claims(artifact("weights.dat", data))
    assert unpack("weights.dat", data) == ({"weights.dat": b"GGUF" * 100}, [], "")
    # a loader reads the stream and never looks behind it
    assert unpack("weights.dat", data + b"rubbish")[0] == {"weights.dat": b"GGUF" * 100}
    assert unpack("weights.dat", data + b"rubbish")[2] == "malformed"


@pytest.mark.parametrize("name", ["weights", "a.txt", "m.npy.gz"])
def test_a_zlib_stream_behind_empty_blocks(name: str) -> None:
    data = streams.zlib_behind_nothing(b"GGUF" * 100)
    assert INSPECTOR.claims(artifact(name, data))
    assert list(unpack(name, data)[0].values()) == [b"GGUF" * 100]


def test_what_only_looks_like_a_stream_is_left_alone() -> None:
    for data in (b"x\x9c rather not", b"x^2 + y^2 = z^2", b"]\x00\x00\x80\x00 no stream here", b"\x08\x1d", b""):
        assert not INSPECTOR.claims(artifact("notes.txt", data))
    # the beginning of another format: a whole stream of no interest, and then something else
    data = zlib.compress(b"header of a database") + b"\x01\x02"
    assert unpack("some.db", data)[1:] == ([], "")


@given(st.sampled_from(sorted(PACKERS)), st.integers(0, 300), st.binary(min_size=1, max_size=9))
def test_changed_bytes_never_crash_a_decoder(ending: str, at: int, new: bytes) -> None:
    data = bytearray(streams.skippable(b"") * (ending in ("lz4", "zst")) + PACKERS[ending](bytes(range(200)) * 2))
    at %= len(data)
    data[at : at + len(new)] = new
    if INSPECTOR.claims(artifact(f"m.{ending}", bytes(data))):
        unpack(f"m.{ending}", bytes(data), Limits(unpacked=1 << 22))
