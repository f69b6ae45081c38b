"""PaddlePaddle: programs (`.pdmodel`, `__model__`, PIR's `.json`), tensors (`.pdiparams`) and pickled states.

Tensors: paddle/fluid/framework/lod_tensor.cc and tensor_util.cc (SerializeToStream). `paddle.save` writes pickles under
`.pdparams` and `.pdopt`: the reader of pickles looks into them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from math import prod

from mlgate.errors import Incomplete
from mlgate.inspectors._cursor import Cursor
from mlgate.inspectors._json_marks import json_text
from mlgate.inspectors._model_metadata import component, not_it, shown
from mlgate.inspectors._paddle_program import SCHEMA, TYPES, Program, findings
from mlgate.inspectors._protobuf import Walker, shallow
from mlgate.inspectors._runtime_rules import BACKEND, CUSTOM, FILES, NETWORK, RUNS
from mlgate.pickles.sniff import is_pickle
from mlgate.records import Artifact, Component, Inspector, ModelFacts, Observation

_TENSORS = 1_000_000
_JSON = 16 * 2**20
_DESCRIPTION = 1 << 12
_LEVELS = 64
_PIR = re.compile(rb'"magic"\s*:\s*"pir"|"program"\s*:\s*\{\s*"regions"\s*:')


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    if name.endswith((".pdmodel", ".pdiparams", ".pdparams", ".pdopt")):
        return True
    if name == "__model__":
        return _is_program(artifact)
    return name.endswith(".json") and _PIR.search(json_text(artifact)) is not None


def _is_program(artifact: Artifact) -> bool:
    """Whether the bytes begin with a block, whose first fields are its own number and its parent's."""
    found = shallow(artifact.head, 1 << 62) or []  # also of one that was cut
    if not found or found[0][:2] != (1, 2):
        return False
    length, start = found[0][2:]
    inside = shallow(artifact.head[start : start + length], length) or []
    return [field[:2] for field in inside[:2]] == [(1, 0), (2, 0)]


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.source.size == 0:
        raise Incomplete("truncated", "the file is empty")
    if artifact.name.lower().endswith(".json"):
        yield from _pir(artifact)
    elif is_pickle(artifact.source, 0):
        # told by the reader of pickles, under the one name that paddle.save and everybody else uses for it
        yield component(artifact, ModelFacts(format="paddle-pickle"))
        if artifact.name.lower().endswith((".pdmodel", ".pdiparams")):
            yield from not_it(artifact, "paddle")
    elif artifact.formats:
        yield from not_it(artifact, "paddle")
    elif _is_program(artifact):
        program = Program()
        stop = None
        try:
            Walker(artifact.source, SCHEMA, program.closed).walk("program")
        except Incomplete as error:
            stop = error
        yield _component(artifact, program, "paddle")
        yield from findings(artifact, program)
        if stop is not None:
            raise stop
    else:
        yield from _tensors(artifact)


def _pir(artifact: Artifact) -> Iterator[Observation]:
    if artifact.source.size > _JSON:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than a program has")
    try:
        document = json.loads(artifact.source.read_at(0, _JSON).decode("utf-8-sig", "surrogateescape"))
    except RecursionError:
        raise Incomplete("limit", "the JSON is nested too deep") from None
    except ValueError as error:
        raise Incomplete("malformed", f"not JSON: {error}") from None
    program = Program()
    base = document.get("base_code") if isinstance(document, dict) else None
    version = base.get("version") if isinstance(base, dict) else None
    program.version = version if isinstance(version, int) else 0
    program.pir(document)
    yield _component(artifact, program, "paddle-pir")
    yield from findings(artifact, program)
    if not program.operators:
        raise Incomplete("malformed", "a program without operators")


def _component(artifact: Artifact, program: Program, form: str) -> Component:
    facts = ModelFacts(
        format=form,
        quantization=program.types.most_common(1)[0][0] if program.types else "",
        parameters=program.parameters or None,
        inputs=tuple(shown(name, 100) for name in program.inputs),
        outputs=tuple(shown(name, 100) for name in program.outputs),
        other=(
            ("version", str(program.version or "")),
            ("blocks", str(program.blocks)),
            ("operators", str(program.operators.total())),
            ("weights", ", ".join(f"{kind}: {count}" for kind, count in sorted(program.types.items()))),
        ),
    )
    return component(artifact, facts)


def _tensors(artifact: Artifact) -> Iterator[Observation]:
    """Tensors one after another, without names: version, levels of detail, version, description, numbers."""
    cursor = Cursor(artifact.source)
    kinds: Counter[str] = Counter()
    parameters = 0
    stop = None
    try:
        while cursor.at < cursor.end and kinds.total() < _TENSORS:
            kind, elements = _tensor(cursor)
            kinds[kind] += 1
            parameters += elements
    except Incomplete as error:
        stop = error
    if stop is not None and not kinds:
        raise Incomplete("malformed", f"neither a program nor tensors: {stop.detail}", offset=stop.offset)
    facts = ModelFacts(
        format="paddle-tensors",
        parameters=parameters,
        quantization=kinds.most_common(1)[0][0],
        other=(("tensors", ", ".join(f"{kind}: {count}" for kind, count in sorted(kinds.items()))),),
    )
    yield component(artifact, facts)
    if stop is not None:
        raise stop
    if cursor.at < cursor.end:
        raise Incomplete("limit", f"more than {_TENSORS:,} tensors", offset=cursor.at)


def _tensor(cursor: Cursor) -> tuple[str, int]:
    """One tensor: the name of its type, and how many elements it has."""
    start = cursor.at
    if cursor.number("I") != 0:
        raise Incomplete("malformed", "a tensor of an unknown version", offset=start)
    levels = cursor.number("Q")
    if levels > _LEVELS:
        raise Incomplete("malformed", f"a tensor with {levels:,} levels of detail", offset=start)
    for _ in range(levels):
        cursor.skip(cursor.number("Q"))
    if cursor.number("I") != 0:
        raise Incomplete("malformed", "a tensor of an unknown version", offset=start)
    length = cursor.number("i")
    if not 0 < length <= _DESCRIPTION:
        raise Incomplete("malformed", f"a description of {length:,} bytes", offset=start)
    described = shallow(cursor.take(length), length) or []
    kind, width = TYPES.get(next((f[2] for f in described if f[:2] == (1, 0)), -1), ("", 0))
    dimensions = [f[2] for f in described if f[:2] == (2, 0)]
    if not width or len(dimensions) > 64 or any(f[:2] == (2, 2) for f in described) or any(n >> 63 for n in dimensions):
        raise Incomplete("malformed", "a description without a known type and shape", offset=start)
    elements = prod(dimensions)
    cursor.skip(elements * width)
    return kind, elements


INSPECTOR = Inspector(
    name="paddle",
    claims=_claims,
    inspect=_inspect,
    rules=(RUNS, FILES, NETWORK, BACKEND, CUSTOM),
    suffixes=(".pdmodel", ".pdiparams", ".pdparams", ".pdopt"),
    model=True,
    reads="Programs in both forms (`ProgramDesc` of `.pdmodel` and `__model__`, PIR in `.json`) with every block and "
    "operator: Python functions, files, servers, engines that bring their own code. Streams of tensors are walked to "
    "their end. `.pdparams` and `.pdopt` are pickles and are judged as such.",
    misses="Custom operators of the older form, which look like PaddlePaddle's own; what a compiled part for TensorRT "
    "or another engine does; whether the tensors are the ones that the program needs.",
)
