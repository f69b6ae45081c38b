"""Records to CycloneDX's components."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.component import Component as CdxComponent
from cyclonedx.model.component import ComponentScope, ComponentType, Pedigree
from cyclonedx.model.component_evidence import (
    AnalysisTechnique,
    ComponentEvidence,
    Identity,
    IdentityField,
    Method,
    Occurrence,
)
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.service import Service
from packageurl import PackageURL

from mlgate.bom.graph import Graph, Node
from mlgate.bom.licenses import licenses
from mlgate.bom.texts import clean, hub_page, url, without_credentials
from mlgate.records import Component, Hash, Kind, Pairs, Part, Resolution
from mlgate.records import Occurrence as Seen

_TYPES = {
    Kind.MODEL: ComponentType.MACHINE_LEARNING_MODEL,
    Kind.DATASET: ComponentType.DATA,
    Kind.PACKAGE: ComponentType.LIBRARY,
}
# "excluded" is the specification's word for what takes no part at run time, "optional" for what may not be installed.
_SCOPES = {
    "runtime": ComponentScope.REQUIRED,
    "optional": ComponentScope.OPTIONAL,
    "constraint": ComponentScope.OPTIONAL,
    "dev": ComponentScope.EXCLUDED,
    "build": ComponentScope.EXCLUDED,
}
# Hex digits by algorithm, of those that both versions of the schema know.
_DIGITS = {
    "MD5": 32,
    "SHA-1": 40,
    "SHA-256": 64,
    "SHA-384": 96,
    "SHA-512": 128,
    "SHA3-256": 64,
    "SHA3-384": 96,
    "SHA3-512": 128,
    "BLAKE2b-256": 64,
    "BLAKE2b-384": 96,
    "BLAKE2b-512": 128,
}
# How sure the name of the target is when it was not written at the call itself; docs/ml-bom.md says why.
CONFIDENCE = {
    Resolution.LITERAL: Decimal("1.0"),
    Resolution.CONSTANT: Decimal("0.9"),
    Resolution.CONFIG: Decimal("0.8"),
    Resolution.DEFAULT: Decimal("0.7"),
}


def component(node: Node, graph: Graph, resolved: Mapping[str, Resolution]) -> CdxComponent:
    """The CycloneDX component of a node; `resolved` is the best resolution of the references to an identity."""
    record = node.component
    purl = package_url(record)
    group, name = _group(record, purl)
    return CdxComponent(
        type=_TYPES[record.kind],
        bom_ref=node.ref,
        group=group,
        name=name,
        version=_version(record),
        scope=_SCOPES.get(record.package.scope) if record.package else None,
        hashes=[_hash(found) for found in hashes(node) if usable(found)],
        licenses=licenses(record.licenses),
        purl=purl,
        external_references=list(_links(record)),
        evidence=_evidence(node, purl, resolved),
        pedigree=_pedigree(node, graph),
        properties=[Property(name=key, value=value) for key, value in properties(node)],
        components=[_part(node.ref, part) for part in record.parts],
    )


def _part(ref: str, part: Part) -> CdxComponent:
    """A file of a model that is stored in several, in the model's own `components`."""
    found = part.hash if part.hash and usable(part.hash) else None
    told = [Property(name="mlgate:hash:declared", value=f"{found.algorithm}:{found.value.lower()}")] if found else []
    size = [Property(name="mlgate:file:size", value=str(part.size))] if part.size is not None else []
    return CdxComponent(
        type=ComponentType.FILE,
        bom_ref=clean(f"{ref}#{part.path}", 1000),
        name=clean(part.path, 300),
        hashes=[_hash(found)] if found else [],
        properties=[*(told if found and found.declared else []), *size],
    )


def service(node: Node) -> Service:
    """A model behind an API, which the specification calls a service: outside of the trust boundary, by definition."""
    record = node.component
    provider, _, name = record.identity.removeprefix("api:").partition(":")
    places = [f"{seen.location} {seen.symbol}" for seen in record.occurrences]
    return Service(
        bom_ref=node.ref,
        provider=OrganizationalEntity(name=clean(provider, 100)),
        name=clean(name or record.name, 300),
        x_trust_boundary=True,
        properties=[
            Property(name="mlgate:identity", value=clean(record.identity)),
            *(Property(name="mlgate:occurrence", value=clean(place, 500)) for place in places),
        ],
    )


def package_url(record: Component) -> PackageURL | None:
    """The package URL of a component, or None where it has none that can be parsed.

    A hub model without one gets the huggingface type of the purl specification, with the revision as version.
    """
    text = record.purl
    if not text and record.kind is Kind.MODEL and hub_page(record.identity):
        text = f"pkg:huggingface/{record.identity.removeprefix('hf:')}"
    if not text:
        return None
    try:
        parsed = PackageURL.from_string(text)
        qualifiers = {key: without_credentials(value) for key, value in dict(parsed.qualifiers or {}).items()}
        version = _version(record)
        made = PackageURL(parsed.type, parsed.namespace, parsed.name, version, qualifiers, parsed.subpath)
        made = PackageURL.from_string(made.to_string())
    except ValueError:
        return None
    return made if (made.version or "").lower() == (version or "").lower() else None


def _version(record: Component) -> str | None:
    return clean(record.version, 1024) if record.version else None


def _group(record: Component, purl: PackageURL | None) -> tuple[str | None, str]:
    """Group and name: packages by their ecosystem's parts, models and datasets by the hub's whole id."""
    if record.kind is Kind.PACKAGE and purl and purl.namespace:
        return clean(purl.namespace, 300), clean(purl.name, 300)
    return None, clean(record.name or record.identity, 300)


def hashes(node: Node) -> tuple[Hash, ...]:
    if node.scanned is None or not node.scanned.sha256:
        return node.component.hashes
    computed = Hash(algorithm="SHA-256", value=node.scanned.sha256)
    return tuple(dict.fromkeys((computed, *node.component.hashes)))


def usable(found: Hash) -> bool:
    digits = _DIGITS.get(found.algorithm)
    return digits is not None and re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", found.value) is not None


def _hash(found: Hash) -> HashType:
    return HashType(alg=HashAlgorithm(found.algorithm), content=found.value.lower())


def _links(record: Component) -> Iterator[ExternalReference]:
    page = hub_page(record.identity)
    if page:
        yield ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(page))
    facts = record.package
    if facts and facts.url:
        kind = ExternalReferenceType.VCS if facts.origin == "vcs" else ExternalReferenceType.DISTRIBUTION
        source = url(facts.url.removeprefix("git+"))
        if source:
            yield ExternalReference(type=kind, url=XsUri(source))


def _evidence(node: Node, purl: PackageURL | None, resolved: Mapping[str, Resolution]) -> ComponentEvidence | None:
    record = node.component
    identity: list[Identity] = []
    if node.scanned and node.scanned.sha256:
        identity.append(_identity(IdentityField.HASH, Decimal("1.0"), AnalysisTechnique.HASH_COMPARISON))
    named = IdentityField.PURL if purl else IdentityField.NAME
    if record.package is not None:
        identity.append(_identity(named, Decimal("1.0"), AnalysisTechnique.MANIFEST_ANALYSIS))
    elif record.identity in resolved:
        confidence = CONFIDENCE[resolved[record.identity]]
        identity.append(_identity(named, confidence, AnalysisTechnique.SOURCE_CODE_ANALYSIS))
    if not identity and not record.occurrences:
        return None
    return ComponentEvidence(identity=identity, occurrences=[_occurrence(seen) for seen in record.occurrences])


def _identity(field: IdentityField, confidence: Decimal, technique: AnalysisTechnique) -> Identity:
    return Identity(field=field, confidence=confidence, methods=[Method(technique=technique, confidence=confidence)])


def _occurrence(seen: Seen) -> Occurrence:
    place = seen.location
    where = f"{place.path}!{place.member}" if place.member else place.path
    return Occurrence(
        location=clean(where),
        line=_positive(place.line),
        offset=_positive(place.offset),
        symbol=clean(seen.symbol, 300) or None,
        additional_context=f"notebook cell {place.cell}" if place.cell is not None else None,
    )


def _positive(number: int | None) -> int | None:
    return number if number is not None and number >= 0 else None


def _pedigree(node: Node, graph: Graph) -> Pedigree | None:
    found = graph.ancestors.get(node.ref)
    if not found:
        return None
    ancestors = []
    for ref, kind in found:
        record = graph.nodes[ref].component
        ancestors.append(
            CdxComponent(
                type=_TYPES[record.kind],
                bom_ref=f"{node.ref}#{kind}:{ref}",  # its own: a component of this bom-ref stands in the list already
                name=clean(record.name or record.identity, 300),
                version=_version(record),
                purl=package_url(record),
                properties=[
                    Property(name="mlgate:lineage:kind", value=clean(kind, 100)),
                    Property(name="mlgate:lineage:component", value=ref),
                ],
            )
        )
    return Pedigree(ancestors=ancestors)


def properties(node: Node) -> Iterator[tuple[str, str]]:
    record = node.component
    yield "mlgate:identity", clean(record.identity)
    if record.pinned is not None:
        yield "mlgate:pinned", str(record.pinned).lower()
    if not node.stated:
        yield "mlgate:named-by-relation-only", "true"
    for found in record.hashes:
        text = clean(f"{found.algorithm}:{found.value}", 300)
        if not usable(found):
            yield "mlgate:hash:unusable", text
        elif found.declared:
            yield "mlgate:hash:declared", f"{found.algorithm}:{found.value.lower()}"
    if node.scanned:
        yield "mlgate:file:size", str(node.scanned.size)
        yield "mlgate:file:format", clean(node.scanned.format, 200)
        yield "mlgate:scan:status", "complete" if node.scanned.complete else "incomplete"
    for name, digest in record.data.parts if record.data else ():
        yield "mlgate:data:part", clean(f"{name} SHA-256:{digest}" if digest else name, 500)
    yield from _package(record)
    for target in node.missing:
        yield "mlgate:unresolved:dependency", clean(target, 300)
    yield from own(record.properties)


def _package(record: Component) -> Iterable[tuple[str, str]]:
    facts = record.package
    if facts is None:
        return
    stated = {
        "ecosystem": facts.ecosystem,
        "requirement": facts.requirement,
        "specifier": facts.specifier,
        "direct": str(facts.direct).lower(),
        "scope": facts.scope,
        "group": facts.group,
        "marker": facts.marker,
        "index": facts.index,
        "origin": facts.origin,
        "url": facts.url,
    }
    for key, value in stated.items():
        if value:
            yield f"mlgate:package:{key}", without_credentials(value)


def own(pairs: Pairs) -> Iterator[tuple[str, str]]:
    """Properties under our namespace, as CycloneDX's property taxonomy asks for."""
    for key, value in pairs:
        yield clean(key if key.startswith("mlgate:") else f"mlgate:{key}", 200), without_credentials(value)
