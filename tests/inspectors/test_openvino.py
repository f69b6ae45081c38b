from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.openvino import INSPECTOR
from mlgate.records import ModelFacts
from tests.builders import openvino
from tests.builders.openvino import constant, layer, loop, net, parameter
from tests.reading import Said, artifact, read

SOUND = net(
    parameter(0),
    constant(1),
    constant(2, offset="24", size="12", shape="", element="i64"),
    layer(3, "MatMul"),
    layer(4, "Result"),
    info={"MO_version": "2023.1.0", "Runtime_version": "2023.1.0"},
)
ENTITY = '<!DOCTYPE net [<!ENTITY a "b">]>'


def look(data: bytes, path: str = "m/birds.xml") -> Said:
    return read(INSPECTOR, path, data)


def facts(said: Said) -> ModelFacts:
    (found,) = [c.model for c in said.components]
    assert found is not None
    return found


def test_a_network_is_described_by_what_it_says() -> None:
    said = look(SOUND)
    assert (said.rules, said.stopped) == ([], None)
    found = facts(said)
    assert (found.architecture, found.parameters) == ("birds", 7)
    assert found.inputs == ("l0: f32[1,3]",)
    assert found.outputs == ("l4",)
    told = dict(found.other)
    assert (told["layers"], told["weights"], told["bytes-of-weights"]) == ("5", "birds.bin", "36")
    assert ("openvino:MO_version", "2023.1.0") in said.components[0].properties


@pytest.mark.parametrize(
    ("opset", "expected"),
    [
        ("opset1", []),
        ("opset15", []),
        ("experimental", []),
        (None, []),
        ("extension", ["MLG-MDL-092"]),
        ("acme_opset", ["MLG-MDL-092"]),
        ("opset1x", ["MLG-MDL-092"]),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_operators_of_extensions_are_told(opset: str | None, expected: list[str], inside: bool) -> None:
    one = layer(1, "StringTensorUnpack", opset=opset)
    said = look(net(loop(2, one) if inside else one))
    assert (said.rules, said.stopped) == (expected, None)


@pytest.mark.parametrize(
    ("attribute", "names"),
    [
        ('library="../plugins/custom_op"', True),
        ('implementation="libcustom_op.so.1"', True),
        ('kernel="C:\\\\x\\\\evil.dll"', True),
        ('implementation="gemm.solver"', False),
        ('library=""', False),
    ],
)
def test_a_library_that_a_layer_names_blocks(attribute: str, names: bool) -> None:
    said = look(net(layer(1, "Convolution", f"<data {attribute} />")))
    assert said.rules == (["MLG-MDL-093"] if names else [])


@pytest.mark.parametrize(
    "lie",
    [
        {"size": "20"},
        {"offset": "-4"},
        {"offset": "9223372036854775807"},
        {"size": "x"},
        {"shape": "2,-3"},
        {"shape": "4294967296,4294967296"},
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_constants_that_lie_about_their_place_block(lie: dict[str, str], inside: bool) -> None:
    one = constant(1, **lie)
    said = look(net(loop(2, one) if inside else one))
    assert set(said.rules) == {"MLG-MDL-096"}
    assert said.stopped is None


@pytest.mark.parametrize(
    ("element", "size"), [("i4", "3"), ("u1", "1"), ("string", "1"), ("f16", "12"), ("dynamic", "0")]
)
def test_constants_of_every_type_have_their_size(element: str, size: str) -> None:
    assert look(net(constant(1, element=element, size=size))).rules == []


def test_weights_of_old_networks_have_their_place() -> None:
    old = '<layer id="1" name="c" type="Convolution"><weights offset="0" size="{}" /></layer>'
    said = look(net(old.format(400), version="6"))
    assert (said.rules, dict(facts(said).other)["bytes-of-weights"]) == ([], "400")
    assert look(net(old.format(-1), version="6")).rules == ["MLG-MDL-096"]


def test_entities_end_the_look() -> None:
    said = look(net(layer(1, "Relu", opset="acme"), before=ENTITY))
    assert said.rules == ["MLG-MDL-098"]
    assert said.stopped is not None
    assert said.stopped.reason == "malformed"


@pytest.mark.parametrize("doctype", ["<!DOCTYPE net>", '<!DOCTYPE net SYSTEM "https://a.example/net.dtd">'])
def test_a_document_type_alone_is_only_told(doctype: str) -> None:
    said = look(net(layer(1, "Relu"), before=doctype))
    assert (said.rules, said.stopped) == (["MLG-MDL-098"], None)
    assert said.findings[0].severity == "low"


def test_external_entities_are_not_fetched() -> None:
    said = look(net(layer(1, "Relu"), before='<!DOCTYPE net [<!ENTITY a SYSTEM "file:///etc/passwd">]>'))
    assert said.rules == ["MLG-MDL-098"]


def test_chat_templates_of_tokenizers_are_judged() -> None:
    assert look(net(layer(1, "Relu"), info={"chat_template": "{{ messages[0].content }}"})).rules == []
    assert look(net(layer(1, "Relu"), info={"chat_template": "{{ x.__class__ }}"})).rules == ["MLG-MDL-040"]


def test_runtime_information_that_is_code_is_told() -> None:
    assert look(net(layer(1, "Relu"), info={"note": "__import__('os').system('id')"})).rules == ["MLG-MDL-024"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (SOUND[:-10], "truncated"),
        (SOUND.replace(b"</layers>", b""), "malformed"),
        (SOUND + b"<x/>", "malformed"),
        (net("<a>" * 5000 + "</a>" * 5000), "limit"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    said = look(data)
    assert said.stopped is not None
    assert said.stopped.reason == reason
    assert len(said.components) == 1


def test_only_networks_are_ours() -> None:
    assert INSPECTOR.claims(artifact("m.xml", SOUND))
    assert INSPECTOR.claims(artifact("m.xml", SOUND.decode().encode("utf-16")))
    assert INSPECTOR.claims(artifact("m.xml", net(before="<!-- " + "x" * 9000 + " -->" + ENTITY)))
    assert not INSPECTOR.claims(artifact("pom.xml", b"<project><net version='1'/></project>"))
    assert not INSPECTOR.claims(artifact("m.xml", b"<network name='x' version='1'/>"))
    assert not INSPECTOR.claims(artifact("m.bin", SOUND))


def test_a_network_in_another_encoding_is_read() -> None:
    text = net(layer(1, "Relu", opset="acme")).decode().replace('<?xml version="1.0"?>', "")
    assert look(text.encode("utf-16")).rules == ["MLG-MDL-092"]


@given(st.binary(max_size=20), st.integers(0, len(SOUND)), st.integers(0, 20))
def test_any_bytes_end_in_an_answer(noise: bytes, at: int, cut: int) -> None:
    look(SOUND[:at] + noise + SOUND[at + cut :])


def test_a_comment_without_end_is_given_up() -> None:
    said = look(openvino.net(before="<!--" + "x" * (18 << 20)))
    assert said.stopped is not None
    assert said.stopped.reason == "limit"
