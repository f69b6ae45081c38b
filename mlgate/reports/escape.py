"""One escaping function for each place that hostile text can land in.

Names, paths, messages and evidence come from a tree that an attacker chose. Every function here first makes
the text visible (no control, bidi or zero-width characters, no runner command), then makes it inert for its
sink. GitHub runs its mention, reference and link filters on rendered text outside of code, so an entity does
not stop `@team`: words that are not plain prose become code spans.
"""

from __future__ import annotations

import re
import unicodedata

LIMIT = 300
"""Characters of hostile text that one place shows; the whole text is in findings.json."""

# Only these words are commands to the runner, and only in this shape; `torch::nn` stays readable.
_COMMANDS = (
    "add-mask|add-matcher|add-path|debug|echo|endgroup|error|group|notice|remove-matcher|save-state|set-env|"
    "set-output|stop-commands|warning"
)
_COMMAND = re.compile(rf"::(?=({_COMMANDS})\b)", re.IGNORECASE)
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_MARKS = frozenset(("Mn", "Me"))
_MOST_MARKS = 3
_RTL = frozenset(("R", "AL", "AN"))
_PLAIN_WORD = re.compile(r"[(\"'\u201c]{0,2}[^\W_]+(?:[-'\u2019.,][^\W_]+)*[)\"'\u201d]{0,2}[.,;:!?]?[)]?")
_PLAIN_MARK = frozenset(("-", "\u2013", "\u2014", "\u2192", "\u00b7", "\u2026", *".,;:?"))
_REFERENCE = re.compile(r"\W*(?:www\.|gh-\d|(?=[0-9a-f]*\d)[0-9a-f]{7,}\W*$)", re.IGNORECASE)
_LIST_ITEM = re.compile(r"-|\d{1,9}[.)]")
_PUNCTUATION = re.compile(r"\(|\)?[.,;:!?]?")  # what a sentence has around a code span
_SPAN = re.compile(r"`([^`]*)`")


class Markdown(str):
    """Text that is Markdown already: the templates pass it on as it is and escape every other string."""

    __slots__ = ()


def _shown(char: str) -> str:
    code = ord(char)
    if char in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _hidden(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind in _HIDDEN or (kind == "Zs" and char != " ")


def _reveal(text: str) -> str:
    out: list[str] = []
    marks = 0
    for char in text:
        if char.isascii():
            marks = 0
            out.append(char if " " <= char <= "~" else _shown(char))
            continue
        marks = marks + 1 if unicodedata.category(char) in _MARKS else 0
        out.append(_shown(char) if _hidden(char) or marks > _MOST_MARKS else char)
    return "".join(out)


def clip(text: str, limit: int = LIMIT) -> str:
    """At most `limit` characters, the last one an ellipsis when something was cut."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "\u2026"


def clip_path(path: str, limit: int = 90) -> str:
    """A path whose middle is cut: its end says which file it is."""
    if len(path) <= limit:
        return path
    half = (limit - 1) // 2
    return f"{path[:half]}\u2026{path[-half:]}"


def visible(text: str, limit: int = LIMIT) -> str:
    """One line in which nothing is invisible and nothing is a command to GitHub's runner.

    The runner reads `##[...]` anywhere in a line and `::name ...::` at its start. Characters that show
    nothing, move the cursor or reorder their neighbours become escapes as in Python's source.
    """
    shown = clip(text, limit)
    if not (shown.isascii() and shown.isprintable()):
        shown = _reveal(shown)
    line = _COMMAND.sub(":\\\\x3a", shown.replace("##[", "#\\x23["))
    return re.sub(r"^(\s*):(?=:)", r"\1\\x3a", line)


def terminal(text: str, limit: int = LIMIT) -> str:
    """Text for a terminal or a log: no escape sequence, no second line."""
    return visible(text, limit)


def _isolated(text: str) -> bool:
    return not text.isascii() and any(unicodedata.bidirectional(char) in _RTL for char in text)


def code(text: str, limit: int = LIMIT, *, word: int = 0) -> Markdown:
    r"""A code span that holds in a table cell (GFM 6.3 and 4.10).

    A table splits its row at `|` before anything else is read, and renderers disagree about `\\|`, so a pipe
    after a backslash is shown as an escape. Right-to-left text is isolated so that it reorders nothing outside.
    `word` cuts the middle of longer words: code has no other place to break a line, and a table would grow wide.
    """
    inner = visible(text, limit)
    if word:
        inner = " ".join(clip_path(part, word) for part in inner.split(" "))
    if not inner.strip():
        inner = '""' if not inner else repr(inner)
    inner = re.sub(r"(?<=\\)\|", r"\\x7c", inner).replace("|", "\\|")
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", inner)), default=0) + 1)
    pad = " " if inner[0] in "` " or inner[-1] in "` " else ""
    span = f"{ticks}{pad}{inner}{pad}{ticks}"
    return Markdown(f"\u2068{span}\u2069" if _isolated(inner) else span)


def _plain(word: str) -> bool:
    return (word in _PLAIN_MARK or bool(_PLAIN_WORD.fullmatch(word))) and not (
        _REFERENCE.match(word) or _isolated(word)
    )


def _words(text: str, limit: int) -> list[str]:
    return [word if _plain(word) else _coded(word, limit) for word in text.split(" ") if word]


def _coded(word: str, limit: int) -> str:
    """A code span of the word, the sentence's own brackets and punctuation around it left outside."""
    if _PUNCTUATION.fullmatch(word):
        return word
    core, before, behind = word, "", ""
    if core[0] == "(" and (core.count("(") > core.count(")") or core.rstrip(".,;:!?").endswith(")")):
        core, before = core[1:], "("
    while len(core) > 1 and (core[-1] in ",;:!?" or (core[-1] == "." and core[-2:] != "..")):
        core, behind = core[:-1], core[-1] + behind
    if len(core) > 1 and core[-1] == ")" and core.count(")") > core.count("("):
        core, behind = core[:-1], ")" + behind
    if not core or _PUNCTUATION.fullmatch(core):
        return str(code(word, word=limit))
    return f"{before}{core if _plain(core) else code(core, word=limit)}{behind}"


def prose(text: str, limit: int = LIMIT, *, word: int = 0) -> Markdown:
    """A sentence in which each word that is not plain (names, paths, mentions, references) is a code span.

    Backticks that the sentence has already mark code. It is one line and begins no block (list, heading) where
    it begins a line; `word` as for `code`.
    """
    shown = visible(text, limit)
    parts: list[str] = []
    end = 0
    for span in _SPAN.finditer(shown):
        parts += _words(shown[end : span.start()], word)
        if span.group(1).strip():
            parts.append(code(span.group(1), word=word))
        end = span.end()
    parts += _words(shown[end:], word)
    if parts and _LIST_ITEM.fullmatch(parts[0]):
        parts[0] = code(parts[0])
    line = " ".join(parts)
    # A sentence's punctuation belongs to the code span before it.
    line = re.sub(r"(`\u2069?) (\)?[.,;:!?]|\))(?= |$)", r"\1\2", line)
    return Markdown(re.sub(r"(?<= )\( (?=\u2068?`)", "(", line))


def fence(text: str, limit: int = 2000) -> Markdown:
    """A fenced block at the left margin, its lines as they are but visible; longer than any backticks inside."""
    lines = [visible(line, limit) for line in clip(text, limit).split("\n")] or [""]
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return Markdown("\n".join((ticks, *lines, ticks)))


def mermaid(text: str, limit: int = 60) -> str:
    """A label for `["..."]`: what Mermaid, its Markdown strings or its HTML could read becomes a question mark."""
    return (
        "".join(char if char.isalnum() or char in " ._/:@+=,-\u2026" else "?" for char in visible(text, limit)).strip()
        or "?"
    )


def html(text: str, limit: int = LIMIT) -> str:
    """Text for HTML before the template's autoescape: visible only; the template adds the entities."""
    return visible(text, limit)


def sarif(text: str, limit: int = 1000) -> str:
    """A SARIF plain-text message: brackets make links there unless escaped (section 3.11.6)."""
    return re.sub(r"([\\\[\]])", r"\\\1", visible(text, limit))


def workflow_data(text: str) -> str:
    """The data of a workflow command, as the runner's toolkit encodes it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """A property of a workflow command (`file=`, `title=`): data, and the property separators."""
    return workflow_data(text).replace(":", "%3A").replace(",", "%2C")


def json_text(text: str) -> str:
    """JSON text, already encoded in ASCII, in which no runner command is spelled out; the value is the same."""
    text = text.replace("\x7f", "\\u007f").replace("##[", "#\\u0023[")
    return _COMMAND.sub(":\\\\u003a", text)
