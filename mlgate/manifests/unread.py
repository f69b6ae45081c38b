"""Manifests by name that no reader of this version understands: said, since silence would read as "no dependencies"."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate import rules
from mlgate.records import Artifact, Category, Finding, Inspector, Observation, Rule, Severity

# What the tools call their files (each tool's documentation); a reader of its own takes a name out of this table.
NAMES = {
    "Gemfile": "Bundler",
    "Package.resolved": "Swift",
    "Podfile.lock": "CocoaPods",
    "build.sbt": "sbt",
    "conan.lock": "Conan",
    "mix.lock": "Mix",
    "packages.config": "NuGet",
    "paket.lock": "Paket",
    "pubspec.lock": "Dart",
    "vcpkg.json": "vcpkg",
}

UNREAD = Rule(
    id="MLG-DEP-018",
    title="Manifest that mlgate does not read",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="The file names dependencies in a format that this version of mlgate has no reader for, so they are not in "
    "the ML-BOM and were compared with no advisory.",
    remediation="Commit a form that is read as well (requirements.txt, pylock.toml, uv.lock, poetry.lock, "
    "package-lock.json, pom.xml), or check these dependencies with another tool.",
    clause="dependencies.unread-manifest",
    cwe=("CWE-693",),
)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    tool = NAMES[artifact.name]
    message = f"The dependencies that this {tool} file names were not read."
    yield rules.finding(UNREAD, artifact.at(), message, evidence=artifact.name)


def template(artifact: Artifact, why: str) -> Finding:
    """What is said of a manifest with placeholders, in a folder whose name is one."""
    message = f"A template of a manifest, which no tool takes before its placeholders are filled in: {why}."
    return rules.finding(UNREAD, artifact.at(), message, evidence=artifact.name)


INSPECTOR = Inspector(
    name="unread-manifest",
    claims=lambda artifact: artifact.depth == 0 and artifact.name in NAMES,
    inspect=_inspect,
    rules=(UNREAD,),
)
