"""The table of globals: what is known of a name that a pickle imports. The data, with reasons, is globals.toml."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the table says. `level` is safe, dangerous or unknown.

    `args` tells how a safe name's arguments have to be looked at: "" (inert) or one of those in globals.toml.
    `high` marks dangerous names whose call is high rather than critical, `standard` unknown classes of which
    only the instances are harmless: those of Python's library, and constructors in globals.toml.
    """

    level: str
    reason: str
    args: str = ""
    high: bool = False
    standard: bool = False


UNKNOWN = Entry(level="unknown", reason="not in the table of known names")
# Python's library is known: what pickles have reason to import of it is on the list. Classes are mostly harmless as
# instances, functions are not.
_STANDARD_CLASS = Entry(level="unknown", reason="a class of Python's own library that is no known data", standard=True)
_STANDARD = Entry(
    level="dangerous", reason="a function or module of Python's own library that no pickle needs", high=True
)
_LONG = Entry(level="dangerous", reason="a name too long to be one")
_LONGEST = 1000
_COMPUTED = Entry(level="dangerous", reason="the name is made at load time, which no pickler does")


@functools.cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("mlgate.pickles").joinpath("globals.toml").read_text(encoding="utf-8"))


@functools.cache
def _table() -> tuple[Mapping[tuple[str, str], Entry], Mapping[str, Entry], frozenset[str]]:
    """Exact names, whole modules, and modules without submodules. Raises ValueError on contradictions."""
    data = _data()
    exact: dict[tuple[str, str], Entry] = {}
    modules: dict[str, Entry] = {}
    for level in ("safe", "dangerous"):
        for group in data[level]:
            entry = Entry(
                level=level,
                reason=group["reason"],
                args=group.get("args", ""),
                high=group.get("severity") == "high",
            )
            modules.update(dict.fromkeys(group.get("modules", ()), entry))
            for dotted, names in group.get("names", {}).items():
                for name in names:
                    if exact.setdefault((dotted, name), entry).level != level:
                        raise ValueError(f"{dotted}.{name} is both safe and dangerous")
    for group in data["constructors"]:
        entry = Entry(level="unknown", reason=group["reason"], standard=True)
        for dotted, names in group["names"].items():
            for name in names:
                if exact.setdefault((dotted, name), entry) is not entry:
                    raise ValueError(f"{dotted}.{name} is listed twice")
    return exact, modules, frozenset(data["plain"])


def look_up(module: str, name: str) -> Entry:
    """The entry for an import of `name` from `module`; `name` can be dotted (protocol 4)."""
    exact, modules, plain = _table()
    entry = exact.get((module, name))
    if entry is not None:
        return entry
    if "<computed>" in (module, name):
        return _COMPUTED
    if len(module) > _LONGEST or len(name) > _LONGEST:
        return _LONG
    parts = module.split(".")
    for count in range(len(parts), 0, -1):
        prefix = ".".join(parts[:count])
        entry = modules.get(prefix)
        if entry is not None and (count == len(parts) or prefix not in plain):
            return entry
    return _through(module, name)


def _through(module: str, name: str) -> Entry:
    """Attribute walks: `logging`'s `os.system`, `random`'s `_os`, `Foo.__init__.__globals__`."""
    exact, modules, _ = _table()
    attributes = name.split(".")
    for index in range(1, len(attributes)):
        entry = exact.get((f"{module}.{'.'.join(attributes[:index])}", ".".join(attributes[index:])))
        if entry is not None and entry.level == "dangerous":
            return entry
    if any(part in _WALKS for part in attributes):
        return Entry(level="dangerous", reason="walks from an object to the code and modules behind it")
    for part in attributes if "." in name or name.startswith("_") else ():
        entry = modules.get(part.lstrip("_"))
        if entry is not None:
            return Entry(level="dangerous", reason=f"another module's reference to {part.lstrip('_')}: {entry.reason}")
    for index in range(1, len(attributes)):
        entry = exact.get((module, ".".join(attributes[:index])))
        if entry is not None and entry.level == "dangerous":
            return entry
    top, _, below = module.partition(".")
    library, packages = _library()
    if top in library and (not below or top in packages):  # `queue.models` is somebody's own folder
        return _STANDARD_CLASS if looks_like_class(name) else _STANDARD
    return UNKNOWN


@functools.cache
def _library() -> tuple[frozenset[str], frozenset[str]]:
    """Python's own modules, and those of them that have submodules: the running one knows only its own."""
    data = _data()
    return frozenset(data["library"]), frozenset(data["packages"])


def looks_like_class(path: str) -> bool:
    """By PEP 8 a class has a capital letter first, private or not."""
    return path.rsplit(".", 1)[-1].lstrip("_")[:1].isupper()


_WALKS = frozenset(
    {
        "__globals__",
        "__builtins__",
        "__subclasses__",
        "__code__",
        "__closure__",
        "__dict__",
        "__getattribute__",
        "__loader__",
        "__spec__",
        "__base__",
        "__bases__",
        "__mro__",
        "__import__",
        "__reduce__",
        "__reduce_ex__",
        "__setattr__",
        "f_globals",
        "gi_frame",
    }
)


def look_up_path(path: str) -> tuple[Entry, str]:
    """The entry for a dotted name whose split into module and name is not known, and the split that gave it."""
    parts = path.split(".")[:32]
    found = UNKNOWN
    for index in range(len(parts) - 1, 0, -1):
        entry = look_up(".".join(parts[:index]), ".".join(parts[index:]))
        if entry.level == "dangerous":
            return entry, path
        if entry.level == "safe" or (entry.standard and found is UNKNOWN):
            found = entry
    if found is UNKNOWN and len(parts) == 1:
        found = _table()[1].get(path, UNKNOWN)
    return found, path
