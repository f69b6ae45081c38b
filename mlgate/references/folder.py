"""The configurations beside a model's weights: its architecture, and for an adapter the model that it is of.

Format: transformers' configuration_utils.py (`model_type`, `architectures`, `_name_or_path`, `quantization_config`),
PEFT's adapter_config.json (`base_model_name_or_path`, `revision`), diffusers' model_index.json and config.json
(`_class_name`, `_diffusers_version`). The component is the folder, as for cards; it is kept only where the folder holds
weights, has a card or is loaded by code (see `_joined`), since a configuration alone is no model.

`_name_or_path` is where the configuration was loaded from, on the machine of whoever saved it: often a folder. It
counts only when it is a name of the hub with an owner, or of one of the first models, which have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlgate.errors import Incomplete
from mlgate.records import (
    Artifact,
    Component,
    Inspector,
    Kind,
    ModelFacts,
    Observation,
    Occurrence,
    Pairs,
    Reference,
    Relation,
    Resolution,
)
from mlgate.references._declared import Lines, folder, hub, named
from mlgate.references._documents import parse_json, read_text, table, text, texts
from mlgate.references._joined import CONFIG, FOLDER, PIPELINE
from mlgate.references._targets import is_commit, with_revision

_LARGEST = 16 << 20
_FILES = frozenset({"config.json", "adapter_config.json", "model_index.json"})
_LOCAL = re.compile(r"(?:checkpoint|step|epoch|run|output|results?)[-_]?\w*", re.IGNORECASE)


def _claims(artifact: Artifact) -> bool:
    return not artifact.depth and artifact.name in _FILES


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.source.size > _LARGEST:
        return  # the huggingface reader says so where it is one of theirs
    try:
        content = read_text(artifact, _LARGEST)
        document = parse_json(content)
    except Incomplete:
        if artifact.name == "adapter_config.json":
            raise
        return  # config.json is anybody's name
    if not isinstance(document, dict):
        return
    if artifact.name == "adapter_config.json":
        yield from _adapter(artifact, document, Lines(content))
    elif artifact.name == "model_index.json":
        if isinstance(document.get("_class_name"), str):
            facts = ModelFacts(
                format="diffusers", architecture=text(document["_class_name"], 200), other=_version(document)
            )
            yield _component(artifact, facts, ((PIPELINE, "true"),))
            yield from _origin(artifact, document, Lines(content))
    elif _is_model(document):
        yield _component(artifact, _facts(document))
        yield from _origin(artifact, document, Lines(content))


def _is_model(document: Mapping[Any, Any]) -> bool:
    """Whether it is one: transformers writes `model_type` and its version or architectures, diffusers the class."""
    if isinstance(document.get("_class_name"), str) and "_diffusers_version" in document:
        return True
    others = ("architectures", "transformers_version", "torch_dtype", "dtype", "hidden_size", "d_model", "vocab_size")
    return isinstance(document.get("model_type"), str) and any(key in document for key in others)


def _component(artifact: Artifact, facts: ModelFacts, extra: Pairs = ()) -> Component:
    identity = folder(artifact.path)
    return Component(
        kind=Kind.MODEL,
        identity=identity,
        name=identity.removeprefix("file:").rpartition("/")[2],
        occurrences=(Occurrence(location=artifact.at(), symbol="configuration"),),
        model=facts,
        properties=(*extra, (FOLDER, CONFIG)),
    )


def _version(document: Mapping[Any, Any]) -> Pairs:
    pairs = (
        ("dtype", text(document.get("torch_dtype"), 50) or text(document.get("dtype"), 50)),
        ("context-length", text(document.get("max_position_embeddings"), 30)),
        ("vocabulary", text(document.get("vocab_size"), 30)),
        ("transformers-version", text(document.get("transformers_version"), 50)),
        ("diffusers-version", text(document.get("_diffusers_version"), 50)),
    )
    return tuple(pair for pair in pairs if pair[1])


def _facts(document: Mapping[Any, Any]) -> ModelFacts:
    diffusers = "_diffusers_version" in document
    names = ", ".join(texts(document.get("architectures"), most=10, limit=100)) or text(
        document.get("_class_name"), 200
    )
    return ModelFacts(
        format="diffusers" if diffusers else "transformers",
        architecture_family=text(document.get("model_type"), 100),
        architecture=names,
        quantization=_quantization(table(document.get("quantization_config"))),
        other=_version(document),
    )


def _quantization(config: Mapping[Any, Any]) -> str:
    """The method and its bits, as transformers' quantization_config names them."""
    method = text(config.get("quant_method"), 50)
    bits = text(config.get("bits"), 10) or text(config.get("w_bit"), 10)
    if not bits:
        bits = "4" if config.get("load_in_4bit") is True else "8" if config.get("load_in_8bit") is True else ""
    kind = text(config.get("bnb_4bit_quant_type"), 20) if bits == "4" else text(config.get("fmt"), 20)
    return " ".join(part for part in (method, f"{bits}-bit" if bits else "", kind) if part)


def _origin(artifact: Artifact, document: Mapping[Any, Any], lines: Lines) -> Iterator[Observation]:
    name = document.get("_name_or_path")
    if not isinstance(name, str) or any(_LOCAL.fullmatch(part) for part in name.split("/")):
        return
    target = hub(name, Kind.MODEL)
    if target.identity and target.hub:
        yield named(target, Kind.MODEL, lines.at(artifact, name), "_name_or_path", (("config:hint", "_name_or_path"),))
        yield Relation(source=folder(artifact.path), target=target.identity, kind="derived-from")


def _adapter(artifact: Artifact, document: Mapping[Any, Any], lines: Lines) -> Iterator[Observation]:
    """PEFT loads the base model of `base_model_name_or_path` at `revision` (peft/config.py), so it is a reference."""
    if "peft_type" not in document and "base_model_name_or_path" not in document:
        return  # the adapters library has a file of this name too
    ranks = (("rank", text(document.get("r"), 20)), ("alpha", text(document.get("lora_alpha"), 20)))
    facts = ModelFacts(
        format="peft",
        architecture_family=text(document.get("peft_type"), 50),
        task=text(document.get("task_type"), 50),
        other=tuple(pair for pair in ranks if pair[1]),
    )
    own = _component(artifact, facts)
    yield own
    name = document.get("base_model_name_or_path")
    if not isinstance(name, str) or not name.strip():
        return
    target = hub(name, Kind.MODEL)
    revision = text(document.get("revision"), 200) or None
    if target.hub and revision:
        target = with_revision(target, revision)
    yield Reference(
        kind=Kind.MODEL,
        identity=target.identity,
        location=lines.at(artifact, name),
        symbol="base_model_name_or_path",
        revision=target.revision,
        pinned=target.hub and is_commit(target.revision),
        resolution=Resolution.LITERAL if target.identity else Resolution.UNKNOWN,
        purl=target.purl,
        expression="" if target.identity else text(name, 200),
    )
    if target.identity:
        yield Relation(source=own.identity, target=target.identity, kind="adapter-of")


INSPECTOR = Inspector(
    name="model-folder",
    claims=_claims,
    inspect=_inspect,
    reads="config.json, adapter_config.json and model_index.json beside weights: architecture, type, quantisation, the "
    "model that an adapter is of with its revision, and where the configuration was loaded from.",
    misses="generation_config.json, trainer_state.json and training_args.bin, which name no model.",
)
