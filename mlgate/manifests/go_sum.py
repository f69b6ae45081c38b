"""go.sum (go.dev/ref/mod, "go.sum files"): hashes of modules, of more of them than are built.

`h1:` is the SHA-256 of a list of the files' own SHA-256 sums (golang.org/x/mod/sumdb/dirhash), as cyclonedx-gomod and
Go's checksum database give it for a module. Where a go.mod beside it names all
modules, `_settled` leaves the others out.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.manifests._common import read_text
from mlgate.manifests._ecosystems import GO, RULES, Entry, observations
from mlgate.records import Artifact, Hash, Inspector, Observation

_LINE = re.compile(r"(\S{1,500}) (v[0-9A-Za-z.+-]{1,200})(/go\.mod)? (h\d):([A-Za-z0-9+/]{20,200}={0,2})")


def _entries(artifact: Artifact, broken: list[int]) -> Iterator[Entry]:
    for number, raw in enumerate(read_text(artifact).split("\n"), 1):
        line = raw.strip()
        match = _LINE.fullmatch(line)
        if match is None:
            broken += [number] if line else []
            continue
        name, version, only_manifest, algorithm, value = match.groups()
        if only_manifest:
            continue  # the hash of the module's go.mod, which was read to choose versions; its code may not be used
        try:
            digest = base64.b64decode(value, validate=True).hex()
        except binascii.Error:
            broken.append(number)
            continue
        known = algorithm == "h1" and len(digest) == 64
        yield Entry(
            name=name,
            location=artifact.at(line=number),
            version=version,
            requirement=f"{name} {version}",
            scope="constraint",
            hashes=(Hash(algorithm="SHA-256", value=digest, declared=True),) if known else (),
        )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    broken: list[int] = []
    yield from observations(GO, artifact, _entries(artifact, broken))
    if broken:
        raise Incomplete("malformed", f"lines {', '.join(map(str, broken[:10]))} are not of go.sum's form")


INSPECTOR = Inspector(
    name="go-sum",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "go.sum",
    inspect=_inspect,
    rules=RULES,
)
