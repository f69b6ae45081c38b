"""A CycloneDX document (JSON, 1.6 or 1.7, anybody's) as entries to compare.

Never through the library's `Bom.from_json`, which drops model cards, component data and services' details.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlgate.bom.diff import DATASET, MODEL, PACKAGE, SERVICE, VULNERABILITY, Entry
from mlgate.bom.diff_schema import Bom, Choice, Component, Property, Service, Vulnerability
from mlgate.bom.texts import without_credentials
from mlgate.errors import MlgateError
from mlgate.records.changes import Aspect

LARGEST = 256 * 2**20
"""Bytes of a document. Its objects and values are counted before they are made, since small ones take much memory."""
_OBJECTS, _VALUES = 2_000_000, 10_000_000
_SPECS = ("1.6", "1.7")
_LINKED = (MODEL, DATASET, SERVICE)
_KINDS = {"machine-learning-model": MODEL, "data": DATASET, "library": PACKAGE, "framework": PACKAGE}
_CARD = {
    "mlgate:model:format": Aspect.FORMAT,
    "mlgate:model:parameters": Aspect.PARAMETERS,
    "mlgate:model:quantization": Aspect.QUANTIZATION,
}
# Qualifiers that tell one package from another; the rest (distro, checksum, vcs_url, ...) moves with versions.
_TELLING = ("classifier", "repository_url", "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An ML-BOM to compare: what it is of, and what stands in it."""

    name: str
    version: str
    serial: str
    spec: str
    entries: tuple[Entry, ...]

    @property
    def about(self) -> Mapping[str, str]:
        """Which document it is, in CycloneDX's words."""
        return {
            "name": self.name,
            "version": self.version,
            "serialNumber": self.serial,
            "specVersion": self.spec,
        }


def load(path: Path) -> Document:
    """The document in a file (or a pipe). Raises MlgateError when it cannot be read or is no such document."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise MlgateError(f"The ML-BOM {str(path)!r} cannot be read: {reason}.", "Give a file.") from None
    return read(data, str(path))


def read(data: bytes, name: str) -> Document:
    """The document in these bytes; `name` is for messages. Raises MlgateError when they are no such document."""
    if len(data) > LARGEST:
        raise MlgateError(f"The ML-BOM {name!r} is larger than {LARGEST:,} bytes.")
    if data.count(b"{") > _OBJECTS or data.count(b",") > _VALUES:
        raise MlgateError(f"The ML-BOM {name!r} has more than {_OBJECTS:,} objects or {_VALUES:,} values.")
    hint = "CycloneDX 1.6 and 1.7 in JSON can be compared."
    try:
        bom = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=Bom)
    except RecursionError:
        raise MlgateError(f"The ML-BOM {name!r} is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MlgateError(f"{name!r} is no ML-BOM: {error}.", hint) from None
    except MemoryError:
        raise MlgateError(f"The ML-BOM {name!r} does not fit into memory.") from None
    if bom.bom_format != "CycloneDX" or bom.spec_version not in _SPECS:
        raise MlgateError(f"{name!r} is {bom.bom_format[:40]!r} {bom.spec_version[:40]!r}, which is not read.", hint)
    of = bom.metadata.component
    return Document(
        name=of.name if of else "",
        version=of.version if of else "",
        serial=bom.serial_number,
        spec=bom.spec_version,
        entries=tuple(_entries(bom)),
    )


def _entries(bom: Bom) -> Iterator[Entry]:
    of = bom.metadata.component
    # What makes a document of one model puts that model here; an application's version moves with every commit.
    own = (of,) if of is not None and _KINDS.get(of.type) in _LINKED else ()
    components = tuple(_flat((*own, *bom.components)))
    services = tuple(_services(bom.services))
    known: dict[str, tuple[str, str]] = {}
    everything: tuple[Component | Service, ...] = (*components, *services)
    for item in everything:
        known.setdefault(item.ref, _key(item))
    for component in components:
        for content in component.data:
            known.setdefault(content.ref, _key(component))
    if of is not None:
        known.setdefault(of.ref, ("application", of.name))
    known.pop("", None)  # what has no bom-ref cannot be referred to
    needed: dict[str, set[str]] = {}
    for dependency in bom.dependencies:
        if known.get(dependency.ref, ("", ""))[0] in _LINKED:
            targets = (known.get(ref, ("", "")) for ref in dependency.depends_on)
            needed.setdefault(dependency.ref, set()).update(name for kind, name in targets if kind in _LINKED)
    names = {ref: identity for ref, (_, identity) in known.items()}
    for component in components:
        yield _component(component, names, needed.get(component.ref, set()))
    for service in services:
        yield _service(service, needed.get(service.ref, set()))
    for vulnerability in bom.vulnerabilities:
        yield _vulnerability(vulnerability, names)


def _flat(found: Iterable[Component]) -> Iterator[Component]:
    pending = list(found)
    while pending:
        item = pending.pop()
        yield item
        pending.extend(inner for inner in item.components if not _is_part(item, inner))


def _is_part(whole: Component, inner: Component) -> bool:
    """Whether it is a file of a model that is stored in several, which is compared with the model."""
    return whole.type == "machine-learning-model" and inner.type == "file"


def _services(found: Iterable[Service]) -> Iterator[Service]:
    pending = list(found)
    while pending:
        item = pending.pop()
        yield item
        pending.extend(item.services)


def _properties(found: Iterable[Property]) -> Mapping[str, str]:
    return {item.name: item.value for item in found}


def _key(item: Component | Service) -> tuple[str, str]:
    """Kind, and identity without version: ours, or the package URL's, or group and name."""
    kind = _KINDS.get(item.type, item.type) if isinstance(item, Component) else SERVICE
    ours = _properties(item.properties).get("mlgate:identity")
    if ours:
        return kind, ours
    if isinstance(item, Component) and item.purl:
        return kind, identified(item.purl, kind)
    return kind, f"{item.group}/{item.name}" if item.group else item.name


def identified(purl: str, kind: str) -> str:
    """A package URL without version and without qualifiers that move with it; a hub's model as we name it."""
    main, _, below = purl.partition("#")
    main, _, qualifiers = main.partition("?")
    place, slash, last = main.rpartition("/")
    name = last.rpartition("@")[0] or last
    plain = f"{place}{slash}{name}"
    hub = plain.removeprefix("pkg:huggingface/")
    if hub != plain and kind in (MODEL, DATASET):
        return f"hf:{hub}" if kind == MODEL else f"dataset:hf:{hub.removeprefix('datasets/')}"
    kept = "&".join(sorted(part for part in qualifiers.split("&") if part.partition("=")[0] in _TELLING))
    return plain + (f"?{kept}" if kept else "") + (f"#{below}" if below else "")


def _version(item: Component) -> str:
    if item.version:
        return item.version
    name, _, version = item.purl.partition("#")[0].partition("?")[0].rpartition("/")[2].rpartition("@")
    return version if name else ""


def _component(item: Component, names: Mapping[str, str], needed: set[str]) -> Entry:
    kind, identity = _key(item)
    own, card = _properties(item.properties), item.model_card
    parameters = card.model_parameters
    ancestors = [_ancestor(ancestor, names) for ancestor in item.pedigree.ancestors]
    datasets = {names.get(data.ref, data.ref) or data.name for data in parameters.datasets}
    facts: dict[Aspect, Iterable[str]] = {
        Aspect.PINNED: (own.get("mlgate:pinned", ""),),
        Aspect.HASHES: [
            *(f"{found.alg}:{found.content.lower()}" for found in item.hashes),
            *(part.value for part in item.properties if part.name == "mlgate:data:part"),
            *(f"{p.name} {h.alg}:{h.content.lower()}" for p in item.components if _is_part(item, p) for h in p.hashes),
        ],
        Aspect.LICENSE: _licenses(item.licenses),
        Aspect.ANCESTORS: (f"{name} ({how})" if how else name for name, how in ancestors),
        Aspect.DATASETS: datasets,
        Aspect.DEPENDENCIES: needed - datasets - {name for name, _ in ancestors},
        Aspect.FAMILY: (parameters.architecture_family,),
        Aspect.ARCHITECTURE: (parameters.model_architecture,),
        Aspect.TASK: (parameters.task,),
    }
    facts |= {_CARD[found.name]: (found.value,) for found in card.properties if found.name in _CARD}
    return Entry(
        kind=kind,
        identity=identity,
        version=_version(item),
        facts=_stated(facts),
        complete=own.get("mlgate:scan:status") != "incomplete",
    )


def _ancestor(item: Component, names: Mapping[str, str]) -> tuple[str, str]:
    """What a model comes from, and how. One that stands nowhere else in the document keeps its version here."""
    own = _properties(item.properties)
    listed = names.get(own.get("mlgate:lineage:component", "")) or names.get(item.ref)
    if listed:
        return listed, own.get("mlgate:lineage:kind", "")
    version, identity = _version(item), _key(item)[1]
    return f"{identity}@{version}" if version else identity, own.get("mlgate:lineage:kind", "")


def _service(item: Service, needed: set[str]) -> Entry:
    kind, identity = _key(item)
    facts: dict[Aspect, Iterable[str]] = {
        Aspect.LICENSE: _licenses(item.licenses),
        Aspect.DEPENDENCIES: needed,
        Aspect.ENDPOINTS: (without_credentials(endpoint) for endpoint in item.endpoints),
        Aspect.AUTHENTICATED: () if item.authenticated is None else (str(item.authenticated).lower(),),
        Aspect.TRUST_BOUNDARY: () if item.boundary is None else (str(item.boundary).lower(),),
        Aspect.PROVIDER: (item.provider.name,),
        Aspect.DATA: (f"{data.classification} ({data.flow})" for data in item.data),
    }
    return Entry(kind=kind, identity=identity, version=item.version, facts=_stated(facts))


def _vulnerability(item: Vulnerability, names: Mapping[str, str]) -> Entry:
    facts: dict[Aspect, Iterable[str]] = {
        Aspect.AFFECTS: (names.get(affected.ref, affected.ref) for affected in item.affects),
        Aspect.SEVERITY: (rating.severity for rating in item.ratings),
        Aspect.ANALYSIS: (item.analysis.state,),
    }
    aliases = frozenset(found.id for found in item.ids if found.id)
    return Entry(kind=VULNERABILITY, identity=item.id or item.ref, facts=_stated(facts), aliases=aliases)


def _licenses(found: Iterable[Choice]) -> Iterator[str]:
    for choice in found:
        yield choice.expression or choice.license.id or choice.license.name


def _stated(facts: Mapping[Aspect, Iterable[str]]) -> Mapping[Aspect, frozenset[str]]:
    made = {aspect: frozenset(value for value in values if value) for aspect, values in facts.items()}
    return {aspect: values for aspect, values in made.items() if values}
