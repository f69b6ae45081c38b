"""Committed wheels: the package, what it needs, and whether its files are those that its RECORD lists.

Source: the PyPA specifications "Binary distribution format" and "Recording installed projects".
"""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors import _packages
from mlgate.inspectors._model_metadata import shown
from mlgate.inspectors._zipdir import Member, read_directory
from mlgate.inspectors._zipwalk import Walk
from mlgate.records import Artifact, Category, Finding, Inspector, Observation, PackageFacts, Rule, Severity

_SAID = 50  # findings of one rule about one wheel
_RECORD = 64 << 20
_STRONG = ("sha256", "sha384", "sha512")
_TOP = re.compile(r"[^/]+\.dist-info/(METADATA|RECORD)")
_FREE = re.compile(r"[^/]+\.dist-info/RECORD(\.jws|\.p7s)?")  # RECORD cannot list itself, nor its signatures
_NATIVE = re.compile(r".*\.(so|pyd|dll|dylib)(\.[\d.]+)?", re.IGNORECASE)
_BLOCK = 1 << 20

DIFFERS = Rule(
    id="MLG-DEP-040",
    title="Wheel with a file that is not the recorded one",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="RECORD states a hash for each file of a wheel. Here a file has another content, so it was changed after the "
    "wheel was built. pip installs it all the same.",
    remediation="Take the wheel from its registry again and compare the digests, or build it again from its source.",
    cwe=("CWE-345", "CWE-354"),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)
UNRECORDED = Rule(
    id="MLG-DEP-041",
    title="Wheel with a file that its RECORD does not vouch for",
    severity=Severity.MEDIUM,
    category=Category.DEPENDENCY,
    help="The wheel holds a file that RECORD does not list or lists without a usable hash, or it has no RECORD. The "
    "format demands both; build tools write them. pip installs the file all the same.",
    remediation="Take the wheel from its registry again and compare the digests, or build it again from its source.",
    cwe=("CWE-345",),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)


def _claims(artifact: Artifact) -> bool:
    if not artifact.name.lower().endswith(".whl") or not artifact.source.size:
        return False
    if "-" in artifact.name:
        return True
    try:  # installers take no wheel without a version in its name, so only what is inside can make it one
        return any(_TOP.fullmatch(member.name) for member in read_directory(artifact.source).members)
    except Incomplete:
        return False


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    walk = Walk(artifact)
    files = [member for member in walk.directory.members if not member.directory]
    stopped: Incomplete | None = None
    try:
        yield from _package(artifact, walk, files)
    except Incomplete as stop:  # the files are still compared
        stopped = stop
    yield from _verified(artifact, walk, files)
    if stopped is not None:
        raise stopped
    walk.finish()


def _package(artifact: Artifact, walk: Walk, files: list[Member]) -> Iterator[Observation]:
    """The wheel as a component. Raises Incomplete without metadata, after a component by the file's name."""
    name, version = (*artifact.name[: -len(".whl")].split("-"), "")[:2]
    native = [shown(member.name, 100) for member in files if _NATIVE.fullmatch(member.name)]
    facts = (("package:native", ", ".join(native[:20])), ("package:native:count", str(len(native)))) if native else ()
    hashes = (_packages.digest(artifact.source),)
    found = False
    for member in files:
        if (top := _TOP.fullmatch(member.name)) is None or top[1] != "METADATA":
            continue
        for inner in walk.open(member):
            if isinstance(inner, Artifact):
                metadata = _packages.read_metadata(inner)
                found = True
                if canonicalize_name(name) != canonicalize_name(metadata.name) or not _packages.same_version(
                    version, metadata.version
                ):
                    yield _packages.contradiction(inner.at(), artifact.name, f"{metadata.name} {metadata.version}")
                yield from _packages.distribution(
                    metadata, inner.at(), hashes=hashes, properties=((_packages.BASIS, "METADATA"), *facts)
                )
    if not found:
        if version:
            package = PackageFacts(ecosystem="PyPI", requirement=f"{name}=={version}"[:300], specifier=f"=={version}")
            yield _packages.package(
                kind="pypi",
                name=name,
                version=version,
                location=artifact.at(),
                facts=package,
                hashes=hashes,
                properties=((_packages.BASIS, "file name"), *facts),
            )
        raise Incomplete("malformed", "a wheel without METADATA")


def _verified(artifact: Artifact, walk: Walk, files: list[Member]) -> Iterator[Finding]:
    """What RECORD does not say of the files, and says otherwise. Raises Incomplete (malformed, limit)."""
    records = [member for member in files if _TOP.fullmatch(member.name) and member.name.endswith("/RECORD")]
    if not records:
        message = "The wheel has no RECORD, so nothing says which files belong to it."
        yield rules.finding(UNRECORDED, artifact.at(), message, evidence="RECORD")
        return
    listed: dict[str, list[str]] = {}
    for record in records:
        for inner in walk.open(record):
            if isinstance(inner, Artifact):
                _read_record(inner, listed)
    differing = missing = 0
    for member in files:
        if _FREE.fullmatch(member.name):
            continue
        stated = listed.get(member.name.replace("\\", "/"), [])
        strong = [text for text in stated if text.partition("=")[0] in _STRONG]
        if not strong:
            missing += 1
            if missing <= _SAID:
                what = "lists it without a hash that counts" if stated else "does not list it"
                message = f"{shown(member.name, 200)!r} is in the wheel, and RECORD {what}."
                yield _said(artifact, member, UNRECORDED, message)
        elif differing < _SAID and not _is_recorded(walk, member, strong):
            differing += 1
            message = f"{shown(member.name, 200)!r} does not have the hash that RECORD states."
            yield _said(artifact, member, DIFFERS, message)


def _said(artifact: Artifact, member: Member, rule: Rule, message: str) -> Finding:
    return rules.finding(rule, artifact.at(), message, evidence=shown(member.name, 200))


def _read_record(record: Artifact, listed: dict[str, list[str]]) -> None:
    text = _packages.bounded(record, _RECORD).decode("utf-8", "replace")
    try:
        for row in csv.reader(text.splitlines()):
            if row:
                stated = row[1].strip() if len(row) > 1 else ""
                listed.setdefault(row[0].replace("\\", "/").removeprefix("./"), []).append(stated)
    except csv.Error as error:
        raise Incomplete("malformed", f"RECORD is no CSV: {error}") from None


def _is_recorded(walk: Walk, member: Member, stated: list[str]) -> bool:
    """Whether the content has every one of the hashes; what could not be unpacked is told by the walk's end."""
    for inner in walk.open(member, lambda _: False):
        if not isinstance(inner, Artifact):
            continue
        for text in stated:
            algorithm, _, value = text.partition("=")
            found = hashlib.new(algorithm)
            for offset in range(0, inner.source.size, _BLOCK):
                found.update(inner.source.read_at(offset, _BLOCK))
            try:
                wanted = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
            except (binascii.Error, ValueError):
                return False
            if found.digest() != wanted:
                return False
    return True


INSPECTOR = Inspector(
    name="wheels",
    claims=_claims,
    inspect=_inspect,
    rules=(DIFFERS, UNRECORDED, _packages.CONTRADICTION),
    suffixes=(".whl",),
    reads="Wheels, committed or inside of archives: METADATA gives the package with the wheel's SHA-256, its licence "
    "and what it always needs; every file is compared with RECORD; native extensions are named as facts; a file name "
    "that contradicts the metadata is told. The members go through all readers.",
    misses="What extras need (their names are facts). Signatures beside RECORD are not verified.",
)
