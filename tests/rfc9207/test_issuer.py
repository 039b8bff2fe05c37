"""The issuer in every authorization response."""

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer
from tests.spec import spec


@spec("RFC 9207 §2")
@pytest.mark.parametrize(
    "changes",
    [{"scope": "bogus"}, {"response_type": "token"}, {"code_challenge": "x"}, {"request": "x"},
     {"scope": "bogus", "state": None}],
    ids=repr,
)  # fmt: skip
def test_an_error_names_the_issuer(
    browser: Browser, app: OAuthClient, changes: dict[str, str | None]
) -> None:
    got = answer(browser.get("/oauth/authorize", params=app.parameters(**changes)))
    assert got["iss"] == app.troth.issuer
    assert got["error"]


@spec("RFC 9207 §2")
def test_a_denial_names_the_issuer(troth: Troth, ada: Person, browser: Browser) -> None:
    client = troth.client()
    got = answer(browser.authorize(client.parameters(), ada, decision="deny"))
    assert (got["error"], got["iss"]) == ("access_denied", troth.issuer)


@spec("RFC 9207 §2.3", "RFC 8414 §2")
def test_the_metadata_says_so_and_names_the_very_same_issuer(
    browser: Browser, app: OAuthClient, ada: Person
) -> None:
    metadata = browser.get("/.well-known/oauth-authorization-server").json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert answer(browser.authorize(app.parameters(), ada))["iss"] == metadata["issuer"]


@spec("RFC 9207 §2.4")
def test_an_issuer_sent_by_somebody_is_never_echoed(browser: Browser, app: OAuthClient) -> None:
    asked = app.parameters(iss="https://evil.example", scope="bogus")
    response = browser.get("/oauth/authorize", params=asked)
    assert answer(response)["iss"] == app.troth.issuer
    assert "evil.example" not in response.headers["location"]
