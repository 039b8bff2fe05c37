"""Request objects encrypted to this server that are not what they should be."""

import json
import os
import zlib
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from tests.rings import NOW, RING, STRANGER, Maker, b64
from tests.spec import spec
from troth.signing.compact import LONGEST
from troth.signing.jwe import ENCS, REQUEST_ALGS, BadJWE, encrypt_for_client

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
INNER = RING.sign_jwt({"sub": "ada"}, "RS256", None, NOW)


def published(alg: str) -> dict[str, Any]:
    keys: Any = RING.jwks(NOW)["keys"]
    return next(dict(key) for key in keys if key["alg"] == alg)


RSA, EC = published("RSA-OAEP-256"), published("ECDH-ES")
PUBLIC: Any = next(
    private.public_key() for stored, private in RING.own if stored.alg == "RSA-OAEP-256"
)


def sent(alg: str, enc: str = "A128GCM", content: bytes | str = INNER, **more: Any) -> str:
    kind, key = (RSAKey, RSA) if alg.startswith("RSA") else (ECKey, EC)
    imported = kind.import_key({n: v for n, v in key.items() if n in "kty n e crv x y".split()})
    registry = jwe.JWERegistry(algorithms=[alg, enc, "DEF"], strict_check_header=False)
    header = {"alg": alg, "enc": enc, "kid": key["kid"], **more}
    return jwe.encrypt_compact(header, content, imported, registry=registry)


def by_hand(header: Any, *, tag_length: int = 16, scheme: Any = None, content: bytes = b"x") -> str:
    """RSA-OAEP-256 and A128GCM without a library, so that all of the header is free."""
    key, iv = os.urandom(16), os.urandom(12)
    head = b64(header.encode() if isinstance(header, str) else json.dumps(header).encode())
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    wrapped = PUBLIC.encrypt(key, scheme or oaep)
    whole = AESGCM(key).encrypt(iv, content, head.encode())
    parts = (wrapped, iv, whole[:-16], whole[-16:][:tag_length])
    return ".".join([head, *map(b64, parts)])


def refused(text: str) -> None:
    with pytest.raises(BadJWE):
        RING.decrypt_request(text, NOW)


HEAD = {"alg": "RSA-OAEP-256", "enc": "A128GCM", "kid": RSA["kid"]}


def test_what_is_made_by_hand_is_read_where_nothing_is_wrong_with_it() -> None:
    assert RING.decrypt_request(by_hand(HEAD), NOW) == "x"


@spec("RFC 8725 §3.1", "RFC 8725 §3.2")
@pytest.mark.parametrize(
    "alg", ["RSA1_5", "RSA-OAEP", "dir", "A128KW", "A128GCMKW", "PBES2-HS256+A128KW", "none", "",
            None, 1, ["RSA-OAEP-256"], "rsa-oaep-256", "ECDH-ES", "ECDH-ES+A128KW", "RS256"]
)  # fmt: skip
def test_JW_08_no_other_algorithm_opens_anything(alg: Any) -> None:
    others: list[dict[str, Any]] = [{}, {"p2c": 2**31, "p2s": "AAAA"}, {"epk": {}}]
    for more in others:
        refused(by_hand({**HEAD, "alg": alg, **more}))
    refused(by_hand({name: value for name, value in HEAD.items() if name != "alg"}))
    refused(by_hand({**HEAD, "alg": "RSA1_5"}, scheme=padding.PKCS1v15()))
    for enc in ("A192GCM", "A192CBC-HS384", "none", "", None, ["A128GCM"], alg):
        refused(by_hand({**HEAD, "enc": enc}))


def test_JW_08_a_public_key_is_no_shared_secret() -> None:
    for key in (RSA, EC):
        for secret in (json.dumps(key), str(key.get("n", key.get("x")))):
            raw = secret.encode()[:16]
            head = b64(json.dumps({**HEAD, "alg": "dir"}).encode())
            iv = os.urandom(12)
            whole = AESGCM(raw).encrypt(iv, INNER.encode(), head.encode())
            refused(".".join([head, "", b64(iv), b64(whole[:-16]), b64(whole[-16:])]))


@pytest.mark.parametrize("alg", REQUEST_ALGS)
def test_JW_08_no_other_encryption_is_decrypted(alg: str) -> None:
    for enc in ("A192GCM", "A192CBC-HS384", "A256CBC-HS512"):
        text = sent(alg, enc)
        if enc in ENCS:
            assert RING.decrypt_request(text, NOW) == INNER
        else:
            refused(text)


@pytest.mark.parametrize("alg", REQUEST_ALGS)
def test_JW_11_what_is_encrypted_has_one_spelling(alg: str) -> None:
    """The last character of a tag of 16 bytes has four bits that mean nothing."""
    text = sent(alg, "A128GCM")
    assert text[-1] in "AQgw"
    for bits in range(1, 16):
        refused(text[:-1] + ALPHABET[ALPHABET.index(text[-1]) + bits])


@pytest.mark.parametrize("length", [0, 1, 4, 8, 12, 15])
def test_JW_08_a_short_tag_proves_nothing(length: int) -> None:
    refused(by_hand(HEAD, tag_length=length))


def test_JW_07_nothing_is_inflated_and_nothing_large_is_read() -> None:
    bomb = zlib.compress(b"0" * 10_000_000)
    refused(by_hand({**HEAD, "zip": "DEF"}, content=bomb))
    for alg in REQUEST_ALGS:
        refused(sent(alg, content=INNER, zip="DEF"))
        refused(sent(alg, content="x" * LONGEST))
    refused("." * 4 + "x" * 10_000_000)
    refused(by_hand({**HEAD, "x": "x" * 1_000_000}))
    refused(by_hand('{"alg":' + "[" * 3000 + "]" * 3000 + "}"))


@spec("RFC 7516 §4.1.13", "RFC 8725 §3.10")
@pytest.mark.parametrize(
    "more",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": "zip"},
        {"b64": False},
        {"jwk": {"kty": "RSA"}},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"cty": "text"},
        {"cty": 1},
        {"typ": ["JWE"]},
        {"p2c": 1},
        {"x": "\ud800"},
    ],
    ids=str,
)
def test_JW_04_JW_05_a_header_that_wants_more_is_refused(more: dict[str, Any]) -> None:
    refused(by_hand({**HEAD, **more}))


def test_JW_05_a_header_has_one_meaning_or_none() -> None:
    inside = json.dumps(HEAD)[1:-1]
    assert RING.decrypt_request(by_hand("{" + inside + "}"), NOW) == "x"
    for more in ('"alg":"RSA1_5"', '"enc":"A128GCM"', '"x":1,"x":2', '"x":NaN', '"x":1e999'):
        refused(by_hand(f"{{{inside},{more}}}"))
        refused(by_hand(f"{{{more},{inside}}}"))


@pytest.mark.parametrize("alg", REQUEST_ALGS)
@pytest.mark.parametrize("enc", ENCS)
def test_JW_01_every_part_is_needed_and_none_is_changed(alg: str, enc: str) -> None:
    genuine, other = sent(alg, enc).split("."), sent(alg, enc).split(".")
    for index, part in enumerate(genuine):
        swapped = other[index] if alg != "ECDH-ES" or index != 1 else "AAAA"
        flipped = part[:-2] + ("AA" if part[-2:] != "AA" else "BA")
        for bent in ("", part + "A", part + "=", part[:-4], flipped, swapped, b64(bytes(99))):
            if bent != part:
                refused(".".join([*genuine[:index], bent, *genuine[index + 1 :]]))
        refused(".".join(genuine[:index] + genuine[index + 1 :]))
    refused(".".join([*genuine, ""]))
    refused(json.dumps({"protected": genuine[0], "ciphertext": genuine[3]}))
    refused(INNER)


def test_JW_18_a_kid_finds_a_key_of_its_own_algorithm_only() -> None:
    kids = [*RING.published(NOW), *STRANGER.published(NOW), "../../dev/null", "", "x" * 5000]
    for kid in kids:
        for alg, own in (("RSA-OAEP-256", RSA), ("ECDH-ES", EC)):
            if kid != own["kid"]:
                refused(sent(alg, kid=kid))
    for other in (1, ["k"], {"k": 1}, True):
        refused(by_hand({**HEAD, "kid": other}))


@spec("RFC 8725 §3.4", "RFC 7518 §4.6.1.1")
def test_JW_11_an_ephemeral_key_is_a_point_of_our_curve() -> None:
    """A point elsewhere would tell the private key, remainder by remainder."""
    head, *rest = sent("ECDH-ES").split(".")
    header = json.loads(urlsafe_b64decode(head + "==="))
    epk = header["epk"]
    p384 = ECKey.generate_key("P-384").as_dict(private=False)
    bent: Any
    for bent in (
        {**epk, "y": epk["x"]},
        {**epk, "x": b64(bytes(32)), "y": b64(bytes(32))},
        {**epk, "crv": "P-384"},
        {**epk, "crv": None},
        {**epk, "kty": "RSA"},
        {**epk, "d": epk["x"]},
        {"kty": "EC", "crv": "P-256", "x": epk["x"]},
        {**p384, "crv": "P-256"},
        p384,
        {"kty": "OKP", "crv": "X25519", "x": epk["x"]},
        RSA,
        {},
        [],
        "epk",
        None,
    ):
        refused(".".join([b64(json.dumps({**header, "epk": bent}).encode()), *rest]))
    for name in ("apu", "apv"):
        for value in (1, "é", ["a"], "A"):
            refused(".".join([b64(json.dumps({**header, name: value}).encode()), *rest]))


@pytest.mark.parametrize("content", [b"\xff\xfe", "ä".encode(), b"\0\xff"])
def test_what_is_inside_is_text_of_a_token(content: bytes) -> None:
    refused(by_hand(HEAD, content=content))


def test_JW_12_what_is_for_the_client_is_not_for_us() -> None:
    client = Maker().jwk("RS256", use="enc", alg=None)
    refused(encrypt_for_client(INNER, [client], "RSA-OAEP-256", "A128GCM", "JWT"))
    own = encrypt_for_client(INNER, [RSA], "RSA-OAEP-256", "A128GCM", "JWT")
    assert RING.decrypt_request(own, NOW) == INNER
    assert RING.open_own_jwt(own) is None
