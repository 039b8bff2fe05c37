"""Nothing secret and nothing forged in what a server writes down or shows."""

import json
import time
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.harness import Browser, OAuthClient, Person, Plain, Troth, answer, somewhere

EVIL = 'x\r\n{"event":"forged"}\x1b[2J\u2028{"event":"forged"}\x9b"}\\\u0085'


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    """A server of its own at the most talkative level, that nobody stops to explain."""
    folder = tmp_path_factory.mktemp("talkative")
    server = installed(engine.troth(folder, log_level="debug", trusted_proxies="127.0.0.1/32"))
    yield server
    server.stop()


def written(troth: Troth) -> str:
    """Log, metrics, and every table of the database, as text."""
    with urlopen(f"http://127.0.0.1:{troth.management_port}/metrics") as response:
        metrics = response.read().decode()
    return troth.log() + metrics + troth.dump()


def lines(troth: Troth) -> list[dict[str, object]]:
    found = [line for line in troth.log().splitlines() if not line.startswith("ready")]
    return [json.loads(line) for line in found]


def test_PV_01_no_secret_is_written_anywhere(talkative: Troth) -> None:
    person, browser = talkative.person(), Browser(talkative)
    app = talkative.client()
    page = browser.follow(browser.get("/oauth/authorize", params=app.parameters(state="canary-st")))
    wrong = {"username": person.username, "password": "canary wrong password"}
    browser.submit(page, "login", wrong, headers={"x-forwarded-for": somewhere()})
    got = answer(browser.submit(browser.sign_in(page, person), "consent", {"decision": "allow"}))
    tokens = app.redeem(got["code"]).json()
    second = app.refresh(tokens["refresh_token"]).json()
    app.redeem(got["code"], client_secret="canary-wrong-secret")
    app.introspect(second["access_token"])
    app.redeem(got["code"])
    app.revoke(second["refresh_token"])
    basic = {"authorization": "Basic Y2FuYXJ5OmNhbmFyeQ=="}
    app.post("/oauth/token", {"grant_type": "canary-grant", "code": "canary"}, headers=basic)
    secrets = [
        person.password,
        "canary wrong password",
        "canary-wrong-secret",
        "Y2FuYXJ5OmNhbmFyeQ",
        "canary-st",
        app.secret,
        got["code"],
        *(cookie.value for cookie in browser.http.cookies.jar),
        *(t[name] for t in (tokens, second) for name in ("access_token", "refresh_token")),
    ]
    with Plain(talkative) as http:
        http.get("/login")
    text = written(talkative)
    assert [secret for secret in secrets if secret in text] == []


def test_PV_01_a_failure_inside_tells_nothing(talkative: Troth) -> None:
    app = talkative.client()
    person = talkative.person()
    code = app.code(person)
    talkative.edit_client(app.client_id, lambda _: {"broken": True})
    with Plain(talkative) as http:
        data = {"grant_type": "authorization_code", "code": code, **app.credentials()}
        deadline = time.monotonic() + 20
        while (response := http.http.post("/oauth/token", data=data)).status_code == 400:
            assert time.monotonic() < deadline, "the process never hears of the broken client"
    talkative.execute("delete from client where client_id = ?", app.client_id)
    assert response.status_code == 500
    assert set(response.json()) == {"error", "error_description", "request_id"}
    assert "broken" not in response.text
    failed = [line for line in lines(talkative) if line["event"] == "request.failed"]
    assert failed[-1]["request_id"] == response.json()["request_id"]
    assert code not in talkative.log()
    assert app.secret not in talkative.log()
    assert "Traceback" not in talkative.log()


def test_PV_02_one_event_is_one_line_whatever_is_in_it(talkative: Troth) -> None:
    before = len(lines(talkative))
    app = talkative.client()
    browser = Browser(talkative, headers={"x-forwarded-for": somewhere()})
    for name in ("client_id", "redirect_uri", "response_type", "scope", "resource", "state"):
        browser.get("/oauth/authorize", params=app.parameters(**{name: EVIL}))
    browser.get("/oauth/authorize", params=app.parameters(code_challenge_method=EVIL))
    for name in ("grant_type", "client_id", "scope", "code"):
        browser.post(
            "/oauth/token", {**app.credentials(), "grant_type": "refresh_token", name: EVIL}
        )
    browser.post("/oauth/token", [("a", "b"), (EVIL, "1"), (EVIL, "2")])
    browser.submit(browser.get("/login"), "login", {"username": EVIL, "password": "canary"})
    browser.get("/%0d%0a%1b%5b2J%E2%80%A8")
    talkative.raw(b"GET /login HTTP/1.1\r\nHost: evil\x1b[2J\x9b\r\nConnection: close\r\n\r\n")
    talkative.raw(b"nonsense\r\n\r\n")
    found = lines(talkative)
    assert len(found) > before + 8
    assert all(line["event"] != "forged" for line in found)
    raw = talkative.log().replace("\n", "")
    assert raw.isascii()
    assert raw.isprintable()


def test_PV_05_public_pages_count_and_list_nobody(
    troth: Troth, app: OAuthClient, ada: Person
) -> None:
    with Plain(troth) as http:
        for path in ("/", "/login", "/oauth/jwks", "/.well-known/oauth-authorization-server"):
            text = http.get(path).text
            for word in (app.client_id, "Canary", ada.username + '"', ada.sub, "users", "tenant"):
                assert word not in text, (path, word)
        assert http.get("/metrics").status_code == 404
        assert http.get("/health/live").status_code == 404
