"""Where the bytes of a load come from: memory that this very code wrote, or the network."""

from __future__ import annotations

import ast

from mlgate.references._names import Names, root
from mlgate.references._scope import At

_DEPTH = 8
_MOST_NODES = 200
_PICKLERS = frozenset(
    {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "joblib", "torch", "jsonpickle"}
)
_DUMPS = frozenset({"dumps", "encode"})
_WRAPPERS = frozenset({"decompress", "b64decode", "BytesIO", "StringIO", "bytes", "memoryview", "decode", "encode"})
_READS = frozenset({"getvalue", "getbuffer", "read", "result", "get"})
_BUFFERS = frozenset(
    {"io.BytesIO", "io.StringIO", "BytesIO", "tempfile.TemporaryFile", "tempfile.SpooledTemporaryFile"}
)
_NETWORK = frozenset({"requests", "urllib", "urllib2", "httpx", "aiohttp", "urllib3", "wget", "socket", "paramiko"})


def in_process(names: Names, node: ast.AST, at: At, depth: int = 0) -> bool:
    """Whether the expression is data that this code itself serialized in memory."""
    if depth > _DEPTH:
        return False
    if isinstance(node, ast.Name):
        bindings = names.tree.lookup(node.id, at)
        return bool(bindings) and all(
            b.node is not None
            and b.kind in {"assign", "with"}
            and not b.path
            and in_process(names, b.node, b.at, depth + 1)
            for b in bindings
        )
    if not isinstance(node, ast.Call):
        return False
    for qualified in names.resolve(node.func, at):
        last = qualified.rpartition(".")[2]
        if root(qualified) in _PICKLERS and last in _DUMPS:
            continue
        if qualified in _BUFFERS and not node.args:
            continue
        if (
            last in _READS
            and isinstance(node.func, ast.Attribute)
            and in_process(names, node.func.value, at, depth + 1)
        ):
            continue
        if last in _WRAPPERS and node.args and in_process(names, node.args[0], at, depth + 1):
            continue
        return False
    return True


def from_network(names: Names, node: ast.AST, at: At, depth: int = 0) -> bool:
    """Whether a call that fetches is part of the expression, or of what its names were assigned from."""
    if depth > _DEPTH // 2:
        return False
    for count, part in enumerate(ast.walk(node)):
        if count > _MOST_NODES:
            return False
        if isinstance(part, ast.Call) and any(root(q) in _NETWORK for q in names.resolve(part.func, at)):
            return True
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            for binding in names.tree.lookup(part.id, at)[:_DEPTH]:
                known = binding.node is not None and binding.kind in {"assign", "with"}
                if known and binding.node is not None and from_network(names, binding.node, binding.at, depth + 1):
                    return True
    return False
