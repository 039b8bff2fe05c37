"""Client authentication under attack: two at once, none, bent, guessed, somebody else's."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.conftest import installed
from tests.harness import OAuthClient, Person, Plain, Troth, somewhere
from tests.oracles import refused
from tests.spec import spec

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
def machine(troth: Troth) -> OAuthClient:
    return troth.client("--grant-type", "client_credentials", name="Canary Machine")


@pytest.fixture(scope="module")
def http(troth: Troth) -> Iterator[Plain]:
    with Plain(troth) as plain:
        yield plain


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"authorization": "Basic " + b64encode(pair.encode()).decode()}


def ask(
    http: Plain, form: dict[str, str], headers: dict[str, str] | None = None
) -> httpx2.Response:
    return http.post("/oauth/token", {**GRANT, **form}, headers=headers)


def not_proven(response: httpx2.Response) -> bool:
    """401C: one answer for whoever has not proven to be a client."""
    assert response.headers["cache-control"] == "no-store"
    asked_by_header = "authorization" in response.request.headers
    assert ("www-authenticate" in response.headers) or not asked_by_header
    return (response.status_code, response.json()["error"]) == (401, "invalid_client")


@spec("RFC 6749 §2.3")
def test_CA_01_two_methods_at_once_are_refused(http: Plain, machine: OAuthClient) -> None:
    response = ask(http, machine.credentials(), basic(machine.client_id, machine.secret))
    assert refused(response, "invalid_request")


@spec("RFC 6749 §2.3.1")
def test_CA_02_two_identities_are_refused(
    http: Plain, machine: OAuthClient, other_app: OAuthClient, troth: Troth
) -> None:
    before = troth.digest()
    header = basic(machine.client_id, machine.secret)
    assert refused(ask(http, {"client_id": other_app.client_id}, header), "invalid_request")
    assert troth.digest() == before
    assert ask(http, {"client_id": machine.client_id}, header).status_code == 200


@spec("RFC 6749 §2.3.1", "RFC 9700 §2.5")
def test_CA_03_only_the_registered_kind_of_method(
    http: Plain, troth: Troth, machine: OAuthClient, native: OAuthClient
) -> None:
    assert not_proven(ask(http, {"client_id": machine.client_id}))
    assert not_proven(ask(http, {"client_id": native.client_id, "client_secret": "any"}))
    assert not_proven(ask(http, {}, basic(native.client_id, "")))
    poster = troth.client(
        *("--grant-type", "client_credentials", "--auth-method", "client_secret_post")
    )
    assert ask(http, poster.credentials()).status_code == 200
    assert ask(http, {}, basic(poster.client_id, poster.secret)).status_code == 200
    assertion = {"client_assertion": "x.y.z", "client_assertion_type": "urn:x"}
    assert not_proven(ask(http, {"client_id": machine.client_id, **assertion}))


def test_CA_04_an_empty_or_missing_secret_proves_nothing(
    http: Plain, troth: Troth, machine: OAuthClient
) -> None:
    assert not_proven(ask(http, {"client_id": machine.client_id, "client_secret": ""}))
    assert not_proven(ask(http, {}, basic(machine.client_id, "")))
    bare = troth.client("--grant-type", "client_credentials", name="Canary Bare")
    troth.cli("client", "rotate-secret", bare.client_id, "--yes")
    troth.edit_client(bare.client_id, lambda found: found | {"secrets": []})
    for secret in ("", bare.secret, "None", "null"):
        assert not_proven(ask(http, {"client_id": bare.client_id, "client_secret": secret}))


MALFORMED = [
    b"Basic",
    b"Basic !!!!",
    b"Basic " + b64encode(b"no-colon"),
    b"Basic " + b64encode(b"\xff\xfe:\xff"),
    b"Basic " + b64encode(b":secret"),
    b"Basic " + b64encode(b"a%zz:secret"),
    b"Basic " + b64encode(b"a" * 100_000 + b":b"),
    b"Bearer abc",
    b"Digest username=x",
]


@spec("RFC 7617 §2", "RFC 6749 §2.3.1")
@pytest.mark.parametrize("value", MALFORMED, ids=lambda value: repr(value[:24]))
def test_CA_05_a_malformed_header_is_no_client_and_no_failure(http: Plain, value: bytes) -> None:
    response = http.request("POST", "/oauth/token", data=GRANT, headers={b"authorization": value})
    assert response.status_code in {400, 401, 413, 431}
    if response.status_code == 401:
        assert response.json()["error"] == "invalid_client"


@spec("RFC 7617 §2", "RFC 6749 §2.3.1")
def test_CA_05_the_right_header_in_any_spelling(http: Plain, machine: OAuthClient) -> None:
    value = basic(machine.client_id, machine.secret)["authorization"]
    for spelled in (value, value.replace("Basic", "basic"), value.replace("Basic", "BASIC")):
        assert ask(http, {}, {"authorization": spelled}).status_code == 200
    both = [("authorization", value), ("authorization", value)]
    response = http.request("POST", "/oauth/token", data=GRANT, headers=both)
    assert response.status_code in {400, 401}


@spec("RFC 6749 §5.2")
def test_CA_06_unknown_wrong_and_disabled_look_the_same(http: Plain, troth: Troth) -> None:
    disabled = troth.client("--grant-type", "client_credentials", name="Canary Off")
    troth.cli("client", "disable", disabled.client_id)
    known = troth.client("--grant-type", "client_credentials", name="Canary On")
    answers = [
        ask(http, {}, basic("nobody-at-all", "secret")),
        ask(http, {}, basic(known.client_id, "secret")),
        ask(http, {}, basic(disabled.client_id, disabled.secret)),
    ]
    assert all(not_proven(answer) for answer in answers)
    changing = {"x-request-id", "date", "content-length"}
    headers = [{k: v for k, v in a.headers.items() if k not in changing} for a in answers]
    bodies = [{**a.json(), "request_id": ""} for a in answers]
    assert headers[0] == headers[1] == headers[2]
    assert bodies[0] == bodies[1] == bodies[2]


@spec("RFC 6749 §2.3.1", "RFC 6749 §10.10")
def test_CA_07_guessing_is_limited_and_locks_nobody_out(proxied: Troth) -> None:
    target = proxied.client("--grant-type", "client_credentials", name="Canary Guessed")
    here = {"x-forwarded-for": somewhere()}
    wrong = {"client_id": target.client_id, "client_secret": "guess"}
    with Plain(proxied) as http:
        statuses = [ask(http, wrong, here).status_code for _ in range(260)]
        assert statuses[0] == 401
        assert statuses[-1] == 429, "two workers, a hundred each"
        elsewhere = {"x-forwarded-for": somewhere()}
        assert ask(http, target.credentials(), elsewhere).status_code == 200


@spec("RFC 8414 §2")
def test_CA_14_a_method_that_needs_the_secret_itself_is_not_offered(http: Plain) -> None:
    metadata = http.get("/.well-known/oauth-authorization-server").json()
    methods = metadata["token_endpoint_auth_methods_supported"]
    assert methods == ["client_secret_basic", "client_secret_post", "none"]


def test_CA_16_an_old_secret_ends_when_it_was_said_to(http: Plain, troth: Troth) -> None:
    client = troth.client("--grant-type", "client_credentials", name="Canary Rotated")
    made = troth.cli("client", "rotate-secret", client.client_id, "--keep-old", "1h")
    new = {"client_id": client.client_id, "client_secret": made["client_secret"]}
    assert ask(http, client.credentials()).status_code == 200
    assert ask(http, new).status_code == 200
    text = troth.run_cli("client", "show", client.client_id).stdout
    assert client.secret not in text
    assert made["client_secret"] not in text
    troth.cli("client", "rotate-secret", client.client_id, "--yes")
    assert not_proven(ask(http, client.credentials()))
    assert not_proven(ask(http, new)), "without --keep-old every former secret ends"


def test_CA_16_an_expired_secret_is_refused(troth: Troth, http: Plain) -> None:
    client = troth.client("--grant-type", "client_credentials", name="Canary Overdue")
    troth.cli("client", "rotate-secret", client.client_id, "--keep-old", "1h")

    def long_ago(found: dict[str, Any]) -> dict[str, Any]:
        kept, old = found["secrets"]
        return found | {"secrets": [kept, old | {"expires_at": 1}]}

    troth.edit_client(client.client_id, long_ago)
    assert not_proven(ask(http, client.credentials()))


@spec("RFC 6749 §4.4", "RFC 6749 §4.4.3")
def test_CA_20_client_credentials_are_for_confidential_clients(
    http: Plain, troth: Troth, native: OAuthClient, machine: OAuthClient
) -> None:
    response = ask(http, {"client_id": native.client_id})
    assert refused(response, "unauthorized_client")
    refusal = troth.run_cli(
        *("client", "create", "--name", "x", "--auth-method", "none"),
        *("--grant-type", "client_credentials", "--json"),
    )
    assert refusal.returncode == 1
    answer = ask(http, machine.credentials()).json()
    assert "refresh_token" not in answer
    assert "id_token" not in answer


def test_CA_19_a_client_is_never_taken_for_a_person(
    troth: Troth, machine: OAuthClient, http: Plain, ada: Person
) -> None:
    token = ask(http, machine.credentials()).json()["access_token"]
    told = machine.introspect(token)
    assert told["sub"] == told["client_id"] == machine.client_id
    assert "username" not in told
    assert ada.sub != machine.client_id


def test_no_secret_is_in_the_database(tmp_path_factory: pytest.TempPathFactory) -> None:
    troth = installed(Troth(tmp_path_factory.mktemp("secrets")))
    try:
        secret = troth.client().secret.encode()
    finally:
        troth.stop()
    for file in troth.folder.glob("troth.db*"):
        assert secret not in file.read_bytes()
