"""What the policy asks of formats, with real files through the whole pipeline."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from mlgate import registry
from mlgate.pipeline import catalogue, scan
from mlgate.policy import demands, schema
from mlgate.policy.load import load
from mlgate.records import Component, Inventory, Kind
from mlgate.settings import Settings
from tests.builders import archives, arrays, pickles, safetensors

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n".encode()
PLAIN = safetensors.safetensors({"w": ("F32", [1])})
FILES = {
    "model.safetensors": PLAIN,
    "model.pkl": pickles.ordinary(4),
    "wrapped.pkl.gz": gzip.compress(pickles.ordinary(4)),
    "bundle.zip": archives.archive(archives.Entry(name="inner/m.pkl", data=pickles.ordinary(4))),
    "clean.zip": archives.archive(archives.Entry(name="inner/m.safetensors", data=PLAIN)),
    "checkpoint.pt": archives.torch_zip({"w": 4}),
    "numbers.npy": arrays.npy(np.arange(3)),
    "objects.npy": arrays.of_objects(pickles.ordinary(4)),
    "unknown.h5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "far.safetensors": POINTER,
    "far.pkl": POINTER,
    "far.h5": POINTER,
    "notes.txt": b"no model",
}
PICKLES = {"model.pkl", "wrapped.pkl.gz", "bundle.zip", "checkpoint.pt", "objects.npy", "far.pkl"}
UNKNOWN = {"unknown.h5", "far.h5"}


@pytest.mark.parametrize(
    ("formats", "refused"),
    [
        ("{deny: [{format: pickle}]}", PICKLES),
        ('{deny: [{format: pickle, except: ["*.pkl", "far.*"]}]}', PICKLES - {"model.pkl", "far.pkl"}),
        ("{deny: [{format: torch}]}", {"checkpoint.pt"}),
        ("{deny: [{format: numpy}]}", {"numbers.npy", "objects.npy"}),
        ("{allow: [safetensors]}", PICKLES | UNKNOWN | {"numbers.npy"}),
        ("{allow: [safetensors, numpy]}", PICKLES | UNKNOWN),
        ("{allow: [safetensors, numpy, torch]}", (PICKLES | UNKNOWN) - {"checkpoint.pt"}),
        ("{allow: [safetensors, numpy, pickle]}", UNKNOWN),
        (
            '{allow: [safetensors, numpy], deny: [{format: pickle, except: ["*.zip"]}]}',
            (PICKLES | UNKNOWN) - {"bundle.zip"},
        ),
    ],
)
def test_formats_are_seen_in_archives_arrays_and_behind_pointers(
    tmp_path: Path, formats: str, refused: set[str]
) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / ".mlgate.yml").write_text(f"version: 1\nmodels: {{formats: {formats}}}\n")
    result = scan(Settings(root=tmp_path, today=date(2026, 11, 23), advisories=False))
    told = [d for d in result.verdict.decisions if d.finding.rule is demands.FORMAT]
    assert {d.finding.location.path for d in told} == refused
    assert {d.action.value for d in told} == {"block"}


def test_every_reader_of_models_has_a_format_that_a_policy_can_name() -> None:
    assert {r.name for r in registry.inspectors() if r.model} == demands.FORMATS.keys() - {"pickle"}
    assert {r.name for r in registry.inspectors() if r.container} == demands._CONTAINERS
    assert frozenset().union(*demands.FORMATS.values()) == set(get_args(schema.Format))
    assert catalogue()["MLG-MDL-003"].title == "Array file holds pickled objects"


@pytest.mark.parametrize(
    ("stated", "rule"),
    [
        ("MIT", ""),
        ("mit", ""),
        ("MIT OR GPL-3.0-only", ""),
        ("GPL-3.0-only OR MIT", ""),
        ("MIT AND GPL-3.0-only", "MLG-LIC-001"),
        ("GPL-3.0-only OR LGPL-2.1-only", "MLG-LIC-001"),
        ("Apache-2.0 WITH LLVM-exception", ""),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "MLG-LIC-001"),
        ("MIT AND (Apache-2.0 OR GPL-3.0-only)", ""),
        ("MIT and openrail++", "MLG-LIC-002"),
        ("((MIT))", ""),
        ("MIT AND Zlib", "MLG-LIC-001"),
        ("MIT AND GPL-3.0-only / x", "MLG-LIC-001"),
        ("MIT OR GPL-3.0-only, or so", "MLG-LIC-001"),
        ("MIT OR " * 500 + "GPL-3.0-only", "MLG-LIC-001"),
        ("(" * 400 + "MIT", ""),
        ("(", "MLG-LIC-001"),
    ],
)
def test_licence_expressions_are_judged_by_their_parts(stated: str, rule: str) -> None:
    terms = "licenses: {allow: [MI*, Apache-2.0], deny: [GPL*], review: ['hf:openrail*']}\n"
    package = Component(kind=Kind.PACKAGE, identity="pkg:pypi/x", name="x", licenses=(stated,))
    found = demands.demands(load("version: 1\n" + terms, "p"), Inventory(root="", components=(package,)))
    assert [finding.rule.id for finding in found] == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("name", "clause"),
    [
        ("hf:google/bert", ""),
        ("hf:google/Bert-Uncensored", "models.sources.deny: hf:*/*-uncensored"),
        ("hf:Google/bert", "models.sources.allow"),
        ("torchhub:google/x:y", "models.sources.allow"),
        ("file:m.pkl", ""),
    ],
)
def test_sources(name: str, clause: str) -> None:
    terms = 'models: {sources: {allow: ["hf:google/*"], deny: ["hf:*/*-uncensored"]}}\n'
    model = Component(kind=Kind.MODEL, identity=name, name=name, licenses=("MIT",))
    found = demands.demands(load("version: 1\n" + terms, "p"), Inventory(root="", components=(model,)))
    assert [finding.fact("clause") for finding in found] == ([clause] if clause else [])
