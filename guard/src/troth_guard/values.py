"""The nouns of the guard: what it was told, what it hands to a route, and how it refuses."""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# The key that the issuer publishes fixes which of these a signature must be made with.
ALGORITHMS = frozenset({"ES256", "PS256", "RS256", "Ed25519"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A verified access token: whom it stands for, and what for (RFC 9068 §2.2).

    Attributes:
        client_id: the application that presents it.
        sub: the person, or None where the token stands for the application itself.
        scopes: what was granted.
        audience: the APIs it is meant for, this one among them.
        expires_at: seconds since 1970.
        claims: everything the token or the introspection answer says; a copy of this request's own.
    """

    client_id: str
    sub: str | None
    scopes: frozenset[str]
    audience: tuple[str, ...]
    expires_at: int
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What rarely needs a change. Times are in seconds.

    Attributes:
        realm: the name of the API in `WWW-Authenticate` (RFC 6750 §3).
        resource_metadata: the address of the API's own metadata, told in each 401 (RFC 9728 §5.1).
        algorithms: the signatures that are taken, of ES256, PS256, RS256 and Ed25519.
        leeway: how far the clocks of API and issuer may differ.
        cache_seconds: how long an answer of the introspection endpoint is used again, at most 5;
            with 0 each request asks, and a revoked token stops at once.
        timeout: for one whole exchange with the issuer.
        key_cool_down: the least time between two searches for a key that is not in the set.
        retry: the pause after the issuer did not answer.
        stale: how long keys and metadata are used while the issuer does not answer.
        ssl_context: certificates to trust other than the system's.
        clock: seconds since 1970.
    """

    realm: str = "api"
    resource_metadata: str | None = None
    algorithms: frozenset[str] = ALGORITHMS
    leeway: int = 30
    cache_seconds: float = 5
    timeout: float = 5
    key_cool_down: float = 60
    retry: float = 5
    stale: float = 86_400
    ssl_context: ssl.SSLContext | None = None
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        """Refuse what would weaken the guard. Raises ValueError."""
        if not self.algorithms or not self.algorithms <= ALGORITHMS:
            raise ValueError(f"algorithms must be some of {', '.join(sorted(ALGORITHMS))}")
        if not 0 <= self.cache_seconds <= 5:
            raise ValueError("cache_seconds must be between 0 and 5")
        if not 0 <= self.leeway <= 300:
            raise ValueError("leeway must be between 0 and 300 seconds")
        if self.timeout <= 0 or self.key_cool_down < 1 or self.retry < 1 or self.stale < 0:
            raise ValueError("timeout, key_cool_down, retry and stale must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say to be meant for this API. Compared by equality only."""

    issuer: str
    audience: str
    leeway: int


class Refused(Exception):
    """The request is not let through: everything that an answer needs (RFC 6750 §3).

    Attributes:
        status: 400, 401, 403, or 503 where the issuer cannot be asked.
        error: the code of RFC 6750 §3.1, or None where it wants none.
        description: one boring sentence about it.
        headers: the complete header of the answer.
        body: JSON with `error` and `error_description`, or an empty object without a code.
        reason: why, exactly; for the log, never for the wire.
    """

    def __init__(
        self,
        *,
        status: int,
        error: str | None,
        description: str | None,
        headers: tuple[tuple[str, str], ...],
        reason: str,
    ) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.error = error
        self.description = description
        self.headers = headers
        self.body = _body(error, description)
        self.reason = reason


def _body(error: str | None, description: str | None) -> bytes:
    members = {"error": error, "error_description": description} if error else {}
    return json.dumps(members, separators=(",", ":")).encode()


class Invalid(Exception):
    """A token that is not accepted; the text says why, in words that hold nothing of it."""


class Unreachable(Exception):
    """The issuer did not answer, or not in a way that can be used; the text says why."""
