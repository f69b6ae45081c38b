"""Settings of indexes and registries that stand in the repository: pip.conf, uv.toml, .condarc, .npmrc.

Formats: pip's documentation ("Configuration"), uv's ("Configuration files"), conda's ("Using the .condarc"), npm's
("npmrc"). Logins and tokens in them are not repeated.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import OTHER_INDEX, Lines, read_text, read_toml, rows, table, word
from mlgate.manifests._declared import index_findings, other_index, without_login
from mlgate.manifests._rules import EXTRA_INDEX, INSECURE_INDEX
from mlgate.manifests._uv_tool import default_indexes
from mlgate.records import Artifact, Inspector, Observation
from mlgate.yaml_events import Map, Scalar, Sequence, documents

_PIP = frozenset({"pip.conf", "pip.ini"})
_CONDA = frozenset({".condarc", "condarc", ".mambarc", "condarc.yml", ".condarc.yml", ".condarc.yaml"})
_LARGEST = 1 << 20
_OFF = frozenset({"false", "0", "no", "off"})
_NPM = re.compile(r"\s*([^=\s;#][^=]*?)\s*=\s*(.*?)\s*$")


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    return artifact.depth == 0 and (name in _PIP or name in _CONDA or name in {".npmrc", "uv.toml"})


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.source.size > _LARGEST:
        raise Incomplete("limit", "settings of more than a megabyte")
    name = artifact.name.lower()
    if name in _PIP:
        yield from _pip(artifact)
    elif name in _CONDA:
        yield from _conda(artifact)
    elif name == "uv.toml":
        yield from _uv(artifact)
    else:
        yield from _npm(artifact)


def _pip(artifact: Artifact) -> Iterator[Observation]:
    """pip.conf: each section but `global` is a command's, with the same keys; a value can go over several lines."""
    text = read_text(artifact)
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise Incomplete("malformed", f"pip would not take it: {str(error)[:100]}") from None
    lines = Lines(text)
    for section in parser.sections():
        for key, value in parser.items(section):
            option = key.replace("_", "-")
            first = (lines.key(key) or 1) - 1
            for part in value.split():
                where = artifact.at(line=lines.find(part, after=first))
                if option in {"index-url", "extra-index-url", "find-links"}:
                    yield from index_findings(where, part)
                if option == "index-url":
                    yield from other_index(where, part, option)
                if option == "extra-index-url" or (option == "find-links" and "://" in part):
                    message = f"{option} adds a second source for every package that pip installs here."
                    evidence = f"{option} = {without_login(part)[:200]}"
                    yield rules.finding(EXTRA_INDEX, where, message, evidence=evidence)
                if option == "trusted-host":
                    message = f"trusted-host switches certificate checks off for {part[:100]}."
                    yield rules.finding(INSECURE_INDEX, where, message, evidence=f"trusted-host = {part[:200]}")


def _uv(artifact: Artifact) -> Iterator[Observation]:
    """uv.toml: the keys of `[tool.uv]` without the header."""
    document, text = read_toml(artifact)
    lines = Lines(text)
    for settings in (document, table(document.get("pip"))):
        urls = [*_listed(settings, "index-url", "extra-index-url", "find-links")]
        urls += [word(table(item).get("url")) for item in rows(settings.get("index"))]
        for url in filter(None, urls):
            yield from index_findings(artifact.at(line=lines.find(url)), url)
        for url in default_indexes(settings):
            yield from other_index(artifact.at(line=lines.find(url)), url, "uv's default index")
        for host in _listed(settings, "allow-insecure-host"):
            message = f"allow-insecure-host switches certificate checks off for {host[:100]}."
            where = artifact.at(line=lines.find(host))
            yield rules.finding(INSECURE_INDEX, where, message, evidence=f"allow-insecure-host {host[:200]}")
        strategy = word(settings.get("index-strategy"))
        if strategy.startswith("unsafe") and any(urls):
            message = f"With {strategy}, uv takes each package from any of its indexes."
            where = artifact.at(line=lines.key("index-strategy"))
            yield rules.finding(EXTRA_INDEX, where, message, evidence=f"index-strategy {strategy[:50]}")


def _listed(settings: dict[str, Any], *keys: str) -> Iterator[str]:
    """The texts under keys that may hold one or several."""
    for key in keys:
        value = settings.get(key)
        yield from filter(None, map(word, value if isinstance(value, list) else [value]))


def _conda(artifact: Artifact) -> Iterator[Observation]:
    """.condarc: channels by address, and whether certificates are checked."""
    for document in documents(read_text(artifact)):
        pending = [document]
        seen: set[int] = set()
        while pending:
            node = pending.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, Sequence):
                pending.extend(reversed(node.items))
            elif isinstance(node, Scalar):
                yield from index_findings(artifact.at(line=node.line), node.value)
            for key, value in reversed(node.pairs) if isinstance(node, Map) else ():
                pending.append(value)
                if key == "ssl_verify" and isinstance(value, Scalar) and value.value.lower() in _OFF:
                    message = "ssl_verify switches the check of certificates off for all channels."
                    where = artifact.at(line=value.line)
                    yield rules.finding(INSECURE_INDEX, where, message, evidence="ssl_verify: false")


def _npm(artifact: Artifact) -> Iterator[Observation]:
    """.npmrc: registries over plain http, and whether certificates are checked."""
    for number, line in enumerate(read_text(artifact).split("\n"), 1):
        found = _NPM.match(line[:4000])
        if not found:
            continue
        key, value = found[1].lower(), found[2].strip("\"'")
        where = artifact.at(line=number)
        if key == "registry" or key.endswith(":registry"):
            yield from index_findings(where, value)
            if key == "registry":
                yield from other_index(where, value, key)
        elif key == "strict-ssl" and value.lower() in _OFF:
            message = "strict-ssl switches the check of certificates off for the registry."
            yield rules.finding(INSECURE_INDEX, where, message, evidence="strict-ssl=false")


INSPECTOR = Inspector(
    name="index-settings",
    claims=_claims,
    inspect=_inspect,
    rules=(EXTRA_INDEX, INSECURE_INDEX, OTHER_INDEX),
)
