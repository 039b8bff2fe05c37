"""The authorization endpoint, sentence by sentence (RFC 6749 §3.1, §3.3, §4.1.1, §4.1.2)."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer
from tests.spec import spec


@pytest.fixture(scope="module")
def ready(troth: Troth, app: OAuthClient, ada: Person) -> Iterator[Browser]:
    """A browser in which the person is logged in and has allowed the application."""
    browser = Browser(troth)
    browser.authorize(app.parameters(), ada)
    yield browser
    browser.http.close()


def ask(browser: Browser, parameters: Any) -> dict[str, str]:
    return answer(browser.get("/oauth/authorize", params=parameters))


@spec("RFC 6749 §3.1")
def test_a_parameter_without_a_value_is_as_if_it_were_omitted(
    ready: Browser, app: OAuthClient
) -> None:
    assert ask(ready, app.parameters(state="")).keys() == {"code", "iss"}
    assert ask(ready, app.parameters(scope=""))["error"] == "invalid_scope"
    assert "code" in ask(ready, app.parameters(code_challenge="", resource=""))


@spec("RFC 6749 §3.1")
def test_unrecognized_parameters_are_ignored(ready: Browser, app: OAuthClient) -> None:
    assert "code" in ask(ready, app.parameters(foo="bar", utm_source="mail", code="x", iss="y"))


@spec("RFC 6749 §3.1")
@pytest.mark.parametrize("name", ["scope", "response_type", "foo", "code_challenge"])
def test_a_parameter_that_comes_twice_is_an_error_for_the_application(
    ready: Browser, app: OAuthClient, name: str
) -> None:
    pairs = [*app.parameters(**{name: "code"}).items(), (name, "code")]
    got = ask(ready, pairs)
    assert (got["error"], got["state"]) == ("invalid_request", "canary-state")


@spec("RFC 6749 §3.1")
def test_a_state_that_comes_twice_is_not_echoed(ready: Browser, app: OAuthClient) -> None:
    got = ask(ready, [*app.parameters().items(), ("state", "other")])
    assert got["error"] == "invalid_request"
    assert "state" not in got


@spec("RFC 6749 §3.1.2")
def test_the_query_of_a_redirect_uri_is_kept(troth: Troth, ada: Person) -> None:
    client = troth.client(redirect_uris=("https://app.example/q?x=1&y=%2F",))
    browser = Browser(troth)
    for response in (
        browser.authorize(client.parameters(), ada),
        browser.get("/oauth/authorize", params=client.parameters(scope="bogus")),
    ):
        location = urlsplit(response.headers["location"])
        assert location.query.startswith("x=1&y=%2F&")
        assert dict(parse_qsl(location.query))["state"] == "canary-state"


@spec("RFC 6749 §3.1.2.3", "RFC 6749 §4.1.3")
def test_a_redirect_uri_left_out_at_the_start_may_be_left_out_at_the_end(
    ready: Browser, app: OAuthClient, ada: Person
) -> None:
    code = app.code(ada, ready, redirect_uri=None)
    assert app.redeem(code, redirect_uri=None).status_code == 200


@spec("RFC 6749 §3.3", "RFC 6749 §4.1.2.1")
@pytest.mark.parametrize(
    "scope", ["bogus", "read_write bogus", "Read_Write", 'a"b', "a\\b", "a  b"]
)
def test_a_scope_that_is_unknown_or_malformed_is_invalid_scope(
    ready: Browser, app: OAuthClient, scope: str
) -> None:
    got = ask(ready, app.parameters(scope=scope))
    assert (got["error"], got["state"]) == ("invalid_scope", "canary-state")


@spec("RFC 6749 §3.3")
def test_the_order_and_repetition_of_scopes_do_not_matter(
    ready: Browser, app: OAuthClient, ada: Person
) -> None:
    tokens = app.tokens(ada, ready, scope="extra read_write extra")
    assert sorted(tokens["scope"].split()) == ["extra", "read_write"]
    assert "code" in ask(ready, app.parameters(scope="read_write extra"))


@spec("RFC 6749 §4.1.2.1")
def test_a_client_without_the_grant_type_is_unauthorized(ready: Browser, troth: Troth) -> None:
    machine = troth.client("--grant-type", "client_credentials")
    assert ask(ready, machine.parameters())["error"] == "unauthorized_client"


@spec("RFC 6749 §3.1")
def test_a_posted_request_and_the_same_in_the_url_are_answered_alike(
    ready: Browser, app: OAuthClient
) -> None:
    response = ready.follow(ready.post("/oauth/authorize", app.parameters()))
    assert answer(response).keys() == {"code", "state", "iss"}
    other = {"content-type": "text/plain"}
    content = urlencode(app.parameters()).encode()
    assert ready.post("/oauth/authorize", content=content, headers=other).status_code == 415
