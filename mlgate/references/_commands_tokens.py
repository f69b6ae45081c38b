"""Shell text to words and operators, in one pass and with line numbers. Nothing is expanded, and no text is an error.

The grammar is that of POSIX.1-2024 (Shell Command Language, 2.2 Quoting to 2.7 Redirection), with bash's arrays and
here-strings. A quote that is not closed goes to the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate.references._commands_words import Inner, Mark, Part, Token, Variable, Word

OPAQUE = "\ue000"  # what preprocessors put where something unknown stands
_NESTED = 6  # substitutions within substitutions
_MOST_EXPRESSION = 1000

_PLAIN = re.compile(rf"[^\s\\'\"$`;&|()<>{{{OPAQUE}]+")
_QUOTED = re.compile(rf"[^\\\"$`{{{OPAQUE}]+")
_REDIRECT = re.compile(r"\d*(?:<<<|<<-|<<|<>|<&|<|>&|>>|>\||>)|&>>?")
_OPERATOR = re.compile(r"&&|\|\||\|&|;;&|;;|;&|[;&|()]")
_NAME = re.compile(r"\$(?:([A-Za-z_]\w*|[0-9])|[@*#?$!-])", re.ASCII)
_BRACED = re.compile(r"([A-Za-z_]\w*|\d+)(?:\[([@*]|\d+)\])?(?:(:?[-=])(.*)|:?\?.*)?", re.ASCII | re.DOTALL)
_TEMPLATE = re.compile(r"\$?\{\{([^{}\n]{0,200})\}\}")
_ARRAY = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)
_STEP = re.compile(r"[^\\'\"`$(){}#\n]+")


class Tokens:
    """Reads one text. Substitutions come as Inner before the word that they stand in, here-documents before the end
    of the line that they belong to.
    """

    def __init__(self, text: str, line: int = 1, *, depth: int = 0) -> None:
        self.text = text
        self.at = 0
        self.line = line
        self.depth = depth
        self.inner: list[Inner] = []
        self.documents: list[tuple[str, bool]] = []

    def __iter__(self) -> Iterator[Token]:
        text, length = self.text, len(self.text)
        wants = ""  # the redirection whose word comes next
        while self.at < length:
            char = text[self.at]
            if char == "\n":
                self.at += 1
                line = self.line
                self.line += 1
                yield from self._bodies()
                yield Mark("\n", line)
            elif char.isspace():
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
                self.line += 1
            elif char == "#":
                end = text.find("\n", self.at)
                self.at = length if end < 0 else end
            elif found := _REDIRECT.match(text, self.at):
                self.at = found.end()
                wants = found[0].lstrip("0123456789")
                yield Mark(wants, self.line)
            elif found := _OPERATOR.match(text, self.at):
                self.at = found.end()
                yield Mark(found[0], self.line)
            else:
                word = self._word()
                yield from self.inner
                self.inner.clear()
                if wants in {"<<", "<<-"}:
                    plain = "".join(part for part in word.parts if isinstance(part, str))
                    self.documents.append((plain, wants == "<<-"))
                wants = ""
                yield word
                last = word.parts[-1]
                if isinstance(last, str) and _ARRAY.fullmatch(last) and text.startswith("(", self.at):
                    self.at += 1
                    yield Mark("=(", self.line)
        yield from self._bodies()

    def _bodies(self) -> Iterator[Inner]:
        """The here-documents that begin at this line."""
        for end, tabs in self.documents:
            start, first = self.at, self.line
            body = ""
            while self.at < len(self.text):
                stop = self.text.find("\n", self.at)
                stop = len(self.text) if stop < 0 else stop
                line = self.text[self.at : stop]
                body_end = self.at
                self.at = min(stop + 1, len(self.text))
                self.line += 1
                if (line.lstrip("\t") if tabs else line).rstrip("\r") == end:
                    body = self.text[start:body_end]
                    break
            else:
                body = self.text[start:]
            yield Inner(body, first, document=True)
        self.documents.clear()

    def _word(self) -> Word:
        text, start, line = self.text, self.at, self.line
        parts: list[Part] = []
        quoted = False
        while self.at < len(text):
            if found := _PLAIN.match(text, self.at):
                parts.append(found[0])
                self.at = found.end()
                continue
            char = text[self.at]
            if char == "\\":
                if text.startswith("\\\n", self.at):
                    self.line += 1
                else:
                    parts.append(text[self.at + 1 : self.at + 2])
                    quoted = True
                self.at += 2
            elif char == "'":
                quoted = True
                self._skip_to(self._end_of_single(self.at + 1), parts)
            elif char == '"':
                quoted = True
                self.at += 1
                self._double(parts)
            elif char in "$`{" or char == OPAQUE:
                parts.append(self._expansion())
            else:
                break
        self.at = min(self.at, len(text))
        return Word(_joined(parts), text[start : self.at], line, quoted)

    def all_parts(self) -> tuple[Part, ...]:
        """The parts of the whole text, in which nothing but expansions counts."""
        parts: list[Part] = []
        while self.at < len(self.text):
            if found := _QUOTED.match(self.text, self.at):
                parts.append(found[0])
                self.at = found.end()
            elif self.text[self.at] in '\\"':
                parts.append(self.text[self.at])
                self.at += 1
            else:
                parts.append(self._expansion())
        return _joined(parts)

    def _end_of_single(self, start: int) -> int:
        end = self.text.find("'", start)
        return len(self.text) if end < 0 else end

    def _skip_to(self, end: int, parts: list[Part]) -> None:
        literal = self.text[self.at + 1 : end]
        parts.append(literal)
        self.line += literal.count("\n")
        self.at = end + 1

    def _double(self, parts: list[Part]) -> None:
        text = self.text
        parts.append("")
        while self.at < len(text):
            if found := _QUOTED.match(text, self.at):
                parts.append(found[0])
                self.line += found[0].count("\n")
                self.at = found.end()
                continue
            char = text[self.at]
            if char == '"':
                self.at += 1
                return
            if char == "\\":
                after = text[self.at + 1 : self.at + 2]
                self.line += after == "\n"
                parts.append(after if after in '$`"\\' else "" if after == "\n" else char + after)
                self.at += 2
            else:
                parts.append(self._expansion())

    def _expansion(self) -> Part:
        """At `$`, a backquote, `{` or OPAQUE; leaves `at` behind it."""
        text = self.text
        char = text[self.at]
        if found := _TEMPLATE.match(text, self.at):
            self.at = found.end()
            return Variable("{{" + found[1].strip() + "}}")
        if char == "`":
            end = self.at + 1
            while end < len(text) and text[end] != "`":
                end += 2 if text[end] == "\\" else 1
            self._inside(self.at + 1, end)
            return None
        if text.startswith(("$((", "$("), self.at):
            start = self.at + 2
            end = self._closing(start, ")")
            if text[start : start + 1] == "(":  # arithmetic
                self.line += text.count("\n", self.at, end)
                self.at = end + 1
            else:
                self._inside(start, end)
            return None
        if text.startswith("${", self.at):
            start = self.at + 2
            end = self._closing(start, "}")
            self.line += text.count("\n", self.at, end)
            self.at = end + 1
            return _braced(text[start:end], self.depth)
        if text.startswith("$'", self.at):
            self.at += 1
            parts: list[Part] = []
            self._skip_to(self._end_of_single(self.at + 1), parts)
            return parts[0]
        if found := _NAME.match(text, self.at):
            self.at = found.end()
            return Variable(found[1]) if found[1] else None
        self.at += 1
        return None if char == OPAQUE else "" if text.startswith('"', self.at) and char == "$" else char

    def _inside(self, start: int, end: int) -> None:
        self.inner.append(Inner(self.text[start:end], self.line, document=False))
        self.line += self.text.count("\n", self.at, end)
        self.at = end + 1

    def _closing(self, start: int, close: str) -> int:
        """Where a substitution ends that begins at `start`."""
        text, at = self.text, start
        stack = [close]
        while at < len(text):
            if found := _STEP.match(text, at):
                at = found.end()
                continue
            char = text[at]
            inside = stack[-1]
            if char == "\\":
                at += 1
            elif char == inside:
                stack.pop()
                if not stack:
                    return at
            elif char == '"':
                stack.append('"')
            elif char == "$" and text[at + 1 : at + 2] in {"(", "{"}:
                stack.append(")" if text[at + 1] == "(" else "}")
                at += 1
            elif inside == ")" and char == "(":
                stack.append(")")
            elif inside != '"' and char == "'":
                at = self._end_of_single(at + 1)
            elif inside == ")" and char == "#" and text[at - 1].isspace():
                end = text.find("\n", at)
                at = (len(text) if end < 0 else end) - 1
            at += 1
        return len(text)


def _joined(parts: list[Part]) -> tuple[Part, ...]:
    """Neighbouring texts as one; at least one part."""
    out: list[Part] = []
    texts: list[str] = []
    for part in (*parts, None):
        if isinstance(part, str):
            texts.append(part)
            continue
        if any(texts):
            out.append("".join(texts))
        texts = []
        out.append(part)
    return tuple(out[:-1]) or ("",)


def _braced(text: str, depth: int) -> Part:
    """What stands between the braces of `${...}`: a name, one with a default, or what is not followed."""
    found = _BRACED.fullmatch(text) if len(text) <= _MOST_EXPRESSION and depth < _NESTED else None
    if found is None:
        return None
    default = parts_of(found[4], depth + 1) if found[3] else None
    return Variable(found[1], default, found[2] or "")


def parts_of(text: str, depth: int = 0) -> tuple[Part, ...]:
    """The parts of a text that is one word whatever blanks it has."""
    return Tokens(text.replace('"', ""), depth=depth).all_parts()
