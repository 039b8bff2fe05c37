"""JWT access tokens, as two JOSE libraries read them that nobody here wrote."""

import json
import time
from typing import Any

import pytest
from authlib.oauth2.rfc6750.errors import InsufficientScopeError, InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from tests.harness import OAuthClient, Person, Plain, Troth
from tests.spec import spec
from troth.signing.compact import b64, unb64


@pytest.fixture(scope="module")
def jwks(troth: Troth) -> Any:
    with Plain(troth) as http:
        return http.get("/oauth/jwks").json()


@pytest.fixture(scope="module")
def token(app: OAuthClient, ada: Person) -> str:
    return str(app.tokens(ada)["access_token"])


@pytest.fixture(scope="module")
def claims(token: str, jwks: Any) -> dict[str, Any]:
    return jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["ES256"]).claims


@spec("RFC 9068 §2.1", "RFC 9068 §4")
def test_joserfc_verifies_the_signature_and_the_type(token: str, jwks: Any) -> None:
    header = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["ES256"]).header
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert header["kid"] in [key["kid"] for key in jwks["keys"]]
    assert header.keys() == {"typ", "alg", "kid"}


class _Api(JWTBearerTokenValidator):  # type: ignore[misc]
    """An API as Authlib protects it."""

    def __init__(self, issuer: str, audience: str, jwks: Any) -> None:
        super().__init__(issuer=issuer, resource_server=audience)
        self._jwks = KeySet.import_key_set(jwks)

    def get_jwks(self) -> Any:
        return self._jwks


@spec("RFC 9068 §4")
def test_an_api_protected_by_authlib_takes_the_token_for_its_scope_alone(
    troth: Troth, token: str, jwks: Any
) -> None:
    api = _Api(troth.issuer, troth.issuer, jwks)
    api.validate_token(api.authenticate_token(token), ["read_write"], None)
    with pytest.raises(InsufficientScopeError):
        api.validate_token(api.authenticate_token(token), ["extra"], None)
    for stranger in (
        _Api("https://evil.example", troth.issuer, jwks),
        _Api(troth.issuer, "https://other.example", jwks),
    ):
        with pytest.raises(InvalidTokenError):
            stranger.validate_token(stranger.authenticate_token(token), ["read_write"], None)


@spec("RFC 9068 §2.2", "RFC 9068 §2.2.3")
def test_the_claims_are_those_of_the_grant(
    troth: Troth, app: OAuthClient, ada: Person, claims: dict[str, Any]
) -> None:
    assert claims["iss"] == troth.issuer
    assert claims["sub"] == ada.sub
    assert claims["aud"] in (troth.issuer, [troth.issuer])
    assert claims["client_id"] == app.client_id
    assert claims["scope"] == "read_write"
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - time.time()) < 60
    assert len(claims["jti"]) >= 22


@spec("RFC 9068 §2.2.1")
def test_the_time_of_login_is_told(claims: dict[str, Any]) -> None:
    assert claims["iat"] - 60 < claims["auth_time"] <= claims["iat"]


@spec("RFC 9068 §6")
def test_no_personal_data_is_inside(claims: dict[str, Any], ada: Person) -> None:
    assert ada.username not in [str(value) for value in claims.values()]
    assert not {"email", "name", "preferred_username"} & claims.keys()


@spec("RFC 9068 §2.2", "RFC 9068 §5")
def test_a_client_for_itself_is_its_own_subject(troth: Troth, jwks: Any) -> None:
    client = troth.client("--grant-type", "client_credentials", redirect_uris=())
    grant = {"grant_type": "client_credentials", "scope": "read_write"}
    body = client.post("/oauth/token", {**grant, **client.credentials()}).json()
    claims = jwt.decode(body["access_token"], KeySet.import_key_set(jwks)).claims
    assert claims["sub"] == claims["client_id"] == client.client_id
    assert "auth_time" not in claims


@spec("RFC 9068 §2.2")
def test_every_token_has_an_id_of_its_own(app: OAuthClient, ada: Person, jwks: Any) -> None:
    keys = KeySet.import_key_set(jwks)
    first = app.tokens(ada)
    second = app.refresh(first["refresh_token"]).json()
    ids = [jwt.decode(t["access_token"], keys).claims["jti"] for t in (first, second)]
    assert ids[0] != ids[1]


@spec("RFC 9068 §4", "RFC 7517 §5")
def test_the_key_set_has_the_public_key_for_signatures(token: str, jwks: Any) -> None:
    (key,) = [key for key in jwks["keys"] if key["alg"] == "ES256"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"]) == ("EC", "P-256", "sig")
    assert jws.extract_compact(token.encode()).headers()["kid"] == key["kid"]


@spec("RFC 9068 §4")
def test_a_changed_token_is_verified_by_nobody(app: OAuthClient, token: str, jwks: Any) -> None:
    head, payload, signature = token.split(".")
    changed = f"{head}.{payload[:-4]}AAAA.{signature}"
    with pytest.raises(Exception, match="signature"):
        jws.deserialize_compact(changed, KeySet.import_key_set(jwks), algorithms=["ES256"])
    assert not app.active(changed)
    assert not app.active(f"{head}.{payload}.")
    assert app.active(token)


@spec("RFC 6749 §1.4")
def test_an_opaque_token_says_nothing_and_is_told_by_introspection(
    troth: Troth, ada: Person
) -> None:
    client = troth.client("--access-token", "opaque")
    token = client.tokens(ada)["access_token"]
    assert token.startswith("troth_at_")
    assert "." not in token
    assert client.introspect(token)["sub"] == ada.sub


@spec("RFC 9068 §2.1")
def test_who_knows_nothing_else_gets_RS256(troth: Troth, ada: Person, jwks: Any) -> None:
    app = troth.client("--access-token-alg", "RS256")
    tokens = app.tokens(ada)
    token = tokens["access_token"]
    read = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["RS256"])
    assert (read.header["typ"], read.header["alg"]) == ("at+jwt", "RS256")
    assert read.header["kid"] in [key["kid"] for key in jwks["keys"] if key["alg"] == "RS256"]
    assert read.claims["scope"] == "read_write"
    assert app.active(token)
    assert app.active(app.refresh(tokens["refresh_token"]).json()["access_token"])
    head, payload, signature = token.split(".")
    other = json.loads(unb64(payload)) | {"scope": "admin"}
    assert not app.active(f"{head}.{b64(json.dumps(other).encode()).decode()}.{signature}")
    for header in ({"alg": "ES256"}, {"alg": "none"}, {"alg": "HS256"}, {"typ": "JWT"}):
        bent = b64(json.dumps(read.header | header).encode()).decode()
        assert not app.active(f"{bent}.{payload}.{signature}"), header
    app.revoke(token)
    assert not app.active(token)
