"""The values that expressions can have, as far as one file tells."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mlgate.records import Resolution
from mlgate.references._scope import At, Scope

MOST_VALUES = 64  # a table of models by language has 40
MOST_TEXT = 4096
_ORDER = (Resolution.LITERAL, Resolution.CONSTANT, Resolution.DEFAULT, Resolution.UNKNOWN)

Plain = str | int | float | bool | bytes | None


@dataclass(frozen=True, slots=True, eq=False)
class Display:
    """A dict, list, tuple or set written out, or a `dict(...)` call: `entries` are key (or index) and value.

    `open` is True when more may be in it than is seen. `sources` are the nodes it was written at.
    """

    entries: tuple[tuple[Plain, ast.expr, At], ...]
    mapping: bool
    open: bool = False
    sources: tuple[ast.AST, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An object of a class in this file, or the class itself, and the call that made the object."""

    scope: Scope
    made: ast.Call | None = None
    at: At | None = None


@dataclass(frozen=True, slots=True)
class Arguments:
    """What argparse's parse_args() returns."""


@dataclass(frozen=True, slots=True)
class Known:
    """One possible value and how it was found."""

    value: Plain | Display | Instance | Arguments
    how: Resolution = Resolution.LITERAL


@dataclass(frozen=True, slots=True)
class Values:
    """What an expression can be; `unknown` when that is not all."""

    known: tuple[Known, ...] = ()
    unknown: bool = False

    def texts(self) -> tuple[tuple[str, Resolution], ...]:
        """Those that are strings."""
        return tuple((k.value, k.how) for k in self.known if isinstance(k.value, str))

    def has(self, value: bool | None) -> bool:
        """Whether this very constant is among them."""
        return any(k.value is value for k in self.known)

    def counts_as(self, *, truth: bool) -> bool:
        """Whether a plain value other than None is among them that is true, or false, in a condition."""
        plain = [k.value for k in self.known if isinstance(k.value, (str, int, float, bytes))]
        return any(bool(value) is truth for value in plain)

    def displays(self) -> tuple[Display, ...]:
        return tuple(k.value for k in self.known if isinstance(k.value, Display))

    def at_best(self, how: Resolution) -> Values:
        """The same values, found in no better way than `how`."""
        return Values(tuple(Known(k.value, worse(k.how, how)) for k in self.known), self.unknown)


NOTHING = Values()
UNKNOWN = Values(unknown=True)


def worse(*ways: Resolution) -> Resolution:
    """The least certain of these ways."""
    return max(ways, key=_ORDER.index)


def union(parts: Iterable[Values]) -> Values:
    """All values of all parts; too many are unknown."""
    known: list[Known] = []
    unknown = False
    for part in parts:
        unknown = unknown or part.unknown
        known.extend(k for k in part.known if k not in known)
        if len(known) > MOST_VALUES:
            return UNKNOWN
    return Values(tuple(known), unknown)


def combine(function: Callable[..., Plain], parts: Iterable[Values]) -> Values:
    """The function over every choice of one plain value from each part.

    A choice that raises ValueError or TypeError, or makes a very long text, is unknown.
    """
    choices: list[tuple[tuple[Plain, ...], Resolution]] = [((), Resolution.CONSTANT)]
    unknown = False
    for part in parts:
        unknown = unknown or part.unknown
        plain = [k for k in part.known if not isinstance(k.value, (Display, Instance, Arguments))]
        unknown = unknown or len(plain) < len(part.known)
        choices = [((*values, k.value), worse(how, k.how)) for values, how in choices for k in plain]  # type: ignore[arg-type]  # plain
        if len(choices) > MOST_VALUES:
            return UNKNOWN
    known = []
    for values, how in choices:
        try:
            value = function(*values)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
            unknown = True
            continue
        if isinstance(value, str) and len(value) > MOST_TEXT:
            unknown = True
        else:
            known.append(Known(value, how))
    return Values(tuple(known), unknown)
