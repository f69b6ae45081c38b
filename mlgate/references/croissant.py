"""Croissant: JSON-LD that describes a dataset, its files with their checksums, and its records.

Format: docs.mlcommons.org/croissant/docs/croissant-spec.html, versions 0.8 to 1.1. A file is one when its `@context` or
`conformsTo` names mlcommons.org/croissant and its `@type` is Dataset. The dataset is what `url` names: a dataset of a
hub, else the page; without a `url` it is the folder of the file. Checksums are the publisher's, so they are declared.
Tools write an address or a word where there is no checksum; only what is one counts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Component, Hash, Inspector, Kind, Observation, Occurrence, Pairs, Relation
from mlgate.references._declared import Lines, folder, hub, named, place, title
from mlgate.references._documents import parse_json, properties, read_text, rows, text, texts
from mlgate.references._joined import FOLDER

_LARGEST = 16 << 20
_CONTEXT = re.compile(rb"mlcommons\.org/(?:schema/)?croissant|mlcommons\.org/schema", re.IGNORECASE)
_KAGGLE = re.compile(r"https?://(?:www\.)?kaggle\.com/datasets/([\w-]+/[\w.-]+)/?(?:[?#].*)?")
_HUB = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/datasets/.+")
_FILES = 500
_FIELDS = 200


def _claims(artifact: Artifact) -> bool:
    named_so = artifact.name.lower().endswith((".json", ".jsonld"))
    return named_so and not artifact.depth and _CONTEXT.search(artifact.head) is not None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    content = read_text(artifact, _LARGEST)
    try:
        document = parse_json(content)
    except Incomplete:
        if '"@context"' in content[:10_000]:
            raise
        return
    if not isinstance(document, dict) or not _is_dataset(document):
        return
    lines = Lines(content)
    own = _component(artifact, document, lines)
    yield own
    for number, file in enumerate(rows(_listed(document.get("distribution")))):
        if number >= _FILES:
            raise Incomplete("limit", f"a dataset of more than {_FILES} files")
        yield from _file(artifact, own, file, lines)


def _bare(key: str) -> str:
    return key.rpartition("/")[2].rpartition(":")[2]


def _is_dataset(document: Mapping[Any, Any]) -> bool:
    kinds = {_bare(kind) for kind in texts(document.get("@type", document.get("type")))}
    return "Dataset" in kinds and "@context" in document


def _get(document: Mapping[Any, Any], name: str) -> Any:
    """A value under the plain name or with the prefix of a vocabulary."""
    return next((document[key] for key in (name, f"cr:{name}", f"sc:{name}", f"rai:{name}") if key in document), None)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


def _address(value: Any, base: str) -> str | None:
    """The identity of a dataset at an address: of a hub where it is one."""
    if not isinstance(value, str):
        return None
    kaggle = _KAGGLE.fullmatch(value.strip())
    if kaggle:
        return f"dataset:kaggle:{kaggle[1]}"
    if _HUB.fullmatch(value.strip()):
        return hub(value, Kind.DATASET).identity
    return place(value, Kind.DATASET, base)


def _component(artifact: Artifact, document: Mapping[Any, Any], lines: Lines) -> Component:
    address = text(_get(document, "url"), 1000)
    identity = _address(address, "") if "://" in address else None
    at_home = identity is None
    name = text(_get(document, "name"), 200)
    identity = identity or f"dataset:{folder(artifact.path)}"
    on_hub = identity.startswith(("dataset:hf:", "dataset:kaggle:"))
    version = text(_get(document, "version"), 100)
    told = properties("croissant", document, ("conformsTo", "citeAs", "datePublished", "isLiveDataset", "description"))
    sensitive = (
        ("croissant:sensitive", ", ".join(texts(_get(document, key), limit=200))[:1000])
        for key in ("personalSensitiveInformation",)
    )
    extra: Pairs = (("croissant:version", version),) if version and (on_hub or at_home) else ()
    home: Pairs = ((FOLDER, "croissant"),) if at_home else ()
    records = (("croissant:records", value) for value in _records(document))
    return Component(
        kind=Kind.DATASET,
        identity=identity,
        name=name or title(identity),
        version=None if on_hub or at_home else version or None,
        pinned=False if version and not on_hub and not at_home else None,
        licenses=texts(_license(document), most=10, limit=200),
        occurrences=(Occurrence(location=lines.at(artifact, address, name), symbol="Croissant"),),
        properties=(*told, *extra, *(pair for pair in sensitive if pair[1]), *records, *home),
    )


def _license(document: Mapping[Any, Any]) -> Any:
    """A text or address, or an object with a name and an address."""
    stated = _get(document, "license")
    items = stated[:10] if isinstance(stated, list) else [stated]
    return [
        item.get("name") or item.get("url") or item.get("@id") if isinstance(item, dict) else item for item in items
    ]


def _records(document: Mapping[Any, Any]) -> Iterator[str]:
    """`record set: field type, ...` for each."""
    left = _FIELDS
    for record in rows(_listed(_get(document, "recordSet")), 50):
        fields = []
        for field in rows(_listed(_get(record, "field")), left):
            name = text(field.get("name") or field.get("@id"), 100)
            types = "/".join(_bare(kind) for kind in texts(_get(field, "dataType"), most=3, limit=100))
            fields.append(f"{name} {types}".strip())
        left -= len(fields)
        yield f"{text(record.get('name') or record.get('@id'), 100)}: {', '.join(fields)}"[:1000]


def _file(artifact: Artifact, own: Component, file: Mapping[Any, Any], lines: Lines) -> Iterator[Observation]:
    """A FileObject with a place of its own: what is inside of another is a path there."""
    address = _get(file, "contentUrl")
    if not isinstance(address, str) or _get(file, "containedIn") is not None:
        return
    where = lines.at(artifact, address[:1000])
    if _HUB.fullmatch(address.strip()):
        target = hub(address, Kind.DATASET)
        if target.identity and target.identity != own.identity:
            yield named(target, Kind.DATASET, where, "Croissant")
            yield Relation(source=own.identity, target=target.identity)
        return
    identity = _address(address, posixpath.dirname(artifact.path))
    if identity is None or identity == own.identity:
        return
    hashes = tuple(
        Hash(algorithm=algorithm, value=found.lower(), declared=True)
        for key, algorithm, digits in (("sha256", "SHA-256", 64), ("md5", "MD5", 32))
        if re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", found := text(_get(file, key), 100))
    )
    yield Component(
        kind=Kind.DATASET,
        identity=identity,
        name=text(file.get("name"), 200) or title(identity),
        pinned=bool(hashes),
        hashes=hashes,
        occurrences=(Occurrence(location=where, symbol="Croissant"),),
        properties=properties("croissant", file, ("contentSize", "encodingFormat")),
    )
    yield Relation(source=own.identity, target=identity)


INSPECTOR = Inspector(
    name="croissant",
    claims=_claims,
    inspect=_inspect,
    reads="Croissant's JSON-LD: the dataset with licence, version, citation and records, and the files it consists of "
    "with their addresses and declared checksums.",
    misses="File sets by pattern, files inside of archives, and contexts that rename Croissant's words.",
)
