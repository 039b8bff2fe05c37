"""Encryption (RFC 7516): to the keys of clients, and of what clients encrypt to this server.

The JOSE library does it; what it is given was looked at before. It is imported where it is used:
most servers never need it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

from troth.signing import jwk
from troth.signing.algorithms import Private
from troth.signing.compact import Malformed, header, segments
from troth.signing.keys import StoredKey

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

# What a client may have encrypted for it, in the order of the metadata.
ALGS = ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
ENCS = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
# What it may encrypt with: this server has a key for each.
REQUEST_ALGS = ("RSA-OAEP-256", "ECDH-ES")

_OPERATIONS = ("encrypt", "wrapKey", "deriveKey", "deriveBits")


class BadJWE(Exception):
    """What was presented does not decrypt; the message says exactly why, for the log."""


class NoKeyError(Exception):
    """The client has no key that could be encrypted to; the message says why."""


def encrypt_for_client(
    content: str | bytes, jwks: Sequence[Mapping[str, Any]], alg: str, enc: str, cty: str | None
) -> str:
    """A compact JWE (RFC 7516 §7.1) of `content` to the client's key for `alg`.

    Args:
        content: what is encrypted; a signed JWT goes with `cty` "JWT" (RFC 7519 §5.2).
        jwks: the keys that the client has published, of any form.
        alg: one of `ALGS`.
        enc: one of `ENCS`.
        cty: the content type that the header names, or None.

    Raises:
        NoKeyError: where none of the keys will do.
    """
    from joserfc import jwe

    if alg not in ALGS or enc not in ENCS:
        raise NoKeyError("nothing is encrypted with this alg and enc")
    key, public = _recipient(jwks, alg)
    head = {"alg": alg, "enc": enc}
    if isinstance(kid := key.get("kid"), str):
        head["kid"] = kid
    if cty is not None:
        head["cty"] = cty
    registry = jwe.JWERegistry(algorithms=[alg, enc])
    return jwe.encrypt_compact(head, content, _library_key(public), registry=registry)


def check_recipient(jwks: Sequence[Mapping[str, Any]], alg: str) -> None:
    """Raise `NoKeyError` where nothing could be encrypted to these keys."""
    if alg not in ALGS:
        raise NoKeyError("nothing is encrypted with this alg")
    _recipient(jwks, alg)


def _recipient(
    jwks: Sequence[Mapping[str, Any]], alg: str
) -> tuple[Mapping[str, Any], jwk.Material]:
    """The first key that is there for encryption, or else may be used for it, and is strong."""
    fitting = jwk.fitting(jwks, alg, "enc", _OPERATIONS)
    reason = f"no key for {alg}"
    for key in sorted(fitting, key=lambda each: each.get("use") is None):
        try:
            return key, jwk.load(key)
        except Malformed as error:
            reason = str(error)
    raise NoKeyError(reason)


def decrypt(text: str, keys: Sequence[tuple[StoredKey, Private]]) -> str:
    """What is inside of a compact JWE (RFC 7516 §5.2) to one of these keys of ours.

    Raises `BadJWE` for everything else, whatever it is.
    """
    try:
        parts = segments(text, 5)
        head = header(parts[0])
        _check(head)
    except Malformed as error:
        raise BadJWE(str(error)) from None
    kid = head.get("kid")
    named = [
        private
        for stored, private in keys
        if stored.kind == ("enc", head["alg"]) and kid in (None, stored.kid)
    ]
    for private in reversed(named):
        try:
            return _decrypted(text, private, head).decode("ascii")
        except Exception:  # noqa: S112  # a library's ways to fail are many, and mean one thing
            continue
    raise BadJWE("it does not decrypt" if named else "no key of this kid and alg")


def _check(head: Mapping[str, Any]) -> None:
    """What must be right before any key is touched (RFC 8725 §3.1 and §3.4)."""
    if head.get("alg") not in REQUEST_ALGS or head.get("enc") not in ENCS:
        raise Malformed("alg or enc")
    if head.get("cty", "JWT").upper() not in ("JWT", "APPLICATION/JWT"):
        raise Malformed("cty is not JWT")
    if head["alg"] != "ECDH-ES":
        return
    ephemeral = head.get("epk")
    if not isinstance(ephemeral, dict) or ephemeral.get("crv") != "P-256":
        raise Malformed("epk is not of the key's curve")
    jwk.load(ephemeral)


def _decrypted(text: str, private: Private, head: Mapping[str, Any]) -> bytes:
    from joserfc import jwe

    registry = jwe.JWERegistry(algorithms=[head["alg"], head["enc"]], strict_check_header=False)
    found = jwe.decrypt_compact(text, _library_key(private), registry=registry).plaintext
    return found or b""


def _library_key(key: Private | jwk.Material) -> "RSAKey | ECKey | OKPKey":
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return RSAKey(key, None)
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return ECKey(key, None)
    assert isinstance(key, x25519.X25519PublicKey)
    return OKPKey(key, None)
