"""What licences of models and data ask of what is made from them, in the few classes that a gate can tell apart.

Sources: the licences themselves. CC-BY-NC 4.0 section 2(a)(1) allows non-commercial use only; CC-BY-SA 4.0 section
3(b) and the GPL's section 5 hand their terms on; the OpenRAIL licences' attachment A, Llama's Community License
section 1(b) and Gemma's Terms section 3.1 bind derivatives to their use restrictions. A licence that is not in here
has no class, and nothing is said of it.
"""

from __future__ import annotations

import enum
import fnmatch
import re
from types import MappingProxyType


class Terms(enum.StrEnum):
    """What a licence hands on to derivatives."""

    PERMISSIVE = "permissive"
    NON_COMMERCIAL = "for non-commercial use only"
    SHARE_ALIKE = "under the same terms only"
    RESTRICTED = "under its use restrictions only"


_PERMISSIVE = frozenset(
    {
        *("apache-2.0", "mit", "mit-0", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "0bsd", "unlicense", "wtfpl"),
        *("cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "bsl-1.0", "zlib", "artistic-2.0", "cdla-permissive-2.0"),
    }
)
_NON_COMMERCIAL = re.compile(
    r"cc-by-nc(?:-nd|-sa)?(?:-\d\.\d)?|.*\b(?:non-?commercial|research-only)\b.*", re.IGNORECASE
)
_SHARE_ALIKE = re.compile(r"(cc-by-sa|a?gpl|odbl)(?:-[\w.+-]+)?", re.IGNORECASE)
_RESTRICTED = re.compile(
    r"(?:.*-)?(openrail)(?:\+\+|-m|m)?|(bigscience)-\S*rail-1\.0|bigcode-(openrail)-m|creativeml-(openrail)-m|"
    r"(llama)[\d.]*(?:-community)?|(gemma)",
    re.IGNORECASE,
)
# Licences of well-known publishers' models by name, as their cards on the hub state them: a base model is seldom in the
# repository, and its licence is what matters. First fit counts; a name that is not in here has no known licence.
_KNOWN = MappingProxyType(
    {
        "hf:meta-llama/llama-2*": "llama2",
        "hf:meta-llama/meta-llama-3-*": "llama3",
        "hf:meta-llama/meta-llama-3.1*": "llama3.1",
        "hf:meta-llama/llama-3.1*": "llama3.1",
        "hf:meta-llama/llama-3.2*": "llama3.2",
        "hf:meta-llama/llama-3.3*": "llama3.3",
        "hf:google/gemma-*": "gemma",
        "hf:google/codegemma-*": "gemma",
        "hf:bigscience/bloom*": "bigscience-bloom-rail-1.0",
        "hf:bigcode/starcoder*": "bigcode-openrail-m",
        "hf:compvis/stable-diffusion-v1-*": "creativeml-openrail-m",
        "hf:stabilityai/stable-diffusion-xl-base-1.0": "openrail++",
        "hf:facebook/nllb-200*": "cc-by-nc-4.0",
        "hf:facebook/musicgen-*": "cc-by-nc-4.0",
        "hf:coherelabs/c4ai-command-r*": "cc-by-nc-4.0",
        "hf:cohereforai/c4ai-command-r*": "cc-by-nc-4.0",
    }
)


def known_license(identity: str) -> str:
    """The licence that a well-known base model is under by its name, or ""."""
    lowered = identity.lower()
    return next((told for pattern, told in _KNOWN.items() if fnmatch.fnmatchcase(lowered, pattern)), "")


def terms(license_name: str) -> tuple[Terms, str] | None:
    """The class of a licence and its family ("llama", "gpl", ...), or None where it has none here."""
    name = license_name.strip().removeprefix("hf:").removeprefix("LicenseRef-").lower()
    if name in _PERMISSIVE:
        return Terms.PERMISSIVE, ""
    if _NON_COMMERCIAL.fullmatch(name):
        return Terms.NON_COMMERCIAL, "nc"
    shared = _SHARE_ALIKE.fullmatch(name)
    if shared:
        return Terms.SHARE_ALIKE, shared[1]
    restricted = _RESTRICTED.fullmatch(name)
    if restricted:
        return Terms.RESTRICTED, next(group for group in restricted.groups() if group)
    return None


def conflict(above: str, below: str) -> Terms | None:
    """What the licence `above` (of a base or of training data) asks and the licence `below` (of what is made of it)
    does not keep; None where it does, or where one of the two has no class.
    """
    asked, given = terms(above), terms(below)
    if asked is None or given is None or asked[0] is Terms.PERMISSIVE or asked == given:
        return None
    if asked[0] is Terms.SHARE_ALIKE and given[0] is Terms.SHARE_ALIKE:
        # AGPL may be put on what is under GPL (section 13 of GPLv3); of the others each hands on its own.
        return None if (asked[1], given[1]) == ("gpl", "agpl") else asked[0]
    return asked[0]
