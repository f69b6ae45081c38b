"""A script's own functions: their bodies apart from the text around, so that each call is read with its arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlgate.references._commands_tokens import Tokens
from mlgate.references._commands_words import Mark, Word

_MOST = 200
_HEAD = re.compile(r"^([ \t]*)(?:function[ \t]+)?([A-Za-z_][\w-]*)[ \t]*(?:\(\))?[ \t]*\n?[ \t]*\{[ \t]*(?:#.*)?$")
_START = re.compile(r"[ \t]*(?:function\b|[\w-]+[ \t]*\(\))")


@dataclass(frozen=True, slots=True)
class Function:
    """`line` is that of the first line of the body."""

    body: str
    line: int


def functions(text: str) -> tuple[dict[str, Function], str]:
    """The functions of a script, and the script with empty lines in place of their bodies.

    A function begins with a line of its own and ends with the first `}` that is indented as its head is.
    """
    lines = text.split("\n")
    documents = _documents(text)
    found: dict[str, Function] = {}
    at = tried = 0
    while at < len(lines) and tried < _MOST:
        head = None
        first = at + 1
        if at + 1 not in documents and _START.match(lines[at]) and len(lines[at]) < 300:
            head = _HEAD.match(lines[at])
            if head is None and at + 1 < len(lines) and lines[at + 1].strip() == "{":
                head = _HEAD.match(lines[at] + " {")
                first = at + 2
        if head is None:
            at += 1
            continue
        tried += 1
        closing = head[1] + "}"
        end = next((i for i in range(first, len(lines)) if lines[i].rstrip(" \t;") == closing), len(lines))
        if end == len(lines):
            at += 1
            continue
        found[head[2]] = Function("\n".join(lines[first:end]), first + 1)
        lines[at : end + 1] = [""] * (end + 1 - at)
        at = end + 1
    return found, "\n".join(lines)


def _documents(text: str) -> set[int]:
    """The lines that are in here-documents, where a function is only text."""
    if "<<" not in text:
        return set()
    found: set[int] = set()
    for token in Tokens(text):
        if not isinstance(token, (Word, Mark)) and token.document:
            found.update(range(token.line, token.line + token.text.count("\n") + 1))
    return found
