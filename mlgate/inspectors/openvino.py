"""OpenVINO's intermediate representation: the network in `.xml`, whose weights are in a `.bin` beside it.

Source: OpenVINO, "OpenVINO IR format" and src/frontends/ir (versions 2 to 11); the opsets name what it brings along.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._chat_template import TEMPLATE_RULES, check_template
from mlgate.inspectors._model_metadata import SHARED_RULES, component, judge_metadata, shown
from mlgate.inspectors._runtime_rules import CUSTOM, ENTITIES, LAYOUT, RUNS
from mlgate.inspectors._xml import opening, parse, root_is
from mlgate.records import Artifact, Component, Finding, Inspector, ModelFacts, Observation, Severity

_TOLD = 20
_KEPT = 2_000
_HUGE = 1 << 63
# Operators of these sets are in the runtime; all others come from a library that is loaded before the model.
_LIBRARY = re.compile(r".+\.(so(\.\d+)*|dll|dylib|pyd)", re.IGNORECASE | re.DOTALL)
_OWN = re.compile(r"opset\d{1,3}|experimental|type_relaxed_opset|ie_internal_opset|util|")
_WIDTHS = {
    **dict.fromkeys(("f64", "i64", "u64"), 64),
    **dict.fromkeys(("f32", "i32", "u32"), 32),
    **dict.fromkeys(("f16", "bf16", "i16", "u16"), 16),
    **dict.fromkeys(("i8", "u8", "boolean", "f8e4m3", "f8e5m2", "f8e8m0"), 8),
    **dict.fromkeys(("i4", "u4", "nf4", "f4e2m1"), 4),
    "u1": 1,
}


@dataclass(slots=True)
class _Net:
    """What the elements say."""

    name: str = ""
    version: str = ""
    layers: int = 0
    custom: dict[str, list[str]] = field(default_factory=dict)
    libraries: list[tuple[str, str]] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)
    parameters: int = 0
    weights: int = 0
    lies: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    info: list[tuple[str, str]] = field(default_factory=list)
    layer: Mapping[str, str] = field(default_factory=dict)

    def start(self, name: str, attributes: Mapping[str, str], around: list[str]) -> None:
        """Takes an element's attributes."""
        if not around:
            self.name, self.version = attributes.get("name", ""), attributes.get("version", "")
        elif name == "layer":
            self._layer(attributes)
            self._names(attributes)
        elif name == "data" and around[-1] == "layer":
            self._data(attributes)
            self._names(attributes)
        elif name in {"weights", "biases", "custom"} and "offset" in attributes:
            self._span(f"{name} of layer {self.layer.get('name', '')[:100]!r}", attributes)
        elif "rt_info" in around[:3] and "value" in attributes and len(self.info) < _KEPT:
            self.info.append((name, attributes["value"]))

    def end(self, name: str, text: str, around: list[str]) -> None:
        """Takes an element's text: old converters write metadata that way."""
        if text.strip() and {"rt_info", "meta_data"} & set(around[:3]) and len(self.info) < _KEPT:
            self.info.append((name, text))

    def _layer(self, attributes: Mapping[str, str]) -> None:
        self.layers += 1
        self.layer = attributes
        kind, opset = attributes.get("type", ""), attributes.get("version", "")
        if not _OWN.fullmatch(opset) and (opset in self.custom or len(self.custom) < _TOLD):
            names = self.custom.setdefault(opset, [])
            if kind not in names and len(names) < _KEPT:
                names.append(kind)
        if kind == "Result" and len(self.outputs) < 100:
            self.outputs.append(attributes.get("name", "")[:100])

    def _data(self, attributes: Mapping[str, str]) -> None:
        kind = self.layer.get("type", "")
        element, shape = attributes.get("element_type", ""), attributes.get("shape", "")
        if kind in {"Parameter", "Input"} and len(self.inputs) < 100:
            self.inputs.append(f"{self.layer.get('name', '')[:100]}: {element}[{shape}]"[:200])
        if kind != "Const" or "offset" not in attributes:
            return
        label = f"constant {shown(self.layer.get('name', ''), 100)!r}"
        size = self._span(label, attributes)
        dimensions = [_number(part) for part in shape.split(",")] if shape.strip() else []
        if None in dimensions:
            self._lie(f"The {label} has the impossible shape {shown(shape, 60)!r}")
            return
        elements = prod(n for n in dimensions if n is not None)
        if elements >= _HUGE:
            self._lie(f"The {label} has a shape that overflows 64 bits")
            return
        self.types[element[:20]] += 1
        self.parameters = min(self.parameters + elements, _HUGE)
        if size is not None and (elements * _WIDTHS.get(element, 0) + 7) // 8 > size:
            self._lie(f"The {label} has fewer bytes than its type and shape need")

    def _names(self, attributes: Mapping[str, str]) -> None:
        """Keeps what is a library by its ending or by the attribute: no exporter writes one."""
        for key, value in attributes.items():
            named = key.lower() == "library" or (key != "name" and _LIBRARY.fullmatch(value.strip()))
            if named and value.strip() and len(self.libraries) < _TOLD:
                self.libraries.append((self.layer.get("name", ""), value))

    def _span(self, label: str, attributes: Mapping[str, str]) -> int | None:
        offset, size = _number(attributes.get("offset", "")), _number(attributes.get("size", ""))
        if offset is None or size is None or offset + size >= _HUGE:
            self._lie(f"The {label} is at an impossible place of the weights file")
            return None
        self.weights = max(self.weights, offset + size)
        return size

    def _lie(self, reason: str) -> None:
        if len(self.lies) < _TOLD:
            self.lies.append(reason)


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"\d{1,19}", text, re.ASCII) else None


def _claims(artifact: Artifact) -> bool:
    if not artifact.name.lower().endswith(".xml"):
        return False
    text = opening(artifact)
    return "<net" in text and re.search(r"<net\s[^<>]*\bversion\s*=", text) is not None and root_is(text, "net")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    net = _Net()
    stop = None
    try:
        declared = parse(artifact.source, net.start, net.end)
        yield from declared_findings(artifact, doctype=declared.doctype, entities=declared.entities)
        if declared.entities:
            stop = Incomplete("malformed", "entities are declared, and what comes after them was not looked at")
    except Incomplete as error:
        stop = error
    yield _component(artifact, net)
    for opset, names in sorted(net.custom.items()):
        which = shown(", ".join(names[:8]), 150) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        message = f"Operators of {shown(opset, 60)!r} are not OpenVINO's own: {which}."
        yield rules.finding(CUSTOM, artifact.at(), message, evidence=f"{shown(opset, 60)}: {which}")
    for layer, library in net.libraries:
        message = f"The layer {shown(layer, 100)!r} names the library {shown(library, 200)!r}."
        yield rules.finding(RUNS, artifact.at(), message, evidence=shown(library, 200))
    for reason in net.lies:
        yield rules.finding(LAYOUT, artifact.at(), f"{reason}.", evidence=reason)
    templates = [(key, value) for key, value in net.info if key.endswith("chat_template")]
    yield from judge_metadata(artifact, "rt_info", [pair for pair in net.info if pair not in templates])
    for key, text in templates[:_TOLD]:
        try:
            yield from check_template(artifact, shown(key, 100), text)
        except Incomplete as error:
            stop = stop or error
    if stop is not None:
        raise stop


def declared_findings(artifact: Artifact, *, doctype: bool, entities: bool) -> Iterator[Finding]:
    """What to say of a document type: entities block, a document type alone was usual once."""
    if entities:
        message = "The XML declares entities, which parsers expand or fetch."
        yield rules.finding(ENTITIES, artifact.at(), message, evidence="entities")
    elif doctype:
        message = "The XML declares a document type."
        yield rules.finding(ENTITIES, artifact.at(), message, evidence="document type", severity=Severity.LOW)


def _component(artifact: Artifact, net: _Net) -> Component:
    facts = ModelFacts(
        format="openvino",
        architecture=shown(net.name, 100),
        quantization=net.types.most_common(1)[0][0] if net.types else "",
        parameters=net.parameters or None,
        inputs=tuple(net.inputs),
        outputs=tuple(net.outputs),
        other=(
            ("ir-version", shown(net.version, 20)),
            ("layers", str(net.layers)),
            ("constants", ", ".join(f"{kind}: {count}" for kind, count in sorted(net.types.items())[:_TOLD])),
            ("weights", artifact.name[: -len(".xml")] + ".bin" if net.weights else ""),
            ("bytes-of-weights", str(net.weights or "")),
        ),
    )
    pairs = tuple((f"openvino:{key[:100]}", value[:200]) for key, value in net.info[:_TOLD])
    return component(artifact, facts, properties=pairs)


INSPECTOR = Inspector(
    name="openvino",
    claims=_claims,
    inspect=_inspect,
    rules=(CUSTOM, ENTITIES, LAYOUT, RUNS, *SHARED_RULES, *TEMPLATE_RULES),
    model=True,
    reads="The whole network in the `.xml`, with bodies of loops and branches: operators and the sets they come from, "
    "libraries that a layer names, "
    "where each constant lies in the weights file and whether its size fits its shape, runtime information with chat "
    "templates. Entities are not expanded.",
    misses="Whether the `.bin` beside it is as long as the network says, since each file is looked at alone; compiled "
    "blobs (`.blob`); what an extension library does; custom operators of networks before version 10, which do not "
    "say where an operator comes from.",
)
