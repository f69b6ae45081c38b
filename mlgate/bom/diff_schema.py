"""The part of CycloneDX 1.6 and 1.7 that is compared, as types: what they do not name is skipped without being kept.

https://cyclonedx.org/docs/1.7/json/ (1.6 has the same names). A field that is not there has its type's empty value.
"""

from __future__ import annotations

import msgspec


class Property(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A name and a value."""

    name: str = ""
    value: str = ""


class Hash(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A digest."""

    alg: str
    content: str


class License(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A licence by SPDX id or by name."""

    id: str = ""
    name: str = ""


class Choice(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A licence, or an expression."""

    license: License = License()
    expression: str = ""


class Data(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A reference, or data that stands here itself."""

    ref: str = ""
    name: str = ""


class Content(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What a data component holds; a model card may refer to this instead of the component."""

    ref: str = msgspec.field(default="", name="bom-ref")


class Parameters(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The model's own part of a model card."""

    task: str = ""
    architecture_family: str = ""
    model_architecture: str = ""
    datasets: tuple[Data, ...] = ()


class Card(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A model card."""

    model_parameters: Parameters = Parameters()
    properties: tuple[Property, ...] = ()


class Pedigree(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What a component comes from."""

    ancestors: tuple[Component, ...] = ()


class Component(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A component of any type."""

    type: str
    name: str
    ref: str = msgspec.field(default="", name="bom-ref")
    group: str = ""
    version: str = ""
    purl: str = ""
    hashes: tuple[Hash, ...] = ()
    licenses: tuple[Choice, ...] = ()
    model_card: Card = Card()
    pedigree: Pedigree = Pedigree()
    data: tuple[Content, ...] = ()
    properties: tuple[Property, ...] = ()
    components: tuple[Component, ...] = ()


class Provider(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Who offers a service."""

    name: str = ""


class Flow(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Data that a service takes or gives."""

    flow: str = ""
    classification: str = ""


class Service(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A service."""

    name: str
    ref: str = msgspec.field(default="", name="bom-ref")
    group: str = ""
    version: str = ""
    provider: Provider = Provider()
    endpoints: tuple[str, ...] = ()
    authenticated: bool | None = None
    boundary: bool | None = msgspec.field(default=None, name="x-trust-boundary")
    data: tuple[Flow, ...] = ()
    licenses: tuple[Choice, ...] = ()
    properties: tuple[Property, ...] = ()
    services: tuple[Service, ...] = ()


class Dependency(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What one bom-ref needs."""

    ref: str
    depends_on: tuple[str, ...] = ()


class Rating(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """How bad a vulnerability is to somebody."""

    severity: str = ""


class Analysis(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What was said about a vulnerability."""

    state: str = ""


class Vulnerability(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A known vulnerability, its other ids and what it affects."""

    id: str = ""
    ref: str = msgspec.field(default="", name="bom-ref")
    ids: tuple[License, ...] = msgspec.field(default=(), name="references")
    ratings: tuple[Rating, ...] = ()
    affects: tuple[Data, ...] = ()
    analysis: Analysis = Analysis()


class Metadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What the document is about."""

    component: Component | None = None


class Bom(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The document."""

    bom_format: str
    spec_version: str
    serial_number: str = ""
    metadata: Metadata = Metadata()
    components: tuple[Component, ...] = ()
    services: tuple[Service, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    vulnerabilities: tuple[Vulnerability, ...] = ()
