"""`[tool.poetry]` of pyproject.toml (poetry's documentation, "The pyproject.toml file", "Dependency specification")."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name

from mlgate import rules
from mlgate.manifests._common import rows, table, word
from mlgate.manifests._declared import Given, exact, index_findings, other_index, source_of, without_login
from mlgate.manifests._pyproject import Reading, tables
from mlgate.manifests._rules import EXTRA_INDEX
from mlgate.records import Observation, Severity

_PYPI = "https://pypi.org/simple"


def poetry(reading: Reading, tool: dict[str, Any]) -> Iterator[Given | Observation]:
    """The dependencies of all groups, and what to say of the sources."""
    urls: dict[str, str] = {}
    yield from _sources(reading, rows(tool.get("source")), urls)
    extras = _extras(tool)
    parts = [("tool.poetry.dependencies", tool.get("dependencies"), "runtime", "")]
    parts.append(("tool.poetry.dev-dependencies", tool.get("dev-dependencies"), "dev", "dev"))
    parts.append(("tool.poetry.requires-plugins", tool.get("requires-plugins"), "build", ""))
    for group, content in tables(tool.get("group")):
        parts.append((f"tool.poetry.group.{group}.dependencies", content.get("dependencies"), "dev", group))
    for header, dependencies, scope, group in parts:
        for name, value in table(dependencies).items():
            if name.lower() == "python":
                continue
            for entry in value if isinstance(value, list) else [value]:
                found = _given(reading, name, entry, header=header, urls=urls)
                if found is None:
                    reading.bad.append(f"{name} = {entry}"[:100])
                    continue
                optional = isinstance(entry, dict) and entry.get("optional") is True
                named = extras.get(canonicalize_name(name), "") if optional else group
                yield dataclasses.replace(found, scope="optional" if optional else scope, group=named)


def _extras(tool: dict[str, Any]) -> dict[str, str]:
    """The extra that asks for each optional dependency; the first of several."""
    found: dict[str, str] = {}
    for extra, names in table(tool.get("extras")).items():
        for name in rows(names):
            found.setdefault(canonicalize_name(str(name).partition("[")[0]), extra)
    return found


def _given(reading: Reading, name: str, value: Any, *, header: str, urls: dict[str, str]) -> Given | None:
    entry = {"version": value} if isinstance(value, str) else value
    if not isinstance(entry, dict):
        return None
    version = word(entry.get("version"))
    origin, url, revision = source_of(entry)
    markers = [word(entry.get("markers"))]
    markers += [f"{key} {entry[key]}" for key in ("python", "platform") if word(entry.get(key))]
    source = word(entry.get("source"))
    return Given(
        name=name,
        location=reading.key(name, header=header),
        specifier="" if version == "*" else version,
        marker=" and ".join(m for m in markers if m),
        index=(urls.get(source) or source) if origin == "registry" else "",
        origin=origin,
        url=url,
        revision=revision,
        version=exact(version),
    )


def _sources(reading: Reading, sources: list[Any], urls: dict[str, str]) -> Iterator[Observation]:
    """Poetry takes a package from whichever source that is not `explicit` has it."""
    searched: list[str] = []
    for item in sources:
        entry = table(item)
        name = word(entry.get("name"))
        url = word(entry.get("url")) or (_PYPI if name.lower() == "pypi" else "")
        urls[name] = url
        where = reading.at(word(entry.get("url")) or name, header="[tool.poetry.source")
        yield from index_findings(where, url)
        priority = "secondary" if entry.get("secondary") is True else word(entry.get("priority")).lower() or "primary"
        if priority == "explicit":
            continue
        searched.append(name)
        if len(searched) == 1:
            yield from other_index(where, url, "poetry's first source")
        if priority in {"supplemental", "secondary"} or len(searched) > 1:
            message = f"poetry may take any package from {name or url!r} as well as from another source."
            yield rules.finding(
                EXTRA_INDEX,
                where,
                message,
                evidence=f"tool.poetry.source {without_login(url)[:200]}",
                severity=Severity.MEDIUM,
                fix='priority = "explicit"',
            )
