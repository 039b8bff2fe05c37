"""Seals and signatures: only what was made here, for this, and spelled exactly so."""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.spec import spec
from troth.browser.forms import Device, FormToken
from troth.log import Secret
from troth.model.request import ClaimWish, Pending, Wishes
from troth.model.token import AccessToken, Code, RefreshToken
from troth.signing import ring, seal
from troth.signing.compact import b64
from troth.signing.keys import Use, new_key

NOW = 1_800_000_000
MASTER = Secret(b"canary master key of 32 bytes!!!")
USES: tuple[Use, ...] = ("sig", "seal", "sig", "seal")
KEYS = [new_key(use, now=NOW + n, signs_from=NOW + n, master=MASTER) for n, use in enumerate(USES)]
ISSUER = "https://login.example"
RING = ring.build(KEYS, MASTER, ISSUER)
FORMER = ring.build(KEYS[:2], MASTER, ISSUER)
STRANGER = ring.build(
    [new_key(use, now=NOW, signs_from=NOW, master=MASTER) for use in USES[:2]], MASTER, ISSUER
)

KINDS: dict[str, type[Any]] = {
    seal.CODE: Code,
    seal.REFRESH_TOKEN: RefreshToken,
    seal.ACCESS_TOKEN: AccessToken,
    seal.PENDING: Pending,
    seal.FORM: FormToken,
    seal.DEVICE: Device,
}
PREFIXES = st.sampled_from(sorted(KINDS))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

st.register_type_strategy(str, st.text(max_size=12).filter(lambda t: t.isprintable()))
st.register_type_strategy(int, st.integers(min_value=0, max_value=2**40))
st.register_type_strategy(bytes, st.binary(max_size=32))
_WISHES = st.dictionaries(st.text(max_size=8), st.just(ClaimWish()), max_size=2)
st.register_type_strategy(
    Wishes, st.builds(Wishes, id_token=_WISHES, userinfo=_WISHES, locales=st.just(("de",)))
)


@st.composite
def facts(draw: st.DrawFn) -> tuple[str, Any]:
    prefix = draw(PREFIXES)
    return prefix, draw(st.builds(KINDS[prefix]))


TOKENS = st.builds(
    AccessToken,
    token_id=st.text(alphabet="0123456789abcdef", min_size=32, max_size=32),
    chain_id=st.none() | st.binary(min_size=16, max_size=16),
    scope=st.lists(st.text(alphabet=ALPHABET, min_size=1), max_size=4, unique=True).map(tuple),
    audience=st.lists(st.text(min_size=1), min_size=1, max_size=3, unique=True).map(tuple),
)


@given(facts())
def test_what_was_sealed_is_opened_equal_and_the_same_again(sealed: tuple[str, Any]) -> None:
    prefix, value = sealed
    text = RING.sealer.seal(prefix, value)
    assert text.startswith(prefix)
    assert RING.sealer.open(prefix, text, KINDS[prefix]) == value
    assert RING.sealer.seal(prefix, value) == text, "a retry gives the same string"
    older = FORMER.sealer.seal(prefix, value)
    assert older != text
    assert RING.sealer.open(prefix, older, KINDS[prefix]) == value, "a former key still opens"
    assert FORMER.sealer.open(prefix, text, KINDS[prefix]) is None
    assert STRANGER.sealer.open(prefix, text, KINDS[prefix]) is None


@given(facts(), st.integers(min_value=0), st.sampled_from(ALPHABET + "=+/ .\n\0é"))
def test_CX_05_one_changed_character_opens_nothing(
    sealed: tuple[str, Any], where: int, other: str
) -> None:
    prefix, value = sealed
    text = RING.sealer.seal(prefix, value)
    at = where % len(text)
    for bent in (
        text[:at] + other + text[at + 1 :],
        text[:at] + other + text[at:],
        text[:at] + text[at + 1 :],
        text[:at],
        text + other,
        other + text,
        text.swapcase(),
    ):
        if bent != text:
            assert RING.sealer.open(prefix, bent, KINDS[prefix]) is None


@given(facts())
def test_no_other_spelling_of_the_same_bytes_opens(sealed: tuple[str, Any]) -> None:
    """base64url decoders accept set trailing bits, padding and the other alphabet."""
    prefix, value = sealed
    text = RING.sealer.seal(prefix, value)
    body = text[len(prefix) :]
    raw = urlsafe_b64decode(body + "=" * (-len(body) % 4))
    spellings = {body[:-1] + last for last in ALPHABET}
    spellings |= {body + "=", body + "==", body.replace("-", "+").replace("_", "/"), body + "\n"}
    same = {other for other in spellings - {body} if urlsafe_b64decode(other + "===") == raw}
    assert body + "\n" in same
    for other in same:
        assert RING.sealer.open(prefix, prefix + other, KINDS[prefix]) is None


@given(facts(), PREFIXES)
def test_CX_09_JW_12_a_seal_is_nothing_for_another_purpose(
    sealed: tuple[str, Any], other: str
) -> None:
    prefix, value = sealed
    text = RING.sealer.seal(prefix, value)
    relabelled = other + text[len(prefix) :]
    if other != prefix:
        assert RING.sealer.open(other, text, KINDS[other]) is None
        assert RING.sealer.open(other, relabelled, KINDS[other]) is None
        assert RING.sealer.open(other, relabelled, KINDS[prefix]) is None


@given(PREFIXES, st.text(max_size=80) | st.text(alphabet=ALPHABET, max_size=200))
@example(seal.CODE, "A" * seal.LONGEST)
def test_garbage_opens_nothing(prefix: str, garbage: str) -> None:
    for text in (garbage, prefix + garbage):
        assert RING.sealer.open(prefix, text, KINDS[prefix]) is None
        assert RING.open_access_token(text, NOW) is None


@given(facts())
def test_the_key_id_is_part_of_what_is_sealed(sealed: tuple[str, Any]) -> None:
    prefix, value = sealed
    raw = urlsafe_b64decode(RING.sealer.seal(prefix, value)[len(prefix) :] + "===")
    for key_id in (*RING.sealer.keys, os.urandom(4)):
        other = urlsafe_b64encode(key_id + raw[4:]).rstrip(b"=").decode()
        found = RING.sealer.open(prefix, prefix + other, KINDS[prefix])
        assert (found is not None) == (key_id == raw[:4])


@spec("RFC 9068 §2.2")
@given(TOKENS)
def test_an_access_token_says_the_same_sealed_and_signed(token: AccessToken) -> None:
    signed = RING.sign_access_token(token, "ES256", NOW + 9)
    assert RING.open_access_token(signed, NOW + 9) == token
    sealed = RING.sealer.seal(seal.ACCESS_TOKEN, token)
    assert RING.open_access_token(sealed, NOW + 9) == token
    assert STRANGER.open_access_token(signed, NOW + 9) is None
    elsewhere = replace(RING, issuer=ISSUER + "/")
    assert elsewhere.open_access_token(signed, NOW + 9) is None, "JW-14"


ONE = AccessToken(
    token_id="00" * 16,
    chain_id=None,
    client_id="c",
    sub="s",
    scope=("a",),
    audience=("b",),
    issued_at=NOW,
    expires_at=NOW + 60,
)
SIGNED = RING.sign_access_token(ONE, "ES256", NOW + 9)


@given(st.integers(min_value=0), st.sampled_from(ALPHABET + "=.+/ \n\0é"), st.integers(0, 3))
def test_JW_23_a_signed_token_that_was_bent_is_none(where: int, other: str, how: int) -> None:
    at = where % len(SIGNED)
    bent = (
        SIGNED[:at] + other + SIGNED[at + 1 :],
        SIGNED[:at] + other + SIGNED[at:],
        SIGNED[:at] + SIGNED[at + 1 :],
        SIGNED[:at],
    )[how]
    assert (RING.open_access_token(bent, NOW + 9) is None) == (bent != SIGNED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("alg typ kid crit b64 jwk zip x".split()), JSON))
def test_any_header_is_a_token_or_nothing(header: dict[str, Any]) -> None:
    for text in (json.dumps(header), json.dumps({"alg": "ES256", "typ": "at+jwt", **header})):
        head = b64(text.encode("utf-8", "surrogatepass")).decode()
        token = f"{head}.{SIGNED.split('.', 1)[1]}"
        assert RING.open_access_token(token, NOW + 9) is None


@pytest.mark.parametrize("depth", [100, 1000, 2900])
@pytest.mark.parametrize("member", ["crit", "x", "kid"])
def test_JW_07_a_header_nested_without_end_is_no_token(depth: int, member: str) -> None:
    nested = "[" * depth + "]" * depth
    header = f'{{"alg":"ES256","typ":"at+jwt","kid":"k","{member}":{nested}}}'
    token = f"{b64(header.encode()).decode()}.{SIGNED.split('.', 1)[1]}"
    assert RING.open_access_token(token, NOW + 9) is None
