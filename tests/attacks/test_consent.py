"""What people are asked, what is remembered, and what an answer can change."""

import secrets
import time
from typing import Any

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer, forms


@pytest.fixture
def inside(troth: Troth, ada: Person) -> Browser:
    browser = Browser(troth)
    browser.sign_in(browser.get("/login"), ada)
    return browser


def ask(browser: Browser, client: OAuthClient, **changes: str | None) -> Any:
    return browser.follow(browser.get("/oauth/authorize", params=client.parameters(**changes)))


def test_CP_01_the_page_says_who_asks_for_what_as_whom_and_for_how_long(
    troth: Troth, inside: Browser
) -> None:
    client = troth.client("--client-uri", "https://maker.example/about", name="Canary Planner")
    html = ask(inside, client, scope="read_write extra").text
    for words in (
        "Canary Planner",
        "maker.example",
        "app.example",
        "ada",
        "See and change your things",
        "See extra things",
        "at most",
        'id="deny"',
        'id="allow"',
    ):
        assert words in html, words
    nameless = ask(inside, troth.client()).text
    assert "does not say who publishes it" in nameless


@pytest.mark.parametrize("uri", ["http://127.0.0.1/cb", "com.example.planner:/cb"])
def test_CP_03_a_public_client_on_a_device_is_always_asked_about(
    troth: Troth, ada: Person, inside: Browser, uri: str
) -> None:
    client = troth.client("--auth-method", "none", redirect_uris=(uri,))
    assert "code" in answer(inside.authorize(client.parameters(), ada))
    again = ask(inside, client)
    assert 'id="consent"' in again.text
    remembered = troth.client()
    assert "code" in answer(inside.authorize(remembered.parameters(), ada))
    assert "code" in answer(ask(inside, remembered)), "a confidential one is remembered"


def test_CP_03_a_new_scope_asks_again(troth: Troth, ada: Person, inside: Browser) -> None:
    client = troth.client()
    assert "code" in answer(inside.authorize(client.parameters(), ada))
    page = ask(inside, client, scope="read_write extra")
    assert 'id="consent"' in page.text
    assert "marked as new" in page.text


def test_CP_04_each_request_needs_its_own_answer(troth: Troth, inside: Browser) -> None:
    client = troth.client()
    pages = [ask(inside, client) for _ in range(20)]
    assert all('id="consent"' in page.text for page in pages)
    deny = {"decision": "deny"}
    for page in pages[:3]:
        assert answer(inside.submit(page, "consent", deny))["error"] == "access_denied"
    assert 'id="consent"' in ask(inside, client).text, "a denial answers one request only"


def test_CP_05_an_answer_can_change_nothing_of_the_request(
    troth: Troth, ada: Person, other_app: OAuthClient, inside: Browser
) -> None:
    client = troth.client()
    page = ask(inside, client)
    changes = {
        "decision": "allow",
        "client_id": other_app.client_id,
        "redirect_uri": other_app.redirect_uri,
        "sub": "somebody",
        "username": "somebody",
        "state": "changed",
        "scope": "extra",
    }
    response = inside.submit(page, "consent", changes)
    got = answer(response)
    assert response.headers["location"].startswith(client.redirect_uri + "?")
    assert got["state"] == "canary-state"
    tokens = client.redeem(got["code"]).json()
    assert tokens["scope"] == "read_write", "what was not asked for is not granted"
    assert client.introspect(tokens["access_token"])["sub"] == ada.sub


def test_CP_05_an_answer_counts_once(troth: Troth, inside: Browser) -> None:
    page = ask(inside, troth.client())
    assert answer(inside.submit(page, "consent", {"decision": "deny"}))["error"] == "access_denied"
    before = troth.digest()
    second = inside.submit(page, "consent", {"decision": "allow"})
    assert second.status_code == 400
    assert "location" not in second.headers
    assert troth.digest() == before


@pytest.mark.parametrize("decision", ["", "yes", "ALLOW", "allow "])
def test_CP_05_only_a_plain_yes_is_one(troth: Troth, inside: Browser, decision: str) -> None:
    page = ask(inside, troth.client())
    before = troth.digest()
    response = inside.submit(page, "consent", {"decision": decision})
    assert response.status_code == 400
    assert troth.digest() == before


def test_SE_11_CP_05_a_consent_page_of_another_person_is_refused(
    troth: Troth, ada: Person, inside: Browser
) -> None:
    client = troth.client()
    page = ask(inside, client)
    found = dict(forms(page.text)["consent"]["inputs"])
    inside.submit(inside.get("/logout"), "logout")
    other = troth.person()
    again = inside.sign_in(ask(inside, client), other)
    assert 'id="consent"' in again.text
    assert other.username in again.text, "the page names the account it acts for"
    response = inside.post("/consent", found | {"decision": "allow"})
    assert response.status_code == 403
    assert not troth.rows('select 1 from "authorization" where client_id = ?', client.client_id)


def without(page: Any, name: str) -> list[tuple[str, str]]:
    """The form with one scope unticked, and Allow pressed."""
    inputs = forms(page.text)["consent"]["inputs"]
    return [*(pair for pair in inputs if pair != ("scope", name)), ("decision", "allow")]


def define(troth: Troth, *more: str) -> str:
    """A scope that people may leave out, of this test alone."""
    name = f"scope_{secrets.token_hex(4)}"
    troth.cli("scope", "add", name, "--description", "See canary things", "--optional", *more)
    return name


def scopes_of(troth: Troth, client: OAuthClient) -> list[str]:
    rows = troth.rows('select scope from "authorization" where client_id = ?', client.client_id)
    return [scope for (scope,) in rows]


@pytest.mark.parametrize("words", ["See canary things", "Change canary things"])
def test_CP_05_what_was_left_out_is_not_granted_though_it_became_required(
    troth: Troth, inside: Browser, words: str
) -> None:
    """The operator changes what the person reads, or may leave out, while they decide."""
    name = define(troth)
    client = troth.client(scope=f"read_write {name}")
    page = ask(inside, client, scope=f"read_write {name}")
    optional = ["--optional"] if words.startswith("Change") else []
    troth.cli("scope", "add", name, "--description", words, *optional)
    before = troth.digest()
    again = inside.post("/consent", without(page, name))
    assert again.status_code == 400
    assert "was changed while you decided" in again.text
    assert words in again.text
    assert troth.digest() == before, "nothing was answered"
    ticked = ("scope", name) in forms(again.text)["consent"]["inputs"]
    assert not ticked, "what was unticked stays so"
    got = answer(inside.submit(again, "consent", {"decision": "allow"}))
    expected = "read_write" if optional else f"read_write {name}"
    assert client.redeem(got["code"]).json()["scope"] == expected
    assert scopes_of(troth, client) == [expected]


def test_CP_05_a_scope_that_was_removed_is_asked_about_no_more(
    troth: Troth, inside: Browser
) -> None:
    name = define(troth)
    client = troth.client(scope=f"read_write {name}")
    both, alone = (ask(inside, client, scope=s) for s in (f"read_write {name}", name))
    troth.cli("scope", "remove", name, "--yes")
    again = inside.post("/consent", without(both, name))
    assert 'id="consent"' in again.text
    assert f'value="{name}"' not in again.text
    got = answer(inside.submit(again, "consent", {"decision": "allow"}))
    assert client.redeem(got["code"]).json()["scope"] == "read_write"
    refused = answer(inside.submit(alone, "consent", {"decision": "allow"}))
    assert refused["error"] == "invalid_scope"
    assert scopes_of(troth, client) == ["read_write"]


def test_CP_05_a_longer_end_than_was_shown_is_not_given(troth: Troth, inside: Browser) -> None:
    """What ends soon was not on the page, and has ended while the person decided."""
    client = troth.client()
    assert "code" in answer(inside.submit(ask(inside, client), "consent", {"decision": "allow"}))
    end = 'update "authorization" set expires_at = ? where client_id = ?'
    troth.execute(end, int(time.time()) + 30 * 86400, client.client_id)
    page = ask(inside, client, scope="extra")
    assert "at most until" in page.text
    troth.execute(end, int(time.time()) - 1, client.client_id)
    again = inside.submit(page, "consent", {"decision": "allow"})
    assert "was changed while you decided" in again.text
    assert "at most 1 year" in again.text
