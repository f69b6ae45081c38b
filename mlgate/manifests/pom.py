"""Maven's pom.xml (POM 4.0.0): properties, dependencyManagement, and parents in the repository; none is fetched.

A reader sees one file. What a pom hands down travels as a carrier, and `_inherited` fills in its children's versions.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError
from xml.sax import SAXException  # the parser itself is defusedxml's
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import Locator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import read_bytes
from mlgate.manifests._ecosystems import MAVEN, Entry, component
from mlgate.records import Artifact, Category, Component, Include, Inspector, Kind, Observation, Rule, Severity

_DEPTH = 100
_PROPERTY = re.compile(r"\$\{([^${}]{1,200})\}")
_GROUPS = (
    ("dependencies", "dependency", ""),
    ("dependencyManagement/dependencies", "dependency", "constraint"),
    ("build/plugins", "plugin", "build"),
    ("build/pluginManagement/plugins", "plugin", "build"),
)
CARRIER = "carrier:pom:"
_MOST_CARRIED = 5_000  # what is above is not handed down, and so is told as unresolved
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


def resolved(text: str, properties: Mapping[str, str]) -> str:
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
        (resolved(e.word("groupId"), properties), resolved(e.word("artifactId"), properties)): e.word("version")
        for e, role in _dependencies(project)
        if role == "constraint"
    }
    yield from _handed_down(artifact, project)
    for element, role in _dependencies(project):
        group = resolved(element.word("groupId"), properties) or ("org.apache.maven.plugins" if role == "build" else "")
        name = resolved(element.word("artifactId"), properties)
        stated = element.word("version") or managed.get((group, name), "")
        version = resolved(stated, properties)
        fixed = exact(version)
        where = artifact.at(line=element.line)
        kinds = (("classifier", element.word("classifier")), ("type", element.word("type")))
        optional = element.word("optional") == "true" and not role
        entry = Entry(
            name=f"{group}:{name}",
            location=where,
            version=fixed,
            requirement=f"{group}:{name}:{version}",
            specifier=version,
            direct=True,
            scope=role or ("optional" if optional else _SCOPES.get(element.word("scope"), "runtime")),
            qualifiers=tuple(
                (key, value[:100]) for key, value in kinds if value and value != "jar" and "${" not in value
            ),
        )
        made = component(MAVEN, entry)
        yield made
        if fixed is None and role != "build":
            yield rules.finding(
                UNRESOLVED,
                where,
                f"{group}:{name}: this file does not tell the version ({version or 'none stated'}).",
                evidence=f"{group}:{name} {version}"[:300],
                subject=made.identity,
            )


def exact(version: str) -> str | None:
    """The version when it is one: `1.0`, or `[1.0]`; None for ranges, unknown properties and moving names."""
    plain = version if version and not re.search(r"[\[\](),]|\$\{", version) else version.strip("[]")
    return plain if plain and not re.search(r"[(),]|\$\{", plain) and plain not in {"LATEST", "RELEASE"} else None


def _handed_down(artifact: Artifact, project: _Element) -> Iterator[Observation]:
    """The carrier of what children inherit, and the parent where it is in the repository."""
    parent = ""
    declared = project.get("parent")
    if declared:
        relative = declared.get("relativePath")
        path = relative.text.strip() if relative else "../pom.xml"  # an empty one means that none is looked for
        parent = posixpath.normpath(posixpath.join(posixpath.dirname(artifact.path), path)) if path else ""
        parent = posixpath.join(parent, "pom.xml") if parent and not parent.endswith((".xml", ".pom")) else parent
        if parent.startswith(("../", "/")):
            parent = ""
        if parent and not parent.endswith((".pom", "/pom.xml")) and parent != "pom.xml":  # those are read anyway
            yield Include(path=parent, reader="pom", location=artifact.at(line=declared.line), optional=True)
    managed = (
        (f"m:{e.word('groupId')}:{e.word('artifactId')}", e.word("version"))
        for e, role in _dependencies(project)
        if role == "constraint" and e.word("version")
    )
    pairs = [("parent", parent), *((f"p:{key}", value) for key, value in _properties(project).items()), *managed]
    told = tuple((key[:500], value[:500]) for key, value in pairs[:_MOST_CARRIED])
    yield Component(kind=Kind.PACKAGE, identity=f"{CARRIER}{artifact.path}", name=artifact.path, properties=told)


INSPECTOR = Inspector(
    name="pom",
    claims=lambda artifact: artifact.depth == 0 and (artifact.name == "pom.xml" or artifact.name.endswith(".pom")),
    inspect=_inspect,
    rules=(UNRESOLVED,),
)
