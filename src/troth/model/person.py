"""People, their login sessions and the scopes they can grant."""

from collections.abc import Mapping
from dataclasses import field

from troth.value import frozen


@frozen
class Person:
    """A resource owner (RFC 6749 §1.1).

    `epoch` counts what ends everything issued before: disabling, a password reset or change.
    `password_hash` is an Argon2id string or None for a person who cannot log in by password.
    `claims` are those of OIDC Core §5.1 and the operator's own, by name, but for `sub` and `email`.
    """

    sub: str
    username: str
    email: str | None = None
    password_hash: str | None = None
    epoch: int = 1
    disabled: bool = False
    created_at: int = 0
    claims: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.username


@frozen
class Session:
    """A login session of a person in one browser. The cookie's secret is kept as SHA-256 only.

    `acr` and `amr` say how the person proved who they are; `amr` holds RFC 8176 names in one text.
    """

    session_id: str
    secret_digest: str
    sub: str
    epoch: int
    authenticated_at: int
    last_seen_at: int
    expires_at: int
    user_agent: str = ""
    network: str = ""
    ended_at: int | None = None
    acr: str = ""
    amr: str = ""


@frozen
class Scope:
    """A scope that the operator defined, in words that a person understands."""

    name: str
    description: str
    required: bool = True
    default: bool = False
