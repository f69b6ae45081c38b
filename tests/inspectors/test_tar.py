"""Tar archives: members come back whole whatever wrote them, and what two readers would read differently is told."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.identify import identify
from mlgate.inspectors.tar import INSPECTOR
from mlgate.records import Severity
from mlgate.sources import BytesSource
from tests.builders import tars as build
from tests.builders.tars import Member
from tests.inspectors.unpacking import Unpacked
from tests.inspectors.unpacking import unpack as run
from tests.reading import read

HIDDEN = b"\x80\x04hidden"


def unpack(data: bytes, path: str = "m.tar") -> Unpacked:
    return run(INSPECTOR, path, data)


def by_tarfile(form: int, *names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(name.encode())
            archive.addfile(info, io.BytesIO(name.encode()))
    return out.getvalue()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["m.pkl", "a/" * 60 + "m.pkl", "modèle/m.pkl"])
def test_members_of_what_python_writes(form: int, name: str) -> None:
    assert unpack(by_tarfile(form, name, "b.txt")) == ({name: name.encode(), "b.txt": b"b.txt"}, [], "")


def test_an_archive_from_before_the_signature_is_one() -> None:
    data = build.tar(Member(name="pickle", data=HIDDEN, kind=b"\0", magic=b""))
    assert identify(BytesSource(data), data[:4096]) == ("tar",)
    assert unpack(data, "m.pt") == ({"pickle": HIDDEN}, [], "")
    assert identify(BytesSource(bytes(1024)), bytes(1024)) == ()
    text = (b"0000644 is a mode\n" * 60)[:1024]
    assert identify(BytesSource(text), text) == ()


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ((Member(name="model/near", kind=b"2", target="data.pkl"),), []),
        ((Member(name="model/up", kind=b"2", target="../other/data.pkl"),), []),
        ((Member(name="hard", kind=b"1", target="model/data.pkl"),), []),
        ((Member(name="folder/", kind=b"5"),), []),
        ((Member(name="up", kind=b"2", target="../x"),), ["020 up ../x"]),
        ((Member(name="far", kind=b"2", target="/etc/passwd"),), ["020 far /etc/passwd"]),
        ((Member(name="hard", kind=b"1", target="/etc/passwd"),), ["022 hard /etc/passwd"]),
        ((Member(name="pipe", kind=b"6"),), ["020 pipe"]),
        ((Member(name="../escape.pkl", data=b"x"),), ["021 ../escape.pkl"]),
        ((Member(name="a/../../escape.pkl", data=b"x"),), ["021 a/../../escape.pkl"]),
        ((Member(name="C:\\x.pkl", data=b"x"),), ["021 C:\\x.pkl"]),
        ((Member(name="a/../inside.pkl", data=b"x"),), []),
        (
            (Member(name="d", kind=b"2", target="/tmp"), Member(name="d/x", data=b"x")),
            ["020 d /tmp", "022 d/x"],
        ),
        (
            (
                Member(name="s", kind=b"2", target="."),
                Member(name="t", kind=b"2", target="s/.."),
                Member(name="t/x", data=b"x"),
            ),
            ["020 t s/..", "022 t/x"],
        ),
        ((Member(name="m", data=b"1"), Member(name="./m", data=b"2")), ["023 ./m"]),
    ],
)
def test_names_and_links(members: tuple[Member, ...], told: list[str]) -> None:
    assert unpack(build.tar(*members))[1:] == (told, "")


def test_a_size_that_two_headers_tell_differently() -> None:
    members, told, stop = unpack(build.desynchronised(HIDDEN))
    assert (told, stop) == (["024 notes.txt"], "")
    assert HIDDEN in members["notes.txt"]
    large = build.tar(build.pax(size="5"), Member(name="n", data=b"12345"))
    assert unpack(large) == ({"n": b"12345"}, [], "")


def test_members_behind_the_end_are_looked_at_and_told() -> None:
    for blocks in (1, 2, 7):
        members, told, stop = unpack(build.behind_the_end(HIDDEN, blocks))
        assert (members["m.pkl"], told, stop) == (HIDDEN, ["025 behind the end"], "")
    padded = build.tar(Member(name="n", data=b"1")) + bytes(10240)
    assert unpack(padded) == ({"n": b"1"}, [], "")


def test_a_wrong_checksum_is_incomplete_and_what_follows_is_looked_at() -> None:
    members, told, stop = unpack(build.behind_a_broken_header(HIDDEN))
    assert (members["m.pkl"], told, stop) == (HIDDEN, [], "malformed")


def test_long_names_of_gnu_tar_and_their_limit() -> None:
    name = "a/" * 200 + "m.pkl"
    assert unpack(build.tar(build.long_name(name), Member(name="short", data=b"1"))) == ({name[:1000]: b"1"}, [], "")
    assert unpack(build.tar(build.long_name("x" * (2 << 20)), Member(name="s")))[2] == "limit"
    assert unpack(build.tar(build.long_name("x")))[2] == "malformed"


@pytest.mark.parametrize("kind", [b"D", b"M", b"V", b"N", b"A"])
def test_types_that_python_takes_for_files_are_looked_at(kind: bytes) -> None:
    assert unpack(build.tar(Member(name="m.pkl", kind=kind, data=HIDDEN))) == ({"m.pkl": HIDDEN}, [], "")
    assert unpack(build.tar(Member(name="V", kind=b"V"), Member(name="n", data=b"1"))) == ({"n": b"1"}, [], "")


@pytest.mark.parametrize("kind", [b"0", b"7", b"\0"])
def test_a_file_whose_name_ends_like_a_folders_is_looked_at(kind: bytes) -> None:
    assert unpack(build.tar(Member(name="m.pkl/", kind=kind, data=HIDDEN))) == ({"m.pkl": HIDDEN}, [], "")
    renamed = build.tar(build.pax(path="m.pkl/"), Member(name="m", kind=kind, data=HIDDEN))
    assert unpack(renamed) == ({"m.pkl": HIDDEN}, [], "")


@pytest.mark.parametrize("form", ["base-256", "behind a NUL", "prefix", "blanks"])
def test_checksums_are_read_as_python_reads_them(form: str) -> None:
    data = build.odd_checksum(form, HIDDEN)
    assert identify(BytesSource(data), data[:4096]) == ("tar",)
    assert unpack(data) == ({"m.pkl": HIDDEN}, [], "")


def test_headers_without_a_name_are_headers() -> None:
    data = build.nameless(HIDDEN)
    assert identify(BytesSource(data), data[:4096]) == ("tar",)
    assert unpack(data) == ({"m.pkl": HIDDEN}, [], "")


def test_two_extended_headers_that_disagree_are_incomplete() -> None:
    good, bad, body = build.pax(path="ok.txt"), "../../evil.py", Member(name="m", data=b"1")
    assert unpack(build.tar(build.long_name(bad), good, body))[2] == "malformed"
    assert unpack(build.tar(build.pax(path=bad), good, body))[2] == "malformed"
    assert unpack(build.tar(good, build.long_name("ok.txt"), body)) == ({"ok.txt": b"1"}, [], "")


@pytest.mark.parametrize("records", [b"99 path=x\n", b"x path=x\n", b"5 path\n"])
def test_extended_headers_that_do_not_fit_together(records: bytes) -> None:
    data = build.tar(Member(name="x", kind=b"x", data=records), Member(name="m", data=b"1"))
    assert unpack(data)[2] == "malformed"


def test_sparse_members_are_incomplete_and_the_others_are_looked_at() -> None:
    sparse = build.pax(GNU__sparse__major="1", GNU__sparse__minor="0")
    members, _, stop = unpack(build.tar(sparse, Member(name="s", data=b"1"), Member(name="m.pkl", data=HIDDEN)))
    assert (members, stop) == ({"m.pkl": HIDDEN}, "unsupported")


def test_a_cut_archive_is_incomplete_and_what_is_there_is_looked_at() -> None:
    data = build.tar(Member(name="m.pkl", data=HIDDEN * 200))
    members, _, stop = unpack(data[:700])
    assert (members["m.pkl"], stop) == ((HIDDEN * 200)[:188], "truncated")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 4095), st.binary(min_size=1, max_size=12))
def test_changed_bytes_never_crash_the_reader(at: int, new: bytes) -> None:
    data = bytearray(
        build.tar(
            build.pax(path="long", size="3"), Member(name="m", data=b"abc"), build.long_name("y"), Member(name="z")
        )
    )
    at %= len(data)
    data[at : at + len(new)] = new
    unpack(bytes(data))


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("m.nemo", Severity.HIGH),
        ("model.tar", Severity.HIGH),
        ("rootfs.tar", Severity.MEDIUM),
        ("remodel.tar", Severity.MEDIUM),
    ],
)
def test_a_link_out_of_a_models_archive_blocks(path: str, severity: Severity) -> None:
    said = read(INSPECTOR, path, build.tar(Member(name="x", target="../../etc/passwd", kind=b"2")))
    assert [(f.rule.id, f.severity) for f in said.findings] == [("MLG-ARC-020", severity)]
