"""A database that answers some questions and not others: whoever can be told is told (FT-05)."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.harness import (
    REDIRECT_URI,
    Browser,
    OAuthClient,
    Plain,
    Troth,
    answer,
    forms,
    is_page,
)
from tests.spec import spec


@pytest.fixture(scope="module")
def troth(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    server = installed(engine.troth(tmp_path_factory.mktemp("away")))
    yield server
    assert server.stop() == 0


@contextmanager
def away(troth: Troth, table: str) -> Iterator[None]:
    troth.execute(f"alter table {table} rename to away")
    try:
        yield
    finally:
        troth.execute(f"alter table away rename to {table}")


def asked(client: OAuthClient, browser: Browser) -> dict[str, str]:
    """The answer to a request for authorization, as the application reads it."""
    return answer(browser.get("/oauth/authorize", params=client.parameters()))


@spec("RFC 6749 §4.1.2.1")
def test_FT_05_a_proven_redirect_uri_is_told_that_the_database_is_away(troth: Troth) -> None:
    client, browser = troth.client(), Browser(troth)
    client.code(troth.person(), browser)
    with away(troth, "session"):
        told = asked(client, browser)
        assert (told["error"], told["state"]) == ("temporarily_unavailable", "canary-state")
        assert told["iss"] == troth.issuer
        assert "code" not in told
        silent = client.parameters(prompt="none", response_mode="form_post")
        shown = browser.get("/oauth/authorize", params=silent)
        (form,) = forms(shown.text).values()
        assert form["action"] == client.redirect_uri
        assert dict(form["inputs"])["error"] == "temporarily_unavailable"
        stranger = client.parameters(redirect_uri="https://evil.example/cb")
        assert is_page(browser.get("/oauth/authorize", params=stranger))
    assert "code" in asked(client, browser)


def test_FT_05_a_page_says_when_to_come_again_and_not_that_nothing_was_done(troth: Troth) -> None:
    """After a COMMIT without an answer nobody knows."""
    client, person, browser = troth.client(), troth.person(), Browser(troth)
    page = browser.follow(browser.get("/oauth/authorize", params=client.parameters()))
    form = forms(page.text)["login"]
    typed = {"username": person.username, "password": person.password}
    with away(troth, "session"):
        told = browser.http.post(form["action"], data={**dict(form["inputs"]), **typed})
        assert (told.status_code, told.headers["retry-after"]) == (503, "1")
        assert "Nothing was changed" not in told.text
        assert "may have been done" in told.text
    assert browser.sign_in(page, person).status_code == 200


def test_FT_05_a_refusal_whose_reader_cannot_be_looked_up_is_a_503(troth: Troth) -> None:
    """Which origins may read it stands in the database; an answer there is all the same."""
    browser = Browser(troth)
    with away(troth, "client_origin"):
        asking = {"origin": "https://app.example"}
        told = browser.http.post("/oauth/token", json={}, headers=asking)
        assert (told.status_code, told.headers["retry-after"]) == (503, "1")
        assert told.json()["error"] == "temporarily_unavailable"
        assert browser.http.post("/oauth/token", json={}).status_code == 415
    assert browser.http.post("/oauth/token", json={}, headers=asking).status_code == 415


def test_FT_19_what_cannot_be_audited_is_not_done(troth: Troth) -> None:
    """No token, and no revocation, without its line in the audit: both are one transaction."""
    client, person = troth.client(), troth.person()
    tokens, code = client.tokens(person), client.code(person)
    row = "select * from chain where client_id = ?"
    before = troth.rows(row, client.client_id)
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    redeem = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    with away(troth, "audit"), Plain(troth) as http:
        for path, form in (
            ("/oauth/token", refresh),
            ("/oauth/token", redeem),
            ("/oauth/revoke", {"token": tokens["refresh_token"]}),
        ):
            told = http.http.post(path, data=client.credentials() | form)
            assert (told.status_code, told.headers["retry-after"]) == (503, "1")
        assert troth.rows(row, client.client_id) == before
    assert client.redeem(code).status_code == 200, "nothing of the code was spent"
    assert client.refresh(tokens["refresh_token"]).status_code == 200
