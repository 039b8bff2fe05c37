"""A JWT access token, checked without its issuer (RFC 9068 §4). Pure: time and keys are values.

Two steps, so that no key is looked for on behalf of a token that would be refused anyway:
`parse` checks all that the token says, `accept` checks who said it.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from troth_guard.claims import check_claims
from troth_guard.keys import PublicKey, algorithm_named
from troth_guard.strict_json import read_object
from troth_guard.values import AccessToken, Expected, Invalid

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
# Each of these would let the token choose its own key, reading or meaning.
_REFUSED_HEADERS = frozenset("crit jwk jku x5u x5c b64 zip enc".split())
_REQUIRED = frozenset("iss sub iat jti".split())
_TYPES = frozenset({"at+jwt", "application/at+jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """A token that says the right things; who says them is not known before `accept`."""

    kid: str | None
    algorithm: str
    signed: bytes
    signature: bytes
    said: AccessToken


def is_jwt(token: str) -> bool:
    """Whether the token is to be read as a JWT: three parts, the first a header (RFC 7519 §3).

    Everything else is opaque, an encrypted token too: only the issuer can read it.
    """
    if not _COMPACT.fullmatch(token):
        return False
    try:
        return "alg" in read_object(_decode(token.partition(".")[0]))
    except ValueError:
        return False


def parse(token: str, expected: Expected, algorithms: frozenset[str], now: float) -> Unverified:
    """Check everything but the signature (RFC 9068 §4). Raises Invalid."""
    if not _COMPACT.fullmatch(token):
        raise Invalid("not a compact JWS")
    signed, _, last = token.rpartition(".")
    head, _, payload = signed.partition(".")
    try:
        header, claims = read_object(_decode(head)), read_object(_decode(payload))
        signature = _decode(last)
    except ValueError:
        raise Invalid("not base64url of JSON") from None
    algorithm, kid = _check_header(header, algorithms)
    return Unverified(
        kid=kid,
        algorithm=algorithm,
        signed=signed.encode(),
        signature=signature,
        said=check_claims(claims, expected, now, required=_REQUIRED),
    )


def accept(token: Unverified, key: PublicKey) -> AccessToken:
    """The token, now that its signature is found to be the issuer's. Raises Invalid."""
    if not key.verifies(token.algorithm, token.signed, token.signature):
        raise Invalid("signature")
    return token.said


def _decode(part: str) -> bytes:
    """base64url without padding (RFC 7515 §2), one spelling only. Raises ValueError."""
    decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    # Spare bits at the end would give one token many spellings.
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part.encode():
        raise binascii.Error("not canonical")
    return decoded


def _check_header(header: dict[str, Any], allowed: frozenset[str]) -> tuple[str, str | None]:
    typ, kid = header.get("typ"), header.get("kid")
    algorithm = algorithm_named(header.get("alg"))
    # Without this an ID token of the same issuer would do (RFC 8725 §3.11).
    if not isinstance(typ, str) or typ.lower() not in _TYPES:
        raise Invalid("typ")
    if header.keys() & _REFUSED_HEADERS:
        raise Invalid("a header that is not understood")
    if algorithm is None or algorithm not in allowed:
        raise Invalid("alg")
    if not isinstance(kid, str | None):
        raise Invalid("kid")
    return algorithm, kid
