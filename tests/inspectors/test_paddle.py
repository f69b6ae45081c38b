from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.paddle import INSPECTOR
from mlgate.records import ModelFacts
from tests.builders.paddle import (
    attribute,
    operator,
    piece,
    pir,
    pir_operator,
    pir_parameter,
    program,
    region,
    tensor,
    variable,
)
from tests.reading import Said, artifact, read

SOUND = program(
    piece(
        0,
        operator("feed", takes="feed", gives="x"),
        operator("conv2d", attribute("data_format", "NCHW")),
        operator("fetch", takes="y", gives="fetch"),
        variables=(variable("w", (2, 3)), variable("x", (-1, 3), kept=False)),
    )
)
PIR = pir(
    pir_parameter(2, 3), pir_operator("1.data", name="x"), pir_operator("1.relu_"), pir_operator("1.fetch", name="y")
)
TENSORS = tensor(2, 3) + tensor(4, kind=3, width=8, levels=(bytes(16),)) + tensor()


def look(data: bytes, path: str = "m/inference.pdmodel") -> Said:
    return read(INSPECTOR, path, data)


def facts(said: Said) -> ModelFacts:
    (found,) = [c.model for c in said.components]
    assert found is not None
    return found


@pytest.mark.parametrize(("data", "path"), [(SOUND, "m/a.pdmodel"), (SOUND, "m/__model__"), (PIR, "m/inference.json")])
def test_a_program_is_described_by_what_it_says(data: bytes, path: str) -> None:
    said = look(data, path)
    assert (said.rules, said.stopped) == ([], None)
    found = facts(said)
    assert (found.parameters, found.inputs, found.outputs) == (6, ("x",), ("y",))
    assert INSPECTOR.claims(artifact(path, data))


HOSTILE = [
    ("py_func", "MLG-MDL-093"),
    ("load_combine", "MLG-MDL-094"),
    ("save", "MLG-MDL-094"),
    ("read_file", "MLG-MDL-094"),
    ("listen_and_serv", "MLG-MDL-095"),
    ("send", "MLG-MDL-095"),
    ("tensorrt_engine", "MLG-MDL-097"),
]


@pytest.mark.parametrize(("name", "rule"), HOSTILE)
@pytest.mark.parametrize("where", ["first", "later block", "pir", "pir inside", "pir in place"])
def test_operators_that_reach_out_are_told_wherever_they_are(name: str, rule: str, where: str) -> None:
    path, data = {
        "first": ("a.pdmodel", program(piece(0, operator(name)))),
        "later block": ("a.pdmodel", program(piece(0, operator("while")), piece(1, operator(name)))),
        "pir": ("a.json", pir(pir_operator(f"1.{name}"))),
        "pir inside": ("a.json", pir(pir_operator("2.while", regions=region(pir_operator(f"1.{name}"))))),
        "pir in place": ("a.json", pir(pir_operator(f"pd_op.{name}_"))),
    }[where]
    said = look(data, path)
    assert (said.rules, said.stopped) == ([rule], None)
    assert name in said.findings[0].message


def test_the_file_an_operator_names_is_told() -> None:
    for path, data in (
        ("a.pdmodel", program(piece(0, operator("save", attribute("file_path", "/etc/cron.d/x"))))),
        ("a.json", pir(pir_operator("1.save", file_path="/etc/cron.d/x"))),
    ):
        assert "/etc/cron.d/x" in look(data, path).findings[0].message


def test_near_names_are_no_alarm() -> None:
    names = ("send_v2", "print", "loader", "assign_value", "save_infer", "c_allreduce_sum", "while")
    assert look(program(piece(0, *map(operator, names)))).rules == []


def test_custom_operators_of_pir_say_so() -> None:
    assert look(pir(pir_operator("3.acme_relu")), "a.json").rules == ["MLG-MDL-092"]


@pytest.mark.parametrize("path", ["m/a.pdiparams", "m/a.pdparams", "m/a.pdopt"])
def test_tensors_are_walked_to_their_end(path: str) -> None:
    said = look(TENSORS, path)
    assert (said.rules, said.stopped) == ([], None)
    assert facts(said).parameters == 6 + 4 + 1
    assert dict(facts(said).other)["tensors"] == "float32: 2, int64: 1"


def test_pickled_states_are_left_to_the_reader_of_pickles() -> None:
    data = pickle.dumps({"w": [1.0]}, protocol=2)
    said = look(data, "m/a.pdparams")
    assert (said.rules, said.stopped, facts(said).format) == ([], None, "paddle-pickle")
    assert look(data, "m/a.pdmodel").rules == ["MLG-MDL-001"]
    assert look(b"PK\x03\x04" + bytes(60), "m/a.pdiparams").rules == ["MLG-MDL-001"]


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("a.pdmodel", b"", "truncated"),
        ("a.pdmodel", SOUND[:-3], "truncated"),
        ("a.pdmodel", b"hello, this is no model", "malformed"),
        ("a.pdmodel", program(piece(0, b"\x0b")), "malformed"),
        ("a.pdiparams", TENSORS[:-2], "truncated"),
        ("a.pdiparams", TENSORS + b"\x01\0\0\0", "malformed"),
        ("a.pdiparams", tensor(2) + tensor(2, kind=99), "malformed"),
        ("a.pdiparams", tensor(2) + tensor(2, packed=True), "malformed"),
        ("a.json", PIR[:-3], "malformed"),
        ("a.json", b'{"base_code": {"magic": "pir"}, "program": ' + b"[" * 100_000, "limit"),
        ("a.json", b'{"base_code": {"magic": "pir"}}', "malformed"),
        ("a.json", b'{"base_code": {"magic": "pir"}, "a": "' + b"x" * (17 << 20) + b'"}', "limit"),
    ],
)
def test_what_cannot_be_read_is_incomplete(path: str, data: bytes, reason: str) -> None:
    stopped = look(data, path).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_other_files_are_not_ours() -> None:
    assert not INSPECTOR.claims(artifact("package.json", b'{"program": {"name": "x"}}'))
    assert not INSPECTOR.claims(artifact("__model__", b"def model(): pass"))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("1.save"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["#", "ops", "A", "AT", "D", "N", "O", "TT", "regions"]), inner)
    ),
    max_leaves=15,
)


@given(ANY)
def test_any_values_end_in_an_answer(value: Any) -> None:
    data = json.dumps({"base_code": {"magic": "pir"}, "program": {"ops": [{"#": "p", "O": value, "A": value}, value]}})
    assert look(data.encode(), "a.json").stopped is None


@given(st.sampled_from([SOUND, TENSORS]), st.binary(max_size=20), st.integers(0, 150), st.integers(0, 20))
def test_any_bytes_end_in_an_answer(data: bytes, noise: bytes, at: int, cut: int) -> None:
    look(data[:at] + noise + data[at + cut :])
