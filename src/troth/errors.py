"""Every refusal of Troth: one constructor per RFC code, and the only table of statuses.

A refusal has two faces. `description` goes on the wire and is boring; `reason` goes to the log and
the decision trace and is exact. A refusal may carry a `change`: a replay is refused *and* revokes.
"""

from collections.abc import Mapping
from types import MappingProxyType

from troth.model.change import NOTHING, Change

STATUS: Mapping[str, int] = MappingProxyType(
    {
        "invalid_request": 400,
        "invalid_client": 401,
        "invalid_grant": 400,
        "unauthorized_client": 400,
        "unsupported_grant_type": 400,
        "invalid_scope": 400,
        "invalid_target": 400,
        "unsupported_token_type": 400,
        "unsupported_response_type": 400,
        "request_not_supported": 400,
        "request_uri_not_supported": 400,
        "invalid_request_uri": 400,
        "invalid_request_object": 400,
        "login_required": 400,
        "consent_required": 400,
        "account_selection_required": 400,
        "interaction_required": 400,
        "unmet_authentication_requirements": 400,
        "invalid_token": 401,
        "insufficient_scope": 403,
        "access_denied": 403,
        "server_error": 500,
        "temporarily_unavailable": 503,
        "slow_down": 429,
        "not_found": 404,
        "method_not_allowed": 405,
        "content_too_large": 413,
        "uri_too_long": 414,
        "misdirected_request": 421,
        "headers_too_large": 431,
        "unsupported_media_type": 415,
    }
)


class OAuthError(Exception):
    """A refusal with the code of an RFC (RFC 6749 §5.2, §4.1.2.1).

    `error` is the code on the wire, `description` the boring text beside it, `reason` the exact
    cause for the operator, `facts` what was compared, `change` what the refusal does to the world,
    `retry_after` seconds for the Retry-After header.
    """

    def __init__(
        self,
        error: str,
        description: str,
        *,
        reason: str,
        change: Change = NOTHING,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(error, reason)
        self.error = error
        self.description = description
        self.reason = reason
        self.change = change
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        return STATUS[self.error]


class PageError(Exception):
    """A refusal that must be shown as a page and never redirects (RFC 6749 §4.1.2.1).

    `title` and `explanation` are for the person, `reason` for the log.
    """

    def __init__(
        self, error: str, title: str, explanation: str, *, reason: str, status: int = 400
    ) -> None:
        super().__init__(error, reason)
        self.error = error
        self.title = title
        self.explanation = explanation
        self.reason = reason
        self.status = status


def invalid_request(description: str, *, reason: str) -> OAuthError:
    return OAuthError("invalid_request", description, reason=reason)


def invalid_client(*, reason: str) -> OAuthError:
    """The one answer for unknown, disabled and wrongly authenticated clients (RFC 6749 §5.2)."""
    return OAuthError("invalid_client", "client authentication failed", reason=reason)


def invalid_grant(description: str, *, reason: str, change: Change = NOTHING) -> OAuthError:
    return OAuthError("invalid_grant", description, reason=reason, change=change)


def unauthorized_client(description: str, *, reason: str) -> OAuthError:
    return OAuthError("unauthorized_client", description, reason=reason)


def unsupported_grant_type(*, reason: str) -> OAuthError:
    return OAuthError("unsupported_grant_type", "the grant type is not supported", reason=reason)


def unsupported_response_type(*, reason: str) -> OAuthError:
    return OAuthError(
        "unsupported_response_type", "the response type is not supported", reason=reason
    )


def invalid_scope(description: str, *, reason: str) -> OAuthError:
    return OAuthError("invalid_scope", description, reason=reason)


def invalid_target(*, reason: str) -> OAuthError:
    """RFC 8707 §2: the requested resource is unknown or not granted."""
    return OAuthError("invalid_target", "the resource is not valid", reason=reason)


def access_denied(*, reason: str) -> OAuthError:
    return OAuthError("access_denied", "the request was denied", reason=reason)


def login_required(*, reason: str) -> OAuthError:
    """OIDC Core §3.1.2.6: the person would have to log in, or somebody else did."""
    return OAuthError("login_required", "the person is not logged in as asked", reason=reason)


def consent_required(*, reason: str) -> OAuthError:
    return OAuthError("consent_required", "the person has not agreed to this", reason=reason)


def interaction_required(*, reason: str) -> OAuthError:
    return OAuthError("interaction_required", "the person has to be asked", reason=reason)


def unmet_authentication_requirements(*, reason: str) -> OAuthError:
    """OpenID Connect Unmet Authentication Requirements 1.0 §2."""
    return OAuthError(
        "unmet_authentication_requirements",
        "the person cannot be authenticated as asked",
        reason=reason,
    )


class NoPlace(Exception):
    """More came than can be done: told as cheaply as possible; counted, not logged one by one."""


def temporarily_unavailable(*, reason: str, retry_after: int = 1) -> OAuthError:
    return OAuthError(
        "temporarily_unavailable",
        "the server cannot answer now, try again",
        reason=reason,
        retry_after=retry_after,
    )


def slow_down(*, reason: str, retry_after: int) -> OAuthError:
    return OAuthError(
        "slow_down", "too many attempts, try again later", reason=reason, retry_after=retry_after
    )


def server_error(*, reason: str) -> OAuthError:
    return OAuthError("server_error", "the server failed", reason=reason)
