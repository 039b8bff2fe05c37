"""JWT access tokens (RFC 9068): signed and verified with the keys of the ring.

They are signed with ES256, or with RS256 where a client's API knows nothing else (§2.1 wants
everybody to know it). The hot path, ES256, assembles the JWS by hand over `cryptography` (half the
cost of a library call); the JOSE library verifies the same vectors in the tests.
"""

import json
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from troth.signing import algorithms
from troth.signing.compact import b64, too_deep, unb64
from troth.value import frozen_positional

_ECDSA = ec.ECDSA(hashes.SHA256())
LONGEST = 8 * 1024


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An ES256 key with its JWS header made once."""

    alg: ClassVar[str] = "ES256"
    kid: str
    private: ec.EllipticCurvePrivateKey
    public: ec.EllipticCurvePublicKey
    header: bytes

    def sign(self, claims: dict[str, object]) -> str:
        """A compact JWS over `claims` (RFC 7515 §7.1), `typ: at+jwt` (RFC 9068 §2.1)."""
        signing_input = self.header + b64(msgspec.json.encode(claims))
        r, s = decode_dss_signature(self.private.sign(signing_input, _ECDSA))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return (signing_input + b"." + b64(signature)).decode()

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        """Whether a raw 64-byte ES256 signature is this key's (RFC 7518 §3.4)."""
        if len(signature) != 64:
            return False
        der = encode_dss_signature(
            int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        )
        try:
            self.public.verify(der, signing_input, _ECDSA)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class RS256Key:
    """What verifies an RS256 access token."""

    alg: ClassVar[str] = "RS256"
    public: algorithms.Public

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        return algorithms.verify(self.alg, self.public, signature, signing_input)


ALGORITHMS = (SigningKey.alg, RS256Key.alg)


def signing_key(kid: str, pkcs8: bytes) -> SigningKey:
    """A `SigningKey` from its unwrapped PKCS #8 bytes."""
    private = serialization.load_der_private_key(pkcs8, password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise TypeError("an ES256 key is an elliptic curve key")
    header = b64(json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": kid}).encode()) + b"."
    return SigningKey(kid, private, private.public_key(), header)


class _Header(msgspec.Struct):
    alg: str
    typ: str
    kid: str
    crit: object = None


@frozen_positional
class Parts:
    """A compact at+jwt, taken apart and not yet believed."""

    kid: str
    alg: str
    payload: str
    signing_input: bytes
    signature: bytes


def split(token: str) -> Parts | None:
    """The parts of a compact at+jwt, or None for anything else."""
    if len(token) > LONGEST or not token.isascii() or token.count(".") != 2:
        return None
    head, payload, signature = token.split(".")
    try:
        said, raw = unb64(head), unb64(signature)
        if too_deep(said):
            return None
        header = msgspec.json.decode(said, type=_Header)
    except (ValueError, msgspec.DecodeError):
        return None
    if header.alg not in ALGORITHMS or header.typ != "at+jwt" or header.crit is not None:
        return None
    return Parts(header.kid, header.alg, payload, f"{head}.{payload}".encode(), raw)
