"""ID tokens and UserInfo as a client registered them, opened and verified by another library."""

import json
from typing import Any

import httpx2
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from tests.conftest import installed
from tests.engines import Engine
from tests.harness import OAuthClient, Person, Troth
from tests.oidc.conftest import SCOPE, userinfo, verified
from tests.outside import Answer, Outside
from tests.spec import spec

RSA = RSAKey.generate_key(2048, {"use": "enc", "kid": "canary-rsa"})
EC = ECKey.generate_key("P-256", {"use": "enc", "kid": "canary-ec"})
JWKS = {"keys": [key.as_dict(private=False) for key in (RSA, EC)]}
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
NAMES = ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "A128CBC-HS256", "A256GCM"]


def registered(troth: Troth, *words: str, **openid: Any) -> OAuthClient:
    client = troth.client(*words, scope=SCOPE)
    troth.edit_client(
        client.client_id, lambda noun: {**noun, "openid": {**noun["openid"], **openid}}
    )
    return client


def opened(text: str) -> str:
    registry = jwe.JWERegistry(algorithms=NAMES)
    key = RSA if json.loads(_head(text))["kid"] == "canary-rsa" else EC
    plain = jwe.decrypt_compact(text, key, registry=registry).plaintext
    assert plain is not None
    return plain.decode()


def _head(text: str) -> bytes:
    from joserfc.util import urlsafe_b64decode

    return urlsafe_b64decode(text.split(".", maxsplit=1)[0].encode())


@spec("OIDC Core §3.1.3.7", "OIDC Registration §2", "OIDC Core §10.2")
@pytest.mark.parametrize(
    ("alg", "enc"), [("RSA-OAEP-256", None), ("RSA-OAEP", "A256GCM"), ("ECDH-ES", "A256GCM")]
)
def test_an_id_token_is_encrypted_to_the_key_of_its_client(
    troth: Troth, grace: Person, alg: str, enc: str | None
) -> None:
    encoding = {"signing": "ES256", "encryption": alg, "content_encryption": enc}
    client = registered(troth, jwks=JWKS, id_token=encoding)
    tokens = client.tokens(grace, scope="openid")
    head = json.loads(_head(tokens["id_token"]))
    assert (head["alg"], head["enc"], head["cty"]) == (alg, enc or "A128CBC-HS256", "JWT")
    assert verified(troth, opened(tokens["id_token"]), "ES256").claims["sub"] == grace.sub
    refreshed = client.refresh(tokens["refresh_token"]).json()["id_token"]
    assert verified(troth, opened(refreshed), "ES256").claims["sub"] == grace.sub


@spec("OIDC Core §5.3.2")
@pytest.mark.parametrize("encrypted", [False, True], ids=["signed", "signed and encrypted"])
def test_userinfo_is_signed_where_the_client_wants_it(
    troth: Troth, grace: Person, encrypted: bool
) -> None:
    encoding = {"signing": "RS256", "encryption": "RSA-OAEP-256" if encrypted else None}
    client = registered(troth, jwks=JWKS, userinfo=encoding)
    response = userinfo(troth, client.tokens(grace, scope="openid email")["access_token"])
    assert response.headers["content-type"] == "application/jwt"
    assert response.headers["cache-control"] == "no-store"
    told = verified(troth, opened(response.text) if encrypted else response.text).claims
    assert (told["iss"], told["aud"]) == (troth.issuer, client.client_id)
    assert (told["sub"], told["email_verified"]) == (grace.sub, True)


@spec("OIDC Core §5.3.2")
def test_userinfo_that_is_only_encrypted_is_plain_json_inside(troth: Troth, grace: Person) -> None:
    client = registered(troth, jwks=JWKS, userinfo={"encryption": "ECDH-ES"})
    response = userinfo(troth, client.tokens(grace, scope="openid")["access_token"])
    assert response.headers["content-type"] == "application/jwt"
    assert json.loads(opened(response.text)) == {"sub": grace.sub}


@spec("OIDC Core §10.2")
def test_a_client_without_a_key_loses_no_code(troth: Troth, grace: Person) -> None:
    client = registered(troth, jwks={"keys": []}, id_token={"encryption": "RSA-OAEP"})
    code = client.code(grace, scope="openid")
    refused = client.redeem(code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    troth.edit_client(
        client.client_id, lambda noun: {**noun, "openid": {**noun["openid"], "jwks": JWKS}}
    )
    assert client.redeem(code).status_code == 200


@spec("RFC 6749 §4.1.2", "RFC 9700 §4.14.2")
def test_a_replay_revokes_also_while_the_keys_of_the_client_are_out_of_reach(
    troth: Troth, grace: Person, outside: Outside
) -> None:
    words = [word for name in GRANT_TYPES for word in ("--grant-type", name)]
    client = registered(troth, *words, jwks=JWKS, id_token={"encryption": "RSA-OAEP"})
    code = client.code(grace, scope="openid")
    redeemed, first = client.redeem(code).json(), client.tokens(grace, scope="openid")
    second = client.refresh(first["refresh_token"]).json()
    third = client.refresh(second["refresh_token"]).json()
    living = client.tokens(grace, scope="openid")
    gone = {"jwks": None, "jwks_uri": outside.url("/gone")}
    troth.edit_client(client.client_id, lambda noun: {**noun, "openid": {**noun["openid"], **gone}})
    replayed = [client.redeem(code), client.refresh(first["refresh_token"])]
    assert [response.json()["error"] for response in replayed] == ["invalid_grant"] * 2
    assert not client.active(redeemed["access_token"])
    assert not client.active(third["access_token"])
    own = {"grant_type": "client_credentials", "scope": "read_write", **client.credentials()}
    assert client.post("/oauth/token", own).status_code == 200, "it has no ID token"
    for _ in range(2):
        given = {"grant_type": "refresh_token", "refresh_token": living["refresh_token"]}
        assert unanswered(client, given), "a token that was not used is no replay"
    assert client.active(living["access_token"])


def unanswered(client: OAuthClient, given: dict[str, str]) -> bool:
    """Whether the token endpoint says to come again; the oracles take no 503 for an answer."""
    url = client.troth.issuer + "/oauth/token"
    response = httpx2.post(url, data={**given, **client.credentials()}, trust_env=False)
    comes_again = (response.status_code, response.json()["error"])
    return comes_again == (503, "temporarily_unavailable") and "retry-after" in response.headers


@spec("OIDC Core §10.2.1")
def test_keys_are_fetched_where_the_client_publishes_them(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine
) -> None:
    folder = tmp_path_factory.mktemp("published")
    outside = Outside(folder, answers={"/jwks": Answer(JWKS)}).start()
    settings = {"fetch_allow": outside.allow(), "fetch_ca_file": str(outside.ca_file)}
    troth = installed(engine.troth(folder, **settings))
    person = troth.person()
    encoding = {"encryption": "RSA-OAEP"}
    client = registered(troth, jwks_uri=outside.url("/jwks"), id_token=encoding)
    tokens = client.tokens(person, scope="openid")
    assert verified(troth, opened(tokens["id_token"])).claims["sub"] == person.sub
    lost = registered(troth, jwks_uri=outside.url("/gone"), id_token=encoding)
    code = lost.code(person, scope="openid")
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": lost.redirect_uri}
    assert unanswered(lost, given)
    assert troth.stop() == 0
    outside.stop()
