"""What `datasets`, TensorFlow Datasets and LLaMA-Factory write beside data: dataset_infos.json and dataset_info.json.

Format: datasets/info.py (DatasetInfo: `features`, `splits` with `num_examples`, `download_checksums` by address with a
SHA-256), tensorflow_datasets' dataset_info.proto in JSON (`fileFormat`, `splits` with `shardLengths`), and
LLaMA-Factory's data/README.md, whose file of this name is a catalogue: names of datasets of the hub and files to train
on. The first two are about their folder. Other files of these names are left alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Component, Hash, Inspector, Kind, Observation, Occurrence, Reference, Relation
from mlgate.references._declared import Lines, folder, hub, named, place, title
from mlgate.references._documents import MOST, parse_json, properties, read_text, rows, table, text
from mlgate.references._joined import FOLDER
from mlgate.references._targets import is_commit

_LARGEST = 16 << 20
_NAMES = frozenset({"dataset_infos.json", "dataset_info.json"})
_OWN = frozenset({"splits", "download_checksums", "builder_name", "dataset_size", "download_size", "config_name"})
_ON_HUB = re.compile(r"hf://datasets/([\w.-]+/[\w.-]+)@([0-9a-f]{40})/.+")


def _claims(artifact: Artifact) -> bool:
    return not artifact.depth and artifact.name in _NAMES


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    try:
        content = read_text(artifact, _LARGEST)
        document = parse_json(content)
    except Incomplete as stop:
        if stop.reason == "malformed":
            return  # the name is anybody's, and nothing is run by it
        raise
    if not isinstance(document, dict):
        return
    lines = Lines(content)
    if _is_info(document):
        yield from _infos(artifact, {"": document}, lines)
        return
    infos = {str(name): info for name, info in list(document.items())[:MOST] if isinstance(info, dict)}
    catalogue = {name: info for name, info in infos.items() if {"hf_hub_url", "file_name"} & info.keys()}
    if catalogue:
        yield from _catalogue(artifact, catalogue, lines)
    elif artifact.name == "dataset_infos.json" or len(infos) == len(document):
        found = {name: info for name, info in infos.items() if _is_info(info)}
        if found:
            yield from _infos(artifact, found, lines)


def _is_info(info: Mapping[Any, Any]) -> bool:
    """`features` or `splits` with another word of the formats: one alone is a word of anybody's."""
    tensorflow = "fileFormat" in info and "splits" in info
    return tensorflow or ("features" in info and bool(_OWN & info.keys()))


def _infos(artifact: Artifact, infos: Mapping[str, Mapping[Any, Any]], lines: Lines) -> Iterator[Observation]:
    identity = f"dataset:{folder(artifact.path)}"
    told: list[tuple[str, str]] = []
    licenses: list[str] = []
    for name, info in list(infos.items())[:100]:
        label = f"{text(name, 100)}/" if name and name != "default" else ""
        told += [(f"dataset:{key}", label + value) for key, value in _facts(info) if value]
        licenses += [text(info.get("license"), 100)]
    yield Component(
        kind=Kind.DATASET,
        identity=identity,
        name=identity.rpartition(":")[2].rpartition("/")[2],
        licenses=tuple(dict.fromkeys(one for one in licenses if one)),
        occurrences=(Occurrence(location=artifact.at(), symbol=artifact.name),),
        properties=(*dict.fromkeys(told), (FOLDER, "dataset-info")),
    )
    budget = MOST
    for info in infos.values():
        for address, stated in table(info.get("download_checksums")).items():
            budget -= 1
            if budget < 0:
                raise Incomplete("limit", f"more than {MOST:,} downloads")
            yield from _download(artifact, identity, address, table(stated), lines)


def _facts(info: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    yield "builder", text(info.get("builder_name") or info.get("moduleName"), 200)
    version = info.get("version")
    yield "version", text(version.get("version_str") if isinstance(version, dict) else version, 100)
    features = table(info.get("features"))
    yield (
        "features",
        ", ".join(f"{text(key, 100)}: {_type(value)}" for key, value in list(features.items())[:100])[:1000],
    )
    splits = info.get("splits")
    found = list(splits.values())[:100] if isinstance(splits, dict) else list(rows(splits, 100))
    yield "splits", ", ".join(_split(table(split)) for split in found if table(split).get("name"))[:1000]
    yield "size", text(info.get("dataset_size"), 30)
    yield "format", text(info.get("fileFormat"), 50)


def _type(feature: Any) -> str:
    if isinstance(feature, list):
        return "list"
    return text(table(feature).get("dtype"), 50) or text(table(feature).get("_type"), 50) or "?"


def _split(split: Mapping[Any, Any]) -> str:
    name, rows_stated = text(split.get("name"), 100), text(split.get("num_examples"), 30)
    lengths = split.get("shardLengths")  # proto's JSON has 64-bit numbers as texts
    if not rows_stated and isinstance(lengths, list) and all(re.fullmatch(r"\d{1,18}", text(n)) for n in lengths):
        rows_stated = str(sum(int(text(n)) for n in lengths))
    return f"{name}: {rows_stated}" if rows_stated else name


def _download(
    artifact: Artifact, own: str, address: Any, stated: Mapping[Any, Any], lines: Lines
) -> Iterator[Observation]:
    """What the builder downloaded; a file of a hub's repository stands for the repository at that commit."""
    if not isinstance(address, str):
        return
    where = lines.at(artifact, address[:1000])
    on_hub = _ON_HUB.fullmatch(address)
    target = hub(f"{on_hub[1]}@{on_hub[2]}" if on_hub else address, Kind.DATASET)
    if target.hub and target.identity:
        yield named(target, Kind.DATASET, where, "download_checksums")
        yield Relation(source=own, target=target.identity)
        return
    identity = place(address, Kind.DATASET) if "://" in address else None
    if identity is None:
        return
    checksum = text(stated.get("checksum"), 100).lower()
    hashes = (
        (Hash(algorithm="SHA-256", value=checksum, declared=True),) if re.fullmatch(r"[0-9a-f]{64}", checksum) else ()
    )
    yield Component(
        kind=Kind.DATASET,
        identity=identity,
        name=title(identity),
        pinned=bool(hashes),
        hashes=hashes,
        occurrences=(Occurrence(location=where, symbol="download_checksums"),),
        properties=properties("dataset", stated, ("num_bytes",)),
    )
    yield Relation(source=own, target=identity)


def _catalogue(artifact: Artifact, entries: Mapping[str, Mapping[Any, Any]], lines: Lines) -> Iterator[Observation]:
    """LLaMA-Factory loads an entry by its name: from the hub, else the file beside the catalogue."""
    base = posixpath.dirname(artifact.path)
    for name, entry in entries.items():
        hub_name, file = entry.get("hf_hub_url"), entry.get("file_name")
        if isinstance(hub_name, str):
            target = hub(hub_name, Kind.DATASET)
            identity, revision = (target.identity, target.revision) if target.hub else (None, None)
            symbol, shown = "hf_hub_url", hub_name
        elif isinstance(file, str):
            identity, revision = place(file, Kind.DATASET, base), None
            symbol, shown = "file_name", file
        else:
            continue
        if identity:
            yield Reference(
                kind=Kind.DATASET,
                identity=identity,
                location=lines.at(artifact, shown, name),
                symbol=symbol,
                revision=revision,
                pinned=is_commit(revision),
            )


INSPECTOR = Inspector(
    name="dataset-info",
    claims=_claims,
    inspect=_inspect,
    reads="dataset_infos.json and dataset_info.json of datasets, TensorFlow Datasets and LLaMA-Factory: fields, splits "
    "with their rows, and what was downloaded with its declared checksum.",
    misses="Datasets of ModelScope in LLaMA-Factory's catalogue; whether the data beside is what is described.",
)
