"""Which profiles the document conforms to, and why not to others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from mlgate.spdx.elements import DATASET, MODEL
from mlgate.spdx.names import Json

# External property restrictions of SPDX 3.0.1, AI/Classes/AIPackage and Dataset/Classes/DatasetPackage. The official
# schema and shapes do not have them; the text of the specification does.
_REQUIRED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    MODEL: (
        "ai",
        (
            "releaseTime",
            "software_downloadLocation",
            "software_packageVersion",
            "software_primaryPurpose",
            "suppliedBy",
        ),
    ),
    DATASET: (
        "dataset",
        ("builtTime", "originatedBy", "releaseTime", "software_downloadLocation", "software_primaryPurpose"),
    ),
}
_LICENCES = ("hasConcludedLicense", "hasDeclaredLicense")


def conformance(graph: Iterable[Json]) -> tuple[tuple[str, ...], str]:
    """The profiles that hold for the elements, sorted, and a sentence about those of AI and data that do not.

    A profile is conformed to when every one of its packages has what its class requires and exactly one relationship
    to a concluded and a declared licence (AI/AI and Dataset/Dataset, "Profile conformance"). Nothing is put in
    for what is not known: a time of release has no value that says so.
    """
    elements = list(graph)
    held = {"core", "software"}
    kinds = {element["type"] for element in elements}
    if "simplelicensing_LicenseExpression" in kinds:
        held.add("simpleLicensing")
    if any("extension" in element for element in elements):
        held.add("extension")
    lacking = []
    for kind, (profile, _) in _REQUIRED.items():
        if kind in kinds:
            wrong = sorted(set(_wrong(elements, kind)))
            if not wrong:
                held.add(profile)
            else:
                lacking.append(f"{profile} ({', '.join(wrong)})")
    said = f"Profiles not conformed to, because this is not known of each package: {'; '.join(lacking)}."
    return tuple(sorted(held)), said if lacking else ""


def _wrong(elements: Iterable[Json], kind: str) -> Iterator[str]:
    required = _REQUIRED[kind][1]
    licences: Counter[tuple[str, str]] = Counter()
    packages = []
    for element in elements:
        if element["type"] == kind:
            packages.append(element)
        elif element.get("relationshipType") in _LICENCES:
            licences[element["from"], element["relationshipType"]] += 1
    for package in packages:
        yield from (name for name in required if name not in package)
        yield from (name for name in _LICENCES if licences[package["spdxId"], name] != 1)
