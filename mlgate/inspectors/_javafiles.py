"""What a JAR says of itself: Maven's properties, the manifest, the file name, and which Maven group that means.

Source: java.util.Properties (format), the JAR File Specification (manifest), Maven Archiver (pom.properties), the OSGi
default of maven-bundle-plugin for Bundle-SymbolicName.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlgate.errors import Incomplete

_WORD = re.compile(r"[A-Za-z0-9_][\w.-]{0,200}", re.ASCII)
_VERSION = re.compile(r"(?=.*\d)[A-Za-z0-9][\w.+-]{0,99}", re.ASCII)
_FILE = re.compile(r"(?P<name>.+?)-(?P<version>v?\d[\w.+-]*)\.(?:jar|war|ear)", re.IGNORECASE | re.ASCII)
_IVY = re.compile(r"(?P<group>[\w.-]+)#(?P<name>[\w.-]+);(?P<version>[\w.+-]+)", re.ASCII)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_BROAD = frozenset({"org.apache", "com.google", "org.eclipse", "com.sun", "org.codehaus", "com.oracle"})
_SPRING = (
    "spring-(?:aop|aspects|beans|context|context-support|core|expression|instrument|jcl|jdbc|jms|messaging|orm|oxm|r2dbc"
    "|tx|web|webflux|webmvc|websocket)"
)
# Widespread JARs whose builds write no pom.properties: (artifact, the packages it must hold, group on Maven Central).
_FAMILIES = (
    (_SPRING, "org/springframework/", "org.springframework"),
    ("libthrift", "org/apache/thrift/", "org.apache.thrift"),
    ("libfb303", "com/facebook/fb303/", "org.apache.thrift"),
    ("ivy", "org/apache/ivy/", "org.apache.ivy"),
    ("derby(?:client|net|tools|shared)?", "org/apache/derby/", "org.apache.derby"),
    ("jackson-(?:core|mapper|jaxrs|xc)(?:-asl)?", "org/codehaus/jackson/", "org.codehaus.jackson"),
    ("gson", "com/google/gson/", "com.google.code.gson"),
    ("xz", "org/tukaani/xz/", "org.tukaani"),
    ("groovy(?:-all)?", "org/codehaus/groovy/", "org.codehaus.groovy"),
    ("log4j", "org/apache/log4j/", "log4j"),
    ("h2", "org/h2/", "com.h2database"),
    ("dom4j", "org/dom4j/", "dom4j"),
    ("xercesImpl", "org/apache/xerces/", "xerces"),
    ("velocity", "org/apache/velocity/", "org.apache.velocity"),
    ("bcp(?:rov|kix|g)-(?:jdk|ext-jdk).*", "org/bouncycastle/", "org.bouncycastle"),
    ("commons-collections", "org/apache/commons/collections/", "commons-collections"),
    ("commons-beanutils", "org/apache/commons/beanutils/", "commons-beanutils"),
    ("lz4-java", "net/jpountz/", "org.lz4"),
    ("kafka-clients", "org/apache/kafka/", "org.apache.kafka"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A package as far as it is told: `group` and `version` are "" when nothing says them; `basis` tells what did."""

    name: str
    group: str = ""
    version: str = ""
    basis: str = ""


def properties(data: bytes) -> dict[str, str]:
    """A properties file, keys to values; escapes are resolved, lines that go on are joined."""
    found: dict[str, str] = {}
    pending = ""
    for raw in re.split(r"\r\n|\r|\n", data.decode("iso-8859-1")):
        line = pending + raw.lstrip(" \t\f")
        pending = ""
        if not line or line[0] in "#!":
            continue
        if (len(line) - len(line.rstrip("\\"))) % 2:
            pending = line[:-1]
            continue
        match = re.match(r"((?:[^\\=: \t\f]|\\.)*)[ \t\f]*[=:]?[ \t\f]*", line)
        if match:
            found[_plain(match[1])] = _plain(line[match.end() :])
    return found


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 5 else m[1], text).strip()


def from_properties(told: Mapping[str, str], group: str, name: str) -> Named | None:
    """The package of a pom.properties; `group` and `name` are those of its path and count where it states none."""
    own, artifact = told.get("groupId", ""), told.get("artifactId", "")
    group = own if _WORD.fullmatch(own) else group
    name = artifact if _WORD.fullmatch(artifact) else name
    version = told.get("version", "")
    if not _WORD.fullmatch(group) or not _WORD.fullmatch(name):
        return None
    return Named(group=group, name=name, version=version if _VERSION.fullmatch(version) else "", basis="pom.properties")


def manifest(data: bytes) -> dict[str, str]:
    """The main section of a manifest, keys in lower case. Raises Incomplete (limit) when it has no end."""
    lines: list[str] = []
    for line in re.split(r"\r\n|\r|\n", data.decode("utf-8", "replace")):
        if not line:
            break
        if line[0] == " " and lines:
            lines[-1] += line[1:]
            if len(lines[-1]) > len(data):
                raise Incomplete("limit", "a manifest that does not end")
        else:
            lines.append(line)
    pairs = (line.partition(":") for line in lines)
    return {key.strip().lower(): value.strip() for key, colon, value in pairs if colon}


def from_file(name: str) -> Named | None:
    """The package by the file's name (`name-1.2.3.jar`), or None."""
    match = _FILE.fullmatch(name)
    if match is None or not _WORD.fullmatch(match["name"]):
        return None
    return Named(name=match["name"], version=match["version"], basis="file name")


def from_manifest(told: Mapping[str, str], file: str, folders: frozenset[str]) -> Named | None:
    """The package by manifest and file name together, or None when they name none.

    `folders` are those of the classes, each with `/` at its end, one for every level: a group must be theirs.
    """
    title, symbol = told.get("implementation-title", ""), told.get("bundle-symbolicname", "").partition(";")[0].strip()
    if match := _IVY.fullmatch(title):
        return Named(group=match["group"], name=match["name"], version=match["version"], basis="manifest")
    by_file = from_file(file)
    stated = (told.get("implementation-version", ""), told.get("bundle-version", ""))
    version = next((text for text in stated if _VERSION.fullmatch(text)), "")
    agrees = by_file is None or by_file.version in version
    if by_file:
        # OSGi cannot write every version, and a shaded JAR may have the manifest of what is shaded into it
        basis = "manifest" if version and agrees else "file name"
        vendor = told.get("implementation-vendor-id", "") if basis == "manifest" else ""
        group = _group(by_file.name, symbol, vendor, folders)
        return Named(name=by_file.name, group=group, version=by_file.version, basis=basis)
    stem = re.sub(r"\.(jar|war|ear)$", "", file, flags=re.IGNORECASE)
    names = [name for name in (stem, title) if _WORD.fullmatch(name)]
    for name in names if version else ():
        if group := _group(name, symbol, "", folders):
            return Named(group=group, name=name, version=version, basis="manifest")
    return Named(name=names[-1], version=version, basis="manifest") if version and names else None


def disagreement(told: Mapping[str, str], file: str) -> str:
    """The manifest's Implementation-Version when the file's name states another one, else ""."""
    by_file, stated = from_file(file), told.get("implementation-version", "")
    if by_file is None or not _VERSION.fullmatch(stated):
        return ""
    return "" if by_file.version in stated or stated in by_file.version else stated


def _group(name: str, symbol: str, vendor: str, folders: frozenset[str]) -> str:
    """The Maven group of an artifact, from what the JAR says and holds, or ""."""
    for artifact, package, group in _FAMILIES:
        if package in folders and re.fullmatch(artifact, name):
            return group
    if "." in vendor and vendor not in _BROAD and _WORD.fullmatch(vendor):  # Maven and sbt write the group there
        return vendor
    if not _WORD.fullmatch(symbol):
        return ""
    bare = re.sub(r"_(2\.1\d|3)$", "", name)  # Scala's version is in the artifact and not in the bundle
    group = symbol.removesuffix(f".{bare}")
    if group != symbol:  # group and artifact, joined; or the group alone, which ends like the artifact
        return group if "." in group else symbol
    for at in (match.start() for match in re.finditer(r"[.-]", bare)):  # what both have in common is written once
        first, rest = bare[:at], bare[at + 1 :]
        for tail in dict.fromkeys((rest, rest.replace("-", "."))):
            group = symbol.removesuffix(f".{tail}")
            if group != symbol and group.rpartition(".")[2] == first:
                return group
    return ""
