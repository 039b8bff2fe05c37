"""JWTs by the keys of others: request objects, assertions. What the token says picks no algorithm.

Types, audience and times are checked by whoever asks: they are different for each kind of token.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import x25519

from troth.signing import algorithms as jwa
from troth.signing import jwk, jws
from troth.signing.compact import Malformed

# A token without `kid` is tried with so many keys of its client.
MOST_TRIED = 4


class BadJWS(Exception):
    """The token is not believed; the message says exactly why, for the log.

    `unknown_key` where the set has no key that fits: fetched again, it may have one.
    """

    def __init__(self, reason: str, *, unknown_key: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unknown_key = unknown_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A token whose signature is that of a key of the set, and nothing more than that."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def verify(text: str, jwks: Sequence[Mapping[str, Any]], algorithms: Collection[str]) -> Verified:
    """The header and the claims of a compact JWS (RFC 7515 §5.2) by a key of `jwks`.

    Args:
        text: what was presented, of any form.
        jwks: the keys that its maker has published; of any form too.
        algorithms: which are allowed, of `jwa.SIGNATURES`: those that are registered.

    Raises:
        BadJWS: for everything that is not proven.
    """
    try:
        parsed = jws.parse(text)
        if parsed.alg not in algorithms:
            raise BadJWS("alg is not the one that is expected")
        if not _signed(parsed, jwks):
            raise BadJWS("the signature is of no key of the set")
        return Verified(header=parsed.header, claims=jws.claims_of(parsed))
    except Malformed as error:
        raise BadJWS(str(error)) from None


def _signed(parsed: jws.Parsed, jwks: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a key signed it that is there for it. Raises `Malformed` where all are weak."""
    fitting = jwk.fitting(jwks, parsed.alg, "sig", ("verify",))
    if parsed.kid is not None:
        fitting = [key for key in fitting if key.get("kid") == parsed.kid]
    if not fitting:
        raise BadJWS(f"no key for {parsed.alg} and this kid", unknown_key=True)
    weak: Malformed | None = None
    strong: list[jwa.Public] = []
    for key in fitting[:MOST_TRIED]:
        try:
            public = jwk.load(key)
        except Malformed as error:
            weak = error
            continue
        assert not isinstance(public, x25519.X25519PublicKey)  # fits no signature
        strong.append(public)
    if weak is not None and not strong:
        raise weak
    signature, signing_input = parsed.signature, parsed.signing_input
    return any(jwa.verify(parsed.alg, public, signature, signing_input) for public in strong)
