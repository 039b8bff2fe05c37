"""The four requests of the contract, exactly as an API company would print them."""

from tests.harness import REDIRECT_URI, Browser, OAuthClient, Person, answer
from tests.spec import spec


@spec("RFC 6749 §4.1.2", "RFC 9207 §2")
def test_a_person_allows_and_the_application_gets_code_state_and_issuer(
    app: OAuthClient, ada: Person, browser: Browser
) -> None:
    response = browser.authorize(app.parameters(), ada)
    got = answer(response)
    assert response.headers["location"].startswith(REDIRECT_URI + "?")
    assert got.keys() == {"code", "state", "iss"}
    assert got["state"] == "canary-state"
    assert got["iss"] == app.troth.issuer


@spec("RFC 6749 §4.1.4", "RFC 6749 §5.1")
def test_a_code_becomes_a_bearer_token_of_an_hour_and_a_refresh_token(
    app: OAuthClient, ada: Person
) -> None:
    response = app.redeem(app.code(ada))
    body = response.json()
    assert response.status_code == 200
    assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, "read_write")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"


@spec("RFC 6749 §6")
def test_a_refresh_token_gives_a_new_pair_without_the_person(app: OAuthClient, ada: Person) -> None:
    first = app.tokens(ada)
    second = app.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert app.active(second["access_token"])


@spec("RFC 6749 §4.1.2.1")
def test_a_person_denies_and_the_application_is_told(
    app: OAuthClient, ada: Person, browser: Browser
) -> None:
    app = app.troth.client()
    got = answer(browser.authorize(app.parameters(), ada, decision="deny"))
    assert got["error"] == "access_denied"
    assert got["state"] == "canary-state"
    assert "code" not in got


@spec("RFC 7636 §4.6")
def test_a_public_client_redeems_with_its_verifier(native: OAuthClient, ada: Person) -> None:
    tokens = native.tokens(ada)
    refreshed = native.refresh(tokens["refresh_token"])
    assert refreshed.status_code == 200


@spec("RFC 6749 §3.1")
def test_an_authorization_request_may_be_posted(
    app: OAuthClient, ada: Person, browser: Browser
) -> None:
    response = browser.post("/oauth/authorize", app.parameters())
    assert response.status_code == 303
    page = browser.follow(response)
    assert 'id="login"' in page.text
