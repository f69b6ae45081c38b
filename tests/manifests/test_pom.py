from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests import pom
from tests.manifests.test_settled import rules, tree
from tests.reading import read


def document(body: str) -> str:
    return f"<project>{body}</project>"


def dependency(name: str, more: str = "") -> str:
    return f"<dependency><groupId>g</groupId><artifactId>{name}</artifactId>{more}</dependency>"


PARENT = document(
    "<groupId>own</groupId><artifactId>parent</artifactId><version>1</version>"
    "<properties><v.one>1.1</v.one><v.two>2.0</v.two></properties><dependencyManagement><dependencies>"
    + dependency("managed", "<version>${v.two}</version>")
    + "</dependencies></dependencyManagement>"
)
CHILD = "<parent><groupId>own</groupId><artifactId>parent</artifactId><version>1</version>%s</parent>"


def test_versions_come_from_parents_in_the_repository(tmp_path: Path) -> None:
    body = (
        CHILD % ""
        + "<properties><v.two>2.2</v.two></properties><dependencies>"
        + dependency("managed")
        + dependency("property", "<version>${v.one}</version>")
        + dependency("neither")
        + "</dependencies>"
    )
    inventory = tree(tmp_path, {"pom.xml": PARENT, "app/pom.xml": document(body)})
    versions = {(c.name, c.version) for c in inventory.components if c.package and c.package.scope == "runtime"}
    assert versions == {("g:managed", "2.2"), ("g:property", "1.1"), ("g:neither", None)}
    (told,) = (f for f in inventory.findings if f.rule.id == "MLG-DEP-017")
    assert told.subject == "pkg:maven/g/neither"
    assert not [c for c in inventory.components if c.identity.startswith("carrier")]


def test_a_parent_outside_of_the_repository_tells_nothing(tmp_path: Path) -> None:
    body = CHILD % "<relativePath/>" + "<dependencies>" + dependency("managed") + "</dependencies>"
    assert "MLG-DEP-017" in rules(tree(tmp_path, {"pom.xml": PARENT, "app/pom.xml": document(body)}))
    out = document(CHILD % "<relativePath>../../other/pom.xml</relativePath>")
    assert read(pom.INSPECTOR, "app/pom.xml", out).includes == ()
    near = document(CHILD % "<relativePath>../build/parent.xml</relativePath>")
    assert [i.path for i in read(pom.INSPECTOR, "app/pom.xml", near).includes] == ["build/parent.xml"]


def test_parents_in_a_circle_end(tmp_path: Path) -> None:
    body = CHILD % "<relativePath>../b/pom.xml</relativePath>" + "<dependencies>" + dependency("x") + "</dependencies>"
    other = document(CHILD % "<relativePath>../a/pom.xml</relativePath>")
    assert "MLG-DEP-017" in rules(tree(tmp_path, {"a/pom.xml": document(body), "b/pom.xml": other}))


def test_classifiers_and_types_are_qualifiers() -> None:
    more = "<version>1.0</version><type>zip</type><classifier>linux</classifier><optional>true</optional>"
    said = read(pom.INSPECTOR, "pom.xml", document(f"<dependencies>{dependency('a', more)}</dependencies>"))
    made = said.one("g:a")
    assert made.purl == "pkg:maven/g/a@1.0?classifier=linux&type=zip"
    assert made.package
    assert made.package.scope == "optional"


TAGS = st.lists(
    st.sampled_from(
        ["<project>", "</project>", "<dependencies>", dependency("a"), "<parent>", "</parent>", "${a}", "<a>"]
    )
    | st.text(max_size=5),
    max_size=8,
)


@given(TAGS)
def test_nothing_but_a_stop_comes_out(parts: list[str]) -> None:
    read(pom.INSPECTOR, "pom.xml", "".join(parts))
    read(pom.INSPECTOR, "pom.xml", document("".join(parts)))
