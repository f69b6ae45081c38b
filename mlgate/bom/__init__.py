"""Records to CycloneDX: the ML-BOM as JSON text.

CycloneDX's library is imported when a BOM is built, not before: it costs more than the rest of the start.
"""

from __future__ import annotations

from typing import Literal

from mlgate.records import Inventory, Verdict

SpecVersion = Literal["1.7", "1.6"]


class InvalidBom(Exception):  # noqa: N818  (what is wrong is the document)
    """What was made is not a sound CycloneDX document: a defect of mlgate (exit 3), never written to a file."""


def build(inventory: Inventory, verdict: Verdict | None, *, name: str, version: str, spec: SpecVersion = "1.7") -> str:
    """The ML-BOM of what was found, as JSON text that ends in a newline.

    `name` and `version` (the head commit, or "") are the application's. The text depends on the arguments only: same
    inventory and verdict, same bytes. Raises InvalidBom when the result fails the schema or our own check.
    """
    from mlgate.bom.document import document  # noqa: PLC0415  (see above)
    from mlgate.bom.form import dumps  # noqa: PLC0415
    from mlgate.bom.validate import problems  # noqa: PLC0415

    made = document(inventory, verdict, name=name, version=version, spec=spec)
    wrong = problems(made, spec)
    if wrong:
        raise InvalidBom("; ".join(wrong[:5]))
    return dumps(made)
