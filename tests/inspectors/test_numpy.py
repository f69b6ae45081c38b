"""Array files: headers as numpy writes them and as it would not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import arrays as build
from tests.builders import pickles
from tests.inspectors.looking import look

_FIELDS = np.dtype([("a", "<f4"), ("b", "S3"), ("c", "<i2", (2, 2))])


@pytest.mark.parametrize(
    "data",
    [
        build.npy(np.arange(6.0).reshape(2, 3)),
        build.npy(np.zeros((), "i8")),
        build.npy(np.zeros((0, 3), "?")),
        build.npy(np.array(["ab", "c"])),
        build.npy(np.zeros(3, _FIELDS)),
        build.npy(np.asfortranarray(np.ones((2, 2), "c16"))),
        build.npy(np.array(["2020-01-01"], "M8[D]")),
        build.header("{'descr': '<i8', 'fortran_order': False, 'shape': (2L,), }\n", bytes(16)),
        build.header("{'descr': [('\u00e9', '<i4')], 'fortran_order': False, 'shape': (1,), }\n", bytes(4), 3),
        build.npz(x=np.zeros(3), y=np.array(["a"])),
    ],
)
def test_ordinary_arrays_are_complete_and_clean(data: bytes) -> None:
    seen = look(data, "x.npy")
    assert (seen.findings, seen.reasons) == ((), ())


def test_object_arrays_are_pickles() -> None:
    ordinary = look(build.npy(np.array([{"a": 1}, None], dtype=object)), "x.npy")
    assert (ordinary.rules, ordinary.reasons) == ({"MLG-MDL-003"}, ())
    for data in (build.hostile(), build.hostile_npz()):
        assert look(data, "x.npz").rules == {"MLG-MDL-003", "MLG-PKL-001"}


def test_objects_in_a_field_are_seen() -> None:
    text = "{'descr': [('a', '<i4'), ('b', '|O')], 'fortran_order': False, 'shape': (1,), }\n"
    assert "MLG-PKL-001" in look(build.header(text, pickles.os_system()), "x.npy").rules


def test_sizes_are_checked() -> None:
    whole = build.npy(np.zeros(8))
    assert look(whole[:-1], "x.npy").reasons == ("truncated",)
    assert look(whole + b"x", "x.npy").rules == {"MLG-MDL-004"}


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('id')",
        "{'descr': '<f8', 'fortran_order': False, 'shape': __import__('os').system('id')}",
        "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': 'zz', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} + 1",
        "[" * 500,
    ],
)
def test_headers_that_are_no_literals_are_incomplete(text: str) -> None:
    assert look(build.header(text, bytes(8)), "x.npy").reasons == ("malformed",)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="{}[](),:'\"0123456789LTrueFalsNon descrhapot_<f|O\\", max_size=80))
def test_any_header_ends_in_an_answer(text: str) -> None:
    look(build.header(text, b"data"), "x.npy")


def test_arrays_behind_arrays_in_one_file_are_read_too() -> None:
    plain = build.npy(np.arange(2.0))
    assert look(plain * 3, "m.npy").rules == set()
    assert "MLG-PKL-001" in look(plain * 2 + build.hostile(), "m.npy").rules
    assert "MLG-PKL-001" in look(build.of_objects(pickles.ordinary(2)) + build.hostile(), "m.npy").rules
    assert look(plain + plain[:-1], "m.npy").reasons == ("truncated",)


def test_pickles_behind_an_array_are_found() -> None:
    hidden = build.npy(np.arange(2.0)) + b"\xff" + pickles.os_system()
    assert look(hidden, "m.npy").rules == {"MLG-MDL-004", "MLG-PKL-001"}
