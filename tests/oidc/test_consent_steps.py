"""The consent page is one step of several: it is shown, and counts, where it is the next one."""

from typing import Any

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer
from tests.oidc.test_accounts import ask, picked, subject
from tests.spec import spec

LOGIN, SELECT, CONSENT = 'id="login"', 'id="select"', 'id="consent"'
ALLOW = {"decision": "allow"}


def inside(troth: Troth) -> tuple[Browser, Person]:
    browser, person = Browser(troth), troth.person()
    browser.sign_in(browser.get("/login"), person)
    return browser, person


def reload(browser: Browser, page: Any) -> Any:
    return browser.follow(browser.get(str(page.url)))


@spec("OIDC Core §3.1.2.1", "RFC 8252 §8.6")
def test_who_thinks_for_longer_than_max_age_logs_in_and_their_answer_counts(
    troth: Troth, native: OAuthClient
) -> None:
    browser, person = inside(troth)
    asked = native.parameters(max_age="100")
    page = browser.follow(browser.get("/oauth/authorize", params=asked))
    assert CONSENT in page.text
    earlier = "update session set authenticated_at = authenticated_at - 200 where sub = ?"
    troth.execute(earlier, person.sub)
    before = troth.digest()
    login = browser.follow(browser.submit(page, "consent", ALLOW))
    assert LOGIN in login.text
    assert troth.digest() == before, "nothing was answered by somebody who has to log in"
    assert LOGIN in reload(browser, page).text
    page = browser.sign_in(login, person)
    assert CONSENT in page.text
    assert "code" in answer(browser.submit(page, "consent", ALLOW))


@spec("OIDC Core §3.1.2.4")
def test_CP_05_a_question_of_one_person_becomes_nobody_elses_unasked(
    troth: Troth, rp: OAuthClient
) -> None:
    """Somebody else signs in by another tab, and the first one is loaded again."""
    for chooses in ("the first", "the second"):
        browser, first = inside(troth)
        second = troth.person()
        page = ask(browser, rp)
        assert CONSENT in page.text
        beside = ask(browser, rp, prompt="login")
        assert CONSENT in browser.sign_in(beside, second).text
        assert browser.submit(page, "consent", ALLOW).status_code == 403
        choice = reload(browser, page)
        assert SELECT in choice.text, "the page would be in the other one's name"
        person = first if chooses == "the first" else second
        asked = picked(browser, choice, person)
        assert CONSENT in asked.text
        assert person.username in asked.text
        got = browser.submit(asked, "consent", ALLOW)
        assert subject(troth, rp, got) == person.sub


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_CP_05_a_page_that_was_answered_is_not_shown_again(
    troth: Troth, rp: OAuthClient, decision: str
) -> None:
    browser, _ = inside(troth)
    page = ask(browser, rp)
    answer(browser.submit(page, "consent", {"decision": decision}))
    back = reload(browser, page)
    assert back.status_code == 400
    assert "already answered" in back.text


@spec("OIDC Core §3.1.2.4")
def test_what_was_allowed_in_another_tab_is_not_asked_again_and_can_still_be_denied(
    troth: Troth, rp: OAuthClient
) -> None:
    browser, person = inside(troth)
    one, two = ask(browser, rp), ask(browser, rp)
    assert "code" in answer(browser.submit(one, "consent", ALLOW))
    assert subject(troth, rp, reload(browser, two)) == person.sub
    denied = answer(browser.submit(two, "consent", {"decision": "deny"}))
    assert denied["error"] == "access_denied"
