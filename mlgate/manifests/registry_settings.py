"""Registries of other languages that stand in the repository: Yarn, Cargo, NuGet, Maven, Gradle, Bundler.

Formats: Yarn ("yarnrc.yml"), Cargo ("Source Replacement", "Registries"), NuGet ("nuget.config reference"), Maven
("Settings reference", "POM reference"), Gradle ("Declaring repositories"), Bundler ("Gemfile").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import OTHER_INDEX, Lines, read_text, read_toml, table, word
from mlgate.manifests._declared import index_findings, other_index
from mlgate.manifests._rules import INSECURE_INDEX
from mlgate.records import Artifact, Inspector, Observation
from mlgate.yaml_events import Map, Node, documents, scalar

_LARGEST = 2 << 20
_OFF = frozenset({"false", "no", "off", "0"})
_XML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_UPLOADS = re.compile(r"<distributionManagement\b.*?(?:</distributionManagement>|\Z)", re.DOTALL)
_MAVEN = re.compile(
    r"<(repository|pluginRepository|mirror)\b(?:(?!</\1>).){0,4000}?<url>\s*([^<\s]{1,2000})\s*</url>", re.DOTALL
)
_NUGET = re.compile(r"<add\s[^>]{0,2000}?\bvalue\s*=\s*[\"']([^\"']{1,2000})[\"']", re.DOTALL)
_SOURCES = re.compile(r"<packageSources\b.*?(?:</packageSources>|\Z)", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|(?<![:\w])//[^\n]*", re.DOTALL)
_GRADLE = re.compile(
    r"\b(?:maven|ivy)\s*(?:\{[^{}]{0,1000}?\b(?:url\b|setUrl\b)[\s=(]*(?:uri\s*\(\s*)?|\(\s*(?:url\s*=\s*)?)"
    r"[\"'](https?://[^\"'\s]{1,2000})[\"']"
)
_GEMS = re.compile(r"^[ \t]*source[ \t(]+[\"'](https?://[^\"'\s]{1,2000})[\"']", re.MULTILINE)


def _yarn(artifact: Artifact) -> Iterator[Observation]:
    for document in documents(read_text(artifact)):
        pending: list[tuple[Node, bool]] = [(document, True)]
        for _ in range(10_000):
            if not pending:
                break
            node, top = pending.pop()
            for key, value in reversed(node.pairs) if isinstance(node, Map) else ():
                pending.append((value, False))
                found = scalar(value)
                if found is None:
                    continue
                where = artifact.at(line=found.line)
                if key == "npmRegistryServer":
                    yield from index_findings(where, found.value)
                    yield from other_index(where, found.value, key) if top else ()
                elif key == "enableStrictSsl" and found.value.lower() in _OFF:
                    message = "enableStrictSsl switches the check of certificates off for the registry."
                    yield rules.finding(INSECURE_INDEX, where, message, evidence="enableStrictSsl: false")


def _cargo(artifact: Artifact) -> Iterator[Observation]:
    document, text = read_toml(artifact)
    lines = Lines(text)
    sources = table(document.get("source"))
    for settings in (*sources.values(), *table(document.get("registries")).values()):
        for key in ("registry", "index"):
            url = word(table(settings).get(key))
            yield from index_findings(artifact.at(line=lines.find(url)), url.removeprefix("sparse+")) if url else ()
    name = word(table(sources.get("crates-io")).get("replace-with"))
    for _ in range(len(sources)):
        source = table(sources.get(name))
        url = word(source.get("registry")) or word(table(document.get("registries")).get(name) or {})
        if url:
            where = artifact.at(line=lines.find(url))
            yield from other_index(where, url.removeprefix("sparse+"), "replace-with")
        name = word(source.get("replace-with"))
        if not name:
            break


def _addresses(artifact: Artifact, text: str, pattern: re.Pattern[str], setting: str) -> Iterator[Observation]:
    """What a pattern finds, each address once, at its line."""
    told: set[str] = set()
    for found in pattern.finditer(text):
        url = found[found.lastindex or 0]
        if url in told or "://" not in url or "${" in url or url.startswith("file:"):
            continue
        told.add(url)
        where = artifact.at(line=text.count("\n", 0, found.start(found.lastindex or 0)) + 1)
        yield from index_findings(where, url)
        yield from other_index(where, url, setting)


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """The text without what the pattern finds, its lines where they were."""
    return pattern.sub(lambda found: "\n" * found[0].count("\n"), text)


def _maven(artifact: Artifact) -> Iterator[Observation]:
    text = _blank(_UPLOADS, _blank(_XML_COMMENT, read_text(artifact)))
    return _addresses(artifact, text, _MAVEN, "Maven's repository")


def _nuget(artifact: Artifact) -> Iterator[Observation]:
    text = _blank(_XML_COMMENT, read_text(artifact))
    for part in _SOURCES.finditer(text):
        before = "\n" * text.count("\n", 0, part.start())
        yield from _addresses(artifact, before + part[0], _NUGET, "packageSources")


def _gradle(artifact: Artifact) -> Iterator[Observation]:
    return _addresses(artifact, _blank(_COMMENT, read_text(artifact)), _GRADLE, "Gradle's repository")


def _bundler(artifact: Artifact) -> Iterator[Observation]:
    return _addresses(artifact, read_text(artifact), _GEMS, "source")


def _reader(artifact: Artifact) -> Callable[[Artifact], Iterator[Observation]] | None:
    name, path = artifact.name.lower(), f"/{artifact.path.lower()}"
    if artifact.depth:
        return None
    if name in {".yarnrc.yml", ".yarnrc.yaml"}:
        return _yarn
    if path.endswith(("/.cargo/config.toml", "/.cargo/config")):
        return _cargo
    if name == "nuget.config":
        return _nuget
    if name in {"pom.xml", "settings.xml"}:
        return _maven
    if name.endswith((".gradle", ".gradle.kts")):
        return _gradle
    return _bundler if name in {"gemfile", "gems.rb"} else None


def _claims(artifact: Artifact) -> bool:
    if artifact.name.lower() == "settings.xml":
        return _reader(artifact) is not None and b"<mirror" in artifact.head + artifact.source.read_at(0, 1 << 16)
    return _reader(artifact) is not None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    reader = _reader(artifact)
    if artifact.source.size > _LARGEST:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than settings of a registry have")
    if reader is not None:
        yield from reader(artifact)


INSPECTOR = Inspector(
    name="registry-settings",
    claims=_claims,
    inspect=_inspect,
    rules=(OTHER_INDEX, INSECURE_INDEX),
)
