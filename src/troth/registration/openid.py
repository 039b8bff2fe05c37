"""What OpenID Connect lets a client register: algorithms, keys, addresses (Registration 1.0 §2)."""

from collections.abc import Iterator

from troth.model.client import RegisteredClient
from troth.model.openid_client import Encoding, OpenIDClient
from troth.registration import RegistrationError, addresses
from troth.rules import request_object
from troth.rules.redirect_uri import MOST, check_registration
from troth.signing import jwk
from troth.signing.algorithms import SIGNATURES
from troth.signing.compact import Malformed
from troth.signing.jwe import ALGS, ENCS, REQUEST_ALGS

_MOST_KEYS = 100
_MOST_SECONDS = 10 * 366 * 86400
_ENCRYPT = ("encrypt", "wrapKey", "deriveKey", "deriveBits")


def check(client: RegisteredClient, own_origin: str) -> None:
    """Refuse what a client cannot be registered with. Raises `RegistrationError`."""
    openid = client.openid
    _check_keys(openid)
    _check_algorithms(openid)
    _check_addresses(openid)
    _check_logout(client, own_origin)
    _check_values(openid)


def _check_keys(openid: OpenIDClient) -> None:
    if openid.jwks is None:
        return
    if openid.jwks_uri is not None:
        raise RegistrationError("jwks and jwks_uri exclude one another (RFC 7591 §2)")
    keys = openid.jwks.get("keys")
    if not isinstance(keys, list | tuple) or not 0 < len(keys) <= _MOST_KEYS:
        raise RegistrationError(f"jwks must have `keys`: a list of 1 to {_MOST_KEYS} keys")
    for number, key in enumerate(keys, 1):
        try:
            jwk.check_published(key)
        except Malformed as error:
            raise RegistrationError(f"key {number} of jwks is refused: {error}") from None


def _check_algorithms(openid: OpenIDClient) -> None:
    for name, encoding in (("id_token", openid.id_token), ("userinfo", openid.userinfo)):
        _one_of(f"{name}_signed_response_alg", encoding.signing, SIGNATURES)
        _check_encryption(f"{name}_encrypted_response", encoding, ALGS)
        _check_recipient(openid, f"{name}_encrypted_response_alg", encoding.encryption)
    if openid.id_token.signing is None:
        raise RegistrationError("id_token_signed_response_alg must be one of ours: RS256, …")
    asked = openid.request_object
    _one_of("request_object_signing_alg", asked.signing, request_object.ALGORITHMS)
    _check_encryption("request_object_encryption", asked, REQUEST_ALGS)
    keyless = openid.jwks is None and openid.jwks_uri is None
    if keyless and (asked.signing is not None or openid.require_signed_request_object):
        raise RegistrationError("signed request objects need the client's keys: jwks or jwks_uri")


def _one_of(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise RegistrationError(f"{name} {value[:40]!r} is none of {', '.join(allowed)}")


def _check_encryption(prefix: str, encoding: Encoding, allowed: tuple[str, ...]) -> None:
    _one_of(f"{prefix}_alg", encoding.encryption, allowed)
    _one_of(f"{prefix}_enc", encoding.content_encryption, ENCS)
    if encoding.content_encryption is not None and encoding.encryption is None:
        raise RegistrationError(f"{prefix}_enc needs {prefix}_alg (Registration §2)")


def _check_recipient(openid: OpenIDClient, name: str, alg: str | None) -> None:
    """Somebody must be able to read what is encrypted."""
    if alg is None or openid.jwks_uri is not None:
        return
    if openid.jwks is None:
        raise RegistrationError(f"{name} needs the client's keys: jwks or jwks_uri")
    keys = openid.jwks["keys"]
    assert isinstance(keys, list | tuple)
    if not jwk.fitting(keys, alg, "enc", _ENCRYPT):
        raise RegistrationError(f"{name} {alg} fits none of the keys in jwks")


def _check_addresses(openid: OpenIDClient) -> None:
    for name, uri in _https(openid):
        addresses.check(name, uri, schemes=("https",))
    if len(openid.request_uris) > MOST:
        raise RegistrationError(f"a client has at most {MOST} request_uris")
    for uri in openid.request_uris:  # the fragment may be a hash of what it leads to (Core §6.2)
        addresses.check("request_uris", uri.partition("#")[0], schemes=("https",))


def _https(openid: OpenIDClient) -> Iterator[tuple[str, str]]:
    named = {
        "jwks_uri": openid.jwks_uri,
        "sector_identifier_uri": openid.sector_identifier_uri,
        "initiate_login_uri": openid.initiate_login_uri,
        "logo_uri": openid.logo_uri,
        "policy_uri": openid.policy_uri,
        "tos_uri": openid.tos_uri,
    }
    yield from ((name, uri) for name, uri in named.items() if uri is not None)


def _check_logout(client: RegisteredClient, own_origin: str) -> None:
    logout = client.openid.logout
    if len(logout.post_logout_redirect_uris) > MOST:
        raise RegistrationError(f"a client has at most {MOST} post_logout_redirect_uris")
    for uri in logout.post_logout_redirect_uris:
        if problem := check_registration(uri, own_origin):
            raise RegistrationError(f"post_logout_redirect_uris: {uri[:200]!r}: {problem}")
    if logout.backchannel_logout_uri is not None:
        # Back-Channel Logout §2.2: http is for clients that keep a secret.
        schemes = ("https",) if client.public else ("https", "http")
        addresses.check("backchannel_logout_uri", logout.backchannel_logout_uri, schemes=schemes)
    if logout.frontchannel_logout_uri is not None:
        uri = logout.frontchannel_logout_uri
        addresses.check("frontchannel_logout_uri", uri, schemes=("https", "http"))
        if addresses.origin(uri) not in {addresses.origin(each) for each in client.redirect_uris}:
            raise RegistrationError(
                "frontchannel_logout_uri must have scheme, host and port of a redirect URI "
                "(Front-Channel Logout §2)"
            )


def _check_values(openid: OpenIDClient) -> None:
    age = openid.default_max_age
    if age is not None and not 0 <= age <= _MOST_SECONDS:
        raise RegistrationError(f"default_max_age must be 0 to {_MOST_SECONDS} seconds")
    for name, values in (
        ("contacts", openid.contacts),
        ("default_acr_values", openid.default_acr_values),
    ):
        if len(values) > 20 or any(not 0 < len(v) <= 254 or not v.isprintable() for v in values):
            raise RegistrationError(f"{name} has at most 20 texts of at most 254 characters")
