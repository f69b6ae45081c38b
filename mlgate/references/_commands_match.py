"""A command's words against the table's rows: which fit, and what their options and targets are."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlgate.references._commands_shell import Arg
from mlgate.references._commands_table import Commands, Row, option

_PYTHON = re.compile(r"(i|py)?python[\d.]*w?|pypy[\d.]*|py")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://|git@", re.IGNORECASE)
# docker run's options without a value (docs.docker.com/reference/cli/docker/container/run)
_NO_VALUE = re.compile(
    r"-[ditPq]+|--(rm|detach|init|privileged|read-only|interactive|tty|publish-all|quiet|no-healthcheck)"
)
_SHORT_VALUE = re.compile(r"-?\d")

Given = tuple[tuple[str, Arg], ...]  # environment variables


@dataclass(frozen=True, slots=True)
class Options:
    """The words behind a command: those by name, those by position, and those that are URLs."""

    named: dict[str, list[Arg]] = field(default_factory=dict)
    positions: list[Arg] = field(default_factory=list)
    urls: list[Arg] = field(default_factory=list)
    words: list[Arg] = field(default_factory=list)

    def add_url(self, word: Arg, *, downloads: bool) -> None:
        """Keeps a word that is a URL; of what downloads, any unknown word can be one."""
        text = word.plain or word.start
        unknown = not word.plain and ("://" in word.text or (downloads and not text.startswith("-")))
        if _URL.match(text) or (unknown and (word.values.known or word.values.unknown)):
            self.urls.append(word)

    def first(self, names: tuple[str, ...]) -> Arg | None:
        """The value of the first of these options that is given."""
        return next((self.named[name][0] for name in names if self.named.get(name)), None)

    def targets(self, row: Row) -> Iterator[Arg]:
        """What stands where the row's targets stand."""
        named = any(self.named.get(place) for place in row.target if isinstance(place, str))
        for place in row.target:
            if isinstance(place, int):
                if named:
                    continue  # what is left over then is a second value of another option
                yield from self.positions[place : None if row.all else place + 1]
            elif place == "url":
                yield from self.urls
            elif place.endswith("="):
                yield from (word.after(place) for word in self.words if word.start.startswith(place))
            else:
                yield from self.named.get(place, ())


def program(first: Arg) -> str:
    """The program's name without folder, version and `.exe`; "python" for every Python."""
    text = first.plain
    if not text:
        return "python" if "python" in first.text.lower() and first.values.unknown else ""
    name = posixpath.basename(text.replace("\\", "/")).removesuffix(".exe")
    return "python" if _PYTHON.fullmatch(name) else name


def match(table: Commands, args: tuple[Arg, ...]) -> list[tuple[Row, tuple[Arg, ...]]]:
    """The rows that fit these words, each with the words that follow."""
    if not args:
        return []
    found = []
    for words, row in table.rows.get(program(args[0]), ()):
        after = _after(words, args)
        if after is not None:
            found.append((len(words), row, args[after:]))
    return [(row, rest) for _, row, rest in found]


def _after(words: tuple[str, ...], args: tuple[Arg, ...]) -> int | None:
    """Where the words of a row end among those of a command, or None. Options may stand between."""
    at = 1
    for number, word in enumerate(words[1:], 1):
        wanted = words[:2] == ("python", "-m") and number == 1
        while at < len(args) and not _fits(word, args[at].plain):
            text = args[at].plain or args[at].start
            if not text.startswith("-") or (not wanted and words[:2] == ("python", "-m")):
                return None
            at += 1
            takes = at < len(args) and not _fits(word, args[at].plain) and not args[at].plain.startswith("-")
            if takes and at + 1 < len(args) and "=" not in text:
                at += 1
        if at >= len(args):
            return None
        at += 1
    return at


def _fits(word: str, text: str) -> bool:
    return text.startswith(word[:-1]) if word.endswith("*") else text == word


def options(args: tuple[Arg, ...], row: Row | None) -> Options:
    """The words behind a command by name and position. Without a row, no option is known to take no value."""
    found = Options()
    downloads = row is not None and row.source == "download"
    switches = row.switches.union(row.dataset) if row else frozenset()
    at = 0
    while at < len(args):
        word = args[at]
        text = word.plain or word.start
        at += 1
        found.words.append(word)
        found.add_url(word, downloads=downloads)
        if not text.startswith("-") or text in {"-", "--"} or _SHORT_VALUE.fullmatch(text):
            if text != "--":
                found.positions.append(word)
            continue
        name = option(text)
        if "=" in text and text.startswith("--"):
            found.named.setdefault(name, []).append(word.after(text.partition("=")[0] + "="))
        elif name in switches:
            found.named.setdefault(name, [])
        elif at < len(args) and not (args[at].plain or args[at].start).startswith("-"):
            found.named.setdefault(name, []).append(args[at])
            found.add_url(args[at], downloads=downloads)
            at += 1
        else:
            found.named.setdefault(name, [])
    return found


def starts_container(args: tuple[Arg, ...]) -> bool:
    """Whether it is `docker run`, under any of its names."""
    words = [a.plain for a in args[1:3]]
    return words[:1] in (["run"], ["create"]) or words in (["container", "run"], ["container", "create"])


def image_of(args: tuple[Arg, ...]) -> tuple[Given, str, tuple[Arg, ...]] | None:
    """Of `docker run`: its environment variables, the image and the words behind it."""
    at = next(i for i, a in enumerate(args) if a.plain in {"run", "create"}) + 1
    given: list[tuple[str, Arg]] = []
    while at < len(args) and (args[at].start.startswith("-") or args[at].plain.startswith("-")):
        text = args[at].plain or args[at].start
        value = args[at].after(text.partition("=")[0] + "=") if "=" in text else None
        if value is None and not _NO_VALUE.fullmatch(text) and at + 1 < len(args):
            at += 1
            value = args[at]
        if value is not None and text.partition("=")[0] in {"-e", "--env"} and "=" in (value.plain or value.start):
            name = (value.plain or value.start).partition("=")[0]
            given.append((name, value.after(name + "=")))
        at += 1
    return (tuple(given), args[at].plain or args[at].text, args[at + 1 :]) if at < len(args) else None
