"""What a file of JavaScript binds and calls: imports, constants, calls with their arguments as ranges of tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mlgate.records import Resolution
from mlgate.references._ecmascript import NAME, SIGN, STRING, Token

_OPEN = {"(": ")", "[": "]", "{": "}"}
_CLOSE = frozenset(_OPEN.values())
_MODIFIERS = frozenset({"static", "readonly", "private", "public", "protected"})
_STATEMENTS = frozenset(
    {"const", "let", "var", "export", "function", "class", "import", "return", "if", "for", "async"} | _MODIFIERS
)
_INFIX = frozenset({"as", "satisfies", "in", "instanceof"})
_DEEP = 8  # constants that name each other


@dataclass(frozen=True, slots=True)
class Binding:
    """A local name for an export of a package; "*" is the whole package, "default" its default export."""

    package: str
    export: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the dotted path as written (`this` and calls in between left out), its arguments, where it begins."""

    path: tuple[str, ...]
    new: bool
    arguments: tuple[tuple[int, int], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Value:
    """A text, and how it was found; None when only the running program knows."""

    text: str | None
    how: Resolution = Resolution.LITERAL


UNKNOWN = Value(None, Resolution.UNKNOWN)


@dataclass(slots=True)
class Module:
    """The tokens of a file with what they bind."""

    tokens: list[Token]
    bindings: dict[str, Binding] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)
    constants: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._match()
        self.starts = {end: start for start, end in self.ends.items()}
        for index in range(len(self.tokens)):
            self._bind(index)

    # -- structure

    def text(self, index: int) -> str:
        """The text of a sign or name; "" for everything else and outside of the file."""
        if 0 <= index < len(self.tokens) and self.tokens[index].kind in (NAME, SIGN):
            return self.tokens[index].text
        return ""

    def string(self, index: int) -> str | None:
        """The value of a string."""
        inside = 0 <= index < len(self.tokens) and self.tokens[index].kind == STRING
        return self.tokens[index].text if inside else None

    def _match(self) -> None:
        stack: list[int] = []
        for index, token in enumerate(self.tokens):
            if token.kind != SIGN:
                continue
            if token.text in _OPEN:
                stack.append(index)
            elif token.text in _CLOSE and stack and _OPEN[self.tokens[stack[-1]].text] == token.text:
                self.ends[stack.pop()] = index

    def parts(self, start: int, end: int) -> list[tuple[int, int]]:
        """The ranges between the commas from `start` to `end`."""
        found, begin, at = [], start, start
        while at < end:
            if self.text(at) == "," and self.tokens[at].kind == SIGN:
                found.append((begin, at))
                begin = at + 1
            at = max(self.ends.get(at, at), at) + 1
        if begin < end:
            found.append((begin, end))
        return found

    # -- bindings

    def _bind(self, index: int) -> None:
        word = self.text(index)
        if word == "import":
            self._import(index)
        elif word == "require" and self.text(index + 1) == "(":
            self._require(index)
        elif word in ("const", "let", "var"):
            self._constant(index + 1)
        elif word in _MODIFIERS and self.text(index + 1) not in _MODIFIERS:
            self._constant(index + 1, "this.")

    def _import(self, index: int) -> None:
        """`import a, { b as c } from "p"`, `import * as n from "p"`, `await import("p")`."""
        if self.text(index + 1) == "(":
            package = self.string(index + 2)
            if package:
                self.packages.add(package)
                self._assigned(index, package)
            return
        at = index + 1
        if self.text(at) == "type" and self.text(at + 1) not in ("from", ","):
            at += 1
        names: list[tuple[str, str]] = []
        for _ in range(2_000):
            word = self.text(at)
            if self.string(at) is not None or not word:
                break
            if word == "{":
                end = self.ends.get(at, at)
                names += self._names(at + 1, end, "as")
                at = end
            elif word == "*":
                names.append((self.text(at + 2), "*"))
                at += 2
            elif word == "from":
                at += 1
                break
            elif word != ",":
                names.append((word, "default"))
            at += 1
        package = self.string(at)
        if package:
            self.packages.add(package)
            for local, export in names:
                self.bindings[local] = Binding(package, export)

    def _names(self, start: int, end: int, word: str) -> list[tuple[str, str]]:
        """(local name, export) of `{ a, b as c }`, or with `:` of a destructured require."""
        found = []
        for begin, stop in self.parts(start, end):
            is_type = self.text(begin) == "type" and stop - begin > 1 and self.text(begin + 1) != word
            first = begin + is_type
            export = self.text(first) or self.string(first) or ""
            local = self.text(first + 2) if self.text(first + 1) == word else export
            if export and local:
                found.append((local, export))
        return found

    def _require(self, index: int) -> None:
        package = self.string(index + 2)
        if package:
            self.packages.add(package)
            self._assigned(index, package)

    def _assigned(self, index: int, package: str) -> None:
        """Binds what stands before `= require(...)` or `= await import(...)`; `.x` behind it is an export."""
        at = index - 1
        if self.text(at) == "await":
            at -= 1
        if self.text(at) != "=":
            return
        close = self.ends.get(index + 1, index + 1)
        export = self.text(close + 2) if self.text(close + 1) == "." else "*"
        at -= 1
        if self.text(at) == "}":
            start = self.starts.get(at)
            if start is not None:
                for local, name in self._names(start + 1, at, ":"):
                    self.bindings[local] = Binding(package, name)
        elif self.text(at):
            self.bindings[self.text(at)] = Binding(package, export)

    def _constant(self, at: int, owner: str = "") -> None:
        """`const A: string = value, B = value`, or a field of a class; a name that is given two values has none."""
        for _ in range(1_000):
            name = self.text(at)
            if not name or name in _STATEMENTS or not (name[0].isalpha() or name[0] in "_$"):
                return
            equals = at + 1
            while self.text(equals) != "=" and equals < at + 30:  # a type in between
                if self.text(equals) in ("", ";", ",", ")", "of", "in"):
                    return
                equals = self.ends.get(equals, equals) + 1
            if self.text(equals) != "=":
                return
            end = self.ending(equals + 1)
            key = owner + name
            self.constants[key] = None if key in self.constants else (equals + 1, end)
            if self.text(end) != "," or owner:
                return
            at = end + 1

    def ending(self, at: int) -> int:
        """Where an expression that begins at `at` ends: at a comma, a semicolon, or a line that begins a statement."""
        start = at
        while at < len(self.tokens):
            word = self.text(at)
            if word in (",", ";") or word in _CLOSE:
                break
            if at > start and word in _STATEMENTS and self.text(at - 1) != "as":  # `as const`
                break
            after = max(self.ends.get(at, at), at)
            if self._ends_line(after):
                return after + 1
            at = after + 1
        return at

    def _ends_line(self, at: int) -> bool:
        """Whether a statement ends between a token and the next: a value, then a name on a new line."""
        if at + 1 >= len(self.tokens) or self.tokens[at + 1].kind != NAME:
            return False
        value = self.tokens[at].kind != SIGN or self.text(at) in _CLOSE
        goes_on = self.text(at) in ("await", "as", "new") or self.text(at + 1) in _INFIX
        return value and not goes_on and self.tokens[at + 1].fresh

    # -- values

    def value(self, start: int, end: int, depth: int = 0) -> Value:
        """What an expression is, as far as it can be told."""
        while self.text(start) == "(" and self.ends.get(start) == end - 1:
            start, end = start + 1, end - 1
        if self.text(end - 2) in ("as", "satisfies"):  # TypeScript: `"x" as const`
            end -= 2
        if depth > _DEEP or start >= end:
            return UNKNOWN
        for at in range(start, end):
            if self.text(at) in ("??", "||") and at + 1 < end:
                fallback = self.value(at + 1, end, depth + 1)
                return Value(fallback.text, Resolution.DEFAULT) if fallback.text is not None else UNKNOWN
        text = self.string(start)
        if text is not None:
            return Value(text) if end == start + 1 else UNKNOWN
        return self._named(start, end, depth)

    def _named(self, start: int, end: int, depth: int) -> Value:
        names = [self.text(at) for at in range(start, end)]
        if not names or not all(names) or any(sign != "." for sign in names[1::2]) or len(names) % 2 == 0:
            return UNKNOWN
        path = names[::2]
        if path[0] == "this" and len(path) > 1:
            path = [f"this.{path[1]}", *path[2:]]
        place = self.constants.get(path[0])
        for key in path[1:]:
            place = self.member(*place, key) if place else None
        if place is None:
            return UNKNOWN
        found = self.value(*place, depth + 1)
        how = Resolution.CONSTANT if found.how is Resolution.LITERAL else found.how
        return Value(found.text, how) if found.text is not None else UNKNOWN

    def member(self, start: int, end: int, key: str) -> tuple[int, int] | None:
        """Where the value of a key of an object literal is; of `{ key }` the name itself."""
        if self.text(start) != "{" or start not in self.ends:
            return None
        for begin, stop in self.parts(start + 1, min(self.ends[start], end)):
            name = self.text(begin) or self.string(begin)
            if name != key:
                continue
            if self.text(begin + 1) == ":":
                return begin + 2, stop
            if stop == begin + 1:
                return begin, stop
        return None

    # -- calls

    def calls(self) -> Iterator[Call]:
        """All calls of a dotted name, `new` ones too."""
        for index, token in enumerate(self.tokens):
            if token.kind != SIGN or token.text != "(" or index not in self.ends:
                continue
            path, first = self._path(index - 1)
            if not path or self.text(first - 1) in ("function", "class"):
                continue
            end = self.ends[index]
            new = self.text(first - 1) == "new"
            yield Call(path, new, tuple(self.parts(index + 1, end)), self.tokens[first].start, self.tokens[end].end)

    def _path(self, at: int) -> tuple[tuple[str, ...], int]:
        """The dotted name that ends at `at`, and where it begins. What a call in between returned has the name ()."""
        path: list[str] = []
        if self.text(at) == ">":  # the types of a generic function
            at = next((back for back in range(at, max(-1, at - 40), -1) if self.text(back) == "<"), 0) - 1
        while at >= 0 and len(path) < 20:
            if self.tokens[at].kind != NAME:
                break
            path.append(self.tokens[at].text)
            if self.text(at - 1) not in (".", "?."):
                return tuple(reversed(path)), at
            at -= 2
            if self.text(at) == ")":
                path.append("()")
                return tuple(reversed(path)), at
        return tuple(reversed(path)), at + 1
