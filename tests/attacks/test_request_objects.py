"""Request objects that somebody forged, changed, took from elsewhere or pointed elsewhere."""

import hmac
import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from itertools import count
from typing import Any

import httpx2
import pytest

from tests.harness import REDIRECT_URI, Browser, Troth, is_page
from tests.outside import Answer, Outside
from tests.rings import Maker, b64, signed
from tests.signers import ELSEWHERE, Signer, accepted, refusal
from tests.spec import spec

MAKER, STRANGER = Maker(), Maker()
NOW = int(time.time())
_PATHS = count()


@pytest.fixture(scope="module")
def signer(troth: Troth) -> Signer:
    made = Signer.of(troth, MAKER)
    assert accepted(made.ask(request=made.signed())), "what is refused below would else do"
    return made


@pytest.fixture(scope="module")
def other(troth: Troth) -> Signer:
    return Signer.of(troth, STRANGER)


def refused(signer: Signer, text: str, error: str = "invalid_request_object") -> None:
    """Told to the application where its redirect URI is proven, and shown as a page where not."""
    assert refusal(signer.ask(request=text, redirect_uri=REDIRECT_URI, state="s")) == error
    assert is_page(signer.ask(request=text, redirect_uri="https://evil.example/", state="s"))
    assert is_page(signer.ask(request=text)), "two are registered, and none is named outside"


CHANGED: dict[str, dict[str, Any]] = {
    "PJ-12 another client inside": {"client_id": "somebody"},
    "PJ-12 client_id in a list": {"client_id": ["{client_id}"]},
    "PJ-12 another response_type inside": {"response_type": "token"},
    "PJ-13 iss is somebody": {"iss": "somebody"},
    "PJ-13 iss is null": {"iss": "null"},
    "JW-14 iss in a list": {"iss": ["{client_id}"]},
    "PJ-13 aud is another server": {"aud": "https://other.example"},
    "JW-15 aud is empty": {"aud": []},
    "JW-15 aud is a prefix": {"aud": "{issuer}/"},
    "JW-15 aud holds a number": {"aud": ["{issuer}", 5]},
    "JW-15 aud is an object": {"aud": {"{issuer}": True}},
    "JW-15 aud in other case": {"aud": "{ISSUER}"},
    "PJ-13 exp is over": {"exp": NOW - 61},
    "JW-13 exp is text": {"exp": str(NOW + 300)},
    "JW-13 exp is true": {"exp": True},
    "JW-13 exp is negative": {"exp": -1},
    "JW-13 exp is beyond": {"exp": 2**63},
    "PJ-13 nbf is to come": {"nbf": NOW + 3600},
    "JW-13 nbf is text": {"nbf": "0"},
    "JW-13 nbf is true": {"nbf": True},
    "JW-13 iat is negative": {"iat": -1},
    "JW-13 iat is to come": {"iat": NOW + 3600},
    "JW-12 sub as in an assertion": {"sub": "{client_id}"},
    "PJ-14 request inside": {"request": "x"},
    "PJ-14 request_uri inside": {"request_uri": "https://app.example/request"},
    "a NUL": {"state": "a\0b"},
    "a name that is none": {"a b": "c"},
    "too many": {f"x{number}": "y" for number in range(101)},
}


def filled(value: Any, signer: Signer) -> Any:
    """`{client_id}` and `{issuer}` stand for the very values."""
    if isinstance(value, str):
        issuer = signer.troth.issuer
        names = {"client_id": signer.client.client_id, "issuer": issuer, "ISSUER": issuer.upper()}
        return value.format(**names) if "{" in value else value
    if isinstance(value, list):
        return [filled(each, signer) for each in value]
    if isinstance(value, dict):
        return {filled(name, signer): filled(each, signer) for name, each in value.items()}
    return value


@spec("RFC 9101 §4", "RFC 9101 §6.3", "RFC 9101 §10.8")
@pytest.mark.parametrize("name", CHANGED)
def test_claims_that_are_not_right_are_refused(signer: Signer, name: str) -> None:
    claims = signer.claims(**filled(CHANGED[name], signer))
    if name == "PJ-13 iss is null":
        claims["iss"] = None
    refused(signer, MAKER.sign("RS256", claims))


def forged(signer: Signer, other: Signer) -> dict[str, str]:
    claims = signer.claims()
    head, payload, signature = signer.signed().split(".")
    pem = MAKER.keys["RS256"].as_pem(private=False)
    hs256 = b64(b'{"alg":"HS256","kid":"k-RS256"}') + "." + payload
    mac = b64(hmac.digest(pem, hs256.encode(), "sha256"))
    es = STRANGER.keys["ES256"]
    jwk = es.as_dict(private=False)
    changed = b64(b'{"client_id": "x"}')
    none, es256 = b64(b'{"alg":"none"}'), b64(b'{"alg":"ES256","kid":"k-ES256"}')
    encrypted = signer.encrypted(signer.signed()).split(".")
    texts = {
        "PJ-12 by another client": other.maker.sign("RS256", claims),
        "PJ-12 of another client": other.signed(),
        "PJ-12 changed": f"{head}.{changed}.{signature}",
        "PJ-12 cut": f"{head}.{payload}.",
        "PJ-12 two parts": f"{head}.{payload}",
        "JW-02 HMAC by the public key": f"{hs256}.{mac}",
        "JW-04 a key comes along": signed({"alg": "ES256", "jwk": jwk}, claims, es),
        "JW-04 an address of a key": signed({"alg": "ES256", "jku": "https://e.x"}, claims, es),
        "JW-11 zeros": f"{es256}.{payload}.{b64(bytes(64))}",
        "JW-12 an access token": MAKER.sign("RS256", claims, typ="at+jwt"),
        "JW-12 a logout token": MAKER.sign("RS256", claims, typ="logout+jwt"),
        "JW-12 a proof": MAKER.sign("RS256", claims, typ="dpop+jwt"),
        "JW-18 kid is a path": MAKER.sign("RS256", claims, kid="../../dev/null"),
        "PJ-16 unsigned inside": signer.encrypted(f"{none}.{payload}."),
        "PJ-16 JSON inside": signer.encrypted('{"client_id": "x"}'),
        "PJ-16 a tag cut": ".".join([*encrypted[:4], encrypted[4][:6]]),
        "an object of no claims": MAKER.sign("RS256", "[]"),
        "no JSON": MAKER.sign("RS256", "{"),
        "a member twice": MAKER.sign("RS256", '{"scope": "a", "scope": "b"}'),
        "letters": "x",
        "dots": "....",
    }
    for alg in ("none", "None", "nOnE", "", 5, ["RS256"], None):
        unsigned = b64(b"{}") if alg is None else b64(json.dumps({"alg": alg}).encode())
        texts[f"JW-01 alg {alg!r}"] = f"{unsigned}.{payload}."
    for crit in ("[]", '["b64"]', '"b64"', '["exp"]'):
        told = b'{"alg":"RS256","kid":"k-RS256","b64":false,"crit":%s}' % crit.encode()
        texts[f"JW-05 crit {crit}"] = signed(told.decode(), claims, MAKER.keys["RS256"], "RS256")  # type: ignore[arg-type]
    return texts


@spec("RFC 9101 §10.1", "RFC 9101 §6.2", "RFC 8725 §3.1")
def test_PJ_12_PJ_16_JW_01_JW_02_JW_04_JW_05_JW_11_JW_12_JW_18_forged_objects_are_refused(
    signer: Signer, other: Signer
) -> None:
    texts = forged(signer, other)
    assert len(texts) > 25
    for name, text in texts.items():
        told = signer.ask(request=text, redirect_uri=REDIRECT_URI, state="s")
        assert refusal(told) == "invalid_request_object", name


@spec("RFC 9101 §5")
def test_PJ_14_one_of_request_and_request_uri_at_most(signer: Signer) -> None:
    both = {"request": signer.signed(), "request_uri": "https://app.example/request"}
    assert refusal(signer.ask(**both, redirect_uri=REDIRECT_URI)) == "invalid_request"
    text = signer.signed()
    pairs = [*signer.outside(redirect_uri=REDIRECT_URI).items(), ("request", text)]
    for again in (text, "bogus"):
        twice = _get(signer, [("request", again), *pairs])
        assert refusal(twice) == "invalid_request"
    assert accepted(_get(signer, pairs))


def _get(signer: Signer, pairs: list[tuple[str, str]]) -> httpx2.Response:
    return Browser(signer.troth).get("/oauth/authorize", params=pairs)


@spec("OIDC Core §6.1")
def test_openid_inside_is_said_outside_too(signer: Signer) -> None:
    text = signer.signed()
    changes: list[dict[str, str | None]] = [
        {"scope": None}, {"scope": "read_write"}, {"response_type": None}
    ]  # fmt: skip
    for missing in changes:
        told = signer.ask(**{"request": text, "redirect_uri": REDIRECT_URI, **missing})
        assert refusal(told) == "invalid_request"
    plain = signer.signed(scope="read_write")
    bare = signer.ask(request=plain, scope=None, response_type=None)
    assert accepted(bare), "plain OAuth needs the client_id only"


@spec("RFC 9101 §6.3")
def test_RU_01_a_redirect_uri_inside_must_be_registered_too(signer: Signer) -> None:
    text = signer.signed(redirect_uri="https://evil.example/cb")
    told = signer.ask(request=text, redirect_uri=REDIRECT_URI)
    assert is_page(told)
    assert "evil.example" not in told.text
    assert accepted(signer.ask(request=signer.signed(redirect_uri=ELSEWHERE)))


@pytest.mark.parametrize(
    "inside", [{"scope": '"'}, {"prompt": "bogus"}, {"max_age": "soon"}, {"claims": [1]}]
)
def test_what_is_inside_is_checked_like_what_is_outside(
    signer: Signer, inside: dict[str, Any]
) -> None:
    assert refusal(signer.ask(request=signer.signed(**inside))).startswith("invalid_")


@spec("RFC 9101 §10.4", "OIDC Core §6.2")
@pytest.mark.parametrize(
    "uri",
    [
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "http://localhost:5432",
        "urn:ietf:params:oauth:request_uri:x",
        "{registered}?a=b",
        "{registered}/",
        "{upper}",
        "{registered}" + "x" * 512,
        "x",
    ],
)
def test_PJ_15_only_a_registered_uri_is_fetched(troth: Troth, outside: Outside, uri: str) -> None:
    path = f"/jar{next(_PATHS)}"
    registered = outside.url(path)
    signer = Signer.of(troth, MAKER, request_uris=[registered])
    outside.answers[path] = Answer(signer.signed().encode())
    asked = uri.format(registered=registered, upper=registered.upper())
    before = len(outside.heard)
    told = signer.ask(request_uri=asked, redirect_uri=REDIRECT_URI)
    assert refusal(told) == "invalid_request_uri"
    assert len(outside.heard) == before


@pytest.mark.parametrize(
    "given",
    [Answer(b"", status=404), Answer(b"x", status=302, headers=(("location", "/jar"),)),
     Answer(b"x" * 70000), Answer(b"x", headers=(("content-encoding", "gzip"),))],
    ids=["missing", "redirect", "large", "packed"],
)  # fmt: skip
def test_PJ_15_RG_20_what_cannot_be_fetched_is_told_in_one_way(
    troth: Troth, outside: Outside, given: Answer
) -> None:
    path = f"/jar{next(_PATHS)}"
    outside.answers[path] = given
    closed = "https://localhost:1/closed"
    private = "https://10.255.255.1/private"
    uris = [outside.url(path), closed, private]
    signer = Signer.of(troth, MAKER, request_uris=uris)
    asked = {"redirect_uri": REDIRECT_URI, "state": "s"}
    answers = [signer.ask(request_uri=uri, **asked).headers["location"] for uri in uris]
    told = {re.sub("request%20[0-9a-f]+", "", location) for location in answers}
    assert len(told) == 1, "the answer tells nothing of what is there"
    assert "invalid_request_uri" in told.pop()


def test_PJ_15_what_is_fetched_must_be_signed(troth: Troth, outside: Outside) -> None:
    path = f"/jar{next(_PATHS)}"
    signer = Signer.of(troth, MAKER, request_uris=[outside.url(path)])
    for body in (b"", b"<html>", STRANGER.sign("RS256", signer.claims()).encode(), b"\xff" * 9):
        outside.answers[path] = Answer(body)
        told = signer.ask(request_uri=outside.url(path), redirect_uri=REDIRECT_URI)
        assert refusal(told) == "invalid_request_object", body


def test_an_object_that_asks_for_too_much_is_refused(troth: Troth, outside: Outside) -> None:
    path = f"/jar{next(_PATHS)}"
    signer = Signer.of(troth, MAKER, request_uris=[outside.url(path)])
    outside.answers[path] = Answer(signer.signed(x="y" * 7000).encode())
    told = signer.ask(request_uri=outside.url(path), redirect_uri=REDIRECT_URI)
    assert refusal(told) == "invalid_request_object"
    assert is_page(signer.ask(request=signer.signed(x="y" * 7000)))


def _plainly(signer: Signer, text: str) -> httpx2.Response:
    """Without the oracles, for which a 503 is a failure."""
    with httpx2.Client(trust_env=False, timeout=60) as http:
        asked = signer.outside(request=text, redirect_uri=REDIRECT_URI)
        return http.get(signer.troth.issuer + "/oauth/authorize", params=asked)


def test_CA_17_FT_18_a_slow_key_set_keeps_nobody_else_waiting(
    troth: Troth, outside: Outside
) -> None:
    path = f"/jar{next(_PATHS)}"
    go_on = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        go_on.wait(120)
        body = json.dumps({"keys": MAKER.jwks}).encode()
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    outside.answers[path] = slow
    signer = Signer.of(troth, MAKER, jwks=None, jwks_uri=outside.url(path))
    other = Signer.of(troth, MAKER)
    try:
        with ThreadPoolExecutor(20) as pool:
            texts = [signer.signed() for _ in range(20)]
            waiting = [pool.submit(_plainly, signer, text) for text in texts]
            assert accepted(other.ask(request=other.signed()))
            answers = [each.result() for each in waiting]
        assert {each.status_code for each in answers} <= {303, 503}
        assert not any(accepted(each) for each in answers)
        assert outside.count(path) <= 4, "each process fetches it once, and once more after a while"
    finally:
        go_on.set()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "0x7f000001"])
def test_RG_19_S11_no_url_in_a_registration_reaches_a_local_port(troth: Troth, host: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        url = f"https://{host}:{listener.getsockname()[1]}/"
        signer = Signer.of(troth, MAKER, jwks=None, jwks_uri=url, request_uris=[url])
        keys = signer.ask(request=signer.signed(), redirect_uri=REDIRECT_URI)
        assert refusal(keys) == "temporarily_unavailable"
        named = signer.ask(request_uri=url, redirect_uri=REDIRECT_URI)
        assert refusal(named) == "invalid_request_uri"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_CA_17_keys_that_cannot_be_fetched_are_told_as_that(troth: Troth) -> None:
    uri = "https://localhost:1/jwks"
    signer = Signer.of(troth, MAKER, jwks=None, jwks_uri=uri)
    told = signer.ask(request=signer.signed(), redirect_uri=REDIRECT_URI)
    assert refusal(told) == "temporarily_unavailable"
