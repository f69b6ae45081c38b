"""JavaScript and TypeScript: the models that transformers.js, tfjs, ONNX Runtime and clients of model APIs load."""

from __future__ import annotations

import functools
import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources

from mlgate.records import Artifact, Inspector, Kind, Location, Observation, Reference, Resolution
from mlgate.references import _targets
from mlgate.references._ecmascript import tokens
from mlgate.references._jscalls import Call, Module, Value
from mlgate.references._table import Loader

_SUFFIXES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte", ".astro")
_LARGEST = 2 << 20
_FOREIGN = re.compile(r"(?:^|/)(?:node_modules|bower_components|\.yarn)/|\.min\.[cm]?js$|\.d\.[cm]?ts$")


@dataclass(frozen=True, slots=True)
class _Row:
    packages: tuple[str, ...]
    calls: tuple[str, ...]
    loader: Loader
    kind: Kind
    target: tuple[str, ...]
    revision: tuple[str, ...]

    def is_of(self, package: str) -> bool:
        return any(
            package == name or (name.endswith("/*") and package.startswith(name[:-1])) or package.startswith(f"{name}/")
            for name in self.packages
        )


@functools.cache
def _table() -> tuple[_Row, ...]:
    text = resources.files("mlgate.references").joinpath("loaders-js.toml").read_text(encoding="utf-8")
    rows = []
    for raw in tomllib.loads(text)["loader"]:
        kind = Kind(raw["kind"])
        loader = Loader(
            call=(), kind=kind, source=raw["source"], scheme=raw.get("scheme", "hf"), bare=raw.get("bare", "")
        )
        rows.append(
            _Row(
                tuple(raw["package"]),
                tuple(raw["call"]),
                loader,
                kind,
                tuple(raw["target"]),
                tuple(raw.get("revision", ())),
            )
        )
    return tuple(rows)


@functools.cache
def _names() -> re.Pattern[bytes]:
    stems = sorted({name.removesuffix("/*") for row in _table() for name in row.packages})
    return re.compile(b"|".join(rb"[\"'`]" + re.escape(name).encode() + rb"[\"'`/]" for name in stems))


def _claims(artifact: Artifact) -> bool:
    named = artifact.depth == 0 and artifact.name.lower().endswith(_SUFFIXES)
    return named and _FOREIGN.search(artifact.path) is None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.source.size > _LARGEST:
        return  # bundled: its sources are elsewhere
    data = artifact.source.read_at(0, _LARGEST)
    if _names().search(data) is None:
        return
    text = data.decode("utf-8-sig", "replace")
    module = Module(tokens(text))
    rows = [row for row in _table() if any(row.is_of(package) for package in module.packages)]
    starts = [0, *(match.end() for match in re.finditer(r"\n", text))]
    for call in module.calls() if rows else ():
        row = next((row for row in rows if any(_matches(module, call, row, name) for name in row.calls)), None)
        if row is not None:
            line, end = bisect_right(starts, call.start), bisect_right(starts, call.end - 1)
            place = Location(path=artifact.path, member=artifact.member, line=line, end_line=end)
            yield from _reference(module, call, row, place, text)


def _matches(module: Module, call: Call, row: _Row, wanted: str) -> bool:
    """Whether a call is one of the row's."""
    if wanted.startswith("."):
        parts = tuple(wanted[1:].split("."))
        return len(call.path) > len(parts) and call.path[-len(parts) :] == parts
    binding = module.bindings.get(call.path[0])
    if binding is None or not row.is_of(binding.package):
        return False
    wanted, new = wanted.removeprefix("new "), wanted.startswith("new ")
    if new is not call.new:
        return False
    rest = call.path[1:]
    names = rest if binding.export in ("*", "default") and rest else (binding.export, *rest)
    if binding.export == "default" and not rest:
        names = (call.path[0],)
    return fnmatchcase(".".join(names), wanted)


def _reference(module: Module, call: Call, row: _Row, place: Location, text: str) -> Iterator[Observation]:
    given = [value for value in (_argument(module, call, spot, text) for spot in row.target) if value is not None]
    if not given:  # the library's own default, or an object from elsewhere
        return
    known = next((value for value, _ in given if value.text is not None), None)
    revisions = [value for value in (_argument(module, call, spot, text) for spot in row.revision) if value is not None]
    target = _targets.NOWHERE
    if known is not None and known.text is not None:
        name = known.text
        if row.loader.source == "hub":
            name = name.removeprefix("hf:")
        target = _targets.read(row.loader, name, kind=row.kind, base="")
        if target.hub and revisions and revisions[0][0].text:
            target = _targets.with_revision(target, revisions[0][0].text)
    service = row.kind is Kind.SERVICE
    hosted = service and target.identity is not None and target.identity.startswith("api:")
    yield Reference(
        kind=Kind.MODEL if service and target.identity and not hosted else row.kind,
        identity=target.identity,
        location=place,
        symbol=("new " if call.new else "") + ".".join(call.path)[-100:],
        revision=target.revision,
        pinned=(target.hub and _targets.is_commit(target.revision))
        or (hosted and _targets.is_dated(target.identity or "")),
        resolution=known.how if known is not None and target.identity else Resolution.UNKNOWN,
        purl=target.purl,
        expression=given[0][1][:200] if target.identity is None else "",
    )


def _argument(module: Module, call: Call, spot: str, text: str) -> tuple[Value, str] | None:
    """The value at a place of the call and its source, or None when nothing is given there."""
    number, _, keys = spot.partition(".")
    if int(number) >= len(call.arguments):
        return None
    place: tuple[int, int] | None = call.arguments[int(number)]
    for key in keys.split(".") if keys else ():
        place = module.member(*place, key) if place else None
    if place is None or place[0] >= place[1]:
        return None
    written = text[module.tokens[place[0]].start : module.tokens[place[1] - 1].end]
    return module.value(*place), " ".join(written[:400].split())


INSPECTOR = Inspector(name="javascript", claims=_claims, inspect=_inspect, rules=())
