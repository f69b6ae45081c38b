"""What a TensorFlow graph is made of: operators of all functions, the strings they hold, and who gets which."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

from mlgate.errors import Incomplete
from mlgate.inspectors import _tensorflow_ops as ops
from mlgate.inspectors._protobuf import Message, Walker
from mlgate.inspectors._tensorflow_known import KNOWN
from mlgate.inspectors._tensorflow_nodes import STRINGS, Attribute, Function, Node, Scope, packed
from mlgate.inspectors._tensorflow_schema import SCHEMA, STRING, TYPES
from mlgate.sources import BytesSource

Read = Callable[[int, int], bytes]
_KEPT = 400_000
_CHARACTERS = 32 * 2**20
_SHOWN_NODES = 3
_MODULE = 64 * 2**20
_CHUNK = 1 << 20
_LARGEST = 1 << 50
_METADATA = 20_000
_ASSET = 1 << 16
# The attributes whose text decides what an operator does.
_SAID = {
    "PrintV2": "output_stream",
    "DecodeProtoV2": "descriptor_source",
    "EncodeProto": "descriptor_source",
    "FixedUnigramCandidateSampler": "vocab_file",
    "DebugIdentity": "debug_urls",
    "DebugIdentityV2": "debug_urls",
    "DebugIdentityV3": "debug_urls",
    "DebugNanCount": "debug_urls",
    "DebugNumericSummary": "debug_urls",
    "DebugNumericSummaryV2": "debug_urls",
}
_PROGRAMS = {"XlaCallModule": "module", "MlirPassthroughOp": "mlir_module"}


@dataclass(slots=True)
class Graph:
    """Gathers from the walk: `closed` takes each message as it ends. `read` gives bytes of the file by their place."""

    read: Read
    operators: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)
    scopes: dict[Scope, dict[str, Node]] = field(default_factory=dict)
    functions: dict[Scope, Function] = field(default_factory=dict)
    said: dict[tuple[str, str], str] = field(default_factory=dict)
    callbacks: dict[str, str] = field(default_factory=dict)
    assets: list[tuple[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    version: str = ""
    graphs: int = 0
    schema_version: int = 0
    inputs: dict[str, None] = field(default_factory=dict)
    outputs: dict[str, None] = field(default_factory=dict)
    methods: dict[str, None] = field(default_factory=dict)
    constants: int = 0
    variables: int = 0
    types: Counter[str] = field(default_factory=Counter)
    objects: list[tuple[str, str]] = field(default_factory=list)
    bound: dict[str, list[int]] = field(default_factory=dict)
    metadata: list[tuple[str, int, int]] = field(default_factory=list)
    keras: int = 0
    registered: dict[str, None] = field(default_factory=dict)
    _waiting: dict[str, Node] = field(default_factory=dict)
    _attribute: Attribute = field(default_factory=Attribute)
    _attributes: dict[str, Attribute] = field(default_factory=dict)
    _returns: list[str] = field(default_factory=list)
    _arguments: list[str] = field(default_factory=list)
    _signature: str = ""
    _shape: list[int] = field(default_factory=list)
    _unknown: bool = False
    _tensor: str = ""
    _kind: tuple[str, str] = ("", "")
    _bound: list[int] = field(default_factory=list)
    _kept: int = 0
    _characters: int = 0

    def closed(self, message: Message, around: list[Message]) -> None:
        """Takes what a message says when it ends; `around` are the messages that hold it, outermost first."""
        take = getattr(self, f"_on_{message.kind}", None)
        if take is not None:
            take(message, around)

    # -- what the file says of itself

    def _on_saved_model(self, message: Message, _: list[Message]) -> None:
        self.schema_version = message.numbers.get(1, 0)

    def _on_meta_info(self, message: Message, _: list[Message]) -> None:
        self.tags += message.strings.get(4, [])[: max(0, 20 - len(self.tags))]
        self.version = message.texts.get(5, self.version)[:100]

    def _on_asset_tensor(self, message: Message, _: list[Message]) -> None:
        self._tensor = message.texts.get(1, "")

    def _on_asset(self, message: Message, _: list[Message]) -> None:
        if len(self.assets) >= _KEPT:
            raise Incomplete("limit", f"more than {_KEPT:,} assets")
        self.assets.append((self._tensor.partition(":")[0], message.texts.get(2, "")))
        self._tensor = ""

    def _on_any(self, message: Message, _: list[Message]) -> None:
        if message.texts.get(1, "").endswith(".AssetFileDef"):
            for start, length in message.spans.get(2, []):
                data = BytesSource(self.read(start, min(length, _ASSET)))
                Walker(data, SCHEMA, self.closed).walk("asset")

    def _on_signature(self, message: Message, _: list[Message]) -> None:
        self.methods[message.texts.get(3, "")[:100]] = None

    def _on_tensor_info(self, message: Message, _: list[Message]) -> None:
        shape = "?" if self._unknown else ", ".join(str(size) if size >= 0 else "?" for size in self._shape[:16])
        self._tensor = f"{TYPES.get(message.numbers.get(2, 0), '?')}[{shape}]"
        self._dimensionless()

    def _on_input_entry(self, message: Message, _: list[Message]) -> None:
        if len(self.inputs) < 100:
            self.inputs[f"{message.texts.get(1, '')[:100]}: {self._tensor}"] = None

    def _on_output_entry(self, message: Message, _: list[Message]) -> None:
        if len(self.outputs) < 100:
            self.outputs[f"{message.texts.get(1, '')[:100]}: {self._tensor}"] = None

    def _on_dim(self, message: Message, _: list[Message]) -> None:
        self._shape.append(message.numbers.get(1, 0))

    def _on_shape(self, message: Message, _: list[Message]) -> None:
        self._unknown = bool(message.numbers.get(3, 0))

    def _dimensionless(self) -> int:
        """The number of elements of the shape that was just read, which is then forgotten."""
        shape, self._shape, self._unknown = self._shape, [], False
        return prod(shape) if len(shape) < 64 and all(0 <= size < _LARGEST for size in shape) else 0

    # -- objects of TensorFlow 2

    def _on_variable(self, message: Message, _: list[Message]) -> None:
        elements = min(self._dimensionless(), _LARGEST)
        self.types[TYPES.get(message.numbers.get(1, 0), "?")] += 1
        if message.numbers.get(3, 0):
            self.variables += elements

    def _on_object_asset(self, message: Message, _: list[Message]) -> None:
        self._kind = ("asset", str(message.numbers.get(1, 0)))

    def _on_constant(self, message: Message, _: list[Message]) -> None:
        self._kind = ("constant", message.texts.get(1, ""))

    def _on_user_object(self, message: Message, _: list[Message]) -> None:
        self._keras(message, message.texts.get(1, ""), 3)

    def _on_keras_object(self, message: Message, _: list[Message]) -> None:
        self._keras(message, message.texts.get(4, ""), 5)

    def _keras(self, message: Message, identifier: str, number: int) -> None:
        if not identifier.startswith("_tf_keras"):
            return
        self.keras += 1
        for start, length in message.spans.get(number, []):
            if len(self.metadata) >= _METADATA:
                raise Incomplete("limit", f"more than {_METADATA:,} Keras objects")
            self.metadata.append((identifier[:60], start, length))

    def _on_object(self, message: Message, _: list[Message]) -> None:
        if len(self.objects) >= _KEPT:
            raise Incomplete("limit", f"more than {_KEPT:,} objects")
        self.objects.append(self._kind)
        self._kind = ("", "")
        if message.texts.get(13) and len(self.registered) < 100:
            self.registered[message.texts[13][:100]] = None

    def _on_concrete(self, message: Message, _: list[Message]) -> None:
        self._bound = message.lists.get(2, [])

    def _on_concrete_entry(self, message: Message, _: list[Message]) -> None:
        self.bound[message.texts.get(1, "")] = self._bound
        self._bound = []

    # -- nodes

    def _on_tensor(self, message: Message, around: list[Message]) -> None:
        elements = self._dimensionless()
        kind = message.numbers.get(1, 0) % 100
        if kind != STRING:
            if around and around[-1].kind == "attr":
                self.constants += min(elements, _LARGEST)
                self.types[TYPES.get(kind, "?")] += 1
            return
        strings = message.strings.get(8, [])
        for start, length in message.spans.get(4, []):
            strings = strings + packed(self.read(start, min(length, 1 << 16)), elements)
        self._attribute.strings += strings[:STRINGS]
        self._attribute.cut |= len(strings) > STRINGS or 8 in message.more

    def _on_func(self, message: Message, _: list[Message]) -> None:
        if len(self._attribute.functions) < 1000:
            self._attribute.functions.append(message.texts.get(1, ""))

    def _on_attr_list(self, message: Message, _: list[Message]) -> None:
        self._attribute.spans += message.spans.get(2, [])

    def _on_attr(self, message: Message, _: list[Message]) -> None:
        self._attribute.spans += message.spans.get(2, [])

    def _on_attr_entry(self, message: Message, around: list[Message]) -> None:
        attribute, self._attribute = self._attribute, Attribute()
        if around[-1].kind == "node":
            key = message.texts.get(1, "")
            known = self._attributes.get(key)
            if known is None:
                self._attributes[key] = attribute
            else:  # which of the two counts is the parser's choice, so both are looked at
                known.spans += attribute.spans
                known.strings += attribute.strings
                known.functions += attribute.functions
                known.cut |= attribute.cut

    def _on_node(self, message: Message, around: list[Message]) -> None:
        attributes, self._attributes = self._attributes, {}
        op = sys.intern(message.texts.get(2, "")[:200])
        name = message.texts.get(1, "")
        self.operators[op] += 1
        if self.operators[op] <= _SHOWN_NODES:
            self.places.setdefault(op, []).append(name[:150])
        if op in _SAID:
            self._say(op, name, attributes.get(_SAID[op]))
        if op in _PROGRAMS:
            self._program(op, name, attributes.get(_PROGRAMS[op]))
        functions = tuple(name for a in attributes.values() for name in a.functions)
        value = attributes.get("value", Attribute())
        wanted = op in ops.SINKS or op in ops.PASSING or op in ops.CALLERS or op in ops.PLAIN
        # what TensorFlow does not know may be a function, called by its name
        if not (wanted or functions or op == "Const") and (op in ops.JUDGED or op in KNOWN):
            return
        inputs = tuple(text for text in message.strings.get(3, []) if not text.startswith("^"))
        strings = tuple(value.strings) if op == "Const" else ()
        self._kept += 1
        self._characters += len(name) + sum(map(len, inputs)) + sum(map(len, strings))
        if self._kept > _KEPT or self._characters > _CHARACTERS:
            raise Incomplete("limit", "the graph has more names and strings than are followed")
        cut = value.cut or 3 in message.more
        node = Node(op, inputs, strings, functions, cut)
        if around[-1].kind == "graph":
            self.scopes.setdefault((self.graphs, ""), {})[name] = node
        else:
            self._waiting[name] = node

    def _say(self, op: str, name: str, attribute: Attribute | None) -> None:
        for start, length in attribute.spans if attribute else []:
            text = self.read(start, min(length, 4096)).decode("utf-8", "backslashreplace")
            if len(self.said) < 1000:
                self.said.setdefault((op, text), name[:150])

    def _program(self, op: str, name: str, attribute: Attribute | None) -> None:
        """Looks for calls back into the host in a compiled program; its strings stand in it as they are."""
        longest = max(map(len, ops.HOST_CALLBACKS))
        for start, length in attribute.spans if attribute else []:
            if length > _MODULE:
                raise Incomplete("limit", f"the program of node {name[:100]!r} has {length:,} bytes", offset=start)
            for offset in range(0, length, _CHUNK):
                data = self.read(start + offset, min(_CHUNK + longest, length - offset))
                found = next((word for word in ops.HOST_CALLBACKS if word in data), None)
                if found is not None:
                    self.callbacks.setdefault(found.decode("ascii"), f"{op} {name[:150]}")
                    break

    # -- functions

    def _on_arg(self, message: Message, _: list[Message]) -> None:
        self._arguments.append(message.texts.get(1, ""))

    def _on_signature_def(self, message: Message, _: list[Message]) -> None:
        self._signature = message.texts.get(1, "")

    def _on_ret_entry(self, message: Message, _: list[Message]) -> None:
        self._returns.append(message.texts.get(2, ""))

    def _on_function(self, _: Message, __: list[Message]) -> None:
        scope = (self.graphs, self._signature or "(a function without a name)")
        self.functions[scope] = Function(tuple(self._arguments), tuple(self._returns))
        self.scopes.setdefault(scope, {}).update(self._waiting)
        self._waiting, self._arguments, self._returns, self._signature = {}, [], [], ""

    def _on_graph(self, _: Message, __: list[Message]) -> None:
        self.graphs += 1
