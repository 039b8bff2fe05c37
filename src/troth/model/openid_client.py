"""What OpenID Connect adds to a client's registration, under its registered names.

OpenID Connect Dynamic Client Registration 1.0 §2 and the logout specifications §2 each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SubjectType = Literal["public", "pairwise"]
ApplicationType = Literal["web", "native"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How a JWT for a client is made: signed, and encrypted where `encryption` names an `alg`.

    `signing` is None where the answer is plain JSON (UserInfo) or as the sender likes (requests).
    """

    signing: str | None = None
    encryption: str | None = None
    content_encryption: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutURIs:
    """Where a client hears of a logout, and where people go after one."""

    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIDClient:
    """Registered with OpenID Connect's names; a default is what that specification says.

    `sector` is the host that pairwise subjects are made for (Core §8.1), found at registration.
    """

    application_type: ApplicationType = "web"
    subject_type: SubjectType = "public"
    sector_identifier_uri: str | None = None
    sector: str = ""
    jwks: Mapping[str, object] | None = None
    jwks_uri: str | None = None
    id_token: Encoding = Encoding(signing="RS256")
    userinfo: Encoding = Encoding()
    request_object: Encoding = Encoding()
    require_signed_request_object: bool = False
    request_uris: tuple[str, ...] = ()
    default_max_age: int | None = None
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()
    initiate_login_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: tuple[str, ...] = ()
    logout: LogoutURIs = LogoutURIs()
