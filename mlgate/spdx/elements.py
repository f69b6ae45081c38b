"""Components to packages, AI packages, dataset packages and files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mlgate.bom.components import hashes, package_url, properties, usable
from mlgate.bom.extension import data, model_card
from mlgate.bom.graph import Graph, Node
from mlgate.bom.texts import clean, hub_page, url
from mlgate.records import DataFacts, Hash, Kind, ModelFacts, PackageFacts
from mlgate.spdx.names import Json, Names

MODEL, DATASET, PACKAGE, FILE = "ai_AIPackage", "dataset_DatasetPackage", "software_Package", "software_File"
_CLASSES = {Kind.MODEL: MODEL, Kind.SERVICE: MODEL, Kind.DATASET: DATASET, Kind.PACKAGE: PACKAGE}
_PURPOSES = {Kind.MODEL: "model", Kind.SERVICE: "model", Kind.DATASET: "data", Kind.PACKAGE: "library"}
# CycloneDX's names of hash algorithms to those of SPDX 3.0.1, Core, HashAlgorithm.
_ALGORITHMS = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
    "SHA3-256": "sha3_256",
    "SHA3-384": "sha3_384",
    "SHA3-512": "sha3_512",
    "BLAKE2b-256": "blake2b256",
    "BLAKE2b-384": "blake2b384",
    "BLAKE2b-512": "blake2b512",
}
# Of the facts in headers and configurations, those that were chosen before the training.
_HYPERPARAMETERS = ("alpha", "context-length", "rank", "vocabulary")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The elements of one component: its package, the files it is, and the agents that it names."""

    package: Json
    files: tuple[Json, ...] = ()
    agents: tuple[Json, ...] = ()


def made(node: Node, graph: Graph, names: Names) -> Made:
    """The elements of a node, under names made of its bom-ref."""
    record = node.component
    kind = _CLASSES[record.kind]
    purl = package_url(record)
    file = _file(node, names)
    agents: tuple[Json, ...] = ()
    told: Json = {
        "name": clean(record.name or record.identity, 300),
        "software_packageVersion": clean(record.version, 1024) if record.version else None,
        "software_packageUrl": purl.to_string() if purl else None,
        "software_downloadLocation": _download(node),
        "software_primaryPurpose": _PURPOSES[record.kind],
        "externalIdentifier": list(_identifiers(record.identity, purl.to_string() if purl else "")),
        "verifiedUsing": [] if file else list(_hashes(hashes(node))),
    }
    if record.kind is Kind.MODEL:
        told |= _model(record.model or ModelFacts())
    elif record.kind is Kind.DATASET:
        facts = record.data or DataFacts()
        agents = tuple(_agent(names, "Agent", owner) for owner in facts.owners if owner)
        told |= _data(facts, node)
        told["originatedBy"] = sorted(agent["spdxId"] for agent in agents)
    elif record.kind is Kind.SERVICE:
        provider = record.identity.removeprefix("api:").partition(":")[0]
        told["comment"] = "A hosted model, used through its provider's API."
        if provider:
            agents = (_agent(names, "Organization", provider),)
            told["suppliedBy"] = agents[0]["spdxId"]
    told["extension"] = _extension(_told(node, graph))
    files = (*((file,) if file else ()), *_parts(node, names))
    return Made(package=names.element(kind, node.ref, **told), files=files, agents=agents)


def _agent(names: Names, kind: str, name: str) -> Json:
    return names.element(kind, name, name=clean(name, 300))


def _file(node: Node, names: Names) -> Json | None:
    """The file that a component is. A pointer's own bytes have no hash here, and so are no file."""
    if node.scanned is None or not node.scanned.sha256:
        return None
    return names.element(
        FILE,
        node.ref,
        name=clean(node.scanned.path),
        software_fileKind="file",
        software_primaryPurpose=_PURPOSES[node.component.kind],
        verifiedUsing=list(_hashes(hashes(node))),
    )


def _parts(node: Node, names: Names) -> Iterator[Json]:
    """The files of a model that is stored in several."""
    for part in node.component.parts:
        yield names.element(
            FILE,
            f"{node.ref}#{part.path}",
            name=clean(part.path),
            software_fileKind="file",
            software_primaryPurpose="model",
            verifiedUsing=list(_hashes([part.hash] if part.hash else [])),
        )


def _hashes(found: Iterable[Hash]) -> Iterator[Json]:
    for one in found:
        if usable(one):
            digest = {"type": "Hash", "algorithm": _ALGORITHMS[one.algorithm], "hashValue": one.value.lower()}
            yield digest | ({"comment": "Declared, not computed."} if one.declared else {})


def _identifiers(identity: str, purl: str) -> Iterator[Json]:
    yield {
        "type": "ExternalIdentifier",
        "externalIdentifierType": "other",
        "identifier": clean(identity),
        "comment": "mlgate:identity",
    }
    if purl:
        yield {"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": purl}


def _download(node: Node) -> str | None:
    record = node.component
    facts = record.package or PackageFacts(ecosystem="")
    return hub_page(record.identity) or url(facts.url.removeprefix("git+")) or url(record.identity)


def _model(facts: ModelFacts) -> Json:
    """SPDX has no property for the task; the domain a model works in is what comes closest."""
    kinds = dict.fromkeys(clean(text, 200) for text in (facts.architecture_family, facts.architecture) if text)
    chosen = sorted((key, value) for key, value in dict(facts.other).items() if key in _HYPERPARAMETERS and value)
    measured = sorted((f"{name} ({where})" if where else name, value) for name, value, where in facts.metrics)
    return {
        "ai_typeOfModel": list(kinds),
        "ai_domain": [clean(facts.task, 200)] if facts.task else [],
        "ai_hyperparameter": [_entry(key, value) for key, value in chosen],
        "ai_metric": [_entry(key, value) for key, value in measured],
    }


def _entry(key: str, value: str) -> Json:
    return {"type": "DictionaryEntry", "key": clean(key, 500), "value": clean(value, 500)}


def _data(facts: DataFacts, node: Node) -> Json:
    """The kind of data is mandatory; `structured` is data in tables, which named columns are."""
    size = node.scanned.size if node.scanned and node.scanned.sha256 else None
    return {
        "description": clean(facts.description),
        "dataset_datasetType": ["structured"] if facts.columns else ["noAssertion"],
        "dataset_datasetSize": size,
    }


def _told(node: Node, graph: Graph) -> Iterator[tuple[str, str]]:
    """What SPDX has no property for, under the names that the CycloneDX document has."""
    yield from properties(node)
    record = node.component
    more: list[Any] = []
    if record.kind is Kind.MODEL:
        more = model_card(node, graph).get("properties", [])
    elif record.kind is Kind.DATASET:
        entry = data(node)
        more = entry["contents"].get("properties", []) if "contents" in entry else []
        yield from (("mlgate:data:sensitive", text) for text in entry.get("sensitiveData", []))
        if "classification" in entry:
            yield "mlgate:data:classification", entry["classification"]
    yield from ((pair["name"], pair["value"]) for pair in more)
    for seen in record.occurrences:
        yield "mlgate:occurrence", clean(f"{seen.location} {seen.symbol}".strip(), 500)


def _extension(pairs: Iterable[tuple[str, str]]) -> list[Json]:
    """The extension that SPDX 3.0.1 has for CycloneDX's properties."""
    entries = [
        {"type": "extension_CdxPropertyEntry", "extension_cdxPropName": name, "extension_cdxPropValue": value}
        for name, value in sorted(set(pairs))
    ]
    return [{"type": "extension_CdxPropertiesExtension", "extension_cdxProperty": entries}] if entries else []


def told_of(pairs: Iterable[tuple[str, str]]) -> list[Json]:
    """Properties of the application, in the same extension."""
    return _extension(pairs)
