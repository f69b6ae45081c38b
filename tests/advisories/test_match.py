from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlgate.advisories.match import affected_ranges, is_affected, parse, smallest_upgrade
from mlgate.advisories.orders import Incomparable
from mlgate.advisories.records import Record, decode
from mlgate.advisories.severity import base_score, rate
from mlgate.records import Severity
from tests.builders.osv import V31_CRITICAL, record


def made(*arguments: Any, **keywords: Any) -> Record:
    return decode(json.dumps(record(*arguments, **keywords)).encode())


INTRODUCED, FIXED, LAST = "introduced", "fixed", "last_affected"


@pytest.mark.parametrize(
    ("version", "events", "affected"),
    [
        ("2.0.0", ({INTRODUCED: "0"}, {FIXED: "2.6.0"}), True),
        ("2.6.0", ({INTRODUCED: "0"}, {FIXED: "2.6.0"}), False),
        ("2.6.0rc1", ({INTRODUCED: "0"}, {FIXED: "2.6.0"}), True),
        ("2.10.0", ({INTRODUCED: "2.9.0"}, {FIXED: "2.11.0"}), True),
        ("1.0", ({INTRODUCED: "1.1"},), False),
        ("9", ({INTRODUCED: "1.1"},), True),
        ("2.0", ({INTRODUCED: "1"}, {LAST: "2.0"}), True),
        ("2.0.1", ({INTRODUCED: "1"}, {LAST: "2.0"}), False),
        ("2.5", ({INTRODUCED: "0"}, {FIXED: "1"}, {INTRODUCED: "2"}, {FIXED: "3"}), True),
        ("1.5", ({INTRODUCED: "2"}, {FIXED: "3"}, {INTRODUCED: "0"}, {FIXED: "1"}), False),
        ("3.5", ({INTRODUCED: "0"}, {"limit": "3"}), False),
        ("2.0.0+cu118", ({INTRODUCED: "0"}, {FIXED: "2.0.1"}), True),
    ],
)
def test_ranges(version: str, events: tuple[dict[str, str], ...], affected: bool) -> None:
    assert is_affected(made("X-1", events=events), "PyPI", "torch", version) is affected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (({INTRODUCED: "0"}, {FIXED: "2.6.0"}), "<2.6.0"),
        (({INTRODUCED: "1.1"},), ">=1.1"),
        (({INTRODUCED: "0"},), "*"),
        (({INTRODUCED: "1"}, {LAST: "2.0"}), ">=1|<=2.0"),
        (({INTRODUCED: "2"}, {FIXED: "3+cu118"}, {INTRODUCED: "0"}, {FIXED: "1"}), "<1|>=2|<3%2Bcu118"),
        (({INTRODUCED: "0"}, {"limit": "3"}), ""),
        (({INTRODUCED: "0"}, {FIXED: "1"}, {FIXED: "2"}), ""),
        (({INTRODUCED: "x y"},), ""),
        ((), ""),
    ],
)
def test_ranges_are_said_as_vers(events: tuple[dict[str, str], ...], expected: str) -> None:
    found = affected_ranges([made("X-1", events=events)], "PyPI", "torch")
    assert found == ((f"vers:pypi/{expected}",) if expected else ())
    assert affected_ranges([made("X-1", events=events)], "Debian", "torch") == ()


def test_versions_and_ranges_both_count_and_neither_means_all() -> None:
    both = made("X-1", events=({INTRODUCED: "5"},), versions=("1.0",))
    assert [is_affected(both, "PyPI", "torch", v) for v in ("1.0", "1.0.0", "5.1", "2.0")] == [True, True, True, False]
    assert is_affected(made("MAL-1"), "PyPI", "torch", "7")
    assert not is_affected(made("X-1", withdrawn=True), "PyPI", "torch", "7")
    assert not is_affected(made("X-1", kind="GIT", events=({INTRODUCED: "0"},)), "PyPI", "torch", "7")


def test_names_are_equal_as_the_ecosystem_says() -> None:
    assert is_affected(made("X-1", "Foo.Bar_baz"), "PyPI", "foo-bar-baz", "1")
    assert not is_affected(made("X-1", "Foo", ecosystem="npm"), "npm", "foo", "1")
    assert not is_affected(made("X-1", "torch", ecosystem="npm"), "PyPI", "torch", "1")


@pytest.mark.parametrize(
    ("ecosystem", "low", "high"),
    [
        ("PyPI", "1.0.dev1", "1.0a1"),
        ("PyPI", "1.9", "1.10"),
        ("npm", "1.0.0-alpha.1", "1.0.0"),
        ("npm", "9.0.0", "10.0.0"),
        ("Maven", "2.0-beta9", "2.0"),
        ("Maven", "2.9.1", "2.14.1"),
        ("Maven", "1.0-SNAPSHOT", "1.0"),
        ("crates.io", "0.9.0", "0.10.0"),
        ("Go", "v1.2.3", "v1.10.0"),
        ("RubyGems", "1.0.0.pre", "1.0.0"),
        ("NuGet", "1.0.0-rc1", "1.0.0"),
    ],
)
def test_order_of_each_ecosystem(ecosystem: str, low: str, high: str) -> None:
    assert parse(ecosystem, low) < parse(ecosystem, high)


def test_what_has_no_order_is_told_and_not_taken_for_clean() -> None:
    ranged = made("X-1", events=({INTRODUCED: "0"}, {FIXED: "2"}))
    for ecosystem, version in (("PyPI", "not-a-version"), ("PyPI", "1" * 300)):
        with pytest.raises(Incomparable):
            is_affected(ranged, ecosystem, "torch", version)
    assert is_affected(made("X-1", versions=("2004d",)), "PyPI", "torch", "2004d")


def test_the_smallest_upgrade_clears_every_advisory() -> None:
    one = made("X-1", events=({INTRODUCED: "0"}, {FIXED: "2.2"}))
    two = made("X-2", events=({INTRODUCED: "2.1"}, {FIXED: "2.6"}))
    assert smallest_upgrade((one,), "PyPI", "torch", "2.0") == "2.2"
    assert smallest_upgrade((one, two), "PyPI", "torch", "2.0") == "2.6"
    assert smallest_upgrade((made("X-3", events=({INTRODUCED: "0"},)),), "PyPI", "torch", "2.0") == ""


@pytest.mark.parametrize(
    ("kind", "vector", "score"),
    [
        ("CVSS_V3", V31_CRITICAL, 9.8),
        ("CVSS_V3", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H", 5.5),
        ("CVSS_V2", "AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5),
        ("CVSS_V4", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
        ("CVSS_V3", "nonsense", None),
        ("Ubuntu", "high", None),
    ],
)
def test_scores_are_those_of_first(kind: str, vector: str, score: float | None) -> None:
    assert base_score(kind, vector) == score


def test_the_score_comes_before_the_word_and_nobodys_word_is_nothing() -> None:
    rated = rate([made("X-1", word="LOW"), made("X-2", vector=V31_CRITICAL)])
    assert (rated.severity, rated.score) == (Severity.CRITICAL, 9.8)
    rated = rate([made("X-1", word="MODERATE")])
    assert (rated.severity, rated.score) == (Severity.MEDIUM, None)
    assert rate([made("X-1")]).severity is None


VERSIONS = st.lists(st.integers(0, 30), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))


@given(VERSIONS, VERSIONS, VERSIONS)
def test_a_range_is_what_lies_between(version: str, low: str, high: str) -> None:
    assume(parse("PyPI", low) < parse("PyPI", high))
    ranged = made("X-1", events=({INTRODUCED: low}, {FIXED: high}))
    between = parse("PyPI", low) <= parse("PyPI", version) < parse("PyPI", high)
    everything = low == "0" and parse("PyPI", version) < parse("PyPI", high)
    assert is_affected(ranged, "PyPI", "torch", version) is (between or everything)
