"""Gradient boosting: XGBoost (UBJSON, JSON), LightGBM (text), CatBoost (FlatBuffers). None of them holds code.

Formats: XGBoost, "Introduction to Model IO" and doc/model.schema; LightGBM's GBDT::SaveModelToString; CatBoost's
TFullModel::Save (magic "CBM1", size of the core, then FlatBuffers).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import SHARED_RULES, component, judge_metadata, not_it, shown
from mlgate.inspectors._ubjson import texts
from mlgate.records import Artifact, Inspector, ModelFacts, Observation

_LARGEST = 128 * 2**20
_UBJSON = re.compile(rb"\{(?:L\0{7}|l\0{3}|i|U)(?:\x07learner|\x07version)")
_JSON = re.compile(rb'\{\s*"(?:learner"\s*:\s*\{|version"\s*:\s*\[\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\]\s*,\s*"learner")')
_LIGHTGBM = re.compile(rb"tree\r?\nversion=v\d+\r?\n")
_CATBOOST = b"CBM1"
_OLD = (b"binf", b"bs64")
_SUFFIXES = (".ubj", ".xgb", ".lgb", ".cbm")
_FACTS = {"learner.objective.name": "objective", "learner.gradient_booster.name": "booster"}


def _form(artifact: Artifact) -> str:
    head = artifact.head
    if _UBJSON.match(head):
        return "xgboost-ubjson"
    if _JSON.match(head):
        return "xgboost-json"
    if _LIGHTGBM.match(head):
        return "lightgbm"
    if head[:4] == _CATBOOST:
        return "catboost"
    return ""


def _claims(artifact: Artifact) -> bool:
    return bool(_form(artifact)) or artifact.name.lower().endswith(_SUFFIXES)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    form = _form(artifact)
    if not form:
        if artifact.head[:4] in _OLD:
            raise Incomplete("unsupported", "XGBoost's binary format of before 3.1, which nothing describes")
        yield from not_it(artifact, "a boosted model")
        return
    if form == "catboost":
        yield from _catboost(artifact)
        return
    told = _lightgbm(artifact) if form == "lightgbm" else _xgboost(artifact, form)
    facts = {name: told.get(path, "") for path, name in _FACTS.items()} | {
        key: told[key] for key in ("objective", "num_class") if key in told
    }
    other = tuple((key, shown(value, 100)) for key, value in facts.items())
    yield component(artifact, ModelFacts(format=form, architecture="gradient boosting", other=other))
    yield from judge_metadata(artifact, "value", sorted(told.items()))


def _xgboost(artifact: Artifact, form: str) -> dict[str, str]:
    """The model's strings by path. Raises Incomplete."""
    if form == "xgboost-ubjson":
        return texts(artifact.source)
    if artifact.source.size > _LARGEST:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes of JSON are over {_LARGEST:,}")
    try:
        document = json.loads(artifact.source.read_at(0, _LARGEST))
    except (ValueError, RecursionError) as error:
        raise Incomplete("malformed", f"no JSON: {str(error)[:100]}") from None
    found: dict[str, str] = {}
    left: list[tuple[str, Any]] = [("", document)]
    while left and len(found) < 2_000:
        path, value = left.pop()
        if isinstance(value, dict):
            left.extend((f"{path}.{key}".lstrip(".")[:200], inner) for key, inner in value.items())
        elif isinstance(value, list) and any(isinstance(inner, (str, dict)) for inner in value[:1]):
            left.extend((f"{path}.{index}", inner) for index, inner in enumerate(value[:1000]))
        elif isinstance(value, str):
            found[path] = value
    return found


def _lightgbm(artifact: Artifact) -> dict[str, str]:
    """The header's values; the trees are numbers. Raises Incomplete when there is no end to the trees."""
    found: dict[str, str] = {}
    for line in artifact.source.read_at(0, 1 << 20).decode("utf-8", "backslashreplace").splitlines()[1:]:
        key, mark, value = line.partition("=")
        if not mark or key == "Tree":
            break
        found[key[:100]] = value
    size = artifact.source.size
    tail = artifact.source.read_at(max(0, size - (8 << 20)), 8 << 20)
    if b"end of trees" not in tail:
        raise Incomplete("truncated", "the trees do not end", offset=size)
    return found


def _catboost(artifact: Artifact) -> Iterator[Observation]:
    size = artifact.source.size
    core = int.from_bytes(artifact.head[4:8], "little")
    if size < 12 or core > size - 8:
        raise Incomplete("truncated", f"the model would be {core:,} bytes long and {max(0, size - 8):,} are there")
    root = int.from_bytes(artifact.head[8:12], "little")
    if not 4 <= root < core:
        raise Incomplete("malformed", "the model's first table is outside of it", offset=8)
    other = (("core", str(core)),)
    yield component(artifact, ModelFacts(format="catboost", architecture="gradient boosting", other=other))


INSPECTOR = Inspector(
    name="boosting",
    claims=_claims,
    inspect=_inspect,
    rules=SHARED_RULES,
    suffixes=(*_SUFFIXES, ".json", ".txt", ".model", ".bin"),
    model=True,
    reads="XGBoost's UBJSON from its first byte to its last and its JSON, LightGBM's text, the sizes of CatBoost's "
    "models, and the free text in all of them. None of these formats holds code.",
    misses="Trees are not checked number by number; XGBoost's old binary format is incomplete.",
)
