"""A shell script to its commands, with the values that its variables can have at each. Nothing is run.

Assignments hold in the order of the text. One under a condition or in a loop adds to what was there before; so does
each item of a `for`. What a function is given, what another program prints and what the environment brings is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlgate.records import Resolution
from mlgate.references._commands_tokens import Tokens
from mlgate.references._commands_words import Inner, Mark, Part, Token, Variable, Word
from mlgate.references._domain import UNKNOWN, Known, Values, combine, union

MOST_DEPTH = 6  # scripts within scripts
_MOST_WORDS = 2000  # of one command
_MOST_ITEMS = 200  # of one array
_OPENING = frozenset({"if", "while", "until", "for", "case", "select"})
_CLOSING = frozenset({"fi", "done", "esac"})
_KEYWORDS = _OPENING | _CLOSING | {"then", "else", "elif", "do", "!", "{", "}", "time", "coproc", "[["}
_DECLARE = frozenset({"export", "local", "readonly", "declare", "typeset"})
_WRITES = frozenset({">", ">>", ">|", "&>", "&>>"})
_READING = frozenset({"read", "mapfile", "readarray", "getopts"})
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=", re.ASCII)
_DEFAULT = re.compile(r"([A-Za-z_]\w*)", re.ASCII)
Binding = Values | tuple[Values, ...]  # a tuple is an array


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument: what it can be, its source text, and the texts before the first and after the last unknown."""

    values: Values
    text: str
    line: int
    start: str = ""
    end: str = ""

    @property
    def plain(self) -> str:
        """The text when there is only one that it can be."""
        texts = self.values.texts()
        return texts[0][0] if len(texts) == 1 and not self.values.unknown else ""

    def after(self, prefix: str) -> Arg:
        """What is left without a prefix that all its values have."""
        known = tuple(Known(text.removeprefix(prefix), how) for text, how in self.values.texts())
        left = Values(known, self.values.unknown)
        return Arg(
            left, self.text.partition(prefix)[2] or self.text, self.line, self.start.removeprefix(prefix), self.end
        )


def arg(text: str, line: int, how: Resolution = Resolution.LITERAL) -> Arg:
    """An argument that is just this text."""
    return Arg(Values((Known(text, how),)), text, line, text, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A simple command. `set` are the variables set for it alone, `outputs` the files that it is redirected to, and
    `before` is the operator in front of it: `|` when it reads what another prints, `<(` when it prints for another.
    """

    args: tuple[Arg, ...]
    line: int
    end: int
    set: tuple[tuple[str, Arg], ...] = ()
    outputs: tuple[Arg, ...] = ()
    document: Inner | None = None
    before: str = ""


@dataclass
class _Reading:
    """What has been read of one command; `before` is the operator in front of it."""

    before: str = ""
    words: list[Word] = field(default_factory=list)
    outputs: list[Word] = field(default_factory=list)
    document: Inner | None = None
    redirection: str = ""

    def take(self, token: Token) -> bool:
        """Adds a token, or says that the command ends before it."""
        if isinstance(token, Inner):
            self.document = token
        elif isinstance(token, Mark):
            if token.text[0] not in "<>" and not token.text.startswith("&>"):
                return False
            self.redirection = token.text
        else:
            if self.redirection:
                if self.redirection in _WRITES:
                    self.outputs.append(token)
            elif len(self.words) < _MOST_WORDS:
                self.words.append(token)
            self.redirection = ""
        return True


@dataclass
class Shell:
    """Variables, by name, which scripts read one after the other share."""

    variables: dict[str, Binding] = field(default_factory=dict)
    _conditions: int = 0
    _items: list[Word] | None = None  # of the array that is being read

    def copy(self) -> Shell:
        return Shell(dict(self.variables))

    def run(self, text: str, line: int = 1, depth: int = 0) -> Iterator[Command]:
        """The commands of a script in its order, those of substitutions before the command that they stand in.

        A command without words and with `set` is an assignment to variables of the script.
        """
        now = _Reading()
        for token in (*Tokens(text, line), Mark("\n", 0)) if text else ():
            if self._items is not None:
                self._collect(token, now.words)
            elif isinstance(token, Inner) and not token.document:
                if depth < MOST_DEPTH:
                    yield from self.copy().run(token.text, token.line, depth + 1)
            elif isinstance(token, Mark) and token.text == "=(":
                self._items = []
            elif not now.take(token):
                if now.words or now.outputs:
                    yield from self._simple(now)
                before = token.text if isinstance(token, Mark) else ""
                now = _Reading(before="<(" if before == "(" and now.redirection == "<" else before)

    def _collect(self, token: Token, words: list[Word]) -> None:
        """One token of an array. Its name is the last word."""
        if isinstance(token, Word):
            if self._items is not None and len(self._items) < _MOST_ITEMS:
                self._items.append(token)
        elif isinstance(token, Mark) and token.text == ")":
            name = words.pop()
            items = tuple(arg.values for word in self._items or () for arg in self.expand(word))
            self._items = None
            found = _ASSIGNMENT.match(name.text)
            if found:
                old = self.variables.get(found[1])
                kept = old if isinstance(old, tuple) and (found[2] or self._conditions) else ()
                self.variables[found[1]] = (*kept, *items)[:_MOST_ITEMS]

    def _simple(self, now: _Reading) -> Iterator[Command]:
        words, outputs, conditional = now.words, now.outputs, now.before in {"&&", "||"}
        rest = self._without_keywords(words)
        own: list[tuple[str, Arg]] = []
        while rest and (found := _ASSIGNMENT.match(rest[0].text)):
            own.append((found[1], self._value(rest[0], found)))
            rest = rest[1:]
        if not rest or rest[0].bare in _DECLARE:
            matches = [(word, _ASSIGNMENT.match(word.text)) for word in rest[1:]]
            own += [(found[1], self._value(word, found)) for word, found in matches if found]
            for name, given in own:
                self.assign(name, given.values, conditional=conditional)
        elif rest[0].bare in _READING:
            for name in filter(_DEFAULT.fullmatch, (word.bare for word in rest[1:])):
                self.assign(name, UNKNOWN, conditional=conditional)
            return
        args = [arg for word in rest for arg in self.expand(word)]
        lines = [word.line for word in (*rest, *words[: len(words) - len(rest)], *outputs)]
        if not args and not own and not outputs:
            return
        yield Command(
            args=tuple(args[:_MOST_WORDS]),
            line=min(lines),
            end=max(lines),
            set=tuple(own),
            outputs=tuple(arg for word in outputs for arg in self.expand(word)),
            document=now.document,
            before=now.before,
        )

    def _without_keywords(self, words: list[Word]) -> list[Word]:
        """The words of a command behind `if`, `then` and the like, which are counted. Loops set their variable."""
        at = 0
        while at < len(words) and words[at].bare in _KEYWORDS:
            word = words[at].bare
            at += 1
            if word in _CLOSING:
                self._conditions = max(0, self._conditions - 1)
            elif word in _OPENING:
                self._conditions += 1
                if word in {"for", "select"}:
                    self._loop(words[at:])
                if word in {"for", "select", "case"}:
                    return []
        return words[at:]

    def _value(self, word: Word, found: re.Match[str]) -> Arg:
        value = self._evaluate(word).after(found[0])
        if found[2]:
            old = self.variables.get(found[1], UNKNOWN)
            values = combine(_concatenated, (old if isinstance(old, Values) else UNKNOWN, value.values))
            return Arg(values, value.text, value.line)
        return value

    def _loop(self, words: list[Word]) -> None:
        """`for name in items`: the name can be each of them."""
        if not words or not _DEFAULT.fullmatch(words[0].bare):
            return
        items = [arg.values for word in words[2:] for arg in self.expand(word)] if len(words) > 2 else [UNKNOWN]
        values = union(items)
        self.variables[words[0].bare] = values if values.known or values.unknown else UNKNOWN

    def assign(self, name: str, values: Values, *, conditional: bool = False) -> None:
        """What a variable can be from here on."""
        old = self.variables.get(name)
        if (conditional or self._conditions) and isinstance(old, Values):
            values = union((old, values))
        self.variables[name] = values

    def expand(self, word: Word) -> list[Arg]:
        """The arguments that a word becomes: arrays and unquoted variables can be several."""
        only = word.parts[0] if len(word.parts) == 1 else None
        if not isinstance(only, Variable):
            return [self._evaluate(word)]
        bound = self.variables.get(only.name)
        if isinstance(bound, tuple) and only.index in {"@", "*"}:
            return [Arg(_constant(values), word.text, word.line) for values in bound]
        found = self._evaluate(word)
        if word.quoted or not found.plain or not any(map(str.isspace, found.plain)):
            return [found]
        how = found.values.known[0].how
        return [arg(text, word.line, how) for text in found.plain.split()[:_MOST_ITEMS]]

    def _evaluate(self, word: Word) -> Arg:
        first, last = word.parts[0], word.parts[-1]
        if len(word.parts) == 1 and isinstance(first, str):
            return Arg(_literal(first), word.text, word.line, first, first)
        start = ""
        for part in word.parts:
            texts = self._part(part)
            if len(texts.texts()) != 1 or texts.unknown:
                break
            start += texts.texts()[0][0]
        end = last if isinstance(last, str) else ""
        return Arg(self.values(word.parts), word.text, word.line, start, end)

    def values(self, parts: tuple[Part, ...]) -> Values:
        """All texts that these parts can make."""
        each = [self._part(part) for part in parts]
        return each[0] if len(each) == 1 else combine(_concatenated, each)

    def _part(self, part: Part) -> Values:
        if part is None:
            return UNKNOWN
        if isinstance(part, str):
            return _literal(part)
        bound = self.variables.get(part.name)
        if isinstance(bound, tuple):
            if part.index.isdigit():
                number = int(part.index)
                return _constant(bound[number]) if number < len(bound) else UNKNOWN
            return union(map(_constant, bound)) if part.index else _constant(bound[0]) if bound else UNKNOWN
        if bound is not None and (bound.known or part.default is None):
            return _constant(bound)
        if part.default is None:
            return UNKNOWN
        return self.values(part.default).at_best(Resolution.DEFAULT)


def _literal(text: str) -> Values:
    return Values((Known(text, Resolution.LITERAL),))


def _constant(values: Values) -> Values:
    return values.at_best(Resolution.CONSTANT)


def _concatenated(*texts: object) -> str:
    return "".join(map(str, texts))
