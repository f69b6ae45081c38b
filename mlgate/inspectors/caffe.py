"""Caffe: networks with weights (`.caffemodel`, binary) and without (`.prototxt`, text).

Source: BVLC/caffe, src/caffe/proto/caffe.proto (LayerParameter and V1LayerParameter), and the SSD branch for the layers
that save what they detect. A Python layer imports a module by its name (layer_factory.cpp, GetPythonLayer).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import component, not_it, shown
from mlgate.inspectors._protobuf import INT, INTS, SIZE, TEXT, Message, Schema, Walker, shallow
from mlgate.inspectors._prototext import TextWalker
from mlgate.inspectors._runtime_rules import FILES, LAYOUT, RUNS
from mlgate.inspectors._tensorflow_flow import escape
from mlgate.records import Artifact, Component, Finding, Inspector, ModelFacts, Observation, Severity

_TOLD = 20
_KEPT = 10_000
_LARGEST = 1 << 62
_TEXT = 16 * 2**20
_SEARCHED = 24 << 20
_LAYER = re.compile(rb"\blayers?\s*:?\s*[{<]")

# By the names of the text format: the field's number, and what it is.
_FIELDS: dict[str, dict[str, tuple[int, str]]] = {
    "net": {"name": (1, TEXT), "layers": (2, "old"), "input": (3, TEXT), "layer": (100, "layer")},
    "layer": {
        "name": (1, TEXT),
        "type": (2, TEXT),
        "blobs": (7, "blob"),
        "transform_param": (100, "transform"),
        "data_param": (107, "data"),
        "hdf5_data_param": (112, "data"),
        "hdf5_output_param": (113, "output"),
        "image_data_param": (115, "data"),
        "infogain_loss_param": (116, "data"),
        "window_data_param": (129, "data"),
        "python_param": (130, "python"),
        "detection_output_param": (204, "detection"),
    },
    "old": {
        "layer": (1, "oldest"),
        "name": (4, TEXT),
        "type": (5, INT),
        "blobs": (6, "blob"),
        "data_param": (11, "data"),
        "hdf5_data_param": (13, "data"),
        "hdf5_output_param": (14, "output"),
        "image_data_param": (15, "data"),
        "infogain_loss_param": (16, "data"),
        "window_data_param": (20, "data"),
        "transform_param": (36, "transform"),
    },
    "oldest": {"name": (1, TEXT), "type": (2, TEXT), "source": (16, TEXT), "blobs": (50, "blob")},
    "python": {"module": (1, TEXT), "layer": (2, TEXT), "param_str": (3, TEXT)},
    "data": {"source": (1, TEXT)},
    "transform": {"mean_file": (4, TEXT)},
    "output": {"file_name": (1, TEXT)},
    "detection": {"save_output_param": (5, "save")},
    "save": {"output_directory": (1, TEXT)},
    "blob": {
        "num": (1, INT),
        "channels": (2, INT),
        "height": (3, INT),
        "width": (4, INT),
        "data": (5, SIZE),
        "shape": (7, "shape"),
        "double_data": (8, SIZE),
    },
    "shape": {"dim": (1, INTS)},
}
_SCHEMA: Schema = {kind: dict(fields.values()) for kind, fields in _FIELDS.items()}


@dataclass(slots=True)
class _Net:
    """What the layers say."""

    name: str = ""
    layers: Counter[str] = field(default_factory=Counter)
    python: dict[str, None] = field(default_factory=dict)
    reads: dict[str, None] = field(default_factory=dict)
    writes: dict[str, None] = field(default_factory=dict)
    saves: dict[str, None] = field(default_factory=dict)
    lies: dict[str, None] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    parameters: int = 0
    shape: list[int] = field(default_factory=list)

    def closed(self, message: Message, _: list[Message]) -> None:
        """Takes what a message says when it ends."""
        take = getattr(self, f"on_{message.kind}", None)
        if take is not None:
            take(message)

    def on_net(self, message: Message) -> None:
        """The whole network."""
        self.name = message.texts.get(1, "")
        if 3 in message.texts:
            self.inputs.append(message.texts[3][:100])

    def on_layer(self, message: Message) -> None:
        """A layer; whose type is a name."""
        kind = message.texts.get(2, "")[:100]
        self._count(kind)
        if kind == "Input" and len(self.inputs) < 100:
            self.inputs.append(message.texts.get(1, "")[:100])
        if kind == "Python" and not self.python:
            self._note(self.python, "a module")

    def on_old(self, message: Message) -> None:
        """A layer of version 1, whose type is a number."""
        self._count(f"V1 {message.numbers.get(5, 0)}")

    def on_oldest(self, message: Message) -> None:
        """A layer of version 0."""
        self._count(f"V0 {message.texts.get(2, '')[:100]}")
        self._note(self.reads, message.texts.get(16, ""))

    def _count(self, kind: str) -> None:
        if kind not in self.layers and len(self.layers) >= _KEPT:
            raise Incomplete("limit", f"more than {_KEPT:,} different types of layers")
        self.layers[kind] += 1

    def on_python(self, message: Message) -> None:
        """What a Python layer imports, and the class it makes."""
        self._note(self.python, f"{message.texts.get(1, '')}.{message.texts.get(2, '')}")

    def on_data(self, message: Message) -> None:
        """What a layer of data reads."""
        self._note(self.reads, message.texts.get(1, ""))

    def on_transform(self, message: Message) -> None:
        """The file with the mean image."""
        self._note(self.reads, message.texts.get(4, ""))

    def on_output(self, message: Message) -> None:
        """The file that a layer writes."""
        self._note(self.writes, message.texts.get(1, "") or "a file")

    def on_save(self, message: Message) -> None:
        """The folder that SSD's last layer writes its results to, when there is one."""
        self._note(self.saves, message.texts.get(1, ""))

    def _note(self, into: dict[str, None], name: str) -> None:
        if name and len(into) < _KEPT:
            into[name[:300]] = None

    def on_shape(self, message: Message) -> None:
        """A blob's shape."""
        self.shape = message.lists.get(1, [])

    def on_blob(self, message: Message) -> None:
        """Weights: their number has to be what the shape says."""
        old = [message.numbers.get(number, 0) for number in (1, 2, 3, 4)]
        dimensions = self.shape or (old if any(old) else [])
        self.shape = []
        sizes = [message.numbers[number] // width for number, width in ((5, 4), (8, 8)) if number in message.numbers]
        elements = prod(dimensions)
        if any(n < 0 for n in dimensions) or elements >= _LARGEST:
            self._note(self.lies, "A blob has a negative or overflowing shape")
            return
        self.parameters = min(self.parameters + elements, _LARGEST)
        if dimensions and sizes and elements not in sizes:
            self._note(self.lies, "A blob has another number of weights than its shape says")


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    if name.endswith(".prototxt"):
        return _LAYER.search(artifact.source.read_at(0, _SEARCHED)) is not None
    return name.endswith(".caffemodel")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    text = artifact.name.lower().endswith(".prototxt")
    if not artifact.source.size:
        raise Incomplete("truncated", "the file is empty")
    if not text and artifact.formats:
        yield from not_it(artifact, "caffe")
        return
    if not text and shallow(artifact.head, 1 << 62) is None:
        raise Incomplete("malformed", "does not begin like caffe")
    net = _Net()
    stop = None
    try:
        if text:
            _read_text(artifact, net)
        else:
            Walker(artifact.source, _SCHEMA, net.closed).walk("net")
    except Incomplete as error:
        stop = error
    yield _component(artifact, net)
    yield from _findings(artifact, net)
    if stop is not None:
        raise stop
    if not net.layers:
        raise Incomplete("malformed", "a network without layers")


def _read_text(artifact: Artifact, net: _Net) -> None:
    if artifact.source.size > _TEXT:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes of text are more than a network has")
    data = artifact.source.read_at(0, _TEXT).removeprefix(b"\xef\xbb\xbf")
    TextWalker(data, _FIELDS, net.closed, {}).walk("net")


def _findings(artifact: Artifact, net: _Net) -> Iterator[Finding]:
    for name in list(net.python)[:_TOLD]:
        message = f"A Python layer imports {shown(name, 200)!r}."
        yield rules.finding(RUNS, artifact.at(), message, evidence=shown(name, 200))
    for name in list(net.writes)[:_TOLD]:
        message = f"A layer writes {shown(name, 200)!r}."
        yield rules.finding(FILES, artifact.at(), message, evidence=shown(name, 200))
    for name in list(net.saves)[:_TOLD]:
        message = f"A layer saves what it detects to {shown(name, 200)!r}."
        yield rules.finding(FILES, artifact.at(), message, evidence=shown(name, 200), severity=Severity.MEDIUM)
    outside = [(name, reason) for name in net.reads if (reason := escape(name))]
    for name, reason in outside[:_TOLD]:
        # networks are saved with the paths of whoever trained them, and nothing is read when they only infer
        message = f"A layer reads its data from {shown(name, 200)!r}, which {reason}."
        yield rules.finding(FILES, artifact.at(), message, evidence=shown(name, 200), severity=Severity.LOW)
    for reason in net.lies:
        yield rules.finding(LAYOUT, artifact.at(), f"{reason}.", evidence=reason)


def _component(artifact: Artifact, net: _Net) -> Component:
    facts = ModelFacts(
        format="caffe",
        architecture=shown(net.name, 100),
        parameters=net.parameters or None,
        inputs=tuple(shown(name, 100) for name in net.inputs[:100]),
        other=(
            ("layers", str(net.layers.total())),
            ("types", ", ".join(f"{shown(kind, 40)}: {count}" for kind, count in sorted(net.layers.items())[:40])),
        ),
    )
    pairs = tuple(("caffe:data", shown(name, 200)) for name in list(net.reads)[:_TOLD])
    return component(artifact, facts, properties=pairs)


INSPECTOR = Inspector(
    name="caffe",
    claims=_claims,
    inspect=_inspect,
    rules=(RUNS, FILES, LAYOUT),
    suffixes=(".caffemodel",),
    model=True,
    reads="All layers of `.caffemodel` and of networks in `.prototxt`, also in the two older forms: Python layers with "
    "the module they import, layers that write files, paths of data, and whether weights fit their shapes.",
    misses="Layers of forks that need a library of their own, since Caffe's types are names without an owner; what the "
    "imported module does; solvers; the form in HDF5 (`.caffemodel.h5`), which is told as HDF5.",
)
