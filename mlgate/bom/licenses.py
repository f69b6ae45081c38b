"""Licence texts as people wrote them to CycloneDX's three forms: SPDX id, SPDX expression, name."""

from __future__ import annotations

from collections.abc import Iterable

from cyclonedx.model.license import DisjunctiveLicense, License, LicenseAcknowledgement, LicenseExpression

from mlgate.bom.texts import clean
from mlgate.policy.licenses import ids, spdx

_LONGEST_EXPRESSION = 500


def licenses(texts: Iterable[str]) -> list[License]:
    """The licences of a component, as declared, in SPDX's spelling where they are SPDX's (mlgate.policy.licenses).

    An expression stands alone (CycloneDX 1.6 allows it beside nothing). Several licences that nobody joined by AND or
    OR are listed one by one, and how they relate is not guessed.
    """
    found = [spdx(clean(text, 200).strip()) for text in texts]
    found = [text for text in found if text]
    if len(found) == 1 and _is_compound(found[0]):
        return [LicenseExpression(found[0], acknowledgement=LicenseAcknowledgement.DECLARED)]
    declared = LicenseAcknowledgement.DECLARED
    known = ids()
    return [
        DisjunctiveLicense(id=known[text.lower()], acknowledgement=declared)
        if text.lower() in known
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
