"""Modules and paths that the configurations of libraries around transformers name, and what those libraries do.

Sources: sentence-transformers 1 to 6 (SentenceTransformer._load_sbert_model; modules Router, Asym, Dense and
CrossEncoder: `import_from_string` of types and activation functions, without asking until 3.x and for `torch.` still),
diffusers' pipeline_loading_utils.py (imports the library of a component; any until 0.37), PEFT's LoraConfig
(`megatron_core`) and auto.py (`parent_library`), transformers' `transformers_weights`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from mlgate.inspectors._model_metadata import shown
from mlgate.pickles.table import look_up_path
from mlgate.records import Category, Rule, Severity

_MOST = 1000
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.\w+)+", re.ASCII)
_SENTENCE = re.compile(r"sentence_[\w-]+_config\.json")  # one for each architecture of the first versions
_ACTIVATIONS = ("activation_function", "activation_fn", "sbert_ce_default_activation_function")
_OWN = ("sentence_transformers.", "torch.nn.", "transformers.")
_SWITCH = "trust_remote_code"
# Libraries that diffusers' LOADABLE_CLASSES and pipelines of its own name.
_PIPELINE_LIBRARIES = frozenset(
    {"diffusers", "transformers", "onnxruntime.training", "accelerate", "peft", "optimum", "stable_diffusion"}
)

CONSENT = Rule(
    id="MLG-MDL-171",
    title="Model configuration that consents to remote code in the user's place",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The configuration sets `trust_remote_code` for the loader that it is read by: sentence-transformers until "
    "version 5 gave it on to transformers, which then runs Python of the model's repository without being asked.",
    remediation="Remove the key. Who uses the model says by `trust_remote_code=True` that its code was reviewed.",
    cwe=("CWE-829", "CWE-693"),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("LLM03:2025",),
)
OUTSIDE = Rule(
    id="MLG-MDL-172",
    title="Model configuration that takes parts from outside of its folder",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A path of a module or of weights is absolute or climbs out of the model's folder. Loaders join it with the "
    "folder's path, and load what is there: a file of the machine that nobody reviewed as a part of the model.",
    remediation="Do not load the model. Save it again with `save_pretrained` or `model.save`.",
    cwe=("CWE-22", "CWE-73"),
    atlas=("AML.T0010",),
)
MODULE_RULES = (CONSENT, OUTSIDE)


def named(file: str, document: Any, objects: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """(library, dotted name) for everything that loading the folder imports without a module of the folder's own.

    `file` is the configuration's name, `objects` all objects in it.
    """
    if file == "modules.json":
        for module in document[:_MOST] if isinstance(document, list) else ():
            name = module.get("type") if isinstance(module, dict) else None
            if isinstance(name, str) and not _is_class(name):
                yield "sentence-transformers", name
    if not isinstance(document, dict):
        return
    types = document.get("types")
    if isinstance(types, dict) and ("structure" in document or file == "router_config.json"):
        for name in list(types.values())[:_MOST]:
            if isinstance(name, str) and not _is_class(name):
                yield "sentence-transformers", name
    for value in objects:
        for key in _ACTIVATIONS:
            name = value.get(key)
            if isinstance(name, str) and _DOTTED.fullmatch(name) and not name.startswith(_OWN):
                yield "sentence-transformers", name
    if file == "adapter_config.json":
        yield from _adapter(document)


def _is_class(name: str) -> bool:
    """A class of sentence-transformers; what one of its modules has imported (`sentence_transformers.x.os`) is none."""
    return name.startswith("sentence_transformers.") and name.rpartition(".")[2][:1].isupper()


def _adapter(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    mapping = document.get("auto_mapping")
    name = mapping.get("parent_library") if isinstance(mapping, dict) else None
    if isinstance(name, str) and name.split(".")[0] not in {"transformers", "diffusers", "__main__", "torch"}:
        yield "PEFT", name
    name = document.get("megatron_core")
    if isinstance(name, str) and name and name.split(".")[0] != "megatron":
        yield "PEFT", name


def components(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(key, library, class) of a pipeline's components that are of no library of diffusers'."""
    for key, value in document.items():
        for pair in _pairs(value):
            if key == "_class_name" or (key[:1] != "_" and pair[0].split(".")[0] not in _PIPELINE_LIBRARIES):
                yield key, *pair


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    """[library, class], and with a description of what is loaded as third: the `type_hint` in it counts too."""
    if not isinstance(value, list) or not 2 <= len(value) <= 3:
        return
    hint = value[2].get("type_hint") if len(value) == 3 and isinstance(value[2], dict) else None
    for pair in (value[:2], hint):
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair):
            yield pair[0], pair[1]


def dangerous(name: str) -> bool:
    """Whether importing a name, or calling it, is what the table of pickles' names warns of."""
    return any(look_up_path(path)[0].level == "dangerous" for path in (name, f"{name}.x"))


def consents(file: str, objects: Iterable[dict[str, Any]]) -> bool:
    """Whether a configuration of sentence-transformers' Transformer module turns on remote code."""
    if _SENTENCE.fullmatch(file) is None:
        return False
    return any(value.get(_SWITCH) not in (None, False, "", 0) for value in objects)


def outside(file: str, document: Any) -> Iterator[tuple[str, str]]:
    """(key, path) of parts that are not in the model's folder."""
    found: list[tuple[str, Any]] = []
    if file == "modules.json" and isinstance(document, list):
        found = [("path", module.get("path")) for module in document[:_MOST] if isinstance(module, dict)]
    elif isinstance(document, dict):
        found = [("transformers_weights", document.get("transformers_weights"))]
        types = document.get("types")
        if isinstance(types, dict) and "structure" in document:
            found += [("types", name) for name in list(types)[:_MOST]]
    for key, path in found:
        if isinstance(path, str) and _leaves(path):
            yield key, shown(path, 200)


def _leaves(path: str) -> bool:
    plain = path.replace("\\", "/")
    return plain.startswith(("/", "~")) or ".." in plain.split("/") or re.match(r"[A-Za-z]:|\w+://", plain) is not None
