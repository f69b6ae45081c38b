"""pip requirements and constraints files (pip 25 documentation, "Requirements File Format")."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import (
    SHARED_RULES,
    URL_WITHOUT_HASH,
    hashes,
    is_commit,
    package,
    pypi_identity,
    read_bytes,
    vcs_finding,
    vcs_revision,
)
from mlgate.records import (
    Artifact,
    Category,
    Component,
    Finding,
    Include,
    Inspector,
    Location,
    Observation,
    PackageFacts,
    Rule,
    Severity,
)

_NAME = re.compile(r"(.*[-_.])?(requirements?|constraints?)([-_.].*)?\.(txt|in|pip)", re.IGNORECASE)
_MOST_LINES = 100_000

EXTRA_INDEX = Rule(
    id="MLG-DEP-010",
    title="Second package index without hashes",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="pip asks all indexes and takes the highest version from any of them. Whoever registers one of these names on "
    "the public index decides what is installed: PyTorch's nightly build was hit so in December 2022 (torchtriton).",
    remediation="Give every requirement of the file a hash, or use one index that proxies the other, or a tool with "
    "per-package indexes (uv's `[tool.uv.sources]` with `explicit = true`).",
    clause="dependencies.extra-index-url",
    cwe=("CWE-427", "CWE-829"),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)
UNPINNED = Rule(
    id="MLG-DEP-011",
    title="Requirement without an exact version",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="What gets installed changes with every release of the package, the next malicious one included.",
    remediation="Pin it with `==`, or compile the file with hashes (`uv pip compile --generate-hashes`).",
    clause="dependencies.unpinned",
    cwe=("CWE-1357",),
)
UNHASHED = Rule(
    id="MLG-DEP-012",
    title="Pinned requirements without hashes",
    severity=Severity.INFO,
    category=Category.DEPENDENCY,
    help="A version is a name on an index; a hash fixes the bytes.",
    remediation="Compile the file with hashes: `uv pip compile --generate-hashes`, or `pip-compile --generate-hashes`.",
    clause="dependencies.unhashed",
    cwe=("CWE-494",),
)
INSECURE_INDEX = Rule(
    id="MLG-DEP-014",
    title="Packages over a connection that is not verified",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="With an `http://` index or `--trusted-host`, whoever is on the network path decides what is installed.",
    remediation="Use https with a certificate that the machines trust.",
    clause="dependencies.insecure-index",
    cwe=("CWE-319", "CWE-295"),
)
OUTSIDE = Rule(
    id="MLG-DEP-016",
    title="Requirements from outside the repository",
    severity=Severity.MEDIUM,
    category=Category.DEPENDENCY,
    help="The file includes another one that is not in the repository, so part of what is installed is neither "
    "reviewed nor seen here.",
    remediation="Copy the included file into the repository.",
    clause="dependencies.outside-include",
    cwe=("CWE-829",),
)


def _claims(artifact: Artifact) -> bool:
    if artifact.depth:
        return False
    path = PurePosixPath(artifact.path)
    in_folder = path.suffix in {".txt", ".in"} and path.parent.name.lower() in {"requirements", "constraints"}
    return bool(_NAME.fullmatch(artifact.name)) or in_folder


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    import pip_requirements_parser as pip  # noqa: PLC0415  (start-up)

    try:
        text = pip.auto_decode(read_bytes(artifact))
    except (UnicodeError, LookupError) as error:  # a coding line can name what Python does not know
        raise Incomplete("malformed", f"not text: {type(error).__name__}") from None
    scope = "constraint" if "constraint" in artifact.name.lower() else "runtime"
    parse_line = pip.get_line_parser()
    packages: list[Component] = []
    options: list[tuple[Location, dict[str, Any]]] = []
    broken: list[tuple[int, str]] = []
    for count, numbered in enumerate(pip.preprocess(text)):
        number, line = numbered
        if isinstance(numbered, pip.CommentLine) or not line.strip():
            continue
        if count > _MOST_LINES:
            raise Incomplete("limit", f"more than {_MOST_LINES:,} lines")
        where = artifact.at(line=number)
        try:
            name, values, extra = parse_line(line)
            requirement_line = pip.RequirementLine(line=line, line_number=number, filename=artifact.path)
            parsed = pip.ParsedLine(requirement_line, name, values, scope == "constraint", extra)
            for item in pip.handle_line(parsed):
                if isinstance(item, pip.OptionLine):
                    options.append((where, item.options))
                elif isinstance(item, pip.InvalidRequirementLine):
                    broken.append((number, item.error_message))
                elif _is_local(item):
                    continue  # the repository's own package or file, which is looked at by itself
                else:
                    component, findings = _requirement(pip.build_req_from_parsedreq(item), where, line, scope)
                    yield from findings
                    if component:
                        packages.append(component)
        except Exception as error:  # noqa: BLE001  (the library raises what it likes on a bad line; the line is told below)
            broken.append((number, f"{type(error).__name__}: {error}"))
    yield from packages
    yield from _options(artifact, options, packages)
    yield from _hygiene(artifact, packages, scope)
    if broken:
        number, reason = broken[0]
        shown = ", ".join(str(n) for n, _ in broken[:10])
        raise Incomplete("malformed", f"pip would not take line {shown}: {reason[:200]}")


def _is_local(item: Any) -> bool:
    text = item.requirement_string
    return "://" not in text and (item.is_editable or text.startswith(("./", "../", "/")))


def _requirement(item: Any, where: Location, line: str, scope: str) -> tuple[Component | None, list[Finding]]:
    name: str = item.name or ""
    url = item.link.url if item.link else ""
    if not name and url and not item.link.is_vcs and "://" not in url:
        return None, []  # a local path: its own manifest is in the tree
    if not name and url:
        name = _name_in_url(url)
    version = item.get_pinned_version or None
    if version and "*" in version:
        version = None
    fixed = hashes(item.hash_options)
    findings: list[Finding] = []
    origin = "registry"
    if url.startswith("file:"):
        origin = "path"
    elif url and item.link.is_vcs:
        origin = "vcs"
        revision = vcs_revision(url)
        version = revision if is_commit(revision) else None
        if version is None:
            findings.append(vcs_finding(where, name, url, revision))
    elif url:
        origin = "url"
        fixed = fixed or hashes([f"{item.link.hash_name}:{item.link.hash}"] if item.link.has_hash else [])
        if not fixed:
            findings.append(
                rules.finding(
                    URL_WITHOUT_HASH,
                    where,
                    f"{name} is downloaded from a URL and nothing fixes its bytes.",
                    evidence=url[:300],
                    subject=pypi_identity(name),
                    fix=f"{name} @ {url.partition('#')[0]}#sha256=<hash>",
                )
            )
    facts = PackageFacts(
        ecosystem="PyPI",
        requirement=line.strip()[:300],
        specifier=str(item.specifier or ""),
        scope=scope,
        marker=str(item.marker or "")[:300],
        origin=origin,
        url=url[:2000],
    )
    component = package(kind="pypi", name=name, version=version, location=where, facts=facts, declared_hashes=fixed)
    return component, findings


def _name_in_url(url: str) -> str:
    """The project that a nameless URL installs, as far as its file name tells (PEP 427, PEP 625)."""
    from packaging.utils import (  # noqa: PLC0415
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    last = PurePosixPath(url.partition("#")[0]).name
    try:
        return parse_wheel_filename(last)[0] if last.endswith(".whl") else parse_sdist_filename(last)[0]
    except (InvalidSdistFilename, InvalidWheelFilename):
        return last.removesuffix(".git").partition("@")[0] or url


def _options(
    artifact: Artifact, options: list[tuple[Location, dict[str, Any]]], packages: list[Component]
) -> Iterator[Observation]:
    hashed = bool(packages) and all(component.hashes for component in packages)
    for where, values in options:
        for key in ("requirements", "constraints"):
            for target in values.get(key, ()):
                yield from _include(artifact, where, target)
        for key, flag in (("extra_index_urls", "--extra-index-url"), ("find_links", "--find-links")):
            for url in values.get(key, ()):
                if not hashed and (key == "extra_index_urls" or "://" in url):
                    yield rules.finding(
                        EXTRA_INDEX,
                        where,
                        f"{flag} adds a second source for every package of this file, and not all of them have hashes.",
                        evidence=f"{flag} {_without_login(url)[:200]}",
                        fix="uv pip compile --generate-hashes requirements.in -o requirements.txt",
                    )
        yield from _insecure(where, values)


def _insecure(where: Location, values: dict[str, Any]) -> Iterator[Finding]:
    urls = [values.get("index_url") or "", *values.get("extra_index_urls", ()), *values.get("find_links", ())]
    for url in urls:
        if url.lower().startswith("http://"):
            message = "Packages come over plain http, so the network path decides what is installed."
            fix = "https" + _without_login(url)[4:]
            yield rules.finding(INSECURE_INDEX, where, message, evidence=_without_login(url)[:200], fix=fix)
    for host in values.get("trusted_hosts", ()):
        message = f"--trusted-host switches certificate checks off for {host[:100]}."
        yield rules.finding(INSECURE_INDEX, where, message, evidence=f"--trusted-host {host[:200]}")


def _include(artifact: Artifact, where: Location, target: str) -> Iterator[Observation]:
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(artifact.path), target))
    if "://" in target or joined.startswith(("../", "/")) or joined == "..":
        message = "The file includes requirements that are not in the repository, so they were not read."
        yield rules.finding(OUTSIDE, where, message, evidence=_without_login(target)[:200])
    else:
        yield Include(path=joined, reader="requirements", location=where)


def _hygiene(artifact: Artifact, packages: list[Component], scope: str) -> Iterator[Finding]:
    if scope == "constraint":
        return
    registry = [component for component in packages if component.package and component.package.origin == "registry"]
    for component in registry:
        if component.version is None:
            yield rules.finding(
                UNPINNED,
                component.occurrences[0].location,
                f"{component.name} has no exact version.",
                evidence=component.occurrences[0].symbol,
                subject=component.identity,
                fix=f"{component.name}==<version>",
            )
    bare = [component for component in registry if component.version and not component.hashes]
    if bare:
        message = f"{len(bare)} of {len(registry)} pinned requirements have no hash."
        yield rules.finding(UNHASHED, artifact.at(line=bare[0].occurrences[0].location.line), message)


def _without_login(url: str) -> str:
    """The URL without user and password, which reports must not repeat."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", url)


INSPECTOR = Inspector(
    name="requirements",
    claims=_claims,
    inspect=_inspect,
    rules=(EXTRA_INDEX, UNPINNED, UNHASHED, INSECURE_INDEX, OUTSIDE, *SHARED_RULES),
)
