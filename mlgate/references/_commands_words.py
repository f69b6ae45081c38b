"""The pieces of shell text: words of parts, operators, and texts that stand inside."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`; `default` are the parts of what stands for it when it is not set, `index` that of an array."""

    name: str
    default: tuple[Part, ...] | None = None
    index: str = ""


Part = str | Variable | None  # None is what only a running shell knows


@dataclass(frozen=True, slots=True)
class Word:
    """One word: `text` as it is written, `quoted` when any of it is."""

    parts: tuple[Part, ...]
    text: str
    line: int
    quoted: bool = False

    @property
    def bare(self) -> str:
        """The text of a word without quotes and variables, as keywords are."""
        part = self.parts[0] if len(self.parts) == 1 else None
        return part if isinstance(part, str) and not self.quoted else ""


@dataclass(frozen=True, slots=True)
class Mark:
    """An operator, a redirection or the end of a line; `=(` begins an array."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Inner:
    """Text that stands inside: of a here-document, or commands in a substitution."""

    text: str
    line: int
    document: bool


Token = Word | Mark | Inner
