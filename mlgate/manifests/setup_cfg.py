"""setup.cfg: `[options]` and `[options.extras_require]` (setuptools' documentation, "Declarative config")."""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, Lines, read_text
from mlgate.manifests._declared import given, pep508
from mlgate.manifests._links import dependency_link
from mlgate.manifests._rules import DYNAMIC, EXTRA_INDEX, INSECURE_INDEX
from mlgate.records import Artifact, Include, Inspector, Observation

_SCOPES = {"install_requires": "runtime", "setup_requires": "build", "tests_require": "dev"}
_REFERENCE = re.compile(r"%\(([\w.-]{1,100})\)s")
_COMMENT = re.compile(r"\s#.*")
_DEPTH = 10


class _Parser(configparser.RawConfigParser):
    """Keeps the case of extras."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    text = read_text(artifact)
    parser = _Parser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        if "requires" in text or "dependency_links" in text:
            told = " ".join(str(error).split())[:100]
            raise Incomplete("malformed", f"not a configuration: {told}") from None
        return  # settings of other tools
    lines = Lines(text)
    bad: list[str] = []
    options = dict(parser["options"]) if parser.has_section("options") else {}
    extras = dict(parser["options.extras_require"]) if parser.has_section("options.extras_require") else {}
    wanted = [(scope, "", options, key) for key, scope in _SCOPES.items()]
    wanted += [(scope, "", options, key.replace("_", "-")) for key, scope in _SCOPES.items()]
    wanted += [("optional", extra, extras, extra) for extra in extras]
    for scope, group, section, key in wanted:
        if key in section:
            header = lines.find("[options.extras_require]" if section is extras else "[options]") or 0
            start = lines.key(key, after=header) or header
            yield from _value(artifact, section, key, lines, start, scope=scope, group=group, bad=bad)
    for link in _split(options.get("dependency_links", "")):
        yield from dependency_link(link, artifact.at(line=lines.find(link)))
    if bad:
        raise Incomplete("malformed", f"not a requirement: {', '.join(map(repr, bad[:5]))}")


def _split(value: str) -> list[str]:
    """A `list-semi`: lines, or what stands between semicolons in one line."""
    parts = value.split("\n") if "\n" in value else value.split(";")
    plain = (_COMMENT.sub("", part).strip() for part in parts)
    return [part for part in plain if part and not part.startswith("#")]


def _value(
    artifact: Artifact,
    section: dict[str, str],
    key: str,
    lines: Lines,
    start: int,
    *,
    scope: str,
    group: str,
    bad: list[str],
    depth: int = 0,
) -> Iterator[Observation]:
    value = section[key]
    if value.strip().startswith("file:"):
        for name in re.split(r"[,\n]", value.strip().removeprefix("file:")):
            yield from included(artifact, name.strip(), artifact.at(line=start or None).line)
        return
    marker = group.partition(":")[2]
    whole = pep508(value, artifact.at(line=start or None), scope=scope) if "\n" not in value else None
    # one requirement with a marker has a semicolon of its own
    for text in [value.strip()] if whole and ";" in value else _split(value):
        reference = _REFERENCE.fullmatch(text)
        if reference and reference[1] in section and depth < _DEPTH:
            line = lines.key(reference[1], after=lines.find("[options.extras_require]") or 0) or start
            found = _value(
                artifact, section, reference[1], lines, line, scope=scope, group=group, bad=bad, depth=depth + 1
            )
            yield from found
            continue
        where = artifact.at(line=lines.find(text, after=max(start - 1, 0)) or lines.find(text))
        parsed = pep508(text, where, scope=scope, group=group.partition(":")[0], marker=marker)
        if parsed:
            yield from given(parsed)
        else:
            bad.append(text[:100])


def included(artifact: Artifact, name: str, line: int | None, *, optional: bool = False) -> Iterator[Observation]:
    """A file of requirements that a build reads; an `optional` one may be missing."""
    if not name:
        return
    where = artifact.at(line=line)
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(artifact.path), name))
    if "://" in name or joined.startswith(("../", "/")) or joined in {"..", "."}:
        message = "The build reads requirements from a file that is not in the repository."
        yield rules.finding(DYNAMIC, where, message, evidence=name[:200])
    else:
        yield Include(path=joined, reader="requirements", location=where, optional=optional)


INSPECTOR = Inspector(
    name="setup-cfg",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "setup.cfg",
    inspect=_inspect,
    rules=(*SHARED_RULES, DYNAMIC, EXTRA_INDEX, INSECURE_INDEX),
)
