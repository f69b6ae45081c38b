"""An upgrade as a line that can be pasted where the package stands.

Where versions are written by hand it is the new line; where a tool writes them it is the tool's command, since a lock
that is edited by hand no longer fits its hashes. A transitive package is raised in the way its tool has for that
(npm's overrides, yarn's resolutions, Gradle's constraints), because asking for it directly would leave the old one
beside the new one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from mlgate.records import Component, PackageFacts

# A fix is pasted into a shell or a manifest, and the name is a stranger's: nothing but what names and versions have.
_PLAIN = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9@/._+~:-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!~-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upgrade:
    name: str
    old: str
    new: str
    file: str
    symbol: str
    facts: PackageFacts

    @property
    def dev(self) -> bool:
        return self.facts.scope == "dev"


def pasteable(component: Component, path: str, version: str) -> str:
    """The text for the manifest at `path`, or "" when name or version are not of a form that is safe to paste."""
    if component.package is None or not _PLAIN.fullmatch(component.name) or not _VERSION.fullmatch(version):
        return ""
    upgrade = _Upgrade(
        name=component.name,
        old=component.version or "",
        new=version,
        file=PurePosixPath(path).name,
        symbol=next((o.symbol for o in component.occurrences if o.location.path == path), ""),
        facts=component.package,
    )
    write = _WRITERS.get(upgrade.facts.ecosystem)
    return write(upgrade) if write else f"{upgrade.name} {version}"


def _python(up: _Upgrade) -> str:
    pin = f"{up.name}=={up.new}"
    commands = {
        "uv.lock": f"uv lock --upgrade-package {pin}",
        "poetry.lock": f"poetry update {up.name}  # to {up.new} or later",
        "pdm.lock": f"pdm update {up.name}  # to {up.new} or later",
        "Pipfile.lock": f"pipenv upgrade {pin}",
        "pixi.lock": f'pixi add --pypi "{pin}"',
        "Pipfile": f'{up.name} = "=={up.new}"',
        "pixi.toml": f'{up.name} = "=={up.new}"',
    }
    if up.file in commands:
        return commands[up.file]
    if up.file.startswith("pylock."):
        return f"uv pip compile --upgrade-package {pin}"
    if up.file == "pyproject.toml" and re.fullmatch(r"\S+ [0-9]\S*", up.symbol):
        return f'{up.name} = "{up.new}"'  # poetry's table: a version without an operator
    line = _requirement(up)
    return f'"{line}"' if up.file in {"pyproject.toml", "setup.py"} or up.file.endswith(".py") else line


def _requirement(up: _Upgrade) -> str:
    """The requirement with its extras and marker, as it stands in the manifest, and the new version."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  (start-up)

    pin = f"{up.name}=={up.new}"
    text, hashed, _ = up.symbol.partition("--hash")
    try:
        old = Requirement(re.sub(r"(^|\s)#.*", "", text).strip().rstrip("\\").strip())
    except InvalidRequirement:
        return pin
    extras = f"[{','.join(sorted(old.extras))}]" if old.extras else ""
    marker = f" ; {old.marker}".replace('"', "'") if old.marker else ""
    told = "  # and the hashes of its files" if hashed else ""
    return f"{up.name}{extras}=={up.new}{marker}{told}"


def _npm(up: _Upgrade) -> str:
    alias, aliased, _ = up.symbol.partition("@npm:")
    entry = {up.name: up.new}
    if aliased and _PLAIN.fullmatch(alias):
        entry = {alias: f"npm:{up.name}@{up.new}"}
    if up.file == "package.json":
        return _member(entry)
    commands = {
        "yarn.lock": ("yarn upgrade", "resolutions"),
        "pnpm-lock.yaml": ("pnpm update", "pnpm"),
        "bun.lock": ("bun add", "overrides"),
    }
    command, key = commands.get(up.file, ("npm install", "overrides"))
    if up.facts.direct:
        return f"{command} {up.name}@{up.new}"
    inner = {"overrides": {up.name: up.new}} if key == "pnpm" else {up.name: up.new}
    return _member({key: inner})


def _member(entry: Mapping[str, object]) -> str:
    """An object's member as it stands in a JSON file, without the braces around it."""
    return json.dumps(entry)[1:-1]


def _maven(up: _Upgrade) -> str:
    if up.file == "pom.xml" or up.file.endswith(".pom"):
        if up.facts.direct:
            return f"<version>{up.new}</version>"
        group, _, artifact = up.name.partition(":")
        inner = f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{up.new}</version>"
        inner = f"<dependencies><dependency>{inner}</dependency></dependencies>"
        return f"<dependencyManagement>{inner}</dependencyManagement>"
    if up.file.endswith(".versions.toml"):
        return f'{{ module = "{up.name}", version = "{up.new}" }}'
    if up.file == "gradle.lockfile" or up.file.endswith(".lockfile"):
        return f'constraints {{ implementation("{up.name}:{up.new}") }}'
    if up.file in {"build.gradle", "build.gradle.kts"}:
        return f'"{up.name}:{up.new}"'
    return f"{up.name}:{up.new}"


def _go(up: _Upgrade) -> str:
    # the command adds +incompatible and what go.sum needs; `go get` takes the toolchain under the name go
    if up.name == "stdlib":
        return f"go get go@{up.new.removeprefix('v')}"
    return f"go get {up.name}@v{up.new.removeprefix('v')}"


def _cargo(up: _Upgrade) -> str:
    if up.file == "Cargo.toml":
        return f'{up.name} = "={up.new}"'
    old = f"@{up.old}" if _VERSION.fullmatch(up.old) else ""  # a lock may hold several versions of one crate
    return f"cargo update {up.name}{old} --precise {up.new}"


def _ruby(up: _Upgrade) -> str:
    if up.facts.direct:
        return f'gem "{up.name}", "{up.new}"'
    return f"bundle update --conservative {up.name}  # to {up.new} or later"


def _composer(up: _Upgrade) -> str:
    if up.file == "composer.json":
        return _member({up.name: up.new})
    if up.facts.direct:
        return f"composer require {'--dev ' if up.dev else ''}{up.name}:{up.new}"
    return f"composer update {up.name} --with {up.name}:{up.new}"


def _nuget(up: _Upgrade) -> str:
    return f"dotnet add package {up.name} --version {up.new}"


def _cran(up: _Upgrade) -> str:
    return f'renv::install("{up.name}@{up.new}"); renv::snapshot()'


def _bioconductor(up: _Upgrade) -> str:
    return f'renv::install("bioc::{up.name}@{up.new}"); renv::snapshot()'


_WRITERS: dict[str, Callable[[_Upgrade], str]] = {
    "PyPI": _python,
    "npm": _npm,
    "Maven": _maven,
    "Go": _go,
    "crates.io": _cargo,
    "RubyGems": _ruby,
    "Packagist": _composer,
    "NuGet": _nuget,
    "CRAN": _cran,
    "Bioconductor": _bioconductor,
}
