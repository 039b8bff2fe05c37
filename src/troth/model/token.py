"""The facts inside codes and tokens, before they are sealed or signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from troth.model.request import Wishes
from troth.value import frozen


@frozen
class Login:
    """When and how the person behind a token logged in (OIDC Core §2, RFC 9470 §6)."""

    session_id: str
    authenticated_at: int
    acr: str = ""
    amr: tuple[str, ...] = ()


@frozen
class Code:
    """An authorization code's facts (RFC 6749 §4.1.2). Its chain does not exist yet.

    `wishes` are those that the person agreed to.
    """

    chain_id: bytes
    authorization_id: str
    client_id: str
    sub: str
    epoch: int
    scope: tuple[str, ...]
    redirect_uri_digest: bytes
    redirect_uri_given: bool
    code_challenge: str | None
    resource: tuple[str, ...]
    login: Login
    issued_at: int
    nonce: str | None = None
    wishes: Wishes | None = None


@frozen
class RefreshToken:
    """A refresh token's facts: the unchanging ones of its chain, and the generation.

    `wishes` tells that the chain's row holds some.
    """

    chain_id: bytes
    authorization_id: str
    client_id: str
    sub: str
    epoch: int
    scope: tuple[str, ...]
    resource: tuple[str, ...]
    expires_at: int
    generation: int
    login: Login | None = None
    wishes: bool = False

    def successor(self) -> "RefreshToken":
        """The next token of the chain."""
        return RefreshToken(
            chain_id=self.chain_id,
            authorization_id=self.authorization_id,
            client_id=self.client_id,
            sub=self.sub,
            epoch=self.epoch,
            scope=self.scope,
            resource=self.resource,
            expires_at=self.expires_at,
            generation=self.generation + 1,
            login=self.login,
            wishes=self.wishes,
        )


@frozen
class AccessToken:
    """An access token's facts (RFC 9068 §2.2). Without a chain it stands for the client itself.

    `sub` is the person as the client knows them.
    """

    token_id: str
    chain_id: bytes | None
    client_id: str
    sub: str
    scope: tuple[str, ...]
    audience: tuple[str, ...]
    issued_at: int
    expires_at: int
    authenticated_at: int | None = None
    acr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IDToken:
    """An ID token's facts (OIDC Core §2). `claims` holds what was asked for by name (§5.5)."""

    sub: str
    client_id: str
    issued_at: int
    expires_at: int
    login: Login
    sid: str
    nonce: str | None = None
    claims: Mapping[str, object] = field(default_factory=dict)


@frozen
class Tokens:
    """What a grant hands out: facts that the endpoint signs, seals and renders."""

    access_token: AccessToken
    refresh_token: RefreshToken | None
    id_token: IDToken | None = None
