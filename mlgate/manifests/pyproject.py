"""pyproject.toml: PEP 621 dependencies and extras, PEP 735 groups, PEP 518 build requirements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import (
    SHARED_RULES,
    Lines,
    is_commit,
    package,
    read_toml,
    rows,
    table,
    vcs_finding,
    vcs_revision,
)
from mlgate.manifests.unread import UNREAD
from mlgate.records import Artifact, Inspector, Observation, PackageFacts

_GROUP_DEPTH = 32


def _declared(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(scope, group, requirement) for each requirement of the file, in file order."""
    project = table(document.get("project"))
    for text in rows(project.get("dependencies")):
        yield "runtime", "", text
    for extra, texts in table(project.get("optional-dependencies")).items():
        for text in rows(texts):
            yield "optional", extra, text
    groups = table(document.get("dependency-groups"))
    for group in groups:
        for text in _group(groups, group, ()):
            yield "dev", group, text
    for text in rows(table(document.get("build-system")).get("requires")):
        yield "build", "", text


def _unread(document: dict[str, Any]) -> list[str]:
    """Tables of other tools that name dependencies and are not read."""
    tools = table(document.get("tool"))
    keys = {"poetry": ("dependencies", "group", "dev-dependencies"), "pdm": ("dev-dependencies",), "hatch": ("envs",)}
    found = [f"tool.{tool}.{key}" for tool, names in keys.items() for key in names if table(tools.get(tool)).get(key)]
    return (
        [*found, "project.dynamic"] if "dependencies" in rows(table(document.get("project")).get("dynamic")) else found
    )


def _group(groups: dict[str, Any], name: str, seen: tuple[str, ...]) -> Iterator[str]:
    """The requirements of a PEP 735 group. Raises Incomplete on a cycle, which the PEP forbids."""
    if name in seen or len(seen) > _GROUP_DEPTH:
        raise Incomplete("malformed", f"dependency group {name[:100]!r} includes itself")
    for item in rows(groups.get(name)):
        if isinstance(item, dict):
            yield from _group(groups, str(item.get("include-group", "")), (*seen, name))
        else:
            yield item


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    document, text = read_toml(artifact)
    lines = Lines(text)
    bad: list[str] = []
    seen: set[tuple[str, str, str]] = set()
    for scope, group, requirement in _declared(document):
        if (scope, group, str(requirement)) in seen:
            continue
        seen.add((scope, group, str(requirement)))
        try:
            parsed = Requirement(requirement)
        except (InvalidRequirement, TypeError):
            bad.append(str(requirement)[:100])
            continue
        where = artifact.at(line=lines.find(requirement) or lines.find(requirement.replace('"', '\\"')))
        pins = [s.version for s in parsed.specifier if s.operator in {"==", "==="} and "*" not in s.version]
        url = parsed.url or ""
        origin = "registry" if not url else "vcs" if url.startswith(("git+", "hg+", "svn+", "bzr+")) else "url"
        version = pins[0] if len(parsed.specifier) == 1 and pins else None
        if origin == "vcs":
            revision = vcs_revision(url)
            version = revision if is_commit(revision) else None
            if version is None:
                yield vcs_finding(where, parsed.name, url, revision)
        facts = PackageFacts(
            ecosystem="PyPI",
            requirement=requirement[:300],
            specifier=str(parsed.specifier),
            scope=scope,
            group=group[:100],
            marker=str(parsed.marker or "")[:300],
            origin=origin,
            url=url[:2000],
        )
        yield package(kind="pypi", name=parsed.name, version=version, location=where, facts=facts)
    for name in _unread(document):
        message = f"The dependencies under `{name}` were not read."
        yield rules.finding(UNREAD, artifact.at(line=lines.find(f"[{name}")), message, evidence=name)
    if bad:
        raise Incomplete("malformed", f"not a requirement: {', '.join(map(repr, bad[:5]))}")


INSPECTOR = Inspector(
    name="pyproject",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "pyproject.toml",
    inspect=_inspect,
    rules=(*SHARED_RULES, UNREAD),
)
