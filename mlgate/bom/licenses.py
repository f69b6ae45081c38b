"""Licence texts as people wrote them to CycloneDX's three forms: SPDX id, SPDX expression, name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from cyclonedx.model.license import DisjunctiveLicense, License, LicenseAcknowledgement, LicenseExpression

from mlgate.bom.texts import clean

_LONGEST_EXPRESSION = 500
# The hub's own ids of licences that SPDX lists under another (huggingface.co/docs/hub/repositories-licenses). Families
# (openrail, llama3, gemma, cc, bsd, gfdl) are names: SPDX has no id for them, or several.
_HUB_IDS = {
    "odc-by": "ODC-By-1.0",
    "odbl": "ODbL-1.0",
    "pddl": "PDDL-1.0",
    "c-uda": "C-UDA-1.0",
    "cdla-permissive-1.0": "CDLA-Permissive-1.0",
}
_COMMONS = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/(?:licenses/(by(?:-nc)?(?:-nd|-sa)?)|publicdomain/(zero))/(\d\.\d)(?:/.*)?"
)
_LISTED = re.compile(r"https?://(?:www\.)?(?:spdx\.org|opensource\.org)/licenses?/([\w.+-]+?)(?:\.html|\.json)?/?")


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
    found = [_named(clean(text, 200).strip()) for text in texts]
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


def _named(text: str) -> str:
    """The SPDX id that an address of Creative Commons, SPDX or the OSI stands for, or the hub's own spelling."""
    commons = _COMMONS.fullmatch(text)
    if commons:
        return f"CC0-{commons[3]}" if commons[2] else f"CC-{commons[1].upper()}-{commons[3]}"
    listed = _LISTED.fullmatch(text)
    if listed and listed[1].lower() in _spdx_ids():
        return listed[1]
    return _HUB_IDS.get(text.lower(), text)


def _is_compound(text: str) -> bool:
    """Whether the text is an SPDX expression of more than one word whose ids all exist."""
    if " " not in text or len(text) > _LONGEST_EXPRESSION:
        return False
    if not {"and", "or", "with"}.intersection(text.lower().replace("(", " ").replace(")", " ").split()):
        return False
    from cyclonedx.spdx import is_expression  # noqa: PLC0415  (0.3 s, and most repositories need none)

    return is_expression(text)
