"""Committed JAR, WAR and EAR files: which Maven packages are in them, shaded ones included.

Source: the JAR File Specification, Maven Archiver's pom.properties; CVE-2021-44228 for what JndiLookup is.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors import _javafiles, _packages
from mlgate.inspectors._javafiles import Named
from mlgate.inspectors._model_metadata import shown
from mlgate.inspectors._zipdir import Member, read_directory
from mlgate.inspectors._zipwalk import Walk
from mlgate.records import (
    Artifact,
    Category,
    Component,
    Finding,
    Inspector,
    Location,
    Observation,
    PackageFacts,
    Relation,
    Rule,
    Severity,
    Source,
)

_ENDINGS = (".jar", ".war", ".ear")
_POM = re.compile(r"(?:.*/)?META-INF/maven/(?P<group>[^/]+)/(?P<name>[^/]+)/pom\.properties")
_JNDI = re.compile(r"(?:.*/)?core/lookup/JndiLookup\.class")
_PLAIN = re.compile(r".*-(sources|javadoc|test-sources)\.jar", re.IGNORECASE)
_MANIFEST = "META-INF/MANIFEST.MF"
_MOST = 5000  # packages of one archive; the largest shaded JARs have some hundred
_PROPERTIES, _HEADER = 1 << 16, 1 << 20
_LEVELS = 12

UNNAMED = Rule(
    id="MLG-DEP-045",
    title="Java archive that no advisory can be looked up for",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="Neither Maven's properties nor the manifest nor the file's name tell group, name and version of this "
    "archive, so it was compared with no advisory.",
    remediation="Take the archive from Maven Central as it is published there, or declare it in a manifest "
    "(pom.xml) instead of committing it.",
    cwe=("CWE-1357",),
)
JNDI = Rule(
    id="MLG-DEP-046",
    title="Log4j's JNDI lookup in an archive that does not tell Log4j's version",
    severity=Severity.MEDIUM,
    category=Category.DEPENDENCY,
    help="The class that Log4Shell (CVE-2021-44228) is about is here, perhaps under another package name, and nothing "
    "says which release of log4j-core it comes from. This is for review: the releases that are not vulnerable, 2.17 "
    "and later, have the class too.",
    remediation="Find out the release, and take 2.17.1 or later. Where the version cannot be told, remove the class "
    "from the archive, or replace the archive by its published one.",
    cwe=("CWE-1395", "CWE-917"),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)


@dataclass(slots=True)
class _Held:
    """The packages that an archive names."""

    poms: list[tuple[Named, Location]] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)


def _claims(artifact: Artifact) -> bool:
    if artifact.depth == 0 and _JNDI.fullmatch(artifact.path):
        return True
    name = artifact.name.lower()
    if name.endswith(_ENDINGS):
        return "zip" in artifact.formats or (name.endswith(".jar") and artifact.source.size > 0)
    return "zip" in artifact.formats and not name.endswith(".whl") and _is_built_like_one(artifact.source)


def _is_built_like_one(source: Source) -> bool:
    """Whether an archive under another name has a JAR's manifest, and classes or Maven's properties."""
    try:
        names = [member.name for member in read_directory(source).members]
    except Incomplete:
        return False
    return _MANIFEST in names and any(name.endswith(".class") or _POM.fullmatch(name) for name in names)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if _JNDI.fullmatch(artifact.path) and artifact.depth == 0:
        yield _review(artifact.at(), artifact.path)
        return
    walk = Walk(artifact)
    files = [member for member in walk.directory.members if not member.directory]
    classes = [member.name for member in files if member.name.endswith(".class")]
    if _PLAIN.fullmatch(artifact.name) and not classes:
        return  # source text and documentation run nowhere
    held = _Held()
    stopped: Incomplete | None = None
    try:
        _read_poms(walk, files, held)
    except Incomplete as stop:
        stopped = stop
    yield from _packages_of(artifact, walk, files, classes, held)
    known = {c.name for c in held.components}
    if "org.apache.logging.log4j:log4j-core" not in {c.name for c in held.components if c.version}:
        lookup = next((name for name in classes if _JNDI.fullmatch(name)), "")
        if lookup:
            yield _review(artifact.at(), lookup)
    if not known and classes and not any(member.name.lower().endswith(_ENDINGS) for member in files):
        message = f"What {shown(artifact.name, 200)!r} is cannot be told in Maven's terms."
        yield rules.finding(UNNAMED, artifact.at(), message, evidence=shown(artifact.name, 200))
    if stopped is not None:
        raise stopped
    walk.finish()


def _review(location: Location, name: str) -> Finding:
    message = f"{shown(name, 300)!r} is Log4j's JNDI lookup, and nothing tells which release of log4j-core it is."
    return rules.finding(JNDI, location, message, evidence=shown(name, 300))


def _read_poms(walk: Walk, files: list[Member], held: _Held) -> None:
    """Raises Incomplete (limit, malformed) after the last one that could be read."""
    stopped: Incomplete | None = None
    seen: set[tuple[Named, str]] = set()
    for member in files:
        path = _POM.fullmatch(member.name)
        if path is None:
            continue
        if len(held.poms) >= _MOST:
            raise Incomplete("limit", f"more than {_MOST:,} packages in one archive")
        for inner in walk.open(member):
            if not isinstance(inner, Artifact):
                continue
            try:
                told = _javafiles.properties(_packages.bounded(inner, _PROPERTIES))
            except Incomplete as stop:
                stopped = stop
                continue
            named = _javafiles.from_properties(told, path["group"], path["name"])
            if named is None:
                stopped = Incomplete("malformed", f"{shown(member.name, 200)!r} names no package")
            elif (named, member.name) not in seen:
                seen.add((named, member.name))
                held.poms.append((named, inner.at()))
    if stopped is not None:
        raise stopped


def _packages_of(
    artifact: Artifact, walk: Walk, files: list[Member], classes: list[str], held: _Held
) -> Iterator[Observation]:
    """The archive's own package, those shaded into it, and that it needs them."""
    main = _main(artifact.name, held.poms)
    by_file = _javafiles.from_file(artifact.name)
    own: Component | None = None
    if main is not None:
        named, place = main
        if by_file and by_file.name == named.name and named.version and not _fits(by_file.version, named.version):
            yield _packages.contradiction(place, artifact.name, f"{named.group}:{named.name} {named.version}")
        own = _component(artifact, named, place, whole=True)
    elif classes:
        folders = frozenset(_folders(classes))
        told = _manifest(walk, files)
        found = _javafiles.from_manifest(told, artifact.name, folders)
        if other := _javafiles.disagreement(told, artifact.name):
            # builds write all sorts of versions into manifests, so that this is less than Maven's own word
            said = _packages.contradiction(artifact.at(), artifact.name, f"Implementation-Version {other}")
            yield dataclasses.replace(said, severity=Severity.LOW)
        if found is not None and (found.version or found.group):
            own = _component(artifact, found, artifact.at(), whole=True)
            if not found.group and not held.poms:
                message = f"Nothing tells the Maven group of {shown(found.name, 200)!r}, so no advisory was looked up."
                yield rules.finding(UNNAMED, artifact.at(), message, evidence=shown(artifact.name, 200))
    if own is not None:
        held.components.append(own)
        yield own
    for named, place in held.poms:
        if main is None or (named, place) != main:
            inner = _component(artifact, named, place, whole=False)
            held.components.append(inner)
            yield inner
            if own is not None and own.identity != inner.identity:
                yield Relation(source=own.identity, target=inner.identity)


def _fits(file: str, stated: str) -> bool:
    """Whether a file's version is the stated one, perhaps with a classifier behind it or a timestamp for SNAPSHOT."""
    plain = stated.removesuffix("-SNAPSHOT")
    return file == stated or file.startswith((f"{stated}-", f"{stated}.", f"{plain}-"))


def _main(file: str, poms: list[tuple[Named, Location]]) -> tuple[Named, Location] | None:
    """The properties that speak of the archive as a whole: those its name begins with, or the only ones."""
    stem = file.rpartition(".")[0]
    fitting = [pom for pom in poms if stem == pom[0].name or stem.startswith(f"{pom[0].name}-")]
    if fitting:
        return max(fitting, key=lambda pom: (len(pom[0].name), bool(pom[0].version)))
    return poms[0] if len(poms) == 1 and _javafiles.from_file(file) is None else None


def _folders(classes: list[str]) -> Iterator[str]:
    for folder in {name.rpartition("/")[0] for name in classes}:
        parts = folder.split("/")[:_LEVELS]
        yield from ("/".join(parts[:level]) + "/" for level in range(1, len(parts) + 1))


def _manifest(walk: Walk, files: list[Member]) -> dict[str, str]:
    for member in files:
        if member.name.upper() == _MANIFEST:
            for inner in walk.open(member):
                if isinstance(inner, Artifact):  # the sections behind the first are about single members
                    return _javafiles.manifest(inner.source.read_at(0, _HEADER))
    return {}


def _component(artifact: Artifact, named: Named, place: Location, *, whole: bool) -> Component:
    coordinates = ":".join(part for part in (named.group, named.name, named.version) if part)
    return _packages.package(
        kind="maven" if named.group else "generic",
        group=named.group,
        name=named.name,
        version=named.version or None,
        location=place,
        facts=PackageFacts(
            ecosystem="Maven",
            requirement=coordinates[:300],
            specifier=named.version,
            origin="registry" if named.group else "path",
        ),
        hashes=(_packages.digest(artifact.source),) if whole else (),
        properties=((_packages.BASIS, named.basis),),
    )


INSPECTOR = Inspector(
    name="jars",
    claims=_claims,
    inspect=_inspect,
    rules=(UNNAMED, JNDI, _packages.CONTRADICTION),
    suffixes=_ENDINGS,
    reads="JAR, WAR and EAR files by name or structure, at any depth (`BOOT-INF/lib`, `WEB-INF/lib`): every "
    "`pom.properties`, so that all packages of a shaded JAR are found; else the manifest, and the file's name. What "
    "told the package is stated with it (`identified-by`). Log4j's JndiLookup without a version of log4j-core, also "
    "under another package name, is told for review.",
    misses="Packages shaded without their `pom.properties` (but Log4j's), and the group of archives that neither "
    "Maven's properties nor an OSGi manifest tell; the latter is said. What a pom.xml in an archive declares is not "
    "read.",
)
