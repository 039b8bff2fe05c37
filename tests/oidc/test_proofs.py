"""A login that was asked for counts once, and nobody is found out by asking for them."""

import json

from tests.harness import Browser, OAuthClient, Person, Troth, answer, is_page
from tests.oidc.conftest import SCOPE
from tests.oidc.test_authentication_request import CONSENT, LOGIN, ask, error
from tests.spec import spec


def named(sub: str) -> str:
    return json.dumps({"id_token": {"sub": {"value": sub}}})


@spec("OIDC Core §3.1.2.1")
def test_AZ_09_one_login_answers_one_request_once(
    troth: Troth, rp: OAuthClient, browser: Browser
) -> None:
    person = troth.person()
    page = browser.sign_in(ask(browser, rp, prompt="login"), person)
    assert CONSENT in page.text
    pending = str(page.url.query, "ascii")
    allowed = browser.follow(browser.submit(page, "consent", {"decision": "allow"}))
    assert "code" in answer(allowed)
    for path in ("/login", "/consent", "/select"):
        again = browser.follow(browser.get(f"{path}?{pending}"))
        if path == "/login":
            assert is_page(again), "who finds the address in the history has logged in for nothing"
        assert "code=" not in again.headers.get("location", ""), path


@spec("OIDC Core §3.1.2.1")
def test_a_login_that_is_sent_twice_leads_on_both_times(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    page = ask(signed_in, rp, prompt="login")
    assert LOGIN in page.text
    for _ in range(2):
        assert "code" in answer(signed_in.sign_in(page, grace))


@spec("OIDC Core §3.1.2.6", "OIDC Core §5.5.1")
def test_AZ_12_a_stranger_does_not_find_out_who_is_signed_in(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    stranger = troth.client(scope=SCOPE)
    for sub in (grace.sub, "somebody"):
        asked = {"scope": "openid", "prompt": "none", "claims": named(sub)}
        assert error(signed_in, stranger, **asked) == "login_required", sub


@spec("OIDC Core §3.1.2.1")
def test_who_is_asked_for_is_not_taken_for_who_is_there(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    other = troth.person()
    page = ask(signed_in, rp, claims=named(other.sub))
    assert LOGIN in page.text
    assert grace.username not in page.text
    page = ask(signed_in, rp, claims=named(other.sub), login_hint=other.username)
    assert f'value="{other.username}"' in page.text
