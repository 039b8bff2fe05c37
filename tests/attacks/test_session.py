"""Login sessions: fixed, tossed, idle, ended, and the logout."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, forms

SESSION = "troth-session"


@pytest.fixture
def person(troth: Troth) -> Person:
    return troth.person()


@pytest.fixture
def inside(troth: Troth, person: Person) -> Iterator[Browser]:
    browser = Browser(troth)
    browser.sign_in(browser.get("/login"), person)
    yield browser
    browser.http.close()


def session_secret(browser: Browser) -> str:
    return str(browser.http.cookies.get(SESSION))


def status_with(troth: Troth, cookie: str) -> int:
    """What the account page says to a Cookie header, on a new connection (any worker)."""
    statuses = set()
    for _ in range(4):
        response = Browser(troth).get("/account", headers={"cookie": cookie})
        statuses.add(response.status_code)
        if response.status_code == 303:
            assert response.headers["location"] == troth.issuer + "/login"
    assert len(statuses) == 1
    return statuses.pop()


def test_SE_01_a_session_id_known_before_is_not_the_one_after(troth: Troth, person: Person) -> None:
    browser = Browser(troth)
    browser.http.cookies.set(SESSION, "A" * 43, domain="127.0.0.1")
    browser.sign_in(browser.get("/login"), person)
    assert status_with(troth, f"{SESSION}={'A' * 43}") == 303
    secrets = {c.value for c in browser.http.cookies.jar if c.name == SESSION}
    assert len(secrets - {"A" * 43}) == 1


def test_SE_01_a_second_login_ends_the_first_session(
    troth: Troth, app: OAuthClient, person: Person, inside: Browser
) -> None:
    first = session_secret(inside)
    switched = inside.get("/oauth/authorize", params=app.parameters())
    page = inside.follow(switched)
    page = inside.follow(inside.submit(page, "switch", {"decision": "switch"}))
    inside.sign_in(page, person)
    second = session_secret(inside)
    assert first != second
    assert status_with(troth, f"{SESSION}={first}") == 303
    assert status_with(troth, f"{SESSION}={second}") == 200


def test_SE_02_a_pending_request_of_another_browser_is_refused(
    troth: Troth, app: OAuthClient, person: Person, inside: Browser
) -> None:
    attacker = Browser(troth)
    begun = attacker.get("/oauth/authorize", params=app.parameters())
    before = troth.digest()
    response = inside.get(begun.headers["location"])
    assert response.status_code == 400
    assert "location" not in response.headers
    assert troth.digest() == before


def test_SE_03_every_cookie_is_out_of_reach(troth: Troth, person: Person) -> None:
    browser = Browser(troth)
    page = browser.get("/login")
    typed = {"username": person.username, "password": person.password}
    done = browser.submit(page, "login", typed)
    cookies = page.headers.get_list("set-cookie") + done.headers.get_list("set-cookie")
    assert {c.partition("=")[0] for c in cookies} == {"troth-browser", SESSION, "troth-device"}
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"path=/", "httponly", "samesite=lax"} <= attributes
        assert not any(part.startswith("domain") for part in attributes)
        assert len(cookie) < 4096


def test_SE_04_two_cookies_of_one_name_are_none(troth: Troth, inside: Browser) -> None:
    own = f"{SESSION}={session_secret(inside)}"
    assert status_with(troth, own) == 200
    assert status_with(troth, f"{own}; {SESSION}=tossed") == 303
    assert status_with(troth, f"{SESSION}=tossed; {own}") == 303
    assert status_with(troth, f"__Host-{own}") == 303


@pytest.mark.parametrize("column", ["last_seen_at", "expires_at"])
def test_SE_05_a_session_ends_idle_and_absolutely(
    troth: Troth, person: Person, inside: Browser, column: str
) -> None:
    own = f"{SESSION}={session_secret(inside)}"
    back = {"last_seen_at": 1795, "expires_at": 12 * 3600 - 5}[column]
    update = f"update session set {column} = {column} - ? where sub = ?"
    troth.execute(update, back, person.sub)
    ends = troth.rows("select expires_at from session where sub = ?", person.sub)
    assert status_with(troth, own) == 200, "five seconds before its end it still stands"
    assert troth.rows("select expires_at from session where sub = ?", person.sub) == ends
    if column == "last_seen_at":
        troth.execute(update, 1801, person.sub)
    else:
        troth.execute(update, 6, person.sub)
    assert status_with(troth, own) == 303


@pytest.mark.parametrize("end", ["logout", "disable", "delete", "set-password"])
def test_SE_06_an_ended_session_is_refused_on_every_process(
    troth: Troth, person: Person, inside: Browser, end: str
) -> None:
    own = f"{SESSION}={session_secret(inside)}"
    assert status_with(troth, own) == 200
    match end:
        case "logout":
            inside.submit(inside.get("/logout"), "logout")
        case "disable":
            troth.cli("user", "disable", person.username)
        case "delete":
            troth.cli("user", "delete", person.username, "--yes")
        case "set-password":
            troth.cli(
                "user",
                "set-password",
                person.username,
                "--password-stdin",
                stdin="canary newer one",
            )
    assert status_with(troth, own) == 303


NOBODY = (
    "",
    "garbage",
    "A" * 8000,
    "\xff\xfe",
    "true",
    "1",
    "null",
    "{}",
    "' or 1=1",
    "%00",
    "\x7f",
)


def test_SE_07_a_cookie_of_nobody_is_no_session(troth: Troth, inside: Browser) -> None:
    secret = session_secret(inside)
    cookies = [f"{SESSION}={value}" for value in (*NOBODY, secret[:-1], secret + "x")]
    for cookie in cookies:
        raw = cookie.encode("latin-1")
        for name in (b"session", b"browser", b"device"):
            line = raw.replace(b"session", name)
            request = (
                b"GET /account HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nCookie: %s\r\n\r\n"
            )
            got = troth.raw(request % (f"127.0.0.1:{troth.port}".encode(), line))
            assert got.split(b"\r\n")[0].split()[1] in (b"303", b"400"), got[:200]


def test_SE_07_the_login_page_clears_a_session_cookie_of_nobody(troth: Troth) -> None:
    response = Browser(troth).get("/login", headers={"cookie": f"{SESSION}=garbage"})
    cleared = [c for c in response.headers.get_list("set-cookie") if c.startswith(SESSION + "=;")]
    assert len(cleared) == 1
    assert "max-age=0" in cleared[0].lower()


def test_SE_08_a_login_form_of_another_browser_is_refused(troth: Troth, person: Person) -> None:
    attacker, victim = Browser(troth), Browser(troth)
    page = attacker.get("/login")
    victim.get("/login")
    found = forms(page.text)["login"]
    data = dict(found["inputs"]) | {"username": person.username, "password": person.password}
    response = victim.post("/login", data)
    assert response.status_code == 403
    assert SESSION not in victim.http.cookies


def test_SE_09_a_person_ends_their_own_and_nobody_elses(
    troth: Troth, app: OAuthClient, person: Person, inside: Browser
) -> None:
    stranger, theirs = Browser(troth), troth.person()
    stranger.sign_in(stranger.get("/login"), theirs)
    tokens = app.tokens(theirs, stranger)
    (session_id,) = troth.rows("select session_id from session where sub = ?", theirs.sub)[0]
    token = dict(next(iter(forms(inside.get("/account").text).values()))["inputs"])["form_token"]
    before = troth.digest()
    for path, name, value in (
        ("/account/sessions/end", "session_id", session_id),
        ("/account/applications/revoke", "client_id", app.client_id),
        ("/account/sessions/end", "session_id", ""),
    ):
        assert inside.post(path, {"form_token": token, name: value}).status_code == 404
    assert troth.digest() == before
    assert stranger.get("/account").status_code == 200
    assert app.active(tokens["access_token"])
    own = Browser(troth)
    own.sign_in(own.get("/login"), person)
    secret = session_secret(own)
    assert inside.post("/account/sessions/end-others", {"form_token": token}).status_code == 303
    assert status_with(troth, f"{SESSION}={secret}") == 303
    assert inside.get("/account").status_code == 200


def test_LO_02_a_logout_from_elsewhere_ends_nothing(inside: Browser) -> None:
    assert 'id="logout"' in inside.get("/logout").text
    assert inside.post("/logout", {"x": "y"}).status_code == 403
    cross = {"sec-fetch-site": "cross-site"}
    assert inside.submit(inside.get("/logout"), "logout", headers=cross).status_code == 403
    assert inside.get("/account").status_code == 200


def test_LO_01_a_logout_leads_nowhere_else(inside: Browser) -> None:
    query = {"post_logout_redirect_uri": "https://evil.example/", "next": "//evil.example"}
    assert "evil" not in inside.get("/logout", params=query).text
    response = inside.submit(inside.get("/logout"), "logout")
    assert response.status_code == 200
    assert "location" not in response.headers


def test_LO_04_a_logout_ends_the_session_its_codes_and_what_the_browser_kept(
    troth: Troth, app: OAuthClient, person: Person, inside: Browser
) -> None:
    code = app.code(person, inside)
    begun = inside.get("/oauth/authorize", params=app.parameters(scope="extra read_write"))
    response: httpx2.Response = inside.submit(inside.get("/logout"), "logout")
    assert response.headers["clear-site-data"] == '"cache", "storage"'
    assert SESSION not in inside.http.cookies, "and other hosts of the site keep theirs"
    assert inside.get("/account").headers["location"] == troth.issuer + "/login"
    assert app.redeem(code).json()["error"] == "invalid_grant"
    later = inside.get(begun.headers["location"])
    assert later.status_code == 303
    assert later.headers["location"].startswith(troth.issuer + "/login?pending=")
    assert 'id="consent"' in inside.sign_in(inside.follow(later), person).text
