"""HDF5: links and datasets that leave the file, pickles in attributes, and Keras models of versions 1 to 3 in it.

Source: HDF5 File Format Specification 3.0. Keras keeps a model's configuration as JSON in attributes of the root group
(keras/src/legacy/saving/legacy_h5_format.py); pandas and PyTables keep pickles in attributes and rows, and load them
when they are read (tables/attributeset.py: any byte string that ends with a full stop).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.identify import HEAD, identify
from mlgate.inspectors._hdf5 import Away, Cycle, Dataset, Node, walk
from mlgate.inspectors._hdf5_file import Hdf5File, superblock_offset
from mlgate.inspectors._hdf5_links import EXTERNAL, SOFT
from mlgate.inspectors._hdf5_rows import pickled, rows
from mlgate.inspectors._hdf5_rules import ELSEWHERE, PLUGIN, RULES, STRUCTURE
from mlgate.inspectors._hdf5_values import Attribute, texts
from mlgate.inspectors._hdf5_weights import Weights
from mlgate.inspectors._keras_config import parse
from mlgate.inspectors._keras_facts import Facts
from mlgate.inspectors._keras_objects import judge
from mlgate.inspectors._keras_rules import RULES as KERAS_RULES
from mlgate.inspectors._model_metadata import LONGEST_VALUE, SHARED_RULES, component, judge_metadata, shown
from mlgate.pickles.sniff import is_pickle
from mlgate.records import Artifact, Inspector, ModelFacts, Observation, Rule
from mlgate.sources import BytesSource

_SUFFIXES = (".h5", ".hdf5", ".keras", ".hdf", ".he5", ".h5ad", ".loom", ".nc", ".nc4", ".cdf", ".mat", ".jld2")
_MODELS = (".h5", ".hdf5", ".keras")
_SAID = 20
_CONFIGS = ("model_config", "training_config")
_STATED = ("keras_version", "backend")
# 1 to 6 are the library's own, the others registered with The HDF Group (its page "Registered Filter Plugins")
_REGISTERED = frozenset({*range(1, 7), 257, 258, *range(305, 308), *range(32000, 32050)})
_PROTOCOL = 5  # of pickles
_HALF_READ = 1 << 20


def claims(artifact: Artifact) -> bool:
    """HDF5 content, also behind a user block; far behind one only under HDF5's names."""
    if "hdf5" in artifact.formats:
        return True
    place = superblock_offset(BytesSource(artifact.head))
    if place is None and artifact.name.lower().endswith(_SUFFIXES):
        place = superblock_offset(artifact.source)
    return place is not None


@dataclass(slots=True)
class _Look:
    """What was gathered on the way through one file."""

    facts: Facts = field(default_factory=Facts)
    keras: bool = False
    stated: dict[str, str] = field(default_factory=dict)
    weights: Weights = field(default_factory=Weights)
    said: Counter[str] = field(default_factory=Counter)


def inspect(artifact: Artifact) -> Iterator[Observation]:
    """The component, findings, and pickles as artifacts. Raises Incomplete for what could not be read."""
    start = superblock_offset(artifact.source)
    if start is None:
        raise Incomplete("malformed", "no HDF5 signature where one can be")
    if start:
        yield from _user_block(artifact, start)
    file = Hdf5File(artifact.source, start)
    look = _Look()
    stopped: list[Incomplete] = []
    try:
        for item in walk(file):
            yield from _item(artifact, file, item, look, stopped)
    except Incomplete as stop:
        stopped.append(stop)
    yield from _component(artifact, look)
    if stopped:
        raise stopped[0]
    yield from _end(artifact, file)


def _item(
    artifact: Artifact, file: Hdf5File, item: Node | Away | Cycle, look: _Look, stopped: list[Incomplete]
) -> Iterator[Observation]:
    if isinstance(item, Cycle):
        yield from _say(artifact, look, STRUCTURE, f"Group {shown(item.path, 200)!r} contains itself", item.path)
    elif isinstance(item, Away):
        if item.link.kind == EXTERNAL:
            what = f"Link {shown(item.path, 200)!r} leads to {shown(item.link.file, 200)!r}"
            yield from _say(artifact, look, ELSEWHERE, what, item.link.file)
        elif item.link.kind != SOFT:
            what = f"Link {shown(item.path, 200)!r} is of the unknown kind {item.link.kind}"
            yield from _say(artifact, look, STRUCTURE, what, item.path)
    else:
        if item.dataset is not None:
            yield from _dataset(artifact, item.path, item.dataset, look)
            yield from _object(artifact, file, item, item.dataset, stopped)
        for attribute in item.attributes:
            try:
                yield from _attribute(artifact, file, item, attribute, look)
            except Incomplete as stop:
                detail = f"{stop.detail} (attribute {attribute.name[:100]!r})"
                stopped.append(Incomplete(stop.reason, detail, offset=stop.offset))


def _object(
    artifact: Artifact, file: Hdf5File, node: Node, dataset: Dataset, stopped: list[Incomplete]
) -> Iterator[Observation]:
    """A pickle as a dataset of bytes: hickle says so in `base_type`, others know it."""
    try:
        named = any(a.name == "base_type" and b"pickle" in texts(a, file) for a in node.attributes)
        data = pickled(file, dataset, named=named)
    except Incomplete as stop:
        stopped.append(Incomplete(stop.reason, f"{stop.detail} (dataset {node.path[-100:]!r})", offset=stop.offset))
        return
    if data is not None and is_pickle(BytesSource(data), 0):
        yield _inner(artifact, f"{node.path}@data.pkl", data)


def _dataset(artifact: Artifact, path: str, dataset: Dataset, look: _Look) -> Iterator[Observation]:
    look.weights.add(path, dataset)
    for name in dataset.external:
        what = f"The bytes of dataset {shown(path, 200)!r} are in {shown(name, 200)!r}"
        yield from _say(artifact, look, ELSEWHERE, what, name)
    for name in dataset.virtual:
        if name != ".":
            what = f"Dataset {shown(path, 200)!r} is put together from {shown(name, 200)!r}"
            yield from _say(artifact, look, ELSEWHERE, what, name)
    for used in dataset.filters:
        if used.number not in _REGISTERED:
            what = f"Dataset {shown(path, 200)!r} needs the filter {used.number} {shown(used.name, 100)!r}"
            yield from _say(artifact, look, PLUGIN, what, str(used.number))


def _attribute(
    artifact: Artifact, file: Hdf5File, node: Node, attribute: Attribute, look: _Look
) -> Iterator[Observation]:
    values = texts(attribute, file)
    if attribute.name == "PSEUDOATOM" and values[:1] == [b"object"] and node.dataset is not None:
        for number, row in enumerate(rows(file, node.dataset)):
            yield _inner(artifact, f"{node.path}@{number}.pkl", row)
    if attribute.type.kind == "opaque" and attribute.count == 1:
        values = [attribute.data[: attribute.type.size]]  # what is behind it fills up
    if attribute.name == "layer_names" or (attribute.name in _STATED and node.path == "/"):
        look.keras = True
    if attribute.name in _CONFIGS and values:
        look.keras = True
        for value in values:
            document = parse(value)
            if attribute.name == "model_config" and node.path == "/":
                look.facts = Facts.of(document)
            yield from judge(artifact, f"attribute {attribute.name}", document)
        return
    for value in values if attribute.count == 1 else ():
        if attribute.name in _STATED:
            look.stated[attribute.name] = value[:50].decode("utf-8", "replace")
        # whoever loads it does not ask what follows; the protocols without a mark at the beginning need one at the end
        marked = value[:1] == b"\x80" and 2 <= value[1] <= _PROTOCOL if len(value) > 2 else False
        if (marked or value[-1:] == b".") and is_pickle(BytesSource(value), 0):
            yield _inner(artifact, f"{node.path}@{attribute.name}.pkl", value)
        elif attribute.type.kind != "opaque":
            yield from _free_text(artifact, attribute.name, value, look)


def _free_text(artifact: Artifact, name: str, value: bytes, look: _Look) -> Iterator[Observation]:
    text = value[: LONGEST_VALUE + 1].decode("utf-8", "surrogateescape")
    for finding in judge_metadata(artifact, "attribute", [(name, text)]):
        look.said[finding.rule.id] += 1
        if look.said[finding.rule.id] <= _SAID:
            yield finding


def _inner(artifact: Artifact, path: str, data: bytes) -> Artifact:
    source, head = BytesSource(data), data[:HEAD]
    return dataclasses.replace(
        artifact,
        name=path.rpartition("@")[2],
        source=source,
        head=head,
        formats=identify(source, head),
        member=f"{artifact.member}!{path}" if artifact.member else path,
        depth=artifact.depth + 1,
    )


def _say(artifact: Artifact, look: _Look, rule: Rule, what: str, evidence: str) -> Iterator[Observation]:
    look.said[rule.id] += 1
    if look.said[rule.id] <= _SAID:
        yield rules.finding(rule, artifact.at(), f"{what}.", evidence=shown(evidence, 300))


def _user_block(artifact: Artifact, start: int) -> Iterator[Observation]:
    """MATLAB keeps a line of text before the signature; anything but text is another file in front of this one."""
    block = artifact.source.read_at(0, min(start, _HALF_READ))
    odd = [label for label in artifact.formats if label != "hdf5"]
    if odd or any(byte > 126 or (byte < 32 and byte not in b"\0\t\n\r") for byte in block.rstrip(b"\0")[:-4]):
        message = f"{start:,} bytes of {'+'.join(odd) or 'something else'} stand before the HDF5 content."
        yield rules.finding(STRUCTURE, artifact.at(), message, evidence="user block")


def _end(artifact: Artifact, file: Hdf5File) -> Iterator[Observation]:
    """The library refuses files that are shorter than they say, and does not see what is behind their end."""
    there = file.source.size
    # with a user block, writers count the end from it or from the start of the file
    ends = {file.end, file.end + file.start}
    if there < min(ends):
        raise Incomplete("truncated", f"the file says it ends at {file.end:,} and does at {there:,}")
    if artifact.source.read_at(max(ends), _HALF_READ).strip(b"\0\t\n\r "):
        message = f"{there - max(ends):,} bytes follow the end that the file states."
        yield rules.finding(STRUCTURE, artifact.at(offset=max(ends)), message, evidence="bytes after the end")


def _component(artifact: Artifact, look: _Look) -> Iterator[Observation]:
    """One for what is a model by name or content; other HDF5 files are data. In an archive the archive is the model."""
    named = PurePosixPath(artifact.name.lower()).suffix in _MODELS
    if not (named or look.keras or look.facts) or (artifact.depth and artifact.name.endswith("weights.h5")):
        return
    facts = look.facts
    yield component(
        artifact,
        ModelFacts(
            format="keras-hdf5" if look.keras else "hdf5",
            architecture_family=facts.family,
            architecture=facts.name,
            quantization=look.weights.kind,
            parameters=look.weights.parameters,
            inputs=facts.inputs,
            outputs=facts.outputs,
            other=(
                *facts.other,
                ("keras-version", look.stated.get("keras_version", facts.version)),
                ("backend", look.stated.get("backend", "")),
                ("datasets", str(look.weights.datasets)),
            ),
        ),
    )


INSPECTOR = Inspector(
    name="hdf5",
    claims=claims,
    inspect=inspect,
    rules=(*RULES, *KERAS_RULES, *SHARED_RULES),
    suffixes=_SUFFIXES,
    model=True,
    reads="All objects of HDF5 files (superblock 0 to 3, groups of the old and the new kind, dense links and "
    "attributes, user blocks): links, where each dataset's bytes are, filters, and attributes. The configuration in "
    "Keras's `model_config` and `training_config` is read as in `.keras` files, whatever the safe mode of the loader; "
    "attributes and datasets of bytes that are pickles (PyTables, pandas, hickle) are looked at as pickles.",
    misses="The values of other datasets: neither weights nor text in them are looked at. External references "
    "inside of datasets (HDF5 1.12) are not told.",
)
