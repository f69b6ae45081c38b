"""The files of the repository that a path in a command may mean."""

from __future__ import annotations

import posixpath
import re

from mlgate.installs._packages import Paths

_COPY = re.compile(r"[ \t]*(?:COPY|ADD)\s+(.*)", re.IGNORECASE)
_MOST_PATHS = 8


def repository_paths(path: str, dockerfile: str = "") -> Paths:
    """The files of the repository that a path in a command may mean. In an image, what was copied has other folders."""
    folder = posixpath.dirname(path)
    copied: list[str] = []
    for line in dockerfile.split("\n"):
        found = _COPY.match(line)
        if found and "--from" not in line:
            copied += [word for word in re.split(r"[\s\[\],\"]+", found[1]) if word and not word.startswith("--")][:-1]

    def candidates(text: str, base: str | None) -> list[str]:
        plain = re.sub(r"^(?:~|\$HOME)?/+", "", text)
        wanted: list[str] = []
        if dockerfile:
            name = posixpath.basename(plain)
            wanted += [source for source in copied if posixpath.basename(source) == name]
            parts = plain.split("/")
            wanted += ["/".join(parts[at:]) for at in range(min(len(parts), 4))]
        else:
            wanted.append(plain)
        found = [posixpath.join(start, each) for each in wanted for start in dict.fromkeys((base or "", folder, ""))]
        clean = [posixpath.normpath(each).lstrip("/") for each in found]
        return [each for each in dict.fromkeys(clean) if each not in {"", "."} and not each.startswith("..")][
            :_MOST_PATHS
        ]

    return candidates
