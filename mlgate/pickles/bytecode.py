"""Python code objects: what they import and which names they reach, read from their bytes and never run.

Formats: CPython's Python/marshal.c (versions 0 to 4) and the order of a code object's fields in 2.7, 3.0 to 3.7, 3.8 to
3.10 and 3.11 and later; opcode numbers of Lib/opcode.py of 2.7 and 3.6 to 3.13. The bytes do not say which Python wrote
them: the layout that fits them to the last byte is taken. Where no opcode table fits, the names alone are told.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mlgate.pickles.table import look_up_path

_OBJECTS = 300_000
_DEPTH = 150
_LARGEST = 8 << 20
_CODES = 500
_KEPT = 200
_LAYOUTS = ("3.11", "3.8", "3.0", "2.7")
_HEAD = {"2.7": 4, "3.0": 5, "3.8": 6, "3.11": 5}  # numbers before the bytes of the code


class NoCodeError(Exception):
    """The bytes are no marshalled object of this layout, or too large a one."""


@dataclass(slots=True)
class Code:
    """A code object: its bytes, the names and variables they index, and its constants."""

    code: bytes
    names: tuple[str, ...]
    variables: tuple[str, ...] = ()
    constants: tuple[Any, ...] = ()
    layout: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """What code reaches: modules it imports, dotted names it uses, texts among its constants; "" or the Python."""

    imports: tuple[str, ...]
    names: tuple[str, ...]
    strings: tuple[str, ...]
    python: str

    @property
    def dangerous(self) -> tuple[str, ...]:
        """The names that the table of globals knows as dangerous."""
        return tuple(name for name in self.names if _is_dangerous(name))

    @property
    def text(self) -> str:
        """One line for people."""
        parts = []
        if self.imports:
            parts.append(f"imports {', '.join(self.imports[:8])}")
        if self.names:
            first = (*self.dangerous, *(name for name in self.names if name not in self.dangerous))
            parts.append(f"uses {', '.join(first[:8])}")
        return " and ".join(parts) or "uses no name"


_BUILTINS = frozenset({"__import__", "breakpoint", "compile", "eval", "exec", "open"})


def _is_dangerous(name: str) -> bool:
    if "." not in name:
        return name in _BUILTINS
    entry = look_up_path(name)[0]
    # what is only out of place in a pickle, such as a function of math, is at home in code
    return entry.level == "dangerous" and not entry.high


# -- marshal


@dataclass(slots=True)
class _Marshal:
    data: bytes
    layout: str
    at: int = 0
    count: int = 0
    references: list[Any] = field(default_factory=list)
    interned: list[Any] = field(default_factory=list)

    def take(self, length: int) -> bytes:
        if length < 0 or length > len(self.data) - self.at:
            raise NoCodeError
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self) -> int:
        return int(struct.unpack("<i", self.take(4))[0])

    def value(self, depth: int = 0) -> Any:
        self.count += 1
        if depth > _DEPTH or self.count > _OBJECTS:
            raise NoCodeError
        byte = self.take(1)[0]
        kind, flagged = chr(byte & 0x7F), byte & 0x80
        if kind == "r":
            return self._known(self.references)
        if kind == "R":
            return self._known(self.interned)
        place = len(self.references)
        if flagged:
            self.references.append(None)
        made = self._scalar(kind) if kind in _SCALARS else self._container(kind, depth)
        if flagged:
            self.references[place] = made
        return made

    def _known(self, values: list[Any]) -> Any:
        index = self.number()
        if not 0 <= index < len(values):
            raise NoCodeError
        return values[index]

    def _scalar(self, kind: str) -> Any:
        if kind in "NFTS.":
            return {"N": None, "F": False, "T": True}.get(kind, kind)
        if kind == "i":
            return self.number()
        if kind == "l":
            self.take(2 * abs(self.number()))
            return 0
        if kind in "Igy":
            return self.take(16 if kind == "y" else 8)
        if kind in "fx":
            for _ in range(2 if kind == "x" else 1):
                self.take(self.take(1)[0])
            return 0.0
        data = self.take(self.take(1)[0] if kind in "zZ" else self.number())
        if kind == "t" and self.layout == "2.7":
            self.interned.append(data)
        return data if kind == "s" or self.layout == "2.7" else data.decode("utf-8", "surrogateescape")

    def _container(self, kind: str, depth: int) -> Any:
        if kind in "()[<>":
            length = self.take(1)[0] if kind == ")" else self.number()
            if not 0 <= length <= len(self.data) - self.at:
                raise NoCodeError
            return tuple(self.value(depth + 1) for _ in range(length))
        if kind == "{":
            pairs = []
            while self.data[self.at : self.at + 1] != b"0":
                pairs.append((self.value(depth + 1), self.value(depth + 1)))
            self.at += 1
            return tuple(pairs)
        if kind == ":":
            return tuple(self.value(depth + 1) for _ in range(3))
        if kind == "c":
            return self._code(depth)
        raise NoCodeError

    def _code(self, depth: int) -> Code:
        for _ in range(_HEAD[self.layout]):
            self.number()
        code, constants, names, variables = (self.value(depth + 1) for _ in range(4))
        # 3.11: kinds, filename, name, qualname; before: free and cell variables, filename, name
        for _ in range(4):
            self.value(depth + 1)
        self.number()
        for _ in range(2 if self.layout == "3.11" else 1):
            self.value(depth + 1)
        texts = (bytes,) if self.layout == "2.7" else (str,)
        if not isinstance(code, bytes) or not isinstance(constants, tuple):
            raise NoCodeError
        if not all(
            isinstance(group, tuple) and all(isinstance(n, texts) for n in group) for group in (names, variables)
        ):
            raise NoCodeError
        return Code(code, _decoded(names), _decoded(variables), constants, self.layout)


_SCALARS = frozenset("NFTS.iIlgyfxstuaAzZ")


def _decoded(names: tuple[str | bytes, ...]) -> tuple[str, ...]:
    return tuple(name if isinstance(name, str) else name.decode("latin-1") for name in names)


def load(data: bytes) -> Code | None:
    """The code object that the marshalled bytes hold, or None when they hold none in any layout."""
    if not data or data[0] & 0x7F != ord("c") or len(data) > _LARGEST:
        return None
    for layout in _LAYOUTS:
        reader = _Marshal(data, layout)
        try:
            made = reader.value()
        except NoCodeError:
            continue
        if reader.at == len(data) and isinstance(made, Code):
            return made
    return None


# -- instructions


@dataclass(frozen=True, slots=True)
class _Table:
    """Opcode numbers of one family; `shifted` names keep flags in the lowest bit of their argument."""

    python: str
    extended: int
    name: dict[int, str]
    variable: dict[int, str]
    shifted: frozenset[int] = frozenset()
    wide: bool = True  # two bytes an instruction


_CLASSIC = {
    101: "load",
    116: "load",
    106: "attribute",
    160: "attribute",
    108: "import",
    109: "from",
    90: "store",
    97: "store",
}
_CLASSIC_FAST = {124: "load", 125: "store"}
_NEW = {92: "load", 91: "load", 82: "attribute", 75: "import", 74: "from", 114: "store", 113: "store"}
_TABLES = {
    "2.7": (_Table("2.7", 145, _CLASSIC, _CLASSIC_FAST, wide=False),),
    "3.0": (
        _Table("3.6 or 3.7", 144, _CLASSIC, _CLASSIC_FAST),
        _Table("3.0 to 3.5", 144, _CLASSIC, _CLASSIC_FAST, wide=False),
    ),
    "3.8": (_Table("3.8 to 3.10", 144, _CLASSIC, _CLASSIC_FAST),),
    "3.11": (
        _Table("3.11", 144, _CLASSIC, _CLASSIC_FAST, frozenset({116})),
        _Table("3.12", 144, _CLASSIC, _CLASSIC_FAST, frozenset({116, 106})),
        _Table("3.13", 71, _NEW, {85: "load", 110: "store"}, frozenset({91, 82})),
    ),
}
_RESUME = {"3.11": 151, "3.12": 151, "3.13": 149}
_CACHE = 0  # an empty slot behind an instruction, from 3.11 on
_CALL = 171
_PRECALL = 166  # before every call in 3.11, and in no other
_FIRST_WITH_ARGUMENT = 90


def _instructions(code: bytes, table: _Table) -> Iterator[tuple[int, int]]:
    at = extended = 0
    while at < len(code):
        opcode = code[at]
        if table.wide:
            argument, step = (code[at + 1] if at + 1 < len(code) else 0) | extended, 2
            extended = argument << 8 if opcode == table.extended else 0
        else:
            has = opcode >= _FIRST_WITH_ARGUMENT
            argument, step = (int.from_bytes(code[at + 1 : at + 3], "little") | extended, 3) if has else (0, 1)
            extended = argument << 16 if opcode == table.extended else 0
        at += step
        if opcode != table.extended:
            yield opcode, argument & 0xFFFFFFFF


def _fits(code: Code, table: _Table) -> bool:
    seen = list(_instructions(code.code[:20_000], table))
    if code.layout == "3.11":
        codes = [opcode for opcode, _ in seen]
        if _RESUME[table.python] not in codes[:12]:
            return False
        if table.python != "3.13" and _CALL in codes and (_PRECALL in codes) != (table.python == "3.11"):
            return False
    elif table.wide and any(opcode < _FIRST_WITH_ARGUMENT and argument for opcode, argument in seen):
        return False
    return all(
        argument >> (opcode in table.shifted) < len(code.names) for opcode, argument in seen if opcode in table.name
    )


def _chains(  # noqa: C901  (one branch for each act)
    code: Code, table: _Table, bound: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """("import" or "name", dotted name) in their order; `bound` takes and gives what names imports have made."""
    chain = module = ""
    pending = ""
    for opcode, argument in _instructions(code.code, table):
        act = table.name.get(opcode)
        group, index = code.names, argument >> (opcode in table.shifted)
        if act is None and opcode in table.variable:
            act, group, index = table.variable[opcode], code.variables, argument
        if opcode == _CACHE and table.shifted:
            continue
        name = group[index] if act and index < len(group) else ""
        if act == "attribute" and chain and name:
            chain = f"{chain}.{name}"
            continue
        if chain:
            yield "name", chain
            chain = ""
        if not name:
            continue
        if act == "import":
            module = pending = name
            yield "import", name
        elif act == "from":
            pending = f"{module}.{name}"
            yield "name", pending
        elif act == "store":
            if pending:
                bound[name] = pending if pending != module else name if name in module.split(".") else module
            pending = ""
        elif act == "load":
            chain = bound.get(name, "" if group is code.variables else name)  # a variable is nobody's name
    if chain:
        yield "name", chain


def describe(code: Code) -> Description:
    """What a code object and those inside it reach."""
    imports: dict[str, None] = {}
    names: dict[str, None] = {}
    strings: dict[str, None] = {}
    python = ""
    left: list[tuple[Any, dict[str, str]]] = [(code, {})]
    for _ in range(_CODES):
        if not left:
            break
        current, bound = left.pop()
        if isinstance(current, tuple):
            left.extend((inner, bound) for inner in current[:_CODES])
        elif isinstance(current, str) and len(strings) < _KEPT:
            strings[current[:500]] = None
        elif isinstance(current, Code):
            inside = dict(bound)
            left.extend((inner, inside) for inner in current.constants[:_CODES])
            table = next((t for t in _TABLES.get(current.layout, ()) if _fits(current, t)), None)
            if table is None:
                names.update(dict.fromkeys(current.names[:_KEPT]))
                continue
            python = python or table.python
            for kind, name in _chains(current, table, inside):
                if len(names) < _KEPT and len(imports) < _KEPT:
                    (imports if kind == "import" else names)[name[:200]] = None
    return Description(tuple(imports), tuple(names), tuple(strings), python)


def describe_bytes(data: bytes) -> Description | None:
    """The same for marshalled bytes, or None when they hold no code object."""
    code = load(data)
    return None if code is None else describe(code)
