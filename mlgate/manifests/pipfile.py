"""Pipfile (pipenv's documentation, "Pipfile & Pipfile.lock"; the categories are any other tables)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, Lines, read_toml, rows, table, word
from mlgate.manifests._declared import Given, given, index_findings, other_index, pinned, source_of
from mlgate.manifests._rules import EXTRA_INDEX, INSECURE_INDEX
from mlgate.records import Artifact, Inspector, Observation

_OTHER = frozenset({"source", "requires", "scripts", "pipenv", "build-system"})
_SCOPES = {"packages": "runtime", "dev-packages": "dev"}
_MARKERS = ("os_name", "sys_platform", "platform_machine", "platform_system", "python_version", "implementation_name")


def sources(artifact: Artifact, found: list[Any], lines: Lines) -> tuple[dict[str, str], list[Observation]]:
    """Index addresses by name, and what to say of them."""
    urls: dict[str, str] = {}
    told: list[Observation] = []
    for item in found:
        entry = table(item)
        url = word(entry.get("url"))
        urls[word(entry.get("name"))] = url
        where = artifact.at(line=lines.find(url) if url else None)
        told += index_findings(where, url, verified=entry.get("verify_ssl") is not False)
        if len(urls) == 1:
            told += other_index(where, url, "pipenv's first source")
    return urls, told


def _marker(entry: dict[str, Any]) -> str:
    parts = [word(entry.get("markers"))] + [f"{key} {entry[key]}" for key in _MARKERS if word(entry.get(key))]
    return " and ".join(part for part in parts if part)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    document, text = read_toml(artifact)
    lines = Lines(text)
    urls, told = sources(artifact, rows(document.get("source")), lines)
    yield from told
    if table(document.get("pipenv")).get("install_search_all_sources") is True and len(urls) > 1:
        message = "pipenv takes each package from any of these sources, so a name on the public one can win."
        where = artifact.at(line=lines.find("install_search_all_sources"))
        yield rules.finding(EXTRA_INDEX, where, message, evidence="install_search_all_sources = true")
    only = next(iter(urls.values())) if len(urls) == 1 else ""
    bad: list[str] = []
    for category, packages in document.items():
        if category in _OTHER or not isinstance(packages, dict):
            continue
        header = lines.find(f"[{category}]") or 0
        for name, value in packages.items():
            entry = value if isinstance(value, dict) else {"version": value}
            if not isinstance(value, (dict, str)):
                bad.append(name)
                continue
            version = word(entry.get("version"))
            origin, url, revision = source_of(entry)
            specifier = "" if version == "*" else version
            yield from given(
                Given(
                    name=name,
                    location=artifact.at(line=lines.key(name, after=header)),
                    specifier=specifier,
                    scope=_SCOPES.get(category, "optional"),
                    group="" if category == "packages" else category,
                    marker=_marker(entry),
                    index=(urls.get(word(entry.get("index"))) or word(entry.get("index")) or only)
                    if origin == "registry"
                    else "",
                    origin=origin,
                    url=url,
                    revision=revision,
                    version=pinned(specifier),
                )
            )
    if bad:
        raise Incomplete("malformed", f"not a requirement: {', '.join(map(repr, bad[:5]))}")


INSPECTOR = Inspector(
    name="pipfile",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "Pipfile",
    inspect=_inspect,
    rules=(*SHARED_RULES, INSECURE_INDEX, EXTRA_INDEX),
)
