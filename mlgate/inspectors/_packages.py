"""What the readers of committed packages share: components, core metadata, digests, and names that contradict.

Source: the PyPA specifications "Core metadata", "Binary distribution format", "Source distribution format" and
"Recording installed projects"; the purl specification for the types `maven` and `pypi`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from packageurl import PackageURL
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import shown
from mlgate.records import (
    Artifact,
    Category,
    Component,
    Finding,
    Hash,
    Kind,
    Location,
    Observation,
    Occurrence,
    PackageFacts,
    Pairs,
    Relation,
    Rule,
    Severity,
    Source,
)

WHOLE = "artifact:file"  # a component with this property is the file of that path, whose digest the scan knows
BASIS = "artifact:identified-by"
_METADATA = 4 << 20
_MOST = 5000  # requirements of one package
_BLOCK = 1 << 20
_LICENSE = 200

CONTRADICTION = Rule(
    id="MLG-DEP-044",
    title="Package whose name and metadata contradict each other",
    severity=Severity.MEDIUM,
    category=Category.DEPENDENCY,
    help="The file or folder is named after another package or version than its own metadata states. Installers refuse "
    "this; build tools do not make it. Advisories were looked up for what the metadata states.",
    remediation="Take the package from its registry again and compare the digests.",
    cwe=("CWE-345", "CWE-1357"),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The fields of a METADATA or PKG-INFO file that matter here, in file order."""

    name: str
    version: str
    licenses: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


def digest(source: Source) -> Hash:
    """The SHA-256 of the whole content."""
    found = hashlib.sha256()
    for offset in range(0, source.size, _BLOCK):
        found.update(source.read_at(offset, _BLOCK))
    return Hash(algorithm="SHA-256", value=found.hexdigest())


def bounded(artifact: Artifact, largest: int) -> bytes:
    """The whole content. Raises Incomplete("limit") when it is more than `largest` bytes."""
    if artifact.source.size > largest:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than {shown(artifact.name, 100)!r} has")
    return artifact.source.read_at(0, largest)


def package(
    *,
    kind: str,
    name: str,
    version: str | None,
    location: Location,
    facts: PackageFacts,
    group: str = "",
    hashes: tuple[Hash, ...] = (),
    licenses: tuple[str, ...] = (),
    properties: Pairs = (),
) -> Component:
    """A package component; `kind` is the purl type and `group` Maven's. Raises Incomplete when the name is none."""
    plain = canonicalize_name(name) if kind == "pypi" else name
    try:
        base = PackageURL(type=kind, namespace=group or None, name=plain).to_string()
        purl = PackageURL(type=kind, namespace=group or None, name=plain, version=version).to_string()
    except ValueError:
        raise Incomplete("malformed", f"{shown(name, 100)!r} is no package name") from None
    return Component(
        kind=Kind.PACKAGE,
        identity=base,
        name=f"{group}:{name}" if group else plain,
        version=version,
        purl=purl,
        pinned=version is not None,
        hashes=hashes,
        licenses=licenses,
        occurrences=(Occurrence(location=location, symbol=facts.requirement[:300]),),
        package=facts,
        properties=properties,
    )


def parse_metadata(data: bytes) -> Metadata:
    """The header of core metadata. Raises Incomplete (malformed) when it names no package."""
    fields: list[tuple[str, str]] = []
    for line in data.decode("utf-8", "replace").removeprefix("\ufeff").split("\n"):
        text = line.rstrip("\r")
        if not text.strip():
            break
        if text[0] in " \t":
            continue  # only free text goes on over several lines: descriptions, and whole licence texts
        key, colon, value = text.partition(":")
        if not colon:
            raise Incomplete("malformed", f"{shown(text, 60)!r} is no field of core metadata")
        fields.append((key.strip().lower(), value.strip()))
    name, version = _first(fields, "name"), _first(fields, "version")
    if not re.fullmatch(r"[A-Za-z0-9](?:[\w.-]{0,198}[A-Za-z0-9])?", name, re.ASCII):
        raise Incomplete("malformed", f"metadata of a package named {shown(name, 60)!r}")
    return Metadata(
        name=name,
        version=version if re.fullmatch(r"[\w.+!-]{1,100}", version, re.ASCII) else "",
        licenses=_licenses(fields),
        requires=tuple(value for key, value in fields if key == "requires-dist"),
        extras=tuple(value[:100] for key, value in fields if key == "provides-extra")[:200],
    )


def _first(fields: list[tuple[str, str]], wanted: str) -> str:
    return next((value for key, value in fields if key == wanted), "")


def _licenses(fields: list[tuple[str, str]]) -> tuple[str, ...]:
    """The SPDX expression, else a licence field that is a name and no text, else the classifiers' last words."""
    expression = _first(fields, "license-expression")
    if expression:
        return (expression[:_LICENSE],)
    stated = _first(fields, "license")
    if 0 < len(stated) <= 60 and stated.upper() != "UNKNOWN" and not stated.lower().startswith("copyright"):
        return (stated,)
    said = [value for key, value in fields if key == "classifier" and value.startswith("License :: ")]
    last = dict.fromkeys(value.rpartition(" :: ")[2][:_LICENSE] for value in said)
    return tuple(name for name in last if name != "OSI Approved")[:20]


def same_version(one: str, other: str) -> bool:
    """Whether two spellings are one version; in names of files `-` and `+` may stand as `_`."""
    try:
        return Version(one.replace("_", "-")) == Version(other) or Version(one.replace("_", "+")) == Version(other)
    except InvalidVersion:
        return re.sub(r"[-_+.]+", "-", one).lower() == re.sub(r"[-_+.]+", "-", other).lower()


def contradiction(location: Location, named: str, stated: str) -> Finding:
    """What to say of a file named after one package whose metadata states another."""
    message = f"It is named {shown(named, 200)!r}, and its metadata states {shown(stated, 200)!r}."
    return rules.finding(CONTRADICTION, location, message, evidence=f"{shown(named, 120)} is {shown(stated, 120)}")


def distribution(
    metadata: Metadata, location: Location, *, hashes: tuple[Hash, ...] = (), properties: Pairs = ()
) -> Iterator[Observation]:
    """The package of core metadata and what it always needs. Raises Incomplete for requirements that are none.

    What only extras need is not installed with it, so that extras are named and no components.
    """
    more: Pairs = (("package:extras", ", ".join(metadata.extras)[:1000]),) if metadata.extras else ()
    own = package(
        kind="pypi",
        name=metadata.name,
        version=metadata.version or None,
        location=location,
        facts=PackageFacts(
            ecosystem="PyPI",
            requirement=f"{metadata.name}=={metadata.version}" if metadata.version else metadata.name,
            specifier=f"=={metadata.version}" if metadata.version else "",
        ),
        hashes=hashes,
        licenses=metadata.licenses,
        properties=(*properties, *more),
    )
    yield own
    bad: list[str] = []
    for text in dict.fromkeys(metadata.requires[:_MOST]):
        try:
            needed = Requirement(text) if len(text) <= 2000 else None
        except (InvalidRequirement, RecursionError):
            needed = None
        if needed is None:
            bad.append(shown(text, 100))
            continue
        marker = str(needed.marker or "")
        if re.search(r"\bextra\s*(?:==|in)", marker):
            continue
        yield _needed(needed, text, marker, location)
        yield Relation(source=own.identity, target=f"pkg:pypi/{canonicalize_name(needed.name)}")
    if len(metadata.requires) > _MOST:
        raise Incomplete("limit", f"more than {_MOST:,} requirements")
    if bad:
        raise Incomplete("malformed", f"not a requirement: {', '.join(map(repr, bad[:5]))}")


def _needed(needed: Requirement, text: str, marker: str, location: Location) -> Component:
    pins = [s.version for s in needed.specifier if s.operator in {"==", "==="} and "*" not in s.version]
    url = needed.url or ""
    facts = PackageFacts(
        ecosystem="PyPI",
        requirement=text[:300],
        specifier=str(needed.specifier)[:300],
        direct=False,
        marker=marker[:300],
        origin="url" if url else "registry",
        url=url[:2000],
    )
    version = pins[0] if pins and len(needed.specifier) == 1 else None
    return package(kind="pypi", name=needed.name, version=version, location=location, facts=facts)


def read_metadata(artifact: Artifact) -> Metadata:
    """The core metadata in this file. Raises Incomplete when it is too long or names no package."""
    return parse_metadata(bounded(artifact, _METADATA))
