"""Several people in one browser: who is used, who is picked, and that nobody is mixed up."""

from typing import Any

from tests.harness import Browser, OAuthClient, Person, Troth, answer, forms
from tests.oidc.conftest import know, verified
from tests.spec import spec

LOGIN, SELECT, CONSENT = 'id="login"', 'id="select"', 'id="consent"'


def ask(browser: Browser, rp: OAuthClient, **parameters: str) -> Any:
    asked = rp.parameters(scope="openid", **parameters)
    return browser.follow(browser.get("/oauth/authorize", params=asked))


def allowed(browser: Browser, page: Any) -> Any:
    if CONSENT in page.text:
        return browser.follow(browser.submit(page, "consent", {"decision": "allow"}))
    return page


def subject(troth: Troth, rp: OAuthClient, got: Any) -> str:
    tokens = rp.redeem(answer(got)["code"]).json()
    return str(verified(troth, tokens["id_token"]).claims["sub"])


def two(troth: Troth, rp: OAuthClient) -> tuple[Browser, Person, Person]:
    """A browser in which two people are signed in; the second one is in use."""
    browser, first, second = Browser(troth), troth.person(), troth.person()
    browser.authorize(rp.parameters(scope="openid"), first)
    page = ask(browser, rp, prompt="select_account")
    page = browser.follow(browser.submit(page, "select", {"decision": "another"}))
    assert LOGIN in page.text
    got = allowed(browser, browser.sign_in(page, second))
    assert subject(troth, rp, got) == second.sub
    return browser, first, second


def picked(browser: Browser, page: Any, person: Person) -> Any:
    """Press the button of a person's account."""
    before, _, _ = page.text.partition(person.username)
    reference = before.rpartition('name="session" value="')[2].partition('"')[0]
    inputs = forms(page.text)["select"]["inputs"]
    return browser.follow(browser.post("/select", [*inputs, ("session", reference)]))


@spec("OIDC Core §3.1.2.1")
def test_a_person_picks_one_of_the_accounts_that_are_signed_in(
    troth: Troth, rp: OAuthClient
) -> None:
    browser, first, second = two(troth, rp)
    page = ask(browser, rp, prompt="select_account")
    assert SELECT in page.text
    assert first.username in page.text
    assert second.username in page.text
    got = picked(browser, page, first)
    assert subject(troth, rp, got) == first.sub
    assert subject(troth, rp, ask(browser, rp, prompt="none")) == first.sub, "in use from now on"
    again = ask(browser, rp, prompt="select_account")
    assert second.username in again.text, "and the other one is still there"


@spec("OIDC Core §3.1.2.1")
def test_a_choice_is_for_one_request_and_no_consent_is_borrowed(
    troth: Troth, rp: OAuthClient
) -> None:
    browser, first, second = two(troth, rp)
    assert SELECT in ask(browser, rp, prompt="select_account").text
    assert SELECT in ask(browser, rp, prompt="select_account").text
    other = troth.client(scope="openid email")
    asked = other.parameters(scope="openid email", prompt="select_account")
    page = browser.follow(browser.get("/oauth/authorize", params=asked))
    page = picked(browser, page, first)
    assert CONSENT in page.text
    assert first.username in page.text
    assert second.username not in page.text


def test_an_account_goes_by_the_name_of_its_person_and_their_address(
    troth: Troth, rp: OAuthClient
) -> None:
    browser, person = Browser(troth), troth.person()
    know(troth, person, name="Katherine <Johnson>")
    browser.authorize(rp.parameters(scope="openid"), person)
    page = ask(browser, rp, prompt="select_account")
    assert "Katherine &lt;Johnson&gt;" in page.text
    assert f"{person.username}@people.example" in page.text


@spec("OIDC Core §3.1.2.1")
def test_cancel_on_the_account_page_is_a_denial(troth: Troth, rp: OAuthClient) -> None:
    browser, _, _ = two(troth, rp)
    page = ask(browser, rp, prompt="select_account")
    got = browser.submit(page, "select", {"decision": "deny"})
    assert answer(got)["error"] == "access_denied"
    again = browser.follow(browser.submit(page, "select", {"decision": "deny"}))
    assert "already answered" in again.text


def test_when_the_account_in_use_has_ended_nobody_else_takes_its_place(
    troth: Troth, rp: OAuthClient
) -> None:
    browser, first, second = two(troth, rp)
    troth.execute("update session set ended_at = 1 where sub = ?", second.sub)
    got = ask(browser, rp, prompt="none")
    assert answer(got)["error"] == "login_required"
    page = ask(browser, rp)
    assert LOGIN in page.text
    assert first.username not in page.text
    got = allowed(browser, browser.sign_in(page, second))
    assert subject(troth, rp, got) == second.sub
    assert first.username in ask(browser, rp, prompt="select_account").text


def test_AZ_28_an_account_of_another_browser_cannot_be_picked(
    troth: Troth, rp: OAuthClient
) -> None:
    browser, _, _ = two(troth, rp)
    stranger, victim, _ = two(troth, rp)
    theirs = ask(stranger, rp, prompt="select_account")
    reference = theirs.text.rpartition('name="session" value="')[2].partition('"')[0]
    page = ask(browser, rp, prompt="select_account")
    inputs = forms(page.text)["select"]["inputs"]
    got = browser.post("/select", [*inputs, ("session", reference)])
    assert got.status_code == 400
    assert victim.username not in got.text
    taken = stranger.post("/select", [*inputs, ("session", reference)])
    assert taken.status_code == 403, "the form is of another browser"


def test_logging_in_twice_is_one_account_with_one_session(troth: Troth, rp: OAuthClient) -> None:
    browser, first, second = two(troth, rp)
    sessions = "select count(*) from session where sub in (?, ?) and ended_at is null"
    assert troth.rows(sessions, first.sub, second.sub) == [(2,)]
    old = browser.http.cookies["troth-session"]
    got = browser.sign_in(ask(browser, rp, prompt="login"), first)
    assert subject(troth, rp, got) == first.sub
    assert troth.rows(sessions, first.sub, second.sub) == [(2,)]
    new = browser.http.cookies["troth-session"]
    assert len(new.split(".")) == 2
    assert not set(new.split(".")[:1]) & set(old.split("."))


def test_a_browser_holds_five_accounts_and_the_eldest_goes(troth: Troth, rp: OAuthClient) -> None:
    browser, people = Browser(troth), [troth.person() for _ in range(6)]
    browser.authorize(rp.parameters(scope="openid"), people[0])
    for person in people[1:]:
        browser.sign_in(ask(browser, rp, prompt="login"), person)
    page = ask(browser, rp, prompt="select_account")
    shown = [person for person in people if person.username in page.text]
    assert shown == people[1:]
    ended = "select count(*) from session where sub = ? and ended_at is not null"
    assert troth.rows(ended, people[0].sub) == [(1,)]


@spec("OIDC Core §3.1.2.1")
def test_who_has_to_confirm_it_is_them_still_has_to_after_a_wrong_password(
    troth: Troth, rp: OAuthClient
) -> None:
    browser, first, second = two(troth, rp)
    page = ask(browser, rp, prompt="login")
    for _ in range(2):
        assert "<h1>Confirm it is you</h1>" in page.text
        assert "Not you?" in page.text
        typed = {"username": second.username, "password": "canary of a wrong one"}
        page = browser.submit(page, "login", typed)
        assert page.status_code == 400
    other = browser.get(page.text.partition('id="other-account" href="')[2].partition('"')[0])
    assert "Confirm it is you" not in other.text
    wrong = browser.submit(other, "login", {"username": first.username, "password": "canary"})
    assert "Confirm it is you" not in wrong.text, "somebody else logs in"
    got = allowed(browser, browser.sign_in(wrong, first))
    assert subject(troth, rp, got) == first.sub
