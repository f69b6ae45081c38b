"""What the model formats share: the component of a file, a name that lies, and free text that is not only text."""

from __future__ import annotations

import ast
import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.identify import MISMATCH
from mlgate.records import (
    Artifact,
    Category,
    Component,
    Finding,
    Kind,
    ModelFacts,
    Observation,
    Occurrence,
    Pairs,
    Rule,
    Severity,
)

LONGEST_VALUE = 1 << 20
_PARSED = 1 << 16
_SHOWN = 300

METADATA_TEXT = Rule(
    id="MLG-MDL-023",
    title="Model metadata that plays tricks on its reader",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="Free text in the model's header holds control or direction-changing characters, markup that runs in a "
    "browser, or more text than any description needs. Model pages, logs and terminals show this text.",
    remediation="Write the file again without this metadata, or take it from a source that does not have it.",
    cwe=("CWE-116", "CWE-451"),
)
METADATA_CODE = Rule(
    id="MLG-MDL-024",
    title="Model metadata that is code",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="Free text in the model's header is a Python program that reaches the system, a command line that runs a "
    "program given on it or downloaded by it, or a pickle; as it is, or in Base64. The format does not run it, but "
    "loaders exist that evaluate metadata, and there is no innocent reason for it to be there.",
    remediation="Do not load the file. Find out who wrote the metadata, and write the file again without it.",
    cwe=("CWE-94", "CWE-95"),
    atlas=("AML.T0011.000",),
    owasp=("ML06:2023",),
)
SHARED_RULES = (METADATA_TEXT, METADATA_CODE)

_MARKUP = re.compile(r"<\s*(script|iframe|object|embed)\b|javascript:|\bon(error|load)\s*=", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
# Words that must be there for the parse below to find anything, so that most text is never parsed.
_HINT = re.compile(
    r"\b(eval|exec|__\w+__|os|posix|nt|subprocess|sys|shutil|socket|ctypes|importlib|runpy|pickle|marshal|pty|builtins"
    r"|urllib|requests|webbrowser)\b"
)
# A text that as a whole is a command: an interpreter with its program on the line, or a download piped into one. Prose
# and notes that name such commands do not begin with them.
_COMMAND = re.compile(
    r"\s*(?:sudo\s+)?(?:/usr/bin/env\s+)?(?:/[\w./-]{0,100}/)?"
    r"(?:((?:python|perl|ruby|node|php)[\d.]{0,6}(?:\.exe)?)\s+(?:-[A-Za-z]+\s+){0,5}-[cer]\s"
    r"|((?:ba|z|da|k|a)?sh)\s+(?:-[a-z]+\s+){0,5}-[a-z]*c\s"
    r"|(cmd)(?:\.exe)?\s+/[ck]\s"
    r"|(powershell|pwsh)(?:\.exe)?\s+(?:-\w+\s+(?:\w+\s+)?){0,5}-(?:e|en|enc|encodedcommand|c|command)\s"
    r"|(curl|wget)\s[^|\n]{1,500}\|\s*(?:sudo\s+)?(?:/[\w./-]{0,100}/)?(?:(?:ba|z|da)?sh|python|perl|ruby)\b)",
    re.IGNORECASE,
)
_DOWNLOAD = re.compile(r"\s*(curl|wget)\s[^\n]{0,200}(?:https?|ftp)://", re.IGNORECASE)
_ENCODED_LINES = 50
_BLANKS = str.maketrans("\t\r\n", "   ")
_RUNNERS = frozenset({"eval", "exec", "__import__"})
_MODULES = frozenset(
    {"os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "ctypes", "importlib", "runpy", "pickle", "marshal"}
    | {"pty", "builtins", "urllib", "requests", "webbrowser"}
)
_WALKS = frozenset(
    {"__class__", "__base__", "__bases__", "__mro__", "__subclasses__", "__globals__", "__builtins__", "__import__"}
)


def component(
    artifact: Artifact,
    facts: ModelFacts,
    *,
    licenses: Iterable[str] = (),
    properties: Pairs = (),
) -> Component:
    """The model that the artifact is."""
    where = f"{artifact.path}!{artifact.member}" if artifact.member else artifact.path
    return Component(
        kind=Kind.MODEL,
        identity=f"file:{where}",
        name=artifact.name,
        licenses=tuple(text[:200] for text in licenses if text.strip()),
        occurrences=(Occurrence(location=artifact.at()),),
        model=facts,
        properties=properties,
    )


def not_it(artifact: Artifact, expected: str) -> Iterator[Observation]:
    """For a file that has the name of a format and not its content.

    When the content is another format, other readers look into it and what is left to say is the mismatch. Raises
    Incomplete when nobody knows what it is.
    """
    if artifact.source.size == 0:
        raise Incomplete("truncated", "the file is empty")
    if not artifact.formats:
        raise Incomplete("malformed", f"does not begin like {expected}")
    actual = "+".join(artifact.formats)
    message = f"The name says {expected}, the content is {actual}."
    yield rules.finding(MISMATCH, artifact.at(), message, evidence=f"{expected} is {actual}")


def judge_metadata(artifact: Artifact, where: str, pairs: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Findings on free text: `pairs` are key and value, `where` says which part of the format holds them."""
    for key, value in pairs:
        label = f"{where} {shown(key, 80)}"
        for rule, reason in (*_tricks(key), *_tricks(value)):
            yield rules.finding(rule, artifact.at(), f"The {label} {reason}.", evidence=f"{label}: {reason}"[:_SHOWN])


def shown(text: str, limit: int = _SHOWN) -> str:
    """Hostile text for a message: escaped where it does not print, and cut."""
    return text[:limit].encode("unicode_escape", "backslashreplace").decode("ascii")[:limit]


def _tricks(text: str) -> list[tuple[Rule, str]]:
    found = []
    if len(text) > LONGEST_VALUE:
        found.append((METADATA_TEXT, f"is more than {LONGEST_VALUE:,} characters long"))
        text = text[:LONGEST_VALUE]
    if any(_hidden(char) for char in set(text)):
        found.append((METADATA_TEXT, "holds control or direction-changing characters"))
    if _MARKUP.search(text):
        found.append((METADATA_TEXT, "holds markup that runs in a browser"))
    inside = _decoded(text)
    if len(inside) > 4 and inside[0] == 0x80 and 2 <= inside[1] <= 5 and inside.rstrip(b"\n")[-1:] == b".":
        found.append((METADATA_CODE, "is a pickle in Base64"))
    found += [(METADATA_CODE, reason) for reason in (_program(text), _encoded_program(inside)) if reason]
    return found


def _program(text: str) -> str:
    """How a text is code as a whole, or ""."""
    if call := reaching_call(text):
        return f"is Python that uses {call}"
    command = _COMMAND.match(text)
    return f"is a command line of {next(filter(None, command.groups())).lower()}" if command else ""


def _encoded_program(data: bytes) -> str:
    """The same of what Base64 hides, where even a plain download is no text for a reader."""
    if not data or not data.isascii() or not data.decode("ascii").translate(_BLANKS).isprintable():
        return ""
    text = data.decode("ascii")
    reason = _program(text)
    for line in text.splitlines()[:_ENCODED_LINES]:
        download = _DOWNLOAD.match(line)
        reason = reason or _program(line) or (f"is a command line of {download[1].lower()}" if download else "")
    return reason.replace("is ", "is, in Base64, ", 1)


def _hidden(char: str) -> bool:
    if char in "\t\n\r":
        return False
    return unicodedata.category(char) in {"Cc", "Cs"} or unicodedata.bidirectional(char) in _BIDI


def _decoded(text: str) -> bytes:
    """What the text stands for when the whole of it is Base64, else nothing."""
    text = text.strip()
    if not _BASE64.fullmatch(text[: LONGEST_VALUE + 1]):
        return b""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if set("-_") & set(text) else None)
    except (binascii.Error, ValueError):
        return b""


def reaching_call(text: str) -> str:
    """What a text that is Python would use to reach the system, or ""."""
    if len(text) > _PARSED or not _HINT.search(text):
        return ""
    try:
        tree = ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _WALKS:
            return node.attr
        if isinstance(node, ast.Call):
            root: ast.expr = node.func
            while isinstance(root, ast.Attribute):
                root = root.value
            direct = root is node.func
            if isinstance(root, ast.Name) and root.id in (_RUNNERS if direct else _MODULES | _RUNNERS):
                return root.id
    return ""
