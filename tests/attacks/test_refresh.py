"""Refresh tokens under attack: replayed, retried, stolen, widened, and after things have ended."""

import time

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, forms
from tests.oracles import refused
from tests.spec import spec


def family(app: OAuthClient, *tokens: dict[str, str]) -> bool:
    """FAMILY: every token of the chain is dead."""
    dead = [not app.active(one["access_token"]) for one in tokens]
    return all(dead) and all(refused(app.refresh(one["refresh_token"])) for one in tokens)


def forget_rotation(troth: Troth, seconds: int) -> None:
    """As if the last rotation of every chain was so long ago."""
    troth.execute("update chain set rotated_at = rotated_at - ?", seconds)


@spec("RFC 6749 §6", "RFC 9700 §4.14.2")
def test_RT_01_an_old_token_ends_the_whole_chain(app: OAuthClient, ada: Person) -> None:
    r0 = app.tokens(ada)
    r1 = app.refresh(r0["refresh_token"]).json()
    r2 = app.refresh(r1["refresh_token"]).json()
    assert refused(app.refresh(r0["refresh_token"]))
    assert family(app, r0, r1, r2)


@spec("RFC 9700 §4.14.2")
def test_RT_02_a_lost_answer_is_given_again(troth: Troth, app: OAuthClient, ada: Person) -> None:
    r0 = app.tokens(ada)
    r1 = app.refresh(r0["refresh_token"]).json()
    again = app.refresh(r0["refresh_token"])
    assert again.status_code == 200
    assert again.json()["refresh_token"] == r1["refresh_token"], "exactly one live leaf"
    assert app.refresh(r1["refresh_token"]).status_code == 200
    found = troth.rows("select count(*) from audit where event = 'refresh_retry'")
    deadline = time.monotonic() + 5
    while not found[0][0] and time.monotonic() < deadline:
        time.sleep(0.05)
        found = troth.rows("select count(*) from audit where event = 'refresh_retry'")
    assert found[0][0]


@spec("RFC 9700 §4.14.2")
def test_RT_03_a_retry_that_comes_too_late_is_a_replay(
    troth: Troth, app: OAuthClient, ada: Person
) -> None:
    r0 = app.tokens(ada)
    r1 = app.refresh(r0["refresh_token"]).json()
    forget_rotation(troth, 31)
    assert refused(app.refresh(r0["refresh_token"]))
    assert family(app, r0, r1)


def test_RT_04_the_grandparent_is_a_replay_also_within_the_window(
    app: OAuthClient, ada: Person
) -> None:
    r0 = app.tokens(ada)
    r1 = app.refresh(r0["refresh_token"]).json()
    r2 = app.refresh(r1["refresh_token"]).json()
    assert app.active(r2["access_token"])
    assert refused(app.refresh(r0["refresh_token"]))
    assert family(app, r1, r2)


def test_RT_05_the_window_revives_nothing(app: OAuthClient, ada: Person) -> None:
    r0 = app.tokens(ada)
    r1 = app.refresh(r0["refresh_token"]).json()
    assert app.revoke(r1["refresh_token"]).status_code == 200
    assert refused(app.refresh(r0["refresh_token"]))
    assert refused(app.refresh(r1["refresh_token"]))


def test_RT_06_rotations_within_one_second_are_told_apart(app: OAuthClient, ada: Person) -> None:
    chain = [app.tokens(ada)]
    chain += [app.refresh(chain[-1]["refresh_token"]).json() for _ in range(1)]
    chain.append(app.refresh(chain[-1]["refresh_token"]).json())
    assert len({one["refresh_token"] for one in chain}) == 3
    assert refused(app.refresh(chain[0]["refresh_token"]))
    assert family(app, *chain)


@spec("RFC 6749 §6", "RFC 6749 §10.4")
def test_RT_08_another_client_can_neither_use_nor_end_it(
    troth: Troth, app: OAuthClient, other_app: OAuthClient, ada: Person
) -> None:
    r0 = app.tokens(ada)
    before = troth.digest()
    assert refused(other_app.refresh(r0["refresh_token"]))
    assert troth.digest() == before
    r1 = app.refresh(r0["refresh_token"]).json()
    app.refresh(r1["refresh_token"])
    assert refused(other_app.refresh(r0["refresh_token"])), "a replay by another client"
    assert app.active(r1["access_token"])


@spec("RFC 6749 §6", "RFC 6749 §3.2.1")
@pytest.mark.parametrize("how", ["no secret", "wrong secret", "nobody"])
def test_RT_09_a_confidential_client_must_authenticate(
    troth: Troth, app: OAuthClient, ada: Person, how: str
) -> None:
    r0 = app.tokens(ada)
    changes: dict[str, dict[str, str | None]] = {
        "no secret": {"client_secret": None},
        "wrong secret": {"client_secret": "wrong"},
        "nobody": {"client_secret": None, "client_id": None},
    }
    before = troth.digest()
    response = app.refresh(r0["refresh_token"], **changes[how])
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert troth.digest() == before
    assert app.refresh(r0["refresh_token"]).status_code == 200


@spec("RFC 6749 §6")
def test_RT_10_a_narrower_scope_is_for_this_access_token_alone(
    app: OAuthClient, ada: Person
) -> None:
    r0 = app.tokens(ada, scope="read_write extra")
    assert refused(app.refresh(r0["refresh_token"], scope="read_write other"), "invalid_scope")
    narrow = app.refresh(r0["refresh_token"], scope="read_write").json()
    assert narrow["scope"] == "read_write"
    assert app.introspect(narrow["access_token"])["scope"] == "read_write"
    wide = app.refresh(narrow["refresh_token"], scope="read_write extra").json()
    assert set(wide["scope"].split()) == {"read_write", "extra"}
    assert set(app.refresh(wide["refresh_token"]).json()["scope"].split()) == {
        "read_write",
        "extra",
    }


def test_RT_11_what_the_client_lost_is_not_given_any_more(troth: Troth, ada: Person) -> None:
    app = troth.client(name="Canary Shrinking")
    r0 = app.tokens(ada, scope="read_write extra")
    troth.cli("client", "update", app.client_id, "--scope", "read_write")
    r1 = app.refresh(r0["refresh_token"]).json()
    assert r1["scope"] == "read_write"
    troth.cli("client", "update", app.client_id, "--grant-type", "authorization_code")
    assert refused(app.refresh(r1["refresh_token"]), "unauthorized_client")


@pytest.mark.parametrize("how", ["disable", "set-password", "delete", "disconnect"])
def test_RT_12_nothing_outlives_what_the_person_lost(
    troth: Troth, app: OAuthClient, how: str
) -> None:
    person = troth.person()
    browser = Browser(troth)
    r0 = app.tokens(person, browser)
    r1 = app.refresh(r0["refresh_token"]).json()
    match how:
        case "disable":
            troth.cli("user", "disable", person.username)
        case "set-password":
            new = "another canary battery"
            troth.cli("user", "set-password", person.username, "--password-stdin", stdin=new)
        case "delete":
            troth.cli("user", "delete", person.username, "--yes")
        case "disconnect":
            page = browser.get("/account")
            form = next(name for name in forms(page.text) if "revoke" in name)
            assert browser.submit(page, form).status_code == 303
    assert family(app, r0, r1)


def test_RT_13_a_disabled_client_gets_nothing_and_enabling_revives_nothing(
    troth: Troth, ada: Person
) -> None:
    app = troth.client(name="Canary Disabled")
    revoked, kept = app.tokens(ada), app.tokens(ada)
    app.revoke(revoked["refresh_token"])
    troth.cli("client", "disable", app.client_id)
    response = app.refresh(kept["refresh_token"])
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    troth.cli("client", "disable", app.client_id, "--enable")
    assert refused(app.refresh(revoked["refresh_token"]))
    assert app.refresh(kept["refresh_token"]).status_code == 200


@spec("RFC 8707 §2.2")
def test_RT_19_a_resource_outside_the_grant_is_refused(
    troth: Troth, app: OAuthClient, ada: Person
) -> None:
    r0 = app.tokens(ada)
    before = troth.digest()
    response = app.refresh(r0["refresh_token"], resource="https://elsewhere.example")
    assert refused(response, "invalid_target")
    assert troth.digest() == before
