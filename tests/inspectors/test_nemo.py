from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from mlgate.inspectors import mlflow, nemo
from tests.reading import artifact, read
from tests.test_pipeline import look

HOSTILE = "model:\n  encoder:\n    _target_: os.system\n    command: echo pwned\n"
PLAIN = "model:\n  encoder:\n    _target_: nemo.collections.asr.modules.ConformerEncoder\n  optim: {name: adamw}\n"


def archive(config: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo("./model_config.yaml")
        member.size = len(config)
        tar.addfile(member, io.BytesIO(config.encode()))
    return out.getvalue()


def found(tmp_path: Path, config: str) -> list[str]:
    (tmp_path / "m.nemo").write_bytes(archive(config))
    return [f.rule.id for f in look(tmp_path).inventory.findings]


def test_targets_in_archives(tmp_path: Path) -> None:
    assert found(tmp_path, PLAIN) == []
    assert found(tmp_path, HOSTILE) == ["MLG-MDL-130"]
    assert found(tmp_path, PLAIN.replace("nemo.collections.asr.modules", "mycorp.asr")) == ["MLG-MDL-131"]


@pytest.mark.parametrize(
    "target",
    ["pathlib.Path.chmod", "wsgiref.simple_server.make_server", "omegaconf.OmegaConf.save", "numpy.ndarray.tofile"],
)
def test_functions_that_touch_files_have_no_place_in_an_archive(tmp_path: Path, target: str) -> None:
    assert found(tmp_path, f"model:\n  _target_: {target}\n") == ["MLG-MDL-130"]


def test_ordinary_helpers_of_python_stay_quiet_in_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "conf.yaml").write_text("a: {_target_: os.path.join}\nb: {_target_: pathlib.Path.resolve}\n")
    assert [f.rule.id for f in look(tmp_path).inventory.findings] == []


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (HOSTILE, ["MLG-MDL-130"]),
        ("a: !!python/object/apply:os.system ['id']\n", ["MLG-MDL-132"]),
        ("x: [{_target_: builtins.eval}, {_target_: subprocess.run}]\n", ["MLG-MDL-130"] * 2),
        ("x: {_target_: mycorp.models.Net}\n", []),
        ("x: {_target_: math.sqrt}\n", []),
        ("x: !!python/tuple [1, 2]\n", []),
        ("note: use os.system here\n_target_: null\n", []),
    ],
)
def test_targets_in_the_repository(text: str, rules: list[str]) -> None:
    assert nemo.INSPECTOR.claims(artifact("conf/model.yaml", text.encode())) == (
        "_target_" in text or "!!python" in text
    )
    said = read(nemo.INSPECTOR, "conf/model.yaml", text)
    assert (said.rules, said.stopped) == (rules, None)


def test_the_line_is_told() -> None:
    assert read(nemo.INSPECTOR, "model_config.yaml", HOSTILE).findings[0].location.line == 3


PADDING = "# " + "x" * 9_000 + "\n"


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (PADDING + HOSTILE, ["MLG-MDL-130"]),
        (HOSTILE.replace("_target_", '"\\x5ftarget\\u005f"'), ["MLG-MDL-130"]),
        ('model:\n  ? "_tar\\\n    get_"\n  : os.system\n', ["MLG-MDL-130"]),
        (PADDING + "a: !!python/object/apply:os.system [id]\n", ["MLG-MDL-132"]),
        ("a: !!pyth%6Fn/object/apply:os.system [id]\n", ["MLG-MDL-132"]),
        ("%TAG !p! tag:yaml.org,2002:py\n---\na: !p!thon/object/apply:os.system [id]\n", ["MLG-MDL-132"]),
        ("a: !<tag:yaml.org,2002:p%79thon/name:os.system> x\n", ["MLG-MDL-132"]),
        ("a: !!python/tuple [1]\n", []),
    ],
)
def test_what_yaml_spells_otherwise_is_seen(text: str, rules: list[str]) -> None:
    data = text.encode()
    assert nemo.INSPECTOR.claims(artifact("conf.yaml", data)) is bool(rules) or "tuple" in text
    assert read(nemo.INSPECTOR, "conf.yaml", data).rules == rules


def test_targets_in_utf_16_are_seen_to_be_there() -> None:
    data = HOSTILE.encode("utf-16")
    assert nemo.INSPECTOR.claims(artifact("conf.yaml", data))
    assert read(nemo.INSPECTOR, "conf.yaml", data).rules == ["MLG-MDL-130"]


@pytest.mark.parametrize(
    "text", ['a: "\\u00e9"\nb: 1\n', "%TAG !e! tag:example.com,2000:\n---\na: !e!x 1\n", 'r: "\\n"\n---\nb: 2\n']
)
def test_escapes_and_tags_of_others_are_left_alone(text: str) -> None:
    assert not nemo.INSPECTOR.claims(artifact("conf.yaml", text.encode()))


def test_other_yaml_is_not_claimed_and_broken_yaml_is_incomplete() -> None:
    assert not nemo.INSPECTOR.claims(artifact("conf.yaml", b"a: 1\n"))
    assert read(nemo.INSPECTOR, "hparams.yaml", "a: [").stopped
    assert read(nemo.INSPECTOR, "m.nemo", "no archive").stopped


MODEL = """
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.pkl
  sklearn:
    pickled_model: model.pkl
mlflow_version: 2.9.2
model_uuid: abc
signature:
  inputs: '[{"name": "x", "type": "double"}]'
"""


def test_an_mlflow_model() -> None:
    assert mlflow.INSPECTOR.claims(artifact("model/MLmodel", b""))
    said = read(mlflow.INSPECTOR, "model/MLmodel", MODEL)
    assert said.rules == []
    model = said.components[0].model
    assert model
    assert model.architecture == "python_function, sklearn"
    assert dict(model.other) == {"mlflow_version": "2.9.2", "model_uuid": "abc"}


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        ("mlflow.sklearn", "my_loader", ["MLG-MDL-133"]),
        ("mlflow.sklearn", "mlflow_evil.sklearn", ["MLG-MDL-133"]),
        ("mlflow.sklearn", "subprocess", ["MLG-MDL-133"]),
        ("model_path: model.pkl", "code: code", ["MLG-MDL-134"]),
        ("model_path: model.pkl", "model_path: ../../x.pkl", ["MLG-MDL-135"]),
        ("model_path: model.pkl", "data: s3://bucket/x", ["MLG-MDL-135"]),
        ("model_path: model.pkl", "data: data/model", []),
        ("model_uuid: abc", "model_uuid: !!python/object/apply:os.system [id]", ["MLG-MDL-132"]),
    ],
)
def test_what_loading_an_mlflow_model_runs_and_reads(old: str, new: str, rules: list[str]) -> None:
    assert read(mlflow.INSPECTOR, "MLmodel", MODEL.replace(old, new)).rules == rules


@pytest.mark.parametrize("text", ["", "a: 1", "flavors: 1", "flavors: [", "flavors: {a: " + "[" * 5000])
def test_an_mlmodel_that_cannot_be_read_is_incomplete(text: str) -> None:
    assert read(mlflow.INSPECTOR, "MLmodel", text).stopped
