"""renv.lock of R (rstudio.github.io/renv, "The lockfile"): packages of CRAN, Bioconductor and repositories.

Its `Hash` is the MD5 of a part of the package's DESCRIPTION, no hash of the package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from mlgate.errors import Incomplete
from mlgate.manifests._common import is_commit, read_json, rows, table, word
from mlgate.manifests._ecosystems import BIOCONDUCTOR, CRAN, RULES, Entry, Origin, identity, observations, without_login
from mlgate.manifests._positions import Keys
from mlgate.records import Artifact, Inspector, Observation

_HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
_NEEDS = ("Requirements", "Depends", "Imports", "LinkingTo")


def _entries(artifact: Artifact) -> Iterator[Entry]:
    document, text = read_json(artifact)
    packages = table(document).get("Packages")
    if not isinstance(packages, dict):
        raise Incomplete("malformed", "no table of packages")
    keys = Keys(text)
    stated = [table(each) for each in rows(table(table(document).get("R")).get("Repositories"))]
    repositories = {word(each.get("Name")): without_login(word(each.get("URL"))) for each in stated}
    ecosystems = {
        name: BIOCONDUCTOR if word(table(value).get("Source")).lower() == "bioconductor" else CRAN
        for name, value in packages.items()
    }
    for key, value in packages.items():
        package = table(value)
        name = word(package.get("Package")) or key
        told = _origin(package, repositories)
        listed = [word(need) for field in _NEEDS for need in _listed(package.get(field))]
        needs = (re.split(r"[\s(]", need.strip(), maxsplit=1)[0] for need in listed)
        fingerprint = word(package.get("Hash"))
        version = word(package.get("Version"))
        yield Entry(
            name=name,
            location=artifact.at(line=keys.find(key, keys.find("Packages") or 0)),
            version=version or None,
            origin=told.origin,
            url=told.url,
            commit=told.commit,
            index=told.index,
            needs=tuple(identity(ecosystems[need], need) for need in needs if need in ecosystems),
            properties=(("renv:hash", fingerprint[:100]),) if fingerprint else (),
            insecure=told.insecure,
            ecosystem=ecosystems.get(key),
        )


def _listed(value: Any) -> list[Any]:
    return value.split(",") if isinstance(value, str) else rows(value)


def _origin(package: dict[str, Any], repositories: dict[str, str]) -> Origin:
    source = (word(package.get("RemoteType")) or word(package.get("Source"))).lower()
    if source in {"github", "gitlab", "bitbucket", "git", "git2r", "xgit"}:
        user, repository = word(package.get("RemoteUsername")), word(package.get("RemoteRepo"))
        host = _HOSTS.get(source, "")
        address = word(package.get("RemoteUrl")) or f"https://{host}/{user}/{repository}"
        revision = word(package.get("RemoteSha"))
        url = without_login(f"git+{address}#{revision}")
        commit = revision if is_commit(revision) else word(package.get("RemoteRef"))
        return Origin(origin="vcs", url=url, commit=commit, insecure=address.startswith("http://"))
    if source in {"url", "local"}:
        address = without_login(word(package.get("RemoteUrl")))
        return Origin(origin="url" if "://" in address else "path", url=address, insecure=address.startswith("http://"))
    named = word(package.get("Repository"))
    address = repositories.get(named, "") or (without_login(named) if "://" in named else "")
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = address[:100]
    public = not host or host in CRAN.hosts or host.endswith(("bioconductor.org", ".rstudio.com"))
    return Origin(index="" if public else address[:300], insecure=address.startswith("http://"))


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    return observations(CRAN, artifact, _entries(artifact))


INSPECTOR = Inspector(
    name="renv-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "renv.lock",
    inspect=_inspect,
    rules=RULES,
)
