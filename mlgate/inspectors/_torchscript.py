"""TorchScript's stored source (`code/`) and mobile byte code: operators that reach files.

The source is Python's syntax with TorchScript's own meaning (torch/csrc/jit/serialization/python_print.cpp): nothing in
it is Python's own `open` or `import`: what can reach out are operators, and classes and operators of other libraries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.inspectors._model_metadata import shown
from mlgate.records import Artifact, Category, Finding, Rule, Severity

_CHUNK, _OVERLAP = 1 << 20, 256
_LARGEST = 64 * 2**20
_TOLD = 20

FILES = Rule(
    id="MLG-MDL-112",
    title="TorchScript that reaches files",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The stored program calls an operator that maps or writes a file of the machine (`aten::from_file`, "
    "`aten::save`). No network needs that to compute; it reads or overwrites files when the model is run.",
    remediation="Do not run the model. Take it from its source again, or rebuild it from weights.",
    cwe=("CWE-73", "CWE-829"),
    atlas=("AML.T0010", "AML.T0011.000"),
)
FOREIGN = Rule(
    id="MLG-MDL-113",
    title="TorchScript that needs another library",
    severity=Severity.LOW,
    category=Category.MODEL_FILE,
    help="The stored program uses classes or operators of a native library that is not PyTorch's own, which has to be "
    "loaded before the model.",
    remediation="Make sure that the library is one you chose, and pin it.",
    cwe=("CWE-829",),
)

_REACHING = re.compile(
    rb"\b(?:torch|ops\.aten)\.(?P<source>from_file|save|load)\s*\(|\baten::(?P<byte>from_file|save)(?![\w.])"
)
_CLASSES = re.compile(rb"__torch__\.torch\.classes\.(?P<name>\w+\.\w+)")
_FOREIGN_OPS = re.compile(
    rb"\bops\.(?!aten\b|prim\b|prims\b|quantized\b|inductor\b|c10d\b|profiler\b|mkldnn\b)(?P<name>\w+\.\w+)\s*\("
)
_OWN_CLASSES = (b"quantized.", b"rnn.", b"xnnpack.", b"c10d.", b"dist_rpc.", b"profiler.", b"mkldnn.")


def check_program(artifact: Artifact) -> Iterator[Finding]:
    """Findings on one source file or bytecode.pkl of a TorchScript archive, by its text; the first of each name."""
    source, told = artifact.source, set[bytes]()
    for start in range(0, min(source.size, _LARGEST), _CHUNK):
        data = source.read_at(start, _CHUNK + _OVERLAP)
        for pattern, rule in ((_REACHING, FILES), (_CLASSES, FOREIGN), (_FOREIGN_OPS, FOREIGN)):
            for match in pattern.finditer(data):
                name = next(group for group in match.groups() if group)
                if name in told or len(told) >= _TOLD or name.startswith(_OWN_CLASSES):
                    continue
                told.add(name)
                word = shown(name.decode("ascii", "replace"), 100)
                doing = f"calls `{word}`" if rule is FILES else f"uses `{word}` of another library"
                where = artifact.at(offset=start + match.start())
                yield rules.finding(rule, where, f"The program {doing}.", evidence=word)
