"""ExecuTorch programs (`.pte`): a flatbuffer, and segments of weights and compiled parts behind it.

Source: pytorch/executorch, schema/program.fbs and schema/extended_header.h. Runtimes have trusted the indices and sizes
checked here (CVE-2025-30402, CVE-2025-30404, CVE-2025-54949 and following).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._flatbuffers import Buffer, Table
from mlgate.inspectors._model_metadata import component, not_it, shown
from mlgate.inspectors._runtime_rules import BACKEND, CUSTOM, FILES, LAYOUT
from mlgate.records import Artifact, Component, Inspector, ModelFacts, Observation

_TOLD = 20
_KEPT = 10_000
_LARGEST = 1 << 62
_TENSOR, _TENSOR_LIST, _OPTIONAL_LIST = 5, 10, 11  # KernelTypes
_KERNEL, _DELEGATE, _MOVE, _JUMP, _FREE = 1, 2, 3, 4, 5  # InstructionArguments
# c10::ScalarType
_TYPES = {
    0: "uint8", 1: "int8", 2: "int16", 3: "int32", 4: "int64", 5: "float16", 6: "float32", 7: "float64", 11: "bool",
    12: "qint8", 13: "quint8", 14: "qint32", 15: "bfloat16", 27: "uint16", 28: "uint32", 29: "uint64",
}  # fmt: skip
# Namespaces whose kernels ExecuTorch's own repository has.
_OWN = frozenset(
    {"aten", "executorch_prim", "et_copy", "dim_order_ops", "quantized_decomposed", "llama", "torchao", "etvk"}
    | {"cadence", "cortex_m", "quantized"}
)
_FILES = frozenset({"aten::from_file", "aten::save", "aten::load"})
# Interprets a graph of its own operators; all others load what a compiler made for them.
_PORTABLE = "XnnpackBackend"


@dataclass(slots=True)
class _Program:
    """What the tables say."""

    methods: list[str] = field(default_factory=list)
    operators: Counter[str] = field(default_factory=Counter)
    delegates: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    parameters: int = 0
    external: int = 0
    instructions: int = 0
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    lies: dict[str, None] = field(default_factory=dict)
    constants: int = 0
    segments: int = 0
    inline: int = 0
    mutable: bool = False

    def lie(self, reason: str) -> None:
        """Keeps what the program says that cannot be."""
        if len(self.lies) < _TOLD:
            self.lies[reason] = None

    def plan(self, plan: Table) -> None:
        """A method: its values, and instructions that refer to them by number."""
        name = shown(plan.text(0, 200), 100)
        if len(self.methods) < 100:
            self.methods.append(name)
        values = plan.vector(2)
        described: list[str] = []
        for value in values.tables():
            described.append(self._value(value, values.count) if len(described) < _KEPT else "")
        for number, into in ((3, self.inputs), (4, self.outputs)):
            for index in plan.vector(number).numbers("i"):
                if not 0 <= index < values.count:
                    self.lie(f"Method {name!r} takes or gives a value that is not there")
                elif len(into) < 100:
                    into.append(f"{name}: {described[index] or 'other'}" if index < _KEPT else name)
        for operator in plan.vector(6).tables():
            self.operators[f"{operator.text(0, 200)}.{operator.text(1, 100)}".rstrip(".")] += 1
            if len(self.operators) > _KEPT:
                raise Incomplete("limit", f"more than {_KEPT:,} different operators")
        for delegate in plan.vector(7).tables():
            self._delegate(delegate)
        limits = (values.count, plan.vector(6).count, plan.vector(7).count)
        for chain in plan.vector(5).tables():
            self._chain(name, chain, *limits)

    def _value(self, value: Table, count: int) -> str:
        kind, inside = value.integer(0, "B"), value.table(1)
        if inside is None:
            return ""
        if kind in {_TENSOR_LIST, _OPTIONAL_LIST}:
            lowest = -1 if kind == _OPTIONAL_LIST else 0
            if any(not lowest <= index < count for index in inside.vector(0).numbers("i")):
                self.lie("A list of tensors names one that is not there")
        if kind != _TENSOR:
            return ""
        sizes = inside.vector(2).numbers("i", 64)
        scalar = _TYPES.get(inside.integer(0, "b"), "other")
        if any(size < 0 for size in sizes) or prod(sizes) >= _LARGEST:
            self.lie("A tensor has a negative or overflowing shape")
            return scalar
        place, allocated, extra = inside.integer(5, "I"), inside.has(6), inside.table(9)
        if extra is not None and extra.integer(2, "b") == 1:
            self.external += 1
        elif place and not allocated:
            self.parameters = min(self.parameters + prod(sizes), _LARGEST)
            self.types[scalar] += 1
            if place >= self.constants:
                self.lie("A constant is in a buffer that is not there")
        return f"{scalar}{list(sizes)}"

    def _delegate(self, delegate: Table) -> None:
        self.delegates[shown(delegate.text(0, 200), 100)] += 1
        processed = delegate.table(1)
        if processed is not None:
            there = self.segments if processed.integer(0, "b") else self.inline
            if processed.integer(1, "I") >= there:
                self.lie("The data of a backend is in a segment that is not there")

    def _chain(self, name: str, chain: Table, values: int, operators: int, delegates: int) -> None:
        instructions = chain.vector(2)
        self.instructions += instructions.count
        for instruction in instructions.tables():
            kind, inside = instruction.integer(0, "B"), instruction.table(1)
            if inside is None:
                continue
            # what the first number and, where there is one, the second must be below
            first, second = {
                _KERNEL: (operators, None),
                _DELEGATE: (delegates, None),
                _MOVE: (values, values),
                _JUMP: (values, instructions.count + 1),
                _FREE: (values, None),
            }.get(kind, (0, None))
            right = 0 <= inside.integer(0, "i") < first
            if second is not None:
                right = right and 0 <= inside.integer(1, "i") < second
            elif kind in {_KERNEL, _DELEGATE}:
                right = right and all(0 <= index < values for index in inside.vector(1).numbers("i"))
            if not right:
                self.lie(f"An instruction of {name!r} refers to what is not there")


def _claims(artifact: Artifact) -> bool:
    return "executorch" in artifact.formats or artifact.name.lower().endswith(".pte")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if "executorch" not in artifact.formats:
        if artifact.head[4:6] == b"ET":
            raise Incomplete("unsupported", f"a program of version {shown(artifact.head[4:8].decode('latin-1'))}")
        yield from not_it(artifact, "executorch")
        return
    program = _Program()
    stop = None
    try:
        _walk(artifact, program)
    except Incomplete as error:
        stop = error
    yield _component(artifact, program)
    for reason in program.lies:
        yield rules.finding(LAYOUT, artifact.at(), f"{reason}.", evidence=reason)
    for name in sorted(program.operators):
        if name.split(".")[0] in _FILES:
            message = f"Operator {shown(name, 100)!r} opens a file."
            yield rules.finding(FILES, artifact.at(), message, evidence=shown(name, 100))
    foreign = sorted({shown(name, 80) for name in program.operators if name.split("::")[0] not in _OWN})
    if foreign:
        which = ", ".join(foreign[:8]) + (f" and {len(foreign) - 8} more" if len(foreign) > 8 else "")
        yield rules.finding(CUSTOM, artifact.at(), f"Operators that ExecuTorch lacks: {which}.", evidence=which)
    for name in sorted(program.delegates)[:_TOLD]:
        if name != _PORTABLE:
            message = f"Parts of it are compiled for {name!r}."
            yield rules.finding(BACKEND, artifact.at(), message, evidence=name)
    if stop is not None:
        raise stop


def _walk(artifact: Artifact, program: _Program) -> None:
    buffer = Buffer(artifact.source)
    root = buffer.root()
    base = 0
    if artifact.head[8:12] == b"eh00":
        length, own, base = (buffer.integer(at, code) for at, code in ((12, "I"), (16, "Q"), (24, "Q")))
        if length < 24 or own > buffer.size or base > buffer.size:
            program.lie("The header puts the program or its segments outside of the file")
            base = min(base, buffer.size)
    segments = [(one.integer(0, "Q"), one.integer(1, "Q")) for one in root.vector(4).tables()]
    program.segments, program.inline = len(segments), root.vector(3).count
    offsets = root.table(5)
    indices = offsets.vector(1, 8) if offsets is not None else None
    program.constants = max(root.vector(2).count, indices.count if indices else 0)
    if offsets is not None and indices is not None and indices.count:
        number = offsets.integer(0, "I")
        if number >= len(segments) or any(at > segments[number][1] for at in indices.numbers("Q")):
            program.lie("Constants are outside of their segment")
    for plan in root.vector(1).tables():
        program.plan(plan)
    if not program.methods:
        raise Incomplete("malformed", "a program without methods")
    for offset, size in segments:
        if offset + size >= 1 << 63:
            program.lie("A segment overflows 64 bits")
        elif base + offset + size > buffer.size:
            what = f"a segment ends at {base + offset + size:,} and the file at {buffer.size:,}"
            raise Incomplete("truncated", what, offset=buffer.size)


def _component(artifact: Artifact, program: _Program) -> Component:
    facts = ModelFacts(
        format="executorch",
        quantization=program.types.most_common(1)[0][0] if program.types else "",
        parameters=program.parameters or None,
        inputs=tuple(program.inputs[:100]),
        outputs=tuple(program.outputs[:100]),
        other=(
            ("methods", ", ".join(program.methods)[:300]),
            ("operators", str(len(program.operators))),
            ("instructions", str(program.instructions)),
            ("backends", ", ".join(f"{name}: {n}" for name, n in sorted(program.delegates.items()))[:300]),
            ("external-tensors", str(program.external or "")),
        ),
    )
    return component(artifact, facts)


INSPECTOR = Inspector(
    name="executorch",
    claims=_claims,
    inspect=_inspect,
    rules=(LAYOUT, FILES, CUSTOM, BACKEND),
    suffixes=(".pte",),
    model=True,
    reads="The whole program (`ET12`): methods with their values, operators and instructions, every index checked "
    "against what it points into, segments against the file, and which backends compiled parts are for.",
    misses="What a compiled part does; the weights' numbers; `.ptd` files with weights kept apart; what a custom "
    "kernel does.",
)
