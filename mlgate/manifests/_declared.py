"""Python requirements as manifests declare them: names with versions, groups, and sources of several spellings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from mlgate import rules
from mlgate.manifests._common import (
    OTHER_INDEX,
    URL_WITHOUT_HASH,
    hashes,
    is_commit,
    package,
    vcs_finding,
    vcs_revision,
    word,
)
from mlgate.manifests._rules import INSECURE_INDEX
from mlgate.policy.indexes import is_known
from mlgate.records import Location, Observation, PackageFacts

_VCS = ("git", "hg", "svn", "bzr")
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
_EXACT = re.compile(r"={0,3}\s*v?(\d[\w.!+-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One dependency as declared. `origin` is registry, vcs, url or path, `revision` what a vcs is asked for.

    `loose` says that a bare `1.2` is a range in this manifest, as it is in Cargo's and npm's.
    """

    name: str
    location: Location
    specifier: str = ""
    requirement: str = ""
    scope: str = "runtime"
    group: str = ""
    marker: str = ""
    index: str = ""
    origin: str = "registry"
    url: str = ""
    revision: str = ""
    version: str | None = None
    hashes: tuple[str, ...] = field(default=())
    direct: bool = True


def given(told: Given) -> Iterator[Observation]:
    """The component, and what to say of a source that can move. Raises Incomplete when the name is none."""
    version = told.version
    fixed = hashes(told.hashes)
    if told.origin == "vcs":
        version = told.revision if is_commit(told.revision) else None
        if version is None:
            yield vcs_finding(told.location, told.name, told.url, told.revision or None)
    elif told.origin == "url":
        if not fixed:
            fragment = re.search(r"#.*?\b(sha256|sha384|sha512)=([0-9a-fA-F]+)", told.url)
            fixed = hashes([f"{fragment[1]}:{fragment[2]}"]) if fragment else ()
        if not fixed:
            message = f"{told.name} is downloaded from a URL and nothing fixes its bytes."
            yield rules.finding(
                URL_WITHOUT_HASH,
                told.location,
                message,
                evidence=without_login(told.url)[:300],
                subject=f"pkg:pypi/{canonicalize_name(told.name)}",
                fix=f"{told.name} @ {without_login(told.url).partition('#')[0]}#sha256=<hash>",
            )
    facts = PackageFacts(
        ecosystem="PyPI",
        requirement=(told.requirement or f"{told.name} {told.specifier}".strip())[:300],
        specifier=told.specifier[:300],
        direct=told.direct,
        scope=told.scope,
        group=told.group[:100],
        marker=told.marker[:300],
        index=without_login(told.index)[:300],
        origin=told.origin,
        url=told.url[:2000],
    )
    yield package(
        kind="pypi",
        name=told.name,
        version=version,
        location=told.location,
        facts=facts,
        declared_hashes=fixed,
    )


def pep508(text: Any, location: Location, *, scope: str, group: str = "", marker: str = "") -> Given | None:
    """A requirement by PEP 508, or None when the value is none."""
    if not isinstance(text, str):
        return None
    try:
        parsed = Requirement(text.strip())
    except InvalidRequirement:
        return None
    pins = [s.version for s in parsed.specifier if s.operator in {"==", "==="} and "*" not in s.version]
    url = parsed.url or ""
    origin = "registry"
    if url.startswith(tuple(f"{kind}+" for kind in _VCS)):
        origin = "vcs"
    elif url:
        origin = "url" if "://" in url and not url.startswith("file:") else "path"
    own = str(parsed.marker or "")
    return Given(
        name=parsed.name,
        location=location,
        requirement=text.strip(),
        specifier=str(parsed.specifier),
        scope=scope,
        group=group,
        marker=f"({own}) and ({marker})" if own and marker else own or marker,
        origin=origin,
        url=url,
        revision=(vcs_revision(url) or "") if origin == "vcs" else "",
        version=pins[0] if len(parsed.specifier) == 1 and pins else None,
    )


def source_of(entry: dict[str, Any]) -> tuple[str, str, str]:
    """(origin, url, revision) of a table that says where a dependency comes from, as pipenv, poetry, pdm, uv and pixi
    write it: `git` with `rev`, `tag`, `branch` or `ref`; `url` or `file` with an address; `path` or `file` without.
    """
    for kind in _VCS:
        if word(entry.get(kind)):
            wanted = next((word(entry.get(key)) for key in ("rev", "ref", "tag", "branch") if entry.get(key)), "")
            url = word(entry[kind])
            inline = vcs_revision(url) if not wanted else None
            return "vcs", url if url.startswith(f"{kind}+") else f"{kind}+{url}", wanted or inline or ""
    address = word(entry.get("url")) or word(entry.get("file")) or word(entry.get("path"))
    if "://" in address and not address.startswith("file:"):
        return "url", address, ""
    if address or entry.get("workspace") is True or entry.get("editable") is True:
        return "path", address, ""
    return "registry", "", ""


def exact(constraint: str) -> str | None:
    """The version that `1.2.3` or `==1.2.3` fixes, in manifests where a bare version is an exact one."""
    found = _EXACT.fullmatch(constraint.strip())
    return found[1] if found and "*" not in constraint else None


def pinned(specifier: str) -> str | None:
    """The version that `==1.2.3` fixes; a bare version fixes none here."""
    return exact(specifier) if specifier.strip().startswith("==") else None


def index_findings(location: Location, url: str, *, verified: bool = True) -> Iterator[Observation]:
    """What to say of an index that is asked without anybody checking who answers."""
    shown = without_login(url)[:200]
    if url.lower().startswith("http://"):
        message = "Packages come over plain http, so the network path decides what is installed."
        yield rules.finding(INSECURE_INDEX, location, message, evidence=shown, fix="https" + without_login(url)[4:200])
    elif not verified:
        message = "The certificate of this index is not checked."
        yield rules.finding(INSECURE_INDEX, location, message, evidence=shown)


def other_index(location: Location, url: str, setting: str) -> Iterator[Observation]:
    """What to say of an index that answers for all packages and is not the public one. `setting` is how it is set."""
    if url.lower().startswith("https://") and not is_known(url):  # of http the finding above is said
        shown = without_login(url)[:200]
        message = f"{setting} takes packages from {shown}, which is not the public index."
        yield rules.finding(OTHER_INDEX, location, message, evidence=f"{setting} {shown}")


def without_login(url: str) -> str:
    """The URL without user and password, which reports must not repeat."""
    return _LOGIN.sub("", url)
