"""OpenSSF model signatures by a key, made the way model-signing 1.1 makes them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Key = ec.EllipticCurvePrivateKey
_HASHES: dict[int, Any] = {256: hashes.SHA256, 384: hashes.SHA384, 521: hashes.SHA512}


def key(curve: ec.EllipticCurve | None = None) -> Key:
    return ec.generate_private_key(curve or ec.SECP256R1())


def public(private: Any) -> str:
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()  # type: ignore[no-any-return]


def statement(files: Mapping[str, bytes], *, name: str = "model", **changed: Any) -> dict[str, Any]:
    """The statement about these files; `changed` replaces keys of it, of the predicate, or of its serialization."""
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())}
    whole = hashlib.sha256(b"".join(bytes.fromhex(digest) for digest in digests.values())).hexdigest()
    serialization = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": ["model.sig"]}
    predicate = {
        "serialization": serialization,
        "resources": [{"name": path, "algorithm": "sha256", "digest": digest} for path, digest in digests.items()],
    }
    made = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": whole}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": predicate,
    }
    for place in (made, predicate, serialization):
        place.update({key: value for key, value in changed.items() if key in place})
    return made


def signature(private: Key, said: Mapping[str, Any], **changed: Any) -> str:
    """The bundle with the statement; `changed` replaces keys of the envelope or the bundle after it was signed."""
    kind, payload = "application/vnd.in-toto+json", json.dumps(said).encode()
    over = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    signed = private.sign(over, ec.ECDSA(_HASHES[private.curve.key_size]()))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind,
        "signatures": [{"sig": base64.b64encode(signed).decode(), "keyid": ""}],
    }
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "x"}, "tlogEntries": []},
        "dsseEnvelope": envelope,
    }
    for place in (bundle, envelope):
        place.update({key: value for key, value in changed.items() if key in place})
    return json.dumps(bundle)
