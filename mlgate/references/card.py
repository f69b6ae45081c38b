"""Hugging Face cards: the front matter of a README.md says what the folder's model or dataset is and was made of.

Format: huggingface.co/docs/hub/model-cards and datasets-cards, and the specifications modelcard.md and datasetcard.md
of hub-docs. The card is about its folder, so the component is the folder: `file:models/bert`, `file:.` at the root,
with `dataset:` in front for a dataset. That is also what `from_pretrained("./models/bert")` names.

Only front matter with the keys of a card is one: documentation tools begin their pages in the same way. What has
neither a key of model cards nor of dataset cards, nor a tag that says which, is left alone, and so are templates. The
card of a Space is an application's; the `models` and `datasets` that it lists are references.
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
)
from mlgate.references._declared import Lines, folder, hub, named
from mlgate.references._documents import parse_yaml, properties, rows, table, text, texts
from mlgate.references._joined import CARD, FOLDER

_LARGEST = 2 << 20
_LONG = 64 << 10  # front matter above this is long for its results, which are then left out
_NAMES = re.compile(r"(?:readme|model[-_]?card|data(?:set)?[-_]?card)\.md", re.IGNORECASE)
_MODEL_KEYS = frozenset(
    {
        *("library_name", "pipeline_tag", "base_model", "base_model_relation", "model-index", "new_version", "widget"),
        *("inference", "model_name", "quantized_by", "model_creator", "datasets", "co2_eq_emissions"),
    }
)
_DATASET_KEYS = frozenset(
    {
        *("task_categories", "task_ids", "size_categories", "source_datasets", "annotations_creators", "dataset_info"),
        *("language_creators", "multilinguality", "paperswithcode_id", "train-eval-index", "pretty_name"),
    }
)
_STRONG = frozenset({"base_model", "pipeline_tag", "model-index", "library_name"})
_SPACE_KEYS = frozenset({"app_file", "emoji", "colorFrom", "colorTo", "sdk_version", "app_port"})
_MODEL_TAGS = frozenset(
    {
        *(
            "transformers",
            "pytorch",
            "tensorflow",
            "tf",
            "jax",
            "safetensors",
            "onnx",
            "gguf",
            "lora",
            "peft",
            "diffusers",
        ),
        *("sentence-transformers", "text-generation", "text-classification", "image-classification", "finetuned"),
        *("stable-diffusion", "mlx", "keras", "spacy", "timm", "sklearn", "trl", "unsloth", "llama", "text-to-image"),
    }
)
_DATASET_TAGS = frozenset({"dataset", "datasets", "croissant", "webdataset", "synthetic-data"})
_OPENS = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*---[ \t]*\r?\n")
_KEY = re.compile(
    rb"^(?:" + b"|".join(re.escape(k).encode() for k in sorted(_MODEL_KEYS | _DATASET_KEYS)) + rb"|sdk|tags)[ \t]*:",
    re.MULTILINE,
)
_FRONT = re.compile(r"\A\s*---[ \t]*\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
_BULKY = re.compile(r"^(?:model-index|dataset_info|configs|widget):.*\n(?:(?:[ \t-].*)?\n)*", re.MULTILINE)
# The words of hub-docs for `base_model_relation`; where it is not stated, the card says only that it derives.
_RELATIONS = {
    "finetune": "fine-tuned-from",
    "adapter": "adapter-of",
    "quantized": "quantized-from",
    "merge": "merged-from",
}
_MOST = 200


def _claims(artifact: Artifact) -> bool:
    if artifact.depth or _NAMES.fullmatch(artifact.name) is None:
        return False
    head = artifact.head
    opened = _OPENS.match(head)
    if opened is None:
        return False
    end = re.compile(rb"^---", re.MULTILINE).search(head, opened.end())
    front = head[opened.end() : end.start() if end else len(head)]
    return b"{{" not in front and b"{%" not in front and _KEY.search(front) is not None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    content = artifact.source.read_at(0, _LARGEST).decode("utf-8-sig", "replace").replace("\r\n", "\n")
    found = _FRONT.match(content)
    if found is None:
        return  # a rule at the top of a page
    front = found[1]
    if len(front) > _LONG:
        front = _BULKY.sub("", front)
    try:
        card = parse_yaml(front)
    except Incomplete:
        if any(re.search(rf"^{key}:", front, re.MULTILINE) for key in _STRONG):
            raise
        return
    if not isinstance(card, dict):
        return
    lines = Lines(content[: found.end()])
    if "sdk" in card and _SPACE_KEYS & card.keys():
        yield from _space(artifact, card, lines)
        return
    kind = _kind(card)
    if kind is Kind.MODEL:
        yield from _model(artifact, card, lines)
    elif kind is Kind.DATASET:
        yield from _dataset(artifact, card, lines)


def _kind(card: Mapping[Any, Any]) -> Kind | None:
    model, dataset = bool(_MODEL_KEYS & card.keys()), bool(_DATASET_KEYS & card.keys())
    if model and dataset:
        return Kind.MODEL if _STRONG & card.keys() else Kind.DATASET
    if model or dataset:
        return Kind.MODEL if model else Kind.DATASET
    tags = {tag.lower() for tag in texts(card.get("tags"))}
    if not {"license", "language"} & card.keys() or not tags:
        return None
    if tags & _DATASET_TAGS:
        return Kind.DATASET
    return Kind.MODEL if tags & _MODEL_TAGS else None


def _licenses(card: Mapping[Any, Any]) -> tuple[str, ...]:
    stated = texts(card.get("license", card.get("licenses")), most=10, limit=100)
    name = text(card.get("license_name"), 100)
    return tuple(name if one == "other" and name else one for one in stated)


def _common(card: Mapping[Any, Any]) -> Pairs:
    # YAML 1.1 reads Norwegian as false; the hub reads YAML 1.2
    language = card.get("language", card.get("languages"))
    spoken = language if isinstance(language, list) else [language]
    told = {**card, "language": ["no" if one is False else one for one in spoken[:_MOST]]}
    gated = (("card:gated", "true"),) if any(str(key).startswith("extra_gated_") for key in list(card)[:_MOST]) else ()
    return properties("card", told, ("license_link", "language", "pretty_name", "tags", "new_version")) + gated


def _component(
    artifact: Artifact, card: Mapping[Any, Any], kind: Kind, extra: Pairs, facts: ModelFacts | None
) -> Component:
    identity = folder(artifact.path)
    name = identity.removeprefix("file:").rpartition("/")[2]
    return Component(
        kind=kind,
        identity=identity if kind is Kind.MODEL else f"dataset:{identity}",
        name=name,
        licenses=_licenses(card),
        occurrences=(Occurrence(location=artifact.at(), symbol="card"),),
        model=facts,
        properties=(*_common(card), *extra, (FOLDER, CARD)),
    )


def _model(artifact: Artifact, card: Mapping[Any, Any], lines: Lines) -> Iterator[Observation]:
    evaluated, metrics = _results(card)
    other = (("library", text(card.get("library_name"), 100)),)
    facts = ModelFacts(task=text(card.get("pipeline_tag"), 100), other=tuple(p for p in other if p[1]), metrics=metrics)
    own = _component(artifact, card, Kind.MODEL, properties("card", card, ("model_name", "quantized_by")), facts)
    yield own
    stated = card.get("base_model_relation")
    kind = _RELATIONS.get(stated, "derived-from") if isinstance(stated, str) else "derived-from"
    yield from _named(own, card.get("base_model"), Kind.MODEL, "base_model", kind, artifact, lines)
    yield from _named(own, card.get("datasets"), Kind.DATASET, "datasets", "trained-on", artifact, lines)
    yield from _named(own, evaluated, Kind.DATASET, "model-index", "evaluated-on", artifact, lines)


def _named(
    own: Component, value: Any, kind: Kind, key: str, relation: str, artifact: Artifact, lines: Lines
) -> Iterator[Observation]:
    for name in texts(value, most=_MOST, limit=200):
        target = hub(name, kind)
        if target.identity is None or target.identity == own.identity or not target.hub:
            continue  # a path on the machine of whoever made it, or a page
        yield named(target, kind, lines.at(artifact, name, key), key)
        yield Relation(source=own.identity, target=target.identity, kind=relation)


def _results(card: Mapping[Any, Any]) -> tuple[list[str], tuple[tuple[str, str, str], ...]]:
    """Datasets of the hub that the model was measured on, and (metric, value, what it was measured on)."""
    datasets: list[str] = []
    metrics: list[tuple[str, str, str]] = []
    for model in rows(card.get("model-index"), 10):
        for result in rows(model.get("results"), _MOST):
            task, dataset = table(result.get("task")), table(result.get("dataset"))
            name = text(dataset.get("type"), 200)
            datasets += [name] if "/" in name else []  # without an owner it is as often a word of somebody's own
            parts = (text(task.get("type"), 100), text(dataset.get("name"), 200) or name, *_split(dataset))
            where = " / ".join(part for part in parts if part)
            metrics += [
                (text(metric.get("type"), 100) or text(metric.get("name"), 100), text(metric.get("value"), 100), where)
                for metric in rows(result.get("metrics"), 20)
            ]
    return list(dict.fromkeys(datasets)), tuple(dict.fromkeys(m for m in metrics if m[0] and m[1]))[:_MOST]


def _split(dataset: Mapping[Any, Any]) -> tuple[str, str]:
    return text(dataset.get("config"), 100), text(dataset.get("split"), 100)


def _dataset(artifact: Artifact, card: Mapping[Any, Any], lines: Lines) -> Iterator[Observation]:
    names = ("size_categories", "task_categories", "task_ids", "annotations_creators", "language_creators")
    told = properties("card", card, (*names, "multilinguality", "source_datasets"))
    info = card.get("dataset_info")
    for config in [info] if isinstance(info, dict) else list(rows(info, 50)):
        label = text(config.get("config_name"), 100)
        told += _schema(config, f"{label}/" if label else "")
    own = _component(artifact, card, Kind.DATASET, told, None)
    yield own
    sources = [name.removeprefix("extended|") for name in texts(card.get("source_datasets"), limit=200)]
    sources = [name for name in sources if name not in {"original", "extended"} and not name.startswith("other-")]
    yield from _named(own, sources, Kind.DATASET, "source_datasets", "derived-from", artifact, lines)


def _schema(config: Mapping[Any, Any], label: str) -> Pairs:
    """Fields with their types and splits with their rows, as `datasets` writes them into a card."""
    fields = [
        f"{text(field.get('name'), 100)}: {_type(field)}"
        for field in rows(config.get("features"), 100)
        if "name" in field
    ]
    splits = [
        f"{text(split.get('name'), 100)}: {text(split.get('num_examples'), 30)}"
        for split in rows(config.get("splits"), 50)
        if "name" in split and "num_examples" in split
    ]
    told = (("card:features", fields), ("card:splits", splits))
    return tuple((key, (label + ", ".join(found))[:1000]) for key, found in told if found)


def _type(field: Mapping[Any, Any]) -> str:
    dtype = field.get("dtype")
    if isinstance(dtype, dict):
        return text(next(iter(dtype), ""), 50)
    return text(dtype, 50) or next((text(key, 50) for key in field if key in {"list", "sequence", "struct"}), "?")


def _space(artifact: Artifact, card: Mapping[Any, Any], lines: Lines) -> Iterator[Observation]:
    """`models` and `datasets` of a Space are those that its application uses (hub-docs, spaces-config-reference)."""
    for key, kind in (("models", Kind.MODEL), ("datasets", Kind.DATASET)):
        for name in texts(card.get(key), most=_MOST, limit=200):
            target = hub(name, kind)
            if target.identity and target.hub:
                yield Reference(
                    kind=kind,
                    identity=target.identity,
                    location=lines.at(artifact, name, key),
                    symbol=key,
                    purl=target.purl,
                )


INSPECTOR = Inspector(
    name="card",
    claims=_claims,
    inspect=_inspect,
    reads="The front matter of Hugging Face's model, dataset and Space cards: licence, task, languages, base models "
    "with their relation, training and evaluation datasets, results, sizes, fields and splits.",
    misses="The text below the front matter; cards that say neither of a model nor of a dataset; whether any of it is "
    "true.",
)
