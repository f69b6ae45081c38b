"""Hydra's defaults lists: which files of configuration groups a file is put together from.

Format: hydra.cc, "The Defaults List" and "Packages": items are `group: option`, `group@package: option` or `option`,
read from the folder of the file that lists them; what stands later wins, the file's own values where `_self_` stands
(at the end, if nowhere).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SELF = "_self_"
PACKAGE = "@package"  # the key under which a file's own `# @package NAME` is kept
_MOST = 50
_GROUP = re.compile(r"(?:optional +|override +)*(?P<group>[\w./-]+)(?:@(?P<package>[\w.:]+))?", re.ASCII)
_OPTION = re.compile(r"[\w./=-]+", re.ASCII)
_HEADER = re.compile(r"(?:\s*#[^\n]*\n)*?\s*#\s*@package\s+([\w.]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """A file that belongs to the configuration, and under which keys its values stand; no path: the file itself."""

    path: str
    package: str


def header(text: str) -> str:
    """The package that a file's comment states, or ""."""
    found = _HEADER.match(text[:2000])
    return found[1] if found else ""


def parts(path: str, constants: Mapping[str, str]) -> Iterator[Part]:
    """The parts of the file at `path`, whose texts these are, in the order in which they are put together."""
    listed = sorted(
        (int(number), rest, value)
        for key, value in constants.items()
        if key.startswith("defaults.")
        for number, _, rest in [key.removeprefix("defaults.").partition(".")]
        if number.isascii() and number.isdigit() and len(number) < 4
    )[:_MOST]
    own = False
    folder = posixpath.dirname(path)
    for _, item, option in listed:
        if not item and option == SELF:
            own = True
            yield Part("", "")
            continue
        found = _GROUP.fullmatch(item) if item else None
        if (item and found is None) or not _OPTION.fullmatch(option) or option.startswith("/"):
            continue
        group = found["group"] if found else ""
        if group.startswith(("/", "hydra/")) or ".." in posixpath.join(group, option).split("/"):
            continue
        stated = (found["package"] or "") if found else ""
        package = "" if stated == "_global_" else stated or posixpath.join(group, option).rpartition("/")[0]
        file = posixpath.join(folder, group, option.removesuffix(".yaml") + ".yaml")
        yield Part(file, package.replace("/", "."))
    if not own:
        yield Part("", "")
