"""Public keys that others publish (RFC 7517): which of them are believed or encrypted to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from troth.signing.compact import Malformed, octets

Material = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey
)

# A private or symmetric key that was published proves nothing any more.
PRIVATE = frozenset("d p q dp dq qi oth k".split())

_CURVES: Mapping[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_AGREEING = frozenset({"P-256", "P-384", "P-521", "X25519"})

# By algorithm: `RSA`, or the curves (RFC 7518 §3.1 and §4.1, RFC 8037 §3).
_FITTING: Mapping[str, frozenset[str]] = {
    "RS256": frozenset({"RSA"}),
    "PS256": frozenset({"RSA"}),
    "ES256": frozenset({"P-256"}),
    "EdDSA": frozenset({"Ed25519"}),
    "RSA-OAEP": frozenset({"RSA"}),
    "RSA-OAEP-256": frozenset({"RSA"}),
    "ECDH-ES": _AGREEING,
    "ECDH-ES+A128KW": _AGREEING,
    "ECDH-ES+A256KW": _AGREEING,
}

# EdDSA is what Ed25519 was called before RFC 9864: a key may have the older name, or the newer.
_FORMERLY = {"Ed25519": "EdDSA"}

_SMALLEST, _LARGEST = 2048, 8192
# The primes by which the moduli of a broken generator give themselves away (CVE-2017-15361): such
# a modulus is a power of 65537 modulo each.
_ROCA = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
_POWERS = {prime: frozenset(pow(65537, n, prime) for n in range(prime)) for prime in _ROCA}


def fitting(
    jwks: Iterable[object], alg: str, use: str, operations: Sequence[str]
) -> list[Mapping[str, Any]]:
    """The keys of a set that say of themselves that `alg` is what they are for (RFC 7517 §4)."""
    types = _FITTING[_oldest(alg)]
    found: list[Mapping[str, Any]] = []
    for jwk in jwks:
        if not isinstance(jwk, Mapping) or _type(jwk) not in types:
            continue
        key_ops, name = jwk.get("key_ops"), jwk.get("alg")
        if (
            jwk.get("use") in (None, use)
            and (name is None or (isinstance(name, str) and _oldest(name) == _oldest(alg)))
            and (key_ops is None or _allows(key_ops, operations))
        ):
            found.append(jwk)
    return found


def _oldest(alg: str) -> str:
    return _FORMERLY.get(alg, alg)


def _allows(key_ops: object, operations: Sequence[str]) -> bool:
    return isinstance(key_ops, list | tuple) and any(each in key_ops for each in operations)


def load(jwk: Mapping[str, Any]) -> Material:
    """The key itself. Raises `Malformed` for a weak one, a private one, or none at all."""
    if PRIVATE & jwk.keys():
        raise Malformed("a private or symmetric key was published")
    kind = _type(jwk)
    try:
        if kind == "RSA":
            return _rsa(jwk)
        if kind in _CURVES:
            return _point(jwk, _CURVES[kind])
        if kind == "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(_member(jwk, "x", 32))
        if kind == "X25519":
            return x25519.X25519PublicKey.from_public_bytes(_member(jwk, "x", 32))
    except Malformed:
        raise
    except ValueError:  # a point that is not on its curve, a modulus that is none
        raise Malformed("the numbers are no key") from None
    raise Malformed("a key of an unknown type or curve")


def check_published(jwk: object) -> None:
    """Raise `Malformed` for a key that nobody should have published, or that is none.

    One of a type that is unknown here may be there for others (RFC 7517 §5).
    """
    if not isinstance(jwk, Mapping) or not isinstance(jwk.get("kty"), str):
        raise Malformed("it is not a key with a kty")
    if PRIVATE & jwk.keys() or _type(jwk):
        load(jwk)


def _type(jwk: Mapping[str, Any]) -> str:
    """`RSA`, or the name of the curve; empty for what is unknown."""
    kty, curve = jwk.get("kty"), jwk.get("crv")
    if kty == "RSA":
        return "RSA"
    curves: tuple[str, ...] = ()
    if kty == "EC":
        curves = tuple(_CURVES)
    elif kty == "OKP":
        curves = ("Ed25519", "X25519")
    return curve if isinstance(curve, str) and curve in curves else ""


def _member(jwk: Mapping[str, Any], name: str, length: int | None = None) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str) or not value.isascii() or len(value) > _LARGEST // 4:
        raise Malformed(f"{name} is missing or no base64url")
    raw = octets(value)
    if length is not None and len(raw) != length:
        raise Malformed(f"{name} has not the length of its curve")
    return raw


def _rsa(jwk: Mapping[str, Any]) -> rsa.RSAPublicKey:
    n, e = (int.from_bytes(_member(jwk, name), "big") for name in ("n", "e"))
    if not _SMALLEST <= n.bit_length() <= _LARGEST:
        raise Malformed(f"an RSA key of {n.bit_length()} bits")
    if n % 2 == 0 or e % 2 == 0 or not 65537 <= e < 2**32:
        raise Malformed("an RSA key with an even modulus or a weak exponent")
    if all(n % prime in powers for prime, powers in _POWERS.items()):
        raise Malformed("an RSA key of a broken generator")
    return rsa.RSAPublicNumbers(e, n).public_key()


def _point(jwk: Mapping[str, Any], curve: ec.EllipticCurve) -> ec.EllipticCurvePublicKey:
    size = (curve.key_size + 7) // 8
    x, y = (int.from_bytes(_member(jwk, name, size), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
