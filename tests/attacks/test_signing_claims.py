"""JWTs signed by the server's own key that say what it never says."""

import json

import pytest

from tests.attacks.forging import key_of, nothing_for_anybody, parts, resigned
from tests.harness import OAuthClient, Troth
from tests.spec import spec
from troth.signing.jwt import SigningKey


@pytest.fixture(scope="module")
def own_key(troth: Troth) -> SigningKey:
    return key_of(troth)


def test_what_is_signed_again_as_it_was_is_active(
    app: OAuthClient, genuine: str, own_key: SigningKey
) -> None:
    """So that the refusals below are refusals of what was bent."""
    header, claims, _ = parts(genuine)
    assert app.active(resigned(own_key, header, claims))


@spec("RFC 7515 §4.1.11")
@pytest.mark.parametrize(
    "more",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": "b64"},
        {"crit": ["b64"], "b64": False},
        {"crit": ["alg"]},
        {"typ": "JWT"},
        {"typ": "dpop+jwt"},
        {"typ": None},
        {"typ": ["at+jwt"]},
        {"kid": ["x"]},
        {"kid": None},
    ],
    ids=str,
)
def test_JW_05_JW_12_a_header_that_means_something_else_is_refused(
    app: OAuthClient, genuine: str, own_key: SigningKey, more: dict[str, object]
) -> None:
    header, claims, _ = parts(genuine)
    nothing_for_anybody(app, resigned(own_key, {**header, **more}, claims))


def test_JW_07_what_is_too_large_or_too_deep_is_no_token(
    app: OAuthClient, genuine: str, own_key: SigningKey
) -> None:
    header, claims, _ = parts(genuine)
    deep = "[" * 2500 + "]" * 2500
    nested = json.dumps(header)[:-1] + f', "x": {deep}}}'
    for token in (
        resigned(own_key, {**header, "x": "a" * 9000}, claims),
        resigned(own_key, header, {**claims, "x": "a" * 9000}),
        resigned(own_key, nested, claims),
        resigned(own_key, header, json.dumps(claims)[:-1] + f', "x": {deep}}}'),
        genuine + "A" * 40_000,
        "." * 20_000,
    ):
        nothing_for_anybody(app, token)


OF_ANOTHER_KIND: dict[str, tuple[object, ...]] = {
    "exp": (None, "1", 1.5, -1, 0, True, [], {}, "9" * 400),
    "iat": (None, "1", 1.5, True, [], {}),
    "aud": (None, 1, [1], ["a", 1], {"a": 1}, True),
    "sub": (None, 1, ["x"]),
    "jti": (None, 1),
    "client_id": (None, 1, ["x"]),
    "scope": (1, ["read_write"]),
    "chain": ("x", "0", 1, None, "é", "ab" * 16),
    "iss": (None, "", 1),
}


@spec("RFC 9068 §4", "RFC 8725 §3.8")
@pytest.mark.parametrize("name", OF_ANOTHER_KIND)
def test_JW_13_JW_15_a_claim_that_is_missing_or_of_another_kind_is_refused(
    app: OAuthClient, genuine: str, own_key: SigningKey, name: str
) -> None:
    header, claims, _ = parts(genuine)
    for value in OF_ANOTHER_KIND[name]:
        bent = resigned(own_key, header, {**claims, name: value})
        assert not app.active(bent), value
    left = {key: value for key, value in claims.items() if key != name}
    assert app.active(resigned(own_key, header, left)) == (name in ("scope", "chain"))


@spec("RFC 9068 §4")
def test_JW_14_another_issuer_is_another_however_alike(
    troth: Troth, app: OAuthClient, genuine: str, own_key: SigningKey
) -> None:
    header, claims, _ = parts(genuine)
    own = troth.issuer
    for other in (own + "/", own[:-1], own.upper(), own + ".evil.example", f" {own}", [own]):
        nothing_for_anybody(app, resigned(own_key, header, {**claims, "iss": other}))


@pytest.mark.parametrize("written", ["1e400", "NaN", "-Infinity", str(2**63), str(2**70), "1E3"])
def test_JW_13_a_number_beyond_all_numbers_breaks_nothing(
    app: OAuthClient, genuine: str, own_key: SigningKey, written: str
) -> None:
    header, claims, _ = parts(genuine)
    del claims["exp"]
    text = json.dumps(claims)[:-1]
    answer = app.introspect(resigned(own_key, header, f'{text}, "exp": {written}}}'))
    assert answer["active"] is written.isdigit(), "whole seconds, however many"


@spec("RFC 8725 §3.10")
@pytest.mark.parametrize(
    "kid", ["../../dev/null", "' or 1=1 --", "", "\0", "a" * 4000, "00000000", "é", 1]
)
def test_JW_18_a_key_id_is_looked_up_in_memory_and_nowhere_else(
    app: OAuthClient, genuine: str, own_key: SigningKey, kid: object
) -> None:
    header, claims, _ = parts(genuine)
    nothing_for_anybody(app, resigned(own_key, {**header, "kid": kid}, claims))
