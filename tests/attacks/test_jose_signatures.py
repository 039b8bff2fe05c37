"""Forged tokens at the two verifiers of JWTs that are no access tokens: by our keys, by others'."""

import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import OKPKey

from tests.rings import ALGS, ISSUER, NOW, RING, STRANGER, Maker, b64, bound, private_jwk, signed
from tests.spec import spec
from troth.signing.compact import LONGEST
from troth.signing.foreign import BadJWS, verify

MAKER, THIEF = Maker(), Maker()
CLAIMS = {"iss": ISSUER, "sub": "ada", "aud": "app", "iat": NOW, "exp": NOW + 300}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A verifier, and the key of one algorithm that it believes."""

    alg: str
    key: Any
    kid: str
    public: dict[str, Any]
    read: Callable[[str], object]

    def opens(self, text: str) -> bool:
        """Whether it believes the text; anything but a refusal that is meant fails the test."""
        return self.read(text) is not None

    def sign(self, claims: object = None, **more: object) -> str:
        """By the genuine key: wrong is only what is said."""
        found = {"alg": self.alg, "kid": self.kid, **more}
        header = {name: value for name, value in found.items() if value is not None}
        return signed(header, CLAIMS if claims is None else claims, self.key, self.alg)


def own(alg: str) -> Door:
    key = private_jwk(alg)
    public = key.as_dict(private=False)
    return Door(alg=alg, key=key, kid=key.kid, public=public, read=RING.open_own_jwt)


def foreign(alg: str) -> Door:
    def read(text: str) -> object:
        try:
            return verify(text, MAKER.jwks, [alg])
        except BadJWS:
            return None

    public = MAKER.jwk(alg)
    return Door(alg=alg, key=MAKER.keys[alg], kid=public["kid"], public=public, read=read)


DOORS = {f"{make.__name__}-{alg}": make(alg) for make in (own, foreign) for alg in ALGS}


@pytest.fixture(params=list(DOORS.values()), ids=list(DOORS))
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.param
    assert found.opens(found.sign()), "what is not forged is believed"
    return found


@spec("RFC 8725 §3.1", "RFC 8725 §3.2")
@pytest.mark.parametrize(
    "alg", ["none", "None", "nOnE", "", None, 1, ["RS256"], "rs256", "HS256", "RS512", "ES256K"]
)
def test_JW_01_no_other_algorithm_is_believed(door: Door, alg: object) -> None:
    text = door.sign(alg=alg)
    head, payload, signature = text.split(".")
    for bent in (text, f"{head}.{payload}.", f"{head}.{payload}", f"{head}.{payload}..{signature}"):
        assert not door.opens(bent)


def test_JW_01_a_signature_that_is_missing_is_none(door: Door) -> None:
    genuine = door.sign()
    head, payload, signature = genuine.split(".")
    for bent in (
        f"{head}.{payload}.",
        f"{head}..{signature}",
        f".{payload}.{signature}",
        f"{genuine}.",
        f"{genuine}.{signature}",
        f" {genuine}",
        f"{genuine}\n",
        "..",
        "",
    ):
        assert not door.opens(bent)


@spec("RFC 8725 §3.1")
def test_JW_02_a_published_key_is_no_shared_secret(door: Door) -> None:
    pem = door.key.as_pem(private=False)
    texts = [pem, pem.strip(), pem + b"\n", door.key.as_der(private=False)]
    texts += [json.dumps(door.public).encode(), b""]
    for secret in texts:
        for name in ("HS256", "HS512"):
            signing_input = door.sign(alg=name).rpartition(".")[0]
            mac = hmac.digest(secret, signing_input.encode(), f"sha{name[2:]}")
            assert not door.opens(f"{signing_input}.{b64(mac)}")


@spec("RFC 8725 §3.1")
@pytest.mark.parametrize("make", [own, foreign])
def test_JW_03_a_key_works_with_its_own_algorithm_only(make: Callable[[str], Door]) -> None:
    """RS256 and PS256 have keys of one type: the token must not choose between them."""
    for alg, other in (("RS256", "PS256"), ("PS256", "RS256"), ("ES256", "EdDSA")):
        door = make(alg)
        model = other if door.key.key_type == "RSA" else alg
        text = signed({"alg": other, "kid": door.kid}, CLAIMS, door.key, model)
        assert not make(other).opens(text)
        with pytest.raises(BadJWS):
            verify(text, MAKER.jwks, ALGS)


@spec("RFC 8725 §3.10", "RFC 7515 §4.1.3")
def test_JW_04_a_key_that_comes_with_the_token_is_not_trusted(door: Door) -> None:
    thief = THIEF.keys[door.alg]
    attackers: list[dict[str, Any]] = [
        {"jwk": THIEF.jwk(door.alg)},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"jwk": THIEF.jwk(door.alg), "kid": "k"},
    ]
    for more in attackers:
        header = {"alg": door.alg, "kid": door.kid, **more}
        assert not door.opens(signed(header, CLAIMS, thief))
        assert not door.opens(door.sign(**more)), "nor is it carried by a token that is genuine"
    assert not door.opens(signed({"alg": door.alg, "kid": door.kid}, CLAIMS, thief))


@spec("RFC 7515 §4.1.11", "RFC 7797 §6")
@pytest.mark.parametrize(
    "more",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": "b64"},
        {"crit": ["b64"], "b64": False},
        {"crit": ["alg"]},
        {"crit": {"b64": True}},
        {"crit": 0},
        {"b64": False},
        {"b64": True},
    ],
    ids=str,
)
def test_JW_05_nothing_critical_is_understood(door: Door, more: dict[str, Any]) -> None:
    assert not door.opens(door.sign(**more))


@spec("RFC 7515 §7.2")
def test_JW_06_the_json_serialization_is_no_token(door: Door) -> None:
    head, payload, signature = door.sign().split(".")
    one = {"protected": head, "signature": signature}
    for value in ({"payload": payload, **one}, {"payload": payload, "signatures": [one]}, [head]):
        assert not door.opens(json.dumps(value))
    assert not door.opens(f'"{door.sign()}"')


def test_JW_07_what_is_too_much_is_refused_before_work(door: Door) -> None:
    fits = door.sign({**CLAIMS, "x": "x" * (LONGEST // 2)})
    assert door.opens(fits)
    assert not door.opens(door.sign({**CLAIMS, "x": "x" * LONGEST}))
    assert not door.opens(door.sign({**CLAIMS, "x": "x" * 10_000_000}))
    assert not door.opens(door.sign(x="x" * 1_000_000))
    assert not door.opens(door.sign(zip="DEF"))
    assert not door.opens(door.sign('{"x":' + "[" * 5000 + "]" * 5000 + "}"))
    assert not door.opens("." * LONGEST)


@spec("RFC 7518 §3.4")
@pytest.mark.parametrize("make", [own, foreign])
def test_JW_11_an_ecdsa_signature_that_is_none_is_refused(make: Callable[[str], Door]) -> None:
    door = make("ES256")
    head, payload, signature = door.sign().split(".")
    raw = urlsafe_b64decode(signature + "==")
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    ends = [bytes(64), bytes(32) + raw[32:], raw[:32] + bytes(32), b"\xff" * 64, raw[:63]]
    ends += [raw + b"\0", b"\0" + raw, raw[32:] + raw[:32], encode_dss_signature(r, s), b""]
    ends += [raw[:32] + b"\0" + raw[32:], raw[:32] + raw[32:].rjust(96, b"\0")]
    ends += [order.to_bytes(32, "big") * 2, raw[:32] + (s ^ 1).to_bytes(32, "big")]
    for bent in ends:
        assert not door.opens(f"{head}.{payload}.{b64(bent)}")


@spec("RFC 8725 §3.4")
def test_JW_11_a_signature_has_one_spelling(door: Door) -> None:
    head, payload, signature = door.sign().split(".")
    raw = urlsafe_b64decode(signature + "==")
    number = int.from_bytes(raw, "big")
    bent = [raw + b"\0", b"\0" + raw, raw[:-1], bytes(len(raw)), b"\xff" * len(raw)]
    if door.key.key_type == "RSA":
        modulus = int.from_bytes(urlsafe_b64decode(door.public["n"] + "=="), "big")
        bent.append((number + modulus).to_bytes(257, "big"))
    elif door.key.key_type == "OKP":  # S + L verifies where S is not held below the order
        order = 2**252 + 27742317777372353535851937790883648493
        s = int.from_bytes(raw[32:], "little") + order
        bent.append(raw[:32] + s.to_bytes(32, "little"))
    for each in bent:
        assert not door.opens(f"{head}.{payload}.{b64(each)}")
    for spelled in (signature + "=", signature + "==", signature + "\n", signature.upper()):
        assert not door.opens(f"{head}.{payload}.{spelled}")


@spec("RFC 8725 §3.11")
def test_JW_12_tokens_of_one_kind_are_told_from_the_others() -> None:
    for typ in (None, "JWT", "logout+jwt", "at+jwt"):
        found = RING.open_own_jwt(RING.sign_jwt(CLAIMS, "ES256", typ, NOW))
        assert found is not None
        assert found.typ == typ
    sealed = RING.sealer.seal("troth_at_", CLAIMS)
    for other in (sealed, sealed[9:], STRANGER.sign_jwt(CLAIMS, "RS256", None, NOW)):
        assert RING.open_own_jwt(other) is None
    with pytest.raises(BadJWS):
        verify(RING.sign_jwt(CLAIMS, "RS256", None, NOW), MAKER.jwks, ALGS)
    for alg in ALGS:  # an ID token that says what an access token says
        like = {**CLAIMS, "jti": "1", "client_id": "app"}
        for typ in (None, "JWT", "logout+jwt"):
            assert RING.open_access_token(RING.sign_jwt(like, alg, typ, NOW), NOW) is None
        if alg not in ("ES256", "RS256"):
            assert RING.open_access_token(RING.sign_jwt(like, alg, "at+jwt", NOW), NOW) is None


@spec("RFC 8725 §2.4", "RFC 8259 §4")
@pytest.mark.parametrize(
    "payload",
    [
        '{"iss":"%s","sub":"ada","sub":"eve"}',
        '{"iss":"%s","x":{"y":1,"y":1}}',
        '{"iss":"%s","iss":"%s"}',
        '{"iss":"%s","exp":NaN}',
        '{"iss":"%s","exp":Infinity}',
        '{"iss":"%s","exp":-Infinity}',
        '{"iss":"%s","exp":1e400}',
        '{"iss":"%s","exp":-1e400}',
        '{"iss":"%s","exp":9223372036854775808}',
        '{"iss":"%s","exp":-9223372036854775809}',
        '{"iss":"%s","exp":' + "9" * 5000 + "}",
        '{"iss":"%s","sub":"\\ud800"}',
        '{"iss":"%s","\\udfff":1}',
        '{"iss":"%s"} ,',
        '\ufeff{"iss":"%s"}',
        '{"iss":"%s",}',
        "{'iss':'%s'}",
        '["iss","%s"]',
        '"%s"',
        "null",
        "",
    ],
)
def test_JW_13_claims_have_one_meaning_or_none(door: Door, payload: str) -> None:
    assert not door.opens(door.sign(payload.replace("%s", ISSUER)))


@spec("RFC 8725 §2.4")
def test_JW_13_a_header_has_one_meaning_or_none(door: Door) -> None:
    genuine = f'"alg":"{door.alg}","kid":"{door.kid}"'
    assert door.opens(signed(f"{{{genuine}}}", CLAIMS, door.key, door.alg))  # type: ignore[arg-type]
    for more in (
        f"{genuine},{genuine}",
        f'"alg":"none",{genuine}',
        f'{genuine},"alg":"none"',
        f'{genuine},"typ":1',
        f'{genuine},"typ":null',
        f'{genuine},"x":NaN',
        f'{genuine},"x":{{"y":1,"y":2}}',
        f'{genuine},"x":"\\ud800"',
    ):
        text = signed(f"{{{more}}}", CLAIMS, door.key, door.alg)  # type: ignore[arg-type]
        assert not door.opens(text), more


@spec("RFC 8725 §3.8")
@pytest.mark.parametrize(
    "iss", [None, "", ISSUER + "/", ISSUER[:-1], ISSUER.upper(), [ISSUER], {"iss": ISSUER}, 1]
)
def test_JW_14_our_own_tokens_name_us_exactly(iss: object) -> None:
    claims = {**CLAIMS, "iss": iss} if iss is not None else {"sub": "ada"}
    assert not own("RS256").opens(own("RS256").sign(claims))


@spec("RFC 8725 §3.10")
@pytest.mark.parametrize(
    "kid",
    ["../../dev/null", "' or 1=1 --", "x" * 10_000, ["k"], {"k": 1}, 1, True, "", "k-ES256\0"],
    ids=lambda value: str(value)[:12],
)
def test_JW_18_a_kid_is_a_name_in_the_set_and_nothing_else(door: Door, kid: object) -> None:
    assert not door.opens(door.sign(kid=kid))


def test_JW_18_a_kid_of_another_key_finds_that_key_only(door: Door) -> None:
    for other in DOORS.values():
        if bound(other.alg) != bound(door.alg):
            assert not door.opens(door.sign(kid=other.kid))
    for key in RING.published(NOW):
        assert not door.opens(door.sign(kid=key)) or key == door.kid


def test_JW_18_our_own_tokens_always_name_their_key() -> None:
    for alg in ALGS:
        assert not own(alg).opens(own(alg).sign(kid=None))


def test_JW_11_a_signature_on_another_curve_is_none() -> None:
    other = OKPKey.generate_key("Ed448")
    text = signed({"alg": "EdDSA", "kid": "k"}, CLAIMS, other, "Ed448")
    for jwks in ([{**other.as_dict(private=False), "kid": "k"}], MAKER.jwks):
        with pytest.raises(BadJWS):
            verify(text, jwks, ALGS)
