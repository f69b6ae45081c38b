"""What identifies an element: a UUID (version 5) over the document's content and the element's key."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

CREATION = "_:creation"
_SORTS = {"SpdxDocument": 0, "software_Sbom": 1, "CreationInfo": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Makes elements. An element never changes under its spdxId (SPDX 3.0.1, Core, Element), so the content of the
    whole document is part of each, and no path or name is.
    """

    document: uuid.UUID

    def of(self, kind: str, key: str) -> str:
        """The spdxId of an element; kind and key tell it from all others of the document."""
        return uuid.uuid5(self.document, f"{kind}\0{key}".encode("utf-8", "surrogatepass").hex()).urn

    def element(self, kind: str, key: str, **properties: Any) -> Json:
        """An element of a class (`kind`) without the properties that are empty."""
        told = {name: value for name, value in properties.items() if value not in (None, "", [], ())}
        return {"type": kind, "spdxId": self.of(kind, key), "creationInfo": CREATION, **told}


def order(element: Json) -> tuple[int, str, str, str]:
    """The place of an element in the graph: the document first, then by class and name."""
    kind = element["type"]
    return _SORTS.get(kind, 3), kind, element.get("name", ""), element.get("spdxId", "")
