"""Loaders whose own name says what they load: `torchvision.models.resnet50(...)`, `fetch_20newsgroups()`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlgate.records import Kind, Reference, Resolution
from mlgate.references._calls import Call, cut, source
from mlgate.references._domain import UNKNOWN
from mlgate.references._table import Loader
from mlgate.references._traits import Locate

_OF_OWNER = frozenset({"load_data", "get_model"})  # what is loaded is named by the part before


def called(call: Call, loader: Loader, locate: Locate) -> Iterator[Reference]:
    """What the name of the function says: `torchvision.models.resnet50(weights=...)`, `fetch_20newsgroups()`."""
    if loader.enabled:
        enabled = call.argument(loader.enabled)
        if not enabled.given or not (enabled.values.unknown or any(k.value for k in enabled.values.known)):
            return
    parts = call.qualified.split(".")
    name = parts[-2] if parts[-1] in _OF_OWNER and len(parts) > 1 else parts[-1].removeprefix("fetch_")
    if "?" in name:
        yield from _chosen(call, loader, locate)
        return
    variant = call.argument(loader.revision) if loader.revision else None
    stated = source(variant.node) if variant and variant.node is not None and variant.given else ""
    kind = loader.kind or Kind.MODEL
    yield Reference(
        kind=kind,
        identity=("dataset:" if kind is Kind.DATASET else "") + loader.bare.format(name),
        location=locate(call.node),
        symbol=call.symbol,
        revision=cut(stated.rpartition(".")[2].strip("'\"")) or None,
    )


def _chosen(call: Call, loader: Loader, locate: Locate) -> Iterator[Reference]:
    """`module.__dict__[name].get_model()`: the key is what is loaded."""
    node: ast.expr = call.node.func
    while isinstance(node, ast.Attribute):
        node = node.value
    bound = call.ev.tree.lookup(node.id, call.at) if isinstance(node, ast.Name) else []
    values, at = node, call.at
    if len(bound) == 1 and isinstance(bound[0].node, ast.expr) and not bound[0].path:
        values, at = bound[0].node, bound[0].at
    key: ast.expr | None = None
    if isinstance(values, ast.Subscript):
        key = values.slice
    elif isinstance(values, ast.Call) and len(values.args) > 1:
        key = values.args[1]
    kind = loader.kind or Kind.MODEL
    known = call.ev.values(key, at) if key is not None else UNKNOWN
    texts = [(text, how) for text, how in known.texts() if "/" not in text and text.isidentifier()]
    for text, how in texts:
        yield Reference(
            kind=kind,
            identity=("dataset:" if kind is Kind.DATASET else "") + loader.bare.format(text),
            location=locate(call.node),
            symbol=call.symbol,
            resolution=how,
            expression=cut(source(key)),
        )
    if known.unknown or not texts:
        yield Reference(
            kind=kind,
            identity=None,
            location=locate(call.node),
            symbol=call.symbol,
            resolution=Resolution.UNKNOWN,
            expression=cut(source(key) or call.text()),
        )
