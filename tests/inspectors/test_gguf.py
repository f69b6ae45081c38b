from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.gguf import INSPECTOR
from mlgate.records import Kind
from tests.builders.gguf import Gguf, Value, chat
from tests.reading import Said, artifact, read

KEYS: list[tuple[str, Value]] = [
    ("general.architecture", "llama"),
    ("general.name", "Tiny Llama"),
    ("general.license", "apache-2.0"),
    ("general.file_type", 15),
    ("llama.context_length", 2048),
    ("llama.rope.freq_base", 10000.0),
    ("tokenizer.ggml.add_bos_token", True),
    ("tokenizer.ggml.tokens", ["<s>", "</s>", "a", "b", "c", "d"]),
    ("tokenizer.ggml.token_type", [1, 2, 3]),
    ("tokenizer.chat_template", "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}"),
    ("general.base_model.count", 1),
    ("general.base_model.0.name", "Llama"),
    ("general.base_model.0.repo_url", "https://huggingface.co/meta-llama/Llama-3.2-1B"),
    ("general.dataset.0.repo_url", "https://huggingface.co/datasets/acme/signs"),
]
TENSORS = [("a", [32, 2], 0, 0), ("b", [256], 12, 256), ("c", [1], 24, 416)]
SOUND = Gguf(keys=KEYS, tensors=TENSORS, data=bytes(417))


def look(data: bytes, path: str = "m/tiny.gguf") -> Said:
    return read(INSPECTOR, path, data)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_version_in_both_byte_orders(version: int, order: str) -> None:
    said = look(dataclasses.replace(SOUND, version=version, order=order).build())
    assert said.stopped is None
    assert said.rules == []
    model = said.one("tiny.gguf")
    assert model.licenses == ("apache-2.0",)
    assert model.model is not None
    assert model.model.architecture_family == "llama"
    assert model.model.quantization == "Q4_K_M"
    assert model.model.parameters == 64 + 256 + 1
    told = dict(model.model.other)
    assert told["context-length"] == "2048"
    assert told["byte-order"] == ("big" if order == ">" else "little")


def test_lineage_is_what_the_header_names_by_its_page() -> None:
    said = look(SOUND.build())
    found = {(c.kind, c.identity) for c in said.components}
    assert (Kind.MODEL, "hf:meta-llama/Llama-3.2-1B") in found
    assert (Kind.DATASET, "dataset:hf:acme/signs") in found
    assert {(r.source, r.target, r.kind) for r in said.relations} == {
        ("file:m/tiny.gguf", "hf:meta-llama/Llama-3.2-1B", "derived-from"),
        ("file:m/tiny.gguf", "dataset:hf:acme/signs", "trained-on"),
    }


@pytest.mark.parametrize("url", ["Llama", "https://evil.example/huggingface.co/a/b", "https://huggingface.co/a/b/c"])
def test_a_page_elsewhere_is_no_identity(url: str) -> None:
    said = look(Gguf(keys=[("general.base_model.0.repo_url", url)]).build())
    assert said.relations == ()


HUGE = 1 << 62


@pytest.mark.parametrize(
    ("tensors", "data", "expected"),
    [
        ([("a", [32], 0, 0), ("b", [32], 0, 64)], 192, ["MLG-MDL-025"]),
        ([("a", [32], 0, 8)], 256, ["MLG-MDL-025", "MLG-MDL-025"]),
        ([("a", [HUGE, 8], 0, 0)], 256, ["MLG-MDL-025"]),
        ([("a", [33], 2, 0)], 0, ["MLG-MDL-025"]),
        ([("a", [32], 0, 0)], 4096, ["MLG-MDL-025"]),
        ([("a", [32], 0, 0), ("a", [32], 0, 128)], 256, ["MLG-MDL-026"]),
        ([("a", [32], 99, 0)], 256, ["MLG-MDL-027"]),
    ],
)
def test_lies_of_the_tensor_list_are_told(
    tensors: list[tuple[str, list[int], int, int]], data: int, expected: list[str]
) -> None:
    said = look(Gguf(tensors=tensors, data=bytes(data)).build())
    assert said.rules == expected
    assert said.stopped is None


@pytest.mark.parametrize("alignment", [0, 3, 1 << 30])
def test_alignment_is_a_power_of_two(alignment: int) -> None:
    assert "MLG-MDL-025" in look(Gguf(keys=[("general.alignment", alignment)]).build()).rules


def test_a_key_that_stands_twice_is_told_and_both_are_read() -> None:
    keys: list[tuple[str, Value]] = [
        ("tokenizer.chat_template", "{{ x }}"),
        ("tokenizer.chat_template", "{{ x.__class__ }}"),
    ]
    assert look(Gguf(keys=keys).build()).rules == ["MLG-MDL-026", "MLG-MDL-040"]


@pytest.mark.parametrize("key", ["tokenizer.chat_template", "tokenizer.chat_template.tool_use"])
def test_templates_are_looked_at_under_every_name(key: str) -> None:
    said = look(chat("{{ x.__init__.__globals__ }}", key))
    assert set(said.rules) == {"MLG-MDL-040"}
    assert {f.rule.clause for f in said.findings} == {"models.chat-template.unsafe-jinja"}
    assert look(chat("{{ x.y }}", key)).rules == []


def test_one_template_that_does_not_parse_hides_no_other() -> None:
    keys: list[tuple[str, Value]] = [
        ("tokenizer.chat_template", "{{ x"),
        ("tokenizer.chat_template.b", "{{ x.__class__ }}"),
    ]
    said = look(Gguf(keys=keys).build())
    assert said.rules == ["MLG-MDL-040"]
    assert said.stopped is not None
    assert said.stopped.reason == "malformed"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("import os; os.system('id')", "MLG-MDL-024"), ("\x1b]0;x\x07", "MLG-MDL-023"), ("<script src=x>", "MLG-MDL-023")],
)
def test_descriptions_are_only_text(value: str, expected: str) -> None:
    assert look(Gguf(keys=[("general.description", value)]).build()).rules == [expected]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"GGUF", "truncated"),
        (b"GGUF\x09\x00\x00\x00" + bytes(32), "unsupported"),
        (b"no gguf at all", "malformed"),
        (Gguf(key_count=1 << 60).build(), "limit"),
        (Gguf(tensor_count=1 << 60).build(), "limit"),
        (Gguf(key_count=9).build(), "truncated"),
        (Gguf(tensors=[("a", [1] * 9, 0, 0)]).build(), "malformed"),
        (Gguf(tensors=TENSORS, data=bytes(400)).build(), "truncated"),
        (SOUND.build()[:200], "truncated"),
        (chat("x" * (2 << 20)), "limit"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    stopped = look(data).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_what_stood_before_the_break_is_kept() -> None:
    whole = Gguf(keys=[("tokenizer.chat_template", "{{ x.__class__ }}"), ("tokenizer.ggml.tokens", ["a"] * 99)]).build()
    said = look(whole[:300])
    assert said.rules == ["MLG-MDL-040"]
    assert said.stopped is not None
    assert len(said.components) == 1


def test_the_content_is_known_under_any_name() -> None:
    assert INSPECTOR.claims(artifact("weights.bin", SOUND.build()))
    assert look(b"PK\x03\x04" + bytes(30)).rules == ["MLG-MDL-001"]


@given(st.integers(0, 800), st.binary(min_size=1, max_size=12))
def test_any_bytes_end_in_an_answer(at: int, noise: bytes) -> None:
    whole = SOUND.build()
    look(whole[:at] + noise + whole[at + len(noise) :])
    look(b"GGUF" + noise)
