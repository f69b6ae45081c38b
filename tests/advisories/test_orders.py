"""The order of versions in each ecosystem; the rules that the values below rest on are cited beside the parsers."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.advisories.match import is_affected, parse
from mlgate.advisories.orders import ORDERS, Incomparable
from tests.advisories.test_match import made

RISING = {
    "PyPI": "1.0.dev1 1.0a1 1.0b2 1.0rc1 1.0 1.0+cu118 1.0.post1 1.9 1.10 1!0.1",
    "npm": "1.0.0-0 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.b 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 9.0.0 10.0.0",
    "crates.io": "0.9.0 0.10.0-alpha.1 0.10.0",
    "Go": "v0.0.0-20190620104700-5770296d904e v0.0.0-20211202192323-5770296d904e v1.2.3 v1.10.0 1.21rc2 1.21 1.21.1",
    "Maven": "1.0-alpha-1 1.0-beta9 1.0-M2 1.0.CR1 1.0-rc2 1.0-SNAPSHOT 1.0 1.0-sp 1.0-jre 1.0-1 1.0.1 2.9.1 2.14.1",
    "RubyGems": "1.0.0.pre 1.0.0-1 1.0.0.rc1 1.0.0 1.0.0.1 1.2 1.10",
    "NuGet": "1.0.0-RC1 1.0.0-rc2 1.0.0 1.0.0.1 1.0.1-a 2.0",
    "Packagist": "1.0-dev 1.0-alpha 1.0.0-alpha2 1.0.0beta1 1.0.0-RC1 1.0.0 1.0.0-patch1 1.0.0.1 v1.2 1.10.0 20240101",
    "CRAN": "0.9-3 1.0 1.0-1 1.0.10 1.1",
    "Bioconductor": "1.9.2 1.10.0",
}
EQUAL = [
    ("PyPI", "1.0", "v1.0.0"),
    ("npm", "1.2.3+one", "v1.2.3+two"),
    ("Go", "v20.10.0+incompatible", "20.10.0"),
    ("Maven", "1.0.Final", "1"),
    ("Maven", "4.1.0.RELEASE", "4.1.0"),
    ("Maven", "1-a1", "1-alpha-1"),
    ("RubyGems", "1.0", "1"),
    ("NuGet", "1.0.0.0", "1.0+sha"),
    ("NuGet", "1.0.0-BETA", "1.0.0-beta"),
    ("Packagist", "v1.0", "1.0.0.0"),
    ("Packagist", "1.0.0-stable", "1.0"),
    ("CRAN", "1.0-2", "1.0.2"),
]
NONE = [
    ("PyPI", "0.1-bulbasaur"),
    ("npm", "1.x"),
    ("npm", "^1.2.3"),
    ("npm", "1.0.0-a..b"),
    ("npm", "latest"),
    ("Go", "main"),
    ("Maven", ""),
    ("Maven", "\uff11.0"),
    ("RubyGems", "~> 1"),
    ("NuGet", "[1.0,2.0)"),
    ("Packagist", "dev-main"),
    ("Packagist", "2.x-dev"),
    ("CRAN", "1.0a"),
    ("Hex", "1.0.0"),
]


@pytest.mark.parametrize("ecosystem", sorted(RISING))
def test_rising(ecosystem: str) -> None:
    texts = RISING[ecosystem].split()
    for low, high in itertools.combinations(texts, 2):
        assert parse(ecosystem, low) < parse(ecosystem, high), (low, high)
        assert parse(ecosystem, high) > parse(ecosystem, low)
        assert parse(ecosystem, low) != parse(ecosystem, high)


@pytest.mark.parametrize(("ecosystem", "one", "other"), EQUAL)
def test_equal(ecosystem: str, one: str, other: str) -> None:
    assert parse(ecosystem, one) == parse(ecosystem, other)
    assert parse(ecosystem, one) <= parse(ecosystem, other)
    assert is_affected(made("MAL-1", "p", ecosystem=ecosystem, versions=(other,)), ecosystem, "p", one)


@pytest.mark.parametrize(("ecosystem", "text"), NONE)
def test_no_version(ecosystem: str, text: str) -> None:
    with pytest.raises(Incomparable):
        parse(ecosystem, text)


def test_another_spelling_does_not_hide_a_listed_version() -> None:
    listed = made("MAL-1", "p", versions=("1.0.0",))
    for written in ("1", "v1.0", "0!1.0", "01.0", "1.0.0.0"):
        assert is_affected(listed, "PyPI", "p", written), written
    assert not is_affected(listed, "PyPI", "p", "1!1.0")


@pytest.mark.parametrize(
    "text", ["1" * 199, "1.0p" + "1" * 180 + "x", "1-" * 99, "1a" * 99, "1." * 99, "0" * 190 + "x"]
)
def test_long_text_costs_no_time(text: str) -> None:
    begun = time.monotonic()
    for ecosystem in ORDERS:
        try:
            parse(ecosystem, text)
        except Incomparable:
            continue
    assert time.monotonic() - begun < 1


TEXT = st.text("0123456789.-+vabrcpdevRCM_ ", max_size=16)


@given(st.sampled_from(sorted(ORDERS)), st.lists(TEXT | st.text(max_size=8), min_size=3, max_size=3))
def test_a_total_order_and_no_other_exception(ecosystem: str, texts: list[str]) -> None:
    values = []
    for text in texts:
        try:
            values.append(parse(ecosystem, text))
        except Incomparable:
            continue
    for one, other in itertools.permutations(values, 2):
        assert (one < other) + (one == other) + (one > other) == 1
    for one, two, three in itertools.permutations(values, 3):
        if ecosystem not in {"Maven", "RubyGems"}:  # their own definitions are not transitive everywhere
            assert not (one < two < three) or one < three


PAIRS = {
    "maven": ("Maven",),
    "maven-gen": ("Maven",),
    "nuget": ("NuGet",),
    "pypi": ("PyPI",),
    "pypi-gen": ("PyPI",),
    "rubygems": ("RubyGems",),
    "rubygems-gen": ("RubyGems",),
    "semver": ("npm", "crates.io", "Go"),
}
# Pairs that differ: what Maven 3.8.7 itself puts the other way round from these files (they hold an older reading of
# its specification), and versions that PEP 440 does not have, which are told as incomparable.
DIFFERENT = {"maven-gen": 20, "pypi-gen": 69, "pypi": 11}


@pytest.mark.skipif("MLGATE_VERSION_ORDER" not in os.environ, reason="a folder of pairs, OSV-SCALIBR's form")
@pytest.mark.parametrize(("name", "ecosystem"), [(name, each) for name, all_ in PAIRS.items() for each in all_])
def test_pairs_of_others(name: str, ecosystem: str) -> None:
    different = []
    for line in (Path(os.environ["MLGATE_VERSION_ORDER"]) / f"{name}.txt").read_text().splitlines():
        parts = line.split()
        if len(parts) != 3 or parts[0] in {"//", "#"}:
            continue
        try:
            one, other = parse(ecosystem, parts[0]), parse(ecosystem, parts[2])
        except Incomparable:
            different.append(line)
            continue
        if ("<" if one < other else "=" if one == other else ">") != parts[1]:
            different.append(line)
    assert len(different) == DIFFERENT.get(name, 0), different[:30]
