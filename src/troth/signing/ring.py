"""The ring in use: what signs, what verifies, what seals, and the published key set."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from troth.log import Secret
from troth.model.token import AccessToken
from troth.signing import algorithms, jwe, jws, jwt, seal
from troth.signing.compact import Malformed, too_deep, unb64
from troth.signing.keys import KINDS, KeyRingError, StoredKey, unwrap

K = TypeVar("K")

CHAIN_CLAIM = "chain"
_DAY = 86400
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
    acr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Immutable: a new one is built whenever the stored keys change."""

    issuer: str
    # What signs access tokens, each with its header made; every other use is in `own`.
    signing: tuple[tuple[StoredKey, jwt.SigningKey], ...]
    verifying: Mapping[str, tuple[jwt.SigningKey | jwt.RS256Key, int | None]]
    sealer: seal.Sealer
    # Every key that has a public half, in the order in which they are published.
    own: tuple[tuple[StoredKey, algorithms.Private], ...]
    pairwise: bytes | None = field(repr=False)
    # JWTs that were presented lately and proved to be ours, by digest: an API asks for the same
    # token again and again, and its signature does not change.
    _verified: dict[bytes, tuple[str, AccessToken]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    # What `published` said last, and from when until when it is that.
    _published: list[tuple[int, int, tuple[str, ...]]] = field(
        default_factory=lambda: [(0, 0, ())], init=False, repr=False, compare=False
    )

    def signer(self, now: int) -> jwt.SigningKey:
        """What signs an access token at `now`."""
        return _in_charge(self.signing, now)[1]

    def published(self, now: int) -> tuple[str, ...]:
        """The ids of the keys that somebody may have to verify with, or encrypt to."""
        since, until, kids = self._published[0]
        if not since <= now < until:  # the clock may have been set back
            kids = tuple(stored.kid for stored, _ in self.own if stored.stands(now))
            ends = [stored.ends_at for stored, _ in self.own if stored.ends_at is not None]
            until = min((end for end in ends if end > now), default=now + _DAY)
            self._published[0] = (now, until, kids)
        return kids

    def jwks(self, now: int) -> dict[str, object]:
        """The key set (RFC 7517 §5) of what is published."""
        return {
            "keys": [
                {
                    **algorithms.public_members(private.public_key()),
                    "kid": stored.kid,
                    "use": stored.use,
                    "alg": stored.alg,
                }
                for stored, private in self.own
                if stored.stands(now)
            ]
        }

    @property
    def pairwise_key(self) -> bytes:
        """What pairwise subjects are made with (OIDC Core §8.1): one for ever, 32 bytes."""
        if self.pairwise is None:
            raise KeyRingError("there is no key for pairwise subjects; start troth serve anew")
        return self.pairwise

    def sign_jwt(self, claims: Mapping[str, object], alg: str, typ: str | None, now: int) -> str:
        """A JWT (RFC 7519 §7.1) that is no access token, by the key of `alg`.

        Raises `KeyRingError` where `alg` is none of `algorithms.SIGNATURES`.
        """
        fitting = [pair for pair in self.own if pair[0].kind == ("sig", alg)]
        stored, private = _in_charge(fitting, now)
        head = {"alg": alg, "kid": stored.kid}
        return jws.signed(private, head if typ is None else {**head, "typ": typ}, claims)

    def open_own_jwt(self, text: str) -> jws.OwnJWT | None:
        """What this server once said in a JWT, of whatever `typ`; None for everything else.

        It may have expired, and its key may have been replaced; one that was retired for it had
        leaked is not believed.
        """
        try:
            parsed = jws.parse(text)
            key = self._signed_by(parsed)
            if key is None or not algorithms.verify(
                parsed.alg, key.public_key(), parsed.signature, parsed.signing_input
            ):
                return None
            claims = jws.claims_of(parsed)
        except Malformed:
            return None
        if claims.get("iss") != self.issuer:
            return None
        return jws.OwnJWT(typ=parsed.typ, claims=claims)

    def decrypt_request(self, text: str, now: int) -> str:
        """The signed request object in an encrypted one (OIDC Core §6.1); raises `jwe.BadJWE`."""
        return jwe.decrypt(text, [pair for pair in self.own if pair[0].stands(now)])

    def _signed_by(self, parsed: jws.Parsed) -> algorithms.Private | None:
        for stored, private in self.own:
            if stored.kid == parsed.kid and not stored.retired:
                return private if stored.kind == ("sig", parsed.alg) else None
        return None

    def sign_access_token(self, token: AccessToken, alg: str, now: int) -> str:
        """RFC 9068 §2: the claims of a JWT access token, signed with one of `jwt.ALGORITHMS`."""
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
        if token.acr:
            claims["acr"] = token.acr
        if alg == jwt.SigningKey.alg:
            return self.signer(now).sign(claims)
        return self.sign_jwt(claims, alg, "at+jwt", now)

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
        key, _ = self.verifying.get(parts.kid, (None, None))
        if key is None or key.alg != parts.alg:
            return None
        if not key.verify(parts.signing_input, parts.signature):
            return None
        try:
            said = unb64(parts.payload)
            if too_deep(said):
                return None
            claims = msgspec.json.decode(said, type=_Claims)
            chain_id = bytes.fromhex(claims.chain) if claims.chain else None
        except (ValueError, msgspec.DecodeError):
            return None
        if claims.iss != self.issuer:
            return None
        return parts.kid, AccessToken(
            token_id=claims.jti,
            chain_id=chain_id,
            client_id=claims.client_id,
            sub=claims.sub,
            scope=tuple(claims.scope.split()),
            audience=(claims.aud,) if isinstance(claims.aud, str) else claims.aud,
            issued_at=claims.iat,
            expires_at=claims.exp,
            authenticated_at=claims.auth_time,
            acr=claims.acr,
        )


def in_order(key: StoredKey) -> tuple[bool, int, int, str]:
    """Later keys take over, and who is not to end from who is; the same order for every process."""
    return key.ends_at is None, key.signs_from, key.created_at, key.kid


def _in_charge(keys: Sequence[tuple[StoredKey, K]], now: int) -> tuple[StoredKey, K]:
    """The newest key that may sign at `now`; the first one, where the clock was set back."""
    ready = [pair for pair in keys if pair[0].may_sign(now)]
    early = [pair for pair in keys if pair[0].stands(now)]
    if not ready and not early:
        raise KeyRingError("no signing key may sign now; run troth keys rotate --now")
    return ready[-1] if ready else early[0]


def build(keys: Iterable[StoredKey], master: Secret, issuer: str) -> Ring:
    """Unwrap the stored keys into a `Ring`; raises `KeyRingError` where one does not open."""
    ordered = sorted(keys, key=in_order)
    raw = {key.kid: unwrap(key, master) for key in ordered}
    seals = [k for k in ordered if k.use == "seal" and k.ends_at is None]
    sealing = {bytes.fromhex(k.kid): raw[k.kid] for k in seals}
    public = [k for kind in KINDS for k in ordered if k.kind == kind and k.is_public]
    own = [(k, algorithms.load(raw[k.kid])) for k in public]
    tokens = [(k, jwt.signing_key(k.kid, raw[k.kid])) for k, _ in own if k.alg == "ES256"]
    verifying: dict[str, tuple[jwt.SigningKey | jwt.RS256Key, int | None]] = {
        k.kid: (jwt.RS256Key(private.public_key()), k.ends_at)
        for k, private in own
        if k.kind == ("sig", "RS256")
    }
    verifying |= {k.kid: (key, k.ends_at) for k, key in tokens}
    if not sealing or not tokens:
        raise KeyRingError("the database holds no keys; run troth migrate up")
    return Ring(
        issuer=issuer,
        signing=tuple(tokens),
        verifying=verifying,
        sealer=seal.sealer(sealing, bytes.fromhex(seals[-1].kid)),
        own=tuple(own),
        pairwise=next((raw[k.kid] for k in ordered if k.use == "pairwise"), None),
    )
