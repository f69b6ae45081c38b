"""What every manifest reader needs: bounded text, package components, and the rules that several of them speak."""

from __future__ import annotations

import bisect
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.records import (
    Artifact,
    Category,
    Component,
    Finding,
    Hash,
    Kind,
    Location,
    Occurrence,
    PackageFacts,
    Pairs,
    Rule,
    Severity,
)

LARGEST = 32 * 2**20  # the largest lockfiles of real monorepos are a few MB
_ATLAS = ("AML.T0010.001",)
_OWASP = ("LLM03:2025",)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_KEY = re.compile(r"""\s*(?:([A-Za-z0-9_-]+)|"([^"\n]+)"|'([^'\n]+)')\s*[=.]""")
_ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512", "sha1": "SHA-1", "md5": "MD5"}

MUTABLE_VCS = Rule(
    id="MLG-DEP-013",
    title="Code from a branch or tag that can move",
    severity=Severity.MEDIUM,
    category=Category.DEPENDENCY,
    help="The dependency is fetched from a repository at a branch or tag (or its default branch), so what is installed "
    "changes when its owner, or whoever takes over the account, moves that name.",
    remediation="Pin the full commit hash.",
    clause="dependencies.mutable-vcs",
    cwe=("CWE-829", "CWE-1357"),
    atlas=_ATLAS,
    owasp=_OWASP,
)
URL_WITHOUT_HASH = Rule(
    id="MLG-DEP-015",
    title="Package from a URL without a hash",
    severity=Severity.MEDIUM,
    category=Category.DEPENDENCY,
    help="The package is downloaded from a URL and nothing fixes its bytes, so the server decides what is installed.",
    remediation="Add the SHA-256 of the file you reviewed.",
    clause="dependencies.url-without-hash",
    cwe=("CWE-494",),
    atlas=_ATLAS,
    owasp=_OWASP,
)
OTHER_INDEX = Rule(
    id="MLG-DEP-080",
    title="Packages from an index that is not the public one",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="Every package, or these, come from a server other than the ecosystem's own index. That is how companies "
    "mirror it, and it is how a changed line hands all installs to somebody else; advisories are looked up by name as "
    "if the packages were the public ones.",
    remediation="Make sure that the server is yours or one that you trust, and keep hashes in the lockfile.",
    cwe=("CWE-829",),
    atlas=_ATLAS,
)
ANOTHER = Rule(
    id="MLG-DEP-081",
    title="Lockfile entry that downloads another package",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="The entry has one package's name and the address or file of another one's, or of another version. No tool "
    "writes such a lockfile: installers take the file, and reviewers and advisories go by the name.",
    remediation="Write the lockfile again from the manifest, and find out who changed the entry.",
    cwe=("CWE-345", "CWE-829"),
    atlas=_ATLAS,
    owasp=_OWASP,
)
SHARED_RULES = (MUTABLE_VCS, URL_WITHOUT_HASH, OTHER_INDEX, ANOTHER)


def read_bytes(artifact: Artifact, largest: int = LARGEST) -> bytes:
    """The whole manifest. Raises Incomplete("limit") above `largest` bytes."""
    if artifact.source.size > largest:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than a manifest has")
    return artifact.source.read_at(0, largest)


def read_text(artifact: Artifact) -> str:
    """The manifest as UTF-8 (with or without a byte order mark). Raises Incomplete when it is not."""
    try:
        return read_bytes(artifact).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Incomplete("malformed", "not UTF-8", offset=error.start) from None


def read_toml(artifact: Artifact) -> tuple[dict[str, Any], str]:
    """The parsed document and its text. Raises Incomplete on anything that is not TOML, nesting bombs included."""
    text = read_text(artifact)
    try:
        return tomllib.loads(text), text
    except ValueError as error:  # TOMLDecodeError is one, and a number of thousands of digits another
        raise Incomplete("malformed", f"not TOML: {error}") from None
    except RecursionError:
        raise Incomplete("limit", "nested too deep") from None


def read_json(artifact: Artifact) -> tuple[Any, str]:
    """The parsed document and its text. Duplicate keys are refused: tools differ on which one counts."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Incomplete("malformed", "a key stands twice in one object, and tools differ on which one counts")
        return found

    text = read_text(artifact)
    try:
        document = json.loads(text, object_pairs_hook=unique)
        if _HALF.search(text):
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Incomplete("malformed", "half of a surrogate pair is no text") from None
    except ValueError as error:
        raise Incomplete("malformed", f"not JSON: {error}") from None
    except RecursionError:
        raise Incomplete("limit", "nested too deep") from None
    return document, text


def table(value: Any) -> dict[str, Any]:
    """The value when it is a table with text keys, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    """The value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def word(value: Any) -> str:
    """The value when it is text, else nothing."""
    return value if isinstance(value, str) else ""


def declared(text: str) -> Hash | None:
    """`sha256:HEX`, `sha256=HEX` or `sha512-BASE64` (SRI) as a declared hash; None when it is neither."""
    match = re.fullmatch(r"(md5|sha1|sha256|sha384|sha512)[:=]([0-9a-fA-F]{32,128})", text)
    if match:
        return Hash(algorithm=_ALGORITHMS[match[1]], value=match[2].lower(), declared=True)
    sri = re.fullmatch(r"(sha1|sha256|sha384|sha512)-([A-Za-z0-9+/]{20,}={0,2})", text)
    if sri:
        import base64  # noqa: PLC0415
        import binascii  # noqa: PLC0415

        try:
            value = base64.b64decode(sri[2], validate=True).hex()
        except binascii.Error:
            return None
        return Hash(algorithm=_ALGORITHMS[sri[1]], value=value, declared=True)
    return None


def hashes(texts: Iterable[Any]) -> tuple[Hash, ...]:
    """The declared hashes among these texts, sorted, once each."""
    found = {parsed for text in texts if (parsed := declared(word(text)))}
    return tuple(sorted(found, key=lambda h: (h.algorithm, h.value)))


def pypi_identity(name: str) -> str:
    """The versionless purl of a PyPI name, normalised by PEP 503."""
    return f"pkg:pypi/{canonicalize_name(name)}"


def package(
    *,
    kind: str,
    name: str,
    version: str | None,
    location: Location,
    facts: PackageFacts,
    namespace: str | None = None,
    declared_hashes: tuple[Hash, ...] = (),
    licenses: tuple[str, ...] = (),
    symbol: str = "",
    properties: Pairs = (),
    more: Mapping[str, str] | None = None,
) -> Component:
    """A package component; `kind` is the purl type ("pypi", "npm", "maven"). Names are normalised by purl's rules.

    `more` are further qualifiers of the purl, by its type's definition.

    Raises Incomplete when the name is none.
    """
    shown = canonicalize_name(name) if kind == "pypi" else name
    qualifiers = {key: value for key, value in (more or {}).items() if value}
    if facts.origin == "vcs" and facts.url:
        qualifiers["vcs_url"] = facts.url
    elif facts.origin == "url" and facts.url:
        qualifiers["download_url"] = facts.url
    try:
        base = PackageURL(type=kind, namespace=namespace, name=shown)
        full = PackageURL(type=kind, namespace=namespace, name=shown, version=version, qualifiers=qualifiers or None)
    except ValueError:
        raise Incomplete("malformed", f"{name[:100]!r} at {location} is no package name") from None
    if not base.name:  # nothing but spaces
        raise Incomplete("malformed", f"{name[:100]!r} at {location} is no package name")
    return Component(
        kind=Kind.PACKAGE,
        identity=base.to_string(),
        name=f"{namespace}:{name}" if kind == "maven" else f"{namespace}/{name}" if namespace else shown,
        version=version,
        purl=full.to_string(),
        pinned=version is not None,
        hashes=declared_hashes,
        licenses=licenses,
        occurrences=(Occurrence(location=location, symbol=(symbol or facts.requirement)[:300]),),
        package=facts,
        properties=properties,
    )


def is_commit(revision: str | None) -> bool:
    """Whether a revision is a full commit hash, which nobody can move."""
    return bool(revision and _COMMIT.fullmatch(revision))


def vcs_revision(url: str) -> str | None:
    """The revision of a `git+https://host/repo@revision#...` URL, or None when it names none."""
    path = url.partition("#")[0].partition("://")[2].partition("/")[2]
    return path.rpartition("@")[2] if "@" in path else None


def vcs_finding(location: Location, name: str, url: str, revision: str | None) -> Finding:
    """What to say of code fetched at a revision that can move."""
    at = f"at {revision!r}" if revision else "at its default branch"
    base = url.partition("#")[0]
    if revision:
        base = base.removesuffix(f"@{revision}")
    return rules.finding(
        MUTABLE_VCS,
        location,
        f"{name or url} is taken from a repository {at}, which can move.",
        evidence=url[:300],
        subject=pypi_identity(name) if name else "",
        fix=f"{name + ' @ ' if name else ''}{base}@<40-hex commit>",
    )


class Lines:
    """Finds the lines of keys and values in a document whose parser gives no positions; exact or None."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._keys: dict[str, list[int]] = {}

    def find(self, *needles: str, after: int = 0) -> int | None:
        """The number of the first line from `after` (1-based, exclusive) that holds all needles."""
        for number in range(after, len(self._lines)):
            if all(needle in self._lines[number] for needle in needles):
                return number + 1
        return None

    def key(self, name: str, after: int = 0) -> int | None:
        """The number of the first line from `after` that assigns something to a key, by TOML's spellings."""
        if not self._keys:
            for number, line in enumerate(self._lines, 1):
                found = _KEY.match(line)
                if found:
                    self._keys.setdefault(found[1] or found[2] or found[3], []).append(number)
        numbers = self._keys.get(name, [])
        place = bisect.bisect_right(numbers, after)
        return numbers[place] if place < len(numbers) else None

    def tables(self, header: str, count: int) -> list[int | None]:
        """The lines of the `count` TOML tables under `[[header]]`; unknown when the text has another number of them."""
        found: list[int | None] = [n for n, line in enumerate(self._lines, 1) if line.strip() == f"[[{header}]]"]
        return found if len(found) == count else [None] * count
