"""What only several files together say: which weights are of a folder's model, and the remotes of tracked files.

A reader sees one file. What it says of others travels as a carrier: a component that is taken out again here, or a mark
on the component of a folder.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlgate.records import Component, Kind, Pairs, Reference, Relation

REMOTE = "dvc:remote"
FOLDER = "folder"  # property of a model or dataset that is a folder; its value says what told so
CARD, CONFIG = "card", "configuration"
PIPELINE = "pipeline"  # property of a folder whose folders are parts of it
_DIGESTED = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "chat_template.jinja", "chat_template.json")
_CARRIER = "carrier:"
_TRACKED = ("dvc:tracked", "true")
# A relation that says how one model comes from another makes the one that says only that it does superfluous.
_PRECISE = frozenset({"fine-tuned-from", "adapter-of", "quantized-from", "merged-from"})


def carrier(folder: str, told: Pairs) -> Component:
    """A component that stands for no thing: its properties go to all that DVC tracks below `folder`."""
    return Component(kind=Kind.DATASET, identity=f"{_CARRIER}{folder}", name=folder or ".", properties=told)


def joined(
    components: Iterable[Component], relations: Iterable[Relation], references: Sequence[Reference], root: str
) -> tuple[list[Component], set[Relation]]:
    """Components without carriers, each with what other files say of it, and their relations.

    A folder depends on the weights in it (with a card or as a pipeline also on those one level below), which get its
    card's licence where they state none. A folder that only a configuration tells of is left out, with its relations,
    when it has no weights and nothing loads it. `root` is the name of the folder that is scanned.
    """
    listed = list(components)
    remotes = {c.identity.removeprefix(_CARRIER): c.properties for c in listed if c.identity.startswith(_CARRIER)}
    listed = [_with(c, remotes) for c in listed if not c.identity.startswith(_CARRIER)]
    folders = {c.identity for c in listed if _mark(c) and c.kind is Kind.MODEL}
    wide = {c.identity for c in listed if _mark(c) == CARD or (PIPELINE, "true") in c.properties} & folders
    pipelines = {c.identity for c in listed if (PIPELINE, "true") in c.properties}
    licensed = {c.identity: c.licenses for c in listed if _mark(c) == CARD and c.licenses}
    owners = {c.identity: _owner(c.identity, folders, wide) for c in listed if _is_weights(c)}
    kept = {c.identity for c in listed if _mark(c) != CONFIG} | {r.identity for r in references} | set(owners.values())
    parts = {part: _parent(part) for part in folders & kept if _parent(part) in pipelines and _parent(part) != part}
    dropped = folders - kept - set(parts.values())
    links = set(relations) | {Relation(source=owner, target=file) for file, owner in owners.items() if owner}
    links |= {Relation(source=pipeline, target=part) for part, pipeline in parts.items()}
    precise = {(r.source, r.target) for r in links if r.kind in _PRECISE}
    links = {
        r
        for r in links
        if not {r.source, r.target} & dropped and not (r.kind == "derived-from" and (r.source, r.target) in precise)
    }
    made = []
    for component in listed:
        changes: dict[str, Any] = {}
        if not component.licenses:
            changes["licenses"] = licensed.get(owners.get(component.identity, ""), ())
        if _mark(component) and component.name == ".":
            changes["name"] = root
        if component.identity not in dropped:
            made.append(dataclasses.replace(component, **changes))
    return made, links


def with_digests(component: Component, digests: Mapping[str, str]) -> Component:
    """The folder of a model with the SHA-256 of its tokenizer and templates; `digests` are those of all files read."""
    if not _mark(component) or component.kind is not Kind.MODEL:
        return component
    folder = component.identity.removeprefix("file:").removeprefix(".")
    paths = ((name, f"{folder}/{name}" if folder else name) for name in _DIGESTED)
    told = tuple((f"sha256:{name}", digests[path]) for name, path in paths if path in digests)
    return dataclasses.replace(component, properties=component.properties + told)


def _mark(component: Component) -> str:
    return next((value for key, value in component.properties if key == FOLDER), "")


def _is_weights(component: Component) -> bool:
    identity = component.identity
    return (
        component.kind is Kind.MODEL and identity.startswith("file:") and "!" not in identity and not _mark(component)
    )


def _parent(identity: str) -> str:
    return f"file:{identity.removeprefix('file:').rpartition('/')[0] or '.'}"


def _owner(identity: str, folders: set[str], wide: set[str]) -> str:
    """The folder of a file where it is a model's; or the one above it (`onnx/model.onnx`), where that is of `wide`."""
    folder = _parent(identity)
    if folder in folders:
        return folder
    above = _parent(folder)
    return above if above in wide and above != folder else ""


def _with(component: Component, remotes: dict[str, Pairs]) -> Component:
    if _TRACKED not in component.properties or not remotes:
        return component
    folder = component.identity.removeprefix("dataset:").removeprefix("file:")
    while folder:
        folder = folder.rpartition("/")[0]
        if folder in remotes:
            return dataclasses.replace(component, properties=component.properties + remotes[folder])
    return component
