"""What stands in the ML-BOM of a small repository, and that the text is the same each time."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest

from mlgate import bom
from mlgate.records import (
    Action,
    Analysis,
    Component,
    Hash,
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
from tests.builders import verdicts

SHA = "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3"


def package(name: str, version: str | None, place: str, *, direct: bool = True, scope: str = "runtime") -> Component:
    return Component(
        kind=Kind.PACKAGE,
        identity=f"pkg:pypi/{name}",
        name=name,
        version=version,
        purl=f"pkg:pypi/{name}@{version}" if version else f"pkg:pypi/{name}",
        pinned=version is not None,
        package=PackageFacts(ecosystem="PyPI", direct=direct, scope=scope, index="https://me:secret@pypi.example/x"),
        occurrences=(Occurrence(location=Location(path=place, line=3), symbol=name),),
    )


def repository() -> Inventory:
    """An adapter on a pinned base, its data set, a model file, a lock, and a load that nobody can resolve."""
    cell = Location(path="nb.ipynb", cell=2, line=4)
    return Inventory(
        root="vision",
        timestamp=1_760_000_000,
        advisory_source="OSV",
        components=(
            Component(
                kind=Kind.MODEL,
                identity="file:m/adapter.safetensors",
                name="adapter.safetensors",
                licenses=("apache-2.0",),
                hashes=(Hash(algorithm="MD5", value="cd" * 16, declared=True),),
                model=ModelFacts(format="safetensors", parameters=7, architecture="LoRA", other=(("dtype", "F16"),)),
            ),
            Component(kind=Kind.MODEL, identity="hf:acme/base", name="acme/base", version=SHA, pinned=True,
                      occurrences=(Occurrence(location=cell, symbol="AutoModel.from_pretrained"),)),
            Component(kind=Kind.DATASET, identity="dataset:hf:acme/signs", name="acme/signs", pinned=False),
            package("torch", "2.0.0", "uv.lock"),
            package("sympy", "1.13", "uv.lock", direct=False),
            package("mpmath", "1.3", "uv.lock", direct=False),
            package("mpmath", "1.4", "uv.lock", direct=False),
            package("pytest", None, "requirements.txt", scope="dev"),
        ),
        references=(
            Reference(kind=Kind.MODEL, identity="hf:acme/base", revision=SHA, pinned=True, location=cell,
                      symbol="AutoModel.from_pretrained", resolution=Resolution.CONSTANT),
            Reference(kind=Kind.MODEL, identity=None, location=Location(path="a.py", line=9), symbol="pipeline",
                      resolution=Resolution.UNKNOWN, expression="args.model"),
        ),
        relations=(
            Relation(source="file:m/adapter.safetensors", target="hf:acme/base", kind="adapter-of"),
            Relation(source="file:m/adapter.safetensors", target="dataset:hf:acme/signs", kind="trained-on"),
            Relation(source="hf:acme/base", target="hf:meta/root", kind="derived-from"),
            Relation(source="pkg:pypi/torch", target="pkg:pypi/sympy"),
            Relation(source="pkg:pypi/sympy", target="pkg:pypi/mpmath"),
            Relation(source="pkg:pypi/torch", target="pkg:pypi/colorama"),
        ),
        scanned=(
            Scanned(path="m/adapter.safetensors", format="safetensors", sha256="ab" * 32, size=70, complete=True),
            Scanned(path="m/old.h5", format="hdf5", sha256="ef" * 32, size=9, complete=False),
            Scanned(path="a.py", format="python", sha256="01" * 32, size=2, complete=True),
        ),
        vulnerabilities=(
            Vulnerability(id="GHSA-53q9-r3pm-6pq6", purl="pkg:pypi/torch@2.0.0", aliases=("CVE-2025-32434",),
                          severity=Severity.CRITICAL, score=9.3, fixed=("2.6.0",), ranges=("vers:pypi/<2.6.0",),
                          summary="code execution",
                          vector="CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                          url="https://osv.dev/vulnerability/GHSA-53q9-r3pm-6pq6"),
        ),
    )  # fmt: skip


def build(inventory: Inventory, verdict: Verdict | None = None, spec: bom.SpecVersion = "1.7") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bom.build(inventory, verdict, name="vision", version="abc", spec=spec))
    return document


def components(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["bom-ref"]: item for item in document["components"]}


def properties(item: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in item.get("properties", [])}


@pytest.mark.parametrize("spec", ["1.7", "1.6"])
@pytest.mark.parametrize(
    ("inventory", "verdict"),
    [
        (repository(), None),
        (verdicts.inventory(), verdicts.three()),
        (verdicts.incomplete_inventory(), verdicts.incomplete()),
        (verdicts.inventory(), verdicts.waived()),
        (Inventory(root=""), verdicts.clean()),
    ],
)
def test_the_library_s_own_strict_validator_agrees(
    inventory: Inventory, verdict: Verdict | None, spec: bom.SpecVersion
) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = bom.build(inventory, verdict, name="vision", version="", spec=spec)
    version = SchemaVersion.V1_7 if spec == "1.7" else SchemaVersion.V1_6
    assert JsonStrictValidator(version).validate_str(text) is None
    assert text.endswith("}\n")
    assert text.isascii()


def test_models_datasets_and_packages_carry_what_is_known() -> None:
    found = components(build(repository()))
    adapter = found["file:m/adapter.safetensors"]
    assert adapter["type"] == "machine-learning-model"
    assert {"alg": "SHA-256", "content": "ab" * 32} in adapter["hashes"]
    assert properties(adapter)["mlgate:hash:declared"] == f"MD5:{'cd' * 16}"
    assert adapter["licenses"][0]["license"] == {"id": "Apache-2.0", "acknowledgement": "declared"}
    card = adapter["modelCard"]
    assert card["modelParameters"] == {
        "modelArchitecture": "LoRA",
        "datasets": [{"ref": "dataset:hf:acme/signs"}],
    }
    assert properties(card) == {
        "mlgate:model:format": "safetensors",
        "mlgate:model:parameters": "7",
        "mlgate:model:dtype": "F16",
    }
    base = found[f"hf:acme/base@{SHA}"]
    assert base["purl"] == f"pkg:huggingface/acme/base@{SHA}"
    assert base["evidence"]["occurrences"] == [
        {
            "location": "nb.ipynb",
            "line": 4,
            "symbol": "AutoModel.from_pretrained",
            "additionalContext": "notebook cell 2",
        }
    ]
    assert base["evidence"]["identity"][0]["confidence"] == 0.9
    data = found["dataset:hf:acme/signs"]
    assert data["type"] == "data"
    assert data["data"][0]["contents"]["url"] == "https://huggingface.co/datasets/acme/signs"
    torch = found["pkg:pypi/torch@2.0.0"]
    assert torch["scope"] == "required"
    assert properties(torch)["mlgate:package:index"] == "https://pypi.example/x"
    assert found["pkg:pypi/pytest"]["scope"] == "excluded"
    assert "version" not in found["pkg:pypi/pytest"]


def test_a_file_that_nobody_could_read_is_listed_as_such() -> None:
    unread = components(build(repository()))["file:m/old.h5"]
    assert unread["hashes"] == [{"alg": "SHA-256", "content": "ef" * 32}]
    assert properties(unread)["mlgate:scan:status"] == "incomplete"
    assert "file:a.py" not in components(build(repository()))


def test_the_graph_leads_from_the_application_to_everything() -> None:
    document = build(repository())
    edges = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    assert edges["mlgate:application"] == [
        "file:m/adapter.safetensors",
        "file:m/old.h5",
        f"hf:acme/base@{SHA}",
        "pkg:pypi/pytest",
        "pkg:pypi/torch@2.0.0",
    ]
    assert edges["file:m/adapter.safetensors"] == ["dataset:hf:acme/signs", f"hf:acme/base@{SHA}"]
    assert edges["pkg:pypi/sympy@1.13"] == ["pkg:pypi/mpmath@1.3", "pkg:pypi/mpmath@1.4"]
    assert edges[f"hf:acme/base@{SHA}"] == ["hf:meta/root"]
    ancestor = components(document)["file:m/adapter.safetensors"]["pedigree"]["ancestors"][0]
    assert ancestor["purl"] == f"pkg:huggingface/acme/base@{SHA}"
    assert properties(ancestor)["mlgate:lineage:kind"] == "adapter-of"
    assert properties(components(document)["hf:meta/root"])["mlgate:named-by-relation-only"] == "true"


def test_what_a_header_names_is_the_version_that_is_loaded() -> None:
    named = Component(kind=Kind.MODEL, identity="hf:acme/base", name="acme/base")
    one = repository()
    document = build(dataclasses.replace(one, components=(*one.components, named)))
    assert "hf:acme/base" not in components(document)
    lone = Inventory(root="", components=(named,))
    assert list(components(build(lone))) == ["hf:acme/base"]


def test_a_ring_of_packages_is_reached_too() -> None:
    ring = tuple(package(name, "1", "uv.lock", direct=False) for name in "ab")
    relations = tuple(Relation(source=f"pkg:pypi/{a}", target=f"pkg:pypi/{b}") for a, b in ("ab", "ba", "aa"))
    document = build(Inventory(root="", components=ring, relations=relations))
    edges = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    assert edges == {
        "mlgate:application": ["pkg:pypi/a@1"],
        "pkg:pypi/a@1": ["pkg:pypi/b@1"],
        "pkg:pypi/b@1": ["pkg:pypi/a@1"],
    }


def test_what_is_not_known_is_said() -> None:
    document = build(repository())
    assert properties(document["metadata"]["component"])["mlgate:unresolved:model"] == "a.py:9 pipeline(args.model)"
    torch = components(document)["pkg:pypi/torch@2.0.0"]
    assert properties(torch)["mlgate:unresolved:dependency"] == "pkg:pypi/colorama"
    said = {entry["aggregate"]: entry["dependencies"] for entry in document["compositions"]}
    assert said["incomplete"] == ["mlgate:application", "pkg:pypi/torch@2.0.0"]
    assert said["complete"] == ["pkg:pypi/mpmath@1.3", "pkg:pypi/mpmath@1.4", "pkg:pypi/sympy@1.13"]
    assert "pkg:pypi/pytest" in said["unknown"]


def test_vulnerabilities_name_ratings_affects_and_the_way_out() -> None:
    (entry,) = build(repository())["vulnerabilities"]
    (affected,) = entry["affects"]
    assert affected == {
        "ref": "pkg:pypi/torch@2.0.0",
        "versions": [
            {"range": "vers:pypi/<2.6.0", "status": "affected"},
            {"version": "2.0.0", "status": "affected"},
        ],
    }
    assert entry["ratings"][0]["source"]["name"] == "GitHub Advisories"
    assert entry["ratings"][0]["vector"].startswith("AV:N/AC:L/AT:N/")
    assert entry["ratings"][0]["score"] == 9.3
    assert entry["ratings"][0]["severity"] == "critical"
    assert entry["ratings"][0]["method"] == "CVSSv4"
    assert entry["references"][0]["id"] == "CVE-2025-32434"
    assert entry["recommendation"] == "Upgrade pkg:pypi/torch to 2.6.0."
    assert "analysis" not in entry


def waiver(action: Action, analysis: Analysis | None = None) -> Verdict:
    what = verdicts.vulnerable_finding()
    facts = (("advisory", "GHSA-53q9-r3pm-6pq6"), ("aliases", "CVE-2025-32434"), ("purl", "pkg:pypi/torch@2.0.0"))
    what = dataclasses.replace(what, facts=facts)
    decided = verdicts.decide(what, action, waiver="no untrusted files; @acme/sec; 2026-12-01")
    return verdicts.verdict([dataclasses.replace(decided, analysis=analysis or Analysis())])


def test_a_waiver_is_a_risk_accepted_not_a_flaw_explained_away() -> None:
    (entry,) = build(repository(), waiver(Action.WAIVED))["vulnerabilities"]
    assert entry["analysis"]["state"] == "in_triage"
    assert entry["analysis"]["response"] == ["update"]
    assert "@acme/sec" in entry["analysis"]["detail"]
    (entry,) = build(repository(), waiver(Action.BLOCK))["vulnerabilities"]
    assert "analysis" not in entry


def test_what_a_waiver_found_out_is_said_as_vex_in_both_versions() -> None:
    known = Analysis(state="not_affected", justification="code_not_reachable", responses=("will_not_fix",))
    for spec in ("1.7", "1.6"):
        (entry,) = build(repository(), waiver(Action.WAIVED, known), spec=spec)["vulnerabilities"]
        assert entry["analysis"].pop("detail").startswith("pkg:pypi/torch@2.0.0: waived (")
        assert entry["analysis"] == {
            "state": "not_affected",
            "justification": "code_not_reachable",
            "response": ["will_not_fix"],
        }
    (entry,) = build(repository(), waiver(Action.WARN, known))["vulnerabilities"]
    assert "analysis" not in entry


def test_a_vector_of_cvss_2_is_told_as_one() -> None:
    old = dataclasses.replace(repository().vulnerabilities[0], vector="AV:N/AC:L/Au:N/C:P/I:P/A:P", score=7.5)
    (entry,) = build(dataclasses.replace(repository(), vulnerabilities=(old,)))["vulnerabilities"]
    assert entry["ratings"][0]["method"] == "CVSSv2"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("MIT",), [{"license": {"id": "MIT"}}]),
        (("apache-2.0", "apache-2.0"), [{"license": {"id": "Apache-2.0"}}]),
        (("llama3",), [{"license": {"name": "llama3"}}]),
        (("MIT OR Apache-2.0",), [{"expression": "MIT OR Apache-2.0"}]),
        (("MIT or something",), [{"license": {"name": "MIT or something"}}]),
        (("MIT", "GPL-2.0-only OR MIT"), [{"license": {"id": "MIT"}}, {"license": {"name": "GPL-2.0-only OR MIT"}}]),
        (("  ",), None),
    ],
)
def test_licences_take_the_form_that_they_can_bear(texts: tuple[str, ...], expected: list[Any] | None) -> None:
    item = Component(kind=Kind.MODEL, identity="hf:a/b", name="a/b", licenses=texts)
    for spec in ("1.7", "1.6"):
        (found,) = build(Inventory(root="", components=(item,)), spec=spec)["components"]
        for entry in found.get("licenses", []):
            assert entry.get("license", entry).pop("acknowledgement") == "declared"
        assert found.get("licenses") == expected


def test_same_content_same_bytes_whatever_the_order() -> None:
    one = repository()
    other = dataclasses.replace(
        one,
        components=one.components[::-1],
        relations=one.relations[::-1],
        scanned=one.scanned[::-1],
        references=one.references[::-1],
    )
    text = bom.build(one, None, name="vision", version="")
    assert bom.build(other, None, name="vision", version="") == text
    moved = dataclasses.replace(one, timestamp=one.timestamp + 1)
    assert json.loads(bom.build(moved, None, name="vision", version=""))["serialNumber"] not in text
    assert json.loads(text)["metadata"]["timestamp"] == "2025-10-09T08:53:20+00:00"


@pytest.mark.parametrize("timestamp", [0, -1, 10**18])
def test_a_time_that_is_none_is_left_out(timestamp: int) -> None:
    assert "timestamp" not in build(dataclasses.replace(repository(), timestamp=timestamp))["metadata"]


def test_the_library_is_not_imported_at_start() -> None:
    code = "import sys, mlgate.bom; sys.exit(bool({'cyclonedx', 'jsonschema_rs'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
