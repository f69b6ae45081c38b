"""The targets of one call to references: what each can be, where it is, and what cannot be told."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator

from mlgate.records import Kind, Reference, Resolution
from mlgate.references import _targets
from mlgate.references._addresses import archive
from mlgate.references._calls import Argument, Call, cut, source
from mlgate.references._clients import hosted_by
from mlgate.references._domain import UNKNOWN, Display, Values, union, worse
from mlgate.references._names import root
from mlgate.references._settings import setting
from mlgate.references._table import Loader
from mlgate.references._targets import Target
from mlgate.references._traits import Locate
from mlgate.references._values import Evaluator

_IMPORTED = re.compile(r"\.*[A-Za-z_]\w*(?:\(\))?(?:\.[A-Za-z_]\w*(?:\(\))?)*")
_MOST_TARGETS = 24
# Where a target that is given but cannot be told is a model or dataset all the same; of others it is any file.
_SURE = frozenset({"hub", "api", "bundled", "tag"})


class Targets:
    """Reads targets in one module; `base` is the folder that relative paths start from."""

    def __init__(self, ev: Evaluator, locate: Locate, base: str) -> None:
        self.ev = ev
        self.locate = locate
        self.base = base

    def of(self, call: Call, loader: Loader, kind: Kind, target: Argument) -> Iterator[Reference]:
        """A reference for each target that is known, and one without identity when that is not all."""
        if loader.source == "api" and loader.scheme == "openai":
            loader = hosted_by(call, loader)
        revision = call.argument(loader.revision)
        stated = _stated(revision)
        given = self._several(target.values, loader)
        several = given.unknown or len(given.texts()) > 1
        by_default = False
        told: dict[tuple[Kind, str | None, str | None, str], Reference] = {}
        for text, how in given.texts():
            for each, found in self._read(call, loader, kind, text, stated):
                if found.identity is None and several and _targets.is_constant(text):
                    continue  # the branch for another library's models
                by_default = by_default or how is Resolution.DEFAULT
                shown = text if found.identity is None else source(target.node)
                said = self._known(call, loader, each, found, how, shown)
                # several files of one repository are one target: the one that is found most surely
                key = (each, found.identity, found.revision, "" if found.identity else text)
                if key not in told or worse(told[key].resolution, how) is not how:
                    told[key] = said
        yield from told.values()
        via = self._via(target)
        if (target.given and not given.unknown and given.texts()) or by_default:
            return
        unsure = loader.optional and not _worth_saying(target, loader)
        if unsure and not via:
            return
        yield Reference(
            kind=kind,
            identity=None,
            location=self.locate(call.node),
            symbol=call.symbol,
            revision=stated,
            resolution=Resolution.UNKNOWN,
            expression=cut(source(target.node) or call.text()),
            via=via,
            loader=call.qualified if via else "",
            dynamic_revision=bool(via) and stated is None and (revision.maybe or revision.values.unknown),
            tentative=unsure,
            revision_via=self._via(revision) if via and stated is None else "",
        )

    def _read(
        self, call: Call, loader: Loader, kind: Kind, text: str, stated: str | None
    ) -> Iterator[tuple[Kind, Target]]:
        """What one text names, if the call loads it: nothing for an address of something else."""
        if not text:
            return
        entries = [entry for entry, _ in call.argument(loader.entry).values.texts()] if loader.entry else []
        row = loader
        if loader.source in {"download", "gdrive"}:
            output = call.argument(loader.output)
            stored = next((_targets.stored(name) for name, _ in output.values.texts()), None)
            if stored is None and _targets.downloaded(text) is None:
                stored = archive(
                    text, f"{source(call.argument(loader.target).node)} {source(output.node)}", source(output.node)
                )
            kind = _targets.downloaded(text) or stored or kind
            if stored is not None and "://" in text:
                row = dataclasses.replace(loader, source="url")  # its name does not say, but that of its copy
        found = _targets.read(
            row,
            text,
            kind=kind,
            entry=cut(entries[0]) if len(entries) == 1 else "",
            base=self.base,
            root=root(call.qualified),
        )
        if found.identity is None:
            if loader.source not in {"data", "download"}:
                yield kind, found
            return
        if found.identity.startswith(f"{loader.bare.partition(':')[0]}:") and loader.enabled:
            enabled = call.argument(loader.enabled)
            if not enabled.given or not (enabled.values.unknown or any(k.value for k in enabled.values.known)):
                return
        if stated is not None and (found.hub or loader.source == "bundled"):
            found = _targets.with_revision(found, stated)
        yield kind, found

    def _known(self, call: Call, loader: Loader, kind: Kind, found: Target, how: Resolution, text: str) -> Reference:
        identity = found.identity
        hosted = kind is Kind.SERVICE and identity is not None
        return Reference(
            kind=Kind.MODEL if hosted and not (identity or "").startswith("api:") else kind,
            tentative=loader.source == "data",
            identity=identity,
            location=self.locate(call.node),
            symbol=call.symbol,
            revision=found.revision,
            pinned=(found.hub and _targets.is_commit(found.revision)) or (hosted and _targets.is_dated(identity or "")),
            resolution=how if identity else Resolution.UNKNOWN,
            purl=found.purl,
            expression=cut(text),
        )

    def _several(self, values: Values, loader: Loader) -> Values:
        """The target's values, and those in it where it is a list or a dict (`data_files={"train": ["a.csv"]}`)."""
        for _ in range(2 if loader.several else 0):
            displays = [(k.value, k.how) for k in values.known if isinstance(k.value, Display)]
            if not displays:
                break
            plain = Values(tuple(k for k in values.known if not isinstance(k.value, Display)), values.unknown)
            inner = (
                self.ev.values(node, at).at_best(how)
                for display, how in displays
                for _, node, at in display.entries[:_MOST_TARGETS]
            )
            is_open = any(display.open or len(display.entries) > _MOST_TARGETS for display, _ in displays)
            values = union((plain, *inner, *([UNKNOWN] if is_open else [])))
        return values

    def _via(self, target: Argument) -> str:
        """The dotted import path of what another file holds, when the target is nothing else."""
        if target.node is None or target.at is None:
            return ""
        kept = setting(self.ev.names, self.ev, target.node, target.at)
        if kept or not isinstance(target.node, (ast.Name, ast.Attribute)):
            return kept
        names = self.ev.names.resolve(target.node, target.at)
        via = names[0] if len(names) == 1 else ""
        return via if "." in via.strip(".") + "." * via.startswith(".") and _IMPORTED.fullmatch(via) else ""


def _worth_saying(target: Argument, loader: Loader) -> bool:
    """Whether a target that is given and cannot be told is surely a model or dataset."""
    if not target.given or target.values.has(None):
        return False
    if loader.source != "download":
        return loader.source in _SURE
    if isinstance(target.node, ast.JoinedStr) and source(target.node)[2:].startswith("hf://"):
        return True
    tail: ast.AST | None = target.node
    while isinstance(tail, (ast.JoinedStr, ast.BinOp)):  # f"{BASE}/{name}.onnx"
        tail = tail.right if isinstance(tail, ast.BinOp) else tail.values[-1] if tail.values else None
    ending = tail.value if isinstance(tail, ast.Constant) else ""
    return isinstance(ending, str) and _targets.downloaded(f"https://host/name{ending}") is not None


def _stated(revision: Argument) -> str | None:
    """The revision as far as it fixes anything: of several possible ones the loosest, None when it can be absent."""
    loose = next((text for text, _ in revision.values.texts() if not _targets.is_commit(text)), None)
    if loose is None and (revision.values.unknown or revision.values.has(None)):
        return None
    return cut(loose or next((text for text, _ in revision.values.texts()), "")) or None
