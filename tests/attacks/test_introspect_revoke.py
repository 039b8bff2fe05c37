"""Introspection and revocation: nobody learns, and nobody ends, what is not theirs."""

import time
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.engines import Engine, locked
from tests.harness import Browser, OAuthClient, Person, Plain, Troth, answer
from tests.spec import spec


@pytest.fixture(scope="module")
def api(troth: Troth) -> OAuthClient:
    """An API that may ask about tokens for the issuer's own audience."""
    return troth.client(
        *("--grant-type", "client_credentials", "--introspects", troth.issuer),
        name="Canary API",
    )


@pytest.fixture(scope="module")
def stranger(troth: Troth) -> OAuthClient:
    """An API of another audience."""
    return troth.client(
        *("--grant-type", "client_credentials", "--introspects", "https://other-api.example"),
        name="Canary Stranger",
    )


@pytest.fixture
def opaque(troth: Troth) -> OAuthClient:
    return troth.client("--access-token", "opaque", name="Canary Opaque")


@spec("RFC 7662 §2.1", "RFC 7662 §4")
def test_IR_01_only_authenticated_clients_may_ask(
    troth: Troth, app: OAuthClient, native: OAuthClient, ada: Person
) -> None:
    token = app.tokens(ada)["access_token"]
    credentials: list[dict[str, str]] = [
        {},
        {"client_id": app.client_id},
        {"client_id": app.client_id, "client_secret": "wrong"},
        {"client_id": native.client_id},
    ]
    with Plain(troth) as http:
        for form in credentials:
            response = http.post("/oauth/introspect", {"token": token, **form})
            assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
        bearer = {"authorization": f"Bearer {token}"}
        response = http.post("/oauth/introspect", {"token": token}, headers=bearer)
        assert response.status_code == 401


@spec("RFC 7662 §2.2", "RFC 7662 §4")
def test_IR_02_a_token_for_another_audience_is_not_told_of(
    app: OAuthClient, api: OAuthClient, stranger: OAuthClient, ada: Person
) -> None:
    token = app.tokens(ada)["access_token"]
    assert api.introspect(token)["active"] is True
    assert stranger.introspect(token) == {"active": False}


@spec("RFC 7662 §2.2", "RFC 7662 §5")
def test_nobody_is_told_a_name_that_the_person_did_not_agree_to_tell(
    troth: Troth, api: OAuthClient, ada: Person
) -> None:
    client = troth.client(scope="openid profile read_write")
    for scope in ("openid", "read_write", "openid read_write"):
        token = client.tokens(ada, scope=scope)["access_token"]
        for asking in (client, api):
            assert "username" not in asking.introspect(token), scope
    token = client.tokens(ada, scope="profile read_write")["access_token"]
    assert api.introspect(token)["username"] == client.introspect(token)["username"] == "ada"
    troth.cli("client", "update", client.client_id, "--scope", "openid read_write")
    assert "username" not in api.introspect(token)


@spec("RFC 7662 §2.2")
def test_IR_03_whatever_is_no_active_access_token_is_inactive(
    troth: Troth, app: OAuthClient, api: OAuthClient, ada: Person
) -> None:
    code = app.code(ada)
    tokens = app.tokens(ada)
    revoked = app.tokens(ada)
    app.revoke(revoked["access_token"])
    access = tokens["access_token"]
    head, body, signature = access.split(".")
    forged = urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    for token in (
        code,
        tokens["refresh_token"],
        revoked["access_token"],
        "garbage",
        "a.b.c",
        "troth_at_AAAA",
        "é",
        "x" * 20_000,
        f"{forged}.{body}.",
        f"{head}.{body}.{signature[:-2]}AA",
        access + "=",
    ):
        assert api.introspect(token) == {"active": False}, token[:40]
    short = troth.client("--access-token-lifetime", "1", name="Canary Short")
    brief = short.tokens(ada)["access_token"]
    deadline = time.monotonic() + 5
    while short.active(brief) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert short.introspect(brief) == {"active": False}


@spec("RFC 7662 §2.1", "RFC 7009 §2.1")
@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "id_token", "nonsense"])
def test_IR_04_a_hint_changes_nothing(app: OAuthClient, ada: Person, hint: str) -> None:
    tokens = app.tokens(ada)
    form = {"token": tokens["access_token"], "token_type_hint": hint, **app.credentials()}
    assert app.post("/oauth/introspect", form).json()["active"] is True
    form["token"] = tokens["refresh_token"]
    assert app.post("/oauth/revoke", form).status_code == 200
    assert not app.active(tokens["access_token"])


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
@pytest.mark.parametrize("how", ["client", "person", "password"])
def test_IR_05_a_good_signature_is_not_enough(
    troth: Troth, api: OAuthClient, how: str, kind: str
) -> None:
    app = troth.client("--access-token", kind, name="Canary Ended")
    person = troth.person()
    token = app.tokens(person)["access_token"]
    assert api.active(token)
    match how:
        case "client":
            troth.cli("client", "disable", app.client_id)
        case "person":
            troth.cli("user", "disable", person.username)
        case "password":
            new = "another canary battery"
            troth.cli("user", "set-password", person.username, "--password-stdin", stdin=new)
    assert api.introspect(token) == {"active": False}


@spec("RFC 7662 §2.1")
def test_IR_06_a_token_in_the_address_is_not_looked_at(troth: Troth, app: OAuthClient) -> None:
    with Plain(troth) as http:
        asked = {"token": "canary", **app.credentials()}
        assert http.get("/oauth/introspect", params=asked).status_code == 405
        large = {"token": "x" * 2_000_000, **app.credentials()}
        assert http.post("/oauth/introspect", large).status_code == 413


@spec("RFC 7009 §2.1")
def test_IR_07_another_client_ends_nothing(
    troth: Troth, app: OAuthClient, other_app: OAuthClient, native: OAuthClient, ada: Person
) -> None:
    tokens = app.tokens(ada)
    before = troth.digest()
    for thief in (other_app, native):
        for token in (tokens["access_token"], tokens["refresh_token"]):
            response = thief.revoke(token)
            assert response.status_code == 200
            assert response.json() == {}
    assert troth.digest() == before
    assert app.active(tokens["access_token"])


@spec("RFC 7009 §2.1")
def test_IR_09_a_confidential_client_must_authenticate(app: OAuthClient, ada: Person) -> None:
    tokens = app.tokens(ada)
    for form in ({}, {"client_id": app.client_id}):
        response = app.post("/oauth/revoke", {"token": tokens["refresh_token"], **form})
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert app.active(tokens["access_token"])


@spec("RFC 7009 §2.1")
@pytest.mark.parametrize("kind", ["jwt", "opaque"])
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_IR_10_revoking_one_ends_the_family(
    troth: Troth, ada: Person, which: str, kind: str
) -> None:
    app = troth.client("--access-token", kind, name="Canary Family")
    tokens = app.tokens(ada)
    assert app.revoke(tokens[which]).status_code == 200
    assert not app.active(tokens["access_token"])
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_IR_10_a_machines_token_ends_alone(troth: Troth) -> None:
    machine = troth.client("--grant-type", "client_credentials", name="Canary Loner")
    form = {"grant_type": "client_credentials", **machine.credentials()}
    one, two = (machine.post("/oauth/token", form).json()["access_token"] for _ in range(2))
    machine.revoke(one)
    assert machine.introspect(one) == {"active": False}
    assert machine.active(two)


@spec("RFC 7009 §2.2.1")
def test_IR_11_a_revocation_that_cannot_be_written_is_not_acknowledged(
    tmp_path: Path, engine: Engine
) -> None:
    troth = installed(engine.troth(tmp_path))
    try:
        app, person = troth.client(), troth.person()
        tokens = app.tokens(person)
        form = {"token": tokens["refresh_token"], **app.credentials()}
        with Plain(troth) as http:
            with locked(troth):
                response = http.http.post("/oauth/revoke", data=form)
            assert response.status_code == 503
            assert int(response.headers["retry-after"]) >= 1
            assert http.post("/oauth/revoke", form).status_code == 200
        assert not app.active(tokens["access_token"])
    finally:
        troth.stop()


@spec("RFC 7009 §2.2")
def test_IR_12_an_unknown_token_is_no_error(app: OAuthClient, troth: Troth) -> None:
    before = troth.digest()
    for token in ("unknown", "troth_rt_AAAA", "a.b.c", "é" * 100):
        response = app.revoke(token)
        assert (response.status_code, response.json()) == (200, {})
    assert app.post("/oauth/revoke", app.credentials()).json()["error"] == "invalid_request"
    assert troth.digest() == before


def test_IR_13_a_revocation_holds_on_every_process_at_once(
    troth: Troth, app: OAuthClient, api: OAuthClient, ada: Person
) -> None:
    browser = Browser(troth)
    for _ in range(10):
        code = answer(browser.authorize(app.parameters(), ada))["code"]
        tokens = app.redeem(code).json()
        app.revoke(tokens["refresh_token"])
        # Each request comes on a connection of its own: the two workers take turns.
        assert not any(api.active(tokens["access_token"]) for _ in range(4))
