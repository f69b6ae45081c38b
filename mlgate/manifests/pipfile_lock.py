"""Pipfile.lock (pipfile-spec 6: `_meta`, `default`, `develop` and further categories)."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, Lines, read_json, rows, table, word
from mlgate.manifests._declared import Given, given, pinned, source_of
from mlgate.manifests._rules import INSECURE_INDEX
from mlgate.manifests.pipfile import sources
from mlgate.records import Artifact, Inspector, Observation

_SCOPES = {"default": "runtime", "develop": "dev"}


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    document, text = read_json(artifact)
    if not isinstance(document, dict) or not isinstance(document.get("_meta"), dict):
        raise Incomplete("malformed", "a Pipfile.lock without `_meta`")
    lines = Lines(text)
    urls, told = sources(artifact, rows(document["_meta"].get("sources")), lines)
    yield from told
    only = next(iter(urls.values())) if len(urls) == 1 else ""
    for category, packages in document.items():
        if category == "_meta":
            continue
        number = lines.find(f'"{category}"') or 0
        for name, value in table(packages).items():
            entry = table(value)
            if not entry:
                raise Incomplete("malformed", f"{name[:100]!r} is locked to nothing")
            number = lines.find(f'"{name}"', after=number) or number
            origin, url, revision = source_of(entry)
            index = word(entry.get("index"))
            version = word(entry.get("version"))
            yield from given(
                Given(
                    name=name,
                    location=artifact.at(line=number or None),
                    specifier=version,
                    scope=_SCOPES.get(category, "optional"),
                    group="" if category == "default" else category,
                    marker=word(entry.get("markers")),
                    index=(urls.get(index) or index or only) if origin == "registry" else "",
                    origin=origin,
                    url=url,
                    revision=revision,
                    version=pinned(version),
                    hashes=tuple(word(item) for item in rows(entry.get("hashes"))),
                    # pipenv writes the index beside what the Pipfile itself names
                    direct=bool(index) or origin != "registry",
                )
            )


INSPECTOR = Inspector(
    name="pipfile-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "Pipfile.lock",
    inspect=_inspect,
    rules=(*SHARED_RULES, INSECURE_INDEX),
)
