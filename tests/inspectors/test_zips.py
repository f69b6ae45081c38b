"""Archives: what is odd is told, and what is inside is looked at all the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.inspectors._zipwalk import Walk
from mlgate.records import Artifact, Limits
from mlgate.sources import BytesSource
from tests.builders import archives as build
from tests.builders import pickles
from tests.inspectors.looking import look

PAYLOAD = "MLG-PKL-001"


@pytest.mark.parametrize(
    ("make", "rules", "reasons"),
    [
        (build.plain, {PAYLOAD}, ()),
        (partial(build.plain, method=8), {PAYLOAD}, ()),
        (build.wrong_checksum, {PAYLOAD, "MLG-ARC-004"}, ()),
        (partial(build.wrong_checksum, method=8), {PAYLOAD, "MLG-ARC-004"}, ()),
        (build.flagged_encrypted, {PAYLOAD}, ()),
        (build.two_names, {PAYLOAD, "MLG-PKL-011", "MLG-ARC-001"}, ()),
        (build.same_name_twice, {PAYLOAD, "MLG-ARC-002"}, ()),
        (build.climbing, {"MLG-ARC-003"}, ()),
        (build.signature_in_the_comment, {PAYLOAD, "MLG-ARC-006"}, ()),
        (build.signature_in_the_record, set(), ("malformed",)),
        (build.unlisted, {"MLG-ARC-007"}, ()),
        (build.encrypted, set(), ("encrypted",)),
        (build.unknown_method, {PAYLOAD}, ("unsupported",)),
        (build.behind_pickle, {PAYLOAD, "MLG-PKL-007", "MLG-ARC-006"}, ()),
        (partial(build.with_extra, "notes.txt", "m.pkl"), {"MLG-ARC-001"}, ()),
        (partial(build.with_extra, "notes.txt", "../m.pkl"), {"MLG-ARC-001", "MLG-ARC-003"}, ()),
        (partial(build.with_extra, "notes.txt", "notes.txt"), set(), ()),
        (partial(build.with_extra, "mod\u00e8le.txt", "modele.txt"), set(), ()),
        (partial(build.second_end, pickles.os_system()), {"MLG-ARC-007"}, ()),
        (partial(build.wide, other=False), set(), ()),
        (partial(build.wide, other=True), {"MLG-ARC-007"}, ()),
        (build.volume, set(), ("unsupported",)),
        (partial(build.linked, "near", "other.txt", "a/b"), set(), ()),
        (partial(build.linked, "far", "/etc", "b"), {"MLG-ARC-020"}, ()),
        (partial(build.linked, "far", "../..", "far/b"), {"MLG-ARC-020", "MLG-ARC-022"}, ()),
        (partial(build.packed, 93, pickles.os_system()), {PAYLOAD}, ()),
        (partial(build.packed, 20, pickles.os_system()), {PAYLOAD}, ()),
        (partial(build.packed, 95, pickles.os_system()), {PAYLOAD}, ()),
        (partial(build.nested, 3), {PAYLOAD}, ()),
        (partial(build.nested, 6), set(), ("depth",)),
    ],
)
def test_tricks_around_a_payload(make: Callable[[], bytes], rules: set[str], reasons: tuple[str, ...]) -> None:
    seen = look(make())
    assert (seen.rules, seen.reasons) == (rules, reasons)


def test_an_ordinary_archive_has_nothing_odd_and_all_members_go_round() -> None:
    seen = look(build.ordinary_zip(), "docs.zip")
    assert (seen.findings, seen.reasons) == ((), ())
    assert {"docs/readme.md", "notes.txt", "packed.txt", "lzma.txt"} <= set(seen.members)


def test_names_of_members_are_joined_over_the_levels() -> None:
    finding = next(f for f in look(build.nested(1)).findings if f.rule.id == PAYLOAD)
    assert finding.location.member == "level0.zip!a/model.pkl"


def test_expansion_ends_at_the_limits() -> None:
    assert look(build.bomb(40 << 20)).reasons == ("limit",)
    assert look(build.bomb(1 << 20), limits=Limits(unpacked=1 << 19)).reasons == ("limit",)
    seen = look(build.overlapping(50), limits=Limits(unpacked=8 << 20))
    assert seen.reasons == ("limit",)
    assert "MLG-ARC-002" in seen.rules


def test_a_cut_archive_is_incomplete() -> None:
    data = build.plain()
    artifact = Artifact(path="a.zip", name="a.zip", source=BytesSource(data[:-30]))
    with pytest.raises(Incomplete, match=r"no end record|directory"):
        Walk(artifact)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255), st.sampled_from(["plain", "torch", "ordinary"]))
def test_one_changed_byte_never_crashes_a_reader(at: int, value: int, which: str) -> None:
    made = {"plain": build.plain(method=8), "torch": build.torch_zip({"w": 4}), "ordinary": build.ordinary_zip()}[which]
    data = bytearray(made)
    data[-1 - at % len(data)] = value
    look(bytes(data), limits=Limits(unpacked=1 << 20))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120), st.binary(max_size=60))
def test_any_bytes_around_signatures_end_in_an_answer(body: bytes, end: bytes) -> None:
    look(b"PK\x03\x04" + body + b"PK\x01\x02" + end + b"PK\x05\x06" + (end * 2)[:18].ljust(18, b"\0"))
