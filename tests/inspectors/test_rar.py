"""RAR archives: stored members are looked at, and nothing packed is ever clean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.inspectors.rar import INSPECTOR
from tests.builders import rars as build
from tests.inspectors.unpacking import Unpacked
from tests.inspectors.unpacking import unpack as run
from tests.reading import artifact

DATA = b"\x80\x04content"


def unpack(data: bytes) -> Unpacked:
    return run(INSPECTOR, "m.rar", data)


@pytest.mark.parametrize(
    "data",
    [
        build.archive(build.file("a/", b"", folder=True), build.file("a/m.pkl", DATA), build.block(3, data=b"service")),
        build.old_archive(build.old_file("a\\m.pkl", DATA)),
        build.old_archive(build.old_file("a/m.pkl", DATA, flags=0x100)),
    ],
)
def test_stored_members_come_back(data: bytes) -> None:
    assert unpack(data) == ({"a/m.pkl": DATA}, [], "")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (build.archive(build.file("secret.pkl", DATA, method=3), build.file("m", DATA)), "unsupported"),
        (build.archive(build.file("secret.pkl", DATA, locked=True), build.file("m", DATA)), "encrypted"),
        (build.archive(build.file("secret.pkl", DATA, flags=0x10), build.file("m", DATA)), "unsupported"),
        (build.old_archive(build.old_file("secret.pkl", DATA, method=0x33), build.old_file("m", DATA)), "unsupported"),
        (build.old_archive(build.old_file("secret.pkl", DATA, flags=4), build.old_file("m", DATA)), "encrypted"),
        (build.old_archive(build.old_file("secret.pkl", DATA, flags=2), build.old_file("m", DATA)), "unsupported"),
    ],
)
def test_what_is_packed_locked_or_elsewhere_is_named(data: bytes, reason: str) -> None:
    assert unpack(data) == ({"m": DATA}, [], reason)
    with pytest.raises(Incomplete, match=r"secret\.pkl"):
        list(INSPECTOR.inspect(artifact("m.rar", data)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (build.FIVE + build.block(4, b"key"), "encrypted"),
        (build.old_archive(flags=0x80), "encrypted"),
        (b"Rar!\x1a\x07\x02\x00rest", "unsupported"),
        (build.archive(build.file("m", DATA))[:-12], "truncated"),
        (build.FIVE + bytes(40), "malformed"),
        (build.FIVE + b"\xff" * 40, "malformed"),
        (build.FOUR + bytes(40), "malformed"),
    ],
)
def test_archives_that_cannot_be_read_are_incomplete(data: bytes, reason: str) -> None:
    assert unpack(data)[2] == reason


def test_names_that_lead_out() -> None:
    assert unpack(build.archive(build.file("../m.pkl", DATA)))[1] == ["021 ../m.pkl"]
    assert unpack(build.old_archive(build.old_file("C:\\m.pkl", DATA)))[1] == ["021 C:/m.pkl"]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=8), st.booleans())
def test_changed_bytes_never_crash_the_reader(at: int, new: bytes, old: bool) -> None:
    files = build.old_archive(build.old_file("m", DATA)) if old else build.archive(build.file("m", DATA, locked=True))
    data = bytearray(files * 2)
    at %= len(data)
    data[at : at + len(new)] = new
    unpack(bytes(data))
