"""Authlib, as an application's developer uses it."""

from collections.abc import Iterator
from typing import Any

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from tests.harness import Browser, OAuthClient, Person, Troth

ENDPOINTS = {"token": "/oauth/token", "revoke": "/oauth/revoke", "introspect": "/oauth/introspect"}


def library(app: OAuthClient, **kind: Any) -> Any:
    return OAuth2Client(
        app.client_id,
        app.secret or None,
        redirect_uri=app.redirect_uri,
        scope="read_write",
        trust_env=False,
        **kind,
    )


@pytest.fixture(params=["client_secret_basic", "client_secret_post"])
def client(request: pytest.FixtureRequest, app: OAuthClient) -> Iterator[Any]:
    with library(app, token_endpoint_auth_method=request.param) as made:
        yield made


def come_back(
    troth: Troth,
    person: Person,
    url: str,
    decision: str = "allow",
    browser: Browser | None = None,
) -> str:
    """What the person's browser lands on, having logged in and decided."""
    browser = browser or Browser(troth)
    response = page = browser.sign_in(browser.follow(browser.get(url)), person)
    if 'id="consent"' in page.text:
        response = browser.follow(browser.submit(page, "consent", {"decision": decision}))
    return str(response.headers["location"])


def test_the_four_requests(troth: Troth, client: Any, ada: Person) -> None:
    url, state = client.create_authorization_url(troth.issuer + "/oauth/authorize")
    landed = come_back(troth, ada, url)
    assert f"state={state}" in landed
    token = client.fetch_token(troth.issuer + ENDPOINTS["token"], authorization_response=landed)
    assert (token["token_type"], token["expires_in"], token["scope"]) == (
        "Bearer",
        3600,
        "read_write",
    )
    told = client.introspect_token(troth.issuer + ENDPOINTS["introspect"], token["access_token"])
    assert told.json()["sub"] == ada.sub
    newer = client.refresh_token(troth.issuer + ENDPOINTS["token"])
    assert newer["access_token"] != token["access_token"]
    revoked = client.revoke_token(troth.issuer + ENDPOINTS["revoke"], newer["refresh_token"])
    assert revoked.status_code == 200
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(troth.issuer + ENDPOINTS["token"], newer["refresh_token"])


def test_pkce_and_no_secret(troth: Troth, native: OAuthClient, ada: Person) -> None:
    with library(native, token_endpoint_auth_method="none", code_challenge_method="S256") as client:
        client.redirect_uri = "http://127.0.0.1:53111/cb"
        verifier = "v" * 43
        url, _ = client.create_authorization_url(
            troth.issuer + "/oauth/authorize", code_verifier=verifier
        )
        landed = come_back(troth, ada, url)
        assert landed.startswith("http://127.0.0.1:53111/cb?")
        token = client.fetch_token(
            troth.issuer + ENDPOINTS["token"],
            authorization_response=landed,
            code_verifier=verifier,
        )
        assert client.refresh_token(troth.issuer + ENDPOINTS["token"])["scope"] == token["scope"]


def test_a_machine_for_itself(troth: Troth) -> None:
    machine = troth.client("--grant-type", "client_credentials", name="Canary Authlib")
    with library(machine) as client:
        token = client.fetch_token(
            troth.issuer + ENDPOINTS["token"], grant_type="client_credentials"
        )
    assert machine.introspect(token["access_token"])["client_id"] == machine.client_id
