"""Gradle's version catalogues (docs.gradle.org, "Version Catalogs"): libraries and plugins with rich versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import Lines, read_toml, table, word
from mlgate.manifests._ecosystems import MAVEN, RULES, Entry, observations
from mlgate.manifests.pom import UNRESOLVED
from mlgate.records import Artifact, Inspector, Observation

_LOOSE = re.compile(r"[\[\](),+$]|^latest\.|^$", re.IGNORECASE)


def exact(version: str) -> str | None:
    """The version when Gradle takes it as one: no range, prefix (`1.+`), `latest.release` or variable."""
    return None if _LOOSE.search(version) else version


def _version(stated: Any, versions: dict[str, Any]) -> tuple[str | None, str]:
    """(the exact version, what is written). A rich version is fixed by `strictly`, else by `require`."""
    found = table(stated)
    if "ref" in found:
        key = word(found.get("ref"))
        if key not in versions:
            raise Incomplete("malformed", f"the version {key[:100]!r} is not in the catalogue")
        return _version({"written": versions[key]}, {})
    value = found.get("written", stated)
    if isinstance(value, str):
        return exact(value.partition("!!")[0]), value
    rich = table(value)
    written = ", ".join(f"{key} {word(rich[key])}".strip() for key in ("strictly", "require", "prefer") if key in rich)
    fixed = word(rich.get("strictly")) or word(rich.get("require"))
    return exact(fixed), written


def _library(alias: str, value: Any, versions: dict[str, Any]) -> tuple[str, str | None, str]:
    """(group:name, exact version, what is written) of an entry, which is a text or a table."""
    if isinstance(value, str):
        parts = value.split(":")
        if len(parts) == 3:
            return f"{parts[0]}:{parts[1]}", *_version(parts[2], versions)
    stated = table(value)
    module = word(stated.get("module")) or f"{word(stated.get('group'))}:{word(stated.get('name'))}"
    if module.count(":") != 1 or module.startswith(":") or module.endswith(":"):
        raise Incomplete("malformed", f"the library {alias[:100]!r} has no coordinates")
    return module, *_version(stated.get("version"), versions)


def _plugin(alias: str, value: Any, versions: dict[str, Any]) -> tuple[str, str | None, str]:
    """A plugin's coordinates are its marker's (docs.gradle.org, "Plugin Marker Artifacts")."""
    if isinstance(value, str):
        name, _, version = value.partition(":")
        return f"{name}:{name}.gradle.plugin", *_version(version, versions)
    stated = table(value)
    name = word(stated.get("id"))
    if not name:
        raise Incomplete("malformed", f"the plugin {alias[:100]!r} has no id")
    return f"{name}:{name}.gradle.plugin", *_version(stated.get("version"), versions)


def _entries(artifact: Artifact) -> Iterator[Entry]:
    document, text = read_toml(artifact)
    versions, lines = table(document.get("versions")), Lines(text)
    for section, read, scope in (("libraries", _library, "runtime"), ("plugins", _plugin, "build")):
        at = lines.find(f"[{section}]") or 0
        for alias, value in table(document.get(section)).items():
            name, version, written = read(alias, value, versions)
            line = lines.find(alias, after=at)
            yield Entry(
                name=name,
                location=artifact.at(line=line),
                version=version,
                requirement=f"{name}:{written}".rstrip(":"),
                specifier=written,
                direct=True,
                scope=scope,
            )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    loose: list[Entry] = []

    def watched() -> Iterator[Entry]:
        for entry in _entries(artifact):
            loose.extend([entry] if entry.version is None else [])
            yield entry

    yield from observations(MAVEN, artifact, watched())
    if loose:
        names = ", ".join(entry.name for entry in loose[:3]) + (", ..." if len(loose) > 3 else "")
        message = f"{len(loose)} entries have no exact version in this file: {names}."
        yield rules.finding(UNRESOLVED, loose[0].location, message, evidence=loose[0].requirement[:300])


INSPECTOR = Inspector(
    name="gradle-catalog",
    claims=lambda artifact: artifact.depth == 0 and artifact.name.endswith(".versions.toml"),
    inspect=_inspect,
    rules=(UNRESOLVED, *RULES),
)
