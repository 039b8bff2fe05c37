"""The token endpoint, sentence by sentence (RFC 6749 §3.2, §4.4, §5)."""

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth
from tests.spec import spec


@pytest.fixture(scope="module")
def machine(troth: Troth) -> OAuthClient:
    return troth.client("--grant-type", "client_credentials", redirect_uris=())


def client_credentials(client: OAuthClient, **changes: str) -> dict[str, str]:
    grant = {"grant_type": "client_credentials", "scope": "read_write"}
    return {**grant, **client.credentials(), **changes}


@spec("RFC 6749 §4.4.3")
def test_a_client_for_itself_gets_an_access_token_and_no_refresh_token(
    machine: OAuthClient,
) -> None:
    response = machine.post("/oauth/token", client_credentials(machine))
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    claims = machine.introspect(body["access_token"])
    assert claims["active"]
    assert claims["sub"] == machine.client_id


@spec("RFC 6749 §4.4.2", "RFC 6749 §5.2")
def test_a_client_for_itself_gets_no_scope_that_it_is_not_registered_for(
    machine: OAuthClient,
) -> None:
    for scope in ("bogus", "read_write bogus"):
        response = machine.post("/oauth/token", client_credentials(machine, scope=scope))
        assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


@spec("RFC 6749 §5.2")
def test_a_client_uses_only_the_grant_types_that_it_is_registered_for(app: OAuthClient) -> None:
    response = app.post("/oauth/token", client_credentials(app))
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


@spec("RFC 6749 §5.2")
@pytest.mark.parametrize("name", ["code", "refresh_token"])
def test_what_a_grant_needs_must_be_there(app: OAuthClient, name: str) -> None:
    grant = {"code": "authorization_code", "refresh_token": "refresh_token"}[name]
    for given in ({}, {name: ""}):
        response = app.post("/oauth/token", {"grant_type": grant, **given, **app.credentials()})
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@spec("RFC 6749 §3.2")
def test_unrecognized_parameters_are_ignored_and_empty_ones_are_absent(
    app: OAuthClient, ada: Person
) -> None:
    response = app.redeem(app.code(ada), foo="bar", audience="x", code_verifier="", resource="")
    assert response.status_code == 200


@spec("RFC 6749 §5.2")
def test_an_error_is_json_with_a_code_a_description_and_the_requests_id(app: OAuthClient) -> None:
    response = app.redeem("canary")
    body = response.json()
    assert body.keys() == {"error", "error_description", "request_id"}
    assert "canary" not in response.text
    assert response.headers["pragma"] == "no-cache"


@spec("RFC 6749 §2.3.1")
def test_a_secret_may_come_in_the_header_instead(app: OAuthClient, ada: Person) -> None:
    given = {
        "grant_type": "authorization_code",
        "code": app.code(ada),
        "redirect_uri": app.redirect_uri,
    }
    response = app.post("/oauth/token", given, auth=(app.client_id, app.secret))
    assert response.status_code == 200


@spec("RFC 6749 §3.2.1")
def test_a_client_that_has_a_secret_must_show_it(app: OAuthClient, ada: Person) -> None:
    response = app.redeem(app.code(ada), client_secret=None)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@spec("RFC 6749 §5.1", "RFC 6749 §4.1.4")
def test_without_the_refresh_grant_a_code_gives_an_access_token_alone(
    troth: Troth, ada: Person
) -> None:
    client = troth.client("--grant-type", "authorization_code")
    browser = Browser(troth)
    code = client.code(ada, browser)
    body = client.redeem(code).json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert client.active(body["access_token"])
    assert client.redeem(code).json()["error"] == "invalid_grant"
    assert not client.active(body["access_token"])
