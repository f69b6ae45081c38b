from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.spacy import INSPECTOR
from tests.builders import pickles
from tests.builders.msgpack import pack, thinc, transformer
from tests.reading import artifact, read
from tests.test_pipeline import look

CONFIG = """
[paths]
train = null

[nlp]
lang = "en"
pipeline = ["ner"]
before_creation = null

[nlp.tokenizer]
@tokenizers = "spacy.Tokenizer.v1"

[components.ner]
factory = "ner"

[components.ner.model]
@architectures = "spacy-transformers.TransformerModel.v3"
name = "roberta-base"
tokenizer_config = {"use_fast":true,"trust_remote_code":false}

[training.optimizer]
@optimizers = "Adam.v1"
"""


def torch_zip(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3")
    return out.getvalue()


def test_an_ordinary_configuration_says_nothing() -> None:
    assert INSPECTOR.claims(artifact("model/config.cfg", CONFIG.encode()))
    assert read(INSPECTOR, "config.cfg", CONFIG).rules == []


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        ('"Adam.v1"', '"mine.Adam.v1"', ["MLG-MDL-146"]),
        ('"Adam.v1"', '"spacy_custom"', []),
        ("before_creation = null", '[nlp.before_creation]\n@callbacks = "customize"', ["MLG-MDL-146"]),
        (
            "before_creation = null",
            '[nlp.before_creation]\n@callbacks = "spacy.copy_from_base_model.v1"\nvocab = "../x"',
            ["MLG-MDL-145"],
        ),
        ('factory = "ner"', 'source = "../other"', ["MLG-MDL-145"]),
        ('code":false', 'code":true', ["MLG-MDL-147"]),
        ('code":false', 'code":"yes"', ["MLG-MDL-147"]),
        ('code":false', 'revision":"trust_remote_code"', []),
        ('name = "roberta-base"', "trust_remote_code = ${paths.train}", ["MLG-MDL-147"]),
    ],
)
def test_what_a_configuration_brings_in(old: str, new: str, rules: list[str]) -> None:
    assert read(INSPECTOR, "config.cfg", CONFIG.replace(old, new)).rules == rules


def test_configurations_of_others_are_left_alone_and_broken_ones_are_incomplete() -> None:
    assert read(INSPECTOR, "config.cfg", "[server]\nport = 1\n").stopped is None
    assert read(INSPECTOR, "config.cfg", "just text").stopped is None
    assert read(INSPECTOR, "config.cfg", CONFIG + "[nlp]\n").stopped


def test_the_pipeline_is_described() -> None:
    meta = '{"lang": "en", "name": "core", "spacy_version": ">=3.7.2", "pipeline": ["ner"], "license": "MIT"}'
    assert INSPECTOR.claims(artifact("meta.json", meta.encode()))
    (model,) = read(INSPECTOR, "meta.json", meta).components
    assert (model.model and model.model.architecture, model.licenses) == ("ner", ("MIT",))
    assert not INSPECTOR.claims(artifact("meta.json", b'{"lang": "en"}'))


def found(tmp_path: Path, data: bytes) -> list[str]:
    (tmp_path / "ner").mkdir()
    (tmp_path / "ner" / "model").write_bytes(data)
    return [f.rule.id for f in look(tmp_path).inventory.findings]


def test_weights_without_pytorch_are_numbers(tmp_path: Path) -> None:
    assert found(tmp_path, thinc()) == []


def test_harmless_weights_of_pytorch_in_shims(tmp_path: Path) -> None:
    # the warning: an archive in the middle of another file
    assert set(found(tmp_path, thinc(transformer(torch_zip(pickles.proto(2) + b"}."))))) == {"MLG-ARC-006"}


def test_pickles_in_shims_are_read(tmp_path: Path) -> None:
    state = pickles.os_system()
    assert "MLG-PKL-001" in found(tmp_path, thinc(pack({"config": {}, "state": state})))


def test_torch_archives_in_shims_are_read(tmp_path: Path) -> None:
    assert "MLG-PKL-001" in found(tmp_path, thinc(transformer(torch_zip(pickles.protocol_2()))))


def test_keys_may_stand_in_any_order(tmp_path: Path) -> None:
    inner = pack({"zzz": 1, "state": torch_zip(pickles.protocol_2())})
    assert "MLG-PKL-001" in found(tmp_path, pack({"zzz": 1, "shims": [[inner]], "nodes": []}))


@pytest.mark.parametrize(
    ("tokenizer", "rule"),
    [
        ({"kwargs": {"trust_remote_code": True}}, "MLG-MDL-147"),
        ({"../../.ssh/authorized_keys": b"key"}, "MLG-ARC-021"),
        ({"tokenizer_config.json": b'{"auto_map": {"AutoTokenizer": ["x--y.T", null]}}'}, "MLG-MDL-042"),
    ],
)
def test_tokenizer_files_that_are_written_and_loaded(tmp_path: Path, tokenizer: dict[str, bytes], rule: str) -> None:
    assert rule in found(tmp_path, thinc(transformer(b"", tokenizer)))


def test_other_files_named_model_are_not_claimed() -> None:
    for data in (pickles.os_system(), b"plain text", b"\x80", b""):
        assert not INSPECTOR.claims(artifact("x/model", data))


@given(st.binary(max_size=60), st.integers(0, 400))
def test_damaged_files_end(junk: bytes, at: int) -> None:
    data = thinc(transformer(b"state"))
    read(INSPECTOR, "model", data[:at] + junk + data[at + len(junk) :])
