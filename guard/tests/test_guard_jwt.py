"""JWT access tokens, one by one: what is taken and what is not (RFC 9068 §4, RFC 8725)."""

import json
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import OctKey

from guard.tests.issuer_stub import AUDIENCE, KEYS, NOW, b64, sign
from troth_guard import Refused

pytestmark = pytest.mark.anyio


async def refusal(guard, token):
    with pytest.raises(Refused) as caught:
        await guard.check([f"Bearer {token}"], ["read"])
    return caught.value


@pytest.mark.parametrize("alg", KEYS)
async def test_a_good_token_says_whom_it_stands_for(issuer, clock, alg):
    async with issuer.guard(clock) as guard:
        token = await guard.check([f"Bearer {issuer.token(alg)}"], ["read"])
    assert (token.sub, token.client_id, token.expires_at) == ("person", "app", NOW + 3600)
    assert token.scopes == {"read", "write"}
    assert token.audience == (AUDIENCE,)


@pytest.mark.parametrize("published", ["EdDSA", "Ed25519", None])
@pytest.mark.parametrize("said", ["EdDSA", "Ed25519"])
async def test_a_key_of_ed25519_is_known_by_either_of_its_names(issuer, clock, published, said):
    key = {**KEYS["Ed25519"].as_dict(private=False), "alg": published}
    issuer.keys = [{name: value for name, value in key.items() if value is not None}]
    async with issuer.guard(clock) as guard:
        token = await guard.check([f"Bearer {issuer.token('Ed25519', {'alg': said})}"])
    assert token.sub == "person"


WRONG = [
    {"aud": "https://other.example"},
    {"aud": None},
    {"aud": []},
    {"aud": [AUDIENCE, 1]},
    {"aud": AUDIENCE + "/"},
    {"aud": AUDIENCE[:-1]},
    {"aud": {AUDIENCE: True}},
    {"iss": "https://other.example"},
    {"iss": None},
    {"sub": None},
    {"client_id": None},
    {"jti": None},
    {"iat": None},
    {"exp": NOW - 31},
    {"nbf": NOW + 31},
    {"scope": ["read"]},
]


@pytest.mark.parametrize("changes", WRONG, ids=str)
async def test_RS_02_JW_15_a_token_for_somebody_else_is_refused(issuer, clock, changes):
    async with issuer.guard(clock) as guard:
        refused = await refusal(guard, issuer.token(**changes))
    assert (refused.status, refused.error) == (401, "invalid_token")
    assert not issuer.asked


@pytest.mark.parametrize("typ", ["JWT", None, "dpop+jwt", "logout+jwt", "at+jwt ", 1, ["at+jwt"]])
async def test_RS_02_JW_12_another_kind_of_token_is_refused(issuer, clock, typ):
    async with issuer.guard(clock) as guard:
        assert (await refusal(guard, issuer.token(header={"typ": typ}))).status == 401


async def test_JW_14_an_issuer_that_only_looks_like_it_is_refused(issuer, clock):
    url = issuer.url
    async with issuer.guard(clock) as guard:
        for iss in (url + "/", url[:-1], url.upper(), [url], "http://127.0.0.1"):
            assert (await refusal(guard, issuer.token(iss=iss))).status == 401


@pytest.mark.parametrize(
    "written", ['"5"', "1.5", "-1", "1e400", "NaN", "true", "null", str(2**63), "9" * 5000, "1e10"]
)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
async def test_JW_13_a_date_that_is_no_whole_number_is_refused(issuer, clock, name, written):
    payload = json.dumps(issuer.claims(**{name: "HERE"})).replace('"HERE"', written)
    header = {"alg": "ES256", "kid": "ES256", "typ": "at+jwt"}
    async with issuer.guard(clock) as guard:
        token = sign(header, payload, KEYS["ES256"], "ES256")
        assert (await refusal(guard, token)).status == 401


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "", None, 1, ["ES256"], "ES384", "HS256"])
async def test_JW_01_an_algorithm_that_is_not_allowed_is_refused(issuer, clock, alg):
    token = issuer.token(header={"alg": alg})
    async with issuer.guard(clock) as guard:
        for spelled in (token, token.rpartition(".")[0] + ".", token.rpartition(".")[0]):
            assert (await refusal(guard, spelled)).status == 401


async def test_JW_02_the_public_key_is_no_hmac_secret(issuer, clock):
    header = {"alg": "HS256", "kid": "RS256", "typ": "at+jwt"}
    for secret in (KEYS["RS256"].as_pem(private=False), KEYS["RS256"].as_der(private=False)):
        with mock.patch("warnings.warn"):
            key = OctKey.import_key(b"k" * 32)
        key = mock.Mock(wraps=key, get_op_key=lambda _op, secret=secret: secret)
        token = sign(header, json.dumps(issuer.claims()), key, "HS256")
        async with issuer.guard(clock) as guard:
            assert (await refusal(guard, token)).status == 401


@pytest.mark.parametrize(("alg", "kid"), [("PS256", "RS256"), ("RS256", "PS256")])
async def test_JW_03_the_key_fixes_the_algorithm(issuer, clock, alg, kid):
    header = {"alg": alg, "kid": kid, "typ": "at+jwt"}
    token = sign(header, json.dumps(issuer.claims()), KEYS[kid], alg)
    async with issuer.guard(clock) as guard:
        assert (await refusal(guard, token)).status == 401


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": KEYS["ES256"].as_dict(private=False)},
        {"jku": "http://127.0.0.1:9/jwks"},
        {"x5u": "http://127.0.0.1:9/"},
        {"x5c": ["AA=="]},
        {"crit": []},
        {"crit": "exp"},
        {"crit": ["b64"], "b64": False},
        {"zip": "DEF"},
    ],
    ids="+".join,
)
async def test_JW_04_JW_05_a_header_that_changes_the_meaning_is_refused(issuer, clock, header):
    async with issuer.guard(clock) as guard:
        assert (await refusal(guard, issuer.token(header=header))).status == 401
    assert not issuer.asked


async def test_JW_07_an_oversized_token_is_refused_before_any_work(issuer, clock):
    async with issuer.guard(clock, introspects=True) as guard:
        for token in ("a" * 10_000_000, issuer.token(header={"kid": "k" * 1_000_000})):
            assert (await refusal(guard, token)).status == 401
    assert not issuer.asked


async def test_JW_11_a_signature_that_is_none_is_refused(issuer, clock):
    signed = issuer.token().rpartition(".")[0]
    async with issuer.guard(clock) as guard:
        for raw in (bytes(64), bytes(63), bytes(65), b"\x30" * 70, b"\xff" * 64):
            assert (await refusal(guard, f"{signed}.{b64(raw).decode()}")).status == 401


@pytest.mark.parametrize("kid", ["../../dev/null", "' OR 1=1", "retired", ["ES256"], None])
async def test_JW_18_a_key_that_is_not_in_the_set_is_refused(issuer, clock, kid):
    async with issuer.guard(clock) as guard:
        assert (await refusal(guard, issuer.token(header={"kid": kid}))).status == 401


async def test_RS_08_a_token_bound_to_a_key_is_refused_without_proof(issuer, clock):
    token = issuer.token(cnf={"jkt": "x"})
    async with issuer.guard(clock) as guard:
        assert (await refusal(guard, token)).status == 401
    issuer.tokens[token] = {"active": True, **issuer.claims(cnf={"jkt": "x"})}
    async with issuer.guard(clock, online=True) as guard:
        assert (await refusal(guard, token)).status == 401


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_no_changed_token_is_accepted(issuer, clock, data):
    token = issuer.token()
    at = data.draw(st.integers(0, len(token) - 1))
    put = data.draw(st.text("ABCxyz019-_.=", max_size=3).filter(lambda t: t != token[at]))
    async with issuer.guard(clock) as guard:
        assert (await refusal(guard, token[:at] + put + token[at + 1 :])).status in {400, 401}
