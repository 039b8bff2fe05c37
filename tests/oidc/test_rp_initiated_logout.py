"""An application sends a person here to be signed out; the person decides, and comes back."""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.attacks.forging import b64, key_of, parts, resigned
from tests.harness import Browser, OAuthClient, Person, Plain, Troth, forms, is_page
from tests.oidc.conftest import userinfo
from tests.oidc.logouts import register, signed_in
from tests.spec import spec

BACK = "https://app.example/signed-out"
WITH_QUERY = "https://app.example/out?tenant=1"
FORM = 'id="end-session"'
SIGNED_OUT = "You are signed out"


@pytest.fixture(scope="module")
def client(troth: Troth) -> OAuthClient:
    client = troth.client(scope="openid read_write", name="Canary Leaver")
    register(client, post_logout_redirect_uris=[BACK, WITH_QUERY, "com.example.app:/out"])
    return client


@pytest.fixture(scope="module")
def other(troth: Troth) -> OAuthClient:
    client = troth.client(scope="openid", name="Canary Bystander")
    register(client, post_logout_redirect_uris=["https://other.example/out"])
    return client


@pytest.fixture
def person(troth: Troth) -> Person:
    return troth.person()


@pytest.fixture
def browser(troth: Troth) -> Iterator[Browser]:
    browser = Browser(troth)
    yield browser
    browser.http.close()


@pytest.fixture
def hint(client: OAuthClient, person: Person, browser: Browser) -> str:
    """The ID token of the person who is signed in."""
    return str(signed_in(client, person, browser)["id_token"])


def ask(browser: Browser, how: str = "GET", **parameters: str) -> httpx2.Response:
    """As an application asks, from its own site."""
    if how == "GET":
        return browser.follow(browser.get("/oauth/end_session", params=parameters))
    headers = {"origin": "https://app.example", "sec-fetch-site": "cross-site"}
    posted = Plain(browser.troth).post("/oauth/end_session", parameters, headers=headers)
    assert posted.headers.get_list("set-cookie") == []
    return browser.follow(browser.get(posted.headers["location"])) if posted.is_redirect else posted


def press(browser: Browser, page: httpx2.Response, decision: str = "confirm") -> httpx2.Response:
    assert FORM in page.text, page.text[:2000]
    return browser.submit(page, "end-session", {"decision": decision})


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/account").status_code == 200


def led(response: httpx2.Response) -> tuple[str, dict[str, list[str]]]:
    to = urlsplit(response.headers["location"])
    return f"{to.scheme}://{to.netloc}{to.path}", parse_qs(to.query)


@pytest.mark.parametrize("how", ["GET", "POST"])
@spec("OIDC RP-Initiated Logout §2", "OIDC RP-Initiated Logout §3")
def test_a_person_who_agrees_is_signed_out_and_comes_back(
    browser: Browser, person: Person, hint: str, how: str
) -> None:
    state = 'stäte &="<>'
    page = ask(browser, how, id_token_hint=hint, post_logout_redirect_uri=BACK, state=state)
    assert person.username in page.text
    assert "Canary Leaver" in page.text
    assert hint not in page.text + str(page.request.url) or how == "GET"
    assert is_signed_in(browser), "asking ends nothing"
    done = press(browser, page)
    assert done.status_code == 303
    assert led(done) == (BACK, {"state": [state]})
    assert not is_signed_in(browser)
    assert "cookies" not in done.headers["clear-site-data"], "the application keeps its own"
    assert led(press_again(browser, page))[0] == BACK


def press_again(browser: Browser, page: httpx2.Response) -> httpx2.Response:
    """A second tab, or an impatient finger: there is nothing left to end."""
    return browser.submit(page, "end-session", {"decision": "confirm"})


@spec("OIDC RP-Initiated Logout §2")
def test_a_person_who_stays_is_led_nowhere(browser: Browser, hint: str) -> None:
    page = ask(browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    done = press(browser, page, "stay")
    assert done.headers["location"] == browser.troth.issuer + "/account"
    assert is_signed_in(browser)


@spec("OIDC RP-Initiated Logout §2")
def test_an_expired_id_token_still_says_who_asks(troth: Troth, client: OAuthClient) -> None:
    """Applications keep sessions for longer than ID tokens live."""
    browser, person = Browser(troth), troth.person()
    _, claims, _ = parts(signed_in(client, person, browser)["id_token"])
    key = key_of(troth)
    head = {"alg": "ES256", "kid": key.kid}
    expired = resigned(key, head, {**claims, "iat": 1, "exp": 2})
    page = ask(browser, id_token_hint=expired, post_logout_redirect_uri=BACK)
    for typ in ("at+jwt", "logout+jwt"):
        other = resigned(key, {**head, "typ": typ}, claims)
        assert is_page(ask(browser, id_token_hint=other)), "signed here, and no ID token"
    assert led(press(browser, page))[0] == BACK


@spec("OIDC RP-Initiated Logout §2", "OIDC RP-Initiated Logout §4")
def test_with_client_id_alone_the_application_is_not_named(
    browser: Browser, client: OAuthClient, hint: str
) -> None:
    """Anybody knows a client_id: it says where to go back to, and proves nothing."""
    asked = {"client_id": client.client_id, "post_logout_redirect_uri": WITH_QUERY, "state": "s"}
    page = ask(browser, **asked, logout_hint="anybody", ui_locales="fr de")
    assert "Canary Leaver" not in page.text
    uri, query = led(press(browser, page))
    assert (uri, query) == ("https://app.example/out", {"tenant": ["1"], "state": ["s"]})


@spec("OIDC RP-Initiated Logout §2")
def test_without_any_parameter_a_person_may_sign_out(browser: Browser, hint: str) -> None:
    done = press(browser, ask(browser, state="alone"))
    assert done.status_code == 200
    assert SIGNED_OUT in done.text
    assert not is_signed_in(browser)


@spec("OIDC RP-Initiated Logout §3")
def test_where_nobody_is_signed_in_a_proven_address_is_gone_to_at_once(
    troth: Troth, hint: str
) -> None:
    nobody = Browser(troth)
    done = ask(nobody, id_token_hint=hint, post_logout_redirect_uri=BACK, state="s")
    assert led(done) == (BACK, {"state": ["s"]})
    assert "clear-site-data" not in done.headers, "a link must not make a browser forget"
    assert SIGNED_OUT in ask(nobody).text
    app = ask(nobody, id_token_hint=hint, post_logout_redirect_uri="com.example.app:/out")
    assert app.headers["location"] == "com.example.app:/out"


UNREGISTERED = (
    "https://evil.example/",
    "javascript:alert(1)",
    BACK + "/",
    BACK + "?x=1",
    BACK + "#x",
    "https://APP.example/signed-out",
    "https://app.example/cb",
    "https://other.example/out",
    "//app.example/signed-out",
    "https://app.example@evil.example/signed-out",
    "x" * 3000,
)


@pytest.mark.parametrize("uri", UNREGISTERED)
@pytest.mark.parametrize("how", ["GET", "POST"])
@spec("OIDC RP-Initiated Logout §3")
def test_LO_01_nobody_is_led_to_an_address_that_is_not_registered(
    browser: Browser, hint: str, uri: str, how: str
) -> None:
    for there in (browser, Browser(browser.troth)):
        answered = ask(there, how, id_token_hint=hint, post_logout_redirect_uri=uri)
        assert is_page(answered)
        assert "invalid_request" in answered.text
        assert "evil.example" not in answered.text
    assert is_signed_in(browser)


def test_LO_01_an_address_needs_somebody_who_registered_it(
    browser: Browser, client: OAuthClient, other: OAuthClient, hint: str
) -> None:
    wrong: list[dict[str, str]] = [
        {"post_logout_redirect_uri": BACK},
        {"post_logout_redirect_uri": BACK, "state": "s", "logout_hint": "ada"},
        {"post_logout_redirect_uri": BACK, "client_id": other.client_id},
        {"post_logout_redirect_uri": BACK, "client_id": "nobody"},
        {"post_logout_redirect_uri": BACK, "client_id": "x" * 500},
        {
            "post_logout_redirect_uri": BACK,
            "client_id": other.client_id,
            "id_token_hint": hint,
        },
        {"client_id": other.client_id, "id_token_hint": hint},
    ]
    for parameters in wrong:
        for there in (browser, Browser(browser.troth)):
            assert is_page(ask(there, **parameters)), parameters
    assert is_signed_in(browser)


def test_LO_01_what_is_no_longer_registered_is_not_gone_to(
    troth: Troth, person: Person, browser: Browser
) -> None:
    leaver = troth.client(scope="openid", name="Canary Short")
    register(leaver, post_logout_redirect_uris=[BACK])
    hint = signed_in(leaver, person, browser)["id_token"]
    page = ask(browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    register(leaver, post_logout_redirect_uris=[])
    done = press(browser, page)
    assert "location" not in done.headers
    assert SIGNED_OUT in done.text
    assert not is_signed_in(browser)


def changed(token: str, **changes: Any) -> str:
    """Other claims under the signature that the token has."""
    head, payload, signature = token.split(".")
    claims = json.loads(urlsafe_b64decode(payload + "==")) | changes
    return f"{head}.{b64(json.dumps(claims))}.{signature}"


def test_LO_03_a_hint_that_is_no_id_token_of_ours_is_refused(
    troth: Troth, browser: Browser, client: OAuthClient, person: Person, hint: str
) -> None:
    head, payload, _ = hint.split(".")
    none = b64('{"alg":"none"}')
    access = client.tokens(person, browser, scope="openid read_write")["access_token"]
    register(client, userinfo_signed_response_alg="RS256")
    told = userinfo(troth, access).text
    register(client, userinfo_signed_response_alg=None)
    assert told.count(".") == 2
    bad = [
        "garbage",
        "a.b.c",
        f"{none}.{payload}.",
        f"{head}.{payload}.",
        changed(hint, sub="somebody"),
        changed(hint, iss="https://evil.example"),
        access,
        told,
        hint + ".x.y",
        "é" * 20,
        "%00",
    ]
    for text in bad:
        for uri in ({}, {"post_logout_redirect_uri": BACK}):
            answered = ask(browser, id_token_hint=text, **uri)
            assert is_page(answered), text
    assert is_signed_in(browser)


@spec("OIDC RP-Initiated Logout §2")
def test_LO_02_the_hint_of_somebody_else_still_asks_who_is_here(
    troth: Troth, client: OAuthClient, browser: Browser, person: Person, hint: str
) -> None:
    stranger, elsewhere = troth.person(), Browser(troth)
    theirs = signed_in(client, stranger, elsewhere)["id_token"]
    page = ask(browser, id_token_hint=theirs, post_logout_redirect_uri=BACK)
    assert person.username in page.text
    assert stranger.username not in page.text
    assert stranger.sub not in page.text
    assert is_signed_in(browser)
    assert led(press(browser, page))[0] == BACK
    assert not is_signed_in(browser)
    assert is_signed_in(elsewhere), "only this browser was asked"


def test_LO_02_only_the_form_of_this_browser_signs_anybody_out(
    troth: Troth, browser: Browser, hint: str
) -> None:
    page = ask(browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    attacker = Browser(troth)
    attacker.sign_in(attacker.get("/login"), troth.person())
    theirs = ask(attacker, id_token_hint=hint)
    found = dict(form_of(theirs))
    for data in (
        {"ending": dict(form_of(page))["ending"], "decision": "confirm"},
        {**found, "decision": "confirm"},
        {**dict(form_of(page)), "form_token": "", "decision": "confirm"},
    ):
        assert browser.post("/oauth/end_session", data).status_code == 403
    cross = {"sec-fetch-site": "cross-site"}
    assert (
        browser.submit(page, "end-session", {"decision": "confirm"}, headers=cross).status_code
        == 403
    )
    assert is_signed_in(browser)


def form_of(page: httpx2.Response) -> list[tuple[str, str]]:
    return list(forms(page.text)["end-session"]["inputs"])


def test_OR_01_a_sealed_request_cannot_be_made_elsewhere(browser: Browser, hint: str) -> None:
    page = ask(browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    ending = dict(form_of(page))["ending"]
    assert ending.startswith("troth_en_")
    for text in ("troth_en_x", ending[:-2], ending + "A", ending.replace("_en_", "_pr_", 1)):
        assert is_page(browser.get("/oauth/end_session", params={"ending": text}))
    assert FORM in browser.get("/oauth/end_session", params={"ending": ending}).text


def test_a_request_is_read_strictly(browser: Browser, hint: str) -> None:
    twice = f"/oauth/end_session?state=a&state=b&id_token_hint={hint}"
    assert is_page(browser.get(twice))
    assert is_page(browser.get("/oauth/end_session?state=%zz"))
    assert is_page(browser.get("/oauth/end_session?state=" + "a" * 9000))
    long = {"id_token_hint": hint, "post_logout_redirect_uri": BACK, "state": "a" * 4097}
    assert is_page(ask(browser, "POST", **long))
    text = browser.post("/oauth/end_session", content=b"{}", headers={"content-type": "text/plain"})
    assert text.status_code == 415
    for method in ("PUT", "DELETE", "OPTIONS", "HEAD"):
        assert browser.request(method, "/oauth/end_session").status_code == 405
    assert is_signed_in(browser)


def test_everybody_in_this_browser_is_signed_out(troth: Troth, client: OAuthClient) -> None:
    browser, first, second = Browser(troth), troth.person(), troth.person()
    kept = signed_in(client, first, browser, "openid read_write")
    page = browser.follow(
        browser.get(
            "/oauth/authorize", params=client.parameters(scope="openid", prompt="select_account")
        )
    )
    page = browser.follow(browser.submit(page, "select", {"decision": "another"}))
    browser.sign_in(page, second)
    assert client.active(kept["access_token"])
    press(browser, ask(browser))
    assert not client.active(kept["access_token"])
    for person in (first, second):
        ((ended,),) = troth.rows("select ended_at from session where sub = ?", person.sub)
        assert ended is not None


def test_applications_are_signed_out_of_a_session_that_was_idle_for_too_long(
    troth: Troth, client: OAuthClient, browser: Browser, person: Person, hint: str
) -> None:
    kept = signed_in(client, person, browser, "openid read_write")
    past = int(time.time()) - 3600
    troth.execute("update session set last_seen_at = ? where sub = ?", past, person.sub)
    assert not is_signed_in(browser)
    assert client.active(kept["access_token"]), "expiry ends no grant"
    press(browser, ask(browser, id_token_hint=hint))
    assert not client.active(kept["access_token"])


@spec("OIDC RP-Initiated Logout §2.1")
def test_the_metadata_names_the_endpoint(troth: Troth) -> None:
    with Plain(troth) as http:
        metadata = http.get("/.well-known/openid-configuration").json()
    assert metadata["end_session_endpoint"] == troth.issuer + "/oauth/end_session"


@spec("OIDC RP-Initiated Logout §3")
def test_the_application_may_lead_on_to_another_of_its_hosts(browser: Browser, hint: str) -> None:
    for back, sources in ((BACK, "https:"), ("com.example.app:/out", "com.example.app:")):
        page = ask(browser, id_token_hint=hint, post_logout_redirect_uri=back)
        assert f"form-action 'self' {sources};" in page.headers["content-security-policy"]
