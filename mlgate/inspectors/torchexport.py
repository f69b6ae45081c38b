"""Exported programs of PyTorch: the graph in JSON that `.pt2` archives hold (torch/_export/serde/schema.py).

The JSON is read as a stream of texts: graphs of language models are tens of megabytes. Loading evaluates the symbolic
shapes in it as Python, and looks operators up by a path that starts at the module `torch`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._export_expressions import runs
from mlgate.inspectors._model_metadata import shown
from mlgate.inspectors._runtime_rules import CUSTOM, FILES, RUNS
from mlgate.records import Artifact, Finding, Inspector, Rule, Severity, Source

_PIECE = 1 << 20
_KEPT = 100_000
_TOLD = 20
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*+)"\s*+(:?)|[\[\]{}]', re.DOTALL)
_DEPTH = 1_000
_GRAPH = re.compile(rb'"(graph_module|range_constraints|guards_code)"\s*:')
_OPERATOR = re.compile(r"torch\.ops\.(\w+)\.(.+)", re.ASCII)
_SIMPLE = re.compile(r"(_operator|math)\.[a-z_]{1,20}|torch\.(_?sym_\w{1,20})", re.ASCII)
# Namespaces of PyTorch itself.
_OWN = frozenset(
    {"aten", "prim", "prims", "higher_order", "quantized", "quantized_decomposed", "c10d", "_c10d_functional"}
    | {"c10d_functional", "_dtensor", "inductor", "mkldnn", "mkl", "onednn", "profiler", "rngprims", "symm_mem"}
    | {"debugprims", "fsdp", "static_runtime", "torch_attn", "xnnpack", "_quantized", "autocasting", "bucketing"}
)
_FILES = frozenset({"aten.from_file", "debugprims.load_tensor"})
# Steps of a path that leave operators for Python at large.
_LEAVES = frozenset(
    {"os", "sys", "subprocess", "shutil", "importlib", "builtins", "hub", "load", "save", "serialization", "package"}
    | {"utils", "jit", "multiprocessing", "ctypes", "runpy", "pickle", "eval", "exec", "system", "__builtins__"}
)


@dataclass(slots=True)
class _Program:
    """The texts that a loader acts on, each once."""

    targets: dict[str, None] = field(default_factory=dict)
    expressions: dict[str, None] = field(default_factory=dict)
    guards: dict[str, None] = field(default_factory=dict)

    def take(self, key: str, text: str) -> None:
        """Keeps the text under a key. Raises Incomplete (limit)."""
        into = {
            "target": self.targets,
            "as_operator": self.targets,
            "expr_str": self.expressions,
            "guards_code": self.guards,
        }.get(key)
        if into is None:
            return
        into[text] = None
        if len(into) > _KEPT:
            raise Incomplete("limit", f"more than {_KEPT:,} different texts under {key!r}")


def _claims(artifact: Artifact) -> bool:
    if not artifact.name.lower().endswith(".json"):
        return False
    if artifact.name == "serialized_exported_program.json" or _GRAPH.search(artifact.head):
        return True
    return artifact.member is not None and PurePosixPath(artifact.path).suffix.lower() == ".pt2"


def _texts(source: Source) -> Iterator[tuple[str, str]]:
    """All texts with the key they stand under: a list's texts have the key of the list."""
    key, rest, at = "", b"", 0
    around: list[str | None] = []  # the key of a list, None for an object
    while at < source.size:
        piece = source.read_at(at, _PIECE)
        if not piece:
            raise Incomplete("truncated", "the file became shorter while it was read", offset=at)
        at += len(piece)
        data = rest + piece
        end = 0
        for match in _TOKEN.finditer(data):
            if match.end() == len(data) and at < source.size:
                break  # what follows may belong to it
            end = match.end()
            if match[1] is None:
                _nest(around, match[0], key, at)
            elif match[2]:
                key = _text(match[1])
            else:
                yield (around[-1] if around and around[-1] is not None else key), _text(match[1])
        quote = data.find(b'"', end)
        rest = data[quote:] if quote >= 0 else b""
        if len(rest) > 2 * _PIECE:
            raise Incomplete("limit", "a text of more than two megabytes", offset=at)
    if around or rest:
        raise Incomplete("truncated", "the JSON does not end")


def _nest(around: list[str | None], mark: bytes, key: str, at: int) -> None:
    if mark in b"[{":
        around.append(key if mark == b"[" else None)
        if len(around) > _DEPTH:
            raise Incomplete("limit", f"the JSON is nested deeper than {_DEPTH:,}", offset=at)
    elif not around or (around.pop() is None) != (mark == b"}"):
        raise Incomplete("malformed", "brackets of the JSON do not match", offset=at)


def _text(raw: bytes) -> str:
    try:
        return str(json.loads(b'"' + raw + b'"', strict=False)) if b"\\" in raw else raw.decode("utf-8")
    except ValueError:
        raise Incomplete("malformed", "a text of the JSON is none") from None


def _inspect(artifact: Artifact) -> Iterator[Finding]:
    program = _Program()
    stop = None
    try:
        for key, text in _texts(artifact.source):
            program.take(key, text)
    except Incomplete as error:
        stop = error
    yield from _operators(artifact, program)
    for texts, guard in ((program.expressions, False), (program.guards, True)):
        told = 0
        for text in texts:
            try:
                why = runs(text, guard=guard)
            except Incomplete as error:
                stop = stop or error
                continue
            if why and told < _TOLD:
                told += 1
                what = "guard" if guard else "symbolic shape"
                message = f"A {what} {shown(why, 120)}; loading evaluates it as Python: {shown(text, 150)!r}."
                yield rules.finding(RUNS, artifact.at(), message, evidence=shown(text, 200))
    if stop is not None:
        raise stop


def _operators(artifact: Artifact, program: _Program) -> Iterator[Finding]:
    told = 0
    foreign: dict[str, None] = {}
    for target in program.targets:
        rule, severity, why = _judge(target)
        if rule is CUSTOM:
            foreign[shown(target, 80)] = None
        elif rule is not None and told < _TOLD:
            told += 1
            message = f"The graph calls {shown(target, 150)!r}, which {why}."
            yield rules.finding(rule, artifact.at(), message, evidence=shown(target, 200), severity=severity)
    if foreign:
        names = list(foreign)
        which = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        yield rules.finding(CUSTOM, artifact.at(), f"Operators of other libraries: {which}.", evidence=which)


def _judge(target: str) -> tuple[Rule | None, Severity | None, str]:
    match = _OPERATOR.fullmatch(target)
    if match is not None:
        name = f"{match[1]}.{match[2].split('.')[0]}"
        if name in _FILES:
            return FILES, None, "opens a file"
        return (None if match[1] in _OWN else CUSTOM), None, ""
    if _SIMPLE.fullmatch(target):
        return None, None, ""
    if target.startswith("#"):
        return CUSTOM, None, ""
    if target.startswith(("torch", "_operator", "math")):
        if _LEAVES & set(target.split(".")) or "__" in target:
            return RUNS, None, "is a function of Python and no operator"
        return RUNS, Severity.MEDIUM, "is no operator"
    return CUSTOM, None, ""


INSPECTOR = Inspector(
    name="torchexport",
    claims=_claims,
    inspect=_inspect,
    rules=(RUNS, FILES, CUSTOM),
    reads="The graph of exported programs in `.pt2` archives with all subgraphs: every operator by its path, every "
    "symbolic shape and every guard, which loading evaluates as Python.",
    misses="The code that built the graph, which is not in it; what operators of other libraries do.",
)
