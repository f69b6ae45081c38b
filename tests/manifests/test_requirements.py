from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests.requirements import INSPECTOR
from tests.reading import artifact, read

SHA = "a" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_every_shape_pip_takes_is_read_with_its_line() -> None:
    said = read(
        INSPECTOR,
        "requirements.txt",
        f"""# header
torch==2.0.0
numpy>=1.26,<3 ; python_version < "3.13"  # comment
Foo_Bar.baz[extra] == 1.5 \\
    --hash=sha256:{SHA} \\
    --hash=sha256:{"b" * 64}
one @ git+https://github.com/a/one@{COMMIT}
two @ git+https://github.com/a/two@main
git+https://github.com/a/three.git#egg=three
https://example.test/four-1.0-py3-none-any.whl
five @ https://example.test/five-2.0.tar.gz#sha256={SHA}
-e .
./local.whl
six==1.*
""",
    )
    assert said.stopped is None
    lines = {c.name: c.occurrences[0].location.line for c in said.components}
    assert lines == {
        "torch": 2, "numpy": 3, "foo-bar-baz": 4, "one": 7, "two": 8, "three": 9, "four": 10, "five": 11, "six": 14,
    }  # fmt: skip
    assert said.one("torch").purl == "pkg:pypi/torch@2.0.0"
    assert [h.value for h in said.one("foo-bar-baz").hashes] == [SHA, "b" * 64]
    assert said.one("one").version == COMMIT
    assert said.one("numpy").version is None
    assert said.one("six").version is None
    assert said.one("five").hashes[0].value == SHA
    told = [(f.rule.id, f.location.line) for f in said.findings if f.rule.id in {"MLG-DEP-013", "MLG-DEP-015"}]
    assert told == [("MLG-DEP-013", 8), ("MLG-DEP-013", 9), ("MLG-DEP-015", 10)]


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("--extra-index-url https://nightly.test/whl\ntorch==2.0.0\n", True),
        ("--find-links https://wheels.test/\ntorch==2.0.0\n", True),
        (f"--extra-index-url https://nightly.test/whl\ntorch==2.0.0 --hash=sha256:{SHA}\n", False),
        ("--index-url https://proxy.test/simple\ntorch==2.0.0\n", False),
        ("--find-links ./wheels\ntorch==2.0.0\n", False),
        ("# --extra-index-url https://nightly.test/whl\ntorch==2.0.0\n", False),
    ],
)
def test_a_second_index_is_confusion_unless_every_line_has_a_hash(text: str, fires: bool) -> None:
    assert ("MLG-DEP-010" in read(INSPECTOR, "requirements.txt", text).rules) is fires


def test_index_options_and_their_logins() -> None:
    said = read(
        INSPECTOR, "requirements.txt", "-i http://user:secret@pypi.test/simple\n--trusted-host pypi.test\nx==1\n"
    )
    assert said.rules.count("MLG-DEP-014") == 2
    assert "secret" not in repr(said.findings)


def test_includes_stay_in_the_repository() -> None:
    said = read(
        INSPECTOR, "a/requirements.txt", "-r base.txt\n-c ../c.txt\n-r ../../etc/passwd\n-r https://x.test/r.txt\n"
    )
    assert [i.path for i in said.includes] == ["a/base.txt", "c.txt"]
    assert said.rules == ["MLG-DEP-016", "MLG-DEP-016"]


def test_a_line_pip_refuses_is_told_after_all_others_were_read() -> None:
    said = read(INSPECTOR, "requirements.txt", "good==1\n!!bad!!\nlater==2\n")
    assert [c.name for c in said.components] == ["good", "later"]
    assert said.stopped is not None
    assert said.stopped.reason == "malformed"
    assert "line 2" in said.stopped.detail


@pytest.mark.parametrize(
    "data", [b"\x80", b"\xff\xfet", b"# coding: no-such\nx==1\n", b"# coding: rot13\nx==1\n"], ids=repr
)
def test_what_is_no_text_is_not_clean(data: bytes) -> None:
    said = read(INSPECTOR, "requirements.txt", data)
    assert said.stopped is not None
    assert said.stopped.reason == "malformed"


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE], ids=["utf-8", "utf-16"])
def test_byte_order_marks_are_read_as_pip_reads_them(mark: bytes) -> None:
    encoding = "utf-8" if mark == codecs.BOM_UTF8 else "utf-16-le"
    said = read(INSPECTOR, "requirements.txt", mark + "torch==2.0.0\r\nx==1\r\n".encode(encoding))
    assert [c.name for c in said.components] == ["torch", "x"]


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("requirements.txt", True),
        ("requirements-dev.txt", True),
        ("docs/requirements.in", True),
        ("requirements/base.txt", True),
        ("requirements/pytorch/base.txt", True),
        ("requirements/a/b/base.txt", False),
        ("constraints.txt", True),
        ("my_requirements.txt", True),
        ("notes/requirements.md", False),
        ("robots.txt", False),
    ],
)
def test_names(path: str, claimed: bool) -> None:
    assert INSPECTOR.claims(artifact(path, b"")) is claimed


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True)
LINES = st.one_of(
    NAMES.map(lambda n: f"{n}==1.0"),
    NAMES.map(lambda n: f"{n}>=1,<2"),
    NAMES.map(lambda n: f"{n} @ git+https://h.test/{n}@v1"),
    NAMES.map(lambda n: f"-r {n}.txt"),
    st.just("# comment"),
    st.just(""),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)
    .filter(lambda t: not set(t) & set("/#@:\\."))  # paths, comments, URLs and continuations mean something
    .map(lambda t: "? " + t),
)


@given(st.lists(LINES, max_size=15))
def test_no_line_is_ever_lost(lines: list[str]) -> None:
    said = read(INSPECTOR, "requirements.txt", "\n".join(lines))
    wanted = sum("==" in x or ">=1" in x or " @ " in x for x in lines if not x.startswith(("?", "#", "-")))
    assert len(said.components) == wanted
    assert len(said.includes) == sum(x.startswith("-r") for x in lines)
    assert any(x.startswith("?") for x in lines) is (said.stopped is not None)


REAL = f"""# requirements of a training job
--index-url https://pypi.org/simple
--pre
-r base.txt
-c constraints.txt
-e .
./wheels/own-1.0-py3-none-any.whl
torch==2.0.0+cu118 ; sys_platform != "darwin"
numpy >= 1.26, < 3    # the usual
Pillow~=10.0
tokenizers>=0.14,<0.19,!=0.15.1
transformers[torch,sentencepiece]==4.38.0
flash-attn==2.5.6 --no-build-isolation
ruamel.yaml==0.18.6 \\
    --hash=sha256:{SHA}
apex @ git+https://github.com/NVIDIA/apex@{COMMIT}
git+https://github.com/openai/CLIP.git
-e git+https://github.com/a/b.git@v1#egg=b
https://example.test/c-1.0-py3-none-any.whl
--no-binary grpcio
=> broken
"""


def test_every_line_of_a_file_is_a_component_an_option_or_told() -> None:
    said = read(INSPECTOR, "requirements.txt", REAL)
    joined = REAL.replace("\\\n", " " * 2).split("\n")
    meant = [line for line in joined if line.strip() and not line.startswith("#")]
    options = [line for line in meant if line.startswith(("--index-url", "--pre", "--no-binary"))]
    paths = [f for f in said.findings if f.rule.id == "MLG-DEP-022"]
    assert paths[0].message.endswith("line 6, 7.")
    assert said.stopped is not None
    broken = said.stopped.detail.partition("line ")[2].partition(":")[0].split(", ")
    assert len(said.components) + len(said.includes) + len(options) + 2 + len(broken) == len(meant)
    assert broken == ["13", "21"]  # pip takes no such option of a single requirement


def test_what_one_line_collects_is_not_what_the_next_one_has() -> None:
    lines = f"a==1 --hash=sha256:{'a' * 64}\nb==1 --hash=sha256:{'b' * 64}\nc==1\n"
    found = {c.name: [h.value for h in c.hashes] for c in read(INSPECTOR, "requirements.txt", lines).components}
    assert found == {"a": ["a" * 64], "b": ["b" * 64], "c": []}


def test_a_line_longer_than_any_real_one_is_told_and_costs_little() -> None:
    many = "a==1 " + " ".join(f"--hash=sha256:{n:064x}" for n in range(500))
    (component,) = read(INSPECTOR, "requirements.txt", many).components
    assert len(component.hashes) == 500
    stopped = read(INSPECTOR, "requirements.txt", "a[b," * 250_000).stopped
    assert stopped is not None
    assert stopped.reason == "limit"
