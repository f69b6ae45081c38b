"""Python source files: the models and datasets they load, and how."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Inspector, Location, Observation
from mlgate.references._exports import exports
from mlgate.references._read import Reader
from mlgate.references._rules import RULES, UNREAD
from mlgate.references._source import names_a_call, parse, read, words
from mlgate.references._table import table
from mlgate.rules import finding


def _claims(artifact: Artifact) -> bool:
    """By name, or by a first line that asks for a Python interpreter."""
    if artifact.depth:
        return False
    if artifact.name.lower().endswith((".py", ".pyw")):
        return True
    return artifact.head.startswith(b"#!") and b"python" in artifact.head.partition(b"\n")[0]


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    text = read(artifact)
    if text is None:
        return
    given = exports(text, artifact.path)
    if given is not None:
        yield given
    loaders = table()
    known = words(text)
    if not loaders.worth_parsing(known):
        return
    module = parse(text)
    if module is None:
        if names_a_call(text, loaders, known):
            raise Incomplete("malformed", "it is not Python 3 and looks as if it calls a model loader")
        yield finding(UNREAD, artifact.at(), "The file is not valid Python 3, so its calls were not read.")
        return

    def locate(node: ast.AST) -> Location:
        line, end = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
        return Location(path=artifact.path, member=artifact.member, line=line, end_line=end)

    yield from Reader(module, loaders, locate, path=artifact.path, base="").read(known)


INSPECTOR = Inspector(name="python", claims=_claims, inspect=_inspect, rules=RULES)
