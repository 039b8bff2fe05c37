"""A client's metadata as one flat object, with the names that are registered for it.

RFC 7591 §2, OpenID Connect Dynamic Client Registration 1.0 §2, and the logout specifications:
the fields here are the members of the JSON, each with the value of who does not name it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, get_args, get_type_hints

import msgspec

from troth.model.client import AuthMethod, RegisteredClient
from troth.model.openid_client import (
    ApplicationType,
    Encoding,
    LogoutURIs,
    OpenIDClient,
    SubjectType,
)
from troth.registration import RegistrationError
from troth.signing.compact import Malformed, json_object
from troth.signing.jwe import ENCS

LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The members of a registration; None is a member that is not registered."""

    client_name: str = ""
    redirect_uris: tuple[str, ...] = ()
    response_types: tuple[str, ...] = ("code",)
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    scope: str = ""
    token_endpoint_auth_method: AuthMethod = "client_secret_basic"
    application_type: ApplicationType = "web"
    contacts: tuple[str, ...] = ()
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    subject_type: SubjectType = "public"
    sector_identifier_uri: str | None = None
    id_token_signed_response_alg: str = "RS256"
    id_token_encrypted_response_alg: str | None = None
    id_token_encrypted_response_enc: str | None = None
    userinfo_signed_response_alg: str | None = None
    userinfo_encrypted_response_alg: str | None = None
    userinfo_encrypted_response_enc: str | None = None
    request_object_signing_alg: str | None = None
    request_object_encryption_alg: str | None = None
    request_object_encryption_enc: str | None = None
    require_signed_request_object: bool = False
    request_uris: tuple[str, ...] = ()
    default_max_age: int | None = None
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()
    initiate_login_uri: str | None = None
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False


NAMES = frozenset(field.name for field in fields(Metadata))
_TYPES = get_type_hints(Metadata)
_DEFAULTS: Mapping[str, Any] = {field.name: field.default for field in fields(Metadata)}

# By the names of `Encoding`.
_ENCODINGS: Mapping[str, tuple[str, str, str]] = {
    "id_token": (
        "id_token_signed_response_alg",
        "id_token_encrypted_response_alg",
        "id_token_encrypted_response_enc",
    ),
    "userinfo": (
        "userinfo_signed_response_alg",
        "userinfo_encrypted_response_alg",
        "userinfo_encrypted_response_enc",
    ),
    "request_object": (
        "request_object_signing_alg",
        "request_object_encryption_alg",
        "request_object_encryption_enc",
    ),
}
_LOGOUT = tuple(field.name for field in fields(LogoutURIs))
_PLAIN = tuple(
    field.name
    for field in fields(OpenIDClient)
    if field.name not in (*_ENCODINGS, "logout", "sector")
)


def read(raw: bytes) -> dict[str, Any]:
    """One JSON object, in the only way to understand it. Raises `RegistrationError`."""
    if len(raw) > LONGEST:
        raise RegistrationError(f"the metadata has more than {LONGEST // 1024} kB")
    try:
        return json_object(raw, "the metadata")
    except Malformed as error:
        raise RegistrationError(f"the metadata cannot be read: {error}") from None


def members(document: Mapping[str, Any]) -> dict[str, Any]:
    """The known members, each of its type; `null` is the value of who does not name it.

    Raises `RegistrationError` for the first that is of another type.
    """
    return {name: _typed(name, document[name]) for name in document if name in NAMES}


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return _DEFAULTS[name]
    wanted = _TYPES[name]
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        options = [o for o in get_args(wanted) if isinstance(o, str)]
        said = f"must be one of {', '.join(options)}" if options else f"is wrong: {error}"
        raise RegistrationError(f"{name} {said}") from None


def of(client: RegisteredClient) -> Metadata:
    """The metadata of a registered client."""
    openid = client.openid
    flat: dict[str, Any] = {name: getattr(openid, name) for name in _PLAIN}
    flat |= {name: getattr(openid.logout, name) for name in _LOGOUT}
    for kind, (signing, encryption, content) in _ENCODINGS.items():
        encoding: Encoding = getattr(openid, kind)
        flat[signing] = encoding.signing
        flat[encryption] = encoding.encryption
        flat[content] = encoding.content_encryption
    codes = "authorization_code" in client.grant_types
    return Metadata(
        client_name=client.client_name,
        redirect_uris=client.redirect_uris,
        response_types=("code",) if codes else (),
        grant_types=client.grant_types,
        scope=" ".join(client.scope),
        token_endpoint_auth_method=client.token_endpoint_auth_method,
        client_uri=client.client_uri,
        **flat,
    )


def registered(client: RegisteredClient, metadata: Mapping[str, Any]) -> RegisteredClient:
    """The client with these members instead of those it had; what is not named stays."""
    whole = replace(of(client), **metadata)
    nested: dict[str, Any] = {name: getattr(whole, name) for name in _PLAIN}
    nested |= {kind: _encoding(whole, names, metadata) for kind, names in _ENCODINGS.items()}
    logout = LogoutURIs(**{name: getattr(whole, name) for name in _LOGOUT})
    return replace(
        client,
        client_name=whole.client_name,
        redirect_uris=tuple(dict.fromkeys(whole.redirect_uris)),
        grant_types=tuple(dict.fromkeys(whole.grant_types)),
        scope=tuple(dict.fromkeys(whole.scope.split())),
        token_endpoint_auth_method=whole.token_endpoint_auth_method,
        client_uri=whole.client_uri,
        openid=OpenIDClient(**nested, logout=logout, sector=client.openid.sector),
    )


def _encoding(whole: Metadata, names: tuple[str, str, str], said: Mapping[str, Any]) -> Encoding:
    """`enc` has a default where there is an `alg` (Registration §2), and goes with it."""
    signing, encryption, content = (getattr(whole, name) for name in names)
    if encryption is None and names[2] not in said:
        content = None
    if encryption is not None and content is None:
        content = ENCS[0]
    return Encoding(signing=signing, encryption=encryption, content_encryption=content)
