from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.inspectors.r import INSPECTOR
from tests.builders import rdata as build
from tests.reading import artifact, read
from tests.test_pipeline import look


@pytest.mark.parametrize("form", [build.XDR, build.NATIVE, build.ASCII])
@pytest.mark.parametrize("version", [2, 3])
def test_code_is_found_in_every_encoding(form: build.Form, version: int) -> None:
    data = build.rds(build.promise(build.call("system", build.texts("echo pwned x"))), form, version)
    said = read(INSPECTOR, "m.rds", data)
    assert said.rules == ["MLG-MDL-150"]
    assert "'system'" in said.findings[0].message
    assert said.stopped is None
    assert dict(said.components[0].model.other)["R"] == "4.3.1"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "rules"),
    [
        (build.promise_at_the_top(), ["MLG-MDL-150"]),
        (build.promise_among_variables(), ["MLG-MDL-150"]),
        (build.promise_in_an_environment(), ["MLG-MDL-150"]),
        (build.active_binding(), ["MLG-MDL-150", "MLG-MDL-152"]),
        (build.rds(build.promise(build.call("eval", build.call("parse", build.texts("x"))))), ["MLG-MDL-150"]),
        (build.rds(build.promise(build.bytecode(build.call("system")))), ["MLG-MDL-150"]),
        (build.rds(build.promise(build.call("mean"))), ["MLG-MDL-151"]),
        (build.rds(build.closure(build.bytecode(build.call("download.file")))), ["MLG-MDL-152"]),
        (build.rda((".First", build.closure(build.call("mean")))), ["MLG-MDL-153"]),
        (build.rda(("print", build.closure(build.call("system")))), ["MLG-MDL-153"]),
        (build.evaluated_promise(), []),
        (build.lazy_argument(), []),
        (build.formula_model(), []),
        (build.rda((".First", build.integers(1)), ("print", build.closure(build.call("cat")))), []),
        (build.rds(build.pairs((".First", build.closure(build.call("mean"))))), []),
    ],
)
def test_what_runs_by_itself_and_what_does_not(data: bytes, rules: list[str]) -> None:
    said = read(INSPECTOR, "m.rda" if data.startswith(b"RD") else "m.rds", data)
    assert said.stopped is None
    assert said.rules == rules


def test_a_reference_to_a_symbol_counts_as_the_symbol() -> None:
    symbol, reference = build.symbol("system"), (255 | 1 << 8,)
    data = build.rds(build.vector(symbol, build.promise((build.LANGUAGE, *reference, build.NIL))))
    assert read(INSPECTOR, "m.rds", data).rules == ["MLG-MDL-150"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (build.promise_at_the_top()[:-3], "truncated"),
        (build.rds((build.INTEGERS, 1 << 30)), "truncated"),
        (build.rds((build.INTEGERS, -5)), "malformed"),
        (build.rds((99,)), "malformed"),
        (build.rds((255 | 7 << 8,)), "malformed"),
        (build.rds(build.integers(1), version=9), "unsupported"),
        (b"RDX1\n\0\0\0\0", "unsupported"),
        (b"no R at all", "malformed"),
        (b"", "truncated"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    said = read(INSPECTOR, "m.rds", data)
    assert said.stopped
    assert said.stopped.reason == reason


def test_what_was_found_before_a_break_is_kept() -> None:
    data = build.rds(build.vector(build.promise(build.call("system")), (99,)))
    said = read(INSPECTOR, "m.rds", data)
    assert said.rules == ["MLG-MDL-150"]
    assert said.stopped


def test_deep_and_long_objects_end() -> None:
    deep = build.rds((*(part for _ in range(50_000) for part in (build.VECTOR, 1)), build.NIL))
    assert read(INSPECTOR, "m.rds", deep).stopped is None
    long = build.rds((*(part for _ in range(50_000) for part in (build.PAIRS, build.NIL)), build.NIL))
    assert read(INSPECTOR, "m.rds", long).stopped is None


def test_names() -> None:
    assert INSPECTOR.claims(artifact("m.RData", build.rda()))
    assert INSPECTOR.claims(artifact("m.bin", build.rda()))
    assert not INSPECTOR.claims(artifact("notes.txt", b"X\n and Y\n"))
    assert not INSPECTOR.claims(artifact("m.rds", gzip.compress(build.rds(build.integers(1)))))


def test_packed_files_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "m.rds").write_bytes(gzip.compress(build.promise_at_the_top()))
    (tmp_path / "n.rds").write_bytes(gzip.compress(build.formula_model()))
    (tmp_path / "o.rds").write_bytes(gzip.compress(b"no R at all"))
    found = look(tmp_path).inventory.findings
    assert [(f.rule.id, f.location.path) for f in found] == [("MLG-INC-003", "o.rds"), ("MLG-MDL-150", "m.rds")]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_bytes_never_crash_it(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([build.promise_among_variables(), build.active_binding(), build.formula_model()]))
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(5, len(changed) - 1))] = data.draw(st.integers(0, 255))
    read(INSPECTOR, "m.rds", bytes(changed[: data.draw(st.integers(0, len(changed)))]))
