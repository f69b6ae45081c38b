"""Names that look like another, much more downloaded package's, by the ways in which squatters make them.

The ways are those of the literature: one edit, repeated letters, moved separators, swapped words and look-alike
characters (Taylor et al., "Defending Against Package Typosquatting", NSS 2020, as TypoGard's six signals), and words of
the language put before or after the name (Vu et al., "Typosquatting and Combosquatting Attacks on the Python
Ecosystem", EuroS&PW 2020; Neupane et al., "Beyond Typosquatting", USENIX Security 2023, who count the edit of one
letter as by far the most frequent). data/pypi-top.txt has the 14,985 most downloaded names of PyPI, most downloaded
first, as of November 2026: a name in it is known, and never judged. benchmarks/typosquats.py measures the thresholds.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST = 100  # of all names on PyPI, 886,000 of them, three in ten thousand are longer
TARGETS = 5_000  # the ranks that are worth a squatter's while
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_EXCHANGED = "two neighbours are exchanged"
_RUNS = re.compile(r"(.)\1+")
# From how many characters on one edit counts, by how far down the list the name is that it leads to: of short names
# most lie one edit from another, so only the most downloaded are worth the noise.
_EDITS = ((6, 600), (7, 2_000), (8, TARGETS))
_SLIPS = ((4, 1_000), (5, 1_500), (6, TARGETS))  # where neighbours are exchanged, which few real names are to another
_SHORTEST_WORD = 5  # of the word that is edited in a name of several: `-asgi` and `-wsgi` are two real things
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # a slip in the first letter goes to the key beside it, if anywhere
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "3": "e", "4": "a"})
_LANGUAGE = (
    re.compile(r"(?:python[23]?|py[23]?)-?(?P<name>.+)"),
    re.compile(r"(?P<name>.+?)-?(?:python[23]?|py[23]?)"),
    re.compile(r"(?P<name>.+?)-?(?:lib|library|package|module|pkg)"),
)
_VERSIONED = re.compile(r"\b(python)[23]\b")
_AFFIXED = 400  # the ranks for which a word of the language before or after the name counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Resemblance:
    """The much more downloaded name that another resembles, its place in the list (from 1), and how it differs."""

    name: str
    rank: int
    how: str


@functools.cache
def ranks() -> dict[str, int]:
    """The most downloaded names of PyPI, in their PEP 503 form, with their places from 1."""
    text = importlib.resources.files("mlgate.policy").joinpath("data", "pypi-top.txt").read_text(encoding="utf-8")
    return {name: place for place, name in enumerate(text.split(), 1)}


@functools.lru_cache(maxsize=8_192)
def resembled(name: str) -> Resemblance | None:
    """Which popular package a name of PyPI (in its PEP 503 form) could be mistaken for, or None.

    Known names resemble nothing.
    """
    if len(name) > _LONGEST or name in ranks():
        return None
    return among(name, _targets())


@functools.cache
def _targets() -> Targets:
    return Targets(list(ranks())[:TARGETS])


class Targets:
    """The names that are worth to be squatted, most downloaded first, by each of their disguises."""

    def __init__(self, names: list[str]) -> None:
        self.ranks = {name: place for place, name in enumerate(names, 1)}
        self.squashed: dict[str, str] = {}
        self.words: dict[str, str] = {}
        self.alike: dict[str, str] = {}
        self.runs: dict[str, str] = {}
        for name in names:
            self.squashed.setdefault(name.replace("-", ""), name)
            if "-" in name:
                self.words.setdefault(_sorted(name), name)
            self.alike.setdefault(_alike(name), name)
            self.runs.setdefault(_RUNS.sub(r"\1", name), name)


def among(name: str, targets: Targets) -> Resemblance | None:
    """Which of the targets a name that is none of them resembles: the most downloaded, by the first way that fits."""
    for how, found in _ways(name, targets):
        if found and found != name:
            return Resemblance(name=found, rank=targets.ranks[found], how=how)
    return None


def _ways(name: str, targets: Targets) -> Iterator[tuple[str, str | None]]:
    letters = sum(map(name.count, _LETTERS))
    if letters >= 5:
        yield "the hyphens stand elsewhere", targets.squashed.get(name.replace("-", ""))
        if "-" in name:
            yield "the same words in another order", targets.words.get(_sorted(name))
        yield "characters that look alike are exchanged", _of_letters(name, targets.alike.get(_alike(name)))
        if letters >= 6:
            yield "letters are repeated or dropped", targets.runs.get(_RUNS.sub(r"\1", name))
    if letters >= 4:
        yield from _edited(name, targets)
    yield from _affixed(name, targets)


def _sorted(name: str) -> str:
    return "-".join(sorted(name.split("-")))


def _alike(name: str) -> str:
    return name.translate(_ALIKE).replace("rn", "m").replace("vv", "w")


def _of_letters(name: str, found: str | None) -> str | None:
    """The target, unless the two differ in digits only: `foo1` is another version of `foo`."""
    return found if found and found.rstrip("0123456789") != name.rstrip("0123456789") else None


def _edited(name: str, targets: Targets) -> Iterator[tuple[str, str | None]]:
    """The most downloaded target that is one edit of letters away."""
    best: tuple[int, str, str] | None = None
    for how, other in _edits(name):
        rank = targets.ranks.get(other, 0)
        if rank and (best is None or rank < best[0]) and _long_word(name, other):
            length = max(len(name), len(other))
            table = _SLIPS if how is _EXCHANGED else _EDITS
            if rank <= max((least for shortest, least in table if length >= shortest), default=0):
                best = rank, other, how
    if best:
        yield best[2], best[1]


def _long_word(name: str, other: str) -> bool:
    """Whether the word that differs is long enough for a slip of the hand."""
    ours, theirs = name.split("-"), other.split("-")
    if len(ours) == 1 or len(ours) != len(theirs):
        return True
    return all(one == two or len(two) >= _SHORTEST_WORD for one, two in zip(ours, theirs, strict=True))


def _edits(name: str) -> Iterator[tuple[str, str]]:
    """All names that become this one by one edit of a letter (optimal string alignment), with the edit."""
    splits = [(name[:place], name[place:]) for place in range(len(name) + 1)]
    for before, after in splits:
        if len(after) > 1 and after[0] != after[1]:
            yield _EXCHANGED, before + after[1] + after[0] + after[2:]
    for before, after in splits:
        for letter in _LETTERS:
            yield "a letter is left out", before + letter + after
    for before, after in splits:
        if not after or not after[0].isalpha():
            continue
        if before or after[0] == after[1:2]:
            yield "a letter is added", before + after[1:]
        for letter in _LETTERS if before else _beside(after[0]):
            yield "one letter is another", before + letter + after[1:]


@functools.cache
def _beside(letter: str) -> str:
    """The letters on the keys beside a letter's."""
    for number, row in enumerate(_ROWS):
        place = row.find(letter)
        if place >= 0:
            near = (row, *_ROWS[max(number - 1, 0) : number], *_ROWS[number + 1 : number + 2])
            return "".join(other[max(place - 1, 0) : place + 2] for other in near)
    return ""


def _affixed(name: str, targets: Targets) -> Iterator[tuple[str, str | None]]:
    for digit in "234":
        if targets.ranks.get(name + digit, TARGETS) <= _AFFIXED:
            yield "the number at its end is left out", name + digit
    unversioned = _VERSIONED.sub(r"\1", name)
    if unversioned in targets.ranks:
        yield "a version of the language is named", unversioned
    for pattern in _LANGUAGE:
        found = pattern.fullmatch(name)
        if found and len(found["name"]) >= 4 and targets.ranks.get(found["name"], TARGETS) <= _AFFIXED:
            yield "a word of the language is added", found["name"]
