from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.pmml import INSPECTOR
from mlgate.records import ModelFacts
from tests.builders.pmml import TREE, apply, define, pmml
from tests.reading import Said, artifact, read

SOUND = pmml(apply("log10"), TREE)


def look(data: bytes, path: str = "m/iris.pmml") -> Said:
    return read(INSPECTOR, path, data)


def facts(said: Said) -> ModelFacts:
    (found,) = [c.model for c in said.components]
    assert found is not None
    return found


@pytest.mark.parametrize("prefix", ["", "p"])
def test_a_model_is_described_by_what_it_says(prefix: str) -> None:
    said = look(pmml(apply("log10"), TREE, prefix=prefix))
    assert (said.rules, said.stopped) == ([], None)
    found = facts(said)
    assert (found.architecture, found.task) == ("TreeModel", "classification")
    assert (found.inputs, found.outputs) == (("length: double",), ("species",))
    assert dict(found.other)["producer"] == "SkLearn2PMML package 0.110"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((apply("if"),), []),
        ((apply("twice"), define("twice")), []),
        ((define("twice"), apply("thrice")), ["MLG-MDL-092"]),
        ((apply("com.acme.Function"),), ["MLG-MDL-092"]),
    ],
)
def test_functions_from_elsewhere_are_told(parts: tuple[str, ...], expected: list[str]) -> None:
    said = look(pmml(*parts, TREE))
    assert (said.rules, said.stopped) == (expected, None)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ('<Extension name="user" value="root" extender="Rattle/PMML"/>', []),
        ('<Extension name="description" value="a script of a play"/>', []),
        ('<Extension name="x-python" value="1"/>', ["MLG-MDL-093"]),
        ('<Extension name="post_script">1</Extension>', ["MLG-MDL-093"]),
        ("<Extension><x:Script>load('x')</x:Script></Extension>", ["MLG-MDL-093"]),
        ("<Extension name='a' value=\"__import__('os').system('id')\"/>", ["MLG-MDL-024"]),
        ("<Extension>__import__('os').system('id')</Extension>", ["MLG-MDL-024"]),
        ("<Extension><b><![CDATA[__import__('os').system('id')]]></b></Extension>", ["MLG-MDL-024"]),
        ('<xi:include href="file:///etc/passwd"/>', ["MLG-MDL-090"]),
    ],
)
def test_extensions_are_read(part: str, expected: list[str]) -> None:
    said = look(pmml(part, TREE))
    assert (said.rules, said.stopped) == (expected, None)


@pytest.mark.parametrize(
    "entity",
    [
        '<!DOCTYPE PMML [<!ENTITY a "b">]>',
        '<!DOCTYPE PMML [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE PMML [<!ENTITY % a SYSTEM "https://a.example/x.dtd"> %a;]>',
    ],
)
def test_entities_block(entity: str) -> None:
    said = look(pmml(TREE, before=entity))
    assert said.rules == ["MLG-MDL-098"]
    assert said.findings[0].severity == "high"
    assert said.stopped is not None


def test_the_document_type_of_old_files_is_only_told() -> None:
    said = look(pmml(TREE, before='<!DOCTYPE PMML PUBLIC "PMML 2.0" "http://www.dmg.org/v2-0/pmml_v2_0.dtd">'))
    assert (said.rules, said.stopped) == (["MLG-MDL-098"], None)
    assert said.findings[0].severity == "low"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (SOUND[:-9], "truncated"),
        (SOUND.replace(b"</TreeModel>", b""), "malformed"),
        (b"<html></html>", "malformed"),
        (b"no xml at all", "malformed"),
        (pmml("<Node>" * 5000), "limit"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    stopped = look(data).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_another_content_is_a_mismatch() -> None:
    assert look(b"PK\x03\x04" + bytes(60)).rules == ["MLG-MDL-001"]


def test_only_models_are_ours() -> None:
    assert INSPECTOR.claims(artifact("m.xml", SOUND))
    assert INSPECTOR.claims(artifact("m.pmml", b"x"))
    assert not INSPECTOR.claims(artifact("m.xml", b"<list><PMML/></list>"))


@given(st.binary(max_size=20), st.integers(0, len(SOUND)), st.integers(0, 20))
def test_any_bytes_end_in_an_answer(noise: bytes, at: int, cut: int) -> None:
    look(SOUND[:at] + noise + SOUND[at + cut :])
