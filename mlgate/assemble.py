"""What each file said becomes one inventory: one component per identity and version, sorted, with its links."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlgate.inspectors import shards
from mlgate.manifests._inherited import inherited
from mlgate.manifests._settled import settled
from mlgate.records import (
    Component,
    DataFacts,
    Explanation,
    Exports,
    Finding,
    Inventory,
    Kind,
    ModelFacts,
    Occurrence,
    PackageFacts,
    Reference,
    Relation,
    Scanned,
    Severity,
)
from mlgate.references._exports import loose, resolved
from mlgate.references._joined import joined, with_digests
from mlgate.references._sharded import sharded
from mlgate.wire import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that one file of the tree gave."""

    path: str
    lines: tuple[Line, ...] = ()
    scanned: Scanned | None = None


def assemble(readings: Mapping[str, Reading], *, root: str, head: str, timestamp: int, whole: bool = True) -> Inventory:
    """The inventory of these readings. The result depends on their content only, not on their order.

    `whole` says that the readings are of a whole tree, so that what is not among them is not there.
    """
    lines = [line for path in sorted(readings) for line in readings[path].lines]
    tables = {x.identity for x in lines if isinstance(x, Component) and x.data is not None}
    named = resolved((x for x in lines if isinstance(x, Reference)), [x for x in lines if isinstance(x, Exports)])
    kept = (x for x in named if not x.tentative or _is_there(x, tables))
    references = sorted(kept, key=_reference_order)
    digests = {path: each.scanned.sha256 for path, each in readings.items() if each.scanned and each.scanned.sha256}
    stated, findings = settled(
        *inherited((x for x in lines if isinstance(x, Component)), (x for x in lines if isinstance(x, Finding))),
        readings,
    )
    said, relations = joined(stated, (x for x in lines if isinstance(x, Relation)), references, root)
    related = {end for relation in relations for end in (relation.source, relation.target)}
    components = tuple(
        component
        for component in _merge(
            [with_digests(c, digests) for c in said] + [_component(r) for r in references if r.identity]
        )
        if component.data is None or not component.data.named or component.identity in related
    )
    findings += loose(references)
    findings += shards.compared(components, readings, whole=whole)
    findings = list(_with_torch(findings, components))
    scanned = tuple(r.scanned for _, r in sorted(readings.items()) if r.scanned)
    components, edges = sharded(components, relations, {one.path: one for one in scanned})
    return Inventory(
        root=root,
        components=components,
        references=tuple(references),
        relations=tuple(sorted(edges, key=_relation_order)),
        findings=tuple(sorted(findings, key=finding_order)),
        scanned=scanned,
        head=head,
        timestamp=timestamp,
        explanations=tuple(x for x in lines if isinstance(x, Explanation)),
    )


def _is_there(reference: Reference, tables: set[str]) -> bool:
    """Whether what is read as data is a file of the repository, or somewhere else altogether."""
    identity = reference.identity
    return identity is not None and (not identity.startswith("dataset:file:") or identity in tables)


def finding_order(finding: Finding) -> tuple[object, ...]:
    """Worst first, then by place: the order of every output."""
    place = finding.location
    return (
        -finding.severity.rank,
        finding.rule.id,
        place.path,
        place.member or "",
        place.cell or 0,
        place.line or 0,
        place.offset or 0,
        finding.evidence,
        finding.message,
    )


def _reference_order(reference: Reference) -> tuple[object, ...]:
    place = reference.location
    return (
        place.path,
        place.cell or 0,
        place.line or 0,
        reference.symbol,
        reference.identity or "",
        reference.revision or "",
    )


def _relation_order(relation: Relation) -> tuple[str, str, str]:
    return (relation.source, relation.target, relation.kind)


def _name(identity: str) -> str:
    """What people call it: the part after the scheme of ours; a URL stays whole."""
    plain = identity.removeprefix("dataset:")
    return plain if "://" in plain else plain.partition(":")[2] or plain


def _component(reference: Reference) -> Component:
    identity = reference.identity or ""
    return Component(
        kind=reference.kind,
        identity=identity,
        name=_name(identity),
        version=reference.revision,
        purl=reference.purl,
        pinned=reference.pinned,
        occurrences=(Occurrence(location=reference.location, symbol=reference.symbol),),
    )


def _merge(components: Iterable[Component]) -> tuple[Component, ...]:
    """One for each (kind, identity, version), everything else united; what names a fact first keeps it."""
    found: dict[tuple[str, str, str], Component] = {}
    for new in components:
        key = (new.kind.value, new.identity, new.version or "")
        old = found.get(key)
        found[key] = new if old is None else _united(old, new)
    return tuple(found[key] for key in sorted(found))


def _united(old: Component, new: Component) -> Component:
    return dataclasses.replace(
        old,
        purl=old.purl or new.purl,
        pinned=old.pinned if new.pinned is None else bool(old.pinned or new.pinned),
        hashes=tuple(sorted({*old.hashes, *new.hashes}, key=lambda h: (h.algorithm, h.value, h.declared))),
        licenses=tuple(dict.fromkeys(old.licenses + new.licenses)),
        occurrences=tuple(dict.fromkeys(old.occurrences + new.occurrences)),
        package=_stronger(old, new),
        model=_model(old.model, new.model),
        data=_data(old.data, new.data),
        properties=tuple(dict.fromkeys(old.properties + new.properties)),
    )


def _data(old: DataFacts | None, new: DataFacts | None) -> DataFacts | None:
    """Of two parts of one dataset: the columns of the first, the rows of both as long as all of them say.

    What only a file's own reader knows of is a dataset by its place or not at all; else somebody called it one.
    """
    if old is None or new is None:
        known = old or new
        return known and dataclasses.replace(known, named=False)
    rows = old.rows
    if old.parts and new.parts:
        rows = None if old.rows is None or new.rows is None else old.rows + new.rows
    return dataclasses.replace(
        old,
        columns=old.columns or new.columns,
        rows=rows,
        parts=tuple(sorted({*old.parts, *new.parts})),
        split=old.split or new.split,
        description=old.description or new.description,
        classification=old.classification or new.classification,
        sensitive=tuple(dict.fromkeys(old.sensitive + new.sensitive)),
        owners=tuple(dict.fromkeys(old.owners + new.owners)),
        named=old.named and new.named,
    )


def _model(old: ModelFacts | None, new: ModelFacts | None) -> ModelFacts | None:
    """Of two files' words on one model (its card, its configuration) the first of each field, and all other facts."""
    if old is None or new is None or old == new:
        return old or new
    fields = (field.name for field in dataclasses.fields(ModelFacts))
    facts = {name: getattr(old, name) or getattr(new, name) for name in fields}
    return ModelFacts(**{**facts, "other": tuple(dict.fromkeys(old.other + new.other))})


def _stronger(old: Component, new: Component) -> PackageFacts | None:
    """Of two manifests' words on a package: direct before transitive, runtime before development."""
    if old.package is None or new.package is None:
        return old.package or new.package
    order = ("runtime", "optional", "build", "dev", "constraint")

    def weight(component: Component) -> tuple[bool, int]:
        facts = component.package
        scope = facts.scope if facts else ""
        return (not (facts and facts.direct), order.index(scope) if scope in order else len(order))

    return min(old, new, key=weight).package


def _with_torch(findings: Iterable[Finding], components: tuple[Component, ...]) -> Iterable[Finding]:
    """`torch.load` without `weights_only` unpickles before torch 2.6 and does not since: ask the manifests which."""
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415  (start-up)

    old: bool | None = None
    for component in components:
        if component.kind is Kind.PACKAGE and component.identity == "pkg:pypi/torch" and component.version:
            try:
                old = bool(old) or Version(component.version) < Version("2.6")
            except InvalidVersion:
                old = True
    for finding in findings:
        if finding.fact("weights_only") != "absent":
            yield finding
        elif old is None:  # what is installed today is newer than 2.6, so this is a habit to mend and no hole
            yield dataclasses.replace(finding, severity=Severity.LOW)
        elif old:
            yield dataclasses.replace(
                finding,
                severity=Severity.HIGH,
                message=f"{finding.message} The manifests pin a torch before 2.6, which unpickles by default.",
            )
