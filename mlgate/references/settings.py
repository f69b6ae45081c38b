"""Configuration files that code opens, for the texts in them that a loader could be given.

Only a file that a Python file names comes here (by an Include), whatever it is called.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Exports, Include, Inspector, Observation
from mlgate.references._documents import parse_json, parse_yaml, read_text
from mlgate.references._hydra import PACKAGE, header, parts

NAME = "settings"
_VALUES = 20_000
_TOLD = 500
_LONGEST = 200


def _claims(_: Artifact) -> bool:
    return False


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    try:
        content = read_text(artifact)
        document = _document(artifact, content)
    except Incomplete:
        return  # no model and no manifest: what is in it stays unknown, as it was
    told = tuple(pair for pair, _ in zip(_texts(document), range(_TOLD), strict=False))
    stated = header(content)
    if stated:
        told += ((PACKAGE, stated),)
    if told:
        yield Exports(path=artifact.path, constants=told)
    for part in parts(artifact.path, dict(told)):
        if part.path:
            yield Include(path=part.path, reader=NAME, location=artifact.at(), optional=True)


def _document(artifact: Artifact, text: str) -> Any:
    name = artifact.name.lower()
    if name.endswith(".toml"):
        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError):
            raise Incomplete("malformed", "no TOML") from None
    return parse_json(text) if name.endswith((".json", ".jsonc")) else parse_yaml(text)


def _texts(document: Any) -> Iterator[tuple[str, str]]:
    """(dotted keys, text) of all texts that are short and have no interpolation; lists by their numbers."""
    pending: list[tuple[str, Any]] = [("", document)]
    for _ in range(_VALUES):
        if not pending:
            return
        path, value = pending.pop()
        if isinstance(value, dict):
            pending.extend((f"{path}.{key}".lstrip("."), inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list):
            pending.extend((f"{path}.{number}", inner) for number, inner in reversed(list(enumerate(value))))
        elif isinstance(value, str) and 0 < len(value) <= _LONGEST and "${" not in value and path:
            yield path, value


INSPECTOR = Inspector(
    name=NAME,
    claims=_claims,
    inspect=_inspect,
    rules=(),
    reads="YAML, JSON and TOML that Python code opens, and the files of Hydra's configuration groups that they list: "
    "the values that it gives to a loader.",
    misses="Values put together by interpolation, overrides on the command line.",
)
