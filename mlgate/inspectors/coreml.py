"""Core ML: `.mlmodel` specifications, manifests of `.mlpackage`, and what of compiled models is text.

Source: Apple's coremltools, mlmodel/format/*.proto (Model, NeuralNetwork, MIL, LinkedModel, CustomModel), and
modelpackage/src/ModelPackage.cpp for Manifest.json.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._coreml_schema import DATA_TYPES, KINDS, OPAQUE, SCHEMA
from mlgate.inspectors._json_marks import json_text
from mlgate.inspectors._model_metadata import SHARED_RULES, component, judge_metadata, not_it, shown
from mlgate.inspectors._protobuf import Message, Walker, shallow
from mlgate.inspectors._runtime_rules import BACKEND, CUSTOM, LINKED, OUTSIDE
from mlgate.inspectors._tensorflow_flow import escape
from mlgate.records import Artifact, Component, Finding, Inspector, ModelFacts, Observation

_TOLD = 20
_KEPT = 10_000
_LARGEST = 1 << 62
_MANIFEST = 4 * 2**20
_TEXT_PIECE, _TEXT_OVERLAP = 1 << 20, 1 << 12
_OWN_FOLDER = "@model_path/"
# MIL's text form writes BLOBFILE(path = tensor<string, []>("@model_path/weights/weight.bin"), offset = ...
_BLOB = re.compile(rb'BLOBFILE\s*\(\s*path\s*=\s*[^("\n]{0,100}\(\s*"((?:[^"\\\n]|\\.){0,1000})"')


@dataclass(slots=True)
class _Model:
    """What the walk gathers."""

    version: int = 0
    models: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    layers: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    custom: list[str] = field(default_factory=list)
    linked: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    parameters: int = 0
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    metadata: list[tuple[str, str]] = field(default_factory=list)
    type_: str = ""
    shape: list[int] = field(default_factory=list)
    string: str = ""
    file: tuple[str, str] = ("", "")

    def closed(self, message: Message, around: list[Message]) -> None:
        """Takes what a message says when it ends; `around` are the messages that hold it, outermost first."""
        take = getattr(self, f"_{message.kind}", None)
        if take is not None:
            take(message, around)

    def _model(self, message: Message, around: list[Message]) -> None:
        self.models += 1
        if not around:
            self.version = message.numbers.get(1, 0)
        for number in message.numbers:
            if number in KINDS:
                self._kind(KINDS[number])

    def _kind(self, name: str) -> None:
        self.kinds[name] += 1

    def _pipeline(self, _: Message, around: list[Message]) -> None:
        if around[-1].kind in {"model", "wrapped_pipeline"}:
            self._kind("pipeline")

    def _network(self, message: Message, around: list[Message]) -> None:
        if around[-1].kind == "model":
            self._kind({303: "neuralNetworkRegressor", 403: "neuralNetworkClassifier"}.get(message.number, "network"))

    def _program(self, _message: Message, _: list[Message]) -> None:
        self._kind("mlProgram")

    def _layer(self, _message: Message, _: list[Message]) -> None:
        self.layers += 1

    def _custom(self, message: Message, around: list[Message]) -> None:
        if around[-1].kind == "model":
            self._kind("customModel")
        what = "model" if around[-1].kind == "model" else "layer"
        self._add(self.custom, f"{what} {message.texts.get(10, '')}")

    def _add(self, into: list[Any], item: object) -> None:
        if item not in into and len(into) < _TOLD:
            into.append(item)

    def _string(self, message: Message, _: list[Message]) -> None:
        if message.number == 1:
            self.file = (message.texts.get(1, ""), self.file[1])
        else:
            self.file = (self.file[0], message.texts.get(1, ""))

    def _linked_file(self, _message: Message, _: list[Message]) -> None:
        self._kind("linkedModel")
        self._add(self.linked, self.file)
        self.file = ("", "")

    def _operation(self, message: Message, _: list[Message]) -> None:
        name = message.texts.get(1, "")[:100]
        if name in self.operations or len(self.operations) < _KEPT:
            self.operations[name] += 1

    def _dimension(self, message: Message, _: list[Message]) -> None:
        if len(self.shape) < 64:
            self.shape.append(message.numbers.get(1, 0))

    def _blob(self, message: Message, _: list[Message]) -> None:
        name = message.texts.get(1, "")
        if name in self.files or len(self.files) < _KEPT:
            self.files[name] = self.files.get(name, 0) + 1
        elements = prod(self.shape)
        if 0 < elements < _LARGEST:
            self.parameters = min(self.parameters + elements, _LARGEST)

    def _value(self, _message: Message, _: list[Message]) -> None:
        self.shape = []

    def _array(self, message: Message, _: list[Message]) -> None:
        kind = DATA_TYPES.get(message.numbers.get(2, 0), "array")
        self.type_ = f"{kind}{message.lists.get(1, [])}"

    def _feature_type(self, message: Message, _: list[Message]) -> None:
        for number, name in ((1, "int64"), (2, "double"), (3, "string"), (4, "image"), (6, "dictionary")):
            if number in message.numbers:
                self.type_ = name

    def _feature(self, message: Message, around: list[Message]) -> None:
        into = {1: self.inputs, 10: self.outputs}.get(message.number)
        if into is not None and len(around) == 2 and len(into) < 100:
            into.append(f"{message.texts.get(1, '')[:100]}: {self.type_ or 'other'}"[:200])
        self.type_ = ""

    def _metadata(self, message: Message, _: list[Message]) -> None:
        for number, name in ((1, "description"), (2, "version"), (3, "author"), (4, "license")):
            if number in message.texts:
                self._pair(name, message.texts[number])

    def _entry(self, message: Message, _: list[Message]) -> None:
        self._pair(message.texts.get(1, ""), message.texts.get(2, ""))

    def _pair(self, key: str, value: str) -> None:
        if len(self.metadata) < _KEPT:
            self.metadata.append((key, value))


def _is_model(artifact: Artifact) -> bool:
    """Whether the bytes begin with a specification version and a description."""
    found = shallow(artifact.head, artifact.source.size) or []
    return [(number, wire) for number, wire, _, _ in found[:2]] == [(1, 0), (2, 2)]


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    if name.endswith((".mlmodel", ".espresso.net")) or name == "coremldata.bin":
        return True
    if name == "manifest.json":
        text = json_text(artifact)
        return b'"itemInfoEntries"' in text or b'"rootModelIdentifier"' in text
    return name == "model.mil" and artifact.head.startswith(b"program")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    name = artifact.name.lower()
    if artifact.source.size == 0:
        raise Incomplete("truncated", "the file is empty")
    if name == "manifest.json":
        yield from _manifest(artifact)
    elif name == "model.mil":
        yield from _mil_text(artifact)
    elif name.endswith(".espresso.net") or name == "coremldata.bin":
        yield component(artifact, ModelFacts(format="coreml-compiled"))
        raise Incomplete("unsupported", "a part of a compiled Core ML model, whose format Apple does not publish")
    elif artifact.formats and not _is_model(artifact):
        yield from not_it(artifact, "coreml")
    else:
        yield from _specification(artifact)


def _specification(artifact: Artifact) -> Iterator[Observation]:
    model = _Model()
    stop = None
    try:
        Walker(artifact.source, SCHEMA, model.closed).walk("model")
    except Incomplete as error:
        stop = error
    yield _component(artifact, model)
    yield from judge_metadata(artifact, "metadata", model.metadata)
    for name in model.custom:
        message = f"It needs the app's own {shown(name, 150)!r}."
        yield rules.finding(CUSTOM, artifact.at(), message, evidence=shown(name, 150))
    for name, paths in model.linked:
        yield from _linked(artifact, name, paths)
    yield from _blobs(artifact, model.files)
    opaque = sorted(model.kinds.keys() & OPAQUE)
    if opaque:
        message = f"Apple does not publish what is inside of {', '.join(opaque)}."
        yield rules.finding(BACKEND, artifact.at(), message, evidence=", ".join(opaque))
    if stop is not None:
        raise stop
    if not model.kinds:
        raise Incomplete("unsupported", "no kind of model that the specification up to version 9 has")
    if "serializedModel" in model.kinds:
        raise Incomplete("unsupported", "a serialized model, whose format Apple does not publish")


def _linked(artifact: Artifact, name: str, paths: str) -> Iterator[Finding]:
    """A linked model is searched under its name in places separated by colons; those that start with $ are bundles."""
    reason = escape(name) or next((why for path in paths.split(":") if (why := escape(path))), "")
    what = shown(f"{name} in {paths or '.'}", 200)
    if reason:
        message = f"It loads the model {what}, which {reason}."
        yield rules.finding(OUTSIDE, artifact.at(), message, evidence=what)
    else:
        yield rules.finding(LINKED, artifact.at(), f"It loads the model {what}.", evidence=what)


def _blobs(artifact: Artifact, files: dict[str, int]) -> Iterator[Finding]:
    told = 0
    for name in files:
        reason = escape(name.removeprefix(_OWN_FOLDER))
        if reason and told < _TOLD:
            told += 1
            message = f"Weights are in {shown(name, 200)!r}, which {reason}."
            yield rules.finding(OUTSIDE, artifact.at(), message, evidence=shown(name, 200))


def _component(artifact: Artifact, model: _Model) -> Component:
    told = dict(model.metadata)
    kinds = ", ".join(f"{name}: {count}" for name, count in sorted(model.kinds.items()))
    facts = ModelFacts(
        format="coreml",
        architecture=", ".join(sorted(model.kinds))[:200],
        parameters=model.parameters or None,
        inputs=tuple(model.inputs),
        outputs=tuple(model.outputs),
        other=(
            ("specification-version", str(model.version)),
            ("kinds", kinds[:300]),
            ("layers", str(model.layers or "")),
            ("operations", str(model.operations.total() or "")),
            ("producer", told.get("com.github.apple.coremltools.version", "")[:100]),
            ("source", told.get("com.github.apple.coremltools.source", "")[:100]),
        ),
    )
    pairs = [(f"coreml:metadata:{key[:100]}", value[:200]) for key, value in sorted(told.items())[:_TOLD]]
    pairs += [("coreml:weights", name[:200]) for name in sorted(model.files)[:_TOLD]]
    return component(artifact, facts, licenses=[told.get("license", "")], properties=tuple(pairs))


def _manifest(artifact: Artifact) -> Iterator[Finding]:
    """Manifest.json of a package: where its items are below `Data`."""
    if artifact.source.size > _MANIFEST:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than a package's manifest has")
    try:
        document = json.loads(artifact.source.read_at(0, _MANIFEST).decode("utf-8-sig", "surrogateescape"))
    except RecursionError:
        raise Incomplete("limit", "the JSON is nested too deep") from None
    except ValueError as error:
        raise Incomplete("malformed", f"not JSON: {error}") from None
    entries = document.get("itemInfoEntries") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        raise Incomplete("malformed", "the package's manifest has no list of items")
    told = 0
    for item in entries.values():
        path = item.get("path") if isinstance(item, dict) else None
        if not isinstance(path, str):
            raise Incomplete("malformed", "an item of the package has no path")
        reason = escape(path)
        if reason and told < _TOLD:
            told += 1
            message = f"The package's item {shown(path, 200)!r} {reason}."
            yield rules.finding(OUTSIDE, artifact.at(), message, evidence=shown(path, 200))


def _mil_text(artifact: Artifact) -> Iterator[Observation]:
    """The program of a compiled model: the files its constants are in."""
    yield component(artifact, ModelFacts(format="coreml-compiled"))
    files: dict[str, int] = {}
    for start in range(0, artifact.source.size, _TEXT_PIECE):
        for match in _BLOB.finditer(artifact.source.read_at(start, _TEXT_PIECE + _TEXT_OVERLAP)):
            if len(files) < _KEPT:
                files[match[1].decode("utf-8", "backslashreplace")] = 1
    yield from _blobs(artifact, files)


INSPECTOR = Inspector(
    name="coreml",
    claims=_claims,
    inspect=_inspect,
    rules=(OUTSIDE, LINKED, CUSTOM, BACKEND, *SHARED_RULES),
    suffixes=(".mlmodel",),
    model=True,
    reads="The whole specification of `.mlmodel` files without their weights: pipelines, neural networks with their "
    "branches and loops, ML programs with every file they take weights from, custom layers and models, linked models, "
    "descriptions and metadata. Of `.mlpackage` folders also the manifest and the paths in it, of compiled models "
    "(`.mlmodelc`) the files that `model.mil` names.",
    misses="The code of custom layers, which is the app's. `coremldata.bin` and `*.espresso.net` of compiled models "
    "and serialized models are incomplete, because their format is not published. The inside of Apple's own models for "
    "text, sound and vision is told and not read.",
)
