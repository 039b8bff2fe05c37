"""Authorization requests that a client signed (RFC 9101, OIDC Core §6)."""

import json
from base64 import urlsafe_b64decode
from itertools import count
from typing import Any

import pytest

from tests.harness import REDIRECT_URI, Browser, Person, Troth, answer
from tests.outside import Answer, Outside
from tests.rings import ALGS, Maker
from tests.signers import ELSEWHERE, Signer, accepted, refusal
from tests.spec import spec

MAKER = Maker()
_PATHS = count()


@pytest.fixture(scope="module")
def signer(troth: Troth) -> Signer:
    return Signer.of(troth, MAKER)


@pytest.fixture(scope="module")
def strict(troth: Troth) -> Signer:
    return Signer.of(troth, MAKER, require_signed_request_object=True)


def id_token(signer: Signer, code: str) -> dict[str, Any]:
    body = signer.client.redeem(code).json()
    payload = body["id_token"].split(".")[1]
    return dict(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


@spec("RFC 9101 §5.1", "RFC 9101 §6.3", "OIDC Core §6.1")
def test_a_person_answers_a_signed_request(signer: Signer, ada: Person) -> None:
    text = signer.signed(nonce="canary-nonce", redirect_uri=ELSEWHERE)
    parameters = signer.outside(request=text, redirect_uri=REDIRECT_URI, state="outside")
    response = Browser(signer.troth).authorize(parameters, ada)
    assert response.headers["location"].startswith(ELSEWHERE + "?")
    told = answer(response)
    assert told["state"] == "canary-inside"
    redeemed = signer.client.redeem(told["code"], redirect_uri=ELSEWHERE).json()
    payload = redeemed["id_token"].split(".")[1]
    assert json.loads(urlsafe_b64decode(payload + "=="))["nonce"] == "canary-nonce"


@spec("OIDC Core §6.1")
def test_what_is_outside_only_is_used_too(signer: Signer, ada: Person) -> None:
    text = signer.signed(state=None, scope=None, nonce="canary-nonce")
    outside = signer.outside(request=text, state="outside", scope="openid profile")
    told = answer(Browser(signer.troth).authorize(outside, ada))
    assert told["state"] == "outside"
    assert id_token(signer, told["code"])["nonce"] == "canary-nonce"


@spec("RFC 9101 §6.3", "RFC 9101 §10.5")
def test_PJ_17_who_must_sign_is_heard_inside_only(strict: Signer, ada: Person) -> None:
    outside = strict.outside(state="canary-outside", redirect_uri=REDIRECT_URI)
    assert refusal(strict.ask(**outside)) == "invalid_request"
    told = answer(
        Browser(strict.troth).authorize(
            {"client_id": strict.client.client_id, "request": strict.signed(state=None)}, ada
        )
    )
    assert "state" not in told
    whole = {**outside, "request": strict.signed(state=None), "prompt": "none", "scope": "profile"}
    assert accepted(strict.ask(**whole)), "the prompt outside counts for nothing"
    assert refusal(strict.ask(request=strict.signed(client_id=None))) == "page"
    named = strict.signed(client_id=None)
    assert refusal(strict.ask(request=named, redirect_uri=ELSEWHERE)) == "invalid_request_object"


@spec("RFC 9101 §6.2", "RFC 7518 §3.1")
@pytest.mark.parametrize("alg", ALGS)
def test_each_algorithm_of_the_metadata_signs(signer: Signer, alg: str) -> None:
    assert accepted(signer.ask(request=signer.signed(alg)))
    assert accepted(signer.ask("POST", request=signer.signed(alg)))


@spec("OIDC Registration §2")
@pytest.mark.parametrize("alg", ALGS)
def test_a_registered_algorithm_is_the_only_one(troth: Troth, alg: str) -> None:
    only = Signer.of(troth, MAKER, request_object={"signing": alg})
    assert accepted(only.ask(request=only.signed(alg)))
    for other in (name for name in ALGS if name != alg):
        wrong = only.ask(request=only.signed(other), redirect_uri=REDIRECT_URI)
        assert refusal(wrong) == "invalid_request_object", other


@spec("RFC 9101 §6.1", "OIDC Core §6.1")
@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "ECDH-ES"])
def test_a_signed_request_may_be_encrypted(signer: Signer, alg: str) -> None:
    assert accepted(signer.ask(request=signer.encrypted(signer.signed(), alg)))


@spec("RFC 9101 §4", "OIDC Core §6.1")
def test_numbers_and_objects_are_json(signer: Signer, ada: Person) -> None:
    wanted = {"id_token": {"auth_time": {"essential": True}, "acr": {"values": ["1"]}}}
    browser = Browser(signer.troth)
    text = signer.signed(claims=wanted, max_age=1000)
    first = answer(browser.authorize(signer.outside(request=text), ada))
    told = id_token(signer, first["code"])
    assert told["acr"] == "1"
    assert isinstance(told["auth_time"], int)
    again = browser.get("/oauth/authorize", params=signer.outside(request=text))
    assert "code=" in browser.follow(again).headers["location"]
    fresh = browser.get("/oauth/authorize", params=signer.outside(request=signer.signed(max_age=0)))
    assert accepted(fresh), "max_age 0 asks for the password anew"


@spec("RFC 9101 §4")
def test_an_object_may_leave_its_recipient_and_times_away(signer: Signer) -> None:
    bare = signer.signed(iss=None, aud=None, exp=None, nbf=None, client_id=None)
    assert accepted(signer.ask(request=bare))
    several = signer.signed(aud=["https://other.example", signer.troth.issuer], jti="x", iat=5)
    assert accepted(signer.ask(request=several))


def published(outside: Outside, content: str) -> str:
    """The path at which a text stands."""
    path = f"/request{next(_PATHS)}"
    kind = (("content-type", "application/oauth-authz-req+jwt"),)
    outside.answers[path] = Answer(content.encode(), headers=kind)
    return path


@spec("RFC 9101 §5.2", "OIDC Core §6.2")
def test_a_request_by_reference_is_fetched_where_its_uri_is_registered(
    troth: Troth, outside: Outside, ada: Person
) -> None:
    path = f"/request{next(_PATHS)}"
    uri = outside.url(path)
    signer = Signer.of(troth, MAKER, request_uris=[uri])
    for state in ("one", "two"):
        outside.answers[path] = Answer(signer.signed(state=state).encode() + b"\n")
        told = answer(Browser(troth).authorize(signer.outside(request_uri=uri), ada))
        assert told["state"] == state
    assert outside.count(path) == 2
    assert outside.heard[-1].headers["accept"].startswith("application/oauth-authz-req+jwt")


@spec("OIDC Core §6.2.3")
def test_a_fragment_names_the_content_that_is_then_kept(troth: Troth, outside: Outside) -> None:
    path = f"/request{next(_PATHS)}"
    uri = outside.url(path)
    signer = Signer.of(troth, MAKER, request_uris=[uri])
    outside.answers[path] = Answer(signer.signed().encode())
    for _ in range(6):
        assert accepted(signer.ask(request_uri=uri + "#" + "h" * 43))
    workers = 2
    assert 1 <= outside.count(path) <= workers, "each process keeps its own"
    assert accepted(signer.ask(request_uri=uri + "#" + "i" * 43))
    assert outside.count(path) <= workers + 1


@spec("OIDC Core §10.1.1", "RFC 7591 §2")
def test_the_keys_may_be_fetched_too(troth: Troth, outside: Outside) -> None:
    path = published(outside, json.dumps({"keys": MAKER.jwks}))
    signer = Signer.of(troth, Maker(), jwks=None, jwks_uri=outside.url(path))
    signer.maker = MAKER
    assert accepted(signer.ask(request=signer.signed()))
    rotated = Maker()
    outside.answers[path] = Answer({"keys": [rotated.jwk("ES256", kid="new")]})
    text = rotated.sign("ES256", signer.claims(), kid="new")
    assert accepted(signer.ask(request=text)), "an unknown key is looked for"


@spec("RFC 9101 §10.5", "OIDC Discovery §3", "RFC 8414 §2")
def test_the_metadata_say_what_is_built(troth: Troth) -> None:
    document = Browser(troth).get("/.well-known/openid-configuration").json()
    assert document["request_parameter_supported"] is True
    assert document["request_uri_parameter_supported"] is True
    assert document["require_request_uri_registration"] is True
    named = "request_object_{}_values_supported"
    signing = document[named.format("signing_alg")]
    assert set(signing) == set(ALGS)
    assert set(document[named.format("encryption_alg")]) == {"RSA-OAEP-256", "ECDH-ES"}
    assert "A256GCM" in document[named.format("encryption_enc")]
