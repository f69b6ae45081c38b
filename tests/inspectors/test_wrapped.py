from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.inspectors.wrapped import INSPECTOR
from mlgate.records import Artifact, Finding, Limits
from tests.reading import artifact

PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


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


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("ending", PACKERS)
@given(data=st.binary(max_size=5000), parts=st.integers(1, 3))
def test_every_stream_comes_back_whole(ending: str, data: bytes, parts: int) -> None:
    members, _, stop = unpack(f"model.pkl.{ending}", PACKERS[ending](data) * parts)
    assert stop == ""
    assert members == ({"model.pkl": data * parts} if data else {})


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_what_stands_before_a_break_is_still_looked_at(pack: Callable[[bytes], bytes]) -> None:
    content = bytes(range(256)) * 8000
    members, _, stop = unpack("m.pkl.x", pack(content)[:-9])
    assert stop == "truncated"
    assert content.startswith(members["m.pkl.x"])


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_bomb_ends_within_its_budget(pack: Callable[[bytes], bytes]) -> None:
    members, _, stop = unpack("b", pack(bytes(8 << 20)), Limits(unpacked=1 << 20))
    assert stop == "limit"
    assert sum(map(len, members.values())) <= 2 << 20


def test_rubbish_after_the_stream_is_told() -> None:
    members, _, stop = unpack("m.gz", gzip.compress(b"first") + b"\x80\x04rubbish")
    assert stop == "malformed"
    assert members == {"m": b"first"}


def test_tar_members_and_what_reaches_out() -> None:
    data = tar(
        (tarfile.TarInfo("model/data.pkl"), b"inside"),
        (link("model/near", "data.pkl"), b""),
        (link("model/hard", "model/data.pkl", tarfile.LNKTYPE), b""),
        (link("far", "/etc/passwd"), b""),
        (tarfile.TarInfo("../escape.pkl"), b"outside"),
        (link("pipe", "", tarfile.FIFOTYPE), b""),
    )
    members, findings, stop = unpack("m.tar", data)
    assert stop == ""
    assert members == {"model/data.pkl": b"inside", "../escape.pkl": b"outside"}
    assert [f.evidence.split()[0] for f in findings] == ["far", "../escape.pkl", "pipe"]


def test_a_tar_cut_in_a_member_is_incomplete() -> None:
    data = tar((tarfile.TarInfo("a"), bytes(5000)))
    _, _, stop = unpack("m.tar", data[:2000])
    assert stop in {"truncated", "malformed"}
