"""The key set, and the signatures that are verified with it (RFC 7517, RFC 7515)."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from tests.harness import OAuthClient, Person, Plain, Troth
from tests.spec import spec

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}


def key_set(troth: Troth) -> list[Any]:
    with Plain(troth) as http:
        response = http.get("/oauth/jwks")
    assert response.headers["content-type"] == "application/json"
    keys: list[Any] = response.json()["keys"]
    return keys


@spec("RFC 7517 §4.2", "RFC 7517 §4.4", "RFC 7517 §4.5", "RFC 7517 §9.2")
def test_every_key_says_what_it_is_for_and_nothing_private(troth: Troth) -> None:
    keys = key_set(troth)
    assert keys
    assert len({key["kid"] for key in keys}) == len(keys)
    # One for access tokens first; RSA for ID tokens, which every client understands.
    assert [(key["kty"], key["use"], key["alg"]) for key in keys] == [
        ("EC", "sig", "ES256"),
        ("RSA", "sig", "RS256"),
        ("RSA", "sig", "PS256"),
        ("OKP", "sig", "EdDSA"),
        ("OKP", "sig", "Ed25519"),
        ("RSA", "enc", "RSA-OAEP-256"),
        ("EC", "enc", "ECDH-ES"),
    ]
    for key in keys:
        assert not PRIVATE & key.keys()
        assert key.get("crv") == {"EC": "P-256", "OKP": "Ed25519", "RSA": None}[key["kty"]]
        if key["kty"] == "RSA":
            assert len(urlsafe_b64decode(key["n"] + "==")) == 256
            assert key["e"] == "AQAB"


@spec("RFC 7515 §3.1", "RFC 7515 §4.1.4", "RFC 7515 §5.2")
def test_a_token_is_verified_with_the_key_that_it_names(
    troth: Troth, app: OAuthClient, ada: Person
) -> None:
    token = app.tokens(ada)["access_token"]
    keys = KeySet.import_key_set({"keys": key_set(troth)})
    verified = jws.deserialize_compact(token, keys, algorithms=["ES256"])
    assert verified.headers()["kid"] in {key["kid"] for key in key_set(troth)}
    assert json.loads(verified.payload)["iss"] == troth.issuer
    head, payload, signature = token.split(".")
    assert len(urlsafe_b64decode(signature + "==")) == 64, "R and S, not DER (RFC 7518 §3.4)"
    with pytest.raises(BadSignatureError):
        jws.deserialize_compact(f"{head}.{payload[:-2]}AA.{signature}", keys, algorithms=["ES256"])


@spec("RFC 7517 §5")
def test_the_key_set_can_be_kept_and_asked_for_again(troth: Troth) -> None:
    with Plain(troth) as http:
        first = http.get("/oauth/jwks")
        assert "max-age" in first.headers["cache-control"]
        again = http.get("/oauth/jwks", headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""
