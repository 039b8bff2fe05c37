"""HTTP itself: smuggling, hosts, forged hops, limits, methods."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.harness import Browser, OAuthClient, Person, Plain, Troth, somewhere

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
TOKEN = b"POST /oauth/token HTTP/1.1\r\nHost: (host)\r\n" + FORM
PAGE = b"GET /login HTTP/1.1\r\nHost: (host)\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = {
    "length and chunks": TOKEN + b"Content-Length: 5\r\n" + CHUNKED + b"0\r\n\r\n",
    "chunks and length": TOKEN + CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "xchunked": TOKEN + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": TOKEN + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": TOKEN + b"Transfer-Encoding: chunked\r\n" * 2 + b"x: y\r\n\r\n0;\n\r\n\r\n",
    "encoding before colon": TOKEN + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "two lengths": TOKEN + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
    "a list of lengths": TOKEN + b"Content-Length: 5, 5\r\n\r\n12345",
    "negative length": TOKEN + b"Content-Length: -5\r\n\r\n12345",
    "signed length": TOKEN + b"Content-Length: +5\r\n\r\n12345",
    "hexadecimal length": TOKEN + b"Content-Length: 0x5\r\n\r\n12345",
    "bare line feeds": b"GET /login HTTP/1.1\nHost: (host)\n\n",
    "one bare line feed": PAGE[:-2] + b"\nX: y\r\n\r\n",
    "bare carriage return": PAGE + b"X: a\rb\r\n\r\n",
    "NUL in a header": PAGE + b"X: a\0b\r\n\r\n",
    "chunks before HTTP/1.1": TOKEN.replace(b"/1.1", b"/1.0")
    + b"Connection: keep-alive\r\n"
    + CHUNKED
    + b"0\r\n\r\n",
    "chunk extension junk": TOKEN + CHUNKED + b"5;\n\r\n12345\r\n0\r\n\r\n",
    "chunks by line feed": TOKEN + CHUNKED + b"5\n12345\n0\n\n",
    "negative chunk": TOKEN + CHUNKED + b"-5\r\n12345\r\n0\r\n\r\n",
    "folded header": PAGE + b"X: a\r\n b\r\n\r\n",
    "space before colon": b"GET /login HTTP/1.1\r\nHost : (host)\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}  # fmt: skip


def raw(troth: Troth, request: bytes, timeout: float = 10) -> bytes:
    return troth.raw(request.replace(b"(host)", f"127.0.0.1:{troth.port}".encode()), timeout)


@pytest.fixture
def plain(troth: Troth) -> Iterator[Plain]:
    with Plain(troth) as http:
        yield http


@pytest.mark.parametrize("request_", SMUGGLED.values(), ids=SMUGGLED)
def test_HT_04_two_readings_of_one_request_are_none(troth: Troth, request_: bytes) -> None:
    got = raw(troth, request_ + b"GET /smuggled HTTP/1.1\r\nHost: (host)\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 400 ")
    assert got.count(b"HTTP/1.1 ") == 1, "and what follows is not read: the connection is closed"


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 4000\r\n\r\n(body)", CHUNKED + b"f00\r\n(body)"]
)
def test_HT_04_a_body_that_was_cut_off_does_nothing(
    troth: Troth, app: OAuthClient, ada: Person, framing: bytes
) -> None:
    token = app.tokens(ada)["access_token"]
    body = f"token={token}&client_id={app.client_id}&client_secret={app.secret}".encode()
    request = TOKEN.replace(b"/token", b"/revoke") + framing.replace(b"(body)", body)
    before = troth.digest()
    raw(troth, request, timeout=0.3)
    with Plain(troth) as http:
        http.get("/login")
    assert troth.digest() == before
    assert app.active(token)


def test_HT_01_no_value_makes_a_header(troth: Troth, app: OAuthClient, ada: Person) -> None:
    browser = Browser(troth)
    evil = "x\r\nSet-Cookie: evil=1\r\n\r\n\u2028"
    response = browser.authorize(app.parameters(state=evil), ada)
    assert response.status_code == 303
    assert "evil" not in response.headers.get("set-cookie", "")
    assert "%0D%0A" in response.headers["location"]
    for name in ("client_id", "redirect_uri", "scope", "response_type"):
        got = Browser(troth).get("/oauth/authorize", params=app.parameters(**{name: evil}))
        assert "evil" not in got.headers.get("set-cookie", "")
        assert got.status_code in (303, 400)
    for line in (b"Cookie: troth-browser=a\0b", b"User-Agent: a\x00b"):
        assert raw(troth, PAGE + line + b"\r\n\r\n", 3).startswith(b"HTTP/1.1 400 ")
    for path in (b"/oauth/authorize?state=%00", b"/oauth/authorize?client_id=a%00b"):
        got_raw = raw(troth, b"GET %s HTTP/1.1\r\nHost: (host)\r\nConnection: close\r\n\r\n" % path)
        assert got_raw.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (b"Host: evil.example\r\n", b"421"),
        (b"Host: evil.example:(port)\r\n", b"421"),
        (b"Host: 127.0.0.1:1\r\n", b"421"),
        (b"Host: a:b@127.0.0.1:(port)\r\n", b"421"),
        (b"Host: [::1\r\n", b"421"),
        (b"Host:\r\n", b"421"),
        (b"Host: 127.0.0.1:(port)\r\nHost: evil.example\r\n", b"400"),
        (b"", b"400"),
    ],
)
def test_HT_02_another_host_is_not_served(troth: Troth, hosts: bytes, status: bytes) -> None:
    for path in (b"/login", b"/.well-known/oauth-authorization-server", b"/oauth/token", b"/x"):
        head = b"GET %s HTTP/1.1\r\n" % path + hosts + b"Connection: close\r\n\r\n"
        got = raw(troth, head.replace(b"(port)", str(troth.port).encode()))
        assert got.split()[1] == status, got[:100]
        assert b"evil" not in got


def test_HT_02_an_absolute_address_of_another_host_changes_nothing(troth: Troth) -> None:
    metadata = b"http://evil.example/.well-known/oauth-authorization-server"
    request = b"GET %s HTTP/1.1\r\nHost: (host)\r\nConnection: close\r\n\r\n" % metadata
    got = raw(troth, request)
    assert b"evil" not in got
    assert f'"issuer":"{troth.issuer}"'.encode() in got


FORGED = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "x-forwarded-port": "1",
    "x-forwarded-prefix": "/evil",
    "forwarded": "host=evil.example;proto=https",
    "x-original-url": "/evil",
    "x-rewrite-url": "/evil",
    "x-real-ip": "203.0.113.99",
    "x_forwarded_for": "203.0.113.99",
    "client-ip": "203.0.113.99",
}


def test_HT_03_forged_headers_are_not_read(troth: Troth, app: OAuthClient, ada: Person) -> None:
    honest, forged = Browser(troth), Browser(troth, headers=FORGED)
    for path in ("/login", "/.well-known/oauth-authorization-server", "/oauth/jwks", "/nowhere"):
        a, b = honest.get(path), forged.get(path)
        assert a.status_code == b.status_code
        assert "evil" not in b.text + str(b.headers)
    response = forged.authorize(app.parameters(), ada)
    assert "evil" not in response.headers["location"]
    seen = troth.rows("select distinct network from session")
    assert seen == [("127.0.0.1",)]


@pytest.mark.parametrize(
    ("hops", "network"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("198.51.100.1, 203.0.113.6", "203.0.113.6"),
        ("198.51.100.1, 203.0.113.7, 127.0.0.1", "203.0.113.7"),
        ("203.0.113.8, evil", "127.0.0.1"),
        ("evil", "127.0.0.1"),
    ],
)
def test_HT_03_behind_a_proxy_the_rightmost_stranger_counts(
    proxied: Troth, hops: str, network: str
) -> None:
    person = proxied.person()
    browser = Browser(proxied, headers={"x-forwarded-for": hops, "x-real-ip": somewhere()})
    browser.sign_in(browser.get("/login"), person)
    found = proxied.rows("select network from session where sub = ?", person.sub)
    assert found == [(network,)]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"".join(b"X%d: y\r\n" % n for n in range(100)), b"431"),
        (b"X: " + b"y" * 65536 + b"\r\n", b"431"),
        (b"Cookie: troth-session=" + b"y" * 40_000 + b"\r\n", b"431"),
        (b"".join(b"X%d: %s\r\n" % (n, b"y" * 1000) for n in range(40)), b"431"),
    ],
    ids=["101 headers", "64 kB header", "40 kB cookie", "40 kB of headers"],
)
def test_HT_08_headers_have_limits(troth: Troth, head: bytes, status: bytes) -> None:
    for start in (PAGE, TOKEN):
        got = raw(troth, start + head + b"Connection: close\r\n\r\n", 5)
        assert got.split()[1] == status


def test_HT_08_addresses_and_bodies_have_limits(plain: Plain) -> None:
    assert plain.get("/login?" + "x" * 16_384).status_code == 414
    assert plain.get("/" + "x" * 16_384).status_code == 414
    data = {"grant_type": "x" * 70_000}
    assert plain.post("/oauth/token", data).status_code == 413
    assert (
        plain.get("/login", headers={"cookie": "troth-session=" + "y" * 16_384}).status_code == 200
    )


ENDPOINTS = {
    "/oauth/authorize": {"GET", "POST"},
    "/oauth/token": {"POST"},
    "/oauth/revoke": {"POST"},
    "/oauth/introspect": {"POST"},
    "/oauth/jwks": {"GET", "HEAD"},
    "/.well-known/oauth-authorization-server": {"GET", "HEAD"},
    "/login": {"GET", "HEAD", "POST"},
    "/consent": {"GET", "HEAD", "POST"},
    "/account": {"GET", "HEAD", "POST"},
    "/logout": {"GET", "HEAD", "POST"},
    "/": {"GET", "HEAD"},
}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_HT_09_only_the_methods_of_an_endpoint(troth: Troth, plain: Plain, path: str) -> None:
    before = troth.digest()
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        ask = plain.http.request if method == "HEAD" else plain.request
        response: httpx2.Response = ask(method, path)
        if method in ENDPOINTS[path]:
            assert response.status_code != 405
        elif response.status_code != 403 or method != "OPTIONS":  # a preflight is told no
            assert response.status_code == 405
            assert set(response.headers["allow"].split(", ")) == ENDPOINTS[path]
        assert method != "HEAD" or response.content == b""
    for unknown in (b"FOO", b"CONNECT"):
        got = raw(troth, unknown + PAGE[3:] + b"Connection: close\r\n\r\n")
        assert got.split()[1] in (b"400", b"405")
    assert troth.digest() == before
