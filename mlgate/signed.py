"""The signatures that a policy asks for, against the tree that was read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from mlgate import discover
from mlgate.assemble import Reading
from mlgate.errors import MlgateError
from mlgate.policy.schema import Policy
from mlgate.records import Component, File, FileKind, Finding
from mlgate.signing.check import Clause, Tree, check
from mlgate.signing.crypto import Identity, Key
from mlgate.signing.statement import LARGEST

_BLOCK = 1 << 20


def findings(
    policy: Policy,
    components: Iterable[Component],
    *,
    root: Path,
    files: Iterable[File | Finding],
    readings: Mapping[str, Reading],
    read_key: Callable[[str], str | None],
) -> tuple[Finding, ...]:
    """What the policy's `models.signature` has to say; `read_key` gives a key's file as it was at the base.

    Raises MlgateError for a key that is not there or is none, and when the libraries are not installed.
    """
    if not policy.models.signature:
        return ()
    clauses = []
    for wanted in policy.models.signature:
        if wanted.sigstore:
            signer: Identity | Key = Identity(wanted.sigstore.identity, wanted.sigstore.issuer)
        else:
            name = wanted.key.public_key if wanted.key else ""
            pem = read_key(name)
            if pem is None:
                hint = "A key takes effect when it is on the base."
                raise MlgateError(f"The policy's public key {name!r} is not there.", hint)
            signer = Key(pem.encode(), name)
        clauses.append(Clause(models=wanted.models, signer=signer))
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return tuple(check(clauses, components, _tree(descriptor, files, readings)))
    finally:
        os.close(descriptor)


def untouched(found: Iterable[Finding], changed: Iterable[str]) -> list[Finding]:
    """Those that the base has too: nothing changed in the folder that a signature, or an unsigned model, is in."""
    paths = list(changed)
    return [
        finding
        for finding in found
        if not any(path.startswith(finding.location.path.rpartition("/")[0]) for path in paths)
    ]


def _tree(root: int, entries: Iterable[File | Finding], readings: Mapping[str, Reading]) -> Tree:
    kinds = (FileKind.REGULAR, FileKind.LFS_POINTER)
    files = {entry.path: entry for entry in entries if isinstance(entry, File) and entry.kind in kinds}

    def read(path: str, most: int = LARGEST) -> bytes:
        try:
            with os.fdopen(discover.open_file(root, files[path]), "rb") as opened:
                return opened.read(most + 1)
        except OSError:
            return b""  # the walk or the reader says so

    def digest(path: str) -> str | None:
        file = files[path]
        if file.lfs:
            return file.lfs.oid
        scanned = readings[path].scanned if path in readings else None
        if scanned and scanned.sha256:
            return scanned.sha256
        whole = hashlib.sha256()
        try:
            with os.fdopen(discover.open_file(root, file), "rb") as opened:
                while block := opened.read(_BLOCK):
                    whole.update(block)
        except OSError:
            return None
        return whole.hexdigest()

    return Tree(paths=frozenset(files), read=read, digest=digest)
