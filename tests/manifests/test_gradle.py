from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests import gradle_build, gradle_catalog, gradle_lockfile
from tests.reading import artifact, read


def test_the_lockfile() -> None:
    said = read(
        gradle_lockfile.INSPECTOR,
        "gradle.lockfile",
        """# This is a Gradle generated file for dependency locking.
com.google.guava:guava:31.1-jre=compileClasspath,runtimeClasspath
junit:junit:4.13.2=testCompileClasspath,testRuntimeClasspath
org.projectlombok:lombok:1.18.30=annotationProcessor
empty=runtimeOnly
""",
    )
    assert said.stopped is None
    assert [(c.purl, c.package.scope, c.occurrences[0].location.line) for c in said.components if c.package] == [
        ("pkg:maven/com.google.guava/guava@31.1-jre", "runtime", 2),
        ("pkg:maven/junit/junit@4.13.2", "dev", 3),
        ("pkg:maven/org.projectlombok/lombok@1.18.30", "build", 4),
    ]
    assert read(gradle_lockfile.INSPECTOR, "gradle.lockfile", "a:b=c\n").stopped
    assert gradle_lockfile.INSPECTOR.claims(artifact("gradle/dependency-locks/compile.lockfile", b""))
    assert not gradle_lockfile.INSPECTOR.claims(artifact("other.lockfile", b""))


def test_the_catalogue_with_references_and_rich_versions() -> None:
    said = read(
        gradle_catalog.INSPECTOR,
        "gradle/libs.versions.toml",
        """[versions]
slf4j = "2.0.16"
strict = { strictly = "[1.0, 2.0[", prefer = "1.5" }
exactly = { strictly = "1.7" }

[libraries]
slf4j-api = { module = "org.slf4j:slf4j-api", version.ref = "slf4j" }
short = "g.test:short:1.0"
named = { group = "g.test", name = "named", version = { require = "3.1" } }
ranged = { module = "g.test:ranged", version.ref = "strict" }
fixed = { module = "g.test:fixed", version.ref = "exactly" }
bom = { module = "g.test:from-bom" }

[plugins]
kotlin = { id = "org.jetbrains.kotlin.jvm", version = "1.9.0" }
""",
    )
    assert said.stopped is None
    assert {(c.name, c.version, c.package.scope) for c in said.components if c.package} == {
        ("org.slf4j:slf4j-api", "2.0.16", "runtime"),
        ("g.test:short", "1.0", "runtime"),
        ("g.test:named", "3.1", "runtime"),
        ("g.test:ranged", None, "runtime"),
        ("g.test:fixed", "1.7", "runtime"),
        ("g.test:from-bom", None, "runtime"),
        ("org.jetbrains.kotlin.jvm:org.jetbrains.kotlin.jvm.gradle.plugin", "1.9.0", "build"),
    }
    assert said.one("org.slf4j:slf4j-api").occurrences[0].location.line == 7
    assert said.rules == ["MLG-DEP-017"]
    missing = '[libraries]\na = { module = "g:a", version.ref = "b" }\n'
    assert read(gradle_catalog.INSPECTOR, "libs.versions.toml", missing).stopped


GROOVY = """plugins {
    id 'com.github.ben-manes.versions' version '0.51.0'
}
def scala = '2.12'
buildscript { dependencies { classpath 'com.android.tools.build:gradle:8.1.0' } }
// implementation 'commented:out:1.0'
dependencies {
    implementation 'androidx.annotation:annotation:1.2.0'
    /* implementation 'commented:out:1.0'
    */
    implementation("org.lwjgl:lwjgl:3.3.1:natives-linux") { exclude group: 'a', module: 'b' }
    testImplementation group: 'junit', name: 'junit', version: '4.13.2'
    implementation fileTree(dir: 'libs', include: ['*.jar'])
    api project(':core')
    implementation libs.slf4j.api
    implementation platform('org.test:bom:1.0')
    implementation "org.apache.spark:spark-core_$scala:3.5.0"
    implementation "org.test:variable:$version"
    runtimeOnly 'org.test:moving:1.+'
    implementation deps.other
}
task x { implementation 'not:a:dependency' }
"""


def test_literals_of_a_build_script_are_read_and_the_rest_is_told() -> None:
    said = read(gradle_build.INSPECTOR, "app/build.gradle", GROOVY)
    assert said.stopped is None
    plugin = "com.github.ben-manes.versions"
    assert {(c.name, c.version, c.package.scope) for c in said.components if c.package} == {
        (f"{plugin}:{plugin}.gradle.plugin", "0.51.0", "build"),
        ("com.android.tools.build:gradle", "8.1.0", "build"),
        ("androidx.annotation:annotation", "1.2.0", "runtime"),
        ("org.lwjgl:lwjgl", "3.3.1", "runtime"),
        ("junit:junit", "4.13.2", "dev"),
        ("org.test:bom", "1.0", "constraint"),
        ("org.test:variable", None, "runtime"),
        ("org.test:moving", None, "runtime"),
    }
    assert said.one("org.lwjgl:lwjgl").purl == "pkg:maven/org.lwjgl/lwjgl@3.3.1?classifier=natives-linux"
    assert said.one("androidx.annotation:annotation").occurrences[0].location.line == 8
    assert [(f.rule.id, f.location.line, f.message[:7]) for f in said.findings] == [("MLG-DEP-033", 17, "3 lines")]


def test_a_script_of_literals_only_is_not_told() -> None:
    lines = ('api(project(":api"))', "testImplementation(libs.slf4j.simple)", 'implementation("a:b:1.0")')
    kotlin = "\n".join(("dependencies {", *lines, "}"))
    said = read(gradle_build.INSPECTOR, "build.gradle.kts", kotlin)
    assert [(c.name, c.version) for c in said.components] == [("a:b", "1.0")]
    assert said.rules == []


WORDS = st.lists(
    st.sampled_from(
        ["dependencies {", "}", "implementation ", "'a:b:1'", '"', "/*", "//", "\n", "a:b:1=c", "[libraries]"]
    )
    | st.sampled_from(["a = 'b:c:1'", "[versions]", "group: 'a', name: 'b'", "id 'x' version '1'", "{"])
    | st.text(max_size=5),
    max_size=12,
)


@given(WORDS)
def test_nothing_but_a_stop_comes_out(words: list[str]) -> None:
    for reader in (gradle_build, gradle_catalog, gradle_lockfile):
        read(reader.INSPECTOR, "x.lockfile", "".join(words))
