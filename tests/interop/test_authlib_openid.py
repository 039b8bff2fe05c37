"""Authlib over httpx and requests: discovery, a login, the ID token's checks, a renewal."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.harness import Person, Troth
from tests.interop.relying import SCOPE, known, told_of
from tests.interop.test_authlib import come_back
from tests.spec import spec


@pytest.fixture(
    params=[partial(OAuth2Client, trust_env=False), OAuth2Session], ids=["httpx", "requests"]
)
def client(
    request: pytest.FixtureRequest, troth: Troth, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    app = troth.client(scope=SCOPE, name="Canary Authlib Login")
    words = {"redirect_uri": app.redirect_uri, "scope": SCOPE, "code_challenge_method": "S256"}
    with request.param(app.client_id, app.secret, **words) as made:
        yield made


@pytest.fixture(scope="module")
def person(troth: Troth) -> Person:
    return known(troth)


def checked(client: Any, keys: Any, issuer: str, token: Any, nonce: str | None) -> Any:
    """The claims of an ID token once Authlib has nothing against them."""
    read = jwt.decode(token["id_token"], KeySet.import_key_set(keys))
    claims = CodeIDToken(
        read.claims,
        read.header,
        {"iss": {"values": [issuer]}},
        {"nonce": nonce, "client_id": client.client_id, "access_token": token["access_token"]},
    )
    claims.validate()
    return claims


@spec("OIDC Discovery §3", "OIDC Core §3.1.3.7", "OIDC Core §5.3", "OIDC Core §12.2")
def test_a_person_is_logged_in_known_and_stays(troth: Troth, client: Any, person: Person) -> None:
    url = get_well_known_url(troth.issuer, external=True)
    server = OpenIDProviderMetadata(client.request("GET", url, withhold_token=True).json())
    assert server["issuer"] == troth.issuer
    keys = client.request("GET", server["jwks_uri"], withhold_token=True).json()
    verifier = "v" * 43
    url, state = client.create_authorization_url(
        server["authorization_endpoint"], nonce="canary-nonce", code_verifier=verifier
    )
    landed = come_back(troth, person, url)
    token = client.fetch_token(
        server["token_endpoint"],
        authorization_response=landed,
        state=state,
        code_verifier=verifier,
    )
    first = checked(client, keys, troth.issuer, token, "canary-nonce")
    assert first["sub"] == person.sub
    told = client.get(server["userinfo_endpoint"]).json()
    assert told.pop("updated_at") <= first["iat"]
    assert told == told_of(person)
    newer = client.refresh_token(server["token_endpoint"])
    again = checked(client, keys, troth.issuer, newer, None)
    assert (again["sub"], again["auth_time"]) == (first["sub"], first["auth_time"])
    assert client.get(server["userinfo_endpoint"]).json()["name"] == told["name"]


@spec("OIDC Discovery §3")
def test_the_document_is_one_that_authlib_finds_valid(troth: Troth, client: Any) -> None:
    url = get_well_known_url(troth.issuer, external=True)
    server = client.request("GET", url, withhold_token=True).json()
    # Authlib insists on https, which this server lacks on loopback.
    secure = {n: _secured(value, troth.issuer) for n, value in server.items()}
    OpenIDProviderMetadata(secure).validate()


def _secured(value: object, issuer: str) -> object:
    return value.replace(issuer, "https://login.example") if isinstance(value, str) else value
