"""What a token says, by its own claims or by its issuer's answer, and if it fits (RFC 9068 §4).

The names and meanings are the same in both (RFC 7662 §2.2), so one place compares. Pure.
"""

from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from troth_guard.values import AccessToken, Expected, Invalid

_Text = Annotated[str, msgspec.Meta(min_length=1)]
# Whole seconds until the year 9999: no fraction, no boolean, nothing that overflows a clock.
_Date = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claims:
    """The claims that are understood, and of what type they must be (RFC 7519 §4.1)."""

    aud: _Text | list[_Text]
    exp: _Date
    client_id: _Text
    iss: _Text | msgspec.UnsetType = msgspec.UNSET
    sub: _Text | msgspec.UnsetType = msgspec.UNSET
    iat: _Date | msgspec.UnsetType = msgspec.UNSET
    nbf: _Date | msgspec.UnsetType = msgspec.UNSET
    jti: _Text | msgspec.UnsetType = msgspec.UNSET
    scope: str = ""


def check_claims(
    members: dict[str, Any], expected: Expected, now: float, *, required: Collection[str] = ()
) -> AccessToken:
    """The token that these claims describe, if it is for this API and still good. Raises Invalid.

    Parameters:
        members: the claims as they came.
        required: those that must be there beyond `aud`, `exp` and `client_id`.
    """
    if not members.keys() >= set(required):
        raise Invalid("a claim is missing")
    # A token bound to a key is worth nothing without a proof of that key, and proofs are not
    # understood here: taking it as a plain one would undo the binding (RFC 9449 §7.2).
    if "cnf" in members:
        raise Invalid("bound to a key")
    try:
        claims = msgspec.convert(members, _Claims)
    except msgspec.ValidationError:
        raise Invalid("a claim is missing or not of its type") from None
    _check_meaning(claims, expected, now)
    return AccessToken(
        client_id=claims.client_id,
        sub=_person(claims),
        scopes=frozenset(filter(None, claims.scope.split(" "))),
        audience=_audience(claims),
        expires_at=claims.exp,
        claims=MappingProxyType(members),
    )


def _check_meaning(claims: _Claims, expected: Expected, now: float) -> None:
    if claims.iss is not msgspec.UNSET and claims.iss != expected.issuer:
        raise Invalid("iss")
    if expected.audience not in _audience(claims):
        raise Invalid("aud")
    if claims.exp + expected.leeway <= now:
        raise Invalid("expired")
    if claims.nbf is not msgspec.UNSET and claims.nbf > now + expected.leeway:
        raise Invalid("not yet valid")


def _audience(claims: _Claims) -> tuple[str, ...]:
    return (claims.aud,) if isinstance(claims.aud, str) else tuple(claims.aud)


def _person(claims: _Claims) -> str | None:
    """RFC 9068 §2.2: without a person, `sub` is the application itself (or is left out)."""
    if claims.sub is msgspec.UNSET or claims.sub == claims.client_id:
        return None
    return claims.sub
