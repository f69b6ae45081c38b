"""spaCy pipelines: the configuration that `spacy.load` resolves, and the files of components with PyTorch weights.

Formats: spacy/language.py (`from_config`: `source`, callbacks), confection's registries (`@name = "function"`),
thinc/shims/pytorch.py and spacy_transformers/layers/hf_shim.py (`from_bytes`: `torch.load` of bytes inside MessagePack
inside MessagePack; tokenizer files that are written under their own names, then loaded with arguments of the file).
"""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Iterator
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._members import OUT as WRITES_OUT
from mlgate.inspectors._members import member
from mlgate.inspectors._model_metadata import component, shown
from mlgate.inspectors._msgpack import Map, Span, document
from mlgate.records import Artifact, Category, Inspector, ModelFacts, Observation, Rule, Severity
from mlgate.sources import SliceSource

_LARGEST = 1 << 20  # bytes of a configuration
_TOLD = 20
_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_KEYS = frozenset({"nodes", "attrs", "params", "shims"})  # of a Thinc model, thinc/model.py (to_bytes)
_INNER = ".thinc"  # our name for what a shim holds
_SPACY = ("spacy.", "spacy-", "spacy_", "curated_transformers.", "curated-transformers.", "thinc.", "langchain.")

SOURCE = Rule(
    id="MLG-MDL-145",
    title="spaCy pipeline that loads another one",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="`source`, or a callback that copies from a base model, has `spacy.load` load a second pipeline: an installed "
    "package, or a folder. What is in there is not part of this model.",
    remediation="Save the assembled pipeline (`nlp.to_disk`), and load that.",
    cwe=("CWE-829",),
)
FOREIGN = Rule(
    id="MLG-MDL-146",
    title="spaCy pipeline that needs functions of somebody's own",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The configuration names a registered function that neither spaCy nor its known extensions have. It comes "
    "from a package or a file that has to be installed, and runs when the pipeline is loaded.",
    remediation="Look at the code that registers the function, and pin it.",
    cwe=("CWE-829",),
)
REMOTE = Rule(
    id="MLG-MDL-147",
    title="spaCy pipeline that runs code from a model repository",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="`trust_remote_code` is set for a tokenizer or a transformer: loading it runs Python files that come with the "
    "model, or from the Hugging Face hub.",
    remediation="Use a model that transformers has the code for, or review the code and keep it in your repository.",
    cwe=("CWE-829", "CWE-494"),
    atlas=("AML.T0010", "AML.T0011.000"),
)


def _claims(artifact: Artifact) -> bool:
    name, head = artifact.name, artifact.head
    if name.endswith(".cfg"):
        return name == "config.cfg" or b"[nlp]" in head
    if name == "meta.json":
        return b'"spacy_version"' in head or b'"spacy"' in head
    if name.endswith(_INNER) and artifact.member is not None:
        return True
    # 0x80 is the empty map, and how pickles begin
    is_map = bool(head) and (0x80 < head[0] <= 0x8F or head[0] in (0xDE, 0xDF))
    return is_map and (name == "model" or any(head[1:].startswith(bytes((0xA0 | len(k),)) + k.encode()) for k in _KEYS))


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.name.endswith(".cfg"):
        yield from _config(artifact)
    elif artifact.name == "meta.json":
        yield from _meta(artifact)
    else:
        yield from _weights(artifact)


def _config(artifact: Artifact) -> Iterator[Observation]:
    text = artifact.source.read_at(0, _LARGEST + 1).decode("utf-8", "replace")
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep the case of keys
    try:
        parser.read_string(text)
    except configparser.Error as error:
        if "[nlp" not in text:
            return  # another program's config.cfg
        raise Incomplete("malformed", f"no configuration: {shown(str(error), 100)}") from error
    if "nlp" not in parser:
        return
    if len(text) > _LARGEST:
        raise Incomplete("limit", f"a configuration of more than {_LARGEST:,} bytes")
    said: dict[str, int] = {}
    for section in parser.sections():
        for key, value in parser[section].items():
            for rule, message, evidence in _judged(section, key, value):
                said[rule.id] = said.get(rule.id, 0) + 1
                if said[rule.id] <= _TOLD:
                    where = f"[{shown(section, 100)}]"
                    yield rules.finding(rule, artifact.at(), f"{where} {message}.", evidence=evidence)


def _judged(section: str, key: str, value: str) -> Iterator[tuple[Rule, str, str]]:
    try:
        read: Any = json.loads(value)
    except (ValueError, RecursionError):
        read = value
    text = shown(str(read), 200)
    if _trusts(key, read) or _trusts(key, _filled(value)):
        yield REMOTE, f"sets trust_remote_code in {shown(key, 60)!r}", f"{shown(key, 60)} = {text}"
    elif key.startswith("@") and isinstance(read, str):
        if not read.startswith(_SPACY) and not _thinc(read):
            yield FOREIGN, f"calls {text!r} of the registry {shown(key[1:], 40)!r}", text
        elif read.startswith("spacy.copy_from_base_model."):
            yield SOURCE, "copies from another pipeline", text
    elif key == "source" and section.startswith("components.") and isinstance(read, str):
        yield SOURCE, f"is taken from the pipeline {text!r}", text


def _filled(value: str) -> Any:
    """A value with variables: what they stand for comes before the JSON is read, and could be anything."""
    try:
        return json.loads(_VARIABLE.sub("1", value)) if "${" in value else None
    except (ValueError, RecursionError):
        return None


def _thinc(name: str) -> bool:
    """Thinc's own functions have no prefix: `Adam.v1`, `compounding.v1`, `Softmax.v1`; all are of layers or numbers."""
    stem, _, version = name.rpartition(".")
    return bool(stem) and "." not in stem and version[:1] == "v" and version[1:].isdigit()


def _trusts(key: str, value: Any) -> bool:
    """True when `trust_remote_code` is anything but off, here or within a value."""
    pending: list[tuple[str, Any]] = [(key, value)]
    for name, item in pending:  # grows while it is walked
        if name == "trust_remote_code" and item not in (False, None, "", 0):
            return True
        if isinstance(item, Map):
            pending.extend(item.pairs())
        elif isinstance(item, dict):
            pending.extend(item.items())
        elif isinstance(item, list):
            pending.extend(("", part) for part in item)
    return False


def _meta(artifact: Artifact) -> Iterator[Observation]:
    try:
        meta = json.loads(artifact.source.read_at(0, _LARGEST))
    except (ValueError, RecursionError) as error:
        raise Incomplete("malformed", "meta.json is no JSON, or too large") from error
    if not isinstance(meta, dict) or not isinstance(meta.get("lang"), str):
        return
    pipeline = meta.get("pipeline")
    parts = [str(part) for part in pipeline[:50]] if isinstance(pipeline, list) else []
    keys = ("name", "lang", "version", "spacy_version")
    other = tuple((key, shown(meta[key], 100)) for key in keys if isinstance(meta.get(key), str))
    facts = ModelFacts(format="spacy", architecture=", ".join(shown(part, 60) for part in parts)[:300], other=other)
    licence = meta.get("license")
    yield component(artifact, facts, licenses=[licence] if isinstance(licence, str) else [])


def _weights(artifact: Artifact) -> Iterator[Observation]:
    """A Thinc model, or what one of its shims holds. The weights of PyTorch inside go round as files of their own."""
    value = document(artifact.source)
    for key, item in value.pairs() if isinstance(value, Map) else ():
        if key == "shims" and isinstance(item, list):
            for number, shims in enumerate(item):  # one list for each node
                for shim in shims if isinstance(shims, list) else [shims]:
                    if isinstance(shim, Span):
                        yield member(
                            artifact, f"shims[{number}]{_INNER}", SliceSource(artifact.source, shim.start, shim.size)
                        )
        elif key == "state" and isinstance(item, Span):
            yield member(artifact, "state.pt", SliceSource(artifact.source, item.start, item.size))
        elif key == "tokenizer" and isinstance(item, Map):
            yield from _tokenizer(artifact, item)
        elif _trusts(key, item):
            yield rules.finding(REMOTE, artifact.at(), f"{shown(key, 60)!r} sets trust_remote_code.", evidence=key[:60])


def _tokenizer(artifact: Artifact, files: Map) -> Iterator[Observation]:
    for name, content in files.pairs():
        if _trusts(name, content):
            yield rules.finding(
                REMOTE, artifact.at(), "The tokenizer is loaded with trust_remote_code.", evidence=shown(name, 60)
            )
        elif isinstance(content, Span):
            if "/" in name or "\\" in name or name == "..":
                message = f"Loading writes the tokenizer's file {shown(name, 200)!r}."
                yield rules.finding(WRITES_OUT, artifact.at(), message, evidence=shown(name, 200))
            plain = name.replace("\\", "/").rsplit("/", 1)[-1] or "file"
            yield member(artifact, plain, SliceSource(artifact.source, content.start, content.size))


INSPECTOR = Inspector(
    name="spacy",
    claims=_claims,
    inspect=_inspect,
    rules=(SOURCE, FOREIGN, REMOTE, WRITES_OUT),
    suffixes=(_INNER,),
    model=True,
    reads="`config.cfg` with all functions and pipelines that it names; `meta.json`; the `model` file of each "
    "component: PyTorch weights and tokenizer files inside go through their own readers.",
    misses="Component factories by name (they come from installed packages); values put together by `${...}`; the "
    "other files of components, which hold numbers, strings and patterns only.",
)
