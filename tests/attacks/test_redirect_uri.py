"""Redirect URIs under attack: only what was registered, character by character."""

import time
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import pytest

from tests.harness import Browser, OAuthClient, Person, Plain, Troth, answer, is_page
from tests.spec import spec

CB = "https://app.example/cb"
REGISTERED = (
    CB,
    "https://app.example/q?x=1",
    "http://127.0.0.1/cb",
    "http://[::1]/cb",
    "com.example.app:/cb",
)


@pytest.fixture(scope="module")
def target(troth: Troth) -> OAuthClient:
    """A native client with one URI of every kind."""
    return troth.client("--auth-method", "none", redirect_uris=REGISTERED)


@pytest.fixture(scope="module")
def web(troth: Troth) -> OAuthClient:
    return troth.client(redirect_uris=REGISTERED)


@pytest.fixture(scope="module")
def http(troth: Troth) -> Any:
    with Plain(troth) as plain:
        yield plain


def ask(http: Browser, client: OAuthClient, uri: str) -> httpx2.Response:
    return http.get("/oauth/authorize", params=client.parameters(redirect_uri=uri))


def assert_refused(http: Browser, target: OAuthClient, web: OAuthClient, uri: str) -> None:
    for client in (target, web):
        response = ask(http, client, uri)
        assert is_page(response)
        assert "evil.example" not in response.text


@spec("RFC 9700 §4.1.3")
@pytest.mark.parametrize(
    "tail", ["/", "/x", "x", "?x=1", "?", "#", "#f", ";x=1", "/.", "/../cb", "&x", "%2F", "%23"]
)
def test_RU_01_a_prefix_is_not_a_match(
    http: Browser, target: OAuthClient, web: OAuthClient, tail: str
) -> None:
    for uri in REGISTERED:
        assert_refused(http, target, web, uri + tail)


@spec("RFC 9700 §4.1.3")
@pytest.mark.parametrize("uri", ["https://app.example/c", "https://app.example/", "https:", "cb"])
def test_RU_01_a_part_is_not_a_match(
    http: Browser, target: OAuthClient, web: OAuthClient, uri: str
) -> None:
    assert_refused(http, target, web, uri)


@spec("RFC 9700 §4.1.3")
@pytest.mark.parametrize(
    "uri",
    ["https://app.example.evil.example/cb", "https://evil.example/app.example/cb",
     "https://appXexample/cb", "https://sub.app.example/cb", "https://evil.example/cb",
     "https://evil.example/?https://app.example/cb", "https://evil.example#https://app.example/cb",
     "//app.example/cb", "https:app.example/cb", "https://app.example:443/cb",
     "https://app.example:8443/cb", "https://app.example./cb", "http://app.example/cb"],
)  # fmt: skip
def test_RU_02_a_host_that_only_looks_right(
    http: Browser, target: OAuthClient, web: OAuthClient, uri: str
) -> None:
    assert_refused(http, target, web, uri)


USERINFO = [
    "https://app.example@evil.example/cb",
    "https://app.example:443@evil.example/cb",
    "https://a@b@evil.example/cb",
    "https://app.example%40evil.example/cb",
    "https://user@app.example/cb",
]


@spec("RFC 9700 §4.1.3")
@pytest.mark.parametrize("uri", USERINFO)
def test_RU_03_a_user_name_in_front_of_another_host(
    http: Browser, target: OAuthClient, web: OAuthClient, uri: str
) -> None:
    assert_refused(http, target, web, uri)


@spec("RFC 9700 §4.1.3")
@pytest.mark.parametrize(
    "uri",
    ["HTTPS://APP.EXAMPLE/cb", "https://APP.example/cb", "https://app.example/CB",
     "https://app.example/%63b", "https://app.example/q?X=1", "https://app.example/q?x=1&y=2",
     "https://app.example/q?y=2&x=1", "https://app.example/q", "https://app.example/q?x=%31",
     "COM.example.app:/cb", "com.example.app://cb", "com.example.app:/CB", "com.example.app:cb"],
)  # fmt: skip
def test_RU_05_no_two_spellings_are_the_same(
    http: Browser, target: OAuthClient, web: OAuthClient, uri: str
) -> None:
    assert_refused(http, target, web, uri)


@spec("RFC 9700 §4.1.3")
@pytest.mark.parametrize(
    "raw",
    [quote(CB) + "%0a", quote(CB) + "%20", "%09" + quote(CB), quote(CB) + "%00",
     quote(CB) + "%0d%0aSet-Cookie:%20a=b", "https:/%5Capp.example/cb", "/%5Cevil.example",
     "/%09/evil.example", "%20" + quote(CB), quote(CB) + "%c2%a0", quote(CB) + "%e2%80%8b",
     quote(CB) + "%0a" + quote("https://evil.example/"), "https://evil.example%5C@app.example/cb"],
)  # fmt: skip
def test_RU_06_white_space_and_control_characters(
    http: Browser, target: OAuthClient, raw: str
) -> None:
    rest = urlencode(target.parameters(redirect_uri=None))
    response = http.get(f"/oauth/authorize?{rest}&redirect_uri={raw}")
    assert is_page(response)
    cookies = response.headers.get_list("set-cookie")
    assert not [text for text in cookies if text.startswith("a=")]


@spec("RFC 8252 §7.3", "RFC 9700 §4.1.3")
@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:49152/cb", "http://[::1]:1/cb", "http://127.0.0.1:65535/cb",
     "http://127.0.0.1/cb"],
)  # fmt: skip
def test_RU_09_accept_any_port_of_a_registered_loopback(
    troth: Troth, target: OAuthClient, ada: Person, uri: str
) -> None:
    response = Browser(troth).authorize(target.parameters(redirect_uri=uri), ada)
    assert response.headers["location"].startswith(uri + "?code=")
    assert target.redeem(answer(response)["code"], redirect_uri=uri).status_code == 200


@spec("RFC 8252 §7.3")
@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1.evil.example/cb",
     "http://localhost.evil.example/cb", "http://127.0.0.2/cb", "http://0/cb", "http://127.1/cb",
     "http://0x7f.1/cb", "http://2130706433/cb", "http://[::ffff:127.0.0.1]/cb",
     "https://127.0.0.1/cb", "http://127.0.0.1/other", "http://127.0.0.1:80/cb?x", "http://[::]/cb",
     "http://127.0.0.1:80", "http://127.0.0.1:80/", "http://127.0.0.1:/cb", "http://localhost/cb",
     "http://127.0.0.1:0/cb", "http://127.0.0.1:80:80/cb", "http://[::1]evil.example/cb",
     "http://127.0.0.1:80\\@evil.example/cb", "http://127.0.0.1:80/cb#f", "http://[0:0::1]/cb"],
)  # fmt: skip
def test_RU_10_what_only_looks_like_the_loopback(
    http: Browser, target: OAuthClient, web: OAuthClient, uri: str
) -> None:
    assert_refused(http, target, web, uri)


@spec("RFC 8252 §7.3")
@pytest.mark.parametrize(
    "uri",
    ["http://[" + ":" * 5000 + "]/cb", "http://[v1.x]/", "http://[v1.x]/cb",
     "http://127.0.0.1:99999/cb", "http://127.0.0.1:-1/cb", "http://127.0.0.1:0x50/cb",
     "http://127.0.0.1:65536/cb", "http://127.0.0.1:٣/cb", "http://127.0.0.1:000080/cb",
     "http://[::1/cb", "http://127.0.0.1:" + "9" * 1900 + "/cb"],
    ids=lambda uri: ascii(uri[:30]),
)  # fmt: skip
def test_RU_12_garbage_is_refused_at_once(http: Browser, target: OAuthClient, uri: str) -> None:
    started = time.perf_counter()
    assert is_page(ask(http, target, uri))
    assert time.perf_counter() - started < 10


@spec("RFC 6749 §3.1.2.3")
def test_RU_15_a_missing_redirect_uri_needs_exactly_one_registered(
    troth: Troth, http: Browser, app: OAuthClient, target: OAuthClient
) -> None:
    machine = troth.client("--grant-type", "client_credentials", redirect_uris=())
    several = http.get("/oauth/authorize", params=target.parameters(redirect_uri=None))
    rest = {"response_type": "code", "client_id": machine.client_id, "scope": "read_write"}
    none = http.get("/oauth/authorize", params=rest)
    one = http.get("/oauth/authorize", params=app.parameters(redirect_uri=None))
    empty = http.get("/oauth/authorize", params=target.parameters(redirect_uri=""))
    assert (is_page(several), is_page(none), is_page(empty)) == (True, True, True)
    assert one.headers["location"].startswith(troth.issuer + "/login?")


@spec("RFC 6749 §4.1.2.1")
def test_RU_15_a_repeated_redirect_uri_gives_a_page(http: Browser, target: OAuthClient) -> None:
    rest = urlencode(target.parameters())
    for second in (CB, "https://evil.example/"):
        query = f"{rest}&redirect_uri={quote(second, safe='')}"
        assert is_page(http.get(f"/oauth/authorize?{query}"))


@spec("RFC 6749 §3.1.2.3")
def test_RU_20_a_code_for_a_redirect_uri_that_was_removed_is_dead(
    troth: Troth, ada: Person
) -> None:
    client = troth.client(redirect_uris=(CB, "https://app.example/old"))
    code = client.code(ada, redirect_uri="https://app.example/old")
    troth.cli("client", "update", client.client_id, "--redirect-uri", CB)
    for uri in ("https://app.example/old", CB, None):
        response = client.redeem(code, redirect_uri=uri)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
