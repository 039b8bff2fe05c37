"""The discovery document: it holds these members, and every one of them is true."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.harness import Browser, OAuthClient, Person, Plain, Troth, free_port
from tests.oidc.discovering import CHECKS, Believer
from tests.outside import Outside
from tests.spec import spec

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"

_SIGNED = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
_ENCRYPTED = ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"]
_CONTENT = ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"]
_METHODS = ["client_secret_basic", "client_secret_post", "none"]

# The document word for word; an address stands as what follows the issuer.
EXPECTED: dict[str, Any] = {
    "issuer": "",
    "authorization_endpoint": "/oauth/authorize",
    "token_endpoint": "/oauth/token",
    "userinfo_endpoint": "/oauth/userinfo",
    "revocation_endpoint": "/oauth/revoke",
    "introspection_endpoint": "/oauth/introspect",
    "jwks_uri": "/oauth/jwks",
    "end_session_endpoint": "/oauth/end_session",
    "check_session_iframe": "/oauth/check_session",
    "frontchannel_logout_supported": True,
    "frontchannel_logout_session_supported": True,
    "backchannel_logout_supported": True,
    "backchannel_logout_session_supported": True,
    "scopes_supported": [
        "address", "email", "extra", "offline_access", "openid", "phone", "profile", "read_write",
    ],
    "claims_supported": [
        "sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid", "name", "family_name",
        "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
        "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at", "email",
        "email_verified", "address", "phone_number", "phone_number_verified",
    ],
    "claims_parameter_supported": True,
    "claim_types_supported": ["normal"],
    "response_types_supported": ["code"],
    "response_modes_supported": ["query", "form_post"],
    "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
    "token_endpoint_auth_methods_supported": _METHODS,
    "revocation_endpoint_auth_methods_supported": _METHODS,
    "introspection_endpoint_auth_methods_supported": _METHODS[:2],
    "code_challenge_methods_supported": ["S256"],
    "authorization_response_iss_parameter_supported": True,
    "subject_types_supported": ["public", "pairwise"],
    "prompt_values_supported": ["none", "login", "consent", "select_account"],
    "acr_values_supported": ["1"],
    "display_values_supported": ["page", "popup", "touch"],
    "ui_locales_supported": ["en"],
    "request_parameter_supported": True,
    "request_uri_parameter_supported": True,
    "require_request_uri_registration": True,
    "request_object_signing_alg_values_supported": _SIGNED,
    "request_object_encryption_alg_values_supported": ["RSA-OAEP-256", "ECDH-ES"],
    "request_object_encryption_enc_values_supported": _CONTENT,
    "id_token_signing_alg_values_supported": _SIGNED,
    "id_token_encryption_alg_values_supported": _ENCRYPTED,
    "id_token_encryption_enc_values_supported": _CONTENT,
    "userinfo_signing_alg_values_supported": _SIGNED,
    "userinfo_encryption_alg_values_supported": _ENCRYPTED,
    "userinfo_encryption_enc_values_supported": _CONTENT,
}  # fmt: skip


@pytest.fixture(scope="module")
def document(troth: Troth) -> dict[str, Any]:
    with Plain(troth) as http:
        return dict(http.get(OPENID).json())


@pytest.fixture(scope="module")
def believer(
    troth: Troth, rp: OAuthClient, grace: Person, outside: Outside, document: dict[str, Any]
) -> Iterator[Believer]:
    browser = Browser(troth)
    yield Believer(troth, rp, grace, outside, browser, document)
    browser.http.close()


def expected(issuer: str) -> dict[str, Any]:
    """The document of an issuer."""
    places = {
        name for name in EXPECTED if name.endswith(("issuer", "_endpoint", "_uri", "_iframe"))
    }
    return {n: issuer + value if n in places else value for n, value in EXPECTED.items()}


@spec("OIDC Discovery §3", "OIDC Discovery §4.2")
def test_the_document_says_this_and_nothing_that_nobody_checks(
    troth: Troth, document: dict[str, Any]
) -> None:
    here = {**expected(troth.issuer), "scopes_supported": document["scopes_supported"]}
    assert document == here, "scopes come and go with other tests of this server"
    assert document.keys() == CHECKS.keys()


@spec("OIDC Discovery §3")
@pytest.mark.parametrize("member", CHECKS)
def test_every_member_is_true_for_who_uses_it(
    believer: Believer, document: dict[str, Any], member: str
) -> None:
    CHECKS[member](believer, document[member])


@spec("OIDC Discovery §4.1", "OIDC Discovery §4.3", "RFC 8414 §3.1")
def test_an_issuer_with_a_path_says_the_same_at_every_address_that_is_asked(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine
) -> None:
    port = free_port()
    listen = {"issuer": f"http://127.0.0.1:{port}/tenant", "listen": f"127.0.0.1:{port}"}
    tenant = installed(engine.troth(tmp_path_factory.mktemp("tenant"), **listen))
    root = f"http://127.0.0.1:{urlsplit(tenant.issuer).port}"
    with Plain(tenant) as http:
        first = http.get(tenant.issuer + OPENID, headers={"origin": "https://app.example"})
        others = [
            http.get(address)
            for address in (
                tenant.issuer + OAUTH, root + OPENID + "/tenant", root + OAUTH + "/tenant"
            )
        ]  # fmt: skip
        elsewhere = [http.get(root + name).status_code for name in (OPENID, OAUTH)]
    assert first.json() == expected(tenant.issuer)
    assert {first.content} == {other.content for other in others}
    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    assert first.headers["access-control-allow-origin"] == "*"
    assert elsewhere == [404, 404]
    assert tenant.stop() == 0
