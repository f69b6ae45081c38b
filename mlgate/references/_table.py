"""The loader table: rows of loaders.toml, matched by the qualified name of what is called."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

from mlgate.records import Kind

Places = tuple[int | str, ...]

TRUST = "trust_remote_code"
WEIGHTS_ONLY = "weights_only"
_ALWAYS = frozenset({TRUST, WEIGHTS_ONLY})  # words that are worth a parse whatever library the file uses
SOURCES = frozenset(
    {
        "hub",
        "path",
        "url",
        "torchhub",
        "kaggle",
        "mlflow",
        "bundled",
        "api",
        "data",
        "download",
        "called",
        "tag",
        "shards",
        "gdrive",
        "",
    }
)
TRAITS = frozenset(
    {
        "remote-code",
        "dataset-script",
        "torch-load",
        "torch-hub",
        "unpickle",
        "yaml-load",
        "yaml-unsafe",
        "yaml-typ",
        "numpy-load",
        "keras-load",
        "keras-unsafe",
        "exec-download",
        "safe-globals",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """One row. `Places` are positions from 0 and keywords at which an argument may stand."""

    call: tuple[str, ...]
    kind: Kind | None = None
    source: str = ""
    scheme: str = "hf"
    target: Places = ()
    revision: Places = ()
    entry: Places = ()
    files: Places = ()
    output: Places = ()
    repo_type: Places = ()
    enabled: Places = ()
    bare: str = ""
    plain: str = ""
    local: str = ""
    optional: bool = False
    several: bool = False
    hub_users: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All rows, by the last component of the calls they are about, in the file's order."""

    by_last: Mapping[str, tuple[tuple[re.Pattern[str], Loader], ...]]
    words: tuple[tuple[frozenset[str], str, frozenset[str]], ...]

    def match(self, qualified: str) -> Loader | None:
        """The first row for this qualified name."""
        for pattern, loader in self.by_last.get(qualified.rpartition(".")[2], ()):
            if pattern.fullmatch(qualified):
                return loader
        return None

    def worth_parsing(self, words: frozenset[str]) -> bool:
        """Whether a file with these words can hold a call of the table at all."""
        if not _ALWAYS.isdisjoint(words):
            return True
        return any(
            last in words and (not roots or not roots.isdisjoint(words)) and (not needs or not needs.isdisjoint(words))
            for roots, last, needs in self.words
        )


def _pattern(call: str) -> str:
    """A regex for a dotted name with `*` (any text in a component) and `**` (any number, also none)."""
    out = ""
    for part in call.split("."):
        out += r"(?:[^.]*\.)*" if part == "**" else re.escape(part).replace(r"\*", "[^.]*") + r"\."
    return out.removesuffix(r"\.")


def _row(raw: Mapping[str, Any]) -> Loader:
    fields: dict[str, Any] = {}
    for name, value in raw.items():
        key = name.replace("-", "_")
        if key not in Loader.__dataclass_fields__:
            raise ValueError(f"loaders.toml: unknown key {name!r} in {raw.get('call')}")
        if key in {"needs", "hub_users"}:
            fields[key] = frozenset(value.split("|"))
        elif key == "traits":
            fields[key] = frozenset(value)
        elif key == "kind":
            fields[key] = Kind(value)
        else:
            fields[key] = tuple(value) if isinstance(value, list) else value
    row = Loader(**fields)
    if (
        row.source not in SOURCES
        or not row.traits <= TRAITS
        or (row.source in {"bundled", "called", "tag"}) > bool(row.bare)
    ):
        raise ValueError(f"loaders.toml: the row of {row.call} is not well formed")
    re.compile(row.plain)
    return row


@functools.cache
def table() -> Table:
    """The table of the package. Raises ValueError when a row is not well formed: a defect, found at start."""
    text = resources.files("mlgate.references").joinpath("loaders.toml").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> Table:
    """A table from TOML text in the format that loaders.toml describes."""
    by_last: dict[str, list[tuple[re.Pattern[str], Loader]]] = {}
    words: dict[tuple[str, frozenset[str]], set[str]] = {}
    for raw in tomllib.loads(text)["loader"]:
        row = _row(raw)
        for call in row.call:
            parts = call.split(".")
            if "*" in parts[-1]:
                raise ValueError(f"loaders.toml: the last component of {call!r} is not literal")
            by_last.setdefault(parts[-1], []).append((re.compile(_pattern(call)), row))
            # a builtin or any receiver needs no import to be there
            root = parts[0] if len(parts) > 1 and "*" not in parts[0] else ""
            words.setdefault((parts[-1], row.needs), set()).add(root)
    return Table(
        by_last=MappingProxyType({last: tuple(rows) for last, rows in by_last.items()}),
        words=tuple(
            (frozenset() if "" in roots else frozenset(roots), last, needs) for (last, needs), roots in words.items()
        ),
    )
