"""YAML to a policy: every mistake is one sentence with the file and the line."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from mlgate.errors import MlgateError
from mlgate.policy.explain import explain
from mlgate.policy.schema import Policy

_LARGEST = 1 << 20
_NODES = 20_000
_DEPTH = 20
_KEY = 100  # the longest key is shorter, and places are remembered by their keys
_HINT = "See docs/policy.md, or `mlgate policy schema`."
PRESETS = ("starter", "strict")

# What YAML itself gives plain values; they are then read by how they are written.
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")}

Lines = dict[str, int]
# (repository, path, commit) -> the text of a policy there
Fetch = Callable[[str, str, str], str]


def preset(name: str) -> Policy:
    """A preset as it ships. Raises KeyError when there is none of that name."""
    return msgspec.convert(_preset(name), Policy)


def _preset(name: str) -> dict[str, Any]:
    if name not in PRESETS:
        raise KeyError(name)
    text = importlib.resources.files("mlgate.policy").joinpath("presets", f"{name}.yml").read_text(encoding="utf-8")
    return _document(text, f"preset {name}")[0]


def load(text: str, source: str, fetch: Fetch | None = None) -> Policy:
    """The policy in the text over what it extends; `fetch` gets another repository's (None: nothing may be asked).

    `source` names the file in messages. Raises MlgateError, with the line where there is one.
    """
    document, lines = _document(text, source)
    _converted(document, lines, source)  # alone first, so that a message speaks of the user's own lines
    merged = _merged(_below(str(document.get("extends", "starter")), source, fetch), document)
    policy = _converted(merged, lines, source)
    for number, waiver in enumerate(policy.waivers.items):
        if bool(waiver.path) is bool(waiver.purl):
            line = lines.get(f"$.waivers.items[{number}]", 1)
            raise MlgateError(f"{source}:{line}: a waiver names either a path or a purl.", _HINT)
        told = waiver.analysis
        if told and (told.state == "not_affected") is not bool(told.justification):
            line = lines.get(f"$.waivers.items[{number}].analysis", 1)
            raise MlgateError(f"{source}:{line}: `not_affected`, and only that, needs a justification.", _HINT)
    for number, signature in enumerate(policy.models.signature):
        if (signature.sigstore is None) is (signature.key is None):
            line = lines.get(f"$.models.signature[{number}]", 1)
            raise MlgateError(f"{source}:{line}: a signature is by `sigstore` or by `key`, one of the two.", _HINT)
    return policy


def _below(name: str, source: str, fetch: Fetch | None) -> dict[str, Any]:
    """The keys of what a policy extends. Another repository's extends a preset: one step can still be understood."""
    if name in PRESETS:
        return _preset(name)
    if fetch is None:
        raise MlgateError(f"{source} extends {name}, which only GitHub's API can give.", "Run it with the network.")
    place, _, commit = name.rpartition("@")
    owner, repository, path = place.split("/", 2)
    if {"", ".", ".."} & set(path.split("/")):
        raise MlgateError(f"{source} extends {name}, which is no path.", _HINT)
    document, lines = _document(fetch(f"{owner}/{repository}", path, commit), name)
    _converted(document, lines, name)
    preset_name = str(document.get("extends", "starter"))
    if preset_name not in PRESETS:
        raise MlgateError(f"{name} extends {preset_name}; what is extended may only extend a preset.", _HINT)
    return _merged(_preset(preset_name), document)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key, everything else of `above` replaces."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _converted(document: dict[str, Any], lines: Lines, source: str) -> Policy:
    try:
        return msgspec.convert(document, Policy)
    except msgspec.ValidationError as error:
        raise _explained(str(error), lines, source) from None


def _explained(message: str, lines: Lines, source: str) -> MlgateError:
    told, _, place = message.partition(" - at `")
    path = place.rstrip("`") or "$"
    key = re.search(r"unknown field `(.*)`", told, re.DOTALL)
    line = lines.get(f"{path}.{key[1]}" if key else path, lines.get(path, 1))
    return MlgateError(f"{source}:{line}: {explain(told, path)}", _HINT)


def _document(text: str, source: str) -> tuple[dict[str, Any], Lines]:
    """The YAML as plain values and the line of every path in it. Dates stay text."""
    import yaml  # noqa: PLC0415  (start-up)

    if len(text) > _LARGEST:
        raise MlgateError(f"{source}: larger than {_LARGEST:,} characters.", "A policy is a few dozen lines.")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise MlgateError(f"{source}:{line}: not YAML: {error.problem or error.context}.", _HINT) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise MlgateError(f"{source}:1: not YAML: {str(error)[:200]}.", _HINT) from None
    lines: Lines = {"$": 1}
    value = _Builder(source, lines).value(node, "$", 0) if node is not None else None
    if not isinstance(value, dict):
        raise MlgateError(f"{source}:1: a policy is a mapping with `version: 1`.", _HINT)
    return value, lines


class _Builder:
    """Nodes to values, with every line kept; duplicate keys, huge and deep documents are refused."""

    def __init__(self, source: str, lines: Lines) -> None:
        self._source = source
        self._lines = lines
        self._count = 0

    def _refused(self, node: Any, why: str) -> MlgateError:
        return MlgateError(f"{self._source}:{node.start_mark.line + 1}: {why}.", _HINT)

    def value(self, node: Any, path: str, depth: int) -> Any:
        self._count += 1
        if self._count > _NODES or depth > _DEPTH:
            raise self._refused(node, "too large or nested too deep (aliases count each time they are used)")
        if node.tag not in _PLAIN:
            raise self._refused(node, f"the tag {node.tag[:100]} has no meaning here")
        self._lines.setdefault(path, node.start_mark.line + 1)
        if node.id == "sequence":
            return [self.value(item, f"{path}[{number}]", depth + 1) for number, item in enumerate(node.value)]
        if node.id == "mapping":
            return self._table(node, path, depth)
        return self._scalar(node)

    def _table(self, node: Any, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.id != "scalar":
                raise self._refused(key_node, "a key is plain text")
            key = str(key_node.value)
            if len(key) > _KEY:
                raise self._refused(key_node, f'no key is as long as "{key[:_KEY]}..."')
            if key in found:
                raise self._refused(key_node, f'the key "{key[:100]}" stands twice')
            self._lines[f"{path}.{key}"] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, f"{path}.{key}", depth + 1)
        return found

    def _scalar(self, node: Any) -> Any:
        kind = node.tag.rpartition(":")[2]
        if kind == "int" and re.fullmatch(r"-?[0-9]{1,18}", node.value):
            return int(node.value)
        if kind == "null":
            raise self._refused(node, "an empty value; leave the key out instead")
        if kind == "bool" and node.value.lower() in {"true", "false"}:
            return node.value.lower() == "true"
        return str(node.value)  # dates, and the words that YAML 1.1 takes for truth values, stay what was written
