"""Tables of pdm, hatch, rye, flit and setuptools in pyproject.toml that name dependencies (their documentation)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from mlgate import rules
from mlgate.manifests._common import rows, table, word
from mlgate.manifests._declared import Given, index_findings, pinned, without_login
from mlgate.manifests._pyproject import Reading, tables
from mlgate.manifests._rules import EXTRA_INDEX
from mlgate.records import Include, Observation, Severity

_EGG = re.compile(r"(?:-e|--editable)[ =]+(\S+)#(?:.*&)?egg=([A-Za-z0-9][\w.-]*)(?:\[.*\])?")


def pdm(reading: Reading, tool: dict[str, Any]) -> Iterator[Given | Observation]:
    """Development groups, overrides, and what to say of pdm's sources."""
    for group, texts in table(tool.get("dev-dependencies")).items():
        plain = []
        for text in rows(texts):
            egg = _EGG.fullmatch(text) if isinstance(text, str) else None
            if egg is None:
                plain.append(text)
                continue
            vcs = egg[1].startswith(("git+", "hg+", "svn+", "bzr+"))
            yield Given(
                name=egg[2],
                location=reading.at(text),
                requirement=text,
                scope="dev",
                group=group,
                origin="vcs" if vcs else "path",
                url=egg[1],
                revision=egg[1].partition("://")[2].partition("/")[2].rpartition("@")[2] if "@" in egg[1] else "",
            )
        yield from reading.listed(plain, scope="dev", group=group, header="tool.pdm.dev-dependencies", key=group)
    resolution = table(tool.get("resolution"))
    for name, value in {**table(tool.get("overrides")), **table(resolution.get("overrides"))}.items():
        yield Given(
            name=name,
            location=reading.key(name, header="tool.pdm"),
            specifier=word(value) if not word(value)[:1].isdigit() else f"=={value}",
            scope="constraint",
            version=pinned(word(value)) or (word(value) if word(value)[:1].isdigit() else None),
        )
    ordered = resolution.get("respect-source-order") is True
    for item in rows(tool.get("source")):
        entry = table(item)
        url, name = word(entry.get("url")), word(entry.get("name"))
        where = reading.at(url or name)
        yield from index_findings(where, url, verified=entry.get("verify_ssl") is not False)
        if name.lower() != "pypi" and not ordered and not entry.get("include_packages"):
            message = f"pdm takes each package from {name[:100]!r} or from PyPI, whichever has the higher version."
            evidence = f"tool.pdm.source {without_login(url)[:200]}"
            yield rules.finding(EXTRA_INDEX, where, message, evidence=evidence, severity=Severity.MEDIUM)


def hatch(reading: Reading, tool: dict[str, Any]) -> Iterator[Given | Observation]:
    """The dependencies of environments and of build hooks."""
    for name, content in tables(tool.get("envs")):
        for key in ("dependencies", "extra-dependencies"):
            if key in content:
                yield from reading.listed(
                    content[key], scope="dev", group=name, header=f"tool.hatch.envs.{name}", key=key
                )
        for _, matrix in tables(content.get("overrides")):
            if any("dependencies" in str(key) for _, values in tables(matrix) for key in values) or any(
                "dependencies" in str(key) for key in matrix
            ):
                yield reading.unread(f"tool.hatch.envs.{name}.overrides")
                break
    build = table(tool.get("build"))
    places = [build, *(v for _, v in tables(build.get("hooks"))), *(v for _, v in tables(build.get("targets")))]
    for place in places:
        if isinstance(place.get("dependencies"), list):
            yield from reading.listed(place["dependencies"], scope="build", header="tool.hatch.build")
    files = table(table(table(tool.get("metadata")).get("hooks")).get("requirements_txt"))
    yield from _files(reading, files.get("files"), "tool.hatch.metadata.hooks.requirements_txt")
    for extra in table(files.get("optional-dependencies")).values():
        yield from _files(reading, extra, "tool.hatch.metadata.hooks.requirements_txt")


def others(reading: Reading, tools: dict[str, Any]) -> Iterator[Given | Observation]:
    """Rye's development dependencies, flit's old table, and the files that setuptools' `dynamic` names."""
    rye = table(tools.get("rye"))
    if "dev-dependencies" in rye:
        yield from reading.listed(rye["dev-dependencies"], scope="dev", group="dev", header="tool.rye")
    flit = table(table(tools.get("flit")).get("metadata"))
    for key, scope in (("requires", "runtime"), ("dev-requires", "dev")):
        if key in flit:
            yield from reading.listed(flit[key], scope=scope, header="tool.flit.metadata", key=key)
    for extra, texts in table(flit.get("requires-extra")).items():
        yield from reading.listed(texts, scope="optional", group=extra, header="tool.flit.metadata.requires-extra")
    dynamic = table(table(tools.get("setuptools")).get("dynamic"))
    yield from _files(reading, table(dynamic.get("dependencies")).get("file"), "tool.setuptools.dynamic")
    for _, entry in tables(dynamic.get("optional-dependencies")):
        yield from _files(reading, entry.get("file"), "tool.setuptools.dynamic")


def _files(reading: Reading, value: Any, header: str) -> Iterator[Observation]:
    for name in value if isinstance(value, list) else [value]:
        if isinstance(name, str) and name:
            joined = posixpath.normpath(posixpath.join(posixpath.dirname(reading.artifact.path), name))
            if joined.startswith(("../", "/")):
                yield reading.unread(header)
            else:
                yield Include(path=joined, reader="requirements", location=reading.at(name, header=header))
