"""ID tokens: what they say, how they are signed, and that a refresh says the same."""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth
from tests.oidc.conftest import SCOPE, userinfo, verified
from tests.spec import spec


@spec("OIDC Core §2", "OIDC Core §3.1.3.3", "OIDC Core §3.1.3.6")
def test_CX_17_an_id_token_says_who_logged_in_for_whom_and_when(
    troth: Troth, rp: OAuthClient, grace: Person
) -> None:
    before = int(time.time())
    tokens = rp.tokens(grace, scope="openid", nonce="canary-nonce", max_age="1000")
    decoded = verified(troth, tokens["id_token"])
    claims = decoded.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (troth.issuer, grace.sub, rp.client_id)
    assert claims["nonce"] == "canary-nonce"
    assert before - 1 <= claims["auth_time"] <= claims["iat"] <= time.time() + 1
    assert claims["exp"] - claims["iat"] == 3600
    assert (claims["acr"], claims["amr"]) == ("1", ["pwd"])
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert claims.keys() == {
        "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid",
    }  # fmt: skip
    assert decoded.header.keys() == {"alg", "kid"}


@spec("OIDC Core §3.1.2.1")
def test_without_openid_it_is_plain_oauth(rp: OAuthClient, grace: Person) -> None:
    tokens = rp.tokens(grace, scope="profile read_write", nonce="canary-nonce")
    assert "id_token" not in tokens
    assert "id_token" not in rp.refresh(tokens["refresh_token"]).json()


@spec("OIDC Core §12.2", "OIDC Core §12.1")
def test_RT_22_the_id_token_of_a_refresh_is_about_the_same_login(
    troth: Troth, rp: OAuthClient, grace: Person
) -> None:
    tokens = rp.tokens(grace, scope="openid profile", nonce="canary-nonce")
    first = verified(troth, tokens["id_token"]).claims
    refreshed = rp.refresh(tokens["refresh_token"]).json()
    second = verified(troth, refreshed["id_token"]).claims
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid"):
        assert second[name] == first[name], name
    assert second["iat"] >= first["iat"]
    assert "nonce" not in second
    assert second["at_hash"] != first["at_hash"]
    narrowed = rp.refresh(refreshed["refresh_token"], scope="profile").json()
    assert "id_token" not in narrowed, "the narrowed access token is not one of OpenID Connect"


@spec("OIDC Core §3.1.3.7", "OIDC Registration §2")
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_a_client_chooses_how_its_id_tokens_are_signed(
    troth: Troth, grace: Person, alg: str
) -> None:
    client = troth.client(scope=SCOPE)
    troth.edit_client(
        client.client_id,
        lambda noun: {**noun, "openid": {**noun["openid"], "id_token": {"signing": alg}}},
    )
    tokens = client.tokens(grace, scope="openid")
    decoded = verified(troth, tokens["id_token"], alg)
    assert decoded.header["alg"] == alg
    hashed = hashlib.sha512 if alg == "EdDSA" else hashlib.sha256
    digest = hashed(tokens["access_token"].encode()).digest()
    half = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    assert decoded.claims["at_hash"] == half


@spec("OIDC Core §5.5", "OIDC Core §5.5.1")
def test_claims_that_are_asked_for_by_name_are_in_the_id_token(
    troth: Troth, rp: OAuthClient, grace: Person
) -> None:
    claims = {"id_token": {"email": None, "name": {"essential": True}, "unknown": None}}
    asked: Any = {"scope": "openid", "claims": json.dumps(claims)}
    tokens = rp.tokens(grace, **asked)
    said = verified(troth, tokens["id_token"]).claims
    assert (said["name"], said["email"]) == ("Grace Hopper", f"{grace.username}@people.example")
    assert "unknown" not in said
    assert tokens["scope"] == "openid", "the person agreed to more than the token carries"
    again = rp.refresh(tokens["refresh_token"]).json()
    assert verified(troth, again["id_token"]).claims["name"] == "Grace Hopper"
    assert userinfo(troth, tokens["access_token"]).json() == {"sub": grace.sub}


@spec("OIDC Core §5.5.2")
def test_SC_10_no_claim_request_takes_the_place_of_what_the_server_says(
    troth: Troth, rp: OAuthClient, grace: Person
) -> None:
    names = ("iss", "aud", "exp", "acr", "at_hash", "sid", "nonce", "azp", "client_id")
    claims = {"id_token": {name: {"value": "forged"} for name in names}}
    said = verified(troth, rp.tokens(grace, scope="openid", claims=json.dumps(claims))["id_token"])
    assert "forged" not in said.claims.values()
    assert said.claims["iss"] == troth.issuer


@spec("OIDC Core §3.1.2.1")
def test_a_code_that_is_too_long_to_travel_waits_at_the_server(
    troth: Troth, rp: OAuthClient, grace: Person
) -> None:
    claims = {"userinfo": {f"name#{n}{'x' * 60}": None for n in range(6)}}
    asked: Any = {"scope": "openid", "nonce": "n" * 500, "claims": json.dumps(claims)}
    code = rp.code(grace, **asked)
    assert code.startswith("troth_al_")
    assert len(code) < 100
    assert code not in troth.dump()
    tokens = rp.redeem(code)
    assert tokens.status_code == 200
    assert verified(troth, tokens.json()["id_token"]).claims["nonce"] == "n" * 500
    again = rp.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert not rp.active(tokens.json()["access_token"])
    for bent in (code[:-1], code + "A", code.replace("troth_al_", "troth_ac_")):
        assert rp.redeem(bent).status_code == 400
    kept = [row[0] for row in troth.rows("select sealed from stored_code")]
    assert kept
    for sealed in kept:
        assert rp.redeem(sealed).status_code == 400, "what lies in the database is no code"


@spec("RFC 9470 §6", "RFC 9470 §5")
def test_access_tokens_tell_how_and_when_the_person_logged_in(
    troth: Troth, rp: OAuthClient, grace: Person, browser: Browser
) -> None:
    tokens = rp.tokens(grace, browser, scope="openid read_write", acr_values="1 2")
    about = rp.introspect(tokens["access_token"])
    said = verified(troth, tokens["id_token"]).claims
    assert (about["acr"], about["auth_time"]) == ("1", said["auth_time"])
    refreshed = rp.introspect(rp.refresh(tokens["refresh_token"]).json()["access_token"])
    assert (refreshed["acr"], refreshed["auth_time"]) == ("1", said["auth_time"])
