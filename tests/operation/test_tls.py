"""Troth with its own TLS: what browsers are told, and that nobody is waited for at the end."""

import re
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.conftest import installed
from tests.harness import Browser, OAuthClient, Person, Troth


def certified(folder: Path, **settings: str) -> tuple[Troth, ssl.SSLContext]:
    """A server with a certificate of its own, and who trusts it."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    (folder / "cert.pem").write_bytes(b"".join(p.bytes() for p in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    settings |= {"tls_cert_file": f"{folder}/cert.pem", "tls_key_file": f"{folder}/key.pem"}
    troth = Troth(folder, **settings)
    troth.issuer = troth.environment["TROTH_ISSUER"] = f"https://127.0.0.1:{troth.port}"
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    return installed(troth), trusted


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Troth, Browser]]:
    troth, trusted = certified(tmp_path_factory.mktemp("tls"))
    browser = Browser(troth, verify=trusted)
    yield troth, browser
    # This connection is kept alive and says nothing: the end does not wait for its goodbye.
    assert browser.get("/oauth/jwks").status_code == 200
    assert troth.stop() == 0
    browser.http.close()
    assert "graceful shutdown exceeded" not in troth.log()


def test_who_is_still_shaking_hands_when_the_process_ends_is_answered_and_not_waited_for(
    tmp_path: Path,
) -> None:
    troth, trusted = certified(tmp_path)
    browser = Browser(troth, verify=trusted)  # what it keeps open holds the end up for a moment
    assert browser.get("/oauth/jwks").status_code == 200
    with socket.create_connection(("127.0.0.1", troth.port), timeout=20) as early:
        time.sleep(0.2)  # until it is accepted
        assert troth._process is not None
        troth._process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        with trusted.wrap_socket(early, server_hostname="127.0.0.1") as late:
            late.sendall(b"GET /oauth/jwks HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % troth.port)
            assert b"connection: close" in late.recv(65536)
        assert troth._process.wait(timeout=30) == 0
    browser.http.close()
    assert "graceful shutdown exceeded" not in troth.log()


def test_HT_13_own_tls_is_told_to_browsers_for_years(over_tls: tuple[Troth, Browser]) -> None:
    troth, browser = over_tls
    for path in ("/login", "/oauth/jwks", "/nowhere", "/oauth/token", "/oauth/authorize"):
        sent = browser.get(path).headers["strict-transport-security"]
        assert "includeSubDomains" in sent
        assert int(re.findall(r"max-age=(\d+)", sent)[0]) >= 365 * 86400
    got = troth.raw(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 3)
    assert b"<form" not in got, "nothing is served in the clear"


def test_SE_03_over_tls_every_cookie_is_of_this_host_and_secure(
    over_tls: tuple[Troth, Browser],
) -> None:
    troth, browser = over_tls
    person: Person = troth.person()
    app: OAuthClient = troth.client()
    page = browser.follow(browser.get("/oauth/authorize", params=app.parameters()))
    typed = {"username": person.username, "password": person.password}
    done = browser.submit(page, "login", typed)
    stranger = Browser(troth, verify=False)
    cookies = done.headers.get_list("set-cookie")
    cookies += stranger.get("/login").headers.get_list("set-cookie")
    names = {cookie.partition("=")[0] for cookie in cookies}
    assert names == {"__Host-troth-session", "__Host-troth-device", "__Host-troth-browser"}
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= attributes
    consent = browser.follow(done)
    assert 'id="consent"' in consent.text
    sent = browser.submit(consent, "consent", {"decision": "allow"})
    assert sent.headers["location"].startswith("https://app.example/cb?code=")
    plain_name = {"cookie": f"troth-session={browser.http.cookies['__Host-troth-session']}"}
    assert stranger.get("/account", headers=plain_name).status_code == 303
    stranger.http.close()
