"""The facts inside codes and tokens, before they are sealed or signed."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code's facts (RFC 6749 §4.1.2). Its chain does not exist yet."""

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
    session_id: str
    authenticated_at: int
    issued_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A refresh token's facts: the unchanging ones of its chain, and the generation."""

    chain_id: bytes
    authorization_id: str
    client_id: str
    sub: str
    epoch: int
    scope: tuple[str, ...]
    resource: tuple[str, ...]
    expires_at: int
    generation: int

    def successor(self) -> "RefreshToken":
        return replace(self, generation=self.generation + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token's facts (RFC 9068 §2.2). Without a chain it stands for the client itself."""

    token_id: str
    chain_id: bytes | None
    client_id: str
    sub: str
    scope: tuple[str, ...]
    audience: tuple[str, ...]
    issued_at: int
    expires_at: int
    authenticated_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a grant hands out: facts that the endpoint signs, seals and renders."""

    access_token: AccessToken
    refresh_token: RefreshToken | None
