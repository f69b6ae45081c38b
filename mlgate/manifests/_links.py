"""setuptools' `dependency_links`: addresses of packages, and of pages with links. pip ignores them since 19.0."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.manifests._common import vcs_revision
from mlgate.manifests._declared import Given, given, index_findings, without_login
from mlgate.manifests._rules import EXTRA_INDEX
from mlgate.records import Location, Observation, Severity

_EGG = re.compile(r"[#&]egg=([A-Za-z0-9](?:[A-Za-z0-9._-]*?[A-Za-z0-9])??)(?:-(\d[^&-]*))?(?:\[[^&]*)?(?:&.*)?$")


def dependency_link(link: str, location: Location) -> Iterator[Observation]:
    """The package that a link is for, or what a page of links means."""
    egg = _EGG.search(link) if len(link) < 2000 else None
    vcs = link.startswith(("git+", "hg+", "svn+", "bzr+"))
    if egg:
        yield from given(
            Given(
                name=egg[1],
                location=location,
                requirement=without_login(link),
                origin="vcs" if vcs else "url",
                url=link,
                revision=(vcs_revision(link) or "") if vcs else "",
            )
        )
        return
    yield from index_findings(location, link)
    message = "dependency_links gives old tools a second source for every package."
    evidence = f"dependency_links {without_login(link)[:200]}"
    yield rules.finding(EXTRA_INDEX, location, message, evidence=evidence, severity=Severity.LOW)
