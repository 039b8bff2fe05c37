"""Native applications: loopback, private-use schemes, and no trust in a bare client id."""

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer
from tests.spec import spec


@spec("RFC 8252 §7.1")
def test_a_private_use_scheme_gets_the_answer(
    native: OAuthClient, ada: Person, browser: Browser
) -> None:
    uri = "com.example.app:/cb"
    response = browser.authorize(native.parameters(redirect_uri=uri), ada)
    assert response.headers["location"].startswith(uri + "?code=")
    assert native.redeem(answer(response)["code"], redirect_uri=uri).status_code == 200


@spec("RFC 8252 §7.2")
def test_a_claimed_https_uri_works_for_a_native_application(troth: Troth, ada: Person) -> None:
    client = troth.client("--auth-method", "none", redirect_uris=("https://app.example/native",))
    assert client.tokens(ada)["token_type"] == "Bearer"


@spec("RFC 8252 §8.3")
def test_localhost_has_any_port_for_native_applications_only(
    troth: Troth, browser: Browser
) -> None:
    name = ("http://localhost/cb",)
    native = troth.client("--auth-method", "none", redirect_uris=name)
    web = troth.client(redirect_uris=name)
    asked = {"redirect_uri": "http://localhost:5000/cb"}
    fine = browser.get("/oauth/authorize", params=native.parameters(**asked))
    page = browser.get("/oauth/authorize", params=web.parameters(**asked))
    exact = browser.get("/oauth/authorize", params=web.parameters())
    assert (fine.status_code, page.status_code, exact.status_code) == (303, 400, 303)


@spec("RFC 8252 §7.3")
def test_the_code_belongs_to_the_port_that_asked(native: OAuthClient, ada: Person) -> None:
    code = native.code(ada, redirect_uri="http://127.0.0.1:5001/cb")
    for other in ("http://127.0.0.1:5002/cb", "http://127.0.0.1/cb"):
        assert native.redeem(code, redirect_uri=other).json()["error"] == "invalid_grant"
    assert native.redeem(code, redirect_uri="http://127.0.0.1:5001/cb").status_code == 200


@spec("RFC 8252 §8.6")
def test_a_person_is_asked_every_time_by_a_client_that_proves_nothing(
    native: OAuthClient, ada: Person, browser: Browser
) -> None:
    browser.authorize(native.parameters(), ada)
    again = browser.follow(browser.get("/oauth/authorize", params=native.parameters()))
    assert 'id="consent"' in again.text


@spec("RFC 8252 §8.5", "RFC 6749 §4.4")
def test_a_native_application_has_no_secret_and_no_grant_for_itself(
    troth: Troth, native: OAuthClient
) -> None:
    assert "client_secret" not in native.registration
    words = ("--name", "N", "--auth-method", "none", "--grant-type", "client_credentials")
    done = troth.run_cli("client", "create", *words)
    assert done.returncode != 0
    assert "RFC 6749" in done.stderr


@spec("RFC 8252 §8.5")
@pytest.mark.parametrize("secret", ["canary-guess", "x"])
def test_a_secret_from_a_client_that_has_none_is_refused(
    native: OAuthClient, ada: Person, secret: str
) -> None:
    code = native.code(ada)
    response = native.redeem(code, client_secret=secret)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert native.redeem(code).status_code == 200
