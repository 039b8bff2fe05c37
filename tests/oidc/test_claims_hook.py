"""What the operator's own service adds at UserInfo, and what happens when it does not answer."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.harness import OAuthClient, Person, Troth
from tests.oidc.conftest import SCOPE, know
from tests.oidc.logouts import until
from tests.outside import Answer, Outside
from tests.spec import spec

HOOK = "/hook?key=canary-key"


@pytest.fixture(scope="module")
def hooked(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine, outside: Outside
) -> Iterator[Troth]:
    """A server that asks the hook; nothing else of that host may be fetched."""
    folder = tmp_path_factory.mktemp("hooked")
    ca_file = str(outside.ca_file)
    url = outside.url(HOOK)
    server = installed(engine.troth(folder, claims_hook_url=url, fetch_ca_file=ca_file))
    yield server
    assert server.stop() == 0
    assert "canary" not in server.log()


@pytest.fixture(scope="module")
def rp(hooked: Troth) -> OAuthClient:
    return hooked.client(scope=SCOPE)


@pytest.fixture(scope="module")
def person(hooked: Troth) -> Person:
    made = hooked.person()
    know(hooked, made, name="Ada", nickname="A")
    return made


@pytest.fixture(scope="module")
def token(rp: OAuthClient, person: Person) -> str:
    return str(rp.tokens(person, scope="openid profile")["access_token"])


def plainly(troth: Troth, token: str) -> httpx2.Response:
    """UserInfo without the oracles, for which a 503 is a failure."""
    headers = {"authorization": f"Bearer {token}"}
    with httpx2.Client(trust_env=False, timeout=20) as http:
        return http.get(troth.issuer + "/oauth/userinfo", headers=headers)


def told_by(troth: Troth, token: str) -> dict[str, Any]:
    """What UserInfo says; on a busy machine the hook is late now and then."""
    for _ in range(20):
        response = plainly(troth, token)
        if response.status_code != 503:
            break
    assert response.status_code == 200, response.text
    return dict(response.json())


@spec("OIDC Core §5.3.2")
def test_the_hook_is_told_whom_and_for_whom_and_adds_what_it_knows(
    hooked: Troth, outside: Outside, rp: OAuthClient, person: Person, token: str
) -> None:
    groups = {"groups": ["staff"], "desk": {"floor": 3}, "nothing": None}
    outside.answers["/hook"] = Answer(groups)
    known = {"sub": person.sub, "name": "Ada", "nickname": "A"}
    told = told_by(hooked, token)
    assert told == {**known, "preferred_username": person.username, **_without_null(groups)}
    heard = outside.heard[-1]
    assert (heard.method, heard.path) == ("POST", HOOK)
    assert heard.headers["content-type"] == "application/json"
    asked = json.loads(heard.body)
    assert asked.pop("scope").split() == ["openid", "profile"]
    assert asked == {"sub": person.sub, "client_id": rp.client_id}


def _without_null(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value is not None}


@spec("OIDC Core §5.3.2")
def test_SC_10_the_hook_replaces_nothing(
    hooked: Troth, outside: Outside, person: Person, token: str
) -> None:
    outside.answers["/hook"] = Answer({})
    before = told_by(hooked, token)
    reserved = "iss sub aud exp iat nonce acr amr sid client_id scope active act cnf sub#de".split()
    outside.answers["/hook"] = Answer({**dict.fromkeys(reserved, "evil"), "name": "Eve"})
    assert told_by(hooked, token) == before
    assert before["name"] == "Ada"


def test_the_operator_knows_people_by_their_own_name_for_them(
    hooked: Troth, outside: Outside, person: Person
) -> None:
    """A pairwise subject means nothing to the operator's directory."""
    outside.answers["/hook"] = Answer({})
    pairwise = hooked.client(scope=SCOPE)

    def change(metadata: dict[str, Any]) -> dict[str, Any]:
        openid = {"subject_type": "pairwise", "sector": "app.example"}
        return {**metadata, "openid": {**metadata.get("openid", {}), **openid}}

    hooked.edit_client(pairwise.client_id, change)
    told = told_by(hooked, pairwise.tokens(person, scope="openid")["access_token"])
    assert told["sub"] != person.sub
    assert json.loads(outside.heard[-1].body)["sub"] == person.sub


def refused(response: httpx2.Response) -> bool:
    unavailable = response.json()["error"] == "temporarily_unavailable"
    return response.status_code == 503 and unavailable and "name" not in response.text


@pytest.mark.parametrize(
    "given",
    [
        Answer({"a": 1}, status=500),
        Answer({"a": 1}, status=404),
        Answer({"a": 1}, status=201),
        Answer(b"", status=204),
        Answer({"a": 1}, status=302, headers=(("location", "/there"),)),
        Answer([1]),
        Answer(b""),
        Answer(b"{"),
        Answer(b'{"a": 1, "a": 2}'),
        Answer({"a": "x" * 65536}),
        Answer({"a": 1}, headers=(("content-encoding", "gzip"),)),
    ],
    ids=lambda given: f"{given.status} {given.content[:12]!r} {given.headers[:1]}",
)
def test_a_hook_that_does_not_answer_properly_fails_closed(
    hooked: Troth, outside: Outside, token: str, given: Answer
) -> None:
    outside.answers["/hook"] = given
    response = plainly(hooked, token)
    assert refused(response)
    assert "retry-after" in response.headers
    outside.answers["/hook"] = Answer({"back": True})
    assert told_by(hooked, token)["back"] is True


def test_FT_18_a_hook_that_is_slow_fails_closed_in_time_and_keeps_nobody_else_waiting(
    hooked: Troth, outside: Outside, rp: OAuthClient, person: Person, token: str
) -> None:
    """More ask at once than the hook is asked at once: all are told, and all else goes on."""
    go_on, heard = threading.Event(), outside.count(HOOK)

    def slow(handler: BaseHTTPRequestHandler) -> None:
        go_on.wait(60)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    outside.answers["/hook"] = slow
    try:
        with ThreadPoolExecutor(60) as pool:
            waiting = [pool.submit(plainly, hooked, token) for _ in range(60)]
            until(lambda: outside.count(HOOK) > heard)
            granted = rp.tokens(person, scope="openid profile")
            assert rp.refresh(granted["refresh_token"]).status_code == 200
            assert rp.active(token)
            assert all(refused(each.result()) for each in waiting)
    finally:
        go_on.set()


def test_a_token_that_does_not_stand_is_told_to_no_hook(hooked: Troth, outside: Outside) -> None:
    outside.answers["/hook"] = Answer({})
    before = len(outside.heard)
    assert plainly(hooked, "bogus").status_code == 401
    assert len(outside.heard) == before


def test_RG_19_what_the_operator_named_is_open_to_no_client(
    hooked: Troth, outside: Outside
) -> None:
    """The hook's own host and port, in a client's registration."""
    client = hooked.client(scope=SCOPE)
    uri = outside.url("/inside")

    def change(metadata: dict[str, Any]) -> dict[str, Any]:
        return {**metadata, "openid": {**metadata.get("openid", {}), "request_uris": [uri]}}

    hooked.edit_client(client.client_id, change)
    before = outside.connections
    with httpx2.Client(trust_env=False) as http:
        asked = {**client.parameters(), "request_uri": uri}
        answer = http.get(hooked.issuer + "/oauth/authorize", params=asked)
    assert "error=invalid_request_uri" in answer.headers["location"]
    assert outside.connections == before
