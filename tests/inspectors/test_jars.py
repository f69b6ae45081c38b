"""Committed JAR, WAR and EAR files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors import _javafiles, jars
from tests.builders import archives
from tests.builders import jars as build
from tests.reading import Said, artifact, read
from tests.repositories import commit
from tests.test_pipeline import look, told

_CORE = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"


def _said(path: str, data: bytes) -> Said:
    assert jars.INSPECTOR.claims(artifact(path, data))
    return read(jars.INSPECTOR, path, data)


def _purls(path: str, data: bytes) -> list[str | None]:
    said = _said(path, data)
    assert said.stopped is None
    return [c.purl for c in said.components]


@pytest.mark.parametrize(
    ("path", "data", "member"),
    [
        ("lib/log4j-core-2.14.1.jar", build.log4j(), None),
        (
            "app.jar",
            build.jar({"BOOT-INF/lib/log4j-core-2.14.1.jar": build.log4j()}),
            "BOOT-INF/lib/log4j-core-2.14.1.jar",
        ),
        (
            "app.ear",
            build.jar({"web.war": build.jar({"WEB-INF/lib/x.jar": build.log4j()}, classes=())}, classes=()),
            "web.war!WEB-INF/lib/x.jar",
        ),
        (
            "renamed.bin",
            build.jar(build.manifest(), {"META-INF/maven/g/a/pom.properties": b""}, {"l.jar": build.log4j()}),
            "l.jar",
        ),
    ],
)
def test_log4j_is_found_direct_and_nested(tmp_path: Path, path: str, data: bytes, member: str | None) -> None:
    commit(tmp_path, {path: data})
    result = look(tmp_path)
    (found,) = (c for c in result.inventory.components if c.purl == _CORE)
    assert [h.value for h in found.hashes] == [hashlib.sha256(build.log4j()).hexdigest()]
    place = found.occurrences[0].location.member or ""
    pom = "META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties"
    assert place == (f"{member}!{pom}" if member else pom)
    assert "MLG-DEP-046" not in {rule for rule, _ in told(result)}


def test_packages_shaded_into_another_are_what_it_needs() -> None:
    data = build.jar(
        build.pom("com.acme", "app", "1.0"),
        build.pom("org.apache.logging.log4j", "log4j-core", "2.14.1"),
        classes=("com/acme/shaded/log4j/core/lookup/JndiLookup.class",),
    )
    said = _said("app-1.0.jar", data)
    assert [c.purl for c in said.components] == ["pkg:maven/com.acme/app@1.0", _CORE]
    assert [bool(c.hashes) for c in said.components] == [True, False]
    assert [r.target for r in said.relations] == ["pkg:maven/org.apache.logging.log4j/log4j-core"]
    assert not said.findings


@pytest.mark.parametrize("prefix", ["", "my/shaded/", "WEB-INF/classes/"])
def test_jndi_lookup_without_a_version_is_for_review(prefix: str) -> None:
    data = build.jar(build.pom("com.acme", "app", "1.0"), classes=(prefix + build.LOG4J,))
    assert _said("app-1.0.jar", data).rules == ["MLG-DEP-046"]
    assert _said("classes/" + build.LOG4J, build.CLASS).rules == ["MLG-DEP-046"]


def test_manifest_and_file_name_where_maven_says_nothing() -> None:
    osgi = build.manifest(Bundle_SymbolicName="org.apache.logging.log4j.core", Bundle_Version="2.14.1")
    assert _said("log4j-core-2.14.1.jar", build.jar(osgi, classes=(build.LOG4J,))).rules == []
    assert _purls("log4j-core-2.14.1.jar", build.jar(osgi, classes=(build.LOG4J,))) == [_CORE]
    spring = build.jar(
        build.manifest(Implementation_Title="spring-beans", Implementation_Version="5.3.17"),
        classes=("org/springframework/beans/BeanWrapper.class",),
    )
    beans = "pkg:maven/org.springframework/spring-beans@5.3.17"
    assert _purls("spring-beans-5.3.17.jar", spring) == [beans]
    assert _purls("beans.jar", spring) == [beans]
    # the name alone is not enough: anybody's package can be called so
    assert _purls("spring-beans-5.3.17.jar", build.jar()) == ["pkg:generic/spring-beans@5.3.17"]
    said = _said("mystery.jar", build.jar())
    assert (said.rules, said.components) == (["MLG-DEP-045"], ())


def test_names_that_contradict_the_content_are_told() -> None:
    assert _said("log4j-core-2.19.0.jar", build.log4j()).rules == ["MLG-DEP-044"]
    assert not _said("log4j-core-2.14.1-tests.jar", build.log4j()).rules
    lying = build.jar(build.manifest(Implementation_Version="0.12.0", Bundle_SymbolicName="org.acme.lib"))
    assert "MLG-DEP-044" in _said("lib-0.99.jar", lying).rules


def test_what_is_no_program_is_left_alone() -> None:
    sources = archives.archive(archives.Entry(name="a/B.java", data=b"class B {}"))
    assert not _said("lib-1.0-sources.jar", sources).observations
    pom = build.pom("org.apache.logging.log4j", "log4j-core", "2.14.1")
    zipped = archives.archive(*(archives.Entry(name=f"repo-main/{name}", data=data) for name, data in pom.items()))
    assert not jars.INSPECTOR.claims(artifact("repo.zip", zipped))
    assert not jars.INSPECTOR.claims(artifact("notes.war", b"text"))


def test_hostile_properties() -> None:
    text = b"groupId=org\\u002eacme\nartifactId : a\\\n  b\nversion 1.0\n"
    assert _javafiles.properties(text) == {"groupId": "org.acme", "artifactId": "ab", "version": "1.0"}
    name = "META-INF/maven/org.acme/lib/pom.properties"
    # nothing filled in: the path tells the package, nothing tells the version
    assert _purls("x.jar", build.jar({name: b"version=${project.version}\n"})) == ["pkg:maven/org.acme/lib"]
    huge = _said("x.jar", build.jar({name: b"#" * 100_000}))
    assert huge.stopped is not None
    assert huge.stopped.reason == "limit"
    assert _said("x.jar", b"no archive").stopped is not None
    many = {f"META-INF/maven/g/a{n}/pom.properties": b"version=1" for n in range(5_001)}
    said = _said("many.jar", build.jar(many))
    assert said.stopped is not None
    assert len(said.components) == 5_000


@given(st.binary())
def test_archives_with_any_bytes(data: bytes) -> None:
    read(jars.INSPECTOR, "x.jar", data)
    parts = {"META-INF/maven/g/a/pom.properties": data, "META-INF/MANIFEST.MF": data}
    assert _said("x.jar", build.jar(parts)).components


@given(
    st.dictionaries(
        st.sampled_from(["implementation-title", "implementation-version", "bundle-symbolicname"]), st.text()
    ),
    st.text(),
)
def test_manifests_with_any_text(fields: dict[str, str], file: str) -> None:
    named = _javafiles.from_manifest(fields, file, frozenset())
    assert named is None or named.version
