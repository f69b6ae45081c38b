"""Tables in text: the columns of CSV and TSV files and the keys of JSON Lines, from their first line.

Formats: RFC 4180; jsonlines.org. The first row of a CSV file is its header when it holds words and no numbers.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from mlgate.inspectors._datasets import dataset, is_place, unread
from mlgate.records import Artifact, Inspector, Observation

_FIRST = 1 << 16  # bytes in which the first line has to end
_COMMAS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_LINES = (".jsonl", ".ndjson", ".json")
_NAMES = {str: "string", bool: "bool", int: "int", float: "float", list: "list", dict: "object", type(None): "null"}


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    if artifact.depth:
        return False
    if name.endswith(".json"):  # anybody's; a list of records in a data folder is data
        return is_place(artifact.path) and artifact.head.lstrip()[:1] == b"["
    return name.endswith((*_COMMAS, *_LINES)) and b"\0" not in artifact.head


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    suffix = "." + artifact.name.lower().rpartition(".")[2]
    text = artifact.source.read_at(0, _FIRST).decode("utf-8-sig", "replace")
    if suffix in _COMMAS:
        yield dataset(artifact, suffix[1:], ((name, "") for name in _header(text, _COMMAS[suffix])))
        return
    record = _record(text)
    if record is None:
        yield dataset(artifact, "json", properties=unread("no first record"))
        return
    yield dataset(artifact, "json", ((str(key), _NAMES.get(type(value), "")) for key, value in record.items()))


def _header(text: str, delimiter: str) -> list[str]:
    try:
        row = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
    except csv.Error:
        return []
    if delimiter == "," and len(row) == 1:  # Excel in many countries writes semicolons
        row = next(csv.reader(io.StringIO(text), delimiter=";"), [])
    cells = [cell.strip() for cell in row]
    return cells if any(cells) and len(set(cells)) == len(cells) and not any(map(_is_number, cells)) else []


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _record(text: str) -> dict[Any, Any] | None:
    """The first object of the lines, or of the list."""
    start = text.lstrip("[ \t\r\n")
    try:
        value, _ = json.JSONDecoder().raw_decode(start)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


INSPECTOR = Inspector(
    name="tables",
    claims=_claims,
    inspect=_inspect,
    rules=(),
    suffixes=(*_COMMAS, ".jsonl", ".ndjson"),
    reads="The first line of CSV, TSV and JSON Lines files: names of columns, and types where the format has them.",
    misses="How many rows there are, which such files do not say.",
)
