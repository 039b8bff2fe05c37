"""The ring in use: what signs, what verifies, what seals, and the published key set."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from troth.log import Secret
from troth.model.token import AccessToken
from troth.signing import jwt, seal
from troth.signing.keys import KeyRingError, StoredKey, unwrap

CHAIN_CLAIM = "chain"
MOST_VERIFIED = 4096


class _Claims(msgspec.Struct):
    iss: str
    sub: str
    aud: str | tuple[str, ...]
    exp: int
    iat: int
    jti: str
    client_id: str
    scope: str = ""
    chain: str = ""
    auth_time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Immutable: a new one is built whenever the stored keys change."""

    issuer: str
    signing: tuple[tuple[StoredKey, jwt.SigningKey], ...]
    verifying: Mapping[str, tuple[jwt.SigningKey, int | None]]
    sealer: seal.Sealer
    # JWTs that were presented lately and proved to be ours, by digest: an API asks for the same
    # token again and again, and its signature does not change.
    _verified: dict[bytes, tuple[str, AccessToken]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def signer(self, now: int) -> jwt.SigningKey:
        """The newest key that may sign at `now`; the first one, where the clock was set back."""
        ready = [key for stored, key in self.signing if stored.may_sign(now)]
        early = [key for stored, key in self.signing if stored.stands(now)]
        if not ready and not early:
            raise KeyRingError("no signing key may sign now; run troth keys rotate --now")
        return ready[-1] if ready else early[0]

    def published(self, now: int) -> tuple[str, ...]:
        """The ids of the keys whose tokens may still be around."""
        standing = self.verifying.items()
        return tuple(kid for kid, (_, ends_at) in standing if ends_at is None or ends_at > now)

    def jwks(self, now: int) -> dict[str, object]:
        """The key set (RFC 7517 §5) of what is published."""
        return {"keys": [self.verifying[kid][0].public_jwk() for kid in self.published(now)]}

    def sign_access_token(self, token: AccessToken, now: int) -> str:
        """RFC 9068 §2: the claims of a JWT access token, signed."""
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": token.sub,
            "aud": token.audience[0] if len(token.audience) == 1 else token.audience,
            "exp": token.expires_at,
            "iat": token.issued_at,
            "jti": token.token_id,
            "client_id": token.client_id,
        }
        if token.scope:
            claims["scope"] = " ".join(token.scope)
        if token.chain_id is not None:
            claims[CHAIN_CLAIM] = token.chain_id.hex()
        if token.authenticated_at is not None:
            claims["auth_time"] = token.authenticated_at
        return self.signer(now).sign(claims)

    def open_access_token(self, text: str, now: int) -> AccessToken | None:
        """The facts of an access token made here, JWT or opaque; None for everything else."""
        if text.startswith(seal.ACCESS_TOKEN):
            return self.sealer.open(seal.ACCESS_TOKEN, text, AccessToken)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        found = self._verified.get(digest)
        if found is None:
            found = self._verify(text)
            if found is None:
                return None
            if len(self._verified) >= MOST_VERIFIED:
                self._verified.clear()
            self._verified[digest] = found
        kid, token = found
        ends_at = self.verifying[kid][1]
        return token if ends_at is None or ends_at > now else None

    def _verify(self, text: str) -> tuple[str, AccessToken] | None:
        """The key and the facts of a JWT whose signature is right, whatever the time is."""
        parts = jwt.split(text)
        if parts is None:
            return None
        kid, payload, signing_input, signature = parts
        key, _ = self.verifying.get(kid, (None, None))
        if key is None or not key.verify(signing_input, signature):
            return None
        try:
            claims = msgspec.json.decode(jwt.unb64(payload), type=_Claims)
            chain_id = bytes.fromhex(claims.chain) if claims.chain else None
        except (ValueError, msgspec.DecodeError, RecursionError):
            return None
        if claims.iss != self.issuer:
            return None
        return kid, AccessToken(
            token_id=claims.jti,
            chain_id=chain_id,
            client_id=claims.client_id,
            sub=claims.sub,
            scope=tuple(claims.scope.split()),
            audience=(claims.aud,) if isinstance(claims.aud, str) else claims.aud,
            issued_at=claims.iat,
            expires_at=claims.exp,
            authenticated_at=claims.auth_time,
        )


def in_order(key: StoredKey) -> tuple[int, int, str]:
    """Later keys take over; the same order for every process, also of keys made at once."""
    return key.signs_from, key.created_at, key.kid


def build(keys: Iterable[StoredKey], master: Secret, issuer: str) -> Ring:
    """Unwrap the stored keys into a `Ring`; raises `KeyRingError` where one does not open."""
    ordered = sorted(keys, key=in_order)
    seals = [k for k in ordered if k.use == "seal" and k.ends_at is None]
    sealing = {bytes.fromhex(k.kid): unwrap(k, master) for k in seals}
    signing = [(k, jwt.signing_key(k.kid, unwrap(k, master))) for k in ordered if k.use == "sig"]
    if not sealing or not signing:
        raise KeyRingError("the database holds no keys; run troth migrate up")
    return Ring(
        issuer=issuer,
        signing=tuple(signing),
        verifying={k.kid: (key, k.ends_at) for k, key in signing},
        sealer=seal.sealer(sealing, bytes.fromhex(seals[-1].kid)),
    )
