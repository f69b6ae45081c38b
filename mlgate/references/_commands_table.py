"""The command table: rows of commands.toml, by the program that they begin with."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

from mlgate.records import Kind
from mlgate.references._table import Loader

SOURCES = frozenset(
    {"hub", "gguf", "git", "path", "ollama", "download", "gdrive", "kaggle", "storage", "bundled", "mlflow"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row about a command, a flag or an environment variable; `loader` says how the target's text is read."""

    run: tuple[tuple[str, ...], ...] = ()
    name: tuple[str, ...] = ()
    kind: Kind
    source: str = "hub"
    loader: Loader
    target: tuple[int | str, ...] = ()
    all: bool = False
    key: frozenset[str] = frozenset()
    revision: tuple[str, ...] = ()
    repo_type: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()
    switches: frozenset[str] = frozenset()
    beside: tuple[str, ...] = ()
    image: tuple[re.Pattern[str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """All rows. `hint` is found in every text that one of them can be about."""

    rows: Mapping[str, tuple[tuple[tuple[str, ...], Row], ...]]
    flags: tuple[Row, ...]
    variables: Mapping[str, Row]
    images: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]
    hosts: tuple[tuple[str, Kind], ...]
    hint: re.Pattern[str]

    def program(self, image: str) -> tuple[str, ...]:
        """The words that a container of this image begins with, as far as the table knows."""
        path = image.partition("@")[0]
        return next((words for pattern, words in self.images if pattern.search(path)), ())

    def host(self, place: str) -> Kind | None:
        """What is under `host/path`, going by the longest prefix."""
        found = [(len(prefix), kind) for prefix, kind in self.hosts if place.startswith(prefix)]
        return max(found, key=lambda pair: pair[0])[1] if found else None


def option(text: str) -> str:
    """An option's name as argparse's programs take it: with `-` for `_`."""
    name = text.partition("=")[0]
    return name.replace("_", "-") if name.startswith("--") else name


def _image(name: str) -> re.Pattern[str]:
    """A pattern for an image's path that has this as one of its names, whatever the registry and the tag."""
    return re.compile(r"(?:^|/)" + re.escape(name).replace(r"\*", "[^/]*") + r"(?:[:/]|$)")


def _row(raw: Mapping[str, Any]) -> Row:
    known = {"source", "scheme", "bare", "plain", "local"} | set(Row.__dataclass_fields__)
    named = {key.replace("-", "_"): value for key, value in raw.items()}
    if unknown := set(named) - known:
        raise ValueError(f"commands.toml: unknown keys {sorted(unknown)}")
    source = named.get("source", "hub")
    bare = named.get("bare", "")
    if source not in SOURCES or (source == "bundled" and not bare):
        raise ValueError(f"commands.toml: the row {named} is not well formed")
    kind = Kind(named["kind"])
    loader = Loader(
        call=(),
        kind=kind,
        source="path" if source in {"download", "gdrive", "git", "storage", "ollama", "gguf"} else source,
        scheme=named.get("scheme", "hf"),
        bare=bare,
        plain=named.get("plain", ""),
        local=named.get("local", ""),
    )

    def options(key: str) -> tuple[str, ...]:
        return tuple(option(text) for text in named.get(key, ()))

    return Row(
        run=tuple(tuple(text.split()) for text in named.get("run", ())),
        name=options("name"),
        kind=kind,
        source=source,
        loader=loader,
        target=tuple(t if isinstance(t, int) or t.endswith("=") else option(t) for t in named.get("target", ())),
        all=named.get("all", False),
        key=frozenset(named["key"].split("|")) if "key" in named else frozenset(),
        revision=options("revision"),
        repo_type=options("repo_type"),
        output=options("output"),
        dataset=options("dataset"),
        switches=frozenset(options("switches")),
        beside=options("beside"),
        image=tuple(map(_image, named.get("image", ()))),
    )


@functools.cache
def commands() -> Commands:
    """The table of the package. Raises ValueError when a row is not well formed: a defect, found at start."""
    text = resources.files("mlgate.references").joinpath("commands.toml").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> Commands:
    """A table from TOML text in the format that commands.toml describes."""
    raw = tomllib.loads(text)
    rows: dict[str, list[tuple[tuple[str, ...], Row]]] = {}
    hints: set[str] = set()
    for row in map(_row, raw.get("command", ())):
        for words in row.run:
            rows.setdefault(words[0], []).append((words, row))
            hints.add(words[2].rstrip("*") if words[:2] == ("python", "-m") else words[0])
    flags = tuple(map(_row, raw.get("flag", ())))
    variables = {name: row for row in map(_row, raw.get("variable", ())) for name in row.name}
    images = [(_image(name), tuple(row["run"].split())) for row in raw.get("image", ()) for name in row["name"]]
    hosts = [(prefix, Kind(row["kind"])) for row in raw.get("host", ()) for prefix in row["prefix"]]
    hints.update(name.strip("-") for row in flags for name in row.name)
    hints.update(name for name in variables)
    hints.update(name for row in raw.get("image", ()) for name in row["name"])
    return Commands(
        rows=MappingProxyType({program: tuple(found) for program, found in rows.items()}),
        flags=flags,
        variables=MappingProxyType(variables),
        images=tuple(images),
        hosts=tuple(hosts),
        hint=_hint(hints),
    )


def _hint(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words, where a word begins and whether written with `-` or `_`; or Python code in a command."""
    texts = [re.sub(r"\\-|_", "[-_]", re.escape(word)) for word in sorted(words)]
    texts += [r"python[\d.]*[\"', ]+(?:-\w[\"', ]+)*(?:-c|-|<<)", "storageUri", "ADD +http"]
    return re.compile(r"(?<![A-Za-z0-9])(?:" + "|".join(texts) + ")")
