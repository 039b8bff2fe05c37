"""Scopes and audiences: never wider than registered, asked for, or allowed."""

import time

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.harness import Browser, OAuthClient, Person, Plain, Troth, answer, forms
from tests.oracles import refused
from tests.spec import spec


def consent(browser: Browser, app: OAuthClient, person: Person, **changes: str) -> httpx2.Response:
    """The consent page of a person who is logged in."""
    page = browser.follow(browser.get("/oauth/authorize", params=app.parameters(**changes)))
    return browser.sign_in(page, person) if 'id="login"' in page.text else page


def granted(app: OAuthClient, response: httpx2.Response) -> set[str]:
    return set(app.redeem(answer(response)["code"]).json()["scope"].split())


@spec("RFC 6749 §3.3", "RFC 6749 §4.1.2.1")
def test_SC_01_a_scope_that_is_not_registered_is_refused(
    troth: Troth, ada: Person, browser: Browser
) -> None:
    app = troth.client("--grant-type", "client_credentials", scope="read_write", name="Canary S1")
    form = {"grant_type": "client_credentials", **app.credentials()}
    assert refused(app.post("/oauth/token", {**form, "scope": "extra"}), "invalid_scope")
    assert refused(app.post("/oauth/token", {**form, "scope": "read_write extra"}), "invalid_scope")
    web = troth.client(scope="read_write", name="Canary S2")
    response = browser.follow(browser.get("/oauth/authorize", params=web.parameters(scope="extra")))
    assert answer(response)["error"] == "invalid_scope"


BENT = [
    "read_write\textra",
    " read_write",
    "read_write  extra",
    'read"write',
    "read\\write",
    "lesen_ä",
    "\x00",
    "read_write\n",
    '["read_write"]',
    " ".join(f"s{number}" for number in range(2000)),
]


@spec("RFC 6749 §3.3")
@pytest.mark.parametrize("scope", BENT, ids=lambda scope: repr(scope[:16]))
def test_SC_02_a_bent_scope_is_refused_in_linear_time(
    troth: Troth, app: OAuthClient, ada: Person, scope: str
) -> None:
    tokens = app.tokens(ada)
    started = time.monotonic()
    response = app.refresh(tokens["refresh_token"], scope=scope)
    assert response.json()["error"] in {"invalid_scope", "invalid_request"}
    assert time.monotonic() - started < 10, "G8"
    assert app.refresh(tokens["refresh_token"]).status_code == 200


@spec("RFC 6749 §10.3")
def test_SC_03_a_form_cannot_add_what_was_not_asked(troth: Troth, app: OAuthClient) -> None:
    browser, person = Browser(troth), troth.person()
    page = consent(browser, app, person)
    found = forms(page.text)["consent"]
    inputs = [*found["inputs"], ("scope", "extra"), ("scope", "admin"), ("decision", "allow")]
    assert granted(app, browser.post("/consent", inputs)) == {"read_write"}


@spec("RFC 6749 §3.3")
def test_SC_04_what_was_unticked_is_not_in_the_token(troth: Troth, app: OAuthClient) -> None:
    browser, person = Browser(troth), troth.person()
    page = consent(browser, app, person, scope="read_write extra")
    found = forms(page.text)["consent"]
    assert ("scope", "extra") in found["inputs"], "optional scopes are ticked at first"
    inputs = [pair for pair in found["inputs"] if pair != ("scope", "extra")]
    response = browser.post("/consent", [*inputs, ("decision", "allow")])
    tokens = app.redeem(answer(response)["code"]).json()
    assert tokens["scope"] == "read_write"
    assert app.introspect(tokens["access_token"])["scope"] == "read_write"
    assert refused(app.refresh(tokens["refresh_token"], scope="extra"), "invalid_scope")


def test_SC_05_a_new_scope_and_another_client_ask_again(troth: Troth, app: OAuthClient) -> None:
    browser, person = Browser(troth), troth.person()
    app.code(person, browser)
    again = browser.follow(browser.get("/oauth/authorize", params=app.parameters()))
    assert "code" in answer(again), "remembered"
    page = consent(browser, app, person, scope="read_write extra")
    assert 'id="consent"' in page.text
    twin = troth.client(name="Canary App")
    assert 'id="consent"' in consent(browser, twin, person).text


def test_SC_06_consent_is_not_remembered_for_a_public_client(
    troth: Troth, native: OAuthClient
) -> None:
    browser, person = Browser(troth), troth.person()
    parameters = {"redirect_uri": "com.example.app:/cb"}
    assert native.code(person, browser, **parameters)
    assert 'id="consent"' in consent(browser, native, person, **parameters).text


RESOURCES = [
    "relative/path",
    "/absolute/path",
    "https://api.example/#fragment",
    "https://elsewhere.example",
    "javascript:alert(1)",
]


@spec("RFC 8707 §2")
@pytest.mark.parametrize("resource", RESOURCES)
def test_SC_07_a_resource_that_is_none_of_ours_is_refused(
    app: OAuthClient, ada: Person, browser: Browser, resource: str
) -> None:
    response = browser.follow(
        browser.get("/oauth/authorize", params=app.parameters(resource=resource))
    )
    assert answer(response)["error"] in {"invalid_target", "invalid_request"}


@spec("RFC 8707 §2", "RFC 8707 §2.2")
def test_SC_07_many_resources_are_refused_and_the_audience_itself_is_taken(
    troth: Troth, app: OAuthClient, ada: Person
) -> None:
    tokens = app.tokens(ada, resource=troth.issuer)
    assert app.introspect(tokens["access_token"])["aud"] == troth.issuer
    many = [("resource", f"{troth.issuer}/{number}") for number in range(50)]
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    with Plain(troth) as http:
        response = http.post("/oauth/token", [*form.items(), *app.credentials().items(), *many])
    assert response.json()["error"] in {"invalid_target", "invalid_request"}


@spec("RFC 9068 §3")
def test_SC_09_a_token_is_for_one_audience(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine
) -> None:
    folder = tmp_path_factory.mktemp("audience")
    troth = installed(engine.troth(folder, default_audience="https://api.example"))
    try:
        app, person = troth.client(), troth.person()
        tokens = app.tokens(person)
        assert app.introspect(tokens["access_token"])["aud"] == "https://api.example"
    finally:
        troth.stop()
