"""Packages of ecosystems other than Python's: their purls, where their lockfiles say they come from, shared findings.

Names follow the type definitions of the purl specification (github.com/package-url/purl-spec, `types/`) and the
ecosystem names of OSV's schema.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from packageurl import PackageURL

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import MUTABLE_VCS, SHARED_RULES, URL_WITHOUT_HASH, is_commit, package
from mlgate.manifests._downloads import another, elsewhere, is_npm
from mlgate.records import (
    Artifact,
    Category,
    Component,
    Finding,
    Hash,
    Location,
    Observation,
    PackageFacts,
    Pairs,
    Relation,
    Rule,
    Severity,
)

MOST = 200_000  # packages of one file; the largest real lockfiles name some ten thousand
_LONGEST = 500
_GIT = re.compile(r"(git\+|git:|git@|ssh:|github:|gitlab:|bitbucket:|gist:)|https?://[^#?]*\.git(?:[#?/]|$)")
_HOSTED = re.compile(r"https://(?:codeload\.github\.com/[^/]+/[^/]+/(?:legacy\.)?(?:tar\.gz|zip)|api\.github\.com)/")
_LOCAL = ("file:", "link:", "portal:", "workspace:", "path:", "./", "../", "/")

INSECURE_LOCKED = Rule(
    id="MLG-DEP-030",
    title="Locked packages over a connection that is not verified",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="The lockfile says to download packages over plain http, so whoever is on the network path decides what is "
    "installed wherever no hash is compared.",
    remediation="Set the registry to its https address and write the lockfile again.",
    clause="dependencies.insecure-index",
    cwe=("CWE-319",),
)
UNHASHED_LOCKED = Rule(
    id="MLG-DEP-031",
    title="Locked packages without a hash",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="The lockfile's format has a place for each package's hash, and it is empty. The installer then takes "
    "whatever bytes the server sends; a hash that was taken out is also how a swapped download stays unseen.",
    remediation="Write the lockfile again with a current version of the tool, and look at why the hash was missing.",
    clause="dependencies.unhashed",
    cwe=("CWE-494",),
)
UNLOCKED = Rule(
    id="MLG-DEP-032",
    title="Version ranges and no lockfile",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="The manifest gives ranges, and no lockfile beside it or above it says which versions they stand for. What "
    "gets installed changes with every release, and no advisory could be asked about it.",
    remediation="Commit the lockfile that the tool writes.",
    clause="dependencies.unpinned",
    cwe=("CWE-1357",),
)
DYNAMIC = Rule(
    id="MLG-DEP-033",
    title="Dependencies that only the build's own run would tell",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="The file is a program or uses variables where dependencies stand. mlgate runs nothing that it looks at, so "
    "these dependencies are not in the ML-BOM and were compared with no advisory.",
    remediation="Commit what the tool resolved: a lockfile, a version catalogue, or a CycloneDX BOM made by the build.",
    clause="dependencies.unread-manifest",
    cwe=("CWE-693",),
)
RULES = (INSECURE_LOCKED, UNHASHED_LOCKED, *SHARED_RULES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ecosystem:
    """OSV's name, purl's type, and the hosts of the public registry and its own mirrors."""

    name: str
    kind: str
    hosts: frozenset[str] = frozenset()
    separator: str = "/"
    lower: bool = False


NPM = Ecosystem(name="npm", kind="npm", hosts=frozenset({"registry.npmjs.org", "registry.yarnpkg.com"}))
MAVEN = Ecosystem(
    name="Maven", kind="maven", separator=":", hosts=frozenset({"repo.maven.apache.org", "repo1.maven.org"})
)
GO = Ecosystem(name="Go", kind="golang", lower=True)
CARGO = Ecosystem(name="crates.io", kind="cargo", hosts=frozenset({"crates.io", "index.crates.io", "static.crates.io"}))
GEM = Ecosystem(name="RubyGems", kind="gem", separator="", hosts=frozenset({"rubygems.org", "index.rubygems.org"}))
COMPOSER = Ecosystem(
    name="Packagist",
    kind="composer",
    lower=True,
    hosts=frozenset({"packagist.org", "repo.packagist.org", "api.github.com", "codeload.github.com"}),
)
NUGET = Ecosystem(name="NuGet", kind="nuget", separator="", hosts=frozenset({"api.nuget.org", "www.nuget.org"}))
BIOCONDUCTOR = Ecosystem(name="Bioconductor", kind="bioconductor", separator="")
CRAN = Ecosystem(
    name="CRAN",
    kind="cran",
    separator="",
    hosts=frozenset({"cran.r-project.org", "cloud.r-project.org", "cran.rstudio.com", "packagemanager.posit.co"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One package in the terms of any of these files.

    `origin` is registry, vcs, url or path, `commit` what fixes a vcs one. `needs` are names of the same ecosystem, or
    identities. `ecosystem` is another one than the file's.
    `several` says that the file locks more than one version of the name, so that an edge has to say which it leaves.
    `address` is where the file says that a registry's package is downloaded.
    `bare` says that the format has a place for a hash and it is empty, `insecure` that it comes over plain http.
    """

    name: str
    location: Location
    version: str | None = None
    requirement: str = ""
    specifier: str = ""
    direct: bool = False
    scope: str = "runtime"
    group: str = ""
    marker: str = ""
    origin: str = "registry"
    url: str = ""
    commit: str = ""
    index: str = ""
    hashes: tuple[Hash, ...] = ()
    needs: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    several: bool = False
    qualifiers: Pairs = ()
    properties: Pairs = ()
    bare: bool = False
    insecure: bool = False
    ecosystem: Ecosystem | None = None
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a resolved address says that a package comes from."""

    origin: str = "registry"
    url: str = ""
    commit: str = ""
    index: str = ""
    insecure: bool = False


def split(ecosystem: Ecosystem, name: str) -> tuple[str | None, str]:
    """Namespace and name for a purl: the last part is the name (npm scopes, Go paths, Composer vendors)."""
    text = name.lower() if ecosystem.lower else name
    if not ecosystem.separator:
        return None, text
    namespace, _, last = text.rpartition(ecosystem.separator)
    return namespace or None, last


@functools.lru_cache(maxsize=20_000)
def identity(ecosystem: Ecosystem, name: str) -> str:
    """The versionless purl. Raises Incomplete when the name is none."""
    namespace, last = split(ecosystem, name)
    try:
        return PackageURL(type=ecosystem.kind, namespace=namespace, name=last).to_string()
    except ValueError:
        raise Incomplete("malformed", f"{name[:100]!r} is no package name") from None


def without_login(url: str) -> str:
    """The URL without user and password, which reports must not repeat (`git@` of an ssh address says nothing)."""
    return re.sub(r"(?<=://)(?!git@)[^/@\s?#]*@", "", url)


def origin(ecosystem: Ecosystem, resolved: str, tarball: str = "") -> Origin:
    """What an address in a lockfile says. `tarball` is the part of it from which on every registry is laid out alike
    (npm's `/-/`): with it, another host is another registry, without it a download from somewhere.
    """
    text = without_login(resolved.strip())[:2000]
    if not text or text.startswith(_LOCAL):
        return Origin(origin="path", url="") if text else Origin()
    insecure = text.startswith("http://") or "+http://" in text[:12]
    if _GIT.match(text) or _HOSTED.match(text):
        _, _, fragment = text.partition("#")
        revision = next((part for part in fragment.split("&") if part.startswith("commit=")), fragment)
        revision = revision.removeprefix("commit=") or text.rpartition("/")[2]
        return Origin(origin="vcs", url=text, commit=revision if is_commit(revision) else fragment, insecure=insecure)
    if "://" not in text:
        return Origin()  # the name of a file in a mirror of the registry
    try:
        parts = urlsplit(text)
    except ValueError:  # brackets of an address that is none
        return Origin(origin="url", url=text, insecure=insecure)
    if (parts.hostname or "") in ecosystem.hosts:
        return Origin(insecure=insecure)
    if tarball and tarball in parts.path:
        index = f"{parts.scheme}://{parts.netloc}{parts.path.partition(tarball)[0].rpartition('/')[0]}"
        return Origin(index=index[:300], insecure=insecure)
    return Origin(origin="url", url=text, insecure=insecure)


def component(ecosystem: Ecosystem, entry: Entry) -> Component:
    """The component of an entry. Raises Incomplete when its name is none."""
    if not entry.name or len(entry.name) > _LONGEST:
        raise Incomplete("malformed", f"a package without a usable name at {entry.location}")
    namespace, last = split(ecosystem, entry.name)
    version = entry.version[:200] if entry.version else None
    made = package(
        kind=ecosystem.kind,
        name=last,
        namespace=namespace,
        version=version,
        location=entry.location,
        facts=PackageFacts(
            ecosystem=ecosystem.name,
            requirement=(entry.requirement or f"{entry.name}@{version or entry.specifier}".rstrip("@"))[:300],
            specifier=(entry.specifier or version or "")[:200],
            direct=entry.direct,
            scope=entry.scope,
            group=entry.group[:200],
            marker=entry.marker[:300],
            index=entry.index[:300],
            origin=entry.origin,
            url=entry.url[:2000],
        ),
        declared_hashes=entry.hashes,
        licenses=entry.licenses,
        properties=entry.properties,
    )
    if entry.qualifiers:
        named, whole = PackageURL.from_string(made.identity), PackageURL.from_string(made.purl or made.identity)
        both = {**dict(whole.qualifiers), **dict(entry.qualifiers)}
        made = dataclasses.replace(
            made,
            identity=named._replace(qualifiers=dict(entry.qualifiers)).to_string(),
            purl=whole._replace(qualifiers=both).to_string(),
        )
    return dataclasses.replace(made, name=entry.name)


def observations(ecosystem: Ecosystem, artifact: Artifact, entries: Iterable[Entry]) -> Iterator[Observation]:
    """Components, edges, and what to say of their sources: one finding a file for all that lack a hash or use http."""
    bare: list[Entry] = []
    insecure: list[Entry] = []
    seen: list[tuple[str, str, Location]] = []
    count = 0
    stopped: Incomplete | None = None
    try:
        for entry in entries:
            count += 1
            _allow(count)
            own = entry.ecosystem or ecosystem
            yield component(own, entry)
            yield from _source(own, entry)
            seen.append((entry.name, entry.index if entry.origin == "registry" else "", entry.location))
            for needed in dict.fromkeys(entry.needs):
                target = needed if needed.startswith("pkg:") else identity(own, needed)
                source = identity(own, entry.name)
                yield Relation(source=f"{source}@{entry.version}" if entry.several else source, target=target)
            if entry.insecure:
                insecure.append(entry)
            if entry.bare and entry.origin == "registry":
                bare.append(entry)
    except Incomplete as stop:  # what was met before is told as well
        stopped = stop
    told = (
        (INSECURE_LOCKED, insecure, "are downloaded over plain http"),
        (UNHASHED_LOCKED, bare, "have no hash"),
    )
    for rule, found, what in told:
        if found:
            names = ", ".join(entry.name for entry in found[:3]) + (", ..." if len(found) > 3 else "")
            message = f"{len(found)} of {count} locked packages {what}: {names}."
            yield rules.finding(rule, found[0].location, message, evidence=f"{artifact.name}: {names}"[:300])
    yield from elsewhere(artifact, seen)
    if stopped:
        raise stopped


def _allow(count: int) -> None:
    if count > MOST:
        raise Incomplete("limit", f"more than {MOST:,} packages in one file")


def _source(ecosystem: Ecosystem, entry: Entry) -> Iterator[Finding]:
    subject = identity(ecosystem, entry.name)
    if ecosystem is NPM and entry.origin == "registry" and not is_npm(entry.name, entry.version, entry.address):
        yield another(entry.location, entry.name, entry.address, subject)
    if entry.origin == "vcs" and not is_commit(entry.commit):
        at = f"at {entry.commit[:100]!r}" if entry.commit else "at its default branch"
        message = f"{entry.name} is taken from a repository {at}, which can move."
        yield rules.finding(MUTABLE_VCS, entry.location, message, evidence=entry.url[:300], subject=subject)
    elif entry.origin == "url" and not entry.hashes:
        message = f"{entry.name} is downloaded from a URL and nothing fixes its bytes."
        yield rules.finding(URL_WITHOUT_HASH, entry.location, message, evidence=entry.url[:300], subject=subject)


def unlocked(ecosystem: Ecosystem, entries: Iterable[Entry]) -> Iterator[Finding]:
    """One finding for the entries of a manifest that give no exact version; what a lockfile settles is taken out."""
    loose = [entry for entry in entries if entry.version is None and entry.origin == "registry"]
    if loose:
        names = ", ".join(entry.name for entry in loose[:3]) + (", ..." if len(loose) > 3 else "")
        message = f"{len(loose)} {ecosystem.name} dependencies have a range and no exact version: {names}."
        yield rules.finding(UNLOCKED, loose[0].location, message, evidence=(loose[0].requirement or names)[:300])
