"""Sources made to stop, mislead or exhaust the reader."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.references import _table, _targets, notebook, python
from mlgate.references._source import MOST_SOURCE
from tests.builders import code
from tests.reading import artifact, read


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (code.deep_source(), "limit"),
        (code.utf7_source(), "malformed"),
        (b"# coding: no-such\nimport torch", "malformed"),
        (code.python2_with_load(), "malformed"),
        (b"import torch\ntorch.load(\x00)", "malformed"),
        (b"import torch\ntorch.load(p)\n#" + b"x" * MOST_SOURCE, "limit"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes | str, reason: str) -> None:
    stopped = read(python.INSPECTOR, "x.py", data).stopped
    assert stopped is not None
    assert stopped.reason == reason


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"cells": 3}', b"[" * 100_000])
def test_what_is_no_notebook_is_incomplete(data: bytes) -> None:
    stopped = read(notebook.INSPECTOR, "x.ipynb", data).stopped
    assert stopped is not None
    assert stopped.reason == "malformed"


def test_old_python_without_a_load_is_a_note_and_not_a_stop() -> None:
    said = read(python.INSPECTOR, "x.py", code.python2_without_load())
    assert said.stopped is None
    assert said.rules == ["MLG-COD-090"]
    book = code.notebook("import torch", "print 'load'", "torch.load(p")
    said = read(notebook.INSPECTOR, "x.ipynb", book)
    assert said.rules == ["MLG-COD-090"]
    assert said.stopped is not None


def test_a_large_file_without_loaders_is_read_to_its_end() -> None:
    data = b"ROWS = [\n" + b"    'transformers', 1,\n" * (MOST_SOURCE // 20) + b"]\n"
    assert len(data) > MOST_SOURCE
    said = read(python.INSPECTOR, "x.py", data)
    assert (said.observations, said.stopped) == ((), None)


@pytest.mark.parametrize("source", [code.growing_text(), code.branching_values(), code.cyclic_names()])
def test_values_stay_small(source: str) -> None:
    start = time.process_time()
    said = read(python.INSPECTOR, "x.py", source)
    assert time.process_time() - start < 5
    assert all(reference.identity is None for reference in said.references)


def test_a_tree_as_deep_as_it_is_long_ends() -> None:
    """By the parser's own limit or by ours; the worker's guard takes the RecursionError."""
    try:
        said = read(python.INSPECTOR, "x.py", code.long_sum())
    except RecursionError:
        return
    assert said.stopped is not None or said.references


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab/.-_@:~\\$ é\n{}%", max_size=40))
def test_any_text_is_a_target_or_none(text: str) -> None:
    for rows in _table.table().by_last.values():
        for _, row in rows:
            if row.kind is not None:
                target = _targets.read(row, text, kind=row.kind, root="x")
                assert target.identity is None or (":" in target.identity and "\n" not in target.identity)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("a = b", "b = a + 'x'", "def f(a=b, *c, **d): return a", "class C(D): x = a", "a, (b, c) = f(a)"),
                *("for a in [a, b]: f(a)", "torch.load(a, **b)", "AutoModel.from_pretrained(a)", "b = {'k': a, **b}"),
                *("a = b['k']", "a = C().x", "a = f(b)", "from transformers import AutoModel", "import torch"),
                *("a = [x for x in a if (b := x)]", "with f(a) as b: pass", "global a", "b['weights_only'] = a"),
                *("a = torch.load", "torch.load = a", "match a:\n case {'k': b}: pass", "a = b if a else f(*b)"),
                *("a = '{}/{b}'.format(a, b=b)", "a = f'{b}/{a!r}'", "a = '%s' % b", "yaml.load(a, C)", "a += b"),
                *("pickle.loads(b)", "lambda a=a: b", "f(trust_remote_code=a, **b)", "super().from_pretrained(a)"),
            ]
        ),
        max_size=25,
    )
)
def test_any_program_is_read(lines: list[str]) -> None:
    assert read(python.INSPECTOR, "x.py", "\n".join(lines)).stopped is None


def test_the_table_refuses_what_it_does_not_know() -> None:
    good = '[[loader]]\ncall = ["lib.**.load_it"]\nkind = "model"\nsource = "path"\ntarget = [0]\n'
    table = _table.parse(good)
    assert table.match("lib.sub.load_it") is not None
    assert table.match("library.load_it") is None
    for bad in ('sorce = "hub"', 'traits = ["nothing"]', 'source = "bundled"'):
        with pytest.raises(ValueError, match=r"loaders\.toml"):
            _table.parse(good.replace('source = "path"\n', "") + bad + "\n")


def test_only_python_is_claimed() -> None:
    names = {"a.py": b"", "A.PY": b"", "run": b"#!/usr/bin/env python3\n", "run.sh": b"#!/bin/sh\n", "a.pyi": b""}
    claimed = {name for name, data in names.items() if python.INSPECTOR.claims(artifact(name, data))}
    assert claimed == {"a.py", "A.PY", "run"}


def test_a_notebook_cannot_hide_behind_another_language() -> None:
    book = code.notebook("import torch\ntorch.load('m.pt', weights_only=False)", language="julia")
    book = book.replace(
        b'"metadata": {"language_info"', b'"metadata": {"kernelspec": {"name": "python3"}, "language_info"'
    )
    assert read(notebook.INSPECTOR, "x.ipynb", book).rules == ["MLG-COD-001"]


@pytest.mark.parametrize("shape", ["x" * 2_000_000 + "\nprint torch load", "torch load print 1\n" + " " * 2_000_000])
def test_text_that_does_not_parse_is_searched_in_linear_time(shape: str) -> None:
    start = time.process_time()
    read(python.INSPECTOR, "x.py", shape)
    read(notebook.INSPECTOR, "x.ipynb", code.notebook(shape))
    assert time.process_time() - start < 5


def test_what_is_said_is_short() -> None:
    long = "L" + "o" * 5000
    source = f"from lib import {long}\n{long}.from_pretrained('o/n', trust_remote_code=True, revision='{'r' * 4000}')\n"
    said = read(python.INSPECTOR, "x.py", source)
    (reference,) = said.references
    assert len(reference.symbol) <= 300
    assert len(reference.revision or "") <= 300
    assert all(len(f.message) < 1200 and len(f.evidence) <= 300 for f in said.findings)
    assert said.rules == ["MLG-COD-004", "MLG-COD-003"]
