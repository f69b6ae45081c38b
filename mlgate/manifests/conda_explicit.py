"""Conda's lists of packages, often called requirements.txt: `conda list --explicit`, `conda list --export`.

The first has an address on each line, the second `name=version=build`, with the build `pypi_0` for what pip installed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, read_bytes, read_text
from mlgate.manifests._conda import from_url, spec
from mlgate.manifests._conda_list import is_conda_list
from mlgate.manifests._conda_locked import Entry, locked
from mlgate.manifests._declared import Given, given, pep508
from mlgate.manifests._rules import CONDA
from mlgate.records import Artifact, Inspector, Observation

_PIP = re.compile(r"#\s*pip\s+(\S+\s*@\s*\S+?)((?:\s+--hash=\S+)*)\s*")


def _claims(artifact: Artifact) -> bool:
    return artifact.depth == 0 and artifact.name.endswith((".txt", ".lock")) and is_conda_list(artifact.head)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    entries: list[Entry] = []
    bad: list[str] = []
    data = read_bytes(artifact)
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16", "replace") if wide else read_text(artifact)
    explicit = "@EXPLICIT" in text
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        where = artifact.at(line=number)
        wheel = _PIP.fullmatch(line) if len(line) < 10_000 else None
        parsed = pep508(wheel[1], where, scope="runtime") if wheel else None
        if parsed:
            texts = tuple(text.removeprefix("--hash=") for text in wheel[2].split()) if wheel else ()
            yield from given(dataclasses.replace(parsed, hashes=texts))
        if not line or line.startswith("#") or line == "@EXPLICIT":
            continue
        match = from_url(line) if explicit else spec(line)
        if match and match.build.startswith("pypi_") and not explicit:
            yield from given(
                Given(
                    name=match.name, location=where, specifier=match.specifier, version=match.version, requirement=line
                )
            )
            continue
        if match is None:
            bad.append(line[:80])
            continue
        digest = line.partition("#")[2]
        kind = {32: "md5:", 64: "sha256:"}.get(len(digest), "")
        entries.append(
            Entry(
                conda=True,
                name=match.name,
                version=match.version or "",
                location=where,
                match=match,
                hashes=(kind + digest,),
            )
        )
    yield from locked(artifact, entries)
    if bad:
        raise Incomplete("malformed", f"not a conda package: {', '.join(map(repr, bad[:5]))}")


INSPECTOR = Inspector(
    name="conda-explicit",
    claims=_claims,
    inspect=_inspect,
    rules=(*SHARED_RULES, CONDA),
)
