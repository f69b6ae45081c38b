"""The order of versions in each ecosystem of which OSV has advisories.

A parser here takes the text of a version and gives something that compares with `<`, `==` and `>`, and raises
Incomparable when the text is no version of the ecosystem. All are linear in the text, which the caller bounds.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

Order = Callable[[str], Any]

_SEMVER = re.compile(r"v?([0-9]+(?:\.[0-9]+){0,2})(?:-([0-9A-Za-z.-]+))?(?:\+.*)?", re.DOTALL)
_FOURTH = re.compile(r"(v?[0-9]+\.[0-9]+\.[0-9]+)\.[0-9].*", re.DOTALL)
_NUGET = re.compile(r"v?([0-9]+(?:\.[0-9]+){0,3})(?:-([0-9A-Za-z.-]+))?(?:\+.*)?", re.DOTALL)
_GO_RELEASE = re.compile(r"([0-9]+\.[0-9]+(?:\.[0-9]+)?)(rc|beta)([0-9]+)")
_GEM = re.compile(r"[0-9]+[0-9A-Za-z]*(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")
_SUFFIX = r"(?:[._-]?(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?[0-9]+(?:[.-][0-9]+)*)?))?([.-]?dev)?"
_COMPOSER = re.compile(rf"v?([0-9]{{1,5}}(?:\.[0-9]+){{0,3}}){_SUFFIX}(?:\+\S*)?", re.IGNORECASE)
_COMPOSER_DATE = re.compile(
    rf"v?([0-9]{{4}}(?:[.:-]?[0-9]{{2}}){{1,6}}(?:[.:-]?[0-9]{{1,3}}){{0,2}}){_SUFFIX}(?:\+\S*)?", re.IGNORECASE
)
_STAGES = {"alpha": -3, "a": -3, "beta": -2, "b": -2, "rc": -1, "": 0, "stable": 0, "patch": 1, "pl": 1, "p": 1}
_MAVEN = re.compile(r"([.-]?)([0-9]+|[^0-9.-]+|)")
_QUALIFIERS = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_SAME = {"cr": "rc", "ga": "", "final": "", "release": ""}


class Incomparable(Exception):  # noqa: N818  (a state of the version, told as such)
    """The version is none in its ecosystem's order."""


def pypi(text: str) -> Any:
    """PEP 440, as pip reads it."""
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415  (start-up)

    try:
        return Version(text)
    except InvalidVersion:
        raise Incomparable(text) from None


def semver(text: str) -> Any:
    """Semantic Versioning 2.0.0, item 11; what stands behind `+`, or behind a third number, is build metadata.

    Fewer than three numbers are filled up with zeros, as OSV does with the boundaries of ranges.
    """
    longer = _FOURTH.fullmatch(text)
    return _precedence(_SEMVER, longer[1] if longer else text, text)


def go(text: str) -> Any:
    """Go's modules are semantic; its own releases write `1.21rc2` for what OSV calls 1.21.0-rc.2 (go.dev/doc/go1compat
    names and pkg.go.dev/go/version).
    """
    release = _GO_RELEASE.fullmatch(text)
    return semver(f"{release[1]}-{release[2]}.{release[3]}" if release else text)


def nuget(text: str) -> Any:
    """NuGet's order: up to four numbers, and what follows the hyphen without regard to case
    (learn.microsoft.com/nuget/concepts/package-versioning, "Normalized version numbers").
    """
    return _precedence(_NUGET, text.lower(), text)


def _precedence(pattern: re.Pattern[str], text: str, written: str) -> Any:
    found = pattern.fullmatch(text)
    if not found or (found[2] is not None and not all(found[2].split("."))):
        raise Incomparable(written)
    numbers = [int(part) for part in found[1].split(".")]
    numbers += [0] * (4 - len(numbers))
    if found[2] is None:
        return (*numbers, 1, ())  # a release comes after its pre-releases
    parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in found[2].split("."))
    return (*numbers, 0, parts)


def cran(text: str) -> Any:
    """R's package_version: numbers between dots and hyphens, which mean the same ("Writing R Extensions", 1.1.1)."""
    if not re.fullmatch(r"[0-9]{1,20}(?:[.-][0-9]{1,20})*", text):
        raise Incomparable(text)
    return tuple(int(part) for part in re.split(r"[.-]", text))


def composer(text: str) -> Any:
    """Composer's normal form (getcomposer.org/doc/articles/versions.md) in the order of PHP's version_compare:
    dev < alpha < beta < RC < no suffix < patch. Branches (`dev-main`, `2.x-dev`) have no place in it.
    """
    found = _COMPOSER.fullmatch(text.strip()) or _COMPOSER_DATE.fullmatch(text.strip())
    if not found:
        raise Incomparable(text)
    numbers = [int(part) for part in re.split(r"[.:-]", found[1])]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    stage = _STAGES[(found[2] or "").lower()]
    revision = tuple(int(part) for part in re.findall(r"[0-9]+", found[3] or "")) if stage else ()
    if found[4] and not found[2]:
        return (tuple(numbers), -4, (), 0)
    return (tuple(numbers), stage, revision, 0 if found[4] else 1)


@functools.total_ordering
class _Compared:
    """A sequence that is compared part by part with a filling that depends on the other side."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts

    def compare(self, other: Any) -> int:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.compare(other) == 0

    def __lt__(self, other: Any) -> bool:
        return self.compare(other) < 0

    __hash__ = None  # type: ignore[assignment]  # equal versions have unequal parts


class _Gem(_Compared):
    def compare(self, other: Any) -> int:
        for mine, theirs in zip_longest(self.parts, other.parts, fillvalue=(1, 0, "")):
            if mine != theirs:
                return -1 if mine < theirs else 1
        return 0


def gem(text: str) -> Any:
    """Gem::Version: segments of digits or letters, letters before digits, missing ones are 0, `-` is `.pre.`
    (the class's documentation at docs.ruby-lang.org).
    """
    if not _GEM.fullmatch(text.strip()):
        raise Incomparable(text)
    segments = re.findall(r"[0-9]+|[A-Za-z]+", text.replace("-", ".pre."))
    parts = [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in segments]
    first = next((place for place, part in enumerate(parts) if part[0] == 0), len(parts))
    numbers, rest = parts[:first], parts[first:]
    for half in (numbers, rest):
        while half and half[-1] == (1, 0, ""):
            half.pop()
    return _Gem((*numbers, *rest))


class _Maven(_Compared):
    def compare(self, other: Any) -> int:
        for mine, theirs in zip_longest(self.parts, other.parts):
            low, high = _ranked(mine, theirs), _ranked(theirs, mine)
            if low != high:
                return -1 if low < high else 1
        return 0


def _ranked(part: tuple[str, str] | None, other: tuple[str, str] | None) -> tuple[int, int, str]:
    """A token's place: qualifiers before `-number` before `.number`; a missing one is the null of the other's kind."""
    if part is None:
        number = other is not None and other[0] == "." and other[1][:1].isdigit()
        part = (".", "0") if number else ("-", "")  # before any qualifier "", as Maven itself does since 3.0
    separator, token = part
    if token[:1].isdigit():
        return (2 if separator == "." else 1), int(token), ""
    place = _QUALIFIERS.index(token) if token in _QUALIFIERS else len(_QUALIFIERS)
    return 0, place, token


def maven(text: str) -> Any:
    """Maven's order (maven.apache.org/pom.html#version-order-specification)."""
    if not text.strip() or not text.isascii():
        raise Incomparable(text)
    tokens: list[tuple[str, str]] = []
    for separator, token in _MAVEN.findall(text.strip().lower()):
        if not separator and not token:
            continue  # the end
        if tokens and not separator and token[0].isdigit() and tokens[-1][1] in _SHORT:
            tokens[-1] = (tokens[-1][0], _SHORT[tokens[-1][1]])
        if token and not token[0].isdigit():
            separator = "-"  # noqa: PLW2901  (Maven reads .RC1 as -RC1 since 3.8.7)
        tokens.append((separator or ("-" if tokens else "."), token or "0"))
    kept: list[tuple[str, str]] = []
    for separator, token in tokens:
        if separator == "-":
            _trim(kept)
        kept.append((separator, _SAME.get(token, token)))
    _trim(kept)
    return _Maven(tuple(kept))


def _trim(tokens: list[tuple[str, str]]) -> None:
    while len(tokens) > 1 and not tokens[-1][1].strip("0"):
        tokens.pop()


ORDERS: dict[str, Order] = {
    "PyPI": pypi,
    "npm": semver,
    "crates.io": semver,
    "Go": go,
    "Maven": maven,
    "RubyGems": gem,
    "NuGet": nuget,
    "Packagist": composer,
    "CRAN": cran,
    "Bioconductor": cran,
}
UNHASHABLE = frozenset({"Maven", "RubyGems"})  # equal versions of theirs have different parts


_EARLY = re.compile(
    r"(?:^|[^a-z])(?:a|alpha|b|beta|m|milestone|rc|cr|c|pre|preview|dev|snapshot|ea)(?:[^a-z]|$)", re.IGNORECASE
)


def is_early(ecosystem: str, text: str) -> bool:
    """Whether a version that has a place in the order is a pre-release, which the ecosystem's tools do not take unless
    it is asked for by name. Maven knows none; there the usual words tell.
    """
    value = ORDERS[ecosystem](text)
    if ecosystem == "PyPI":
        return bool(value.is_prerelease)
    if ecosystem in {"npm", "crates.io", "Go", "NuGet"}:
        return bool(value[4] == 0)
    if ecosystem == "Packagist":
        return bool(value[1] < 0 or value[3] == 0)
    if ecosystem == "RubyGems":
        return any(part[0] == 0 for part in value.parts)
    return ecosystem == "Maven" and bool(_EARLY.search(text))
