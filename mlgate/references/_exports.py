"""Constants that a module gives to others, and names that others give it: what references across files are resolved by.

A worker sees one file. It says what could be imported from it, found line by line and not by parsing, since most files
of a repository load no model themselves. Whoever sees all files (`resolved`) follows the imports.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlgate.records import Exports, Finding, Kind, Reference, Resolution
from mlgate.references import _targets
from mlgate.references._hydra import PACKAGE, parts
from mlgate.references._settings import SEPARATOR
from mlgate.references._table import table
from mlgate.references._unpinned import about_revision

_MOST = 300  # names of one file
_CHAIN = 5  # files that hand a name on
_CONSTANT = re.compile(
    r"""^(?P<inside>[ ]{4}|\t)?(?P<name>[A-Za-z_]\w*)[ ]*(?::[^=\n#]{1,80})?=[ ]*"""
    r"""(?P<quote>["'])(?P<value>[\w./:@+-]{2,200})(?P=quote)[ ]*(?:\#.*)?$""",
    re.MULTILINE,
)
_CLASS = re.compile(r"^class[ ]+(\w+)", re.MULTILINE)
_INSTANCE = re.compile(r"^(\w+)[ ]*(?::[^=\n#]{1,80})?=[ ]*([A-Z]\w*)\(", re.MULTILINE)
_IMPORT = re.compile(r"^from[ ]+(\.*[\w.]*)[ ]+import[ ]+(?:\(([^)]{1,2000})\)|([^\n(#]{1,500}))", re.MULTILINE)
# Of all the texts in a repository only those under such names, or with a slash, are what a loader could be given.
_LIKELY = re.compile(
    r"model|name|repo|path|data|checkpoint|ckpt|embed|tokenizer|encoder|llm|hub|url|weight|base|rev|id$", re.IGNORECASE
)


def exports(text: str, path: str) -> Exports | None:
    """What other files could import from this one, or None. A constant that is set twice is none."""
    constants: dict[str, str | None] = {}
    starts: list[tuple[int, str]] | None = None
    for match in _CONSTANT.finditer(text):
        name = match["name"]
        if "/" not in match["value"] and not _LIKELY.search(name):
            continue
        if match["inside"]:
            if starts is None:
                starts = [(found.start(), found[1]) for found in _CLASS.finditer(text)]
            owner = next((label for start, label in reversed(starts) if start < match.start()), "")
            if not owner:
                continue
            name = f"{owner}.{name}"
        constants[name] = None if constants.get(name, match["value"]) != match["value"] else match["value"]
        if len(constants) >= _MOST:
            break
    known = tuple((name, value) for name, value in constants.items() if value is not None)
    if not known and posixpath.basename(path) != "__init__.py":
        return None
    names = dict(_INSTANCE.findall(text)[:_MOST])
    for module, several, one in _IMPORT.findall(text)[:_MOST]:
        for part in (several or one).split(",")[:_MOST]:
            words = part.split("#")[0].split()
            if words and words[0].isidentifier():
                joined = f"{module}{words[0]}" if module.endswith(".") else f"{module}.{words[0]}"
                names.setdefault(words[-1], joined)
    if not known and not names:
        return None
    return Exports(path=path, constants=known, names=tuple(names.items())[:_MOST])


def resolved(references: Iterable[Reference], modules: Sequence[Exports]) -> Iterable[Reference]:
    """The references, those that name something of another file with what it is there."""
    index = _Index(modules)
    for reference in references:
        text = index.value(reference.location.path, reference.via) if reference.via else None
        configured = SEPARATOR in reference.via
        row = table().match(reference.loader) if text else None
        if text is None or row is None:
            yield reference
            continue
        kind = _targets.downloaded(text) or reference.kind if row.source == "download" else reference.kind
        found = _targets.read(row, text, kind=kind, root=reference.loader.split(".", 1)[0])
        stated = reference.revision
        if stated is None and reference.revision_via:
            stated = index.value(reference.location.path, reference.revision_via)
        if found.hub and stated:
            found = _targets.with_revision(found, stated)
        identity = found.identity
        if identity is None:
            yield reference
            continue
        hosted = kind is Kind.SERVICE
        plain = hosted and not identity.startswith("api:")
        yield dataclasses.replace(
            reference,
            kind=Kind.MODEL if plain else kind,
            identity=identity,
            revision=found.revision,
            pinned=(found.hub and _targets.is_commit(found.revision)) or (hosted and _targets.is_dated(identity)),
            resolution=Resolution.CONFIG if configured else Resolution.CONSTANT,
            purl=found.purl,
            tentative=row.source == "data",
        )


def loose(references: Iterable[Reference]) -> Iterator[Finding]:
    """Findings about targets of other files that are on the hub and not pinned: only here it is known what they are."""
    for reference in references:
        identity = reference.identity or ""
        name = identity.removeprefix("dataset:")
        row = table().match(reference.loader) if reference.via and name.startswith("hf:") else None
        if row is None or not row.revision or reference.pinned:
            continue
        yield about_revision(
            reference.location,
            f"{reference.symbol} loads {name.removeprefix('hf:')}",
            dataset=reference.kind is Kind.DATASET,
            stated=reference.revision,
            dynamic=reference.dynamic_revision,
            evidence=f"{reference.symbol}({reference.expression})",
            subject=identity,
        )


class _Index:
    """Modules by their dotted names, however much of the path is left out in front."""

    def __init__(self, modules: Sequence[Exports]) -> None:
        self._modules = {each.path: each for each in modules}
        self._constants: dict[str, Mapping[str, str]] = {each.path: dict(each.constants) for each in modules}
        self._names: dict[str, Mapping[str, str]] = {each.path: dict(each.names) for each in modules}
        self._endings: dict[str, list[str]] = {}
        for path in sorted(self._modules):
            parts = _dotted(path)
            for start in range(len(parts)):
                self._endings.setdefault(".".join(parts[start:]), []).append(path)

    def value(self, path: str, via: str, depth: int = 0) -> str | None:
        """The constant behind a dotted import path, as the file at `path` writes it."""
        if depth > _CHAIN:
            return None
        if SEPARATOR in via:
            files, _, key = via.partition(SEPARATOR)
            file = next((each for each in files.split("|") if each in self._modules), "")
            return self._configured(file, key, depth) if file else None
        parts = via.lstrip(".").replace("()", "").split(".")
        level = len(via) - len(via.lstrip("."))
        for count in range(len(parts) - 1, -1 if level else 0, -1):
            module = self._module(path, parts[:count], level)
            if module is not None:
                return self._inside(module, parts[count:], depth)
        return None

    def _configured(self, file: str, key: str, depth: int) -> str | None:
        """The value under a key of a configuration file or of the files of its groups: what stands later wins."""
        constants = self._constants[file]
        if depth > _CHAIN or not any(name.startswith("defaults.") for name in constants):
            return constants.get(key)
        value = None
        for part in parts(file, constants):
            if not part.path:
                value = constants.get(key, value)
            elif part.path in self._constants:
                package = self._constants[part.path].get(PACKAGE, part.package)
                package = f"{package}." if package not in {"", "_global_"} else ""
                if key.startswith(package):
                    found = self._configured(part.path, key.removeprefix(package), depth + 1)
                    value = found if found is not None else value
        return value

    def _module(self, path: str, parts: list[str], level: int) -> str | None:
        folder = path.rpartition("/")[0]
        if level:
            for _ in range(level - 1):
                folder = folder.rpartition("/")[0]
            return self._at(posixpath.join(folder, *parts))
        for start in (folder, "", "src"):
            found = self._at(posixpath.join(start, *parts))
            if found:
                return found
        several = self._endings.get(".".join(parts), [])
        return several[0] if len(several) == 1 else None

    def _at(self, stem: str) -> str | None:
        return next((p for p in (f"{stem}.py", posixpath.join(stem, "__init__.py")) if p in self._modules), None)

    def _inside(self, module: str, rest: list[str], depth: int) -> str | None:
        constant = self._constants[module].get(".".join(rest))
        if constant is not None or not rest:
            return constant
        known = self._names[module].get(rest[0])
        if known is None:
            return None
        if "." in known:  # handed on from another file
            return self.value(module, ".".join([known, *rest[1:]]), depth + 1)
        return self._constants[module].get(".".join([known, *rest[1:]]))


def _dotted(path: str) -> list[str]:
    parts = path.removesuffix(".py").split("/")
    return parts[:-1] if parts[-1] == "__init__" else parts
