"""Python in a command: `python -c "..."` and here-documents, read by the reader of Python files."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator

from mlgate.errors import Incomplete
from mlgate.records import Location, Reference
from mlgate.references._read import Reader
from mlgate.references._source import parse, words
from mlgate.references._table import table

_MOST = 1 << 18


def python(
    text: str, line: int, locate: Callable[[int, int], Location], path: str, base: str | None
) -> Iterator[Reference]:
    """What this code loads. Code that is not Python 3 says nothing: in a command it is often a template."""
    known = words(text[:_MOST])
    loaders = table()
    if len(text) > _MOST or not loaders.worth_parsing(known):
        return
    text = textwrap.dedent(text)
    try:
        module = parse(text)
    except Incomplete:
        return
    if module is None:
        return

    def place(node: ast.AST) -> Location:
        first: int = getattr(node, "lineno", 1)
        last: int = getattr(node, "end_lineno", None) or first
        return locate(line + first - 1, line + last - 1)

    for said in Reader(module, loaders, place, path=path, base=base or "").read(known):
        if isinstance(said, Reference):
            is_file = (said.identity or "").removeprefix("dataset:").startswith("file:")
            if not (is_file and base is None):
                yield said
