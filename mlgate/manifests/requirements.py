"""pip requirements and constraints files (pip 25 documentation, "Requirements File Format")."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterable, Iterator
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
from mlgate.manifests._conda_list import is_conda_list
from mlgate.manifests._declared import other_index, without_login
from mlgate.manifests._pip_lines import line_parser, split
from mlgate.manifests._rules import EXTRA_INDEX, INSECURE_INDEX, LOCAL, OUTSIDE, UNHASHED, UNPINNED
from mlgate.records import (
    Artifact,
    Component,
    Finding,
    Include,
    Inspector,
    Location,
    Observation,
    PackageFacts,
)

_NAME = re.compile(r"(.*[-_.])?(requirements?|constraints?)([-_.].*)?\.(txt|in|pip)", re.IGNORECASE)


def _claims(artifact: Artifact) -> bool:
    if artifact.depth or is_conda_list(artifact.head):
        return False  # conda's lists go by the same names
    path = PurePosixPath(artifact.path)
    folders = {path.parent.name.lower(), path.parent.parent.name.lower()}  # requirements/pytorch/base.txt
    in_folder = path.suffix in {".txt", ".in"} and bool(folders & {"requirements", "constraints"})
    return bool(_NAME.fullmatch(artifact.name)) or in_folder


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    import pip_requirements_parser as pip  # noqa: PLC0415  (start-up)

    try:
        text = pip.auto_decode(read_bytes(artifact))
    except (UnicodeError, LookupError) as error:  # a coding line can name what Python does not know
        raise Incomplete("malformed", f"not text: {type(error).__name__}") from None
    scope = "constraint" if "constraint" in artifact.name.lower() else "runtime"
    yield from read_lines(artifact, split(text), scope=scope)


def read_lines(
    artifact: Artifact, numbered: Iterable[tuple[int, str]], *, scope: str, group: str = ""
) -> Iterator[Observation]:
    """What the lines of a requirements file say, wherever they stand: each is a component, an option or told.

    Raises Incomplete("malformed") after all others were read when pip would not take a line.
    """
    import pip_requirements_parser as pip  # noqa: PLC0415  (start-up)

    parse_line = line_parser()
    packages: list[Component] = []
    options: list[tuple[Location, dict[str, Any]]] = []
    broken: list[tuple[int, str]] = []
    local: list[tuple[int, str]] = []
    for number, line in numbered:
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
                else:
                    given = None if _is_local(item) else pip.build_req_from_parsedreq(item)
                    component, findings = _requirement(given, where, line, scope, group) if given else (None, [])
                    yield from findings
                    if component:
                        packages.append(component)
                    else:
                        local.append((number, item.requirement_string))
        except Exception as error:  # noqa: BLE001  (the library raises what it likes on a bad line; the line is told below)
            broken.append((number, f"{type(error).__name__}: {error}"))
    yield from _with_index(packages, options)
    yield from _local(artifact, local)
    yield from _options(artifact, options, packages)
    yield from _hygiene(artifact, packages, scope)
    if broken:
        number, reason = broken[0]
        shown = ", ".join(str(n) for n, _ in broken[:10])
        raise Incomplete("malformed", f"pip would not take line {shown}: {reason[:200]}")


def _with_index(packages: list[Component], options: list[tuple[Location, dict[str, Any]]]) -> Iterator[Component]:
    """The packages with the index they come from, where the file leaves no choice of several."""
    indexes = [values["index_url"] for _, values in options if values.get("index_url")]
    several = any(values.get("extra_index_urls") for _, values in options)
    index = without_login(indexes[-1])[:300] if indexes and not several else ""
    for component in packages:
        facts = component.package
        if index and facts and facts.origin == "registry":
            yield dataclasses.replace(component, package=dataclasses.replace(facts, index=index))
        else:
            yield component


def _local(artifact: Artifact, local: list[tuple[int, str]]) -> Iterator[Finding]:
    """What is installed from paths: the repository's own folders are told once, others one by one."""
    inside: list[tuple[int, str]] = []
    for number, text in local:
        plain = text.partition("[")[0].removeprefix("file:").partition("#")[0].strip()
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(artifact.path), plain))
        if joined.startswith(("../", "/", "~")) or joined == "..":
            message = "The requirement is a path that is not in the repository, so nothing is known of it."
            yield rules.finding(OUTSIDE, artifact.at(line=number), message, evidence=text[:200])
        else:
            inside.append((number, text))
    if inside:
        lines = ", ".join(str(number) for number, _ in inside[:20])
        message = f"Requirements that are paths of this repository, with manifests of their own: line {lines}."
        evidence = " ".join(text for _, text in inside)[:200]
        yield rules.finding(LOCAL, artifact.at(line=inside[0][0]), message, evidence=evidence)


def _is_local(item: Any) -> bool:
    text = item.requirement_string
    return "://" not in text and (item.is_editable or text.startswith(("./", "../", "/")))


def _requirement(
    item: Any, where: Location, line: str, scope: str, group: str
) -> tuple[Component | None, list[Finding]]:
    name: str = item.name or ""
    url = item.link.url if item.link else ""
    if not name and url and not item.link.is_vcs and "://" not in url:
        return None, []  # a local path
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
        group=group[:100],
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
                        evidence=f"{flag} {without_login(url)[:200]}",
                        fix="uv pip compile --generate-hashes requirements.in -o requirements.txt",
                    )
        yield from _insecure(where, values)
        yield from other_index(where, values.get("index_url") or "", "--index-url")


def _insecure(where: Location, values: dict[str, Any]) -> Iterator[Finding]:
    urls = [values.get("index_url") or "", *values.get("extra_index_urls", ()), *values.get("find_links", ())]
    for url in urls:
        if url.lower().startswith("http://"):
            message = "Packages come over plain http, so the network path decides what is installed."
            fix = "https" + without_login(url)[4:]
            yield rules.finding(INSECURE_INDEX, where, message, evidence=without_login(url)[:200], fix=fix)
    for host in values.get("trusted_hosts", ()):
        message = f"--trusted-host switches certificate checks off for {host[:100]}."
        yield rules.finding(INSECURE_INDEX, where, message, evidence=f"--trusted-host {host[:200]}")


def _include(artifact: Artifact, where: Location, target: str) -> Iterator[Observation]:
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(artifact.path), target))
    if "://" in target or joined.startswith(("../", "/")) or joined == "..":
        message = "The file includes requirements that are not in the repository, so they were not read."
        yield rules.finding(OUTSIDE, where, message, evidence=without_login(target)[:200])
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
                # not the line as it is written, so that the finding stays the same when spaces and comments change
                evidence=component.package.specifier if component.package else "",
                subject=component.identity,
                fix=f"{component.name}==<version>",
            )
    bare = [component for component in registry if component.version and not component.hashes]
    if bare:
        message = f"{len(bare)} of {len(registry)} pinned requirements have no hash."
        yield rules.finding(UNHASHED, artifact.at(line=bare[0].occurrences[0].location.line), message)


INSPECTOR = Inspector(
    name="requirements",
    claims=_claims,
    inspect=_inspect,
    rules=(EXTRA_INDEX, UNPINNED, UNHASHED, INSECURE_INDEX, OUTSIDE, LOCAL, *SHARED_RULES),
)
