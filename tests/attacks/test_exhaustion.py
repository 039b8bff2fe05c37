"""Inputs that are made to cost much, and numbers that are made to grow (RX-07, RX-08)."""

import re
from urllib.request import urlopen

import pytest

from tests.harness import Browser, OAuthClient, Plain, Troth
from tests.oracles import check_response

HOSTILE = {
    "a number of many digits": "9" * 60_000,
    "letters that compose": "e" + "\u0301" * 10_000,
    "letters that unfold": "\ufdfa" * 10_000,
    "widths that change": "\uff21" * 10_000,
    "right to left and back": "\u05d0a" * 10_000,
    "spaces": "\u3000" * 10_000,
    "brackets": "[" * 60_000,
    "escapes": "%25" * 20_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_RX_07_a_hostile_text_is_refused_and_costs_no_more_than_it_is_long(
    troth: Troth, app: OAuthClient, kind: str
) -> None:
    text = HOSTILE[kind]
    browser = Browser(troth)
    page = browser.get("/login")
    response = browser.submit(page, "login", {"username": text, "password": text})
    assert response.status_code in (400, 413)
    with Plain(troth) as http:
        for name in ("code", "scope", "client_id", "redirect_uri", "code_verifier", text[:1000]):
            form = {"grant_type": "authorization_code", **app.credentials(), name: text}
            refused = http.post("/oauth/token", form)
            assert refused.status_code in (400, 401, 413), name
            asked = http.get(
                "/oauth/authorize", params={"client_id": app.client_id, name: text[:5000]}
            )
            assert asked.status_code in (303, 400, 414), name


def labels(troth: Troth) -> set[str]:
    with urlopen(f"http://127.0.0.1:{troth.management_port}/metrics") as response:
        return set(re.findall(r"^([^#\s]+)\s", response.read().decode(), re.MULTILINE))


def test_RX_08_nothing_that_a_client_says_becomes_a_metric(troth: Troth, app: OAuthClient) -> None:
    def everything_once(word: str) -> None:
        with Plain(troth) as http:
            for path in (f"/{word}", f"/oauth/{word}", f"/oauth/token/{word}"):
                check_response(http.get(path), troth.issuer)
                http.request(word.upper()[:8], path)
            for form in ({"grant_type": word}, {"client_id": word}, {word: word}):
                http.post("/oauth/token", form | {"client_secret": word})
                http.post("/oauth/token", app.credentials() | form)
                http.get("/oauth/authorize", params=form)

    everything_once("word")
    before = labels(troth)
    for number in range(20):
        everything_once(f"word{number}")
    assert labels(troth) == before
