"""Authentication requests: who is asked again, who is not, and what cannot be skipped."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer, is_page
from tests.oidc.conftest import SCOPE, verified
from tests.spec import spec

LOGIN, CONSENT = 'id="login"', 'id="consent"'


def ask(browser: Browser, rp: OAuthClient, **parameters: str | None) -> Any:
    asked = {"scope": "openid profile email", **parameters}
    return browser.follow(browser.get("/oauth/authorize", params=rp.parameters(**asked)))


def error(browser: Browser, rp: OAuthClient, **parameters: str | None) -> str:
    return answer(ask(browser, rp, **parameters))["error"]


@spec("OIDC Core §3.1.2.1", "OIDC Core §3.1.2.6")
def test_AZ_05_prompt_none_shows_nothing_and_changes_nothing(troth: Troth, rp: OAuthClient) -> None:
    browser, before = Browser(troth), troth.digest()
    response = browser.get("/oauth/authorize", params=rp.parameters(scope="openid", prompt="none"))
    got = answer(response)
    assert (got["error"], got["state"]) == ("login_required", "canary-state")
    assert "set-cookie" not in response.headers
    assert troth.digest() == before


@spec("OIDC Core §3.1.2.1", "OIDC Core §3.1.2.6")
def test_AZ_06_prompt_none_gives_no_more_than_was_agreed_to(
    troth: Troth, rp: OAuthClient, grace: Person
) -> None:
    browser, person = Browser(troth), troth.person()
    browser.authorize(rp.parameters(scope="openid email"), person)
    assert "code" in answer(ask(browser, rp, scope="openid email", prompt="none"))
    assert "code" in answer(ask(browser, rp, scope="openid", prompt="none"))
    for more in ("openid email phone", "openid profile"):
        assert error(browser, rp, scope=more, prompt="none") == "consent_required"
    claims = json.dumps({"userinfo": {"phone_number": None}})
    asked = {"scope": "openid", "claims": claims, "prompt": "none"}
    assert error(browser, rp, **asked) == "consent_required"
    stranger = troth.client(scope=SCOPE)
    assert error(browser, stranger, scope="openid", prompt="none") == "consent_required"


@spec("OIDC Core §3.1.2.1")
def test_AZ_09_prompt_login_asks_again_and_nothing_leads_around_it(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    first = answer(ask(signed_in, rp))["code"]
    before = verified(troth, rp.redeem(first).json()["id_token"]).claims
    troth.execute(
        "update session set authenticated_at = authenticated_at - 100 where sub = ?", grace.sub
    )
    page = ask(signed_in, rp, prompt="login")
    assert LOGIN in page.text
    pending = str(page.url.query, "ascii")
    for path in ("/login", "/consent", "/select"):
        resumed = signed_in.follow(signed_in.get(f"{path}?{pending}"))
        assert "code=" not in resumed.headers.get("location", ""), path
    consented = signed_in.follow(signed_in.get(f"/consent?{pending}"))
    if CONSENT in consented.text:
        allowed = signed_in.follow(signed_in.submit(consented, "consent", {"decision": "allow"}))
        assert LOGIN in allowed.text, "allowing is no login"
        page = allowed
    secret = signed_in.http.cookies["troth-session"]
    got = signed_in.sign_in(page, grace)
    after = verified(troth, rp.redeem(answer(got)["code"]).json()["id_token"]).claims
    assert signed_in.http.cookies["troth-session"] != secret
    assert (after["sub"], after["sid"]) == (before["sub"], before["sid"])
    assert after["auth_time"] > before["auth_time"] - 100
    again = ask(signed_in, rp, prompt="login")
    assert LOGIN in again.text, "the proof was for that request alone"
    assert LOGIN in signed_in.follow(signed_in.get(f"/login?{pending}")).text


@spec("OIDC Core §3.1.2.1")
def test_AZ_09_somebody_else_who_logs_in_has_only_what_is_theirs(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    other = troth.person()
    page = signed_in.sign_in(ask(signed_in, rp, prompt="login"), other)
    assert CONSENT in page.text, "Grace's consent is not theirs"
    got = signed_in.follow(signed_in.submit(page, "consent", {"decision": "allow"}))
    said = verified(troth, rp.redeem(answer(got)["code"]).json()["id_token"]).claims
    assert said["sub"] == other.sub


@spec("OIDC Core §3.1.2.1")
def test_AZ_11_max_age_asks_again_when_the_login_is_older(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    assert "code" in answer(ask(signed_in, rp, max_age="10000"))
    assert error(signed_in, rp, max_age="0", prompt="none") == "login_required"
    troth.execute(
        "update session set authenticated_at = authenticated_at - 60 where sub = ?", grace.sub
    )
    assert error(signed_in, rp, max_age="30", prompt="none") == "login_required"
    page = ask(signed_in, rp, max_age="30")
    assert LOGIN in page.text
    assert "code" in answer(signed_in.sign_in(page, grace))
    assert "code" in answer(ask(signed_in, rp, max_age="30"))


@spec("OIDC Core §3.1.2.1")
@pytest.mark.parametrize("age", ["-1", "abc", "1.5", "9" * 20, "0x10", " 5"])
def test_AZ_11_a_max_age_that_is_no_number_is_refused(
    rp: OAuthClient, signed_in: Browser, age: str
) -> None:
    assert error(signed_in, rp, max_age=age) == "invalid_request"


@spec("OIDC Core §3.1.2.1")
@pytest.mark.parametrize("prompt", ["none login", "bogus", "LOGIN", "none none consent", "create"])
def test_a_prompt_that_cannot_be_is_refused(
    rp: OAuthClient, signed_in: Browser, prompt: str
) -> None:
    assert error(signed_in, rp, prompt=prompt) == "invalid_request"


@spec("OIDC Core §3.1.2.1", "OIDC Core §3.1.2.4")
def test_prompt_consent_asks_although_it_was_agreed_to(rp: OAuthClient, signed_in: Browser) -> None:
    assert "code" in answer(ask(signed_in, rp))
    page = ask(signed_in, rp, prompt="consent")
    assert CONSENT in page.text
    got = signed_in.follow(signed_in.submit(page, "consent", {"decision": "deny"}))
    assert answer(got)["error"] == "access_denied"


@spec("OIDC Core §3.1.2.1", "OIDC Core §3.1.2.2")
def test_AZ_12_an_id_token_hint_says_who_it_must_be(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    own = rp.redeem(answer(ask(signed_in, rp))["code"]).json()["id_token"]
    assert "code" in answer(ask(signed_in, rp, prompt="none", id_token_hint=own))
    other = troth.person()
    theirs = rp.tokens(other, scope="openid")["id_token"]
    assert error(signed_in, rp, prompt="none", id_token_hint=theirs) == "login_required"
    page = ask(signed_in, rp, id_token_hint=theirs)
    assert LOGIN in page.text
    got = signed_in.sign_in(page, grace)
    assert answer(got)["error"] == "login_required", "it is Grace, and not whom it must be"
    page = ask(signed_in, rp, id_token_hint=theirs)
    assert CONSENT in signed_in.sign_in(page, other).text or "code" in answer(page)


@spec("OIDC Core §3.1.2.2")
def test_AZ_12_a_hint_that_is_no_id_token_for_this_client_is_refused(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    tokens = rp.redeem(answer(ask(signed_in, rp))["code"]).json()
    other = troth.client(scope=SCOPE).tokens(grace, scope="openid")["id_token"]
    head, payload, signature = tokens["id_token"].split(".")
    none = urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    hints = {
        "another client's": other,
        "an access token": tokens["access_token"],
        "unsigned": f"{none}.{payload}.",
        "bent": f"{head}.{payload}.{signature[:-4]}AAAA",
        "nothing": "x",
    }
    for what, hint in hints.items():
        for prompt in ("none", None):
            got = error(signed_in, rp, id_token_hint=hint, prompt=prompt)
            assert got == "invalid_request", what


@spec("OIDC Core §5.5.1")
def test_a_sub_that_is_asked_for_by_value_must_be_the_person(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    def claims(sub: str) -> str:
        return json.dumps({"id_token": {"sub": {"value": sub}}})

    asked = {"prompt": "none", "scope": "openid profile email"}
    assert "code" in answer(ask(signed_in, rp, claims=claims(grace.sub), **asked))
    assert error(signed_in, rp, claims=claims("somebody"), **asked) == "login_required"


@spec("OIDC Core §5.5.1.1", "RFC 9470 §5")
def test_AZ_13_an_essential_class_that_cannot_be_reached_gives_no_code(
    rp: OAuthClient, signed_in: Browser
) -> None:
    for wanted in ({"value": "2"}, {"values": ["2", "phr"]}):
        claims = json.dumps({"id_token": {"acr": {"essential": True, **wanted}}})
        got = error(signed_in, rp, claims=claims)
        assert got == "unmet_authentication_requirements"
    voluntary = json.dumps({"id_token": {"acr": {"values": ["2"]}}})
    assert "code" in answer(ask(signed_in, rp, claims=voluntary))
    assert "code" in answer(ask(signed_in, rp, acr_values="2 1"))
    reached = json.dumps({"id_token": {"acr": {"essential": True, "values": ["2", "1"]}}})
    assert "code" in answer(ask(signed_in, rp, claims=reached))


@spec("OIDC Core §5.5.1.1")
def test_AZ_13_a_login_of_a_lower_class_is_done_again(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    troth.execute("update session set acr = '' where sub = ?", grace.sub)
    claims = json.dumps({"id_token": {"acr": {"essential": True, "value": "1"}}})
    assert error(signed_in, rp, claims=claims, prompt="none") == "login_required"
    page = ask(signed_in, rp, claims=claims)
    assert LOGIN in page.text
    assert "code" in answer(signed_in.sign_in(page, grace))


@spec("OIDC Core §5.5")
@pytest.mark.parametrize(
    "claims",
    ["{", "[]", '"x"', '{"userinfo": 5}', '{"id_token": {"name": 1}}', "[" * 1500, "null",
     '{"id_token": {"a b": null}}', json.dumps({"userinfo": {f"c{n}": None for n in range(70)}}),
     '{"userinfo": {"email": {"value": 18446744073709551616}}}', '{"userinfo": {}, "userinfo": {}}',
     '{"userinfo": {"email": {"value": %s}}}' % ("[" * 65 + "]" * 65)],
)  # fmt: skip
def test_claims_that_are_none_are_refused(rp: OAuthClient, signed_in: Browser, claims: str) -> None:
    assert error(signed_in, rp, claims=claims) == "invalid_request"


@spec("OIDC Core §3.1.2.1")
def test_hints_and_wishes_that_nobody_must_follow_refuse_nothing(
    rp: OAuthClient, grace: Person, signed_in: Browser, browser: Browser
) -> None:
    wishes = {"display": "popup", "ui_locales": "fr-CA de", "claims_locales": "se", "foo": "bar"}
    assert "code" in answer(ask(signed_in, rp, **wishes))
    assert "code" in answer(ask(signed_in, rp, login_hint="nobody@people.example"))
    page = ask(browser, rp, login_hint=grace.username)
    assert f'value="{grace.username}"' in page.text


@spec("OIDC Core §3.1.2.1")
def test_a_nonce_travels_as_it_is_and_one_without_end_is_refused(
    troth: Troth, rp: OAuthClient, signed_in: Browser
) -> None:
    nonce = 'n-"<>&é 🗝'
    code = answer(ask(signed_in, rp, nonce=nonce))["code"]
    assert verified(troth, rp.redeem(code).json()["id_token"]).claims["nonce"] == nonce
    assert error(signed_in, rp, nonce="n" * 513) == "invalid_request"


@spec("OIDC Core §3.1.2.1")
def test_RU_15_an_openid_request_must_name_its_redirect_uri(
    troth: Troth, rp: OAuthClient, signed_in: Browser
) -> None:
    for scope in ("openid", "email openid profile"):
        assert is_page(ask(signed_in, rp, redirect_uri=None, scope=scope)), scope
    plain = ask(signed_in, rp, redirect_uri=None, scope="profile")
    assert "code" in answer(plain), "OAuth alone needs none where there is one"


@spec("OIDC Core §3.1.2.1")
def test_a_request_may_be_posted(rp: OAuthClient, signed_in: Browser) -> None:
    asked = rp.parameters(scope="openid profile email")
    posted = signed_in.post("/oauth/authorize", asked, headers={"origin": "https://app.example"})
    assert "code" in answer(signed_in.follow(posted))


@spec("OIDC Core §3.1.2.2", "RFC 6749 §4.1.2.1")
def test_AZ_04_what_openid_connect_adds_leads_to_no_address_that_is_not_registered(
    rp: OAuthClient, signed_in: Browser
) -> None:
    evil = {"redirect_uri": "https://evil.example/cb"}
    wrongs: list[dict[str, str]] = [
        {"prompt": "none"},
        {"max_age": "x"},
        {"claims": "{"},
        {"id_token_hint": "x"},
        {"response_mode": "form_post"},
        {"nonce": "n" * 600},
    ]
    for wrong in wrongs:
        page = ask(signed_in, rp, **evil, **wrong)
        assert is_page(page), wrong
        assert "evil.example" not in page.text
