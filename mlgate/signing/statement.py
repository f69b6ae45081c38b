"""A signature file read as data: hostile bytes, nothing believed before it is verified."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

LARGEST = 4 << 20  # bytes of a signature file; one of 20,000 files has 3 MB
_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_BUNDLE = re.compile(r"application/vnd\.dev\.sigstore\.bundle(\.v0\.3\+json|\+json;version=0\.[123])")
_DIGEST = re.compile(r"[0-9a-f]{64}")

_T = TypeVar("_T")


class Malformed(Exception):  # noqa: N818  (a state of the file, told as a finding)
    """The file is no signature that can be checked; the text says why."""


class Unsupported(Exception):  # noqa: N818
    """It is one of a kind that is not checked here; the text says which."""


class _Signature(msgspec.Struct, frozen=True):
    sig: str


class _Envelope(msgspec.Struct, frozen=True, rename="camel"):
    payload: str
    payload_type: str
    signatures: tuple[_Signature, ...]


class _Bundle(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str
    dsse_envelope: _Envelope


class _Resource(msgspec.Struct, frozen=True):
    name: str
    algorithm: str
    digest: str


class _Serialization(msgspec.Struct, frozen=True):
    method: str
    hash_type: str
    ignore_paths: tuple[str, ...] = ()


class _Predicate(msgspec.Struct, frozen=True):
    serialization: _Serialization
    resources: tuple[_Resource, ...]


class _Subject(msgspec.Struct, frozen=True):
    name: str
    digest: dict[str, str]


class _Statement(msgspec.Struct, frozen=True, rename={"type": "_type", "predicate_type": "predicateType"}):
    type: str
    subject: tuple[_Subject, ...]
    predicate_type: str
    predicate: msgspec.Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a signature file says. `payload` and `signature` are bytes to verify; `files` are names relative to the
    model with their SHA-256 in hex, `ignored` are paths that the signer left out.
    """

    text: bytes
    payload_type: str
    payload: bytes
    signature: bytes
    name: str
    files: Mapping[str, str]
    ignored: tuple[str, ...]


def looks_like_one(head: bytes) -> bool:
    """Whether a file that begins like this can be a signature of this format, so that other `.sig` are let be."""
    return head.lstrip()[:1] == b"{" and (b"sigstore.bundle" in head or b'"dsseEnvelope"' in head)


def read(data: bytes) -> Signed:
    """The signature in these bytes. Raises Malformed or Unsupported."""
    bundle = _decoded(data, _Bundle, "bundle")
    envelope = bundle.dsse_envelope
    if not _BUNDLE.fullmatch(bundle.media_type):
        raise Unsupported(f"a bundle of type {bundle.media_type[:80]!r}")
    if envelope.payload_type != _PAYLOAD:
        raise Unsupported(f"an envelope around {envelope.payload_type[:80]!r}")
    if len(envelope.signatures) != 1:
        raise Malformed(f"{len(envelope.signatures)} signatures in one envelope")
    payload = _bytes(envelope.payload)
    statement = _decoded(payload, _Statement, "statement")
    if statement.type != _STATEMENT or statement.predicate_type != _PREDICATE:
        raise Unsupported(f"a statement about {statement.predicate_type[:80]!r}")
    if len(statement.subject) != 1:
        raise Malformed(f"{len(statement.subject)} subjects in one statement")
    predicate = _decoded(bytes(statement.predicate), _Predicate, "predicate")
    form = predicate.serialization
    if form.method != "files" or form.hash_type != "sha256":
        raise Unsupported(f"files that are hashed as {form.method[:40]} with {form.hash_type[:40]}")
    files: dict[str, str] = {}
    whole = hashlib.sha256()
    for resource in predicate.resources:
        if resource.algorithm != "sha256" or not _DIGEST.fullmatch(resource.digest):
            raise Malformed(f"no SHA-256 for {resource.name[:100]!r}")
        if resource.name in files or not _is_inside(resource.name):
            raise Malformed(f"the name {resource.name[:100]!r}")
        files[resource.name] = resource.digest
        whole.update(bytes.fromhex(resource.digest))
    if statement.subject[0].digest.get("sha256") != whole.hexdigest():
        raise Malformed("the files are not those of the subject")
    return Signed(
        text=data,
        payload_type=envelope.payload_type,
        payload=payload,
        signature=_bytes(envelope.signatures[0].sig),
        name=statement.subject[0].name,
        files=files,
        ignored=form.ignore_paths,
    )


def _decoded(data: bytes, kind: type[_T], what: str) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"no {what}: {str(error)[:200]}") from None


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("what should be base64 is not") from None


def _is_inside(name: str) -> bool:
    """Whether it is a path below the model; "." is a model that is one file."""
    return name == "." or not (set(name.split("/")) & {"", ".", ".."} or "\\" in name or "\0" in name)
