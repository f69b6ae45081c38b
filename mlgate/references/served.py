"""Configurations that name the models to serve or train: LiteLLM, Ray Serve, vLLM, KServe, BentoML, Kedro, trainers.

A YAML file counts only for keys that are a tool's own (`_served`): `model:` alone is anybody's word. What the file
names and cannot be told (a wildcard, a variable, a server of one's own) is a reference without identity.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Inspector, Observation, Reference, Resolution
from mlgate.references._declared import Lines
from mlgate.references._documents import parse_json, parse_yaml, read_text, text
from mlgate.references._served import named_by
from mlgate.references._targets import is_commit

_LARGEST = 256 << 10  # a configuration by hand is a few kB
_ENDINGS = (".yaml", ".yml")
_ARGUMENTS = re.compile(rb'"(?:model_name_or_path|base_model)"\s*:')
_CATALOG = re.compile(r"catalog(?:[-_]\w+)?\.ya?ml|catalog/.+\.ya?ml")
_OURS = re.compile(
    rb"^[ \t-]*(?:model_list|model_loading_config|llm_configs|merge_method|model_name_or_path|modelURL)[ \t]*:"
    rb"|^kind:[ \t]*InferenceService|^apiVersion:[ \t]*kubeai\.org/"
    rb"|^(?:base_model|tensor[-_]parallel[-_]size|gpu[-_]memory[-_]utilization|max[-_]model[-_]len)[ \t]*:",
    re.MULTILINE,
)


def _is_catalog(artifact: Artifact) -> bool:
    path = artifact.path
    inside = path.startswith("conf/") or "/conf/" in path
    return inside and b"type:" in artifact.head and _CATALOG.search(path) is not None


def _claims(artifact: Artifact) -> bool:
    if artifact.depth == 0 and artifact.name.lower().endswith(".json"):
        return artifact.source.size <= _LARGEST and _ARGUMENTS.search(artifact.head) is not None
    if artifact.depth or not artifact.name.lower().endswith(_ENDINGS):
        return False
    bento = artifact.name in {"bentofile.yaml", "bentofile.yml"}
    return bento or _is_catalog(artifact) or _OURS.search(artifact.head) is not None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    try:
        content = read_text(artifact, _LARGEST)
        document = parse_json(content) if artifact.name.lower().endswith(".json") else parse_yaml(content)
    except Incomplete as stop:
        if stop.reason == "malformed":
            return  # a template of another tool (Helm, Jinja) more often than not, and nothing is run by it
        raise
    if not isinstance(document, dict):
        return
    lines = Lines(content)
    base = posixpath.dirname(artifact.path)
    name = "catalog" if _is_catalog(artifact) else artifact.name
    seen: set[tuple[str, str]] = set()
    for found in named_by(document, name, base):
        if (found.symbol, found.written) in seen:
            continue
        seen.add((found.symbol, found.written))
        target = found.target
        yield Reference(
            kind=found.kind,
            identity=target.identity,
            location=lines.at(artifact, found.written[:1000]),
            symbol=found.symbol[:200],
            revision=target.revision,
            pinned=target.hub and is_commit(target.revision),
            resolution=Resolution.LITERAL if target.identity else Resolution.UNKNOWN,
            purl=target.purl,
            expression="" if target.identity else text(found.written, 200),
        )


INSPECTOR = Inspector(
    name="served",
    claims=_claims,
    inspect=_inspect,
    reads="YAML configurations (and JSON of training arguments) "
    "that name models and datasets under keys of their own: LiteLLM, Ray Serve, vLLM, "
    "KServe, KubeAI, BentoML, Kedro's catalog, transformers' and TRL's arguments, LLaMA-Factory, axolotl, mergekit.",
    misses="Configurations of one's own, paths and names with variables, and YAML that is a template.",
)
