"""Conda's environment files, under the names people and MLflow give them, and MLflow's python_env.yaml.

Formats: conda's documentation, "Managing environments"; mlflow/utils/environment.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, read_text
from mlgate.manifests._conda import channel_name, component, note, spec
from mlgate.manifests._declared import index_findings
from mlgate.manifests._pip_lines import split
from mlgate.manifests._rules import CONDA, EXTRA_INDEX, INSECURE_INDEX, LOCAL, OUTSIDE, UNHASHED, UNPINNED
from mlgate.manifests.requirements import read_lines
from mlgate.records import Artifact, Category, Component, Inspector, Observation, Rule, Severity
from mlgate.yaml_events import Map, Node, Scalar, Sequence, documents, get, scalar

_NAME = re.compile(r"(.*[-_.])?(conda|env|environments?|python_env)([-_.].*)?\.ya?ml", re.IGNORECASE)
_KEY = re.compile(rb"^(dependencies|build_dependencies)[ \t]*:", re.MULTILINE)
_PYTHON = "python_env.yaml"

MIXED = Rule(
    id="MLG-DEP-072",
    title="Conda channel of one's own beside public ones",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="An environment cannot ask for strict channel priority; that is a setting of each machine. With conda's "
    "default, flexible priority, a package comes from a later channel when an earlier one has no build that fits, so "
    "whoever publishes one of these names on the public channel can decide what is installed.",
    remediation="Write the channel before each package that is meant from it (`CHANNEL::NAME`), or use one channel "
    "that mirrors the others, and set `channel_priority: strict` wherever the environment is made.",
    cwe=("CWE-427", "CWE-829"),
)


def _claims(artifact: Artifact) -> bool:
    if artifact.depth or not artifact.name.lower().endswith((".yml", ".yaml")):
        return False
    if artifact.name in {"environment.yml", "environment.yaml"}:
        return True
    named = _NAME.fullmatch(artifact.name) or artifact.path.split("/")[-2:-1] in (["envs"], ["environments"], ["conda"])
    return bool(named) and _KEY.search(artifact.head) is not None


def _items(node: Node | None) -> list[Node]:
    return node.items if isinstance(node, Sequence) else []


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    told = 0
    for document in documents(read_text(artifact)):
        if not isinstance(document, Map):
            continue
        told += 1
        if artifact.name == _PYTHON:
            yield from _python(artifact, document)
        else:
            yield from _environment(artifact, document)
    if not told and artifact.source.size and _KEY.search(artifact.head):
        raise Incomplete("malformed", "an environment that is no mapping")


def _python(artifact: Artifact, document: Map) -> Iterator[Observation]:
    for key, scope in (("build_dependencies", "build"), ("dependencies", "runtime")):
        yield from _pip(artifact, get(document, key), scope)


def _environment(artifact: Artifact, document: Map) -> Iterator[Observation]:
    channels: list[str] = []
    for item in _items(get(document, "channels")):
        if isinstance(item, Scalar):
            yield from index_findings(artifact.at(line=item.line), item.value)
            channels += [channel_name(item.value)] if item.value != "nodefaults" else []
    packages: list[Component] = []
    pip: list[Node] = []
    bad: list[str] = []
    dependencies = get(document, "dependencies")
    if dependencies is not None and not isinstance(dependencies, Sequence):
        bad += ["dependencies that are no list"] if not _empty(dependencies) else []
    for item in _items(dependencies):
        if isinstance(item, Map):
            pip += [value for key, value in item.pairs if key == "pip"]
            bad += [key for key, _ in item.pairs if key != "pip"]
        elif isinstance(item, Scalar):
            found = _package(artifact, item, channels)
            packages += [found] if found else []
            bad += [item.value] if not found and not _empty(item) else []
        else:
            bad.append("a list in the list")
    yield from packages
    yield from note(artifact, packages)
    yield from _mixed(artifact, get(document, "channels"), channels, packages)
    for each in pip:
        yield from _pip(artifact, each, "runtime")
    if bad:
        raise Incomplete("malformed", f"not a package: {', '.join(repr(text[:60]) for text in bad[:5])}")


def _mixed(
    artifact: Artifact, node: Node | None, channels: list[str], packages: list[Component]
) -> Iterator[Observation]:
    """What to say of a channel at an address of its own among those that anybody can publish on."""
    own = [channel for channel in channels if "://" in channel]
    public = [channel for channel in channels if "://" not in channel]
    if not any(isinstance(item, Scalar) and item.value == "nodefaults" for item in _items(node)):
        public = public or ["defaults"]  # conda adds them where nothing forbids it
    free = [component.name for component in packages if component.package and not component.package.index]
    if own and public and free:
        message = f"{len(free):,} packages come from {own[0][:100]} or from {public[0][:100]}, as the solver likes."
        where = artifact.at(line=node.line if node else None)
        yield rules.finding(MIXED, where, message, evidence=f"channels: {', '.join(channels)}"[:200])


def _empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value.strip() in {"", "~", "null"}


def _package(artifact: Artifact, item: Scalar, channels: list[str]) -> Component | None:
    match = None if _empty(item) else spec(item.value)
    if match is None:
        return None
    # with several channels the solver chooses, so which one it is is not known
    index = match.channel or (channels[0] if len(channels) == 1 else "")
    several = () if index else channels
    return component(match, artifact.at(line=item.line), requirement=item.value.strip(), index=index, channels=several)


def _pip(artifact: Artifact, node: Node | None, scope: str) -> Iterator[Observation]:
    """The nested lines, through the same reader as requirements files."""
    single = scalar(node)
    items = [single] if single else _items(node)
    numbered: list[tuple[int, str]] = []
    for item in items:
        if not isinstance(item, Scalar):
            raise Incomplete("malformed", "a `pip:` list that is not of requirements")
        numbered += split(item.value, item.first)
    yield from read_lines(artifact, numbered, scope=scope)


INSPECTOR = Inspector(
    name="conda-environment",
    claims=_claims,
    inspect=_inspect,
    rules=(*SHARED_RULES, CONDA, MIXED, INSECURE_INDEX, EXTRA_INDEX, UNPINNED, UNHASHED, OUTSIDE, LOCAL),
)
