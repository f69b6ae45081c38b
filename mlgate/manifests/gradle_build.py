"""build.gradle and build.gradle.kts as far as coordinates are literals (docs.gradle.org, "Declaring Dependencies").

A build script is a program that nothing here runs. What it computes is told, once a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import read_text
from mlgate.manifests._ecosystems import DYNAMIC, MAVEN, RULES, Entry, observations
from mlgate.manifests.gradle_catalog import exact
from mlgate.records import Artifact, Inspector, Observation, Pairs

_LONGEST = 2000  # characters of one line that are looked at
_SKIP = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|//[^\n]*|/\*(?:.*?\*/|.*)""", re.DOTALL)
_CONFIGURATION = (
    r"\w*(?:[iI]mplementation|[aA]pi|[cC]ompile|[cC]ompileOnly|[rR]untime|[rR]untimeOnly|[cC]ompileOnlyApi|"
    r"annotationProcessor|AnnotationProcessor|kapt|ksp|classpath|provided|developmentOnly|detektPlugins)"
)
_CALL = re.compile(rf"(?:^|[\s{{;])(?:add\s*\(\s*)?[\"']?({_CONFIGURATION})[\"']?(?=[\s(,]|$)(.*)")
_LITERAL = re.compile(
    r"[\"']([^\s:\"'$@]{1,300}):([^\s:\"'$@]{1,300})(?::([^\s:\"'@]{1,200}))?(?::([^\s:\"'$@]{1,100}))?(?:@([\w.]{1,50}))?[\"']"
)
_MAP = re.compile(
    r"group\s*[:=]\s*[\"']([^\"'$]{1,300})[\"']\s*,\s*name\s*[:=]\s*[\"']([^\"'$]{1,300})[\"']"
    r"(?:\s*,\s*version\s*[:=]\s*(?:[\"']([^\"']{1,200})[\"']|\S+))?"
)
_OWN = re.compile(r"\b(?:project|projects|files|fileTree|gradleApi|localGroovy|gradleTestKit|gradleKotlinDsl)\b")
_CATALOGUE = re.compile(r"\b(?:libs|\w*[lL]ibs)\.[a-z]")
_PLUGIN = re.compile(
    r"(?:^|[\s{;])id\s*\(?\s*[\"']([\w.-]{1,200})[\"']\s*\)?\s*\.?version\s*\(?\s*[\"']([^\"']{1,200})[\"']"
)
_BLOCK = re.compile(r"(?<![\w.])(dependencies|buildscript|constraints)\s*\{|([{}])")
_APPLY = re.compile(r"\bapply\s*\(?\s*from\b")


@dataclass(slots=True)
class _Open:
    """The braces that are open: which of them are of a `dependencies` or `buildscript` block."""

    names: list[str]

    def dependencies(self) -> bool:
        return "dependencies" in self.names


def _lines(text: str) -> list[str]:
    """The lines without comments."""
    plain = _SKIP.sub(lambda m: m[0] if m[1] else "\n" * m[0].count("\n"), text)
    return plain.split("\n")


def _entries(artifact: Artifact, dynamic: list[tuple[int, str]]) -> Iterator[Entry]:
    blocks = _Open([])
    for number, whole in enumerate(_lines(read_text(artifact)), 1):
        line = whole[:_LONGEST]
        dynamic.extend([(number, line)] if len(whole) > _LONGEST else [])
        bare = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", lambda m: "_" * len(m[0]), line)
        was = blocks.dependencies()
        for match in _BLOCK.finditer(bare):
            if match[2] == "}":
                if blocks.names:
                    blocks.names.pop()
            else:
                blocks.names.append(match[1] or "")
            if len(blocks.names) > 200:
                raise Incomplete("limit", "blocks are nested too deep")
        inside = was or blocks.dependencies() or re.search(r"(?:^|[\s{;])dependencies\s*\{", bare) is not None
        plugin = _PLUGIN.search(line)
        if plugin:
            name = f"{plugin[1]}:{plugin[1]}.gradle.plugin"
            yield _entry(artifact, number, name, plugin[2], "build", dynamic, ())
        elif inside:
            yield from _dependency(artifact, number, line, blocks, dynamic)
        elif _APPLY.search(bare):
            dynamic.append((number, line.strip()))


def _dependency(
    artifact: Artifact, number: int, line: str, blocks: _Open, dynamic: list[tuple[int, str]]
) -> Iterator[Entry]:
    call = _CALL.search(line)
    found = False
    for pattern in (_LITERAL, _MAP):
        for match in pattern.finditer(line):
            if call is None and pattern is _MAP:
                continue  # `exclude group: ..., module: ...` and the like
            found = True
            group, name, version, *rest = match.groups()
            qualifiers = tuple(
                (key, value)
                for key, value in zip(("classifier", "type"), rest, strict=False)
                if value and value != "jar"
            )
            scope = "constraint" if "platform" in line.lower() else _scope(call[1] if call else "", blocks)
            yield _entry(artifact, number, f"{group}:{name}", version or "", scope, dynamic, qualifiers)
    if call and not found and not _OWN.search(call[2]) and not _CATALOGUE.search(call[2]) and call[2].strip(" \t{(),"):
        dynamic.append((number, line.strip()))


def _scope(configuration: str, blocks: _Open) -> str:
    low = configuration.lower()
    if "buildscript" in blocks.names or low.endswith(("classpath", "annotationprocessor", "kapt", "ksp")):
        return "build"
    return "constraint" if "constraints" in blocks.names else "dev" if "test" in low else "runtime"


def _entry(
    artifact: Artifact,
    number: int,
    name: str,
    version: str,
    scope: str,
    dynamic: list[tuple[int, str]],
    qualifiers: Pairs,
) -> Entry:
    fixed = exact(version.partition("!!")[0])
    if "$" in version:
        dynamic.append((number, f"{name}:{version}"))
    return Entry(
        name=name,
        location=artifact.at(line=number),
        version=fixed,
        requirement=f"{name}:{version}".rstrip(":"),
        specifier=version,
        direct=True,
        scope=scope,
        qualifiers=qualifiers,
    )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    dynamic: list[tuple[int, str]] = []
    yield from observations(MAVEN, artifact, _entries(artifact, dynamic))
    if dynamic:
        number, text = dynamic[0]
        message = f"{len(dynamic)} lines of this build script name dependencies that only its run would tell."
        yield rules.finding(DYNAMIC, artifact.at(line=number), message, evidence=text[:300])


INSPECTOR = Inspector(
    name="gradle-build",
    claims=lambda artifact: artifact.depth == 0 and artifact.name in {"build.gradle", "build.gradle.kts"},
    inspect=_inspect,
    rules=(DYNAMIC, *RULES),
)
