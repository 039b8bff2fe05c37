"""What an application keeps to ask whether somebody is still signed in."""

import re

import pytest

from tests.harness import Browser, OAuthClient, Troth, forms
from tests.spec import spec
from troth.rules.session_state import session_state


@spec("OIDC Session Management §2")
def test_the_session_state_is_a_salted_hash_and_its_salt() -> None:
    state = session_state("client", "https://app.example", "b-state", "s4lt")
    assert state == "A2dMMT7bKQLq5I4dP5copuIF25YCR2a3Sj4ysrcRbTY.s4lt"


@spec("OIDC Session Management §3.2")
@pytest.mark.parametrize("where", ["on the account page", "somewhere else"])
def test_the_state_of_a_browser_moves_when_its_session_was_ended(
    troth: Troth, rp: OAuthClient, where: str
) -> None:
    browser, person = Browser(troth), troth.person()
    browser.authorize(rp.parameters(scope="openid"), person)
    before = browser.http.cookies["troth-state"]
    if where == "on the account page":
        ((own,),) = troth.rows("select session_id from session where sub = ?", person.sub)
        found = next(iter(forms(browser.get("/account").text).values()))["inputs"]
        data = {"form_token": dict(found)["form_token"], "session_id": own}
        assert browser.post("/account/sessions/end", data).status_code == 303
    else:
        troth.cli("user", "disable", person.username)
    browser.get("/login")
    assert browser.http.cookies["troth-state"] != before
    assert "set-cookie" not in Browser(troth).get("/oauth/check_session").headers


@spec("OIDC Session Management §2")
def test_the_session_state_depends_on_everything_and_has_no_space() -> None:
    parts = {
        "client_id": "a client",
        "origin": "https://app.example",
        "browser_state": "b-state",
        "salt": "s4lt",
    }
    states = {session_state(**parts)}
    states |= {session_state(**{**parts, name: "other"}) for name in parts}
    assert len(states) == 1 + len(parts)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}\.[a-z0-9]+", state) for state in states)
