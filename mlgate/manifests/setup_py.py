"""setup.py by its syntax tree: the keywords of `setup()` that name dependencies (setuptools' documentation)."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, read_bytes
from mlgate.manifests._declared import given, pep508
from mlgate.manifests._links import dependency_link
from mlgate.manifests._rules import DYNAMIC, EXTRA_INDEX, INSECURE_INDEX
from mlgate.manifests._setup_pins import picked, pins
from mlgate.manifests._setup_values import Evaluator, Value
from mlgate.manifests.setup_cfg import included
from mlgate.records import Artifact, Inspector, Observation

_LARGEST = 1 << 20
_SCOPES = {"install_requires": "runtime", "setup_requires": "build", "tests_require": "dev"}
_KEYS = (*_SCOPES, "extras_require", "dependency_links")
_WORDS = tuple(key.encode() for key in _KEYS)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    data = read_bytes(artifact, _LARGEST)
    module = _parsed(data)
    if module is None:
        if any(word in data for word in _WORDS):
            message = "The file is not valid Python 3, so the dependencies it names were not read."
            yield rules.finding(DYNAMIC, artifact.at(), message, evidence="not Python 3")
        return
    evaluator = Evaluator(module)
    found: dict[str, Value] = {}
    lines: dict[str, int] = {}
    for key, node in _keywords(evaluator):
        lines.setdefault(key, node.lineno)
        spread = key == "setup(**)"  # what it holds beyond the keywords is none of ours
        found.setdefault(key, Value()).add(Value(unknown=[node]) if spread else evaluator.value(node))
    if not found and any(word in data for word in _WORDS):
        message = "The file speaks of dependencies, and no call of setup() that could be read names them."
        yield rules.finding(DYNAMIC, artifact.at(), message, evidence="setup()")
    table = pins(evaluator.nodes) if any(value.all().unknown for value in found.values()) else {}
    for key, value in found.items():
        yield from _told(artifact, key, value, lines[key], table)


def _parsed(data: bytes) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's strings
            return ast.parse(data)
    except (SyntaxError, ValueError):
        return None
    except (RecursionError, MemoryError):
        raise Incomplete("limit", "source is nested too deep") from None


def _keywords(evaluator: Evaluator) -> Iterator[tuple[str, ast.expr]]:
    """The dependency keywords of every call of something named `setup`, and of the dicts it is given as `**`."""
    for node in evaluator.nodes:
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        own = [k for k in node.keywords if k.arg in _KEYS]
        if name != "setup" and (name == "dict" or "install_requires" not in {k.arg for k in own}):
            continue
        for keyword in own:
            yield keyword.arg or "", keyword.value
        for keyword in node.keywords:
            if keyword.arg is None:
                yield from _spread(evaluator, keyword.value)
                if not _is_known(evaluator, keyword.value):
                    yield "setup(**)", keyword.value


def _is_known(evaluator: Evaluator, node: ast.expr) -> bool:
    """Whether all that is spread into the call is written down in the file."""
    nodes = evaluator.bindings(node) if isinstance(node, ast.Name) else [node]
    nodes = [n for each in nodes for n in ([each.body, each.orelse] if isinstance(each, ast.IfExp) else [each])]
    literal = (isinstance(n, ast.Dict) or (isinstance(n, ast.Call) and ast.unparse(n.func) == "dict") for n in nodes)
    return bool(nodes) and all(literal)


def _spread(evaluator: Evaluator, node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """The keys of a dict that is spread into the call: by name, from literals and from assignments by key."""
    candidates = [node]
    if isinstance(node, ast.Name):
        candidates = [*evaluator.assigned.get(node.id, ()), *evaluator.merged.get(node.id, ())]
        for key, value in evaluator.keyed.get(node.id, ()):
            if isinstance(key, ast.Constant) and key.value in _KEYS:
                yield str(key.value), value
    for each in candidates:
        if isinstance(each, ast.Dict):
            for found, value in zip(each.keys, each.values, strict=True):
                if isinstance(found, ast.Constant) and found.value in _KEYS:
                    yield str(found.value), value
        elif isinstance(each, ast.Call):
            for keyword in each.keywords:
                if keyword.arg in _KEYS:
                    yield keyword.arg or "", keyword.value


def _told(
    artifact: Artifact, key: str, value: Value, line: int, table: dict[str, list[tuple[str, int]]]
) -> Iterator[Observation]:
    parts = [("", Value(value.texts, {}, value.files, value.unknown))]
    if key == "extras_require":
        parts += [(group, inner.all()) for group, inner in value.groups.items()]
    elif value.groups:
        parts.append(("", Value(groups=value.groups).all()))
    bad: list[str] = []
    for group, part in parts:
        for text, number in dict.fromkeys([*part.texts, *picked(part.unknown, table)]):
            for more, single in enumerate(text.split("\n")):
                plain = single.strip()
                if plain and not plain.startswith("#"):
                    yield from _text(artifact, key, group, plain, number + more, bad)
        for path, number in dict.fromkeys(part.files):
            # a build that opens what is not there ends, so nothing is hidden by a file that is missing
            yield from included(artifact, path, number, optional=True)
    unknown = [node for _, part in parts for node in part.unknown]
    if unknown:
        shown = ", ".join(dict.fromkeys(_shown(node) for node in unknown[:5]))
        message = f"{key} is computed, so what it adds to the constants of the file was not read."
        yield rules.finding(DYNAMIC, artifact.at(line=line), message, evidence=f"{key}: {shown}"[:200])
    if bad:
        message = f"{key} has what is no requirement as it stands here."
        yield rules.finding(DYNAMIC, artifact.at(line=line), message, evidence=f"{key}: {', '.join(bad[:5])}"[:200])


def _shown(node: ast.expr) -> str:
    try:
        return ast.unparse(node)[:60]
    except RecursionError:  # a sum of thousands
        return "..."


def _text(artifact: Artifact, key: str, group: str, text: str, line: int, bad: list[str]) -> Iterator[Observation]:
    where = artifact.at(line=line)
    if key == "dependency_links":
        yield from dependency_link(text, where)
        return
    extra, _, marker = group.partition(":")
    parsed = pep508(text.partition(" #")[0], where, scope=_SCOPES.get(key, "optional"), group=extra, marker=marker)
    if parsed:
        yield from given(parsed)
    else:
        bad.append(text[:60])


INSPECTOR = Inspector(
    name="setup-py",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "setup.py",
    inspect=_inspect,
    rules=(*SHARED_RULES, DYNAMIC, EXTRA_INDEX, INSECURE_INDEX),
)
