"""JavaScript and TypeScript as tokens: names, strings with their escapes, templates, numbers, signs.

ECMAScript specification, 12 "Lexical Grammar". No parser: JSX text and types are read as the tokens they look like, and
a string that its line does not end is a sign and no string (an apostrophe in JSX).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME, STRING, TEMPLATE, SIGN, OTHER = "name", "string", "template", "sign", "other"
_MOST = 1_000_000  # tokens of one file
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<name>[A-Za-z_$\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*)
    |(?P<number>\.?\d[\w.]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<sign>=>|\?\?=?|\|\|=?|&&=?|\?\.(?!\d)|\.\.\.|[-+*%&|^=!<>]=+|.)""",
    re.VERBOSE | re.DOTALL,
)
# bounded, so that a line of a million opened brackets is not read a million times
_REGEX = re.compile(r"/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,500}\]){1,1000}/[a-z]*")
_ESCAPE = re.compile(r"\\(u\{[0-9A-Fa-f]{1,6}\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|\r\n|.)", re.DOTALL)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r\n": ""}
# after these a slash begins a regular expression
_BEFORE = frozenset(
    {"return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "await", "yield"}
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, its text (the value of a string), where it begins and ends; `fresh` is first in its line."""

    kind: str
    text: str
    start: int
    end: int
    fresh: bool = False


def tokens(source: str) -> list[Token]:
    """All tokens but comments; those that follow the millionth are left out."""
    found: list[Token] = []
    at = 0
    fresh = True
    while at < len(source) and len(found) < _MOST:
        char = source[at]
        if char == "`":
            token = _template(source, at)
        elif char == "/" and (regex := _REGEX.match(source, at)) and _begins_value(found):
            token = Token(OTHER, "", at, regex.end())
        else:
            match = _TOKEN.match(source, at)
            if match is None:  # nothing: a single character always is a sign
                break
            at = match.end()
            if match.lastgroup == "space":
                fresh = fresh or "\n" in match[0]
                continue
            text = match[0]
            if match.lastgroup == "string":
                token = Token(STRING, _unescaped(text[1:-1]), match.start(), at)
            else:
                kind = {"name": NAME, "number": OTHER}.get(match.lastgroup or "", SIGN)
                token = Token(kind, text, match.start(), at, fresh)
        fresh = False
        found.append(token)
        at = token.end
    return found


def _begins_value(found: list[Token]) -> bool:
    if not found:
        return True
    last = found[-1]
    if last.kind == NAME:
        return last.text in _BEFORE
    return last.kind == SIGN and last.text not in {")", "]", "}"}


def _template(source: str, start: int) -> Token:
    """A template literal with everything in it. One with a substitution has no value of its own."""
    at, depth, plain = start + 1, 0, True
    while at < len(source):
        char = source[at]
        if char == "\\":
            at += 2
            continue
        if depth:
            depth += {"{": 1, "}": -1}.get(char, 0)
        elif char == "`":
            text = _unescaped(source[start + 1 : at]) if plain else ""
            return Token(STRING if plain else TEMPLATE, text, start, at + 1)
        elif source.startswith("${", at):
            depth, plain = 1, False
            at += 1
        at += 1
    return Token(OTHER, "", start, len(source))


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_escape, text) if "\\" in text else text


def _escape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "ux" and len(code) > 1:
        number = int(code[1:].strip("{}"), 16)
        return chr(number) if number < 0x110000 else ""
    return _SIMPLE.get(code, code)
