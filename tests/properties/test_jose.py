"""Whatever is presented as a token: it is believed as it was made, or refused and nothing else."""

import json
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.rings import ALGS, ISSUER, NOW, RING, Maker, b64, private_jwk, signed
from tests.spec import spec
from troth.signing import jwk
from troth.signing.compact import LONGEST, Malformed
from troth.signing.foreign import BadJWS, verify
from troth.signing.jwe import ALGS as ENCRYPTING
from troth.signing.jwe import ENCS, REQUEST_ALGS, BadJWE, NoKeyError, encrypt_for_client

MAKER = Maker()
CLAIMS = {"iss": ISSUER, "sub": "ada", "exp": NOW}
OWN = {alg: RING.sign_jwt(CLAIMS, alg, "JWT", NOW) for alg in ALGS}
FOREIGN = {alg: MAKER.sign(alg, CLAIMS) for alg in ALGS}
PUBLISHED: Any = RING.jwks(NOW)["keys"]
SEALED = {
    (alg, enc): encrypt_for_client(OWN["ES256"], PUBLISHED, alg, enc, "JWT")
    for alg in REQUEST_ALGS
    for enc in ENCS
}
CHARACTERS = st.characters(codec="utf-8") | st.sampled_from("AQw_-=.+/ \n")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    "alg typ kid cty crit b64 zip enc jwk jku x5u x5c epk apu apv p2c x".split()
)


@st.composite
def bent(draw: st.DrawFn, texts: list[str]) -> str:
    """A genuine token with characters changed, put in or taken out, or parts of another one."""
    text = draw(st.sampled_from(texts))
    if draw(st.booleans()):
        parts, others = text.split("."), draw(st.sampled_from(texts)).split(".")
        which = draw(st.integers(0, len(parts) - 1))
        parts[which] = others[which]
        return ".".join(parts)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        end = at + draw(st.integers(0, 2))
        text = text[:at] + draw(st.text(CHARACTERS, max_size=2)) + text[end:]
    return text


def read(text: str, jwks: Any = MAKER.jwks, algs: Any = ALGS) -> Any:
    try:
        return verify(text, jwks, algs).claims
    except BadJWS:
        return None


def decrypted(text: str) -> str | None:
    try:
        return RING.decrypt_request(text, NOW)
    except BadJWE:
        return None


@spec("RFC 7515 §5.2")
@given(bent(list(OWN.values())))
def test_JW_23_a_token_of_ours_that_was_touched_is_none(text: str) -> None:
    assume(text not in OWN.values())
    assert RING.open_own_jwt(text) is None


@spec("RFC 7515 §5.2")
@given(bent(list(FOREIGN.values())))
def test_JW_23_a_token_of_a_client_that_was_touched_is_none(text: str) -> None:
    assume(text not in FOREIGN.values())
    assert read(text) is None


@spec("RFC 7516 §5.2")
@given(bent(list(SEALED.values())))
def test_JW_23_what_was_encrypted_and_touched_does_not_decrypt(text: str) -> None:
    assume(text not in SEALED.values())
    assert decrypted(text) is None


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
@example("\ud800.." * 3)
@example("." * 4)
@example("e30.e30.e30")
@example("bnVsbA.bnVsbA.")
def test_JW_23_any_text_is_refused_and_breaks_nothing(text: str) -> None:
    for whole in (text, f"{text}.{text}.{text}", ".".join([text] * 5)):
        assert RING.open_own_jwt(whole) is None
        assert read(whole) is None
        assert decrypted(whole) is None


@given(st.lists(st.binary(), min_size=3, max_size=5))
def test_JW_23_any_parts_are_refused_and_break_nothing(parts: list[bytes]) -> None:
    text = ".".join(map(b64, parts))
    assert (RING.open_own_jwt(text), read(text), decrypted(text)) == (None, None, None)


@given(st.sampled_from(ALGS), st.dictionaries(NAMES, JSON))
def test_JW_23_any_header_is_understood_or_refused(alg: str, more: dict[str, Any]) -> None:
    key = private_jwk(alg)
    ours = signed({"alg": alg, "kid": key.kid, **more}, CLAIMS, key, alg)
    theirs = signed({"alg": alg, "kid": f"k-{alg}", **more}, CLAIMS, MAKER.keys[alg], alg)
    found = RING.open_own_jwt(ours)
    assert found is None or found.claims == CLAIMS
    assert read(theirs) in (None, CLAIMS)
    for name in ("crit", "b64", "zip", "jwk", "jku", "x5u", "x5c"):
        if name in more:
            assert found is None
            assert read(theirs) is None


@given(st.sampled_from(list(SEALED)), st.dictionaries(NAMES, JSON))
def test_JW_23_any_header_of_what_is_encrypted_is_refused(
    how: tuple[str, str], more: dict[str, Any]
) -> None:
    _, *rest = SEALED[how].split(".")
    head = json.dumps({"alg": how[0], "enc": how[1], **more})
    assert decrypted(".".join([b64(head.encode()), *rest])) is None


@given(JSON | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_JW_13_any_claims_are_read_as_they_were_written_or_refused(claims: Any) -> None:
    text = signed({"alg": "ES256", "kid": "k-ES256"}, claims, MAKER.keys["ES256"])
    found = read(text)
    if found is not None:
        written = json.loads(claims) if isinstance(claims, str) else claims
        assert found == written
        assert isinstance(found, dict)


KEY_MEMBERS = "kty crv x y n e d k use key_ops alg kid".split()


@given(
    st.lists(
        JSON
        | st.tuples(
            st.sampled_from([*MAKER.jwks, *PUBLISHED]), st.sampled_from(KEY_MEMBERS), JSON
        ).map(lambda drawn: {**drawn[0], drawn[1]: drawn[2]}),
        max_size=4,
    )
)
def test_JW_20_any_set_of_keys_verifies_what_it_should_or_nothing(jwks: list[Any]) -> None:
    for alg in ALGS:
        assert read(FOREIGN[alg], jwks, [alg]) in (None, CLAIMS)
        assert read(OWN[alg], MAKER.jwks, [alg]) is None
    for alg in ENCRYPTING:
        try:
            assert encrypt_for_client(b"x", jwks, alg, "A128GCM", None).count(".") == 4
        except NoKeyError:
            continue
    for each in jwks:
        if isinstance(each, dict):
            try:
                jwk.load(each)
            except Malformed:
                continue


@given(st.dictionaries(st.text(min_size=1), JSON), st.sampled_from(ALGS))
def test_what_is_signed_here_is_read_here(claims: dict[str, Any], alg: str) -> None:
    text = json.dumps(claims, allow_nan=True)
    assume("NaN" not in text and "Infinity" not in text)
    assume(all(abs(n) < 2**63 for n in _whole_numbers(claims)))
    claims = {**claims, "iss": ISSUER}
    signed_here = RING.sign_jwt(claims, alg, None, NOW)
    assume(len(signed_here) <= LONGEST)
    found = RING.open_own_jwt(signed_here)
    assert found is not None
    assert found.claims == claims


def _whole_numbers(value: Any) -> list[int]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [n for each in value for n in _whole_numbers(each)]
    return [value] if isinstance(value, int) else []
