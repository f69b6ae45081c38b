"""Conda packages: match specifications, file names, components (conda's documentation, "Package match specifications").

What a conda package is on PyPI is not guessed: the name on a channel is the recipe's author's choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlgate import rules
from mlgate.manifests._common import package
from mlgate.manifests._declared import without_login
from mlgate.manifests._rules import CONDA
from mlgate.records import Artifact, Component, Finding, Hash, Location, PackageFacts

_SPEC = re.compile(r"([A-Za-z0-9_][\w.-]*)\s*(.*)")
_BRACKETS = re.compile(r"([^\[\]]*)\[([^\[\]]*)\]\s*")
_PAIR = re.compile(r"""\s*(\w+)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^\s,'"]*))\s*(?:,|$)""")
_CONSTRAINT = re.compile(r"[\w.*+!,|<>=~^$() -]*")
_EXACT = re.compile(r"[0-9A-Za-z][\w.!+-]*")
_FILE = re.compile(r"(?:(.*)/)?([^/]+)/([^/]+)-([^-/]+)-([^-/]+?)\.(conda|tar\.bz2)(?:#.*)?")
_HOSTS = re.compile(r"https?://(?:conda\.anaconda\.org|repo\.anaconda\.com|repo\.prefix\.dev|prefix\.dev)/(?:pkgs/)?")
_LONGEST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A match specification in parts; `version` only where it fixes one. `channel` is as written."""

    name: str
    specifier: str = ""
    version: str | None = None
    build: str = ""
    channel: str = ""
    subdir: str = ""
    url: str = ""
    kind: str = ""


def channel_name(url: str) -> str:
    """The short name of a channel on the public hosts, else its address without a login."""
    found = _HOSTS.match(url)
    return url[found.end() :].strip("/") if found else without_login(url).rstrip("/")


def from_url(url: str) -> Match | None:
    """What the address of a package file says: `CHANNEL/SUBDIR/NAME-VERSION-BUILD.conda`."""
    found = _FILE.fullmatch(url) if len(url) <= _LONGEST else None
    if not found:
        return None
    channel, subdir, name, version, build, kind = found.groups()
    return Match(
        name=name.lower(),
        specifier=f"=={version}",
        version=version,
        build=build,
        channel=channel_name(channel or ""),
        subdir=subdir,
        url=url,
        kind=kind,
    )


def spec(text: str) -> Match | None:
    """A match specification, as environment files have it, or None when it is none."""
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    channel, _, rest = text.rpartition("::")
    if "://" in rest:
        return from_url(rest)
    subdir, stated = "", {}
    bracketed = _BRACKETS.fullmatch(rest)
    if bracketed:
        rest = bracketed[1]
        stated = {m[1]: m[2] or m[3] or m[4] or "" for m in _PAIR.finditer(bracketed[2])}
    found = _SPEC.fullmatch(rest.strip())
    if not found or "[" in channel:
        return None
    name, constraint = found.groups()
    if not _CONSTRAINT.fullmatch(constraint):
        return None
    if constraint and constraint[0] not in "=<>!~" and rest.strip()[len(name) : len(name) + 1] not in " \t":
        return None
    specifier, version, build = _constraint(constraint)
    if stated.get("version"):
        specifier, version, _ = _constraint(stated["version"])
        if specifier[:1] not in "=<>!~":
            specifier = f"=={specifier}" if version else specifier
    return Match(
        name=name.lower(),
        specifier=specifier,
        version=version,
        build=build or stated.get("build", ""),
        channel=channel_name(stated.get("channel") or channel),
        subdir=subdir or stated.get("subdir", ""),
        url=stated.get("url", ""),
    )


def _constraint(text: str) -> tuple[str, str | None, str]:
    """(specifier, version, build). `==1.2`, `=1.2=build` and `1.2` after a space fix a version, `=1.2` does not."""
    text = re.sub(r"\s*([,|])\s*", r"\1", text.strip())
    text = re.sub(r"([=<>!~])\s+", r"\1", text)
    specifier, _, build = text.partition(" ")
    build = build.strip()
    bare = specifier
    if specifier.startswith("=="):
        bare, _, second = specifier[2:].partition("=")
        build = second.lstrip("=") or build
    elif specifier.startswith("="):
        bare, _, second = specifier[1:].partition("=")
        build = second or build
        if not build:
            return specifier, None, ""
    elif specifier and specifier[0] not in "<>!~":
        bare, _, second = specifier.partition("=")
        build = second or build
    version = bare if _EXACT.fullmatch(bare) else None
    return f"=={version}" if version else specifier if specifier != "*" else "", version, build


def component(
    match: Match,
    location: Location,
    *,
    requirement: str,
    scope: str = "runtime",
    group: str = "",
    marker: str = "",
    direct: bool = True,
    index: str = "",
    origin: str = "registry",
    channels: Iterable[str] = (),
    fixed: tuple[Hash, ...] = (),
    licenses: tuple[str, ...] = (),
    builds: Iterable[str] = (),
) -> Component:
    """The package of a channel. `channels` are those that may have it, `builds` its files on several platforms.

    Raises Incomplete when the name is none.
    """
    exact = "" if set(match.build) & set("*^|<>") else match.build
    facts = PackageFacts(
        ecosystem="conda",
        requirement=requirement[:300],
        specifier=match.specifier[:300],
        direct=direct,
        scope=scope,
        group=group[:100],
        marker=marker[:300],
        index=(index or match.channel)[:300],
        origin=origin,
        url=match.url[:2000],
    )
    said = [("package:channel", name[:200]) for name in list(channels)[:20]]
    said += [("package:build", name[:200]) for name in list(builds)[:50]]
    if match.build and not exact:
        said.append(("package:build", match.build[:200]))
    more = {"build": exact, "channel": match.channel, "subdir": match.subdir, "type": match.kind}
    return package(
        kind="conda",
        name=match.name,
        version=match.version,
        location=location,
        facts=facts,
        declared_hashes=fixed,
        licenses=licenses,
        properties=tuple(said),
        more=more if match.version else {"channel": match.channel},
    )


def note(artifact: Artifact, components: Iterable[Component]) -> Iterator[Finding]:
    """One finding for the conda packages of a file, which nothing is known about."""
    found = {(c.identity, c.version): c for c in components}
    if found:
        loose = sum(c.version is None for c in found.values())
        message = f"No advisory was compared with the conda packages of this file ({len(found)})"
        message += f"; no exact version: {loose}." if loose else "."
        line = next(iter(found.values())).occurrences[0].location.line
        yield rules.finding(CONDA, artifact.at(line=line), message)
