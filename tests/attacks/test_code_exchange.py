"""Authorization codes under attack: used twice, by others, bent, late, or as something else."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.harness import REDIRECT_URI, Browser, OAuthClient, Person, Plain, Troth, answer
from tests.oracles import refused
from tests.spec import spec


@pytest.fixture(scope="module")
def browser(troth: Troth, app: OAuthClient, ada: Person) -> Iterator[Browser]:
    """Logged in, and the application is allowed: every request gives a code at once."""
    made = Browser(troth)
    made.authorize(app.parameters(), ada)
    yield made
    made.http.close()


@pytest.fixture
def code(browser: Browser, app: OAuthClient, ada: Person) -> str:
    return app.code(ada, browser)


@pytest.fixture(scope="module")
def http(troth: Troth) -> Iterator[Plain]:
    with Plain(troth) as plain:
        yield plain


def form(app: OAuthClient, code: str, **changes: str) -> dict[str, str]:
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    return {**grant, **app.credentials(), **changes}


@spec("RFC 6749 §4.1.2", "RFC 9700 §4.5")
def test_CX_01_a_code_used_twice_ends_everything_that_came_of_it(
    app: OAuthClient, code: str
) -> None:
    first = app.redeem(code).json()
    second = app.refresh(first["refresh_token"]).json()
    assert app.active(second["access_token"])
    time.sleep(1)
    assert refused(app.redeem(code))
    for tokens in (first, second):
        assert not app.active(tokens["access_token"])
        assert refused(app.refresh(tokens["refresh_token"]))
    assert refused(app.redeem(code))


@spec("RFC 6749 §4.1.2")
def test_CX_01_a_late_or_bent_replay_by_the_owner_ends_it_too(app: OAuthClient, code: str) -> None:
    tokens = app.redeem(code).json()
    assert refused(app.redeem(code, redirect_uri="https://app.example/other"))
    assert not app.active(tokens["access_token"])


@pytest.fixture(scope="module")
def thieves(troth: Troth, other_app: OAuthClient) -> list[OAuthClient]:
    """Clients that own nothing of the code; two registered the very redirect URI of its owner."""
    return [other_app, troth.client(name="Thief"), troth.client("--auth-method", "none")]


@spec("RFC 6749 §4.1.3")
def test_CX_03_a_code_of_another_client_is_nothing_and_stays_whole(
    troth: Troth, app: OAuthClient, thieves: list[OAuthClient], code: str
) -> None:
    before = troth.digest()
    for thief in thieves:
        assert refused(thief.redeem(code, redirect_uri=REDIRECT_URI, code_verifier=None))
        assert refused(thief.redeem(code, redirect_uri=thief.redirect_uri))
    assert troth.digest() == before
    assert app.redeem(code).status_code == 200


@spec("RFC 6749 §4.1.2", "RFC 9700 §4.5")
def test_CX_04_another_client_cannot_end_tokens_with_a_used_code(
    troth: Troth, app: OAuthClient, other_app: OAuthClient, native: OAuthClient, code: str
) -> None:
    tokens = app.redeem(code).json()
    before = troth.digest()
    assert refused(other_app.redeem(code))
    assert refused(native.redeem(code))
    assert troth.digest() == before
    assert app.active(tokens["access_token"])
    assert app.refresh(tokens["refresh_token"]).status_code == 200


@spec("RFC 6749 §4.1.2")
def test_CX_04_who_knows_a_public_clients_id_and_used_code_cannot_end_its_tokens(
    troth: Troth, native: OAuthClient, ada: Person
) -> None:
    code = native.code(ada)
    tokens = native.redeem(code).json()
    before = troth.digest()
    assert refused(native.redeem(code, code_verifier="w" * 43))
    assert refused(native.redeem(code, code_verifier=None))
    assert troth.digest() == before
    assert native.refresh(tokens["refresh_token"]).status_code == 200


@spec("RFC 6749 §10.10")
def test_CX_05_no_bent_code_is_a_code(
    troth: Troth, http: Plain, app: OAuthClient, code: str
) -> None:
    bent = [code[:length] for length in range(1, len(code), 5)] + [code[:-1], code[1:]]
    bent += [code + tail for tail in ("A", "=", "==", " ", "\n", "\t", ".", "%00", code)]
    bent += [" " + code, code.upper(), code.lower(), code.swapcase(), code[:9] + "=" + code[9:]]
    bent += [
        code[:at] + ("A" if code[at] != "A" else "B") + code[at + 1 :]
        for at in (*range(0, len(code), 4), len(code) - 1, len(code) - 2)
    ]
    before = troth.digest()
    for text in bent:
        assert refused(http.post("/oauth/token", form(app, text))), text
    assert troth.digest() == before
    assert app.redeem(code).status_code == 200


def in_time(client: OAuthClient, person: Person, browser: Browser) -> tuple[str, Any]:
    """A code and what it gave: a busy machine may need more than one to be quick enough."""
    for _ in range(5):
        code = client.code(person, browser)
        response = client.redeem(code)
        if response.status_code == 200:
            return code, response.json()
    raise AssertionError("no code lives for two seconds")


@spec("RFC 6749 §4.1.2")
def test_CX_06_a_code_is_dead_when_its_time_is_over(hasty: Troth) -> None:
    client, person, browser = hasty.client(), hasty.person(), Browser(hasty)
    in_time(client, person, browser)
    late = client.code(person, browser)
    time.sleep(2.1)
    assert refused(client.redeem(late))


@spec("RFC 6749 §4.1.2")
def test_CX_06_a_replay_after_its_time_still_ends_the_tokens(hasty: Troth) -> None:
    client, person, browser = hasty.client(), hasty.person(), Browser(hasty)
    code, tokens = in_time(client, person, browser)
    time.sleep(2.1)
    assert client.active(tokens["access_token"])
    assert refused(client.redeem(code))
    assert not client.active(tokens["access_token"])


@spec("RFC 6749 §4.1.3")
@pytest.mark.parametrize(
    "uri",
    [None, "", "https://app.example/cb/", "https://app.example:443/cb", "HTTPS://app.example/cb",
     "https://app.example/%63b", "https://app.example/cb?", "https://other.example/cb"],
)  # fmt: skip
def test_CX_07_the_redirect_uri_must_be_named_again(
    app: OAuthClient, code: str, uri: str | None
) -> None:
    before = app.troth.digest()
    assert refused(app.redeem(code, redirect_uri=uri))
    assert app.troth.digest() == before
    assert app.redeem(code).status_code == 200


@spec("RFC 6749 §4.1.3")
def test_CX_07_another_registered_redirect_uri_does_not_do(troth: Troth, ada: Person) -> None:
    client = troth.client(redirect_uris=(REDIRECT_URI, "https://app.example/two"))
    code = client.code(ada)
    assert refused(client.redeem(code, redirect_uri="https://app.example/two"))
    assert client.redeem(code).status_code == 200


@spec("RFC 6749 §4.1.2")
@pytest.mark.parametrize("change", ["disable", "delete", "set-password", "log out"])
def test_CX_08_a_code_dies_with_its_person_password_or_session(
    troth: Troth, app: OAuthClient, change: str
) -> None:
    person, browser = troth.person(), Browser(troth)
    code = app.code(person, browser)
    if change == "log out":
        browser.submit(browser.get("/logout"), "logout")
    elif change == "set-password":
        troth.cli("user", change, person.username, "--password-stdin", stdin="canary another one")
    else:
        troth.cli("user", change, person.username, *(["--yes"] if change == "delete" else []))
    assert refused(app.redeem(code))


@spec("RFC 6749 §10.10")
def test_CX_09_nothing_else_that_is_sealed_here_is_a_code(
    troth: Troth, http: Plain, app: OAuthClient, browser: Browser, ada: Person
) -> None:
    tokens = app.tokens(ada, browser)
    opaque = troth.client("--access-token", "opaque")
    newcomer = Browser(troth)
    page = newcomer.follow(newcomer.get("/oauth/authorize", params=app.parameters()))
    others = [*sealed(page), tokens["refresh_token"], tokens["access_token"]]
    others += [opaque.tokens(ada)["access_token"], app.secret, *browser.http.cookies.values()]
    before = troth.digest()
    for text in others:
        for value in (text, "troth_ac_" + text.rsplit("troth_", 1)[-1][3:]):
            assert refused(http.post("/oauth/token", form(app, value))), value[:12]
    assert len([text for text in others if text.startswith("troth_")]) >= 5
    assert troth.digest() == before
    assert app.active(tokens["access_token"])


def sealed(page: httpx2.Response) -> list[str]:
    return re.findall(r"troth_(?:pr|fm|dv)_[\w-]+", page.text + str(page.request.url))


@spec("RFC 6749 §4.1.3")
def test_CX_10_nothing_that_the_browser_sends_can_change_whose_code_it_is(
    troth: Troth, app: OAuthClient, other_app: OAuthClient
) -> None:
    person, browser = troth.person(), Browser(troth)
    page = browser.follow(browser.get("/oauth/authorize", params=app.parameters()))
    page = browser.sign_in(page, person)
    swapped = {"client_id": other_app.client_id, "redirect_uri": other_app.redirect_uri}
    response = browser.submit(page, "consent", {"decision": "allow", **swapped})
    assert response.headers["location"].startswith(REDIRECT_URI + "?")
    code: Any = answer(response)["code"]
    assert refused(other_app.redeem(code))
    assert app.redeem(code).status_code == 200
