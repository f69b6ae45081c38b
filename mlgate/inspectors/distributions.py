"""Python packages as sdists, eggs and installed folders: one metadata file each, in an archive or in the repository.

Source: the PyPA specifications "Source distribution format" and "Recording installed projects", and setuptools'
"The Internal Structure of Python Eggs".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from mlgate.inspectors import _packages
from mlgate.records import Artifact, Inspector, Observation

_INSTALLED = re.compile(r"(?P<stem>.+)\.dist-info")
_EGG = re.compile(r"(?P<stem>.+?-\d.*?)(-py\d[\d.]*)?(-[\w.]+)?\.egg(-info)?", re.IGNORECASE)
_SOURCE = re.compile(r"(?P<stem>[\w.-]*[A-Za-z][\w.-]*-v?\d[\w.+!-]*)")
_PARTS = 3


def inner_path(artifact: Artifact) -> tuple[str, str]:
    """(name of the innermost archive or "", path in it or in the repository)."""
    if artifact.member is None:
        return "", artifact.path
    outer, _, inner = artifact.member.rpartition("!")
    container = outer.rpartition("!")[2] or artifact.path
    return container.rpartition("/")[2], inner


def _kind(artifact: Artifact) -> tuple[str, str] | None:
    """(what it is, NAME-VERSION by its folder or archive), or None when it is no package's metadata by its place."""
    if artifact.name not in ("METADATA", "PKG-INFO"):
        return None
    container, path = inner_path(artifact)
    parts = path.split("/")[-_PARTS:]
    folder = parts[-2] if len(parts) > 1 else ""
    if artifact.name == "METADATA":
        found = _INSTALLED.fullmatch(folder)
        # the metadata of a wheel as a whole is the wheel reader's
        own = container.lower().endswith(".whl") and path.count("/") == 1
        return ("installed", found["stem"]) if found and not own else None
    if folder == "EGG-INFO":
        egg = parts[0] if len(parts) == _PARTS else container
        found = _EGG.fullmatch(egg)
        return ("egg", found["stem"]) if found and egg.lower().endswith(".egg") else None
    if folder.endswith(".egg-info"):  # without a version it is what the project says of itself while it is developed
        found = _EGG.fullmatch(folder)
        return ("installed", found["stem"]) if found else None
    found = _SOURCE.fullmatch(folder)
    return ("sdist", found["stem"]) if found and (artifact.member is None or path.count("/") == 1) else None


def _whole(artifact: Artifact) -> bool:
    """Whether the file of the repository is this package, perhaps packed once more (`.tar.gz`)."""
    outer, inside, _ = (artifact.member or "").rpartition("!")
    if artifact.member is None or not inside:
        return artifact.member is not None
    stem = artifact.path.rpartition("/")[2].rpartition(".")[0]
    return "!" not in outer and outer.removesuffix(".tar") in (stem, stem.removesuffix(".tar"))


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    kind, stem = _kind(artifact) or ("", "")
    metadata = _packages.read_metadata(artifact)
    name, _, version = stem.rpartition("-")
    if canonicalize_name(name) != canonicalize_name(metadata.name) or not _packages.same_version(
        version, metadata.version
    ):
        yield _packages.contradiction(artifact.at(), stem, f"{metadata.name} {metadata.version}")
    properties = [(_packages.BASIS, artifact.name), ("package:distribution", kind)]
    if kind in ("sdist", "egg") and _whole(artifact):
        properties.append((_packages.WHOLE, artifact.path))
    yield from _packages.distribution(metadata, artifact.at(), properties=tuple(properties))


INSPECTOR = Inspector(
    name="distributions",
    claims=lambda artifact: _kind(artifact) is not None,
    inspect=_inspect,
    rules=(_packages.CONTRADICTION,),
    reads="Python packages by their metadata: sdists (`NAME-VERSION/PKG-INFO`), eggs (`EGG-INFO/PKG-INFO`), and "
    "installed packages (`NAME-VERSION.dist-info/METADATA`, `NAME-VERSION.egg-info/PKG-INFO`), in the repository and "
    "in archives, such as packages that another one brings along.",
    misses="An `.egg-info` folder without a version in its name is the project's own. The RECORD of installed folders "
    "is not compared.",
)
