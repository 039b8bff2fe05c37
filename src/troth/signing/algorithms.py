"""The signature algorithms by name (RFC 7518 §3.1, RFC 8037, RFC 9864), over `cryptography`.

A key has one algorithm and is never used with another (RFC 8725 §3.1). RSA keys that are made
here have 2048 bits, the least that RFC 7518 §3.3 allows: 3072 cost 2.7 times as much a signature,
0.65 ms, and keys rotate.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from troth.signing.compact import b64

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

# What this server signs with and verifies, in the order of the metadata.
SIGNATURES = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")

_SHA256 = hashes.SHA256()
_ECDSA = ec.ECDSA(_SHA256)
_PKCS1 = padding.PKCS1v15()
# RFC 7518 §3.5: the salt is as long as the digest.
_PSS = padding.PSS(padding.MGF1(_SHA256), padding.PSS.DIGEST_LENGTH)


def generate(alg: str) -> bytes:
    """A fresh private key for `alg`, a signature or an encryption algorithm, as PKCS #8."""
    private: Private
    match alg:
        case "RS256" | "PS256" | "RSA-OAEP-256":
            private = rsa.generate_private_key(65537, 2048)
        case "ES256" | "ECDH-ES":
            private = ec.generate_private_key(ec.SECP256R1())
        case "EdDSA" | "Ed25519":
            private = ed25519.Ed25519PrivateKey.generate()
        case _:
            raise ValueError(f"no keys are made for {alg}")
    return private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load(pkcs8: bytes) -> Private:
    """A private key that was made here.

    Its numbers are not examined again, which takes 30 ms for RSA: what was unwrapped is what was
    wrapped.
    """
    private = serialization.load_der_private_key(
        pkcs8, password=None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(private, Private):
        raise TypeError("not a key of an algorithm of ours")
    return private


def sign(alg: str, private: Private, data: bytes) -> bytes:
    """The signature as a JWS carries it (RFC 7518 §3, RFC 8037 §3.1)."""
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(data, _PSS if alg == "PS256" else _PKCS1, _SHA256)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private.sign(data, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return private.sign(data)


def verify(alg: str, public: Public, signature: bytes, data: bytes) -> bool:
    """Whether it is a signature of this key, which `alg` fits."""
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, data, _PSS if alg == "PS256" else _PKCS1, _SHA256)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            if len(signature) != 64:  # R and S, not DER (RFC 7518 §3.4)
                return False
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            public.verify(encode_dss_signature(r, s), data, _ECDSA)
        else:
            public.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def public_members(public: Public) -> dict[str, str]:
    """The members of a JWK that are the public key (RFC 7518 §6.2.1, §6.3.1, RFC 8037 §2)."""
    if isinstance(public, rsa.RSAPublicKey):
        rsa_numbers = public.public_numbers()
        return {"kty": "RSA", "n": _integer(rsa_numbers.n), "e": _integer(rsa_numbers.e)}
    if isinstance(public, ec.EllipticCurvePublicKey):
        numbers = public.public_numbers()
        x, y = (b64(n.to_bytes(32, "big")).decode() for n in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw()).decode()}


def _integer(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()
