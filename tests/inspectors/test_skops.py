from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mlgate.inspectors.skops import INSPECTOR
from tests.builders import pickles
from tests.reading import Said, read
from tests.test_pipeline import look


def node(path: str, loader: str = "ObjectNode", **other: Any) -> dict[str, Any]:
    module, _, name = path.rpartition(".")
    return {"__class__": name, "__module__": module, "__loader__": loader, "__id__": 1, **other}


def pack(schema: Any, **members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("schema.json", schema if isinstance(schema, str) else json.dumps(schema))
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return out.getvalue()


def say(schema: Any) -> Said:
    return read(INSPECTOR, "m.skops", pack(schema))


PIPELINE = node(
    "sklearn.pipeline.Pipeline",
    content=node(
        "builtins.dict",
        "DictNode",
        content={
            "steps": node(
                "builtins.list", "ListNode", content=[node("sklearn.linear_model._logistic.LogisticRegression")]
            ),
            "function": node("numpy.log1p", "FunctionNode", content="numpy.log1p"),
            "getter": node("operator.itemgetter", "OperatorFuncNode", attrs=[]),
            "rng": node("numpy.random.mtrand.RandomState", "RandomStateNode"),
        },
    ),
    _skops_version="0.16",
)


def test_an_estimator_is_data() -> None:
    said = say(PIPELINE)
    assert said.rules == []
    assert said.stopped is None
    model = said.components[0].model
    assert model
    assert (model.architecture, dict(model.other)) == ("sklearn.pipeline.Pipeline", {"skops": "0.16"})


@pytest.mark.parametrize(
    "hostile",
    [
        node("os.system", "FunctionNode"),
        node("subprocess.Popen"),
        node("builtins.eval", "TypeNode"),
        node("operator.methodcaller", "OperatorFuncNode"),
        node("posix.system", "OperatorFuncNode"),
        node("sklearn.base.BaseEstimator", "MethodNode", content={"func": "__reduce__", "obj": {}}),
        node(
            "sklearn.base.BaseEstimator",
            "MethodNode",
            content={"func": "fit", "obj": node("somewhere.Else")},
        ),
    ],
)
def test_nodes_that_reach_code_block_however_deep(hostile: dict[str, Any]) -> None:
    assert "MLG-MDL-125" in say(hostile).rules
    assert "MLG-MDL-125" in say(PIPELINE | {"content": {"a": [{"b": hostile}]}}).rules


def test_types_that_have_to_be_trusted_are_told() -> None:
    assert say(node("mycorp.models.Ranker")).rules == ["MLG-MDL-126"]
    assert say(node("sklearn.x.Y", "StrangeNode")).rules == ["MLG-MDL-126"]
    method = {"func": "predict", "obj": node("sklearn.svm.SVC")}
    assert say(node("sklearn.svm.SVC", "MethodNode", content=method)).rules == []


@pytest.mark.parametrize("data", [b"no zip", pack("[]"), pack("no json"), pack("[" * 100_000)])
def test_what_cannot_be_read_is_incomplete(data: bytes) -> None:
    said = read(INSPECTOR, "m.skops", data)
    assert said.stopped
    assert said.stopped.reason == "malformed"


def test_pickles_in_the_archive_are_found(tmp_path: Path) -> None:
    (tmp_path / "m.skops").write_bytes(pack(PIPELINE, a__pkl=pickles.os_system()))
    (tmp_path / "n.skops").write_bytes(pack(PIPELINE))
    found = [(f.rule.id, f.location.member) for f in look(tmp_path).inventory.findings]
    assert ("MLG-PKL-001", "a.pkl") in found
    assert {member for _, member in found} == {"a.pkl"}
