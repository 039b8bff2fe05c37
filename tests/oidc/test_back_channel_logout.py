"""Applications are told of a logout by Troth itself, whatever they do about it."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import RSAKey

from tests.engines import Engine
from tests.harness import Browser, OAuthClient, Person, Plain, Troth, forms
from tests.oidc.conftest import userinfo
from tests.oidc.logouts import (
    Holding,
    claims_of,
    register,
    settled,
    sign_out,
    signed_in,
    tokens_at,
    told,
    tried,
    until,
    waiting,
)
from tests.outside import Answer, Outside
from tests.spec import spec

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def person(teller: Troth) -> Person:
    return teller.person()


@pytest.fixture
def browser(teller: Troth) -> Iterator[Browser]:
    browser = Browser(teller)
    yield browser
    browser.http.close()


@spec(
    "OIDC Back-Channel Logout §2.4",
    "OIDC Back-Channel Logout §2.5",
    "OIDC Back-Channel Logout §2.3",
)
def test_an_application_is_told_once_with_a_token_that_names_the_session(
    teller: Troth, outside: Outside, browser: Browser, person: Person
) -> None:
    client, path = told(teller, outside)
    stranger, elsewhere = told(teller, outside)
    signed_in(stranger, person, Browser(teller))
    held = claims_of(teller, signed_in(client, person, browser)["id_token"])[1]
    sign_out(browser)
    (token,) = until(lambda: tokens_at(outside, path))
    (heard,) = [one for one in outside.heard if one.path == path]
    assert heard.method == "POST"
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
    header, claims = claims_of(teller, token)
    assert header["typ"] == "logout+jwt"
    assert claims["iss"] == teller.issuer
    assert claims["aud"] == client.client_id
    assert (claims["sub"], claims["sid"]) == (person.sub, held["sid"])
    assert claims["events"] == {EVENT: {}}
    assert 0 < claims["exp"] - claims["iat"] <= 120
    assert abs(claims["iat"] - time.time()) < 120
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "jti", "events", "sid"}
    settled(client)
    assert len(tokens_at(outside, path)) == 1
    assert tokens_at(outside, elsewhere) == [], "another session goes on"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
@spec("OIDC Back-Channel Logout §2.4")
def test_the_token_is_signed_as_the_client_has_its_id_tokens_signed(
    teller: Troth, outside: Outside, browser: Browser, person: Person, alg: str
) -> None:
    client, path = told(teller, outside)
    register(client, id_token_signed_response_alg=alg)
    signed_in(client, person, browser)
    sign_out(browser)
    (token,) = until(lambda: tokens_at(outside, path))
    header, _ = claims_of(teller, token, alg)
    assert header["alg"] == alg


@spec("OIDC Back-Channel Logout §2.4", "OIDC Core §8.1")
def test_a_pairwise_client_is_told_in_its_own_words(
    teller: Troth, outside: Outside, browser: Browser, person: Person
) -> None:
    client, path = told(teller, outside)
    register(client, subject_type="pairwise")
    held = claims_of(teller, signed_in(client, person, browser)["id_token"])[1]
    sign_out(browser)
    (token,) = until(lambda: tokens_at(outside, path))
    claims = claims_of(teller, token)[1]
    assert claims["sub"] == held["sub"] != person.sub
    assert claims["sid"] == held["sid"]


@spec("OIDC Back-Channel Logout §2.4")
def test_the_token_is_encrypted_as_the_client_has_its_id_tokens_encrypted(
    teller: Troth, outside: Outside, browser: Browser, person: Person
) -> None:
    key = RSAKey.generate_key(2048, {"use": "enc", "kid": "canary"})
    client, path = told(teller, outside)
    keys = {"keys": [key.as_dict(private=False)]}
    register(client, jwks=keys, id_token_encrypted_response_alg="RSA-OAEP-256")
    signed_in(client, person, browser)
    sign_out(browser)
    (token,) = until(lambda: tokens_at(outside, path))
    algorithms = ["RSA-OAEP-256", "A128CBC-HS256"]
    plain = jwe.decrypt_compact(token, key, algorithms=algorithms).plaintext or b""
    header, claims = claims_of(teller, plain.decode())
    assert (header["typ"], claims["sub"]) == ("logout+jwt", person.sub)


def test_JW_12_a_logout_token_is_no_other_token(
    teller: Troth, outside: Outside, browser: Browser, person: Person
) -> None:
    client, path = told(teller, outside)
    signed_in(client, person, browser)
    sign_out(browser)
    (token,) = until(lambda: tokens_at(outside, path))
    assert userinfo(teller, token).status_code == 401
    assert not client.active(token)
    assert client.refresh(token).json()["error"] == "invalid_grant"
    asked = client.parameters(scope="openid", prompt="none", id_token_hint=token)
    with Plain(teller) as http:
        answered = http.get("/oauth/authorize", params=asked)
    assert "error=invalid_request" in answered.headers["location"]


def logged(client: OAuthClient, event: str) -> list[str]:
    """The lines of an event of one client."""
    lines = client.troth.log().splitlines()
    return [line for line in lines if event in line and client.client_id in line]


def sessions_page(browser: Browser) -> dict[str, Any]:
    page = browser.get("/account")
    inputs = [dict(form["inputs"]) for form in forms(page.text).values()]
    return {"form_token": inputs[0]["form_token"]}


def end_one(teller: Troth, person: Person, mine: str) -> None:
    here = Browser(teller)
    here.sign_in(here.get("/login"), person)
    data = {**sessions_page(here), "session_id": mine}
    assert here.post("/account/sessions/end", data).status_code == 303


def end_others(teller: Troth, person: Person, _: str) -> None:
    here = Browser(teller)
    here.sign_in(here.get("/login"), person)
    assert here.post("/account/sessions/end-others", sessions_page(here)).status_code == 303


def new_password(teller: Troth, person: Person, _: str) -> None:
    here = Browser(teller)
    here.sign_in(here.get("/login"), person)
    typed = {
        "current_password": person.password,
        "new_password": "canary newer horse battery",
        "repeat_password": "canary newer horse battery",
    }
    done = here.post("/account/password", {**sessions_page(here), **typed})
    assert done.headers["location"].endswith("done=password")


def disable(teller: Troth, person: Person, _: str) -> None:
    teller.cli("user", "disable", person.username)


def delete(teller: Troth, person: Person, _: str) -> None:
    teller.cli("user", "delete", person.username, "--yes")


def reset(teller: Troth, person: Person, _: str) -> None:
    teller.cli(
        "user", "set-password", person.username, "--password-stdin", stdin="canary reset one"
    )


@pytest.mark.parametrize(
    "end", [end_one, end_others, new_password, disable, delete, reset], ids=lambda end: end.__name__
)
@spec("OIDC Back-Channel Logout §2")
def test_applications_hear_of_every_way_in_which_a_session_ends(
    teller: Troth,
    outside: Outside,
    browser: Browser,
    person: Person,
    end: Callable[[Troth, Person, str], None],
) -> None:
    client, path = told(teller, outside)
    held = claims_of(teller, signed_in(client, person, browser)["id_token"])[1]
    ((session_id,),) = teller.rows("select session_id from session where sub = ?", person.sub)
    end(teller, person, session_id)
    (token,) = until(lambda: tokens_at(outside, path))
    claims = claims_of(teller, token)[1]
    assert (claims["sub"], claims["sid"]) == (held["sub"], held["sid"])
    settled(client)


@spec("OIDC Back-Channel Logout §2.7", "OIDC Core §11")
def test_LO_04_what_was_granted_for_the_session_ends_with_it_and_offline_access_goes_on(
    teller: Troth, outside: Outside, browser: Browser, person: Person
) -> None:
    tied, path = told(teller, outside)
    offline, other_path = told(teller, outside)
    held = signed_in(tied, person, browser, "openid read_write")
    kept = signed_in(offline, person, browser, "openid offline_access read_write")
    assert userinfo(teller, held["access_token"]).status_code == 200
    sign_out(browser)
    assert userinfo(teller, held["access_token"]).status_code == 401
    assert not tied.active(held["access_token"])
    assert tied.refresh(held["refresh_token"]).json()["error"] == "invalid_grant"
    assert userinfo(teller, kept["access_token"]).status_code == 200
    assert offline.refresh(kept["refresh_token"]).status_code == 200
    until(lambda: tokens_at(outside, path) and tokens_at(outside, other_path))


def test_LO_06_FT_18_nobody_waits_for_an_application_that_does_not_answer(
    teller: Troth, outside: Outside, browser: Browser, person: Person
) -> None:
    slow, slow_path = told(teller, outside)
    quick, quick_path = told(teller, outside)
    holding = outside.answers[slow_path] = Holding()
    signed_in(slow, person, browser)
    signed_in(quick, person, browser)
    sign_out(browser)
    assert browser.get("/account").headers["location"] == teller.issuer + "/login"
    until(lambda: outside.count(slow_path) and outside.count(quick_path))
    settled(quick)
    assert waiting(slow), "it was not told yet"
    holding.let_go()


@pytest.mark.parametrize("status", [500, 429])
@spec("OIDC Back-Channel Logout §2.8")
def test_LO_06_an_application_that_fails_is_told_again(
    teller: Troth, outside: Outside, browser: Browser, person: Person, status: int
) -> None:
    client, path = told(teller, outside, status=status)
    signed_in(client, person, browser)
    sign_out(browser)
    until(lambda: tokens_at(outside, path))
    outside.answers[path] = Answer()
    settled(client)
    first, second = tokens_at(outside, path)
    ids = [claims_of(teller, token)[1]["jti"] for token in (first, second)]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("status", [400, 404, 501])
@spec("OIDC Back-Channel Logout §2.8")
def test_LO_06_an_application_that_refuses_has_had_its_say(
    teller: Troth, outside: Outside, browser: Browser, person: Person, status: int
) -> None:
    client, path = told(teller, outside, status=status)
    signed_in(client, person, browser)
    sign_out(browser)
    until(lambda: outside.count(path))
    if status == 501:
        tried(client)
        return
    settled(client)
    assert outside.count(path) == 1
    (line,) = until(lambda: logged(client, "logout.refused"))
    assert "eyJ" not in line


def test_LO_06_a_redirect_is_not_followed_and_a_private_address_not_asked(
    teller: Troth, outside: Outside, browser: Browser, person: Person
) -> None:
    away, path = told(teller, outside)
    target = outside.url("/elsewhere")
    outside.answers[path] = Answer(status=307, headers=(("location", target),))
    inner, inner_path = told(teller, outside)
    register(inner, backchannel_logout_uri=f"https://127.0.0.2:{outside.port}{inner_path}")
    for client in (away, inner):
        signed_in(client, person, browser)
    sign_out(browser)
    for client in (away, inner):
        tried(client)
    until(lambda: outside.count(path))
    assert outside.count("/elsewhere") == outside.count(inner_path) == 0


def test_an_application_that_never_answers_is_given_up_after_a_day(
    teller: Troth, outside: Outside, browser: Browser, person: Person
) -> None:
    client, _ = told(teller, outside, status=500)
    signed_in(client, person, browser)
    sign_out(browser)
    tried(client)
    teller.execute("update delivery set expires_at = 1 where client_id = ?", client.client_id)
    settled(client)
    until(lambda: logged(client, "logout.given_up"))


def test_several_processes_tell_each_application_once(
    teller: Troth, outside: Outside, browser: Browser, person: Person
) -> None:
    clients = [told(teller, outside) for _ in range(6)]
    for client, _ in clients:
        signed_in(client, person, browser)
    teller.cli("user", "disable", person.username)
    for client, _ in clients:
        settled(client)
    assert [outside.count(path) for _, path in clients] == [1] * len(clients)


def test_LO_09_a_server_that_is_killed_before_it_told_tells_after_its_start(
    tmp_path: Path, engine: Engine, outside: Outside
) -> None:
    allowed = {"fetch_allow": outside.allow(), "fetch_ca_file": str(outside.ca_file)}
    troth = engine.troth(tmp_path, **allowed).start()
    troth.cli("scope", "add", "read_write", "--description", "See and change your things")
    client, path = told(troth, outside)
    holding = outside.answers[path] = Holding(500)
    browser, person = Browser(troth), troth.person()
    signed_in(client, person, browser)
    sign_out(browser)
    until(lambda: outside.count(path))
    troth.stop(signal.SIGKILL)
    holding.let_go()
    assert waiting(client)
    outside.answers[path] = Answer(status=204)
    # What a dead process took is everybody's after half a minute: this one has passed.
    troth.execute("update delivery set due_at = due_at - 60")
    troth.start()
    settled(client)
    assert outside.count(path) == 2
    assert troth.stop() == 0


@spec("OIDC Back-Channel Logout §2.1")
def test_the_metadata_says_that_applications_are_told(teller: Troth) -> None:
    with Plain(teller) as http:
        metadata = http.get("/.well-known/openid-configuration").json()
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
