"""Records to SPDX 3.0.1: the ML-BOM as JSON-LD text, with the classes of the AI and Dataset profiles.

What becomes an element, and what depends on what, is `bom`'s graph, so that both documents tell the same.
"""

from __future__ import annotations

from mlgate.bom import InvalidBom
from mlgate.records import Inventory


def build(inventory: Inventory, *, name: str, version: str) -> str:
    """The ML-BOM of what was found, as JSON-LD text that ends in a newline.

    `name` and `version` (the head commit, or "") are the application's. The text depends on the arguments only: same
    inventory, same bytes. Raises bom.InvalidBom when the result fails our own check.
    """
    from mlgate.spdx.document import document, dumps  # noqa: PLC0415  (as in bom)
    from mlgate.spdx.validate import problems  # noqa: PLC0415

    made = document(inventory, name=name, version=version)
    wrong = problems(made)
    if wrong:
        raise InvalidBom("; ".join(wrong[:5]))
    return dumps(made)
