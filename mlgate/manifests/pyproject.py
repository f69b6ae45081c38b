"""pyproject.toml: PEP 621 dependencies and extras, PEP 735 groups, PEP 518 build requirements, tools' own tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, Lines, read_toml, rows, table, word
from mlgate.manifests._declared import Given, given
from mlgate.manifests._poetry import poetry
from mlgate.manifests._project_tools import hatch, others, pdm
from mlgate.manifests._pyproject import Reading
from mlgate.manifests._rules import CONDA, EXTRA_INDEX, INSECURE_INDEX
from mlgate.manifests._uv_tool import sourced, uv
from mlgate.manifests.pixi_toml import pixi
from mlgate.manifests.unread import UNREAD
from mlgate.records import Artifact, Inspector, Observation

_GROUP_DEPTH = 32
_MOST = 100_000  # groups that include groups can multiply


def _standard(reading: Reading, document: dict[str, Any]) -> Iterator[Given]:
    """What the standards' own tables ask for, in file order."""
    project = table(document.get("project"))
    if "dependencies" in project:
        yield from reading.listed(project["dependencies"], scope="runtime", header="project]", key="dependencies")
    header = "project.optional-dependencies"
    for extra, texts in table(project.get("optional-dependencies")).items():
        yield from reading.listed(texts, scope="optional", group=extra, header=header, key=extra)
    groups = table(document.get("dependency-groups"))
    for group in groups:
        for owner, text in _group(groups, group, ()):
            yield from reading.listed([text], scope="dev", group=group, header="dependency-groups", key=owner)
    build = table(document.get("build-system"))
    if "requires" in build:
        yield from reading.listed(build["requires"], scope="build", header="build-system", key="requires")


def _group(groups: dict[str, Any], name: str, seen: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The requirements of a PEP 735 group with the one that names them. Raises Incomplete on a cycle."""
    if name in seen or len(seen) > _GROUP_DEPTH:
        raise Incomplete("malformed", f"dependency group {name[:100]!r} includes itself")
    for item in rows(groups.get(name)):
        if isinstance(item, dict):
            yield from _group(groups, str(item.get("include-group", "")), (*seen, name))
        else:
            yield name, item


def _declared(reading: Reading, document: dict[str, Any]) -> Iterator[Given | Observation]:
    tools = table(document.get("tool"))
    yield from sourced(table(tools.get("uv")), _standard(reading, document))
    yield from sourced(table(tools.get("uv")), uv(reading, table(tools.get("uv"))))
    yield from poetry(reading, table(tools.get("poetry")))
    yield from pdm(reading, table(tools.get("pdm")))
    yield from hatch(reading, table(tools.get("hatch")))
    yield from others(reading, tools)
    if isinstance(tools.get("pixi"), dict):
        yield from pixi(reading, tools["pixi"], "tool.pixi.")
    if _elsewhere(document, tools):
        yield reading.unread("project.dynamic")


def _elsewhere(document: dict[str, Any], tools: dict[str, Any]) -> bool:
    """Whether a backend computes the dependencies from what is read nowhere."""
    dynamic = rows(table(document.get("project")).get("dynamic"))
    if not {"dependencies", "optional-dependencies"} & {word(item) for item in dynamic}:
        return False
    build = table(document.get("build-system"))
    backend = word(build.get("build-backend"))
    if not backend or backend.startswith("setuptools"):
        return False  # setup.py, setup.cfg or the files that are named: they have readers of their own
    hooks = table(table(table(tools.get("hatch")).get("metadata")).get("hooks"))
    read = "poetry" in backend or table(hooks.get("requirements_txt"))
    return not read


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    document, text = read_toml(artifact)
    reading = Reading(artifact=artifact, lines=Lines(text))
    seen: set[Given | Observation] = set()
    for found in _declared(reading, document):
        if found in seen:
            continue
        seen.add(found)
        if len(seen) > _MOST:
            raise Incomplete("limit", f"more than {_MOST:,} requirements")
        if isinstance(found, Given):
            yield from given(found)
        else:
            yield found
    if reading.bad:
        raise Incomplete("malformed", f"not a requirement: {', '.join(map(repr, reading.bad[:5]))}")


INSPECTOR = Inspector(
    name="pyproject",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "pyproject.toml",
    inspect=_inspect,
    rules=(*SHARED_RULES, UNREAD, EXTRA_INDEX, INSECURE_INDEX, CONDA),
)
