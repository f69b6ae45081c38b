from __future__ import annotations

import base64
import marshal
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.pickles.bytecode import describe_bytes, load
from mlgate.pickles.scan import Scan
from mlgate.records import Artifact, Finding, Severity
from mlgate.sources import BytesSource
from tests.builders import bytecode as build
from tests.builders import pickles


@pytest.mark.parametrize("python", build.ALL)
def test_what_code_of_any_python_reaches(python: build.Python) -> None:
    told = describe_bytes(build.system(python))
    assert told
    assert told.imports == ("os",)
    assert told.dangerous == ("os.system",)
    assert "echo pwned" in told.strings or python is build.V27
    assert told.text == "imports os and uses os.system"


@pytest.mark.parametrize("python", build.ALL)
def test_harmless_code_and_code_inside_of_it(python: build.Python) -> None:
    harmless, nested = describe_bytes(build.harmless(python)), describe_bytes(build.nested(python))
    assert harmless
    assert harmless.dangerous == ()
    assert harmless.names == ("scale",)
    assert nested
    assert nested.dangerous == ("os.system",)


SOURCE = """
import socket as s
from subprocess import Popen
def f(x):
    def g():
        return s.socket(), eval(x)
    return [Popen(a) for a in x], k.strip().lower(), math.pi
"""


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="its opcodes are not in the tables")
def test_code_of_this_python() -> None:
    told = describe_bytes(marshal.dumps(compile(SOURCE, "x", "exec")))
    assert told
    assert told.imports == ("socket", "subprocess")
    assert set(told.dangerous) == {"socket.socket", "subprocess.Popen", "eval"}
    assert "math.pi" in told.names
    assert told.python == f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_names_are_told_where_no_table_fits() -> None:
    data = build.code(build.V313, b"\x80\0" + bytes([250, 9]) * 4, ("os", "system"))
    told = describe_bytes(data.replace(b"\x95\0\x80", b"\x80\0\x80"))
    assert told
    assert (told.python, told.names) == ("", ("os", "system"))


@pytest.mark.parametrize(
    "data", [b"", b"c", b"N", b"(\0\0\0\0", build.system(build.V38)[:-1], build.system(build.V38) + b"N"]
)
def test_other_bytes_are_no_code(data: bytes) -> None:
    assert load(data) is None


def test_deep_and_lying_objects_end() -> None:
    assert load(b"c" + b"\0" * 24 + b"(\1\0\0\0" * 100_000) is None
    assert load(b"c" + b"\0" * 24 + b"(\xff\xff\xff\x7f") is None


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_changed_bytes_never_crash_it(data: st.DataObject) -> None:
    changed = bytearray(build.nested(data.draw(st.sampled_from(build.ALL))))
    for _ in range(data.draw(st.integers(1, 5))):
        changed[data.draw(st.integers(1, len(changed) - 1))] = data.draw(st.integers(0, 255))
    describe_bytes(bytes(changed))


# -- in pickles


def findings(data: bytes) -> list[Finding]:
    artifact = Artifact(path="m.pkl", name="m.pkl", source=BytesSource(data), head=data[:4096])
    found: list[Finding] = []
    try:
        found.extend(said for said in Scan(artifact).findings() if isinstance(said, Finding))
    except Incomplete:
        pytest.fail("the pickle is whole")
    return [finding for finding in found if finding.rule.id == "MLG-PKL-016"]


def test_marshalled_code_in_a_pickle() -> None:
    data = (
        pickles.proto(4) + pickles.call(pickles.glob("marshal", "loads"), pickles.data(build.system(build.V38))) + b"."
    )
    (finding,) = findings(data)
    assert finding.severity is Severity.CRITICAL
    assert finding.message == "Carries code that imports os and uses os.system."


def fields(python: build.Python, code: bytes, names: tuple[str, ...]) -> list[bytes]:
    """The arguments of types.CodeType."""
    numbers = [b"K\0"] * {"3.8": 6, "3.11": 6, "2.7": 4, "3.0": 5}[python.layout]
    texts = b"(" + b"".join(map(pickles.text, names)) + b"t"
    rest = [pickles.text("f")] * 2 + [b"K\1", pickles.data(b""), b")", b")"]
    return [*numbers, code, b"(Nt", texts, b")", *rest, *([pickles.text("q")] * 2 if python.layout == "3.11" else [])]


@pytest.mark.parametrize("python", [build.V38, build.V311, build.V312, build.V313])
def test_fields_of_a_code_object_as_cloudpickle_and_dill_write_them(python: build.Python) -> None:
    body = python.start + build.imports_and_calls(python)
    arguments = fields(python, pickles.data(body), ("os", "o", "system"))
    plain = pickles.proto(4) + pickles.call(pickles.glob("types", "CodeType"), *arguments) + b"."
    assert [f.message for f in findings(plain)] == ["Carries code that imports os and uses os.system."]
    made = pickles.call(pickles.glob("cloudpickle.cloudpickle", "_builtin_type"), pickles.text("CodeType"))
    assert len(findings(pickles.proto(4) + pickles.call(made, *arguments) + b".")) == 1
    old = pickles.call(pickles.glob("_codecs", "encode"), pickles.text(body.decode("latin-1")), pickles.text("latin1"))
    dill = pickles.call(
        pickles.glob("dill._dill", "_create_code"), pickles.data(b""), *fields(python, old, ("os", "o", "system"))
    )
    assert [f.message for f in findings(pickles.proto(2) + dill + b".")] == [
        "Carries code that imports os and uses os.system."
    ]


def test_bytes_that_are_no_code_are_not_told() -> None:
    call = pickles.call(pickles.glob("app", "f"), pickles.data(b"c" * 40), b"(Nt", b"K\1")
    assert findings(pickles.proto(4) + call + b".") == []


def test_lambdas_of_keras_say_what_they_reach() -> None:
    from mlgate.inspectors._keras_objects import judge

    layer = {"class_name": "__lambda__", "config": {"code": base64.b64encode(build.system(build.V38)).decode()}}
    place = Artifact(path="m", name="m", source=BytesSource(b""))
    (finding,) = (said for said in judge(place, "configuration", layer) if isinstance(said, Finding))
    assert finding.severity is Severity.CRITICAL
    assert "imports os and uses os.system" in finding.message
