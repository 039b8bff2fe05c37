"""Clients (RFC 6749 §2) with the metadata names of RFC 7591 §2."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from troth.model.openid_client import OpenIDClient
from troth.value import frozen

AuthMethod = Literal["client_secret_basic", "client_secret_post", "none"]
TokenFormat = Literal["jwt", "opaque"]
TokenAlgorithm = Literal["ES256", "RS256"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """One generated secret: its SHA-256 in hex and, after a rotation, when it ends (seconds)."""

    digest: str
    expires_at: int | None = None

    @classmethod
    def of(cls, secret: str) -> "ClientSecret":
        """What is kept of a generated secret; its 256 bits need no slow hash."""
        return cls(digest=secret_digest(secret))


def secret_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredClient:
    """A client as the operator registered it. It has proven nothing yet."""

    client_id: str
    client_name: str
    redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    scope: tuple[str, ...] = ()
    token_endpoint_auth_method: AuthMethod = "client_secret_basic"
    client_uri: str | None = None
    access_token_format: TokenFormat = "jwt"
    access_token_alg: TokenAlgorithm = "ES256"
    access_token_lifetime: int = 3600
    require_pkce: bool = False
    introspects: tuple[str, ...] = ()
    secrets: tuple[ClientSecret, ...] = ()
    created_at: int = 0
    disabled: bool = False
    openid: OpenIDClient = field(default_factory=OpenIDClient)

    @property
    def public(self) -> bool:
        """RFC 6749 §2.1: a client that cannot keep a secret."""
        return self.token_endpoint_auth_method == "none"


@frozen
class Client:
    """Proof that a registered client has authenticated. Only `authenticate` makes it."""

    registered: RegisteredClient
    method: AuthMethod

    @property
    def client_id(self) -> str:
        return self.registered.client_id
