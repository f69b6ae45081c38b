"""Bytes to text to a tree: encodings, the cheap look that spares most files a parse, and what does not parse."""

from __future__ import annotations

import ast
import codecs
import re
import unicodedata
import warnings

from mlgate.errors import Incomplete
from mlgate.records import Artifact
from mlgate.references._table import Table, table

MOST_SOURCE = 4 * 2**20  # bytes; a tree takes about 100 times as much
_MOST_LOOKED = 64 * 2**20
_CHUNK = 1 << 20
_WORD = re.compile(r"[^\W\d]\w*")
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
# Encodings in which ASCII bytes are ASCII. In others (utf-7, unicode_escape) a file says other things than it shows.
_PLAIN = re.compile(
    r"utf-8(-sig)?|ascii|iso8859-\d+|cp(125\d|437|85\d|866|932|949)|koi8-[ru]|gb(k|2312|18030)|big5|euc_(jp|kr)|shift_jis|mac-roman"
)


def words(text: str) -> frozenset[str]:
    """The identifiers of a text, as Python compares them (NFKC, PEP 3131)."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return frozenset(_WORD.findall(text))


def read(artifact: Artifact) -> str | None:
    """The text of a Python file, or None when it is too large to parse and names no loader.

    Raises Incomplete: limit for a large file that names one, malformed for an encoding that hides what it says.
    """
    size = artifact.source.size
    if size <= MOST_SOURCE:
        return decode(artifact.source.read_at(0, size))
    if size > _MOST_LOOKED:
        raise Incomplete("limit", f"{size:,} bytes of Python source")
    known: set[str] = set()
    rest = ""
    for offset in range(0, size, _CHUNK):
        text = rest + artifact.source.read_at(offset, _CHUNK).decode("utf-8", "replace")
        known |= words(text)
        rest = text[-200:]
    if table().worth_parsing(frozenset(known)):
        raise Incomplete("limit", f"{size:,} bytes of Python source that names loaders")
    return None


def decode(data: bytes) -> str:
    """The text by PEP 263. Raises Incomplete(malformed)."""
    name = "utf-8"
    for line in data.split(b"\n", 2)[:2]:
        found = _COOKIE.match(line)
        if found:
            name = found[1].decode("ascii", "replace")
            break
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
    try:
        codec = codecs.lookup(name).name
    except LookupError as error:
        raise Incomplete("malformed", f"unknown source encoding {name[:40]!r}") from error
    if not _PLAIN.fullmatch(codec):
        raise Incomplete("malformed", f"source encoding {name[:40]!r} hides what the file says")
    text = data.removeprefix(codecs.BOM_UTF8).decode(codec, "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str, *, top_level_await: bool = False) -> ast.Module | None:
    """The tree, or None when it is not Python 3. Raises Incomplete(limit) when it is nested too deep."""
    more = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if top_level_await else 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's strings
            tree = compile(text, "<scanned>", "exec", ast.PyCF_ONLY_AST | more, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        if "too many nested" in str(error) or "too complex" in str(error):
            raise Incomplete("limit", "source is nested too deep") from error
        return None
    except (RecursionError, MemoryError) as error:
        raise Incomplete("limit", "source is nested too deep") from error
    return tree if isinstance(tree, ast.Module) else None


def names_a_call(text: str, loaders: Table, known: frozenset[str]) -> bool:
    """Whether unparsable text looks as if it called a loader: its last name stands before a parenthesis."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    called = {match[1] for match in re.finditer(r"\b([^\W\d]\w*+)\s*+\(", text)}
    return loaders.worth_parsing(frozenset((known - set(loaders.by_last)) | called))
