"""Keras models in archives (`.keras`), and architectures alone as JSON or YAML.

Source: keras/src/saving/saving_lib.py: an archive of config.json, metadata.json, model.weights.h5 and assets/. What a
configuration can make its loader do is judged in _keras_objects.py, weights by the reader of HDF5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors import _keras_yaml
from mlgate.inspectors._hdf5_weights import Weights
from mlgate.inspectors._keras_config import LARGEST, parse, values
from mlgate.inspectors._keras_facts import Facts
from mlgate.inspectors._keras_objects import judge
from mlgate.inspectors._keras_rules import RULES, YAML_TAG
from mlgate.inspectors._model_metadata import component, shown
from mlgate.inspectors._zipdir import Member, read_directory
from mlgate.inspectors._zipwalk import Walk
from mlgate.records import Artifact, Component, Inspector, ModelFacts, Observation

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_OLD_WEIGHTS = "model.weights.npz"
_CONFIGS = frozenset({_CONFIG, _METADATA})
_SEEN = 2 << 20  # of a text file in YAML, to find out what it is
_COUNTED = 64 << 20  # packed weights up to this size are unpacked for their count alone
_ESCAPE = re.compile(rb"\\u00([2-7][0-9a-fA-F])")
_MARKS = re.compile(
    rb'"keras_version"|"registered_name"|"class_name"\s*:\s*"(Sequential|Functional|Model|Lambda|[\w>]*Layer)"'
    rb'|"module"\s*:\s*"(keras|tf_keras|keras_hub|keras_nlp|keras_cv|tensorflow)\b'
)
_YAML_MARKS = re.compile(rb"^\s*(- )?class_name:\s*['\"]?(Sequential|Functional|Model)\b|^keras_version:", re.MULTILINE)
_OBJECT = frozenset({"class_name", "config", "module"})
_CONTAINER = ("Sequential", "Functional", "Model", "Graph")


def _members(artifact: Artifact) -> tuple[Member, ...]:
    """The members of a Keras archive, () for any other."""
    if "zip" not in artifact.formats:
        return ()
    try:
        members = read_directory(artifact.source).members
    except Incomplete:
        return ()
    found = {member.name for member in members}
    # loaders read the configuration before they ask for anything else
    sure = found & {_METADATA, _WEIGHTS, _OLD_WEIGHTS} or artifact.name.lower().endswith(".keras")
    return members if _CONFIG in found and sure else ()


def _is_json(data: bytes) -> bool:
    """Whether a text can be a Keras configuration; JSON can write any letter as an escape."""
    if b"\\u00" in data:
        data = _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), data)
    if b'"class_name"' not in data or b'"config"' not in data:
        return False
    return _MARKS.search(data) is not None or (b'"module"' in data and _has_object(data))


def _has_object(data: bytes) -> bool:
    """Whether JSON without any name of Keras's has an object of its form: others have such keys in several objects."""
    try:
        document = json.loads(data)
        return any(isinstance(v, dict) and v.keys() >= _OBJECT for _, v in values(document))
    except (ValueError, RecursionError, Incomplete):
        return False


def _text(artifact: Artifact) -> str:
    """json, yaml or "": what a text file with a Keras architecture is in."""
    name = artifact.name.lower()
    if not name.endswith((".json", ".yaml", ".yml")):
        return ""
    data = artifact.source.read_at(0, LARGEST if name.endswith(".json") else _SEEN)
    if name.endswith(".json"):
        return "json" if data.lstrip()[:1] in (b"{", b"\xef") and _is_json(data) else ""
    return "yaml" if b"config:" in data and _YAML_MARKS.search(data) else ""


def claims(artifact: Artifact) -> bool:
    """Archives with Keras's members, and text files that are Keras's by their content."""
    return bool(_text(artifact) or _members(artifact))


def inspect(artifact: Artifact) -> Iterator[Observation]:
    """Component and findings. Raises Incomplete (malformed, limit, encrypted)."""
    form = _text(artifact)
    if form:
        yield from _document(artifact, form)
    elif "zip" in artifact.formats:
        yield from _archive(artifact)


def _document(artifact: Artifact, form: str) -> Iterator[Observation]:
    data = artifact.source.read_at(0, LARGEST + 1)
    if form == "yaml":
        yield from _tags(artifact, data)
        document, _ = _keras_yaml.parse(data)
    else:
        document = parse(data)
    facts = Facts.of(document)
    # in an archive the archive is the model; optimizers and layers alone are none
    if artifact.depth == 0 and facts.family in _CONTAINER:
        yield _component(artifact, f"keras-{form}", facts, {}, None)
    yield from judge(artifact, "configuration", document)


def _tags(artifact: Artifact, data: bytes) -> Iterator[Observation]:
    for tag in _keras_yaml.tags(data[:LARGEST].decode("utf-8", "replace"))[:20]:
        message = f"The tag {shown(tag, 200)!r} makes an object of Python."
        yield rules.finding(YAML_TAG, artifact.at(), message, evidence=shown(tag, 300))


def _archive(artifact: Artifact) -> Iterator[Observation]:
    """The archive's structure and its other members are told by the reader of ZIP archives."""
    walk = Walk(artifact)
    facts, metadata, weights = Facts(), {}, None
    stopped: list[Incomplete] = []
    for member in walk.directory.members:
        if member.name not in _CONFIGS and member.name != _WEIGHTS:
            continue
        try:
            if member.name == _WEIGHTS:
                weights = _weights(walk, member)
                continue
            for inner in walk.open(member):
                if not isinstance(inner, Artifact):
                    continue
                document = parse(inner.source.read_at(0, LARGEST + 1))
                if member.name == _CONFIG:
                    facts = Facts.of(document)
                elif isinstance(document, dict):
                    metadata = {key: value[:50] for key, value in document.items() if isinstance(value, str)}
                if not claims(inner):  # otherwise it is judged when it comes by itself
                    yield from judge(inner, "configuration", document)
        except Incomplete as stop:
            stopped.append(Incomplete(stop.reason, f"{stop.detail} (in {member.name})"))
    yield _component(artifact, "keras", facts, metadata, weights)
    if stopped:
        raise stopped[0]
    walk.finish()


def _weights(walk: Walk, member: Member) -> Weights | None:
    if member.method and member.size > _COUNTED:
        return None
    for inner in walk.open(member, lambda _: False):
        if isinstance(inner, Artifact):
            return Weights.of(inner.source)
    return None


def _component(
    artifact: Artifact, form: str, facts: Facts, metadata: dict[str, str], weights: Weights | None
) -> Component:
    return component(
        artifact,
        ModelFacts(
            format=form,
            architecture_family=facts.family,
            architecture=facts.name,
            quantization=weights.kind if weights else "",
            parameters=weights.parameters if weights else None,
            inputs=facts.inputs,
            outputs=facts.outputs,
            other=(
                *facts.other,
                ("keras-version", metadata.get("keras_version", facts.version)),
                ("saved", metadata.get("date_saved", "")),
            ),
        ),
    )


INSPECTOR = Inspector(
    name="keras",
    claims=claims,
    inspect=inspect,
    rules=RULES,
    suffixes=(".keras",),
    model=True,
    reads="`.keras` archives, and architectures alone in JSON and YAML files, by content. The configuration is "
    "followed object by object as Keras 1 to 3 would load it: marshalled code in Lambda layers, modules and functions "
    "that would be imported, functions of Keras and TensorFlow that load, download or write, layers that load other "
    "models or pickles, files named as vocabularies, and classes that need code of their own. Weights are read as "
    "HDF5.",
    misses="What the code of custom classes does. What marshalled code does beyond the names in it. Python modules "
    "that lie beside the model and have the name of a custom class's module.",
)
