"""Tokens by the keys of others, made by another library."""

import pytest
from joserfc.jwk import RSAKey

from tests.rings import ALGS, Maker
from tests.spec import spec
from troth.signing.foreign import MOST_TRIED, BadJWS, Verified, verify

CLAIMS = {"iss": "app", "aud": ["https://login.example"], "exp": 2**40, "x": {"y": [1.5, None]}}
MAKER = Maker()


@spec("RFC 7515 §5.2", "RFC 7518 §3.1", "RFC 8037 §3.1")
@pytest.mark.parametrize("alg", ALGS)
def test_a_token_by_a_published_key_is_read_as_it_was_written(alg: str) -> None:
    text = MAKER.sign(alg, CLAIMS, typ="oauth-authz-req+jwt")
    expected = {"alg": alg, "kid": MAKER.jwk(alg)["kid"], "typ": "oauth-authz-req+jwt"}
    assert verify(text, MAKER.jwks, [alg]) == Verified(header=expected, claims=CLAIMS)


@spec("RFC 7517 §4.2", "RFC 7517 §4.4", "RFC 7518 §6.2.1", "RFC 7515 §4.1.4")
@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize(
    "said", [{"use": None}, {"alg": None}, {"key_ops": ["verify"], "use": None}, {"x5t": "x"}]
)
def test_a_key_may_say_less_of_itself(alg: str, said: dict[str, object]) -> None:
    key = MAKER.jwk(alg, **said)
    assert verify(MAKER.sign(alg, CLAIMS), [*MAKER.jwks[::-1], key], [alg]).claims == CLAIMS
    assert verify(MAKER.sign(alg, CLAIMS, kid=None), [key], [alg]).claims == CLAIMS
    broken = {**key, "x": None, "n": None}
    assert verify(MAKER.sign(alg, CLAIMS), [broken, key], [alg]).claims == CLAIMS


@spec("RFC 8037 §2", "RFC 9864 §2.2")
@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("named", ["EdDSA", "Ed25519", None])
def test_ed25519_has_two_names_in_keys_and_one_in_a_registration(alg: str, named: str) -> None:
    text, key = MAKER.sign(alg, CLAIMS), MAKER.jwk(alg, alg=named)
    assert verify(text, [key], [alg]).claims == CLAIMS
    (other,) = {"EdDSA", "Ed25519"} - {alg}
    with pytest.raises(BadJWS):
        verify(text, [key], [other])


def test_a_set_that_lacks_the_key_may_have_it_when_it_is_fetched_again() -> None:
    text = MAKER.sign("RS256", CLAIMS)
    for jwks in ([], [MAKER.jwk("RS256", kid="other")], [MAKER.jwk("PS256", kid="k-RS256")]):
        with pytest.raises(BadJWS) as refused:
            verify(text, jwks, ["RS256"])
        assert refused.value.unknown_key
    with pytest.raises(BadJWS) as refused:
        verify(text[:-8] + "AAAAAAAA", MAKER.jwks, ["RS256"])
    assert not refused.value.unknown_key


def test_a_token_without_kid_is_tried_with_a_few_keys_only() -> None:
    others = [
        {**RSAKey.generate_key(2048).as_dict(private=False), "kid": str(n)}
        for n in range(MOST_TRIED)
    ]
    good, text = MAKER.jwk("RS256"), MAKER.sign("RS256", CLAIMS, kid=None)
    assert verify(text, [*others[1:], good], ["RS256"]).claims == CLAIMS
    with pytest.raises(BadJWS):
        verify(text, [*others, good], ["RS256"])
    assert verify(MAKER.sign("RS256", CLAIMS), [*others, good], ["RS256"]).claims == CLAIMS


def test_a_weak_key_does_not_hide_a_good_one() -> None:
    weak = {**MAKER.jwk("RS256"), "e": "Aw"}
    keys = [weak, MAKER.jwk("RS256")]
    assert verify(MAKER.sign("RS256", CLAIMS), keys, ["RS256"]).claims == CLAIMS
