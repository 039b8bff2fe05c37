"""The authorization endpoint while a person decides: whose browser, what answer, what changed."""

from urllib.parse import urlsplit

import httpx2
import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer, forms, is_page
from tests.spec import spec


def consent_page(browser: Browser, client: OAuthClient, person: Person) -> httpx2.Response:
    """The consent page of a person who has just logged in."""
    page = browser.follow(browser.get("/oauth/authorize", params=client.parameters()))
    page = browser.sign_in(page, person)
    assert 'id="consent"' in page.text
    return page


def codes_issued(troth: Troth, client: OAuthClient) -> int:
    sql = "select count(*) from audit where event = 'code.issued' and client_id = ?"
    return int(troth.rows(sql, client.client_id)[0][0])


@pytest.fixture
def fresh(troth: Troth) -> OAuthClient:
    return troth.client()


@spec("RFC 6749 §10.12")
def test_AZ_28_a_strangers_browser_cannot_go_on_with_a_request(
    troth: Troth, other_app: OAuthClient, ada: Person, browser: Browser
) -> None:
    attacker, victim = browser, Browser(troth)
    page = consent_page(attacker, other_app, troth.person())
    interaction = f"{urlsplit(str(page.request.url)).path}?{page.request.url.query.decode()}"
    assert is_page(victim.get(interaction))
    victim.authorize(other_app.parameters(), ada)
    before = troth.digest()
    assert is_page(victim.get(interaction))
    assert is_page(victim.get(interaction.replace("/consent", "/login")))
    assert is_page(victim.submit(page, "consent", {"decision": "allow"}))
    assert troth.digest() == before


@spec("RFC 6749 §10.12")
def test_AZ_28_a_strangers_request_in_an_own_form_is_not_answered(
    troth: Troth, fresh: OAuthClient, browser: Browser
) -> None:
    foreign = consent_page(browser, fresh, troth.person())
    stolen = dict(forms(foreign.text)["consent"]["inputs"])["pending"]
    victim = Browser(troth)
    own = consent_page(victim, fresh, troth.person())
    response = victim.submit(own, "consent", {"decision": "allow", "pending": stolen})
    assert is_page(response)
    assert codes_issued(troth, fresh) == 0
    assert "code" in answer(victim.submit(own, "consent", {"decision": "allow"}))


@spec("RFC 6749 §10.12")
def test_AZ_28_nobody_else_can_answer_for_the_person_who_logged_in(
    troth: Troth, fresh: OAuthClient, ada: Person, browser: Browser
) -> None:
    """The same browser, another login in between: the old form is of another session."""
    page = consent_page(browser, fresh, ada)
    stranger = troth.person()
    browser.http.cookies.delete("troth-session")
    browser.sign_in(browser.get("/login"), stranger)
    assert is_page(browser.submit(page, "consent", {"decision": "allow"}))
    assert codes_issued(troth, fresh) == 0


@spec("RFC 6749 §4.1.2.1")
def test_AZ_34_a_denial_is_final(troth: Troth, fresh: OAuthClient, browser: Browser) -> None:
    page = consent_page(browser, fresh, troth.person())
    kept = ("authorization", "chain")
    before = [troth.digest()[table] for table in kept]
    got = answer(browser.submit(page, "consent", {"decision": "deny"}))
    assert got.keys() == {"error", "error_description", "state", "iss"}
    assert (got["error"], got["state"]) == ("access_denied", "canary-state")
    assert is_page(browser.submit(page, "consent", {"decision": "allow"}))
    assert [troth.digest()[table] for table in kept] == before
    assert codes_issued(troth, fresh) == 0


@spec("RFC 6749 §4.1.2")
def test_AZ_34_an_approval_is_answered_once(
    troth: Troth, fresh: OAuthClient, browser: Browser
) -> None:
    page = consent_page(browser, fresh, troth.person())
    assert "code" in answer(browser.submit(page, "consent", {"decision": "allow"}))
    before = troth.digest()
    for decision in ("allow", "deny"):
        assert is_page(browser.submit(page, "consent", {"decision": decision}))
    assert troth.digest() == before


@spec("RFC 6749 §4.1.1")
@pytest.mark.parametrize("decision", ["", "ALLOW", "yes"])
def test_AZ_34_anything_but_yes_is_not_a_yes(
    troth: Troth, other_app: OAuthClient, browser: Browser, decision: str
) -> None:
    page = consent_page(browser, other_app, troth.person())
    before = troth.digest()
    assert is_page(browser.submit(page, "consent", {"decision": decision}))
    assert troth.digest() == before


@spec("RFC 6749 §4.1.2")
@pytest.mark.parametrize("change", ["disable", "delete", "redirect"])
def test_AZ_35_a_client_that_changed_meanwhile_gets_no_code(
    troth: Troth, fresh: OAuthClient, browser: Browser, change: str
) -> None:
    page = consent_page(browser, fresh, troth.person())
    words = {
        "disable": ("disable", fresh.client_id),
        "delete": ("delete", fresh.client_id, "--yes"),
        "redirect": ("update", fresh.client_id, "--redirect-uri", "https://app.example/new"),
    }
    troth.cli("client", *words[change])
    assert is_page(browser.follow(browser.submit(page, "consent", {"decision": "allow"})))
    assert codes_issued(troth, fresh) == 0
    if change != "redirect":
        again = browser.get("/oauth/authorize", params=fresh.parameters())
        assert is_page(again)


@spec("RFC 6749 §4.1.2")
@pytest.mark.parametrize("change", ["disable", "delete"])
def test_AZ_35_a_person_who_was_disabled_or_deleted_gives_no_code(
    troth: Troth, fresh: OAuthClient, browser: Browser, change: str
) -> None:
    person = troth.person()
    page = consent_page(browser, fresh, person)
    troth.cli("user", change, person.username, *(["--yes"] if change == "delete" else []))
    response = browser.follow(browser.submit(page, "consent", {"decision": "allow"}))
    assert is_page(response) or 'id="login"' in response.text
    again = browser.follow(browser.get("/oauth/authorize", params=fresh.parameters()))
    assert 'id="login"' in again.text
    assert codes_issued(troth, fresh) == 0
