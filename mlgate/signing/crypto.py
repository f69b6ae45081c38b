"""Whether a signature verifies, by the libraries of the extra `mlgate[signing]`. Nothing here uses the network."""

from __future__ import annotations

import logging
from typing import Any

from mlgate.errors import MlgateError
from mlgate.signing.statement import Signed

_HINT = "`pip install 'mlgate[signing]'`; mlgate's container has it."


class Refused(Exception):  # noqa: N818  (a state of the signature, told as a finding)
    """It does not verify; the text says why."""


class OtherSigner(Exception):  # noqa: N818
    """It verifies, and somebody else made it; the text says who."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """What a DSSE signature is over (secure-systems-lab/dsse, protocol.md, "Signature Definition")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


class Key:
    """A public key: NIST P-256 with SHA-256, P-384 with SHA-384 or P-521 with SHA-512, as model-signing uses them."""

    def __init__(self, pem: bytes, name: str) -> None:
        """Raises MlgateError when the text is no such key."""
        try:
            from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  (an extra)
            from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
            from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
        except ImportError:
            raise MlgateError("The policy asks for signed models, and `cryptography` is not here.", _HINT) from None
        try:
            key = load_pem_public_key(pem)
        except ValueError:
            raise MlgateError(f"{name!r} is no public key in PEM.", "Name the file of the public key.") from None
        digests: dict[str, Any] = {"secp256r1": hashes.SHA256, "secp384r1": hashes.SHA384, "secp521r1": hashes.SHA512}
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in digests:
            raise MlgateError(f"{name!r} is no key of the curves P-256, P-384 or P-521.", "Models are signed by those.")
        self._key = key
        self._method = ec.ECDSA(digests[key.curve.name]())

    def verify(self, signed: Signed) -> None:
        """Raises Refused."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

        try:
            self._key.verify(signed.signature, pae(signed.payload_type, signed.payload), self._method)
        except InvalidSignature:
            raise Refused("it was not made by this key") from None


class Identity:
    """An identity that Sigstore's certificate authority vouched for, with the transparency log's word on the time.

    The root of trust is the one that the library ships (its TUF repository, without an update).
    """

    def __init__(self, identity: str, issuer: str) -> None:
        """Raises MlgateError when the library is not there."""
        try:
            from sigstore.models import ClientTrustConfig  # noqa: PLC0415  (an extra)
            from sigstore.verify import Verifier  # noqa: PLC0415
        except ImportError:
            raise MlgateError("The policy asks for signed models, and `sigstore` is not here.", _HINT) from None
        logging.getLogger("sigstore").setLevel(logging.ERROR)  # that it is offline is our wish
        self._identity = identity
        self._issuer = issuer
        self._verifier = Verifier(trusted_root=ClientTrustConfig.production(offline=True).trusted_root)

    def verify(self, signed: Signed) -> None:
        """Raises Refused, or OtherSigner."""
        from sigstore.errors import Error  # noqa: PLC0415
        from sigstore.models import Bundle, InvalidBundle  # noqa: PLC0415
        from sigstore.verify import policy  # noqa: PLC0415

        try:
            bundle = Bundle.from_json(signed.text)
        except (InvalidBundle, ValueError, TypeError, KeyError) as error:
            raise Refused(f"it is no bundle of Sigstore ({_line(error)})") from None
        try:
            kind, payload = self._verifier.verify_dsse(bundle, policy.UnsafeNoOp())
        except (Error, ValueError, TypeError) as error:
            raise Refused(_line(error)) from None
        if (kind, payload) != (signed.payload_type, signed.payload):
            raise Refused("what was verified is not what was read")
        try:
            policy.Identity(identity=self._identity, issuer=self._issuer).verify(bundle.signing_certificate)
        except (Error, ValueError) as error:
            raise OtherSigner(_line(error)) from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
