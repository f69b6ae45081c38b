"""`[tool.uv]` of pyproject.toml and of scripts (uv's documentation, "Managing dependencies", "Package indexes")."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from packaging.utils import canonicalize_name

from mlgate import rules
from mlgate.manifests._common import rows, table, word
from mlgate.manifests._declared import Given, index_findings, other_index, source_of, without_login
from mlgate.manifests._pyproject import Reading
from mlgate.manifests._rules import EXTRA_INDEX, INSECURE_INDEX
from mlgate.records import Observation

_LISTS = (
    ("dev-dependencies", "dev", "dev"),
    ("constraint-dependencies", "constraint", ""),
    ("override-dependencies", "constraint", ""),
    ("build-constraint-dependencies", "constraint", "build"),
)


def uv(reading: Reading, tool: dict[str, Any], prefix: str = "tool.uv") -> Iterator[Given | Observation]:
    """Uv's own lists of requirements, and what to say of its indexes."""
    for key, scope, group in _LISTS:
        if key in tool:
            yield from reading.listed(tool[key], scope=scope, group=group, header=prefix, key=key)
    for name, texts in table(tool.get("extra-build-dependencies")).items():
        yield from _build(reading, name, texts, prefix)
    for settings in (tool, table(tool.get("pip"))):
        urls = [*_urls(settings), *(word(table(item).get("url")) for item in rows(settings.get("index")))]
        for url in filter(None, urls):
            yield from index_findings(reading.at(url), url)
        for url in default_indexes(settings):
            yield from other_index(reading.at(url), url, "uv's default index")
        for host in rows(settings.get("allow-insecure-host")):
            message = f"allow-insecure-host switches certificate checks off for {str(host)[:100]}."
            where = reading.at("allow-insecure-host")
            yield rules.finding(INSECURE_INDEX, where, message, evidence=f"allow-insecure-host {str(host)[:200]}")
        # uv takes a package from the first index that has its name, unless it is told to look further
        strategy = word(settings.get("index-strategy"))
        if strategy.startswith("unsafe") and len([u for u in urls if u]) > 0:
            message = f"With {strategy}, uv takes each package from any of its indexes."
            yield rules.finding(
                EXTRA_INDEX, reading.at("index-strategy"), message, evidence=f"index-strategy {strategy[:50]}"
            )


def default_indexes(settings: dict[str, Any]) -> list[str]:
    """The indexes that answer for every package: uv asks them in their order, but those that are `explicit`."""
    indexes = [table(item) for item in rows(settings.get("index"))]
    return [
        url
        for url in (word(settings.get("index-url")), *(word(i.get("url")) for i in indexes if not i.get("explicit")))
        if url
    ]


def _build(reading: Reading, name: str, texts: Any, prefix: str) -> Iterator[Given]:
    plain = [table(item).get("requirement", item) if isinstance(item, dict) else item for item in rows(texts)]
    yield from reading.listed(plain, scope="build", group=name, header=f"{prefix}.extra-build-dependencies", key=name)


def _urls(settings: dict[str, Any]) -> list[str]:
    found = [word(settings.get("index-url"))]
    for key in ("extra-index-url", "find-links"):
        value = settings.get(key)
        found += [word(item) for item in (value if isinstance(value, list) else [value])]
    return [url for url in found if "://" in url]


def sourced(tool: dict[str, Any], found: Iterable[Given | Observation]) -> Iterator[Given | Observation]:
    """The same with `tool.uv.sources` applied: each dependency comes from where its source says, or the default."""
    named, default = {}, word(tool.get("index-url"))
    for item in rows(tool.get("index")):
        entry = table(item)
        named[word(entry.get("name"))] = word(entry.get("url"))
        if entry.get("default") is True:
            default = word(entry.get("url"))
    several = any(
        not table(item).get("explicit") and not table(item).get("default") for item in rows(tool.get("index"))
    )
    default = "" if several or tool.get("extra-index-url") else default
    sources = {canonicalize_name(name): value for name, value in table(tool.get("sources")).items()}
    for each in found:
        value = sources.get(canonicalize_name(each.name)) if isinstance(each, Given) else None
        if not isinstance(each, Given) or each.scope == "build":
            yield each
        elif value is None:
            yield dataclasses.replace(each, index=each.index or default) if each.origin == "registry" else each
        else:
            entries = value if isinstance(value, list) else [value]
            for entry in map(table, entries):
                yield _from(each, entry, named)


def _from(each: Given, entry: dict[str, Any], named: dict[str, str]) -> Given:
    origin, url, revision = source_of(entry)
    index = word(entry.get("index"))
    marker = word(entry.get("marker"))
    return dataclasses.replace(
        each,
        origin=origin,
        url=without_login(url) if origin == "registry" else url,
        revision=revision,
        index=named.get(index) or index,
        version=each.version if origin == "registry" else None,
        marker=f"({each.marker}) and ({marker})" if each.marker and marker else each.marker or marker,
    )
