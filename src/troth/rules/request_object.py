"""Request objects (RFC 9101, OIDC Core §6): which are believed, and what they ask for."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from troth.errors import OAuthError, invalid_request
from troth.model.client import RegisteredClient

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
LONGEST_URI: Final = 512
MOST: Final = 100
SKEW: Final = 60

# Another kind of JWT of the same client, such as an assertion, is no request (RFC 8725 §3.11).
_TYPES: Final = (None, "jwt", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt")
# They say something of the JWT, and are no parameters (RFC 7519 §4.1).
_OF_THE_JWT: Final = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})
_NAME: Final = re.compile(r"[!-~]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What a request object asks for, as parameters would say it; `resource` may be several."""

    values: Mapping[str, str]
    resource: tuple[str, ...] = ()


def invalid(reason: str) -> OAuthError:
    return OAuthError(
        "invalid_request_object",
        "the request object is not valid",
        reason=f"request object: {reason}",
    )


def invalid_uri(reason: str) -> OAuthError:
    return OAuthError(
        "invalid_request_uri", "the request_uri is not valid", reason=f"request_uri: {reason}"
    )


def algorithms(client: RegisteredClient) -> tuple[str, ...]:
    """How its request objects may be signed; never `none` (RFC 9101 §10.1)."""
    registered = client.openid.request_object.signing
    if registered is None:
        return ALGORITHMS
    return (registered,) if registered in ALGORITHMS else ()


def check_presence(client: RegisteredClient, form: Mapping[str, str]) -> None:
    """One request object at most (RFC 9101 §5), and one at least from who registered that."""
    if "request" in form and "request_uri" in form:
        raise invalid_request(
            "request and request_uri exclude one another", reason="request and request_uri"
        )
    required = client.openid.require_signed_request_object
    if required and "request" not in form and "request_uri" not in form:
        raise invalid_request(
            "the client must send a signed request object",
            reason="require_signed_request_object, and there is none",
        )


def check_uri(client: RegisteredClient, uri: str) -> None:
    """Only a registered one is fetched; its fragment may be new (OIDC Core §6.2)."""
    registered = client.openid.request_uris
    if len(uri) > LONGEST_URI:
        raise invalid_uri(f"it has {len(uri)} characters")
    if uri not in registered and uri.partition("#")[0] not in registered:
        raise invalid_uri(f"{uri[:300]!r} is none of the registered ones")


def parameters(
    head: Mapping[str, object],
    claims: Mapping[str, object],
    client: RegisteredClient,
    issuer: str,
    now: int,
) -> Parameters:
    """The parameters of a request object whose signature was found to be the client's."""
    typ = head.get("typ")
    if (typ.lower() if isinstance(typ, str) else typ) not in _TYPES:
        raise invalid(f"typ {typ!r} is of another kind of JWT")
    _check_parties(claims, client, issuer)
    _check_times(claims, now)
    for name in ("request", "request_uri"):
        if name in claims:
            raise invalid(f"it holds {name}")
    asked = {n: v for n, v in claims.items() if n not in _OF_THE_JWT and v is not None}
    if len(asked) > MOST or not all(_NAME.fullmatch(name) for name in asked):
        raise invalid("too many parameters, or a name that is none")
    resource = asked.pop("resource", ())
    several = resource if isinstance(resource, list | tuple) else (resource,)
    values = {name: _text(name, value) for name, value in asked.items()}
    return Parameters(
        values={name: value for name, value in values.items() if value},
        resource=tuple(_text("resource", each) for each in several if each),
    )


def _check_parties(claims: Mapping[str, object], client: RegisteredClient, issuer: str) -> None:
    """From this client to this server, as far as it says so (RFC 9101 §4)."""
    who = client.client_id
    required = client.openid.require_signed_request_object
    if ("client_id" in claims or required) and claims.get("client_id") != who:
        raise invalid("client_id is not the one outside")
    if "iss" in claims and claims["iss"] != who:
        raise invalid("iss is not the client")
    if "aud" in claims:
        aud = claims["aud"]
        audience = aud if isinstance(aud, list) else [aud]
        if not all(isinstance(each, str) for each in audience) or issuer not in audience:
            raise invalid("aud is not this server")
    if claims.get("sub") == who:  # as in an assertion that the client authenticates with
        raise invalid("sub is the client (RFC 9101 §10.8)")


def _check_times(claims: Mapping[str, object], now: int) -> None:
    exp, nbf, iat = (_seconds(claims, name) for name in ("exp", "nbf", "iat"))
    if exp is not None and now >= exp + SKEW:
        raise invalid("exp is over")
    if max(nbf or 0, iat or 0) > now + SKEW:
        raise invalid("nbf or iat is not reached yet")


def _seconds(claims: Mapping[str, object], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise invalid(f"{name} is no time")
    return value


def _text(name: str, value: object) -> str:
    """A value as a parameter: numbers and objects are JSON there too (RFC 9101 §4)."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if "\0" in text:
        raise invalid(f"NUL in {name}")
    return text


def merged(
    outside: Mapping[str, str], inside: Parameters, client: RegisteredClient
) -> Mapping[str, str]:
    """What counts: what is inside supersedes what is outside (OIDC Core §6.1).

    From a client that must sign its requests what is outside counts for nothing (RFC 9101 §6.3).
    """
    said, named = inside.values.get("response_type"), outside.get("response_type")
    if said is not None and named is not None and said != named:
        raise invalid("response_type is not the one outside")
    if client.openid.require_signed_request_object:
        return inside.values
    both = {**outside, **inside.values}
    both.pop("request", None)
    both.pop("request_uri", None)
    # So that it is a valid request of OAuth too, for whoever does not look inside.
    valid = named is not None and "openid" in outside.get("scope", "").split()
    if "openid" in both.get("scope", "").split() and not valid:
        raise invalid_request(
            "response_type and scope must be given as parameters too",
            reason="scope openid is in the request object only (OIDC Core §6.1)",
        )
    return both
