"""The example in the documentation is what is really written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlgate import bom
from mlgate.records import (
    Action,
    Component,
    Inventory,
    Kind,
    Location,
    ModelFacts,
    Occurrence,
    PackageFacts,
    Reference,
    Relation,
    Resolution,
    Scanned,
    Severity,
    Verdict,
    Vulnerability,
)
from tests.bom.test_build import SHA, waiver

PAGE = Path(__file__).parents[2] / "docs" / "ml-bom.md"


def example() -> tuple[Inventory, Verdict]:
    """A fine-tuned GGUF file, its base model loaded by code, a data set, and a package with a waived advisory."""
    call = Location(path="src/train.py", line=12)
    inventory = Inventory(
        root="vision",
        head="0123456789abcdef0123456789abcdef01234567",
        timestamp=1_767_225_600,
        advisory_source="OSV",
        components=(
            Component(
                kind=Kind.MODEL,
                identity="file:models/tiny.gguf",
                name="tiny.gguf",
                licenses=("apache-2.0",),
                occurrences=(Occurrence(location=Location(path="models/tiny.gguf")),),
                model=ModelFacts(
                    format="gguf", architecture_family="llama", quantization="Q4_K_M", parameters=1_100_048_384
                ),
            ),
            Component(
                kind=Kind.MODEL,
                identity="hf:acme/base",
                name="acme/base",
                version=SHA,
                pinned=True,
                purl=f"pkg:huggingface/acme/base@{SHA}",
                occurrences=(Occurrence(location=call, symbol="AutoModel.from_pretrained"),),
            ),
            Component(kind=Kind.DATASET, identity="dataset:hf:acme/signs", name="acme/signs"),
            Component(
                kind=Kind.PACKAGE,
                identity="pkg:pypi/torch",
                name="torch",
                version="2.0.0",
                pinned=True,
                purl="pkg:pypi/torch@2.0.0",
                package=PackageFacts(ecosystem="PyPI", requirement="torch==2.0.0"),
                occurrences=(Occurrence(location=Location(path="requirements.txt", line=1), symbol="torch==2.0.0"),),
            ),
        ),
        references=(
            Reference(
                kind=Kind.MODEL,
                identity="hf:acme/base",
                location=call,
                symbol="AutoModel.from_pretrained",
                revision=SHA,
                pinned=True,
            ),
            Reference(
                kind=Kind.MODEL,
                identity=None,
                location=Location(path="src/serve.py", line=7),
                symbol="pipeline",
                resolution=Resolution.UNKNOWN,
                expression="args.model",
            ),
        ),
        relations=(
            Relation(source="file:models/tiny.gguf", target="hf:acme/base", kind="derived-from"),
            Relation(source="file:models/tiny.gguf", target="dataset:hf:acme/signs", kind="trained-on"),
        ),
        scanned=(Scanned(path="models/tiny.gguf", format="gguf", sha256="ab" * 32, size=668_788_096, complete=True),),
        vulnerabilities=(
            Vulnerability(
                id="GHSA-53q9-r3pm-6pq6",
                purl="pkg:pypi/torch@2.0.0",
                aliases=("CVE-2025-32434",),
                summary="torch.load with weights_only=True leads to remote code execution",
                severity=Severity.CRITICAL,
                score=9.3,
                vector="CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                fixed=("2.6.0",),
                url="https://osv.dev/vulnerability/GHSA-53q9-r3pm-6pq6",
            ),
        ),
    )
    return inventory, waiver(Action.WAIVED)


def test_the_example_of_the_page_is_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlgate.bom.document.__version__", "0.1.0")
    inventory, verdict = example()
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert bom.build(inventory, verdict, name="vision", version=inventory.head) in blocks
