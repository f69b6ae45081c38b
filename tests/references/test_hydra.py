"""Hydra's configuration groups: which file gives a loader its target."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.references._hydra import parts
from tests.repositories import commit
from tests.test_pipeline import look

MAIN = """\
import hydra
from transformers import AutoModel

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    AutoModel.from_pretrained(cfg.model.name)
"""


@pytest.mark.parametrize(
    ("files", "identity"),
    [
        ({"config": "defaults:\n- model: llama\n", "model/llama": "name: o/llama\n"}, "hf:o/llama"),
        (
            {"config": "defaults:\n- _self_\n- model: llama\nmodel: {name: o/x}\n", "model/llama": "name: o/llama\n"},
            "hf:o/llama",
        ),
        (
            {"config": "defaults:\n- model: llama\n- _self_\nmodel: {name: o/x}\n", "model/llama": "name: o/llama\n"},
            "hf:o/x",
        ),
        ({"config": "defaults:\n- base\n", "base": "model:\n  name: o/b\n"}, "hf:o/b"),
        ({"config": "defaults:\n- net/deep@model: a\n", "net/deep/a": "name: o/a\n"}, "hf:o/a"),
        ({"config": "defaults:\n- exp: a\n", "exp/a": "# @package _global_\nmodel: {name: o/e}\n"}, "hf:o/e"),
        ({"config": "defaults:\n- model: a\n", "model/a": "defaults:\n- b\n", "model/b": "name: o/b\n"}, "hf:o/b"),
        ({"config": "defaults:\n- model: a\n", "model/a": "name: ${other}\n"}, None),
        ({"config": "defaults:\n- model: gone\n"}, None),
        ({"config": "defaults:\n- model: ../../etc\n- /model: a\n- hydra/x: y\n"}, None),
        ({"config": "defaults:\n- config\n"}, None),
    ],
)
def test_groups(files: dict[str, str], identity: str | None, tmp_path: Path) -> None:
    commit(tmp_path, {"train.py": MAIN, **{f"conf/{name}.yaml": text for name, text in files.items()}})
    (reference,) = look(tmp_path).inventory.references
    assert reference.identity == identity
    assert reference.resolution.value == ("config" if identity else "unknown")


@given(
    st.dictionaries(st.from_regex(r"defaults\.\d{1,5}(\.[a-z@/ ]*)?", fullmatch=True), st.text(max_size=20), max_size=8)
)
def test_any_list_is_read(constants: dict[str, str]) -> None:
    assert all(".." not in part.path.split("/") for part in parts("conf/config.yaml", constants))
