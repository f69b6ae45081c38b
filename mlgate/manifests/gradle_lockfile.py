"""Gradle's dependency locks (docs.gradle.org, "Locking Versions"): one file a project, or one a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.manifests._common import read_text
from mlgate.manifests._ecosystems import MAVEN, RULES, Entry, observations
from mlgate.records import Artifact, Inspector, Observation

_LINE = re.compile(r"([^\s:=]{1,300}):([^\s:=]{1,300}):([^\s:=]{1,200})(?:=(.*))?")
_BUILD = re.compile(r"classpath|annotationProcessor|kapt.*|ksp.*|.*AnnotationProcessor")


def _scope(configurations: list[str], name: str) -> str:
    """For development when all configurations are of tests, for the build when they only run while building."""
    if name.startswith(("buildscript-", "settings-")):
        return "build"
    if configurations and all("test" in each.lower() for each in configurations):
        return "dev"
    return "build" if configurations and all(_BUILD.fullmatch(each) for each in configurations) else "runtime"


def _entries(artifact: Artifact, broken: list[int]) -> Iterator[Entry]:
    for number, raw in enumerate(read_text(artifact).split("\n"), 1):
        line = raw.strip()
        match = _LINE.fullmatch(line)
        if match is None:
            broken += [number] if line and not line.startswith(("#", "empty=")) else []
            continue
        group, name, version, listed = match.groups()
        configurations = [each.strip() for each in (listed or artifact.name.removesuffix(".lockfile")).split(",")]
        yield Entry(
            name=f"{group}:{name}",
            location=artifact.at(line=number),
            version=version,
            requirement=f"{group}:{name}:{version}",
            scope=_scope(configurations, artifact.name),
            group=", ".join(configurations) if listed else "",
        )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    broken: list[int] = []
    yield from observations(MAVEN, artifact, _entries(artifact, broken))
    if broken:
        raise Incomplete("malformed", f"lines {', '.join(map(str, broken[:10]))} are not of Gradle's format")


def _claims(artifact: Artifact) -> bool:
    name = artifact.name
    single = name == "gradle.lockfile" or name.endswith("-gradle.lockfile")
    old = name.endswith(".lockfile") and f"/{artifact.path}".rpartition("/")[0].endswith("/gradle/dependency-locks")
    return artifact.depth == 0 and (single or old)


INSPECTOR = Inspector(name="gradle-lockfile", claims=_claims, inspect=_inspect, rules=RULES)
