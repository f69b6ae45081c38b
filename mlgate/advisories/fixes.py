"""An upgrade as a line that can be pasted where the package stands."""

from __future__ import annotations

from pathlib import PurePosixPath

from mlgate.records import Component


def pasteable(component: Component, path: str, version: str) -> str:
    """The text for the manifest at `path`: the new line where versions are written, the command where a tool does."""
    name = PurePosixPath(path).name
    plain = component.name
    commands = {
        "uv.lock": f"uv lock --upgrade-package {plain}=={version}",
        "poetry.lock": f"poetry update {plain}  # to {version} or later",
        "package-lock.json": f"npm install {plain}@{version}",
        "npm-shrinkwrap.json": f"npm install {plain}@{version}",
        "pom.xml": f"<version>{version}</version>",
        "pyproject.toml": f'"{plain}=={version}"',
    }
    if name in commands:
        return commands[name]
    if name.startswith("pylock."):
        return f"uv pip compile --upgrade-package {plain}=={version}"
    if component.package and component.package.ecosystem == "Maven":
        return f"{plain}:{version}"
    return f"{plain}=={version}"
