"""Pickles by content: under honest names, under others, and files that only look like some."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable

import pytest

from mlgate.records import Severity
from tests.builders import arrays
from tests.builders import pickles as build
from tests.inspectors.looking import look


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.ckpt", "m.bin", "m.dat", "m.pt", "model.p", "m.dill"])
def test_a_pickle_under_a_usual_name(name: str) -> None:
    assert look(build.os_system(), name).rules == {"MLG-PKL-001"}


@pytest.mark.parametrize(
    ("name", "severity"), [("notes.txt", Severity.MEDIUM), ("logo.png", Severity.MEDIUM), ("weights", Severity.LOW)]
)
def test_a_pickle_under_an_innocent_name_is_told_and_read(name: str, severity: Severity) -> None:
    for data in (build.os_system(), build.protocol_2(), build.by_stack_global(), build.inst()):
        found = {f.rule.id: f.severity for f in look(data, name).findings}
        assert found == {"MLG-PKL-001": Severity.CRITICAL, "MLG-PKL-011": severity}


@pytest.mark.parametrize("padding", [b"", b"N0" * 3000, b"S'" + b"x" * 9000 + b"'\n0"])
def test_protocol_0_is_recognised_behind_much_that_does_nothing(padding: bytes) -> None:
    assert "MLG-PKL-001" in look(padding + build.os_system(), "data").rules


@pytest.mark.parametrize("count", [3, 15, 16, 500])
def test_protocol_0_is_recognised_behind_many_whole_streams(count: int) -> None:
    assert "MLG-PKL-001" in look(b"N." * count + build.os_system(), "weights").rules


@pytest.mark.parametrize("name", sorted(build.text_files()))
def test_text_that_begins_like_opcodes_is_no_pickle(name: str) -> None:
    seen = look(build.text_files()[name], name)
    assert (seen.findings, seen.reasons, seen.formats) == ((), (), ())


def test_a_pickle_name_without_a_pickle_is_incomplete_and_an_empty_one_is_not() -> None:
    assert look(b"this is not a pickle", "m.pkl").reasons == ("malformed",)
    assert look(b"", "m.pkl").reasons == ()


def test_inline_arrays_of_joblib_are_stepped_over_and_not_run() -> None:
    hidden = build.os_system()[:-1].ljust(64, b"N")
    seen = look(arrays.joblib(hidden, count=8), "m.joblib")
    assert seen.reasons == ()
    assert "MLG-PKL-001" in seen.rules  # pickle.load takes these bytes for opcodes
    clean = look(arrays.joblib(bytes(range(64)), count=8), "m.joblib")
    assert (clean.findings, clean.reasons) == ((), ())
    after = look(arrays.joblib(bytes(64), count=8, payload=build.os_system()[:-1]), "m.joblib")
    assert "MLG-PKL-001" in after.rules


def test_object_arrays_of_joblib_hold_a_stream_of_their_own() -> None:
    assert "MLG-PKL-001" in look(arrays.joblib(build.os_system(), count=1, descr="O8"), "m.joblib").rules
    ordinary = look(arrays.joblib(build.ordinary(2), count=1, descr="O8"), "m.joblib")
    assert (ordinary.findings, ordinary.reasons) == ((), ())


def test_an_array_that_is_longer_than_the_file_is_truncated() -> None:
    assert look(arrays.joblib(bytes(8), count=200), "m.joblib").reasons == ("truncated",)


def test_zlib_under_a_pickle_name_is_unpacked() -> None:
    assert "MLG-PKL-001" in look(zlib.compress(build.os_system()), "m.joblib").rules
    old = b"ZF" + hex(len(build.os_system())).encode().ljust(18) + zlib.compress(build.os_system())
    assert "MLG-PKL-001" in look(old, "m.gz").rules
    assert set(look(zlib.compress(build.ordinary(4))[:-6], "m.pkl").reasons) == {"truncated"}


@pytest.mark.parametrize("name", ["clf.dat", "weights", "notes.txt", "m.model"])
@pytest.mark.parametrize("make", [build.late, build.late_by_opcodes, build.after_an_empty_stream])
def test_payloads_far_into_unannounced_pickles_are_found_under_any_name(name: str, make: Callable[[], bytes]) -> None:
    assert "MLG-PKL-001" in look(make(), name).rules


@pytest.mark.parametrize("name", ["clf.dat", "weights", "m.model", "m.joblib"])
@pytest.mark.parametrize("make", [build.os_system, build.protocol_2, build.late])
def test_packed_pickles_are_unpacked_under_any_name(name: str, make: Callable[[], bytes]) -> None:
    assert "MLG-PKL-001" in look(zlib.compress(make()), name).rules
    assert "MLG-PKL-001" in look(lzma.compress(make(), lzma.FORMAT_ALONE), name).rules


@pytest.mark.parametrize(
    "content", [b"F1.0\nnot a pickle", b"This is text" * 10_000, b"V some text\nmore", b"I 1\n2\n"]
)
def test_texts_that_begin_like_pickles_are_not_claimed(content: bytes) -> None:
    assert not look(content, "notes.txt").rules
    assert not look(zlib.compress(content), "notes.dat").rules
    assert not look(lzma.compress(content, lzma.FORMAT_ALONE), "notes.dat").rules


def test_packed_streams_that_break_are_incomplete() -> None:
    packed = zlib.compress(build.ordinary(2) + bytes(100_000))
    assert "truncated" in look(packed[:-20], "m.joblib").reasons
