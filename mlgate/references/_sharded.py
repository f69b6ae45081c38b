"""Models that are stored in several files: one component each, with the files as its parts.

Which files belong together is said by an index (`*.safetensors.index.json`, `*.bin.index.json`), or by their own names
where all of them are there: `name-00001-of-00003.gguf`, as huggingface_hub and llama.cpp (`gguf-split`) number them. A
loader is given the index, or the first of the files, so that is what the component is called by.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlgate.records import Component, Hash, Kind, ModelFacts, Occurrence, Part, Relation, Scanned

_INDEXED = "mlgate:shard"  # as inspectors.shards writes it: "file name, digest of its tensor names"
_INDEX = re.compile(r"(.+?)\.index(?:\.([\w-]+))?\.json", re.IGNORECASE)
_NUMBERED = re.compile(r"(.+)-(\d{4,6})-of-(\d{4,6})(\.\w+)", re.IGNORECASE)


def sharded(
    components: Sequence[Component], relations: Iterable[Relation], scanned: Mapping[str, Scanned]
) -> tuple[tuple[Component, ...], tuple[Relation, ...]]:
    """Components in which the shards of a model are its parts, and the relations with the model at their ends."""
    known = {c.identity: c for c in components if c.kind is Kind.MODEL and c.identity.startswith("file:")}
    whole: dict[str, list[str]] = {}
    for component in known.values():
        shards = [shard for shard in _indexed(component) if shard in known]
        if shards:
            whole[component.identity] = shards
    taken = {shard for shards in whole.values() for shard in shards}
    whole |= _numbered(sorted(known.keys() - taken - whole.keys()))
    owner = {shard: model for model, shards in whole.items() for shard in shards}
    if not owner:
        return tuple(components), tuple(relations)
    kept = []
    for component in components:
        if component.kind is Kind.MODEL and component.identity in whole:
            kept.append(_joined(component, [known[shard] for shard in whole[component.identity]], scanned))
        elif component.kind is not Kind.MODEL or component.identity not in owner:
            kept.append(component)
    renamed = (
        dataclasses.replace(r, source=owner.get(r.source, r.source), target=owner.get(r.target, r.target))
        for r in relations
    )
    return tuple(kept), tuple(dict.fromkeys(r for r in renamed if r.source != r.target))


def _indexed(component: Component) -> Iterator[str]:
    """The identities of the shards that an index names, in its own folder or below."""
    path = component.identity.removeprefix("file:")
    for key, value in component.properties:
        if key == _INDEXED and "!" not in path:
            yield f"file:{posixpath.normpath(posixpath.join(posixpath.dirname(path), value.rpartition(',')[0]))}"


def _numbered(identities: Iterable[str]) -> dict[str, list[str]]:
    """First shard to all of them, where every number from one to their count is there."""
    groups: dict[tuple[str, int, str], dict[int, str]] = {}
    for identity in identities:
        match = _NUMBERED.fullmatch(identity)
        if match and "!" not in identity:
            groups.setdefault((match[1], int(match[3]), match[4]), {})[int(match[2])] = identity
    return {
        found[1]: [found[number] for number in sorted(found)]
        for (_, total, _), found in groups.items()
        if total > 1 and set(found) == set(range(1, total + 1))
    }


def _joined(model: Component, shards: Sequence[Component], scanned: Mapping[str, Scanned]) -> Component:
    facts = [shard.model for shard in shards if shard.model]
    own = model.model or ModelFacts()
    counted = [each.parameters for each in facts if each.parameters is not None]
    formats = {each.format for each in facts}
    made = dataclasses.replace(
        own,
        format=formats.pop() if len(formats) == 1 else own.format,
        parameters=sum(counted) if len(counted) == len(shards) else None,
        architecture_family=own.architecture_family or _same(each.architecture_family for each in facts),
        architecture=own.architecture or _same(each.architecture for each in facts),
        task=own.task or _same(each.task for each in facts),
        quantization=own.quantization or _same(each.quantization for each in facts),
        other=tuple(sorted({*own.other, *(pair for each in facts for pair in each.other if _of_all(pair, facts))})),
    )
    seen = dict.fromkeys(place for shard in shards for place in shard.occurrences if _by_code(place, shard))
    return dataclasses.replace(
        model,
        name=_name(model.identity),
        model=made,
        # the digest of one file would be taken for that of the model
        hashes=model.hashes if model not in shards else (),
        licenses=tuple(dict.fromkeys(text for one in (model, *shards) for text in one.licenses)),
        occurrences=tuple(dict.fromkeys((*model.occurrences, *seen))),
        parts=tuple(_part(shard, scanned) for shard in shards),
    )


def _same(values: Iterable[str]) -> str:
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _of_all(pair: tuple[str, str], facts: Sequence[ModelFacts]) -> bool:
    return all(pair in each.other for each in facts)


def _by_code(place: Occurrence, shard: Component) -> bool:
    return place.location.path != shard.identity.removeprefix("file:")


def _name(identity: str) -> str:
    name = posixpath.basename(identity.removeprefix("file:"))
    index, numbered = _INDEX.fullmatch(name), _NUMBERED.fullmatch(name)
    if index:
        stem, _, suffix = index[1].rpartition(".")
        return f"{stem}.{index[2]}.{suffix}" if index[2] and stem else index[1]
    return f"{numbered[1]}{numbered[4]}" if numbered else name


def _part(shard: Component, scanned: Mapping[str, Scanned]) -> Part:
    path = shard.identity.removeprefix("file:")
    file = scanned.get(path)
    digest = next((one for one in shard.hashes if one.algorithm == "SHA-256"), None)
    if file and file.sha256 and (digest is None or not digest.declared):
        digest = Hash(algorithm="SHA-256", value=file.sha256)
    return Part(path=path, hash=digest, size=file.size if file and file.sha256 else None)
