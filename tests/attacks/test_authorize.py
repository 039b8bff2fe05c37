"""The authorization endpoint under attack: where answers may go, and who may get one."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx2
import pytest

from tests.harness import REDIRECT_URI, Browser, OAuthClient, Person, Troth, answer, forms, is_page
from tests.spec import spec

EVIL = "https://evil.example/"


@pytest.fixture(scope="module")
def ready(troth: Troth, app: OAuthClient, ada: Person) -> Iterator[Browser]:
    """A browser in which the person is logged in and has allowed the application."""
    browser = Browser(troth)
    browser.authorize(app.parameters(), ada)
    yield browser
    browser.http.close()


def ask(browser: Browser, parameters: Any) -> httpx2.Response:
    return browser.get("/oauth/authorize", params=parameters)


@spec("RFC 6749 §4.1.2.1")
def test_AZ_01_an_unknown_client_gets_a_page_that_leads_nowhere(ready: Browser) -> None:
    asked = {"response_type": "code", "client_id": "nobody", "redirect_uri": EVIL, "state": "s"}
    before = ready.troth.digest()
    response = ask(ready, asked)
    assert is_page(response)
    assert "evil.example" not in response.text
    assert ready.troth.digest() == before


@spec("RFC 6749 §3.1", "RFC 6749 §4.1.2.1")
@pytest.mark.parametrize(
    "client_id",
    ["", "client_id=", "client_id={id}&client_id={id}", "client_id=" + "x" * 10_000,
     "client_id={id}%00", "client_id=%00", "client_id=%ED%A0%80", "client_id={id}%zz",
     "client_id=x" * 5500, "client_id={id}&client_id=other"],
    ids=["missing", "empty", "twice", "10kB", "NUL behind", "NUL", "surrogate", "broken escape",
         "6kB", "two"],
)  # fmt: skip
def test_AZ_02_no_client_id_or_a_broken_one_gives_a_page(
    ready: Browser, app: OAuthClient, client_id: str
) -> None:
    rest = urlencode({"response_type": "code", "redirect_uri": REDIRECT_URI, "scope": "read_write"})
    named = client_id.replace("{id}", app.client_id)
    assert is_page(ready.get(f"/oauth/authorize?{rest}&{named}"))
    assert ready.get(f"/oauth/authorize?{rest}&client_id={app.client_id}").status_code == 303


@spec("RFC 6749 §4.1.2.1")
def test_AZ_03_an_unknown_client_is_told_by_a_page_whatever_else_is_wrong(ready: Browser) -> None:
    asked = {"response_type": "bogus", "client_id": "nobody", "redirect_uri": EVIL, "scope": '"'}
    assert is_page(ask(ready, asked))
    assert is_page(ask(ready, asked | {"redirect_uri": REDIRECT_URI}))


@spec("RFC 6749 §4.1.2.1", "RFC 9700 §4.1.3")
@pytest.mark.parametrize(
    "wrong",
    [{}, {"scope": "bogus"}, {"scope": '"'}, {"response_type": "bogus"}, {"response_type": None},
     {"prompt": "none"}, {"code_challenge": None, "code_challenge_method": None},
     {"code_challenge_method": "plain"}, {"request": "bogus"}, {"request_uri": EVIL},
     {"nonce": "n" * 3000}, {"resource": EVIL}, {"state": None}],
    ids=repr,
)  # fmt: skip
def test_AZ_04_an_unregistered_redirect_uri_gives_a_page_whatever_else_is_wrong(
    ready: Browser, app: OAuthClient, native: OAuthClient, wrong: dict[str, str | None]
) -> None:
    for client in (app, native):
        response = ask(ready, client.parameters(**{**wrong, "redirect_uri": EVIL}))
        assert is_page(response)
        assert "evil.example" not in response.text


@spec("RFC 9700 §2.1.2", "RFC 6749 §4.1.2.1")
@pytest.mark.parametrize(
    "response_type",
    ["token", "id_token token", "code token", "code id_token", "id_token", "none", "token code"],
)
def test_AZ_14_no_token_ever_comes_through_the_front_channel(
    ready: Browser, app: OAuthClient, response_type: str
) -> None:
    response = ask(ready, app.parameters(response_type=response_type))
    got = answer(response)
    assert got["error"] in ("unsupported_response_type", "unauthorized_client")
    assert got.keys() == {"error", "error_description", "state", "iss"}
    assert "token=" not in response.headers["location"].replace(response_type, "")


@spec("RFC 9700 §2.1.2")
def test_AZ_15_a_resumed_request_stays_what_it_was(
    troth: Troth, ada: Person, browser: Browser
) -> None:
    fresh = troth.client()  # of which nobody has approved yet
    page = browser.follow(ask(browser, fresh.parameters()))
    extra = {"response_type": "token", "redirect_uri": EVIL, "scope": "extra"}
    typed = {"username": ada.username, "password": ada.password, **extra}
    page = browser.follow(browser.submit(page, "login", typed))
    tampered = {"decision": "allow", "response_type": "token", "redirect_uri": EVIL}
    got = browser.submit(page, "consent", tampered)
    assert answer(got).keys() == {"code", "state", "iss"}
    assert got.headers["location"].startswith(fresh.redirect_uri + "?")
    assert fresh.redeem(answer(got)["code"]).json()["scope"] == "read_write"


@spec("RFC 6749 §4.1.1")
def test_AZ_15_a_pending_request_cannot_be_changed(
    browser: Browser, app: OAuthClient, ada: Person
) -> None:
    page = browser.follow(ask(browser, app.parameters()))
    pending = dict(forms(page.text)["login"]["inputs"])["pending"]
    for at in range(9, len(pending), 7):
        other = "A" if pending[at] != "A" else "B"
        changed = pending[:at] + other + pending[at + 1 :]
        assert is_page(browser.get("/login", params={"pending": changed})), at
    typed = {"username": ada.username, "password": ada.password, "pending": pending[:-1]}
    assert is_page(browser.submit(page, "login", typed))


@spec("RFC 6749 §3.1.1")
@pytest.mark.parametrize(
    ("response_type", "error"),
    [("", "invalid_request"), ("&response_type=", "invalid_request"),
     ("&response_type=code&response_type=code", "invalid_request"),
     ("&response_type=code%20code", "unsupported_response_type"),
     ("&response_type=CODE", "unsupported_response_type"),
     ("&response_type=code%20", "unsupported_response_type"),
     ("&response_type=code%0a", "unsupported_response_type")],
)  # fmt: skip
def test_AZ_16_only_the_very_word_code_is_a_response_type(
    ready: Browser, app: OAuthClient, response_type: str, error: str
) -> None:
    rest = urlencode(app.parameters(response_type=None))
    got = answer(ready.get(f"/oauth/authorize?{rest}{response_type}"))
    assert (got["error"], got["state"]) == (error, "canary-state")
    assert "code" not in got


@spec("RFC 6749 §4.1.2")
@pytest.mark.parametrize(
    "state",
    ["x", "y" * 2048, "z" * 4096, "\"<>&\r\n' +%0d%0a", "🙂é", "#", "#f&code=x", "&code=x",
     "=", "?iss=https://evil.example", "%", " "],
    ids=lambda state: ascii(state[:12]),
)  # fmt: skip
def test_AZ_20_state_comes_back_as_it_was_in_one_parameter(
    ready: Browser, app: OAuthClient, state: str
) -> None:
    response = ask(ready, app.parameters(state=state))
    got = answer(response)
    assert got.keys() == {"code", "state", "iss"}
    assert got["state"] == state
    assert got["iss"] == ready.troth.issuer
    assert f"state={quote(state, safe='')}&" in response.headers["location"].replace("/", "%2F")
    assert "set-cookie" not in response.headers


@spec("RFC 6749 §4.1.1")
@pytest.mark.parametrize("length", [4097, 8192, 65536])
def test_AZ_20_a_state_beyond_4_kB_is_refused(
    ready: Browser, app: OAuthClient, length: int
) -> None:
    target = f"/oauth/authorize?{urlencode(app.parameters(state='s' * length))}"
    host = urlsplit(ready.troth.issuer).netloc
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    head = ready.troth.raw(request.encode()).partition(b"\r\n\r\n")[0].lower()
    assert head.split()[1] in (b"400", b"414", b"431")
    assert b"location:" not in head


@spec("RFC 6749 §4.1.2.1")
@pytest.mark.parametrize("mode", ["web_message", "unknown", "QUERY", "query.jwt"])
def test_AZ_24_a_response_mode_that_is_not_built_is_refused(
    ready: Browser, app: OAuthClient, mode: str
) -> None:
    script = '"><script>alert(1)</script>'
    response = ask(ready, app.parameters(response_mode=mode, state=script))
    assert is_page(response)
    assert "<script" not in response.text
    assert "code" in answer(ask(ready, app.parameters(response_mode="query")))


@spec("RFC 9700 §4.1")
def test_AZ_24_a_fragment_carries_errors_and_never_a_code(ready: Browser, app: OAuthClient) -> None:
    got = ask(ready, app.parameters(response_mode="fragment"))
    assert answer(got)["error"] == "invalid_request"
    assert got.headers["location"].startswith(f"{app.redirect_uri}#error=")


@spec("RFC 9700 §4.1.2")
def test_AZ_26_no_fragment_of_ours_is_carried_on_to_the_application(
    ready: Browser, app: OAuthClient
) -> None:
    for parameters in (app.parameters(), app.parameters(scope="bogus")):
        location = ask(ready, parameters).headers["location"]
        assert location.endswith("#_")
        assert urlsplit(location).fragment == "_"


@spec("RFC 9700 §4.12")
def test_AZ_27_every_redirect_on_the_way_is_303_and_carries_no_password(
    troth: Troth, other_app: OAuthClient, browser: Browser
) -> None:
    person = troth.person()
    chain = [browser.post("/oauth/authorize", other_app.parameters())]
    while (location := chain[-1].headers.get("location", "")).startswith(troth.issuer):
        chain.append(browser.get(location))
    typed = {"username": person.username, "password": person.password}
    chain.append(browser.submit(chain[-1], "login", typed))
    chain.append(browser.get(chain[-1].headers["location"]))
    chain.append(browser.submit(chain[-1], "consent", {"decision": "allow"}))
    assert "code" in answer(chain[-1])
    assert [r.status_code for r in chain] == [303, 303, 200, 303, 200, 303]
    assert not any("canary+correct" in r.headers.get("location", "") for r in chain)
    assert not any("canary%20correct" in r.headers.get("location", "") for r in chain)


@spec("RFC 9700 §2.6")
@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"])
def test_AZ_33_other_methods_are_refused_and_no_origin_may_read(
    ready: Browser, app: OAuthClient, method: str
) -> None:
    origin = {"origin": "https://app.example", "access-control-request-method": "GET"}
    response = ready.request(method, "/oauth/authorize", params=app.parameters(), headers=origin)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    assert not [name for name in response.headers if name.startswith("access-control-")]
    plain = ready.get("/oauth/authorize", params=app.parameters(), headers=origin)
    assert not [name for name in plain.headers if name.startswith("access-control-")]
