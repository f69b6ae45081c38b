"""NeMo archives, and configurations whose `_target_` is imported and called (Hydra's instantiate, NeMo's restore_from).

A `.nemo` file is a tar archive of `model_config.yaml` and weights (NeMo, save_restore_connector.py); its members
go round by the tar reader, and the configuration comes here as any other YAML with targets does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._bundle_expressions import reaching
from mlgate.inspectors._keras_config import LARGEST, values
from mlgate.inspectors._keras_config import parse as parse_json
from mlgate.inspectors._keras_yaml import calls, parse, says, tags
from mlgate.inspectors._model_metadata import component, not_it, shown
from mlgate.pickles.table import look_up_path
from mlgate.records import Artifact, Category, Inspector, ModelFacts, Observation, Rule, Severity, Source

_LARGEST = 1 << 20
_NAMES = frozenset({"model_config.yaml", "model_config.yml", "hparams.yaml", "hparams.yml"})
_YAML = (".yaml", ".yml")
_MARKS = (b"_target_", b"!!python/", b"tag:yaml.org,2002:python/")
_SPELLED = re.compile(rb'"[^"\n]{0,40}\\(?:[xuU_]|\r?\n)|^%TAG|![\w!<:.,/-]*%[0-9A-Fa-f]{2}', re.MULTILINE)
_HYPER = (b"!new:", b"!apply:", b"!applyref:", b"!name:", b"!module:")
_PIPELINE = re.compile(rb"^pipeline\s*:", re.MULTILINE)  # pyannote's config.yaml
_BUNDLE = (b"$import ", b"$__import__", b"bundle_root")
_TARGETS = frozenset({"_target_", "target", "cls"})
_LIBRARIES = frozenset(
    {
        "nemo",
        "torch",
        "torchaudio",
        "torchvision",
        "pytorch_lightning",
        "lightning",
        "transformers",
        "omegaconf",
        "hydra",
    }
    | {"megatron", "apex", "timm", "diffusers", "sklearn", "numpy", "torchmetrics", "monai", "datasets"}
)
# Hydra configurations put paths together with these; they open nothing.
_PATHS = frozenset(
    {"os.getcwd", "os.path.abspath", "os.path.basename", "os.path.dirname", "os.path.expanduser", "os.path.join"}
    | {"os.path.normpath", "os.path.splitext"}
)
_TOLD = 20
_CHOICES = 8  # texts of one key
_STEPS = 200
_LONG = 500
_REFERENCE = re.compile(r"\$\{\s*(?:([\w.\[\]-]+)|(?:oc\.)?env:[^,{}$]*,([^{}$]*))\s*\}")

TARGET = Rule(
    id="MLG-MDL-130",
    title="Configuration that calls what it names",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="`_target_` names a function that runs commands, evaluates code, reads files or reaches the network. Hydra's "
    "`instantiate`, and NeMo when it restores a model, import and call it with arguments of the same file.",
    remediation="Do not load the configuration. Take it from its source again, and allow targets by a list.",
    cwe=("CWE-470", "CWE-502"),
    atlas=("AML.T0010", "AML.T0011.000"),
)
FOREIGN = Rule(
    id="MLG-MDL-131",
    title="Model archive whose configuration needs somebody's own code",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="A target in the archive's configuration is not of the libraries that such models are made with; loading "
    "imports and calls it.",
    remediation="Look at the named class before you load the model.",
    cwe=("CWE-470",),
)
TAG = Rule(
    id="MLG-MDL-132",
    title="Configuration in YAML that makes Python objects",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A `!!python/` tag makes PyYAML's unsafe loaders import and call what it names while they read the file.",
    remediation="Remove the tag, and read YAML with `yaml.safe_load`.",
    cwe=("CWE-502",),
    atlas=("AML.T0011.000",),
)
EXPRESSION = Rule(
    id="MLG-MDL-173",
    title="Configuration with an expression that runs commands or other code",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="MONAI evaluates every text behind `$` in a bundle's configuration as Python. This one starts programs, runs "
    "code from elsewhere, removes files or reaches the network, which no network of layers needs.",
    remediation="Do not run the bundle. Take it from its source again.",
    cwe=("CWE-95", "CWE-94"),
    atlas=("AML.T0010", "AML.T0011.000"),
)


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    if name.endswith(".nemo") or name in _NAMES:
        return True
    if name.endswith(".json"):
        return any(mark in artifact.source.read_at(0, _LARGEST) for mark in (b'"_target_"', *_BUNDLE))
    return name.endswith(_YAML) and (_speaks(artifact.source) or _is_pipeline(artifact))


def _is_pipeline(artifact: Artifact) -> bool:
    """Whether it is like a pipeline of pyannote.audio: `name` is imported and called with `params`."""
    if artifact.name.lower() not in ("config.yaml", "config.yml"):
        return False
    data = artifact.source.read_at(0, _LARGEST)
    return _PIPELINE.search(data) is not None and b"params" in data


def _speaks(source: Source) -> bool:
    """Whether YAML names what is imported: by a target or a tag anywhere in it, plain or spelled in escapes."""
    data = source.read_at(0, _LARGEST)
    if any(mark in data for mark in (*_MARKS, *_BUNDLE, *_HYPER)):
        return True
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # YAML may be UTF-16
        text = data.decode("utf-16", "replace")
        return says(text, "_target_")
    # a quoted key can be written in escapes, a tag behind a %TAG line or with %70 for its letters
    odd = _SPELLED.search(data) is not None
    return odd and says(data.decode("utf-8-sig", "replace"), "_target_")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.name.lower().endswith(".nemo"):
        if not {"tar", "gzip", "zip"} & set(artifact.formats):
            yield from not_it(artifact, "nemo")
        elif "gzip" not in artifact.formats:
            yield component(artifact, ModelFacts(format="nemo"))
        return
    try:
        document, text = _read(artifact)
    except Incomplete:
        if artifact.name.lower().endswith(_YAML) and not _speaks(artifact.source) and artifact.name not in _NAMES:
            return  # somebody else's pipeline
        raise
    yield from _code(artifact, document, text)
    yield from _targets(artifact, document, text)


def _read(artifact: Artifact) -> tuple[Any, str]:
    """The document and its text; JSON that is indented with tabs is no YAML. Raises Incomplete."""
    if artifact.name.lower().endswith(".json"):
        data = artifact.source.read_at(0, LARGEST + 1)
        try:
            return parse_json(data), data.decode("utf-8", "replace")
        except Incomplete:
            if len(data) > LARGEST:
                raise
    return parse(artifact.source.read_at(0, _LARGEST + 1))


def _code(artifact: Artifact, document: Any, text: str) -> Iterator[Observation]:
    """Tags and expressions that are imported, called or evaluated."""
    for tag in tags(text)[:_TOLD]:
        name = shown(tag, 200)
        yield rules.finding(
            TAG, artifact.at(line=_line(text, tag)), f"The tag {name!r} makes an object.", evidence=name
        )
    expressions = [v for _, v in values(document) if isinstance(v, str) and v[:1] == "$" and v[:2] != "${"]
    for expression, what in islice(reaching(dict.fromkeys(expressions)), _TOLD):
        name = shown(expression, 200)
        message = f"The expression {name!r} uses {shown(what, 80)}."
        yield rules.finding(EXPRESSION, artifact.at(line=_line(text, expression)), message, evidence=name)
    for called in calls(text):
        if _rule(called, archived=False) is TARGET:
            name = shown(called, 200)
            message = f"A tag names {name!r}, which is imported and called."
            yield rules.finding(TARGET, artifact.at(line=_line(text, called)), message, evidence=name)


def _targets(artifact: Artifact, document: Any, text: str) -> Iterator[Observation]:
    told: set[str] = set()
    texts = _texts(document)
    for key, found in _named(document):
        for value in _spelled(found, texts) if key in _TARGETS and isinstance(found, str) else ():
            if "." not in value or value in told or len(told) >= _TOLD:
                continue
            rule = _rule(value, archived=artifact.member is not None)
            if rule is not None and (key == "_target_" or rule is TARGET):
                told.add(value)
                name = shown(value, 200)
                message = f"{key!r} is {name!r}, which is imported and called."
                yield rules.finding(rule, artifact.at(line=_line(text, found)), message, evidence=name)


def _named(document: Any) -> Iterator[tuple[str, Any]]:
    """All values; `name` beside `params` is what pyannote calls with them, as a target is."""
    for key, value in values(document):
        yield key, value
        if isinstance(value, dict) and isinstance(value.get("params"), dict):
            yield "target", value.get("name")


def _texts(document: Any) -> dict[str, list[str]]:
    """The texts of a document by the last part of their place, which is enough for every form of reference to one."""
    found: dict[str, list[str]] = {}
    for key, value in values(document):
        if isinstance(value, str):
            known = found.setdefault(str(key), [])
            if len(known) < _CHOICES and len(value) <= _LONG:
                known.append(value)
    return found


def _spelled(value: str, texts: dict[str, list[str]]) -> list[str]:
    """What a target can be when OmegaConf has put in what its `${...}` refer to; `${oc.env:NAME,default}` too."""
    done, left = [], [value]
    for _ in range(_STEPS):
        if not left:
            break
        text = left.pop()
        match = _REFERENCE.search(text)
        if match is None:
            done.append(text)
            continue
        if match[2] is not None:
            choices = [match[2].strip(" '\"")]
        else:
            choices = texts.get(re.split(r"[.\[\]]+", match[1].rstrip("]"))[-1], [])
        left += [text[: match.start()] + choice + text[match.end() :] for choice in choices if len(text) <= _LONG]
    return done


def _rule(target: str, *, archived: bool) -> Rule | None:
    if target in _PATHS and not archived:
        return None
    entry = look_up_path(target)[0]
    # what is only odd in a pickle is at home in a configuration, but not in the archive of a model
    if entry.level == "dangerous" and (archived or not entry.high):
        return TARGET
    own = entry.level == "safe" or target.split(".", maxsplit=1)[0] in _LIBRARIES
    return FOREIGN if archived and not own else None


def _line(text: str, word: str) -> int | None:
    at = text.find(word)
    return text.count("\n", 0, at) + 1 if at >= 0 else None


INSPECTOR = Inspector(
    name="nemo",
    claims=_claims,
    inspect=_inspect,
    rules=(TARGET, FOREIGN, TAG, EXPRESSION),
    suffixes=(".nemo",),
    model=True,
    reads="The configuration in the archive, and any YAML or JSON with `_target_`, Python tags, tags of HyperPyYAML, "
    "names that pyannote calls or expressions of MONAI bundles: every target through the same table as pickles. "
    "Weights and other members go through their own readers.",
    misses="What the constructors of somebody's own targets do. Targets that resolvers of somebody's own put together.",
)
