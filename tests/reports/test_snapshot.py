"""Packages as GitHub's dependency graph takes them."""

from __future__ import annotations

from mlgate.records import Component, Inventory, Kind, Location, Occurrence, PackageFacts, Relation
from mlgate.reports import snapshot
from mlgate.reports.context import ReportContext


def package(name: str, version: str | None, path: str, **facts: object) -> Component:
    purl = f"pkg:pypi/{name}"
    return Component(
        kind=Kind.PACKAGE,
        identity=purl,
        name=name,
        version=version,
        purl=f"{purl}@{version}" if version else purl,
        occurrences=(Occurrence(location=Location(path=path, line=1)),),
        package=PackageFacts(ecosystem="PyPI", **facts),  # type: ignore[arg-type]
    )


def test_each_manifest_has_its_packages_with_scope_relationship_and_needs() -> None:
    inventory = Inventory(
        root="r",
        timestamp=1_700_000_000,
        components=(
            package("torch", "2.6.0", "uv.lock"),
            package("sympy", "1.13.1", "uv.lock", direct=False),
            package("pytest", "9.0", "uv.lock", scope="dev"),
            package("numpy", None, "Dockerfile"),
            package("ours", None, "uv.lock", origin="path"),
            Component(kind=Kind.MODEL, identity="hf:a/b", name="a/b", purl="pkg:huggingface/a/b"),
        ),
        relations=(
            Relation(source="pkg:pypi/torch", target="pkg:pypi/sympy"),
            Relation(source="pkg:pypi/torch", target="pkg:pypi/numpy"),  # which this lockfile does not have
        ),
    )
    context = ReportContext(tool_version="0.1.0", head_sha="a" * 40, path="services/a")
    body = snapshot.render(inventory, context, job=snapshot.Job(correlator="gate", id="7"), ref="refs/heads/main")
    assert body["scanned"] == "2023-11-14T22:13:20Z"
    assert set(body["manifests"]) == {"services/a/uv.lock", "services/a/Dockerfile"}
    told = body["manifests"]["services/a/uv.lock"]["resolved"]
    assert {purl: (each["relationship"], each["scope"], each["dependencies"]) for purl, each in told.items()} == {
        "pkg:pypi/torch@2.6.0": ("direct", "runtime", ["pkg:pypi/sympy@1.13.1"]),
        "pkg:pypi/sympy@1.13.1": ("indirect", "runtime", []),
        "pkg:pypi/pytest@9.0": ("direct", "development", []),
    }
    assert list(body["manifests"]["services/a/Dockerfile"]["resolved"]) == ["pkg:pypi/numpy"]
