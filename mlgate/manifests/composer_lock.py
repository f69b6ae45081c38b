"""composer.lock (composer/composer, `src/Composer/Package/Locker.php`; getcomposer.org, "The composer.json schema")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from mlgate.errors import Incomplete
from mlgate.manifests._common import is_commit, read_json, rows, table, word
from mlgate.manifests._ecosystems import COMPOSER, RULES, Entry, Origin, observations, without_login
from mlgate.manifests._positions import Values
from mlgate.records import Artifact, Hash, Inspector, Observation

_PACKAGIST = frozenset({"packagist.org", "repo.packagist.org"})


def _entries(artifact: Artifact) -> Iterator[Entry]:
    document, text = read_json(artifact)
    document = table(document)
    if not isinstance(document.get("packages"), list):
        raise Incomplete("malformed", "no list of packages")
    values = Values(text, "name")
    groups = (("packages", "runtime"), ("packages-dev", "dev"))
    each = [(table(item), scope) for key, scope in groups for item in rows(document.get(key))]
    known = {word(item.get("name")).lower() for item, _ in each}
    at = 0
    for item, scope in each:
        name, version = word(item.get("name")), word(item.get("version"))
        line = values.find(name, at)
        at = line or at
        told = _origin(item)
        shasum = word(table(item.get("dist")).get("shasum"))
        fixed = (Hash(algorithm="SHA-1", value=shasum, declared=True),) if re.fullmatch("[0-9a-f]{40}", shasum) else ()
        branch = version.startswith("dev-") or version.endswith("-dev")  # the name of a branch, which moves
        yield Entry(
            name=name,
            location=artifact.at(line=line),
            version=(told.commit if is_commit(told.commit) else None) if branch else version or None,
            requirement=f"{name}:{version}",
            specifier=version,
            scope=scope,
            origin=told.origin,
            url=told.url,
            commit=told.commit,
            index=told.index,
            hashes=fixed,
            needs=tuple(need for need in table(item.get("require")) if need.lower() in known),
            licenses=tuple(word(licence)[:200] for licence in rows(item.get("license")) if word(licence)),
            bare=not fixed and not is_commit(told.commit),  # Composer fixes by commit what comes from a repository
            insecure=told.insecure,
        )


def _origin(item: dict[str, Any]) -> Origin:
    source, dist = table(item.get("source")), table(item.get("dist"))
    reference = word(source.get("reference")) or word(dist.get("reference"))
    commit = reference if is_commit(reference) else ""
    addresses = [without_login(word(each.get("url"))) for each in (dist, source)]
    insecure = any(address.startswith("http://") for address in addresses)
    if "path" in (dist.get("type"), source.get("type")):
        return Origin(origin="path")
    notified = without_login(word(item.get("notification-url")))
    try:
        host = urlsplit(notified).hostname or ""
    except ValueError:
        host = notified[:100]
    if host:
        return Origin(commit=commit, index="" if host in _PACKAGIST else notified[:300], insecure=insecure)
    if word(source.get("url")):
        url = f"{word(source.get('type'))}+{addresses[1]}#{reference}"
        return Origin(origin="vcs", url=url, commit=commit or reference, insecure=insecure)
    return Origin(origin="url" if addresses[0] else "registry", url=addresses[0], commit=commit, insecure=insecure)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    return observations(COMPOSER, artifact, _entries(artifact))


INSPECTOR = Inspector(
    name="composer-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "composer.lock",
    inspect=_inspect,
    rules=RULES,
)
