"""ar and cpio: every member comes back under its name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.inspectors.unixarchives import INSPECTOR
from tests.builders import unixarchives as build
from tests.builders.unixarchives import ar, ar_member, cpio, cpio_member, old_cpio_member
from tests.inspectors.unpacking import Unpacked
from tests.inspectors.unpacking import unpack as run
from tests.reading import artifact

DATA = b"\x80\x04content"
LONG = "a-very-long-name-of-a-member/model.pkl"


def unpack(data: bytes) -> Unpacked:
    return run(INSPECTOR, "m", data)


@pytest.mark.parametrize(
    ("data", "members"),
    [
        (
            ar(ar_member(b"debian-binary", b"2.0\n"), ar_member(b"data.tar", DATA)),
            {"debian-binary": b"2.0\n", "data.tar": DATA},
        ),
        (ar(ar_member(b"m.pkl/", DATA + b"!")), {"m.pkl": DATA + b"!"}),
        (
            ar(ar_member(b"/", b"symbols"), ar_member(b"//", LONG.encode() + b"/\n"), ar_member(b"/0", DATA)),
            {LONG: DATA},
        ),
        (ar(ar_member(b"#1/40", LONG.encode().ljust(40, b"\0") + DATA)), {LONG: DATA}),
        (ar(), {}),
        (cpio(cpio_member("m.pkl", DATA), cpio_member("d", mode=0o40755)), {"m.pkl": DATA}),
        (cpio(cpio_member("m.pkl", DATA, magic=b"070702")), {"m.pkl": DATA}),
        (old_cpio_member("m.pkl", DATA) + old_cpio_member("TRAILER!!!"), {"m.pkl": DATA}),
        (cpio(cpio_member("a", DATA)) + bytes(600) + cpio(cpio_member("b", b"b")), {"a": DATA, "b": b"b"}),
        (cpio(cpio_member("a", DATA)) + bytes(600) + b"\x1f\x8b rest", {"a": DATA, "rest": b"\x1f\x8b rest"}),
    ],
)
def test_members(data: bytes, members: dict[str, bytes]) -> None:
    assert INSPECTOR.claims(artifact("m", data))
    assert unpack(data) == (members, [], "")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ar(ar_member(b"m", DATA, size=500)), "truncated"),
        (ar(ar_member(b"m", DATA)) + b"what is this?", "malformed"),
        (ar(ar_member(b"#1/90000", b"x" * 100_000)), "limit"),
        (cpio_member("m.pkl", DATA * 100)[:300], "truncated"),
        (cpio_member("m.pkl", DATA) + b"what is this?", "malformed"),
    ],
)
def test_broken_archives_are_incomplete(data: bytes, reason: str) -> None:
    assert unpack(data)[2] == reason


def test_names_links_and_devices_of_cpio() -> None:
    data = cpio(
        cpio_member("../m.pkl", DATA),
        cpio_member("far", b"/etc", mode=0o120777),
        cpio_member("far/x", DATA),
        cpio_member("near", b"m.pkl", mode=0o120777),
        cpio_member("pipe", mode=0o010644),
    )
    assert unpack(data)[1] == ["021 ../m.pkl", "020 far /etc", "022 far/x", "020 pipe"]


def test_text_with_such_a_beginning_is_neither() -> None:
    for data in (b"070701 is the telephone number of nobody" * 5, b"!<arch> linux", b"070707\n" * 20, b""):
        assert not INSPECTOR.claims(artifact("x.txt", data))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8), st.booleans())
def test_changed_bytes_never_crash_the_reader(at: int, new: bytes, library: bool) -> None:
    whole = ar(ar_member(b"//", b"name/\n"), ar_member(b"/0", DATA)) if library else cpio(cpio_member("m", DATA))
    data = bytearray(whole)
    at %= len(data)
    data[at : at + len(new)] = new
    if INSPECTOR.claims(artifact("m", bytes(data))):
        unpack(bytes(data))


def test_builders_write_what_the_tools_write() -> None:
    assert len(build.cpio_member("ab", b"")) == 116
    assert len(build.ar_member(b"x", b"12")) == 62
