"""The SPDX document of a small repository, held against SPDX's own bindings, which are made from the official model."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example as case
from hypothesis import given, settings
from hypothesis import strategies as st
from spdx_python_model.bindings import v3_0_1 as official

from mlgate import bom, cli, spdx
from mlgate.records import (
    Component,
    DataFacts,
    Hash,
    Inventory,
    Kind,
    Location,
    Occurrence,
    PackageFacts,
    Relation,
    Scanned,
)
from mlgate.spdx.document import document
from mlgate.spdx.profiles import conformance
from mlgate.spdx.validate import problems
from tests.bom.test_docs import example
from tests.completeness.test_completeness import FULL, REPOSITORY

# The official JSON schema, https://spdx.org/schema/3.0.1/spdx-json-schema.json, is in no Python package. Whoever puts
# it there has it checked too (@cyclonedx/cdxgen 12 of npm ships it as data/spdx-export.schema.json).
SCHEMA = Path(__file__).parents[2] / ".cache" / "spdx-json-schema.json"
Json = dict[str, Any]


def made(inventory: Inventory) -> Json:
    text = spdx.build(inventory, name=inventory.root, version=inventory.head)
    assert text.isascii()
    document: Json = json.loads(text)
    conforming(document)
    return document


def conforming(document: Json) -> None:
    """Raises where a class, property, value, type or reference is not of SPDX 3.0.1, or a mandatory one is missing."""
    objects = official.SHACLObjectSet()
    official.JSONLDDeserializer().deserialize_data(json.loads(json.dumps(document)), objects)
    # the individuals of the model itself are nowhere in a document
    assert {name for name in objects.link() if "NoAssertionLicense" not in name} == set()
    official.JSONLDSerializer().serialize_data(objects)  # counts what is mandatory
    if SCHEMA.exists():
        jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(document)


def by(document: Json, kind: str) -> list[Json]:
    return [element for element in document["@graph"] if element["type"] == kind]


def related(document: Json) -> set[tuple[str, str, str]]:
    """(from, type, to) by names."""
    names = {
        e["spdxId"]: e.get("simplelicensing_licenseExpression") or e.get("name", "")
        for e in document["@graph"]
        if "spdxId" in e
    }
    pairs = [e for e in document["@graph"] if "relationshipType" in e]
    return {
        (names[e["from"]], f"{e['relationshipType']} {e.get('scope', '')}".strip(), names.get(end, end))
        for e in pairs
        for end in e["to"]
    }


def test_everything_of_the_page_is_there_and_nothing_is_invented() -> None:
    inventory, _ = example()
    document = made(inventory)
    assert related(document) == {
        ("vision", "contains", "tiny.gguf"),
        ("vision", "dependsOn", "acme/base"),
        ("vision", "dependsOn", "torch"),
        ("tiny.gguf", "contains", "models/tiny.gguf"),
        ("tiny.gguf", "descendantOf", "acme/base"),
        ("tiny.gguf", "trainedOn", "acme/signs"),
        ("tiny.gguf", "hasDeclaredLicense", "Apache-2.0"),
        ("acme/base", "hasDeclaredLicense", "expandedlicensing_NoAssertionLicense"),
        ("acme/signs", "hasDeclaredLicense", "expandedlicensing_NoAssertionLicense"),
        *(
            (n, "hasConcludedLicense", "expandedlicensing_NoAssertionLicense")
            for n in ("tiny.gguf", "acme/base", "acme/signs")
        ),
    }
    (file,) = by(document, "software_File")
    assert file["verifiedUsing"] == [{"type": "Hash", "algorithm": "sha256", "hashValue": "ab" * 32}]
    (data,) = by(document, "dataset_DatasetPackage")
    assert data["dataset_datasetType"] == ["noAssertion"]
    (package,) = [e for e in by(document, "software_Package") if e["name"] == "torch"]
    assert {
        "type": "ExternalIdentifier",
        "externalIdentifierType": "packageUrl",
        "identifier": "pkg:pypi/torch@2.0.0",
    } in (package["externalIdentifier"])
    (creation,) = by(document, "CreationInfo")
    assert creation["created"] == "2026-01-01T00:00:00Z"
    told = {"releaseTime", "builtTime", "suppliedBy", "originatedBy", "software_copyrightText"}
    assert not any(told & set(element) for element in document["@graph"])
    for element in [*by(document, "SpdxDocument"), *by(document, "software_Sbom")]:
        assert element["profileConformance"] == ["core", "extension", "simpleLicensing", "software"]
    text = json.dumps(document)
    assert "mlgate:unresolved:model" in text
    assert "releaseTime" in by(document, "SpdxDocument")[0]["comment"]


def test_what_headers_and_cards_say_of_models_and_data() -> None:
    document = made(REPOSITORY)
    models = {e["name"]: e for e in by(document, "ai_AIPackage")}
    full = models["m.gguf"]
    assert full["ai_typeOfModel"] == ["llama", "Llama"]
    assert full["ai_domain"] == ["text-generation"]
    assert {(e["key"], e["value"]) for e in full["ai_hyperparameter"]} == {
        ("alpha", "16"),
        ("context-length", "4096"),
        ("rank", "8"),
        ("vocabulary", "32000"),
    }
    assert [(e["key"], e["value"]) for e in full["ai_metric"]] == [("accuracy (glue)", "0.9")]
    (data,) = [e for e in by(document, "dataset_DatasetPackage") if e["name"] == "d.csv"]
    assert (data["dataset_datasetType"], data["description"]) == (["structured"], "Numbers.")
    assert data["verifiedUsing"] == [
        {"type": "Hash", "algorithm": "md5", "hashValue": "a" * 32, "comment": "Declared, not computed."}
    ]
    (owner,) = by(document, "Agent")
    assert data["originatedBy"] == [owner["spdxId"]]
    (provider,) = by(document, "Organization")
    assert models["gpt-4o"]["suppliedBy"] == provider["spdxId"]
    # a licence that is stated to be unknown is no licence
    assert ("c", "hasDeclaredLicense", "expandedlicensing_NoAssertionLicense") in related(document)


def test_packages_by_their_scope_and_licences_in_each_form() -> None:
    scopes = {"runtime": "a", "dev": "b", "build": "c", "optional": "d", "constraint": "e"}
    licences = {"a": ("MIT OR Apache-2.0",), "b": ("mit", "BSD-3-Clause"), "c": ("Llama 3 / \u00fc",), "d": ("\u00fc",)}
    packages = [
        Component(
            kind=Kind.PACKAGE,
            identity=f"pkg:pypi/{name}",
            name=name,
            purl=f"pkg:pypi/{name}@1",
            version="1",
            licenses=licences.get(name, ()),
            package=PackageFacts(ecosystem="PyPI", scope=scope, url="https://u:secret@x.test/a", origin="url"),
        )
        for scope, name in scopes.items()
    ]
    document = made(Inventory(root="r", components=tuple(packages)))
    assert "secret" not in json.dumps(document)
    told = related(document)
    assert {t for t in told if t[0] == "r"} == {
        ("r", "dependsOn", "a"),
        ("r", "dependsOn development", "b"),
        ("r", "dependsOn build", "c"),
        ("r", "hasOptionalDependency", "d"),
        ("r", "hasOptionalDependency", "e"),
    }
    assert {(a, c) for a, b, c in told if "License" in b and a in "ab"} == {
        ("a", "MIT OR Apache-2.0"),
        ("b", "MIT"),
        ("b", "BSD-3-Clause"),
    }
    named = {
        e["name"]: e["simplelicensing_licenseExpression"]
        for e in by(document, "simplelicensing_LicenseExpression")
        if "name" in e
    }
    assert named["Llama 3 / \u00fc"].startswith("LicenseRef-mlgate-Llama-3-")
    assert all(
        text.replace("LicenseRef-mlgate-", "").replace("-", "").replace(".", "").isalnum() for text in named.values()
    )
    assert by(document, "CreationInfo")[0]["created"] == "1970-01-01T00:00:00Z"
    assert "comment" in by(document, "CreationInfo")[0]


def test_what_is_in_the_repository_is_contained_and_all_else_needed() -> None:
    parts = (("file:m", Kind.MODEL), ("file:m/w.gguf", Kind.MODEL), ("dataset:file:m/x.csv", Kind.DATASET))
    components = tuple(
        Component(kind=kind, identity=name, name=name) for name, kind in (*parts, ("hf:a/b", Kind.MODEL))
    )
    relations = [Relation(source="file:m", target=one.identity) for one in components[1:]]
    document = made(Inventory(root="r", components=components, relations=tuple(relations)))
    assert {told for told in related(document) if told[1] in {"contains", "dependsOn"}} == {
        *(("r", "contains", name) for name, _ in parts),
        *(("file:m", "contains", name) for name, _ in parts[1:]),
        ("file:m", "dependsOn", "hf:a/b"),
    }


def test_a_pointer_is_no_file() -> None:
    far = dataclasses.replace(FULL, hashes=(Hash(algorithm="SHA-256", value="d" * 64, declared=True),))
    scanned = Scanned(path="m.gguf", format="lfs-pointer", sha256="", size=130, complete=False)
    document = made(Inventory(root="", components=(far,), scanned=(scanned,)))
    assert by(document, "software_File") == []
    (model,) = by(document, "ai_AIPackage")
    assert [(h["hashValue"], "comment" in h) for h in model["verifiedUsing"]] == [("d" * 64, True)]


def test_the_same_bytes_again_and_other_names_for_other_content() -> None:
    code = (
        "import sys; sys.path.insert(0, '.'); from mlgate import spdx; "
        "from tests.completeness.test_completeness import REPOSITORY as r; "
        "sys.stdout.write(spdx.build(r, name='r', version=r.head))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert runs == {spdx.build(REPOSITORY, name="r", version=REPOSITORY.head).encode()}
    other = made(dataclasses.replace(REPOSITORY, timestamp=2))
    ids = [{e["spdxId"] for e in d["@graph"] if "spdxId" in e} for d in (other, made(REPOSITORY))]
    assert not ids[0] & ids[1]
    assert all(name.startswith("urn:uuid:") for name in ids[0])


def test_profiles_are_claimed_where_all_that_they_require_is_there() -> None:
    package = {
        "type": "ai_AIPackage",
        "spdxId": "urn:m",
        "releaseTime": "2026-01-01T00:00:00Z",
        "suppliedBy": "urn:a",
        "software_downloadLocation": "https://x.test",
        "software_packageVersion": "1",
        "software_primaryPurpose": "model",
    }
    licences = [
        {"type": "Relationship", "spdxId": f"urn:{kind}", "from": "urn:m", "to": ["urn:l"], "relationshipType": kind}
        for kind in ("hasConcludedLicense", "hasDeclaredLicense")
    ]
    assert conformance([package, *licences]) == (("ai", "core", "software"), "")
    assert conformance([package, *licences[:1]])[0] == ("core", "software")
    assert conformance([package, *licences, licences[0]])[0] == ("core", "software")
    held, why = conformance([{k: v for k, v in package.items() if k != "releaseTime"}, *licences])
    assert held == ("core", "software")
    assert "ai (releaseTime)" in why


@pytest.mark.parametrize("drop", ["name", "spdxId", "dataset_datasetType", "from", "created", "hashValue"])
def test_the_own_check_sees_what_is_missing(drop: str) -> None:
    whole = made(REPOSITORY)
    assert problems(whole) == ()
    broken = json.loads(json.dumps(whole))
    for element in broken["@graph"]:
        for one in (element, *element.get("verifiedUsing", [])):
            one.pop(drop, None)
    assert problems(broken)


def test_a_wrong_document_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlgate.spdx.relationships._LINEAGE", {"trained-on": ""})
    with pytest.raises(bom.InvalidBom, match="no relationshipType"):
        spdx.build(REPOSITORY, name="r", version="")


def test_the_bindings_refuse_what_is_not_of_spdx() -> None:
    for change in (
        {"ai_colour": "red"},
        {"software_primaryPurpose": "fun"},
        {"ai_metric": ["x"]},
        {"suppliedBy": "urn:x"},
    ):
        broken = made(REPOSITORY)
        by(broken, "ai_AIPackage")[0].update(change)
        with pytest.raises((TypeError, ValueError, KeyError, AssertionError)):
            conforming(broken)


TEXT = st.text(max_size=30) | st.sampled_from(
    ["\ud800", "a\0b", "file:../x", "dataset:hf:a/b", "hf:a/b", "http://u:p@h/x"]
)


@settings(max_examples=60, deadline=None)
@case([(Kind.SERVICE, ":", "", "")], "")
@given(st.lists(st.tuples(st.sampled_from(list(Kind)), TEXT.filter(bool), TEXT, TEXT), max_size=6), TEXT)
def test_hostile_names_make_a_sound_document(rows: list[tuple[Kind, str, str, str]], root: str) -> None:
    found = {}
    for kind, identity, version, text in rows:
        found[kind, identity, version] = Component(
            kind=kind,
            identity=identity,
            name=text,
            version=version or None,
            licenses=(text,),
            occurrences=(Occurrence(location=Location(path=identity), symbol=text),),
            data=DataFacts(description=text, owners=(text,), columns=((text, text),)),
        )
    names = [row[1] for row in rows]
    relations = tuple(Relation(source=a, target=b, kind="trained-on") for a in names for b in names)
    inventory = Inventory(root=root, components=tuple(found.values()), relations=relations)
    assert problems(document(inventory, name=root, version=root)) == ()


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.py").write_text("from transformers import AutoModel\nAutoModel.from_pretrained('a/b')\n")
    assert cli.main(["bom", "--no-advisories", "--format", "spdx", str(tree)]) == 0
    printed = capsys.readouterr().out
    assert [e["name"] for e in by(json.loads(printed), "ai_AIPackage")] == ["a/b"]
    out = tmp_path / "out"
    cli.main(["scan", "--no-advisories", "--output", str(out), "--spdx", str(tree)])
    assert (out / "bom.spdx.json").read_text() == printed
    cli.main(["scan", "--no-advisories", "--output", str(tmp_path / "without"), str(tree)])
    assert not (tmp_path / "without" / "bom.spdx.json").exists()
    capsys.readouterr()
    assert cli.main(["bom", "--format", "spdx", "--completeness", str(tree)]) == 2
