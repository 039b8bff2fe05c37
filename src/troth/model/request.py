"""An authorization request on its way (RFC 6749 §4.1.1), and where its answer may go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A redirect URI that was proven to be registered, with what every answer to it carries.

    `given` tells whether the request named it; then the token request must repeat it
    (RFC 6749 §4.1.3).
    """

    client_id: str
    redirect_uri: str
    given: bool
    state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request whose every parameter was checked. `resource` holds RFC 8707 audiences."""

    target: Target
    scope: tuple[str, ...]
    code_challenge: str | None = None
    resource: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A request that waits for a person. It travels sealed and is bound to one browser.

    `transaction` is consumed by the answer, so that there is only one.
    """

    request: AuthorizationRequest
    transaction: bytes
    browser: bytes
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person said on the consent page: the scope allowed, or None for a denial."""

    scope: tuple[str, ...] | None
