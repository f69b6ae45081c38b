"""A command's words by option and position, and the texts that a word can be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlgate.references._commands_match import program
from mlgate.references._commands_shell import Arg, arg

_MOST_TEXTS = 20  # of one word: a matrix of versions has a few
_SHORT = re.compile(r"-[A-Za-z]")
_WHICH = re.compile(r"\"?(?:\$\(|`)\s*(?:which|command -v|type -[pP])\s+([\w.-]+)\s*[)`]\"?")  # $(which pip)
_NAMED = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?:\[[\w., -]*\])?)\s*(?:[=<>!~@]|$)")


@dataclass(frozen=True, slots=True)
class Words:
    """What stands behind a command. An option without a value is there with no values."""

    positions: list[Arg] = field(default_factory=list)
    named: dict[str, list[Arg]] = field(default_factory=dict)

    def values(self, *names: str) -> Iterator[Arg]:
        """The values of these options."""
        for name in names:
            yield from self.named.get(name, ())

    def has(self, *names: str) -> bool:
        return any(name in self.named for name in names)


def words(args: tuple[Arg, ...], valued: frozenset[str]) -> Words:
    """Options and positions; `valued` are the options that take the next word."""
    found = Words()
    at = 0
    ended = False
    while at < len(args):
        word = args[at]
        text = word.plain or word.start
        at += 1
        if ended or not text.startswith("-") or text == "-":
            found.positions.append(word)
        elif text == "--":
            ended = True
        elif text.startswith("--"):
            name, sign, _ = text.partition("=")
            values = found.named.setdefault(name, [])
            if sign:
                values.append(word.after(name + "="))
            elif name in valued and at < len(args):
                values.append(args[at])
                at += 1
        else:
            at += _short(found, word, text, args[at] if at < len(args) else None, valued)
    return found


def _short(found: Words, word: Arg, text: str, following: Arg | None, valued: frozenset[str]) -> int:
    """Short options, several in one word or with the value behind them; how many further words were taken."""
    if text in valued:
        found.named.setdefault(text, []).extend([following] if following else [])
        return 1
    for place in range(1, min(len(text), 20)):
        name = f"-{text[place]}"
        if not _SHORT.fullmatch(name):
            return 0
        values = found.named.setdefault(name, [])
        if name in valued:
            if place + 1 < len(text) or not word.plain:
                values.append(word.after(text[: place + 1]))
                return 0
            values.extend([following] if following else [])
            return 1
    return 0


def texts(word: Arg) -> list[str]:
    """The texts that a word can be, as far as the file tells; empty ones left out."""
    return [text for text, _ in word.values.texts() if text.strip()][:_MOST_TEXTS]


def name_in(word: Arg) -> str:
    """The requirement's name in a word of which only the rest is not known (`torch==$VERSION`)."""
    found = _NAMED.match(word.start)
    return found[1] if found and found.end() > len(found[1]) else ""


def after_module(args: tuple[Arg, ...]) -> tuple[Arg, ...]:
    """`python -m pip ...` as `pip ...`, whatever names the interpreter; other commands as they are."""
    for at in range(1, min(len(args) - 1, 5)):
        text = args[at].plain
        if text == "-m":
            known = program(args[0])
            is_python = known == "python" or "sys.executable" in known or (not known and args[0].values.unknown)
            return args[at + 1 :] if is_python else args
        if not text.startswith("-"):
            break
    return args


def called(first: Arg) -> str:
    """The tool's name: `pip` for pip3.11 and for a variable that is called so."""
    name = program(first)
    if re.fullmatch(r"pip\d?(\.\d+)?", name):
        return "pip"
    if not name and first.values.unknown and re.fullmatch(r"\W*(\w*_)?PIP3?(_\w*)?\W*", first.text, re.IGNORECASE):
        return "pip"
    if not name and (found := _WHICH.fullmatch(first.text)):
        return "pip" if found[1].startswith("pip") else "python" if found[1].startswith("python") else found[1]
    return name


def plain(text: str, line: int) -> Arg:
    """A word that is just this text."""
    return arg(text, line)
