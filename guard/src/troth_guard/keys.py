"""The issuer's public keys and what they signed (RFC 7517, RFC 7515): the door to joserfc.

Pure. A key is bound to one algorithm when it is loaded, and verifies nothing else (RFC 8725 §3.1).
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from troth_guard.strict_json import read_object
from troth_guard.values import ALGORITHMS

_PRIVATE = frozenset("d k p q dp dq qi oth".split())
# Without `alg` in the key: what RFC 9068 §2.1 makes every API understand, and one per curve.
_ALGORITHM_OF = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "Ed25519",
}
_TYPES: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
_MODELS = {name: JWSRegistry.algorithms[name] for name in ALGORITHMS}


def algorithm_named(name: object) -> str | None:
    """The algorithm behind an `alg`: `EdDSA` was the name of Ed25519 before RFC 9864."""
    found = "Ed25519" if name == "EdDSA" else name
    return found if isinstance(found, str) and found in ALGORITHMS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """One key of the issuer, with the only algorithm that it verifies."""

    kid: str | None
    algorithm: str
    key: RSAKey | ECKey | OKPKey = field(repr=False)

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's, under the algorithm that the key is bound to."""
        if algorithm != self.algorithm:
            return False
        try:
            return _MODELS[self.algorithm].verify(signed, signature, self.key)
        except (JoseError, ValueError):
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The keys of an issuer that can be used, and how many could not."""

    keys: tuple[PublicKey, ...]
    unusable: int = 0

    def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key that a token names. A token that names none means the only one there is."""
        if kid is None:
            return self.keys[0] if len(self.keys) == 1 else None
        named = [key for key in self.keys if key.kid == kid]
        fitting = [key for key in named if key.algorithm == algorithm]
        return next(iter(fitting or named), None)


def read_keys(raw: bytes, algorithms: Collection[str]) -> KeySet:
    """The public keys of a JWK Set (RFC 7517 §5). Raises ValueError where none can be used.

    A key that cannot be used is passed over, as §5 says: it must not take the others with it.
    """
    listed = read_object(raw).get("keys")
    if not isinstance(listed, list):
        raise ValueError("not a JWK Set")
    keys = [key for jwk in listed if (key := _read_key(jwk)) and key.algorithm in algorithms]
    if not keys:
        raise ValueError("no key that can be used")
    return KeySet(keys=tuple(keys), unusable=len(listed) - len(keys))


def _read_key(jwk: Any) -> PublicKey | None:
    if not isinstance(jwk, dict) or jwk.keys() & _PRIVATE or not _is_for_signatures(jwk):
        return None
    kid, kty = jwk.get("kid"), jwk.get("kty")
    if not isinstance(kid, str | None) or not isinstance(kty, str) or kty not in _TYPES:
        return None
    try:
        # Not with its `alg`: the library takes a key for what it is called, and knows one name.
        key = _TYPES[kty].import_key({name: jwk[name] for name in jwk if name != "alg"})
        algorithm = _bound_algorithm(jwk, kty)
        if algorithm is None or not _is_strong(key):
            return None
        _MODELS[algorithm].check_key(key)
    except (JoseError, ValueError, KeyError):
        return None
    return PublicKey(kid=kid, algorithm=algorithm, key=key)


def _is_for_signatures(jwk: dict[str, Any]) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
    )


def _bound_algorithm(jwk: dict[str, Any], kty: str) -> str | None:
    if "alg" in jwk:
        return algorithm_named(jwk["alg"])
    return _ALGORITHM_OF.get((kty, None if kty == "RSA" else jwk.get("crv")))


def _is_strong(key: RSAKey | ECKey | OKPKey) -> bool:
    """RFC 8725 §3.5: at least 2048 bits, and no exponent that invites forgeries."""
    if not isinstance(key, RSAKey):
        return True
    public = key.public_key
    exponent = public.public_numbers().e
    return public.key_size >= 2048 and exponent >= 65537 and exponent % 2 == 1
