"""JAR files made by hand. Their classes hold four bytes and no code."""

from __future__ import annotations

from collections.abc import Mapping

from tests.builders.archives import Entry, archive

CLASS = b"\xca\xfe\xba\xbe"
LOG4J = "org/apache/logging/log4j/core/lookup/JndiLookup.class"


def pom(group: str, name: str, version: str) -> dict[str, bytes]:
    text = f"#Created by Apache Maven 3.8\nversion={version}\ngroupId={group}\nartifactId={name}\n"
    return {f"META-INF/maven/{group}/{name}/pom.properties": text.encode()}


def manifest(**fields: str) -> dict[str, bytes]:
    lines = ["Manifest-Version: 1.0", *(f"{key.replace('_', '-')}: {value}" for key, value in fields.items())]
    return {"META-INF/MANIFEST.MF": ("\r\n".join(lines) + "\r\n\r\nName: x\r\nImplementation-Version: 9\r\n").encode()}


def jar(*parts: Mapping[str, bytes], classes: tuple[str, ...] = ("a/B.class",)) -> bytes:
    """A JAR with these members and classes."""
    members = dict(part for each in parts for part in each.items()) | dict.fromkeys(classes, CLASS)
    return archive(*(Entry(name=name, data=data, method=8) for name, data in members.items()))


def log4j(version: str = "2.14.1") -> bytes:
    return jar(pom("org.apache.logging.log4j", "log4j-core", version), classes=(LOG4J,))
