"""The Bearer scheme: reading the credentials and refusing them (RFC 6750 §2.1, §3). Pure."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from troth_guard.values import Refused

# RFC 6750 §2.1. The whole is bounded before a pattern sees it.
_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
# What may stand in a quoted-string as it is.
_QUOTABLE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")
_IN_QUERY = re.compile(rb"(?:^|&)access_token=")

MAX_TOKEN = 8192


def check_scopes(scopes: Collection[str]) -> tuple[str, ...]:
    """The scopes that a route demands, each once (RFC 6749 §3.3). Raises ValueError."""
    if isinstance(scopes, str) or not all(_SCOPE_TOKEN.fullmatch(scope) for scope in scopes):
        raise ValueError("scopes are names without spaces, quotes and backslashes")
    return tuple(dict.fromkeys(scopes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenges:
    """The refusals of one API (RFC 6750 §3); nothing in them comes from a request."""

    realm: str
    resource_metadata: str | None = None

    def __post_init__(self) -> None:
        """Refuse what would break out of the header. Raises ValueError."""
        for value in (self.realm, self.resource_metadata):
            if value is not None and not _QUOTABLE.fullmatch(value):
                raise ValueError("realm and resource_metadata are ASCII, without quotes")

    def read(self, authorization: Sequence[str], query: bytes = b"") -> str:
        """The token of a request (RFC 6750 §2.1).

        Parameters:
            authorization: the value of each Authorization header.
            query: the query string as it came. A token there is never used; beside one in the
                header it is a second method, which §2 forbids.

        Raises:
            Refused: 401 without credentials, 400 where they are malformed.
        """
        if len(authorization) > 1:
            raise self.malformed(reason="several Authorization headers")
        scheme, space, token = authorization[0].partition(" ") if authorization else ("", "", "")
        if scheme.lower() != "bearer":
            raise self.no_credentials()
        token = token.lstrip(" ")
        if len(token) > MAX_TOKEN:
            raise self.invalid_token(reason="too long")
        if not space or not _B64TOKEN.fullmatch(token):
            raise self.malformed(reason="not a b64token")
        if _IN_QUERY.search(query):
            raise self.malformed(reason="a token in the header and one in the query")
        return token

    def no_credentials(self) -> Refused:
        """401 with no error code: nothing was presented (RFC 6750 §3.1)."""
        return self._refused(401, None, None, reason="no credentials")

    def malformed(self, *, reason: str) -> Refused:
        """400 invalid_request."""
        return self._refused(400, "invalid_request", "the request is malformed", reason=reason)

    def invalid_token(self, *, reason: str) -> Refused:
        """401 invalid_token: one sentence for every cause, so that nobody can sound out."""
        return self._refused(401, "invalid_token", "the access token is not valid", reason=reason)

    def insufficient_scope(self, scopes: Collection[str]) -> Refused:
        """403 insufficient_scope, naming what the route demands."""
        return self._refused(
            403,
            "insufficient_scope",
            "the access token was not granted what this needs",
            reason="scope missing",
            scope=" ".join(scopes),
        )

    def unavailable(self, *, retry_after: int, reason: str) -> Refused:
        """503: the issuer cannot be asked, so nothing is let through."""
        return Refused(
            status=503,
            error="temporarily_unavailable",
            description="the access token cannot be verified at the moment",
            headers=(*_COMMON, ("retry-after", str(retry_after))),
            reason=reason,
        )

    def _refused(
        self,
        status: int,
        error: str | None,
        description: str | None,
        *,
        reason: str,
        scope: str = "",
    ) -> Refused:
        params = {
            "realm": self.realm,
            "error": error,
            "error_description": description,
            "scope": scope,
            "resource_metadata": self.resource_metadata if status == 401 else None,
        }
        challenge = ", ".join(f'{name}="{value}"' for name, value in params.items() if value)
        headers = (*_COMMON, ("www-authenticate", f"Bearer {challenge}"))
        return Refused(
            status=status, error=error, description=description, headers=headers, reason=reason
        )


_COMMON = (
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
)
