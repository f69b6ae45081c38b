from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.mxnet import INSPECTOR
from mlgate.records import ModelFacts
from tests.builders.mxnet import V1, V2, V3, array, empty, graph, node, oldest, params, rows, symbol
from tests.reading import Said, artifact, read

SOUND = symbol(node("Convolution", kernel="(3, 3)"), node("SoftmaxOutput"))
ARRAYS = params(array(2, 3), array(4, kind=6, width=8), rows(2, 5, 3))


def look(data: bytes, path: str = "m/birds-symbol.json") -> Said:
    return read(INSPECTOR, path, data)


def facts(said: Said) -> ModelFacts:
    (found,) = [c.model for c in said.components]
    assert found is not None
    return found


@pytest.mark.parametrize("path", ["m/birds-symbol.json", "m/model.json"])
def test_a_graph_is_described_by_what_it_says(path: str) -> None:
    said = look(SOUND, path)
    assert (said.rules, said.stopped) == ([], None)
    found = facts(said)
    assert (found.format, found.inputs) == ("mxnet", ("data",))
    assert dict(found.other) == {"version": "10901", "operators": "2", "variables": "2"}
    assert INSPECTOR.claims(artifact(path, SOUND))


HOSTILE = [
    (node("_Native", info="0x7f0012345678"), "MLG-MDL-093", "0x7f0012345678"),
    (node("_NDArray", info="0x7f0012345678"), "MLG-MDL-093", "0x7f0012345678"),
    (node("TorchModule", lua_string="os.execute('id')"), "MLG-MDL-093", "os.execute"),
    (node("TorchCriterion", "param", lua_string="os.execute('id')"), "MLG-MDL-093", "os.execute"),
    (node("_cvimread", filename="/etc/passwd"), "MLG-MDL-094", "/etc/passwd"),
    (node("Custom", op_type="proposal"), "MLG-MDL-092", "proposal"),
    (node("Custom", "attr", op_type="proposal"), "MLG-MDL-092", "proposal"),
    (node("tvm_op", func_name="fuse_conv2d"), "MLG-MDL-092", "fuse_conv2d"),
    (node("_TensorRT"), "MLG-MDL-097", "_TensorRT"),
]


@pytest.mark.parametrize(("one", "rule", "what"), HOSTILE)
@pytest.mark.parametrize("inside", [False, True])
def test_operators_that_reach_out_are_told_in_every_graph(
    one: dict[str, Any], rule: str, what: str, inside: bool
) -> None:
    one = node("_foreach", subgraphs=[graph(node("_cond", subgraphs=[graph(one)]))]) if inside else one
    said = look(symbol(node("Convolution"), one))
    assert (said.rules, said.stopped) == ([rule], None)
    assert what in said.findings[0].message


def test_near_names_are_no_alarm() -> None:
    names = ("CustomLike", "_native", "_cvimdecode", "TorchModules", "_sg_mkldnn_conv")
    assert look(symbol(*map(node, names))).rules == []


@pytest.mark.parametrize(
    ("data", "elements"),
    [
        (ARRAYS, 6 + 4 + 15),
        (params(array(2, 3, magic=V1)), 6),
        (params(array(2, 3, magic=V3), array(magic=V3)), 7),
        (params(oldest(2, 3), oldest(4)), 10),
        (params(empty(), array(0, 3)), 0),
        (params(array(2), names=()), 2),
        (params(), 0),
    ],
)
def test_arrays_of_all_versions_are_walked_to_their_end(data: bytes, elements: int) -> None:
    said = look(data, "m/birds-0001.params")
    assert (said.rules, said.stopped) == ([], None)
    assert facts(said).parameters == elements
    assert INSPECTOR.claims(artifact("weights.bin", data))


def test_names_and_arrays_agree() -> None:
    assert look(params(array(2), names=("a", "b")), "a.params").rules == ["MLG-MDL-096"]
    said = look(ARRAYS + b"more", "a.params")
    assert said.rules == ["MLG-MDL-096"]
    assert said.findings[0].severity == "medium"


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("a-symbol.json", b"", "truncated"),
        ("a-symbol.json", SOUND[:-3], "malformed"),
        ("a-symbol.json", b'{"nodes": 1}', "malformed"),
        ("a-symbol.json", b'{"nodes": ' + b"[" * 100_000, "limit"),
        ("a-symbol.json", b'{"nodes": [], "a": "' + b"x" * (17 << 20) + b'"}', "limit"),
        ("a.params", ARRAYS[:-2], "truncated"),
        ("a.params", params(array(2), count=9), "malformed"),
        ("a.params", params(count=1 << 60), "truncated"),
        ("a.params", params(array(2, kind=77)), "malformed"),
        ("a.params", params(struct.pack("<Ii", V2, 9)), "malformed"),
        ("a.params", params(struct.pack("<Iiiqq", V2, 0, 2, -1, 3) + bytes(12)), "malformed"),
        ("a.params", params(struct.pack("<Iii", V2, 0, 99)), "malformed"),
        ("a.params", (0xF7E58D4F05049CB7).to_bytes(8, "little") + bytes(40), "unsupported"),
        ("a.params", b"\x01\x02\x03", "malformed"),
    ],
)
def test_what_cannot_be_read_is_incomplete(path: str, data: bytes, reason: str) -> None:
    stopped = look(data, path).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_another_content_is_a_mismatch_and_other_text_not_ours() -> None:
    assert look(b"PK\x03\x04" + bytes(60), "a.params").rules == ["MLG-MDL-001"]
    assert not INSPECTOR.claims(artifact("train.params", b"lr = 0.1\n"))
    assert not INSPECTOR.claims(artifact("graph.json", b'{"nodes": [{"id": 1, "op": "x"}]}'))
    assert not INSPECTOR.claims(artifact("icon-symbol.json", b'{"glyph": "x"}'))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("Custom"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["nodes", "op", "attrs", "attr", "subgraphs", "mxnet_version", "name"]), inner
        )
    ),
    max_leaves=15,
)


@given(ANY, ANY)
def test_any_values_end_in_an_answer(value: Any, more: Any) -> None:
    assert look(json.dumps({"nodes": [value, {"op": value, "attrs": more}], "attrs": more}).encode()).stopped is None


@given(st.binary(max_size=20), st.integers(16, len(ARRAYS)), st.integers(0, 20))
def test_any_bytes_end_in_an_answer(noise: bytes, at: int, cut: int) -> None:
    look(ARRAYS[:at] + noise + ARRAYS[at + cut :], "a.params")
