"""What two ML-BOMs differ in, read from documents and from inventories."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate import bom
from mlgate.bom import diff_document, diff_inventory
from mlgate.bom.diff import Entry, compare
from mlgate.cli import main
from mlgate.errors import MlgateError
from mlgate.records import Component, Hash, Inventory, Kind, ModelFacts, Relation, Scanned
from mlgate.records.changes import Aspect, Change, Detail
from tests.bom.test_build import SHA, repository

OTHER = "0" * 40


def document(**parts: Any) -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", **parts}).encode()


def component(name: str = "x", **parts: Any) -> dict[str, Any]:
    return {"type": "machine-learning-model", "name": name, **parts}


def differences(old: bytes, new: bytes) -> tuple[Change, ...]:
    return compare(diff_document.read(old, "old").entries, diff_document.read(new, "new").entries)


def told(changes: tuple[Change, ...]) -> dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]]:
    return {
        f"{change.status} {change.identity}": {d.aspect.value: (d.before, d.after) for d in change.details}
        for change in changes
    }


def ours(inventory: Inventory) -> bytes:
    return bom.build(inventory, None, name="vision", version="abc", spec="1.7").encode()


def moved() -> Inventory:
    """The repository after a change: a moved pin, other bytes, other facts, another base, a fixed advisory."""
    before = repository()
    made = []
    for found in before.components:
        if found.identity == "hf:acme/base":
            made.append(dataclasses.replace(found, version="main", pinned=False))
        elif found.identity == "file:m/adapter.safetensors":
            facts = ModelFacts(format="safetensors", parameters=8, architecture="LoRA", quantization="Q4_0")
            digest = Hash(algorithm="MD5", value="ef" * 16, declared=True)
            made.append(dataclasses.replace(found, model=facts, licenses=("MIT",), hashes=(digest,)))
        elif found.identity == "pkg:pypi/torch":
            made.append(dataclasses.replace(found, version="2.6.0", purl="pkg:pypi/torch@2.6.0"))
        elif found.kind is not Kind.DATASET:
            made.append(found)
    references = [dataclasses.replace(r, revision="main", pinned=False) if r.identity else r for r in before.references]
    return dataclasses.replace(
        before,
        components=tuple(made),
        references=tuple(references),
        relations=(
            Relation(source="file:m/adapter.safetensors", target="hf:acme/base", kind="quantized-from"),
            *(r for r in before.relations if r.source.startswith("pkg:")),
        ),
        scanned=(dataclasses.replace(before.scanned[0], sha256="cd" * 32), *before.scanned[1:]),
        vulnerabilities=(),
    )


def test_a_moved_revision_other_bytes_facts_lineage_and_a_fixed_advisory() -> None:
    changes = differences(ours(repository()), ours(moved()))
    assert told(changes) == {
        "changed file:m/adapter.safetensors": {
            "bytes": (
                (f"MD5:{'cd' * 16}", f"SHA-256:{'ab' * 32}"),
                (f"MD5:{'ef' * 16}", f"SHA-256:{'cd' * 32}"),
            ),
            "license": (("Apache-2.0",), ("MIT",)),
            "ancestors": (("hf:acme/base (adapter-of)",), ("hf:acme/base (quantized-from)",)),
            "datasets": (("dataset:hf:acme/signs",), ()),
            "parameters": (("7",), ("8",)),
            "quantization": ((), ("Q4_0",)),
        },
        "changed hf:acme/base": {
            "version": ((SHA,), ("main",)),
            "pinned": (("true",), ("false",)),
            "ancestors": (("hf:meta/root (derived-from)",), ()),
        },
        "removed hf:meta/root": {},
        "removed dataset:hf:acme/signs": {"pinned": (("false",), ())},
        "changed pkg:pypi/torch": {"version": (("2.0.0",), ("2.6.0",))},
        "removed CVE-2025-32434": {
            "severity": (("critical",), ()),
            "affects": (("pkg:pypi/torch",), ()),
        },
    }


def test_inventories_say_the_same_of_models_and_datasets_as_their_documents() -> None:
    documents = differences(ours(repository()), ours(moved()))
    expected = told(tuple(change for change in documents if change.kind in {"model", "dataset"}))
    expected["changed file:m/adapter.safetensors"]["license"] = (("apache-2.0",), ("MIT",))
    assert told(diff_inventory.changes(repository(), moved())) == expected


@pytest.mark.parametrize("same", [repository(), Inventory(root="")])
def test_nothing_differs_from_itself_in_any_order(same: Inventory) -> None:
    data = json.loads(ours(same))
    for part in ("components", "dependencies", "vulnerabilities"):
        data.get(part, []).reverse()
    assert differences(ours(same), json.dumps(data).encode()) == ()
    assert diff_inventory.changes(same, same) == ()


def entry(version: str = "", *, kind: str = "package", **facts: str) -> Entry:
    made = {Aspect(key): frozenset(value.split()) for key, value in facts.items()}
    return Entry(kind=kind, identity="x", version=version, facts=made)


def test_several_versions_are_compared_as_sets() -> None:
    old = [entry("1", license="MIT"), entry("2", license="MIT")]
    new = [entry("2", license="ISC"), entry("3", license="ISC"), entry("4", license="ISC")]
    (change,) = compare(old, new)
    assert change.details == (
        Detail(aspect=Aspect.VERSION, before=("1",), after=("3", "4")),
        Detail(aspect=Aspect.LICENSE, before=("MIT",), after=("ISC",)),
        Detail(aspect=Aspect.LICENSE, before=("MIT",), after=("ISC",), version="2"),
    )
    (gone,) = compare(old, [old[1]])
    assert gone.details == (Detail(aspect=Aspect.VERSION, before=("1",), after=()),)


@pytest.mark.parametrize(
    ("before", "after", "aspect"),
    [
        ("SHA-256:aa", "SHA-256:bb", Aspect.BYTES),
        ("SHA-256:aa MD5:1", "SHA-256:aa", None),
        ("SHA-256:aa", "MD5:1", Aspect.HASHES),  # nothing to compare: no claim about the bytes
        ("SHA-256:aa SHA-256:bb", "SHA-256:bb SHA-256:cc", Aspect.HASHES),  # files of a release
        ("SHA-256:aa", "", Aspect.HASHES),
    ],
)
def test_only_digests_that_contradict_each_other_are_other_bytes(before: str, after: str, aspect: Aspect) -> None:
    changes = compare([entry("1", hashes=before)], [entry("1", hashes=after)])
    assert [detail.aspect for change in changes for detail in change.details] == ([aspect] if aspect else [])
    (moved,) = compare([entry("1", hashes=before)], [entry("2", hashes=after)])
    assert [detail.aspect for detail in moved.details] == [Aspect.VERSION]


def test_what_could_not_be_read_has_not_lost_its_facts() -> None:
    def side(*, complete: bool, digest: str) -> Inventory:
        facts = ModelFacts(format="gguf", parameters=1) if complete else None
        model = Component(kind=Kind.MODEL, identity="file:m.gguf", name="m", model=facts)
        scanned = Scanned(path="m.gguf", format="gguf", sha256=digest, size=1, complete=complete)
        return Inventory(root="", components=(model,), scanned=(scanned,))

    assert diff_inventory.changes(side(complete=True, digest="ab"), side(complete=False, digest="")) == ()
    (change,) = diff_inventory.changes(side(complete=True, digest="ab"), side(complete=False, digest="cd"))
    assert [detail.aspect for detail in change.details] == [Aspect.BYTES]


def test_a_foreign_document_is_matched_by_package_url_without_version() -> None:
    old = document(
        components=[
            component("a", purl="pkg:huggingface/Acme/base@0123"),
            {"type": "library", "name": "n", "purl": "pkg:npm/%40acme/n@1.0?vcs_url=git"},
            {"type": "framework", "group": "org", "name": "plain", "version": "1"},
            {"type": "application", "name": "outer", "components": [{"type": "library", "name": "inner"}]},
        ]
    )
    new = document(
        components=[
            component("Acme/base", version=OTHER, properties=[{"name": "mlgate:identity", "value": "hf:Acme/base"}]),
            {"type": "library", "name": "n", "version": "2.0", "purl": "pkg:npm/%40acme/n@2.0"},
            {"type": "library", "group": "org", "name": "plain", "version": "2"},
            {"type": "application", "name": "outer"},
        ]
    )
    assert told(differences(old, new)) == {
        "changed hf:Acme/base": {"version": (("0123",), (OTHER,))},
        "changed org/plain": {"version": (("1",), ("2",))},
        "changed pkg:npm/%40acme/n": {"version": (("1.0",), ("2.0",))},
        "removed inner": {},
    }


def test_services_and_vulnerabilities_by_any_of_their_ids() -> None:
    service = {"name": "api", "bom-ref": "s", "endpoints": ["https://u:p@a.test/v1"], "authenticated": True}
    bug = {"id": "GHSA-1", "affects": [{"ref": "pkg"}], "ratings": [{"severity": "high"}]}
    package = {"type": "library", "name": "p", "purl": "pkg:pypi/p@1", "bom-ref": "pkg"}
    old = document(components=[package], services=[service], vulnerabilities=[bug])
    renamed = {"id": "CVE-1", "references": [{"id": "GHSA-1"}], "affects": [{"ref": "pkg"}]}
    other = {**service, "endpoints": ["https://b.test/v1"], "authenticated": False}
    new = document(components=[package], services=[other], vulnerabilities=[renamed, {"id": "CVE-2"}])
    assert told(differences(old, new)) == {
        "changed api": {
            "endpoints": (("https://a.test/v1",), ("https://b.test/v1",)),
            "authenticated": (("true",), ("false",)),
        },
        "added CVE-2": {},
    }


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no ML-BOM"),
        (b"\xff", "is no ML-BOM"),
        (b"[" * 1_000_000, "is no ML-BOM"),
        (document()[:-1] + b', "x": ' + b"[" * 1_000_000, "nested too deeply"),
        (
            document()[:-1] + b', "components": ' + b'[{"type":"a","name":"b","components":' * 50_000,
            "nested too deeply",
        ),
        (document()[:-1] + b', "x": [' + b"{}," * 2_000_001 + b"{}]}", "has more than"),
        (document(components={}), "is no ML-BOM"),
        (document(components=[{"type": "data", "name": 1}]), "is no ML-BOM"),
        (b'{"spdxVersion": "SPDX-2.3"}', "is no ML-BOM"),
        (document(specVersion="1.3"), "'1.3', which is not read"),
    ],
)
def test_what_is_no_such_document_is_the_user_s_error(data: bytes, said: str) -> None:
    with pytest.raises(MlgateError, match=said):
        diff_document.read(data, "x")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = ("components", "services", "dependencies", "vulnerabilities", "metadata")


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON | st.lists(st.dictionaries(st.sampled_from(
    ("type", "name", "bom-ref", "ref", "purl", "version", "id", "dependsOn", "components", "hashes", "modelCard")
), _JSON | st.just("pkg:a/b@1"), max_size=6), max_size=3)))  # fmt: skip
def test_any_document_is_read_or_refused(parts: dict[str, Any]) -> None:
    data = document(**parts)
    try:
        assert differences(data, data) == ()
    except MlgateError:
        return


HOSTILE = "hf:a`|<img src=x>\x1b[2J\u202e@team\n::error::\nx"


def test_the_command_escapes_names_and_gives_git_s_exit_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [{"name": "mlgate:identity", "value": HOSTILE}]
    (tmp_path / "old.json").write_bytes(document())
    (tmp_path / "new.json").write_bytes(document(components=[component(properties=named, version=SHA)]))
    paths = [str(tmp_path / "old.json"), str(tmp_path / "new.json")]
    for form in ("human", "markdown", "json"):
        assert main(["diff", *paths, "--format", form]) == 0
        text = capsys.readouterr().out
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\n::error" not in text
        assert main(["diff", *paths, "--format", form]) == 0
        assert capsys.readouterr().out == text
    made = json.loads(text)
    assert made["schema"] == "urn:mlgate:schema:diff:1"
    assert made["summary"] == {"added": 1, "removed": 0, "changed": 0}
    assert made["changes"][0]["identity"] == HOSTILE
    assert main(["diff", *paths, "--exit-code"]) == 1
    assert main(["diff", paths[1], paths[1], "--exit-code"]) == 0
    assert main(["diff", paths[1], str(tmp_path)]) == 2
    assert main(["diff", paths[1], str(tmp_path / "none")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_versions_that_begin_alike_are_shown_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, version in (("a", "0" * 39 + "1"), ("b", "0" * 39 + "2"), ("c", SHA)):
        (tmp_path / name).write_bytes(document(components=[component(version=version)]))
    main(["diff", str(tmp_path / "a"), str(tmp_path / "b")])
    assert f"version {'0' * 39}1 -> {'0' * 39}2" in capsys.readouterr().out
    main(["diff", str(tmp_path / "a"), str(tmp_path / "c")])
    assert f"version {'0' * 12} -> {SHA[:12]}" in capsys.readouterr().out


def test_the_model_that_a_document_is_about_and_data_inside_of_a_component() -> None:
    def one(licence: str, data: str) -> bytes:
        card = {"modelParameters": {"datasets": [{"ref": data}, {"type": "dataset", "name": "inline"}]}}
        licenses = [{"license": {"id": licence}}]
        parts = [{"type": "data", "name": name, "bom-ref": name, "data": [{"bom-ref": f"{name}-0"}]} for name in "ab"]
        about = component("big", licenses=licenses, modelCard=card)
        return document(metadata={"component": about}, components=parts)

    assert told(differences(one("MIT", "a-0"), one("ISC", "b"))) == {
        "changed big": {"license": (("MIT",), ("ISC",)), "datasets": (("a", "inline"), ("b", "inline"))}
    }
