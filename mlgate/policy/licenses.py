"""Licences as people write them to SPDX: one reading of each, shared by the policy and the ML-BOM.

Sources: the SPDX License List in the form that CycloneDX's schema refers to; SPDX specification 3.0.1, annex B (license
expressions; `GPL-3.0` and `GPL-3.0+` are the deprecated spellings of `-only` and `-or-later`); PyPI's trove classifiers
and PEP 639; the hub's list of licences (huggingface.co/docs/hub/repositories-licenses); Cargo's manifest format (`/`).
"""

from __future__ import annotations

import functools
import re
from typing import Any

_LONGEST = 1_000
_KEPT = 4_096
# The hub's own ids of licences that SPDX lists under another. Families (openrail, llama3, gemma, cc, bsd, gfdl) are
# names: SPDX has no id for them, or several.
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
_APACHE = re.compile(r"https?://(?:www\.)?apache\.org/licenses/LICENSE-2\.0(?:\.txt|\.html)?", re.IGNORECASE)
_JOINED = re.compile(r"[()]|\s(?:or|and|with)(?=\s|$)", re.IGNORECASE)
_SLASHED = re.compile(r"\s*/\s*")
# What is left of a licence's name says which it is.
_FILLING = re.compile(r"\b(?:the|licen[cs]es?|software|version|ver|osi|approved|gnu|international|universal)\b")
_VERSION = re.compile(r"\b(?:v\.? ?|version )(?=\d)|(?<=[a-z])v(?=\d)")
_GNU = re.compile(
    r"(?:(?P<kind>lesser|library(?: or lesser)?|affero) )?general public(?: (?P<major>\d)(?P<minor>\.\d)?)?"
    r"(?P<later> ?\+| or later| or any later| or newer)?(?: only)?"
)
_GPL = re.compile(r"(?P<kind>a|l)?gpl ?(?P<major>\d)(?P<minor>\.\d)?(?P<later> ?\+| or later| or newer)?(?: only)?")
_CC = re.compile(r"(?:cc|creative commons) (?P<terms>by(?: nc)?(?: nd| sa)?) (?P<version>\d\.\d)")
_WORDS = {"attribution": "by", "noncommercial": "nc", "non commercial": "nc", "sharealike": "sa", "share alike": "sa"}
# Names by what is left of them. A family whose members differ in what they ask (BSD, CC, GPL without a version) is in
# no row: which one is meant is not known. PyPI's classifier for Apache names no version; 1.1 was given up in 2004.
_NAMES = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache foundation 2.0": "Apache-2.0",
    "asl 2.0": "Apache-2.0",
    "asf 2.0": "Apache-2.0",
    "mit": "MIT",
    "expat": "MIT",
    "mit expat": "MIT",
    "mit no attribution": "MIT-0",
    "bsd 3": "BSD-3-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "3 clause bsd": "BSD-3-Clause",
    "three clause bsd": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "bsd new": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause",
    "revised bsd": "BSD-3-Clause",
    "bsd 3 clause new or revised": "BSD-3-Clause",
    "bsd 2": "BSD-2-Clause",
    "bsd 2 clause": "BSD-2-Clause",
    "2 clause bsd": "BSD-2-Clause",
    "two clause bsd": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "bsd 2 clause simplified": "BSD-2-Clause",
    "mpl 2": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "mozilla public 2.0": "MPL-2.0",
    "isc": "ISC",
    "iscl": "ISC",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
    "python foundation": "PSF-2.0",
    "unlicense": "Unlicense",
    "zlib": "Zlib",
    "zlib libpng": "Zlib",
    "cc0": "CC0-1.0",
    "cc0 1.0": "CC0-1.0",
    "cc0 1.0 public domain dedication": "CC0-1.0",
    "boost 1.0": "BSL-1.0",
    "eclipse public 1.0": "EPL-1.0",
    "eclipse public 2.0": "EPL-2.0",
    "european union public 1.1": "EUPL-1.1",
    "european union public 1.2": "EUPL-1.2",
    "artistic 2.0": "Artistic-2.0",
    "universal permissive": "UPL-1.0",
}


@functools.cache
def ids() -> dict[str, str]:
    """The ids of the SPDX list that CycloneDX's schema refers to, by their lower-case form."""
    import json  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from cyclonedx.schema._res import SPDX_JSON  # noqa: PLC0415  (the list that validation uses)

    listed: list[str] = json.loads(Path(SPDX_JSON).read_text("utf-8"))["enum"]
    return {known.lower(): known for known in listed}


@functools.lru_cache(maxsize=_KEPT)
def spdx(stated: str) -> str:
    """The SPDX id or expression that a stated licence is, in SPDX's own spelling; else what was stated, stripped.

    An expression is one only if all that it names is known; nothing that is not written is guessed from the rest.
    """
    text = " ".join(stated[: _LONGEST + 1].split())
    single = _single(text)
    if single:
        return single
    parsed = parse(text)
    if parsed is None:
        return text
    if not parsed.args:
        return _symbol(parsed) or text
    known = {str(symbol): _symbol(symbol) for symbol in parsed.symbols}
    return _rendered(parsed, known) if all(known.values()) else text


def comparable(stated: str) -> str:
    """What the spellings of one licence have in common, known to SPDX or not: lower case, without filling words."""
    found = spdx(stated.removeprefix("hf:"))
    lowered = found.lower()
    return lowered if lowered in ids() or joined(found) else _left(found) or lowered


def parse(stated: str) -> Any:
    """The tree of `license_expression` for an expression (annex B), or None where the text is none."""
    if len(stated) > _LONGEST:
        return None
    slashed = _SLASHED.split(stated)
    if 1 < len(slashed) <= 5 and all(map(_single, slashed)):
        stated = " OR ".join(slashed)
    if not _JOINED.search(stated):
        return None
    # (start-up)
    from license_expression import ExpressionError, Licensing  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        return Licensing().parse(stated)
    # boolean.py's parser fails with errors of its own and of Python's on brackets that make no sense
    except (ExpressionError, ValueError, LookupError, TypeError, AttributeError):
        return None


def joined(stated: str) -> bool:
    """Whether the text is written like an expression of several parts."""
    return _JOINED.search(stated) is not None


def words(stated: str) -> tuple[str, ...]:
    """The parts of what is written like an expression, as they stand."""
    return tuple(part.strip() for part in _JOINED.split(stated) if part.strip())


def _rendered(node: Any, known: dict[str, str]) -> str:
    """The expression with its licences by their ids; parts of another operator stand in parentheses."""
    if not node.args:
        return known[str(node)]
    parts = (f"({_rendered(part, known)})" if part.args else known[str(part)] for part in node.args)
    return f" {node.operator.strip()} ".join(parts)


def _symbol(symbol: Any) -> str:
    """A licence of an expression by its id, with its exception as it stands; "" where SPDX does not know it."""
    plain = getattr(symbol, "license_symbol", None)
    if plain is None:
        return _single(str(symbol))
    found = _single(str(plain))
    exception = str(symbol.exception_symbol)
    return f"{found} WITH {exception}" if found and re.fullmatch(r"[\w.-]{1,100}", exception, re.ASCII) else ""


def _single(text: str) -> str:
    """The id of one licence: by itself, by its address, or by its name; "" when SPDX has none or several."""
    listed = ids()
    lowered = text.lower()
    if re.fullmatch(r"licenseref-[a-z0-9.-]{1,100}", lowered):
        return "LicenseRef-" + text[11:]
    gnu = _gpl(lowered) if lowered in listed or lowered.endswith("+") else ""
    if gnu or lowered in listed:
        return gnu or listed[lowered]
    commons = _COMMONS.fullmatch(text)
    if commons:
        return f"CC0-{commons[3]}" if commons[2] else f"CC-{commons[1].upper()}-{commons[3]}"
    address = _LISTED.fullmatch(text)
    if address and address[1].lower() in listed:
        return listed[address[1].lower()]
    if _APACHE.fullmatch(text):
        return "Apache-2.0"
    return _HUB_IDS.get(lowered) or _by_name(text)


def _gpl(lowered: str) -> str:
    """The current id for a deprecated one of the GNU licences, such as `GPL-3.0` and `LGPL-2.1+`."""
    found = re.fullmatch(r"([al]?gpl)-(\d\.\d)(\+)?", lowered)
    if not found:
        return ""
    return ids().get(f"{found[1]}-{found[2]}-{'or-later' if found[3] else 'only'}", "")


def _by_name(text: str) -> str:
    """By the name; what stands in parentheses must say the same (`ISC License (ISCL)`), or it is another licence."""
    if len(text) > 120:
        return ""
    found = re.fullmatch(r"([^()]+)\(([^()]+)\)([^()]*)", text)
    if not found:
        return _named(_left(text))
    outside = _named(_left(found[1] + found[3]))
    return outside if outside and outside in (_single(found[2]), _named(_left(found[2]))) else ""


def _left(text: str) -> str:
    """A name without case, punctuation, the marks of a version and the words that every licence's name has."""
    lowered = re.sub(r"[^a-z0-9.+]+", " ", text.lower())
    lowered = _VERSION.sub(" ", lowered)
    return " ".join(re.sub(r"\.(?!\d)", " ", _FILLING.sub(" ", lowered)).split())


def _named(left: str) -> str:
    if left in _NAMES:
        return _NAMES[left]
    found = _GNU.fullmatch(left) or _GPL.fullmatch(left)
    if found and found["major"]:
        kind = {"l": "L", "a": "A"}.get((found["kind"] or "")[:1], "")
        version = found["major"] + (found["minor"] or ".0")
        return ids().get(f"{kind}gpl-{version}-{'or-later' if found['later'] else 'only'}".lower(), "")
    for word, short in _WORDS.items():
        left = left.replace(word, short)
    commons = _CC.fullmatch(left)
    return ids().get(f"cc {commons['terms']} {commons['version']}".replace(" ", "-"), "") if commons else ""
