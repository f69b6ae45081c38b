"""Maven's pom.xml as far as the file itself tells (POM 4.0.0): properties, dependencyManagement, no parents fetched."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError
from xml.sax import SAXException  # the parser itself is defusedxml's
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import Locator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import package, read_bytes
from mlgate.records import Artifact, Category, Inspector, Observation, PackageFacts, Rule, Severity

_DEPTH = 100
_PROPERTY = re.compile(r"\$\{([^${}]{1,200})\}")
_GROUPS = (
    ("dependencies", "dependency", ""),
    ("dependencyManagement/dependencies", "dependency", "constraint"),
    ("build/plugins", "plugin", "build"),
    ("build/pluginManagement/plugins", "plugin", "build"),
)
_SCOPES = {"test": "dev", "provided": "runtime", "system": "runtime", "import": "constraint"}

UNRESOLVED = Rule(
    id="MLG-DEP-017",
    title="Version that the file does not tell",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="The dependency's version comes from a parent or an imported BOM that is not in the repository, so it could "
    "not be compared with advisories.",
    remediation="State the version, or commit a resolved list (a lockfile, or a CycloneDX BOM made by the build).",
    clause="dependencies.unresolved-version",
    cwe=("CWE-1357",),
)


@dataclass(slots=True)
class _Element:
    tag: str
    line: int
    text: str = ""
    children: list[_Element] = field(default_factory=list)

    def get(self, *path: str) -> _Element | None:
        at: _Element | None = self
        for tag in path:
            at = next((child for child in at.children if child.tag == tag), None) if at else None
        return at

    def word(self, *path: str) -> str:
        found = self.get(*path)
        return found.text.strip() if found else ""


def _parse(data: bytes) -> _Element:
    """The document with line numbers. Entities and DTDs are refused, which is where XML bombs and leaks live."""
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415
    from defusedxml.expatreader import create_parser  # noqa: PLC0415

    handler = _Handler()
    parser = create_parser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    parser.setContentHandler(handler)
    try:
        parser.parse(io.BytesIO(data))
    except DefusedXmlException:
        raise Incomplete("malformed", "it declares a document type or entities, which no pom needs") from None
    except (SAXException, ExpatError, ValueError, LookupError) as error:
        raise Incomplete("malformed", f"not XML: {error}") from None
    return handler.root


class _Handler(ContentHandler):
    def __init__(self) -> None:
        super().__init__()
        self.root = _Element("", 0)
        self._stack = [self.root]
        self._place: Locator | None = None

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802
        self._place = locator

    def startElement(self, name: str, attrs: object) -> None:  # noqa: N802, ARG002
        if len(self._stack) > _DEPTH:
            raise Incomplete("limit", "nested too deep")
        element = _Element(name.rpartition(":")[2], (self._place.getLineNumber() or 0) if self._place else 0)
        self._stack[-1].children.append(element)
        self._stack.append(element)

    def endElement(self, name: str) -> None:  # noqa: N802, ARG002
        self._stack.pop()

    def characters(self, content: str) -> None:
        if len(self._stack[-1].text) < 2000:
            self._stack[-1].text += content


def _resolved(text: str, properties: Mapping[str, str]) -> str:
    """The text with its properties filled in, at most ten levels; what is unknown stays as `${...}`."""
    for _ in range(10):
        filled = _PROPERTY.sub(lambda match: properties.get(match[1], match[0]), text)
        if filled == text or len(filled) > 2000:
            break
        text = filled
    return text[:2000]


def _properties(project: _Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in ("version", "groupId", "artifactId"):
        value = project.word(key) or project.word("parent", key)
        found |= {f"project.{key}": value, f"pom.{key}": value, key: value} if value else {}
        if project.word("parent", key):
            found[f"project.parent.{key}"] = project.word("parent", key)
    own = project.get("properties")
    return found | {child.tag: child.text.strip() for child in (own.children if own else ())}


def _dependencies(project: _Element) -> Iterator[tuple[_Element, str]]:
    """(element, role) of everything the build pulls in."""
    sections = [project]
    profiles = project.get("profiles")
    sections += [child for child in (profiles.children if profiles else ()) if child.tag == "profile"]
    for section in sections:
        for path, tag, role in _GROUPS:
            group = section.get(*path.split("/"))
            yield from ((child, role) for child in (group.children if group else ()) if child.tag == tag)
    if project.get("parent"):
        yield project.get("parent") or project, "build"


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    project = _parse(read_bytes(artifact)).get("project")
    if project is None:
        raise Incomplete("malformed", "no <project> element")
    properties = _properties(project)
    managed = {
        (_resolved(e.word("groupId"), properties), _resolved(e.word("artifactId"), properties)): e.word("version")
        for e, role in _dependencies(project)
        if role == "constraint"
    }
    for element, role in _dependencies(project):
        group = _resolved(element.word("groupId"), properties) or (
            "org.apache.maven.plugins" if role == "build" else ""
        )
        name = _resolved(element.word("artifactId"), properties)
        stated = element.word("version") or managed.get((group, name), "")
        version = _resolved(stated, properties)
        exact = version if version and not re.search(r"[\[\](),]|\$\{", version) else version.strip("[]")
        fixed = bool(exact) and not re.search(r"[(),]|\$\{", exact) and exact not in {"LATEST", "RELEASE"}
        where = artifact.at(line=element.line)
        facts = PackageFacts(
            ecosystem="Maven",
            requirement=f"{group}:{name}:{version}"[:300],
            specifier=version[:100],
            scope=role or _SCOPES.get(element.word("scope"), "runtime"),
        )
        yield package(
            kind="maven",
            namespace=group or None,
            name=name,
            version=exact if fixed else None,
            location=where,
            facts=facts,
        )
        if not fixed and role != "build":
            yield rules.finding(
                UNRESOLVED,
                where,
                f"{group}:{name}: this file does not tell the version ({version or 'none stated'}).",
                evidence=f"{group}:{name} {version}"[:300],
                subject=f"pkg:maven/{group}/{name}",
            )


INSPECTOR = Inspector(
    name="pom",
    claims=lambda artifact: artifact.depth == 0 and (artifact.name == "pom.xml" or artifact.name.endswith(".pom")),
    inspect=_inspect,
    rules=(UNRESOLVED,),
)
