"""Forged JWTs at the two places where this server reads access tokens again."""

import hmac
import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey, RSAKey

from tests.attacks.forging import b64, nothing_for_anybody, parts, signed
from tests.harness import Browser, OAuthClient, Person, Plain, Troth, forms
from tests.spec import spec

STRANGE = ECKey.generate_key("P-256")


@spec("RFC 8725 §3.1")
@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "", None, 1, ["ES256"], "es256", "HS256"])
def test_JW_01_no_other_algorithm_is_believed(app: OAuthClient, genuine: str, alg: object) -> None:
    header, _, signature = parts(genuine)
    payload = genuine.split(".")[1]
    bent = {**header, "alg": alg} if alg is not None else {"typ": "at+jwt", "kid": header["kid"]}
    head = b64(json.dumps(bent))
    for token in (f"{head}.{payload}.{signature}", f"{head}.{payload}.", f"{head}.{payload}"):
        nothing_for_anybody(app, token)


def test_JW_01_a_signature_that_is_missing_is_none(app: OAuthClient, genuine: str) -> None:
    head, payload, signature = genuine.split(".")
    for token in (
        f"{head}.{payload}.",
        f"{head}.{payload}",
        f"{head}..{signature}",
        f".{payload}.{signature}",
        f"{genuine}.",
        f"{genuine}.{signature}",
        "..",
    ):
        nothing_for_anybody(app, token)


@spec("RFC 8725 §3.1")
def test_JW_02_the_published_key_is_no_shared_secret(
    troth: Troth, app: OAuthClient, genuine: str
) -> None:
    header, claims, _ = parts(genuine)
    with Plain(troth) as http:
        published = http.get("/oauth/jwks").json()["keys"][0]
    key = ECKey.import_key(published)
    pem = key.as_pem(private=False)
    for secret in (pem, pem.strip(), pem + b"\n", key.as_der(private=False), json.dumps(published)):
        secret_bytes = secret if isinstance(secret, bytes) else secret.encode()
        signing_input = f"{b64(json.dumps({**header, 'alg': 'HS256'}))}.{b64(json.dumps(claims))}"
        mac = hmac.digest(secret_bytes, signing_input.encode(), "sha256")
        nothing_for_anybody(app, f"{signing_input}.{b64(mac)}")


@spec("RFC 8725 §3.1", "RFC 8725 §3.5")
def test_JW_03_JW_04_a_key_that_comes_with_the_token_is_not_trusted(
    app: OAuthClient, genuine: str
) -> None:
    header, claims, _ = parts(genuine)
    public = STRANGE.as_dict(private=False)
    attackers: list[dict[str, Any]] = [
        {},
        {"jwk": public},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"jwk": public, "kid": STRANGE.thumbprint()},
    ]
    for more in attackers:
        nothing_for_anybody(app, signed({**header, **more}, claims, STRANGE))
    rsa = signed({**header, "alg": "RS256"}, claims, RSAKey.generate_key(2048))
    nothing_for_anybody(app, rsa)
    nothing_for_anybody(
        app, signed({**header, "alg": "ES384"}, claims, ECKey.generate_key("P-384"))
    )


@spec("RFC 7518 §3.4")
def test_JW_11_a_signature_that_is_no_signature_is_refused(app: OAuthClient, genuine: str) -> None:
    head, payload, signature = genuine.split(".")
    raw = urlsafe_b64decode(signature + "==")
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    ends = [bytes(64), bytes(32) + raw[32:], raw[:32] + bytes(32), b"\xff" * 64, raw[:63]]
    ends += [raw + b"\0", b"\0" + raw, raw[32:] + raw[:32], encode_dss_signature(r, s)]
    ends += [order.to_bytes(32, "big") * 2, raw[:32] + (s ^ 1).to_bytes(32, "big")]
    for bent in ends:
        nothing_for_anybody(app, f"{head}.{payload}.{b64(bent)}")
    for spelled in (
        signature + "==",
        signature[:-1] + chr(ord(signature[-1]) ^ 1),
        " " + signature,
    ):
        nothing_for_anybody(app, f"{head}.{payload}.{spelled}")


@spec("RFC 7517 §9.2")
def test_JW_19_the_published_set_holds_public_halves_only(troth: Troth, genuine: str) -> None:
    with Plain(troth) as http:
        keys = http.get("/oauth/jwks").json()["keys"]
    members = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}
    for key in keys:
        assert set(key) == {"kty", "kid", "use", "alg"} | members[key["kty"]]
    assert parts(genuine)[0]["kid"] in {key["kid"] for key in keys if key["alg"] == "ES256"}
    assert set(parts(genuine)[0]) == {"alg", "typ", "kid"}


def test_JW_12_nothing_else_that_is_made_here_is_an_access_token(
    troth: Troth, app: OAuthClient, ada: Person
) -> None:
    browser = Browser(troth)
    page = browser.follow(browser.get("/oauth/authorize", params=app.parameters()))
    pending = page.request.url.params["pending"]
    form = dict(forms(page.text)["login"]["inputs"])["form_token"]
    refresh, code = app.tokens(ada)["refresh_token"], app.code(ada)
    for other in (refresh, code, pending, form):
        assert app.introspect(other) == {"active": False}
        body = other.split("_", 2)[2]
        for prefix in ("troth_at_", "troth_rt_", "troth_ac_"):
            if not other.startswith(prefix):
                nothing_for_anybody(app, prefix + body)
    assert app.redeem(code).status_code == 200, "and it still is what it was"
