"""Where each tool's configuration names models and datasets: a function a tool, from the document to what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlgate.records import Kind
from mlgate.references._addresses import maker
from mlgate.references._declared import hub, place
from mlgate.references._documents import MOST, rows, table, text
from mlgate.references._dvc_kinds import kind_of
from mlgate.references._targets import NOWHERE, Target, with_revision

_WALKED = 20_000
# Providers of LiteLLM that serve open models by their name on the hub (docs.litellm.ai/docs/providers).
_OPEN = frozenset({"huggingface", "hosted_vllm", "vllm", "infinity", "petals"})
# Providers whose models are always reached by an address of the customer's.
_BY_ADDRESS = frozenset({"azure", "azure_ai", "bedrock", "sagemaker", "databricks", "watsonx", "vertex_ai"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Something a configuration names: what was written, under which key, and what it is (NOWHERE: cannot be told)."""

    kind: Kind
    written: str
    symbol: str
    target: Target = NOWHERE


def named_by(document: Mapping[Any, Any], name: str, base: str) -> Iterator[Named]:
    """All that a configuration names, by every tool whose own keys it has. `base` is the folder paths start from."""
    if name.startswith("catalog"):
        yield from kedro(document)
        return
    if name in {"bentofile.yaml", "bentofile.yml"}:
        yield from bento(document)
        return
    if "model_list" in document:
        yield from litellm(document)
    yield from _ray(document)
    if document.get("kind") == "InferenceService":
        yield from _kserve(document)
    for row in rows(table(document.get("servingEngineSpec")).get("modelSpec")):
        yield from _hub(row, "modelURL")  # vLLM's production stack, Helm values
    if document.get("kind") == "Model" and str(document.get("apiVersion")).startswith("kubeai.org/"):
        yield from _stored(table(document.get("spec")), "url")
    if _VLLM & document.keys():
        yield from _hub(document, "model", "revision")
    yield from _training(document, base)


_VLLM = frozenset(
    {"tensor-parallel-size", "tensor_parallel_size", "gpu-memory-utilization", "gpu_memory_utilization"}
    | {"max-model-len", "max_model_len", "served-model-name", "served_model_name"}
)
_AXOLOTL = frozenset({"sequence_len", "micro_batch_size", "val_set_size", "gradient_accumulation_steps", "adapter"})
_AXOLOTL_DATA = ("datasets", "test_datasets", "pretraining_dataset")


def _hub(holder: Mapping[Any, Any], key: str, revision: str = "", kind: Kind = Kind.MODEL) -> Iterator[Named]:
    """A name of the hub (or a path) under a key, with the revision under another."""
    written = holder.get(key)
    if not isinstance(written, str) or not written.strip():
        return
    target = NOWHERE if re.search(r"[${}]", written) else hub(written, kind)
    fixed = text(holder.get(revision), 200) if revision else ""
    if target.hub and fixed:
        target = with_revision(target, fixed)
    yield Named(kind=kind, written=written, symbol=key, target=target)


def _training(document: Mapping[Any, Any], base: str) -> Iterator[Named]:
    """Trainers: transformers' and TRL's arguments in YAML, LLaMA-Factory, axolotl, mergekit."""
    yield from _hub(document, "model_name_or_path", "model_revision")
    if "model_name_or_path" in document:
        yield from _hub(document, "dataset_name", "", Kind.DATASET)
        yield from _hub(document, "adapter_name_or_path")
    if "base_model" in document and len(_AXOLOTL & document.keys()) > 1:
        yield from _hub(document, "base_model", "revision_of_model")
        yield from _hub(document, "pretraining_dataset", "", Kind.DATASET)
        for row in (row for key in _AXOLOTL_DATA for row in rows(document.get(key), 100)):
            path = row.get("path")
            local = (
                isinstance(path, str) and kind_of(path) is Kind.DATASET and path.endswith((".json", ".jsonl", ".csv"))
            )
            if local:
                yield Named(kind=Kind.DATASET, written=str(path), symbol="path", target=_file(str(path), base))
            else:
                yield from _hub(row, "path", "revision", Kind.DATASET)
    if "merge_method" in document:
        yield from _hub(document, "base_model")
        for model in rows(document.get("models"), 100):
            yield from _hub(model, "model")
        for piece in rows(document.get("slices"), 200):
            for source in rows(piece.get("sources"), 100):
                yield from _hub(source, "model")


def _file(path: str, base: str, kind: Kind = Kind.DATASET) -> Target:
    identity = place(path, kind, base)
    return Target(identity=identity) if identity else NOWHERE


def _ray(document: Mapping[Any, Any]) -> Iterator[Named]:
    """Ray Serve's LLMConfig, wherever it stands: `model_source`, else `model_id` (ray.serve.llm ModelLoadingConfig)."""
    pending: list[Any] = [document]
    seen: set[int] = set()
    for _ in range(_WALKED):
        if not pending:
            return
        value = pending.pop()
        if not isinstance(value, dict | list) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, list):
            pending += reversed(value[:MOST])
            continue
        config = table(value.get("model_loading_config"))
        yield from _hub(config, "model_source" if config.get("model_source") else "model_id")
        pending += reversed(list(value.values())[:MOST])


def _kserve(document: Mapping[Any, Any]) -> Iterator[Named]:
    """`storageUri` of an InferenceService (kserve.github.io, storage)."""
    predictor = table(table(document.get("spec")).get("predictor"))
    for holder in [predictor, *predictor.values()]:
        yield from _stored(table(holder), "storageUri")


def _stored(holder: Mapping[Any, Any], key: str) -> Iterator[Named]:
    """`hf://owner/name:revision`, or an address; what is on a volume of the cluster is nowhere."""
    address = holder.get(key)
    if not isinstance(address, str) or address.startswith("pvc:"):
        return
    found = re.fullmatch(r"hf://([\w.-]+/[\w.-]+)(?::([\w./-]+))?(?:\?.*)?", address)
    target = hub(found[1], Kind.MODEL) if found else _file(address, "", Kind.MODEL) if "://" in address else NOWHERE
    if found and found[2]:
        target = with_revision(target, found[2])
    yield Named(kind=Kind.MODEL, written=address, symbol=key, target=target)


def litellm(document: Mapping[Any, Any]) -> Iterator[Named]:
    """`model_list[].litellm_params.model` is `provider/name` (docs.litellm.ai/docs/proxy/configs)."""
    for row in rows(document.get("model_list")):
        params = table(row.get("litellm_params"))
        written = params.get("model")
        if isinstance(written, str) and written.strip() and not written.startswith("auto_router/"):
            elsewhere = bool(params.get("api_base") or params.get("base_url"))
            target = routed(written.strip(), elsewhere=elsewhere)
            hosted = (target.identity or "").startswith("api:")
            kind = Kind.SERVICE if hosted else Kind.MODEL
            yield Named(kind=kind, written=written, symbol="litellm_params.model", target=target)


def routed(written: str, *, elsewhere: bool) -> Target:
    """What LiteLLM's name of a model means; `elsewhere` when an address is given, which may be of another server."""
    provider, slash, name = written.partition("/")
    if not slash:
        known = maker(written)
        return Target(identity=f"api:{known}:{written}") if known and not elsewhere else NOWHERE
    if "*" in name or not name or provider == "os.environ" or "{" in written:
        return NOWHERE
    if provider in {"ollama", "ollama_chat"}:
        model, _, tag = name.partition(":")
        return Target(identity=f"ollama:{model}", revision=tag or None)
    if provider in _OPEN:
        owner_and_name = "/".join(name.split("/")[-2:])  # huggingface/together/owner/name is served by together
        return hub(owner_and_name, Kind.MODEL) if "/" in owner_and_name else NOWHERE
    if (
        provider in {"openai", "custom_openai", "openai_like", "lm_studio", "llamafile", "text-completion-openai"}
        and elsewhere
    ):
        return NOWHERE  # some server that speaks OpenAI's protocol
    return Target(identity=f"api:{provider}:{name}") if re.fullmatch(r"[\w.-]+", provider) else NOWHERE


def bento(document: Mapping[Any, Any]) -> Iterator[Named]:
    """`models` of a bentofile: tags, or objects with one (docs.bentoml.com, bento build options)."""
    models = document.get("models")
    for model in models[:MOST] if isinstance(models, list) else ():
        tag = model.get("tag") if isinstance(model, dict) else model
        if isinstance(tag, str) and re.fullmatch(r"[\w.-]+(:[\w.-]+)?", tag):
            name, _, version = tag.partition(":")
            target = Target(identity=f"bentoml:{name}", revision=version or None)
            yield Named(kind=Kind.MODEL, written=tag, symbol="models", target=target)


_DATASET_TYPE = re.compile(r"[\w.]*(?:data_?sets?|DataSet|Dataset)\w*|[\w.]+\.\w*Data[Ss]et", re.IGNORECASE)
_NO_DATA = ("matplotlib.", "plotly.", "tracking.", "text.", "email.")


def kedro(document: Mapping[Any, Any]) -> Iterator[Named]:
    """Entries of a catalog: a `type` that is a Kedro dataset and a `filepath` from the project's root.

    Format: docs.kedro.org, data catalog. Names with braces are patterns, and paths with them are not resolved.
    """
    for entry in list(document.values())[:MOST]:
        options = table(entry)
        for _ in range(3):  # a cache, a partition or an artifact wraps another
            inner = options.get("dataset") or options.get("data_set")
            if not isinstance(inner, dict):
                break
            options = {**inner, "path": options.get("path")}
        kind = options.get("type")
        if not isinstance(kind, str) or not _DATASET_TYPE.fullmatch(kind) or kind.startswith(_NO_DATA):
            continue
        if kind.endswith("HFDataset"):
            yield from _hub(options, "dataset_name", "", Kind.DATASET)
        elif kind.endswith("HFTransformerPipelineDataset"):
            yield from _hub(options, "model_name")
        path = options.get("filepath") or options.get("path")
        if isinstance(path, str) and not re.search(r"[${}*]", path):
            what = kind_of(path)
            if what is not None:
                yield Named(kind=what, written=path, symbol=kind, target=_file(path, "", what))
