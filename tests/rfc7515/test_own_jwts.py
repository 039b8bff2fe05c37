"""The JWTs of this server that are no access tokens, as a library reads them, and back."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from joserfc import jws as joserfc_jws
from joserfc.jwk import KeySet

from tests.rings import ALGS, ISSUER, KEYS, MASTER, NOW, RING, STRANGER, private_jwk
from tests.spec import spec
from troth.signing import algorithms, jws, ring
from troth.signing.keys import KeyRingError, new_key

# The library knows that EdDSA has a newer name; clients do not.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

CLAIMS = {"iss": ISSUER, "sub": "ada", "aud": "app", "exp": 1, "name": "Ada Löß ✓", "n": [1, None]}


@spec("RFC 7515 §5.1", "RFC 7515 §7.1", "RFC 7518 §3.1")
@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize("typ", [None, "JWT", "logout+jwt"])
def test_a_library_verifies_what_is_signed_here(alg: str, typ: str | None) -> None:
    text = RING.sign_jwt(CLAIMS, alg, typ, NOW)
    registry = joserfc_jws.JWSRegistry(algorithms=list(ALGS))
    keys = KeySet.import_key_set(published())
    key = next(k for k in keys.keys if k.kid == header_of(text)["kid"])
    assert key.get("alg") == alg
    verified = joserfc_jws.deserialize_compact(text, key, registry=registry)
    assert json.loads(verified.payload) == CLAIMS
    header = {"alg": alg, "kid": key.kid} | ({} if typ is None else {"typ": typ})
    assert verified.headers() == header


@spec("RFC 7515 §5.2")
@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize("typ", [None, "JWT", "logout+jwt", "at+jwt"])
def test_what_a_library_signs_with_our_key_is_ours(alg: str, typ: str | None) -> None:
    key = private_jwk(alg)
    header = {"alg": alg, "kid": key.kid} | ({} if typ is None else {"typ": typ})
    registry = joserfc_jws.JWSRegistry(algorithms=list(ALGS))
    text = joserfc_jws.serialize_compact(header, json.dumps(CLAIMS), key, registry=registry)
    assert RING.open_own_jwt(text) == jws.OwnJWT(typ=typ, claims=CLAIMS)
    assert STRANGER.open_own_jwt(text) is None


def published() -> Any:
    return RING.jwks(NOW)


def header_of(text: str) -> dict[str, str]:
    return dict(json.loads(urlsafe_b64decode(text.partition(".")[0] + "===")))


@spec("RFC 8037 §3.1")
def test_ed25519_is_what_the_example_of_its_rfc_shows() -> None:
    """RFC 8037, appendix A.4."""
    seed = urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    signing_input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = urlsafe_b64encode(algorithms.sign("EdDSA", private, signing_input))
    assert signature == (
        b"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg=="
    )
    members = algorithms.public_members(private.public_key())
    assert members["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


@spec("OIDC Core §3.1.3.6")
def test_the_half_hash_of_the_specification_and_its_length() -> None:
    """OIDC Core, appendix A.3."""
    token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
    for alg in ("RS256", "PS256", "ES256"):
        assert jws.half_hash(alg, token) == "77QmUPtjPfzWtF2AnpK9RQ"
    for alg in ("EdDSA", "Ed25519"):
        assert len(urlsafe_b64decode(jws.half_hash(alg, token) + "==")) == 32
    with pytest.raises(KeyError):
        jws.half_hash("HS256", token)


def test_an_algorithm_without_a_key_signs_nothing() -> None:
    for alg in ("HS256", "none", "RSA-OAEP-256", "ECDH-ES", "A256SIV", "ES384", ""):
        with pytest.raises(KeyRingError):
            RING.sign_jwt(CLAIMS, alg, None, NOW)


def test_a_key_signs_from_its_time_on_and_is_believed_when_it_has_been_replaced() -> None:
    (old,) = [key for key in KEYS if key.alg == "RS256"]
    new = new_key("sig", "RS256", now=NOW, signs_from=NOW + 60, master=MASTER)
    others = [key for key in KEYS if key != old]
    both = ring.build([*others, replace(old, ends_at=NOW + 7200), new], MASTER, ISSUER)
    first = both.sign_jwt(CLAIMS, "RS256", None, NOW + 59)
    assert header_of(first)["kid"] == old.kid
    assert header_of(both.sign_jwt(CLAIMS, "RS256", None, NOW + 60))["kid"] == new.kid
    assert {old.kid, new.kid} <= set(both.published(NOW + 7199))
    assert old.kid not in both.published(NOW + 7200)
    assert both.open_own_jwt(first) is not None, "an old hint, whenever it comes"
    leaked = ring.build([*others, replace(old, ends_at=old.created_at), new], MASTER, ISSUER)
    assert leaked.open_own_jwt(first) is None


def test_a_ring_without_the_key_of_pairwise_subjects_makes_none() -> None:
    assert len(RING.pairwise_key) == 32
    assert RING.pairwise_key not in repr(RING).encode()
    less = ring.build([key for key in KEYS if key.use != "pairwise"], MASTER, ISSUER)
    with pytest.raises(KeyRingError):
        _ = less.pairwise_key
