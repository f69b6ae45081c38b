"""Where the facts of a component come from: CycloneDX 1.7's `citations`, by JSON Pointer (RFC 6901).

Everything is read by mlgate itself, which `attributedTo` says; the note names the files that it was read from, and
whether a digest was computed or is only declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlgate.bom.graph import TOOL, Graph, Node
from mlgate.bom.texts import clean
from mlgate.records import Kind

Json = dict[str, Any]
_FILES = 5  # that a note names


def citations(document: Json, graph: Graph) -> list[Json]:
    """The citations of a document whose components have their final order; empty where no time is known, which the
    specification asks for.
    """
    timestamp = document.get("metadata", {}).get("timestamp")
    if not timestamp:
        return []
    said: dict[str, list[str]] = {}
    for index, component in enumerate(document.get("components", [])):
        node = graph.nodes[component["bom-ref"]]
        for field, note in _sources(node):
            if field in component:
                said.setdefault(note, []).append(f"/components/{index}/{field}")
    return [
        {"attributedTo": TOOL, "timestamp": timestamp, "pointers": pointers, "note": note}
        for note, pointers in sorted(said.items())
    ]


def _sources(node: Node) -> Iterator[tuple[str, str]]:
    """Fields of the component, each with where it comes from."""
    record = node.component
    if record.kind is Kind.PACKAGE:
        return  # its occurrences are the manifests, and everything is from there
    declared = sorted({seen.location.path for seen in record.occurrences if not seen.symbol})
    loaded = sorted({seen.location.path for seen in record.occurrences if seen.symbol})
    if declared:
        where = _named(declared)
        yield from ((field, f"read from {where}") for field in ("modelCard", "data", "licenses"))
    if loaded and record.version:
        yield "version", f"named in {_named(loaded)}"
    if node.scanned is not None and node.scanned.sha256:
        yield "hashes", "computed from the content"
    elif any(found.declared for found in record.hashes):
        yield "hashes", f"declared{f' by {_named(declared)}' if declared else ''}, not computed"


def _named(paths: list[str]) -> str:
    more = f" and {len(paths) - _FILES} more" if len(paths) > _FILES else ""
    return clean(", ".join(paths[:_FILES]) + more, 1_000)
