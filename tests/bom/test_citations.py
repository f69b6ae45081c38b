"""Citations: which file each fact comes from, as pointers that lead somewhere."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from mlgate import bom
from mlgate.bom import validate
from tests.bom.test_build import SHA, repository
from tests.bom.test_docs import example


def cited(document: dict[str, Any]) -> dict[str, set[str]]:
    """Note to the fields it is about, each under the bom-ref of its component."""
    found: dict[str, set[str]] = {}
    for citation in document.get("citations", []):
        assert citation["attributedTo"] == "mlgate:tool"
        for pointer in citation["pointers"]:
            _, _, index, field = pointer.split("/")
            component = document["components"][int(index)]
            assert field in component
            found.setdefault(citation["note"], set()).add(f"{component['bom-ref']} {field}")
    return found


def test_facts_are_cited_by_where_they_come_from() -> None:
    inventory, _ = example()
    document = json.loads(bom.build(inventory, None, name="vision", version=""))
    assert cited(document) == {
        "computed from the content": {"file:models/tiny.gguf hashes"},
        "read from models/tiny.gguf": {"file:models/tiny.gguf modelCard", "file:models/tiny.gguf licenses"},
        "named in src/train.py": {f"hf:acme/base@{SHA} version"},
    }
    older = json.loads(bom.build(inventory, None, name="vision", version="", spec="1.6"))
    assert "citations" not in older
    timeless = json.loads(bom.build(dataclasses.replace(inventory, timestamp=0), None, name="vision", version=""))
    assert "citations" not in timeless


def test_a_citation_of_nothing_is_found() -> None:
    document = json.loads(bom.build(repository(), None, name="vision", version=""))
    document["citations"][0]["pointers"].append("/components/99/hashes")
    assert any("/components/99/hashes" in text for text in validate.semantics(document))
