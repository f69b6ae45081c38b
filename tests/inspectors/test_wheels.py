"""Committed wheels, sdists, eggs and installed folders."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors import _packages, distributions, wheels
from mlgate.records import Component, Inventory
from tests.builders import archives
from tests.builders import wheels as build
from tests.reading import artifact, read
from tests.repositories import commit
from tests.test_pipeline import look

_NAME = "demo_pkg-1.2-py3-none-any.whl"


def _one(inventory: Inventory, purl: str) -> Component:
    (found,) = (c for c in inventory.components if c.purl == purl)
    return found


def _rules(path: str, data: bytes) -> list[str]:
    said = read(wheels.INSPECTOR, path, data)
    assert said.stopped is None
    return said.rules


def test_a_wheel_is_its_package_and_what_it_always_needs() -> None:
    data = build.wheel({"demo_pkg/_c.cpython-311-x86_64-linux-gnu.so": b"\x7fELF"})
    said = read(wheels.INSPECTOR, f"vendor/{_NAME}", data)
    assert said.stopped is None
    assert not said.findings
    own = said.one("demo-pkg")
    assert own.purl == "pkg:pypi/demo-pkg@1.2"
    assert [h.value for h in own.hashes] == [hashlib.sha256(data).hexdigest()]
    assert own.licenses == ("MIT",)
    assert dict(own.properties)["package:native"].endswith("_c.cpython-311-x86_64-linux-gnu.so")
    assert own.occurrences[0].location.member == "demo_pkg-1.2.dist-info/METADATA"
    assert [c.purl for c in said.components[1:]] == ["pkg:pypi/numpy", "pkg:pypi/six@1.16.0"]
    assert [r.target for r in said.relations] == ["pkg:pypi/numpy", "pkg:pypi/six"]


def test_files_are_compared_with_record() -> None:
    assert _rules(_NAME, build.wheel(changed=("demo_pkg/__init__.py",))) == ["MLG-DEP-040"]
    assert _rules(_NAME, build.wheel(unlisted=("demo_pkg/__init__.py",))) == ["MLG-DEP-041"]
    assert _rules(_NAME, build.wheel(record=False)) == ["MLG-DEP-041"]
    # a second RECORD does not make up for what the first one says, and signatures are listed nowhere
    assert not _rules(_NAME, build.wheel({"demo_pkg-1.2.dist-info/RECORD.jws": b"{}"}, unlisted=("RECORD.jws",)))


def test_a_name_that_contradicts_the_metadata_is_told() -> None:
    assert _rules("demo_pkg-1.3-py3-none-any.whl", build.wheel()) == ["MLG-DEP-044"]
    assert _rules("other-1.2-py3-none-any.whl", build.wheel()) == ["MLG-DEP-044"]
    assert not _rules("Demo.Pkg-1.2.0-py3-none-any.whl", build.wheel())


@pytest.mark.parametrize("data", [b"no archive", archives.archive(archives.Entry(name="a.py", data=b""))])
def test_a_wheel_without_metadata_is_incomplete(data: bytes) -> None:
    assert read(wheels.INSPECTOR, _NAME, data).stopped is not None


def test_sdists_and_eggs_get_the_digest_of_their_file(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "dist/demo_pkg-1.2.tar.gz": build.sdist(),
        "old/demo_pkg-1.3-py3.8.egg": build.egg(build.METADATA.replace("1.2", "1.3")),
        "src/other.egg-info/PKG-INFO": build.METADATA.replace("Demo_Pkg", "other"),
        "lib/site-packages/third-2.0.dist-info/METADATA": "Name: third\nVersion: 2.0\n",
        "docs/METADATA": "Name: fourth\nVersion: 2.0\n",
    }
    commit(tmp_path, dict(files))
    inventory = look(tmp_path).inventory
    for path, purl in (("dist/demo_pkg-1.2.tar.gz", "1.2"), ("old/demo_pkg-1.3-py3.8.egg", "1.3")):
        data = files[path]
        assert isinstance(data, bytes)
        found = _one(inventory, f"pkg:pypi/demo-pkg@{purl}")
        assert [h.value for h in found.hashes] == [hashlib.sha256(data).hexdigest()]
    assert _one(inventory, "pkg:pypi/third@2.0").name == "third"
    # the project's own egg-info has no version in its name, and a file called METADATA is nobody's
    assert not {c.name for c in inventory.components} & {"other", "fourth"}


def test_a_wheel_in_an_archive_is_found_and_what_a_wheel_brings_along(tmp_path: Path) -> None:
    vendored = build.wheel(
        {"demo_pkg/_vendor/inner-0.1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: inner\nVersion: 0.1\n"}
    )
    commit(tmp_path, {"wheels.zip": archives.archive(archives.Entry(name=f"w/{_NAME}", data=vendored, method=8))})
    inventory = look(tmp_path).inventory
    assert [h.value for h in _one(inventory, "pkg:pypi/demo-pkg@1.2").hashes] == [hashlib.sha256(vendored).hexdigest()]
    assert _one(inventory, "pkg:pypi/inner@0.1").occurrences[0].location.member == (
        f"w/{_NAME}!demo_pkg/_vendor/inner-0.1.dist-info/METADATA"
    )


@given(st.text() | st.from_regex(r"(Name: [a-z]+\n)?(Version: .*\n)?(Requires-Dist: .*\n)*"))
def test_metadata_of_any_text(text: str) -> None:
    said = read(distributions.INSPECTOR, "a-1.dist-info/METADATA", text.encode("utf-8", "surrogatepass"))
    assert said.stopped is not None or said.components


@given(st.binary())
def test_wheels_of_any_bytes(data: bytes) -> None:
    read(wheels.INSPECTOR, _NAME, data)
    read(wheels.INSPECTOR, _NAME, build.wheel({"demo_pkg-1.2.dist-info/RECORD": data}))


def test_what_is_a_license() -> None:
    classified = (
        "Name: a\nVersion: 1\nLicense: Copyright (c) somebody\nClassifier: License :: OSI Approved :: MIT License\n"
    )
    assert _packages.parse_metadata(classified.encode()).licenses == ("MIT License",)


def test_places_of_metadata() -> None:
    claims = distributions.INSPECTOR.claims
    assert claims(artifact("a-1.0/PKG-INFO", b""))
    assert not claims(artifact("repo-main/PKG-INFO", b""))
    assert claims(artifact("x/a-1.0-py3.8.egg-info/PKG-INFO", b""))
    assert claims(artifact("x/a-1.0-py3.8.egg/EGG-INFO/PKG-INFO", b""))
