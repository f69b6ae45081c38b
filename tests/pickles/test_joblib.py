"""joblib's arrays end where joblib.load says they end, or the look is incomplete."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.pickles.joblib import JoblibMachine
from mlgate.sources import BytesSource
from tests.builders import arrays, joblibs
from tests.builders import pickles as build
from tests.pickles.test_scan import look

TOLD = (
    joblibs.size_in_state,
    joblibs.objects_in_state,
    joblibs.by_reconstructor,
    joblibs.dotted_wrapper,
    joblibs.wrapper_in_an_object_array,
)
REFUSED = (
    joblibs.bare_float,
    joblibs.shape_by_call,
    joblibs.many_dimensions,
    joblibs.shape_given_twice,
    joblibs.state_by_call,
)


@pytest.mark.parametrize("make", TOLD)
def test_payloads_behind_arrays_of_disguised_length_are_seen(make: Callable[[], bytes]) -> None:
    found, _ = look(make())
    assert "MLG-PKL-001" in {finding.rule.id for finding in found}


@pytest.mark.parametrize("make", REFUSED)
def test_arrays_whose_length_cannot_be_told_are_incomplete(make: Callable[[], bytes]) -> None:
    assert look(make())[1] == "malformed"


@pytest.mark.parametrize("descr", ["f8", "i4", "u1", "b1", "U3", "?"])
def test_ordinary_arrays_are_stepped_over(descr: str) -> None:
    size = {"f8": 8, "i4": 4, "u1": 1, "b1": 1, "U3": 12, "?": 1}[descr]
    machine = JoblibMachine(BytesSource(arrays.joblib(bytes(5 * size), count=5, descr=descr)))
    assert list(machine.run())
    assert machine.arrays == 1


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(TOLD + REFUSED), st.integers(0, 10_000), st.integers(0, 255))
def test_changed_streams_end_in_nothing_but_incomplete(make: Callable[[], bytes], place: int, value: int) -> None:
    data = bytearray(make())
    data[place % len(data)] = value
    for stream in (bytes(data), bytes(data[: place % len(data)])):
        machine = JoblibMachine(BytesSource(stream))
        try:
            events = list(machine.run())
        except Incomplete:
            continue
        assert machine.end <= len(stream)
        assert len(events) < len(stream)


def test_memo_entries_that_array_bytes_take_are_no_names() -> None:
    """A plain unpickler goes on with its own memo in an object array: it finds an instance where a text was."""
    clean = build.proto(4) + build.short("numpy") + b"\x94" + build.short("dtype") + b"\x940h\x00h\x01\x93."
    found, stopped = look(joblibs.object_array(clean))
    assert [finding.rule.id for finding in found] == []
    assert stopped == ""
