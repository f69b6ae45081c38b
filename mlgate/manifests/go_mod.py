"""go.mod (go.dev/ref/mod, "go.mod files"): required modules at their minimum versions, replaced and excluded ones.

From Go 1.17 on the file lists every module that is needed to build, indirect ones too; before, go.sum tells the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlgate.errors import Incomplete
from mlgate.manifests._common import read_text
from mlgate.manifests._ecosystems import GO, RULES, Entry, observations
from mlgate.records import Artifact, Inspector, Observation, Pairs

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|`([^`]*)`|(=>)|([^\s"`()]+)|([()])')
_VERSION = re.compile(r"v\d{1,20}(\.\d{1,20}(\.\d{1,20}(-[0-9A-Za-z.-]{1,200})?(\+[0-9A-Za-z.-]{1,200})?)?)?")
_VERBS = frozenset(
    {"module", "go", "toolchain", "godebug", "require", "tool", "ignore", "exclude", "replace", "retract"}
)
STANDARD = "stdlib"  # OSV's name of what comes with Go itself


@dataclass(slots=True)
class Module:
    """The lines of a go.mod by their verb: (words, line, comment)."""

    lines: dict[str, list[tuple[list[str], int, str]]] = field(default_factory=dict)
    broken: list[int] = field(default_factory=list)


def parsed(content: str) -> Module:
    """The file's lines; those of no known form are `broken`."""
    found = Module()
    verb = ""
    for number, raw in enumerate(content.split("\n"), 1):
        code, _, comment = _without_comment(raw)
        matches = list(_TOKEN.finditer(code))
        words = [next(group for group in match.groups() if group is not None) for match in matches]
        if not words:
            continue
        if verb:
            if words == [")"]:
                verb = ""
                continue
        elif words[0] not in _VERBS:
            found.broken.append(number)
            continue
        elif words[1:2] == ["("]:
            verb = words[0] if words[2:] != [")"] else ""
            continue
        each = verb or words.pop(0)
        found.lines.setdefault(each, []).append((words, number, comment.strip()))
    if verb:
        found.broken.append(content.count("\n") + 1)
    return found


def _without_comment(line: str) -> tuple[str, str, str]:
    at = re.search(r"(?:^|\s)//", line)
    return (line[: at.start()], "//", line[at.end() :]) if at else (line, "", "")


def _entries(artifact: Artifact, module: Module) -> Iterator[Entry]:
    replaced: dict[tuple[str, str], tuple[list[str], int]] = {}
    for words, line, _ in module.lines.get("replace", []):
        arrow = words.index("=>") if "=>" in words else 0
        if arrow not in {1, 2} or len(words) - arrow not in {2, 3}:
            module.broken.append(line)
            continue
        replaced[words[0], words[1] if arrow == 2 else ""] = (words[arrow + 1 :], line)
    for words, line, comment in module.lines.get("require", []):
        if len(words) != 2 or not _VERSION.fullmatch(words[1]):
            module.broken.append(line)
            continue
        name, version = words
        other = replaced.get((name, version)) or replaced.get((name, ""))
        place = line
        properties: Pairs = ()
        if other:
            target, place = other
            if len(target) < 2:  # a folder: a module of the repository, or one beside it
                if not target[0].startswith("../"):
                    continue
                yield Entry(name=name, location=artifact.at(line=place), origin="path", direct=True)
                continue
            properties = (("go:replaces", f"{name}@{version}"[:300]),)
            name, version = target[0], target[1]
        indirect = re.match(r"indirect(;|$|\s)", comment) is not None
        yield Entry(
            name=name,
            location=artifact.at(line=place),
            version=version,
            requirement=f"{name} {version}",
            specifier=version,
            direct=not indirect,
            properties=properties,
        )
    for words, line, _ in module.lines.get("go", []) + module.lines.get("toolchain", []):
        version = words[0].removeprefix("go") if len(words) == 1 else ""
        if version[:1].isdigit():  # the least that is needed: what is installed is not told here
            yield Entry(
                name=STANDARD,
                location=artifact.at(line=line),
                requirement=f"go {version}",
                specifier=f">={version}",
                direct=True,
                scope="build",
            )
        elif words != ["default"]:
            module.broken.append(line)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    module = parsed(read_text(artifact))
    yield from observations(GO, artifact, _entries(artifact, module))
    if "module" not in module.lines:
        raise Incomplete("malformed", "no module line")
    if module.broken:
        shown = ", ".join(map(str, sorted(module.broken)[:10]))
        raise Incomplete("malformed", f"lines {shown} are not of go.mod's form")


INSPECTOR = Inspector(
    name="go-mod",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "go.mod",
    inspect=_inspect,
    rules=RULES,
)
