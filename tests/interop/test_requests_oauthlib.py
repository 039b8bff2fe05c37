"""requests-oauthlib, as an application's developer uses it."""

from typing import Any

import pytest
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidGrantError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.harness import OAuthClient, Person, Troth
from tests.interop.test_authlib import come_back


@pytest.fixture(autouse=True)
def http_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library refuses http, also on this machine, unless it is told so."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def session(app: OAuthClient, **kind: Any) -> Any:
    kind.setdefault("redirect_uri", app.redirect_uri)
    return OAuth2Session(app.client_id, scope=["read_write"], **kind)


@pytest.mark.parametrize("in_body", [True, False], ids=["post", "basic"])
def test_the_four_requests(troth: Troth, app: OAuthClient, ada: Person, in_body: bool) -> None:
    with session(app) as client:
        url, _ = client.authorization_url(troth.issuer + "/oauth/authorize")
        token = client.fetch_token(
            troth.issuer + "/oauth/token",
            authorization_response=come_back(troth, ada, url),
            client_secret=app.secret,
            include_client_id=in_body,
        )
        assert token["scope"] == ["read_write"]
        assert app.introspect(token["access_token"])["sub"] == ada.sub
        proof: dict[str, Any] = {"auth": HTTPBasicAuth(app.client_id, app.secret)}
        newer = client.refresh_token(troth.issuer + "/oauth/token", **proof)
        assert newer["refresh_token"] != token["refresh_token"]
        app.revoke(newer["refresh_token"])
        with pytest.raises(InvalidGrantError):
            client.refresh_token(troth.issuer + "/oauth/token", **proof)


def test_pkce_and_no_secret(troth: Troth, native: OAuthClient, ada: Person) -> None:
    with session(native, redirect_uri="http://127.0.0.1:53112/cb", pkce="S256") as client:
        url, _ = client.authorization_url(troth.issuer + "/oauth/authorize")
        token = client.fetch_token(
            troth.issuer + "/oauth/token",
            authorization_response=come_back(troth, ada, url),
            include_client_id=True,
        )
        assert token["token_type"] == "Bearer"


def test_a_denial_is_understood(troth: Troth, app: OAuthClient) -> None:
    with session(app) as client:
        url, _ = client.authorization_url(troth.issuer + "/oauth/authorize")
        landed = come_back(troth, troth.person(), url, decision="deny")
        with pytest.raises(AccessDeniedError):
            client.fetch_token(troth.issuer + "/oauth/token", authorization_response=landed)


def test_a_machine_for_itself(troth: Troth) -> None:
    machine = troth.client("--grant-type", "client_credentials", name="Canary Requests")
    backend = BackendApplicationClient(client_id=machine.client_id, scope=["read_write"])
    with OAuth2Session(client=backend) as client:
        token = client.fetch_token(
            troth.issuer + "/oauth/token",
            auth=HTTPBasicAuth(machine.client_id, machine.secret),
        )
    assert machine.active(token["access_token"])
