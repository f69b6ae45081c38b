"""Licence texts as people wrote them to CycloneDX's three forms: SPDX id, SPDX expression, name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from cyclonedx.model.license import DisjunctiveLicense, License, LicenseAcknowledgement, LicenseExpression

from mlgate.bom.texts import clean

_LONGEST_EXPRESSION = 500


@cache
def _spdx_ids() -> dict[str, str]:
    """The ids of the SPDX list that the schema refers to, by their lower-case form."""
    import json  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from cyclonedx.schema._res import SPDX_JSON  # noqa: PLC0415  (the list that validation uses)

    ids: list[str] = json.loads(Path(SPDX_JSON).read_text("utf-8"))["enum"]
    return {known.lower(): known for known in ids}


def licenses(texts: Iterable[str]) -> list[License]:
    """The licences of a component, as declared.

    An expression stands alone (CycloneDX 1.6 allows it beside nothing). Several licences that nobody joined by AND or
    OR are listed one by one, and how they relate is not guessed.
    """
    found = [clean(text, 200).strip() for text in texts]
    found = [text for text in found if text]
    if len(found) == 1 and _is_compound(found[0]):
        return [LicenseExpression(found[0], acknowledgement=LicenseAcknowledgement.DECLARED)]
    declared = LicenseAcknowledgement.DECLARED
    ids = _spdx_ids()
    return [
        DisjunctiveLicense(id=ids[text.lower()], acknowledgement=declared)
        if text.lower() in ids
        else DisjunctiveLicense(name=text, acknowledgement=declared)
        for text in dict.fromkeys(found)
    ]


def _is_compound(text: str) -> bool:
    """Whether the text is an SPDX expression of more than one word whose ids all exist."""
    if " " not in text or len(text) > _LONGEST_EXPRESSION:
        return False
    if not {"and", "or", "with"}.intersection(text.lower().replace("(", " ").replace(")", " ").split()):
        return False
    from cyclonedx.spdx import is_expression  # noqa: PLC0415  (0.3 s, and most repositories need none)

    return is_expression(text)
