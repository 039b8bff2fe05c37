"""How an answer travels: by query, by a form, and in a fragment only where it is an error."""

import html

from tests.harness import Browser, OAuthClient, Person, Troth, answer, forms
from tests.oidc.conftest import verified
from tests.spec import spec


@spec("OIDC Core §3.1.2.5")
def test_AZ_25_a_form_carries_the_answer_and_its_page_lets_nothing_else_happen(
    troth: Troth, rp: OAuthClient, grace: Person, signed_in: Browser
) -> None:
    state = '"><script>alert(1)</script>'
    asked = rp.parameters(scope="openid email", response_mode="form_post", state=state)
    page = signed_in.follow(signed_in.get("/oauth/authorize", params=asked))
    assert page.status_code == 200
    form = forms(page.text)["answer"]
    assert form["action"] == rp.redirect_uri
    sent = dict(form["inputs"])
    assert sent.keys() == {"code", "state", "iss", "session_state"}
    assert (html.unescape(sent["state"]), sent["iss"]) == (state, troth.issuer)
    assert "<script>alert" not in page.text
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' https:;" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    script = page.text.index("<script")
    assert page.text.index('id="continue"') < script, "not every browser knows what may wait"
    assert "defer" not in page.text[script:]
    tokens = rp.redeem(sent["code"]).json()
    assert verified(troth, tokens["id_token"]).claims["sub"] == grace.sub


@spec("RFC 6749 §4.1.2.1")
def test_AZ_25_an_error_travels_by_form_as_well(rp: OAuthClient, signed_in: Browser) -> None:
    asked = rp.parameters(scope="openid", response_mode="form_post", prompt="none bogus")
    page = signed_in.get("/oauth/authorize", params=asked)
    sent = dict(forms(page.text)["answer"]["inputs"])
    assert (sent["error"], sent["state"]) == ("invalid_request", "canary-state")


def test_AZ_25_what_cannot_receive_a_form_is_sent_none(troth: Troth) -> None:
    native = troth.client(
        "--auth-method", "none", redirect_uris=("com.example.app:/cb",), scope="openid"
    )
    asked = native.parameters(scope="openid", response_mode="form_post")
    page = Browser(troth).get("/oauth/authorize", params=asked)
    assert (page.status_code, "location" in page.headers) == (400, False)


@spec("RFC 6749 §4.2.2.1", "RFC 9700 §2.1.2")
def test_AZ_14_who_asks_for_tokens_in_front_is_told_no_where_it_looks(
    rp: OAuthClient, signed_in: Browser
) -> None:
    for response_type in ("token", "id_token", "code id_token", "id_token token"):
        asked = rp.parameters(scope="openid", response_type=response_type, nonce="n")
        got = signed_in.get("/oauth/authorize", params=asked)
        assert "#error=" in got.headers["location"]
        assert answer(got)["error"] == "unsupported_response_type"
        assert answer(got)["state"] == "canary-state"


@spec("OIDC Core §3.1.2.1")
def test_only_a_popup_leaves_its_opener_the_hold_on_it(
    troth: Troth, rp: OAuthClient, grace: Person
) -> None:
    for display, policy in (("popup", None), ("page", "same-origin"), (None, "same-origin")):
        browser = Browser(troth)
        asked = rp.parameters(scope="openid email", display=display)
        begun = browser.get("/oauth/authorize", params=asked)
        page = browser.follow(begun)
        consent = browser.sign_in(page, grace)
        answered = consent
        if 'id="consent"' in consent.text:
            answered = browser.submit(consent, "consent", {"decision": "allow"})
        for response in (begun, page, consent, answered):
            assert response.headers.get("cross-origin-opener-policy") == policy, display


@spec("OIDC Core §3.1.2.1")
def test_a_form_may_lead_on_wherever_the_application_leads_and_nowhere_else(
    troth: Troth, rp: OAuthClient, browser: Browser
) -> None:
    native = ("http://127.0.0.1/cb", "com.example.app:/cb")
    device = troth.client("--auth-method", "none", redirect_uris=native, scope="openid")
    for client, uri, sources in (
        (rp, rp.redirect_uri, "https:"),
        (device, native[0], "http: https:"),
        (device, native[1], "com.example.app:"),
    ):
        asked = client.parameters(scope="openid", redirect_uri=uri)
        page = browser.follow(browser.get("/oauth/authorize", params=asked))
        assert f"form-action 'self' {sources};" in page.headers["content-security-policy"]
