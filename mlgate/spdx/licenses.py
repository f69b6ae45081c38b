"""Licences as declared to license expressions; what is not stated is the individual NoAssertionLicense."""

from __future__ import annotations

import hashlib
import re

from cyclonedx.model.license import LicenseExpression

from mlgate.bom.licenses import licenses
from mlgate.completeness.fields import UNKNOWN_LICENCES
from mlgate.records import Component
from mlgate.spdx.names import Json, Names

NO_ASSERTION = "expandedlicensing_NoAssertionLicense"
EXPRESSION = "simplelicensing_LicenseExpression"


def declared(component: Component, names: Names) -> tuple[Json, ...]:
    """One element for each stated licence. A name that SPDX does not know becomes a LicenseRef (SPDX 3.0.1, annex on
    license expressions, 4.3), with the stated words as the element's name; which of two names clash a digest tells.
    """
    found = {}
    for known in licenses(component.licenses):
        if isinstance(known, LicenseExpression):
            text, stated = known.value, ""
        elif known.id:
            text, stated = known.id, ""
        else:
            stated = known.name or ""
            if stated.lower() in UNKNOWN_LICENCES:
                continue
            slug = re.sub(r"[^A-Za-z0-9.]+", "-", stated).strip("-.")[:60]
            digest = hashlib.sha256(stated.encode("utf-8", "surrogatepass")).hexdigest()[:12]
            text = f"LicenseRef-mlgate-{slug}-{digest}" if slug else f"LicenseRef-mlgate-{digest}"
        found[text] = names.element(EXPRESSION, text, name=stated, simplelicensing_licenseExpression=text)
    return tuple(element for _, element in sorted(found.items()))
