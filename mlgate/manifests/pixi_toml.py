"""pixi.toml, and the same tables under `[tool.pixi]` (pixi's documentation, "Pixi manifest")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, Lines, hashes, read_toml, rows, table, word
from mlgate.manifests._conda import Match, channel_name, component, note, spec
from mlgate.manifests._declared import Given, given, index_findings, pinned, source_of
from mlgate.manifests._pyproject import Reading, tables
from mlgate.manifests._rules import CONDA, EXTRA_INDEX, INSECURE_INDEX
from mlgate.manifests.unread import UNREAD
from mlgate.records import Artifact, Component, Inspector, Observation

_CONDA = {
    "dependencies": "runtime",
    "run-dependencies": "runtime",
    "host-dependencies": "build",
    "build-dependencies": "build",
    "constraints": "constraint",
}


def pixi(reading: Reading, document: dict[str, Any], prefix: str = "") -> Iterator[Given | Observation]:
    """The conda and PyPI dependencies of the workspace, its features, targets and packages."""
    space = table(document.get("workspace")) or table(document.get("project"))
    channels = []
    for item in rows(space.get("channels")):
        url = word(item) or word(table(item).get("channel"))
        yield from index_findings(reading.at(url), url)
        channels.append(channel_name(url))
    conda: list[Component] = []
    for header, content, feature, target in _places(document, prefix):
        for key, scope in _CONDA.items():
            for name, value in table(content.get(key)).items():
                where = reading.key(name, header=f"{header}{key}]")
                found = _conda(name, value, channels, where, scope=scope, group=feature, marker=target)
                conda += [found] if found else []
                reading.bad += [f"{name} = {value}"[:100]] if not found else []
        for name, value in table(content.get("pypi-dependencies")).items():
            python = _python(reading, name, value, header, group=feature, marker=target)
            if python:
                yield python
            else:
                reading.bad.append(f"{name} = {value}"[:100])
        options = table(content.get("pypi-options"))
        for url in [options.get("index-url"), *rows(options.get("extra-index-urls"))]:
            if word(url):
                yield from index_findings(reading.at(word(url)), word(url))
    yield from conda
    yield from note(reading.artifact, conda)


def _places(document: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any], str, str]]:
    """(header, table, feature, target) of everything that can hold dependencies."""
    roots = [(prefix, document, "")]
    roots += [(f"{prefix}feature.{name}.", inner, name) for name, inner in tables(document.get("feature"))]
    if table(document.get("package")):
        roots.append((f"{prefix}package.", table(document["package"]), ""))
    for header, content, feature in roots:
        yield header, content, feature, ""
        for target, inner in tables(content.get("target")):
            yield f"{header}target.{target}.", inner, feature, target


def _conda(
    name: str, value: Any, channels: list[str], where: Any, *, scope: str, group: str, marker: str
) -> Component | None:
    entry = {"version": value} if isinstance(value, str) else table(value)
    if not isinstance(value, (str, dict)):
        return None
    version = word(entry.get("version"))
    match = spec(f"{name} {version}") if version[:1] in "=<>!~" else spec(name)
    if match is None:
        return None
    origin, url, _ = source_of(entry)
    channel = channel_name(word(entry.get("channel")))
    match = Match(
        name=match.name,
        specifier=version if version != "*" else "",
        # a bare version is a range of all that begin with it
        version=match.version if version.startswith("==") else None,
        build=word(entry.get("build")),
        channel=channel,
        subdir=word(entry.get("subdir")),
        url=url,
    )
    index = channel or (channels[0] if len(channels) == 1 else "")
    return component(
        match,
        where,
        requirement=f"{name} {version}".strip(),
        scope="optional" if group and scope == "runtime" else scope,
        group=group,
        marker=marker,
        origin=origin,
        index=index if origin == "registry" else "",
        channels=() if index else channels,
        fixed=hashes(f"{key}:{word(entry.get(key))}" for key in ("sha256", "md5")),
    )


def _python(reading: Reading, name: str, value: Any, header: str, *, group: str, marker: str) -> Given | None:
    entry = {"version": value} if isinstance(value, str) else value
    if not isinstance(entry, dict):
        return None
    version = word(entry.get("version"))
    origin, url, revision = source_of(entry)
    return Given(
        name=name,
        location=reading.key(name, header=f"{header}pypi-dependencies]"),
        specifier="" if version == "*" else version,
        scope="optional" if group else "runtime",
        group=group,
        marker=marker,
        index=word(entry.get("index")),
        origin=origin,
        url=url,
        revision=revision,
        version=pinned(version),
    )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    document, text = read_toml(artifact)
    reading = Reading(artifact=artifact, lines=Lines(text))
    for found in pixi(reading, document):
        if isinstance(found, Given):
            yield from given(found)
        else:
            yield found
    if reading.bad:
        raise Incomplete("malformed", f"not a dependency: {', '.join(map(repr, reading.bad[:5]))}")


INSPECTOR = Inspector(
    name="pixi",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "pixi.toml",
    inspect=_inspect,
    rules=(*SHARED_RULES, CONDA, EXTRA_INDEX, INSECURE_INDEX, UNREAD),
)
