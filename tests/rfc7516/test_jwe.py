"""What is encrypted here and what is decrypted here, with another library at the other end."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.rings import ISSUER, KEYS, MASTER, NOW, RING, STRANGER
from tests.spec import spec
from troth.signing import ring
from troth.signing.jwe import ALGS, ENCS, REQUEST_ALGS, BadJWE, NoKeyError, encrypt_for_client
from troth.signing.keys import new_key

INNER = RING.sign_jwt({"sub": "ada"}, "RS256", None, NOW)
RSA = RSAKey.generate_key(2048)
AGREEING: dict[str, Any] = {
    "P-256": ECKey.generate_key("P-256"),
    "P-384": ECKey.generate_key("P-384"),
    "P-521": ECKey.generate_key("P-521"),
    "X25519": OKPKey.generate_key("X25519"),
}
CASES = [(alg, RSA) for alg in ALGS if "RSA" in alg]
CASES += [(alg, key) for alg in ALGS if "ECDH" in alg for key in AGREEING.values()]


def public(key: Any, **more: object) -> dict[str, Any]:
    found: dict[str, Any] = {**key.as_dict(private=False), "kid": "c", "use": "enc", **more}
    return {name: value for name, value in found.items() if value is not None}


def decrypted(text: str, key: Any) -> jwe.CompactEncryption:
    registry = jwe.JWERegistry(algorithms=[*ALGS, *ENCS])
    return jwe.decrypt_compact(text, key, registry=registry)


@spec("RFC 7516 §5.1", "RFC 7518 §4.1", "RFC 7518 §5.1", "RFC 8037 §3.2")
@pytest.mark.parametrize("enc", ENCS)
@pytest.mark.parametrize(("alg", "key"), CASES, ids=lambda value: str(value)[:16])
def test_a_library_decrypts_what_is_encrypted_for_its_client(alg: str, enc: str, key: Any) -> None:
    text = encrypt_for_client(INNER, [public(key)], alg, enc, "JWT")
    found = decrypted(text, key)
    assert found.plaintext == INNER.encode()
    header = {"alg": alg, "enc": enc, "kid": "c", "cty": "JWT"}
    assert {name: value for name, value in found.headers().items() if name != "epk"} == header
    assert encrypt_for_client(INNER, [public(key)], alg, enc, "JWT") != text
    bare = encrypt_for_client(b'{"sub":"\xc3\xa4"}', [public(key, kid=None)], alg, enc, None)
    assert json.loads(decrypted(bare, key).plaintext or b"") == {"sub": "ä"}
    assert {"kid", "cty"}.isdisjoint(decrypted(bare, key).headers())


@spec("RFC 7517 §4.2")
def test_the_key_for_encryption_is_taken_before_one_for_anything_and_never_one_to_sign() -> None:
    first, second = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
    anything, meant = public(first, use=None, kid="any"), public(second, kid="enc")
    signing = public(RSA, use="sig", kid="sig")
    for jwks, key in (([signing, anything, meant], second), ([signing, anything], first)):
        text = encrypt_for_client(INNER, jwks, "RSA-OAEP-256", "A128GCM", None)
        assert decrypted(text, key).plaintext == INNER.encode()
    for lacking in ([], [signing], [public(RSA, alg="RSA-OAEP")], [public(AGREEING["P-256"])]):
        with pytest.raises(NoKeyError):
            encrypt_for_client(INNER, lacking, "RSA-OAEP-256", "A128GCM", None)
    for key_ops, good in (
        (["wrapKey"], True),
        (["encrypt"], True),
        (["verify"], False),
        ("x", False),
    ):
        jwks = [public(RSA, use=None, key_ops=key_ops)]
        if good:
            assert encrypt_for_client(INNER, jwks, "RSA-OAEP-256", "A128GCM", None)
        else:
            with pytest.raises(NoKeyError):
                encrypt_for_client(INNER, jwks, "RSA-OAEP-256", "A128GCM", None)


@pytest.mark.parametrize("alg", ["RSA1_5", "dir", "A128KW", "PBES2-HS256+A128KW", "none", ""])
def test_JW_08_nothing_is_encrypted_in_a_way_that_is_not_on_the_list(alg: str) -> None:
    with pytest.raises(NoKeyError):
        encrypt_for_client(INNER, [public(RSA)], alg, "A128GCM", None)
    with pytest.raises(NoKeyError):
        encrypt_for_client(INNER, [public(RSA)], "RSA-OAEP", alg, None)


def published(alg: str, which: ring.Ring = RING) -> dict[str, Any]:
    keys: Any = which.jwks(NOW)["keys"]
    return next(dict(key) for key in keys if key["alg"] == alg)


def sent(alg: str, enc: str, content: bytes | str = INNER, **more: Any) -> str:
    """A request object, encrypted by another library to the key that is published."""
    key = published(alg)
    kind = RSAKey if alg == "RSA-OAEP-256" else ECKey
    found = {"alg": alg, "enc": enc, "kid": key["kid"], "cty": "JWT", **more}
    header = {name: value for name, value in found.items() if value is not None}
    registry = jwe.JWERegistry(algorithms=[alg, enc], strict_check_header=False)
    imported = kind.import_key({n: v for n, v in key.items() if n in "kty n e crv x y".split()})
    return jwe.encrypt_compact(header, content, imported, registry=registry)


@spec("RFC 7516 §5.2", "RFC 7519 §5.2", "OIDC Core §6.1")
@pytest.mark.parametrize("enc", ENCS)
@pytest.mark.parametrize("alg", REQUEST_ALGS)
def test_what_a_client_encrypts_to_a_published_key_is_read(alg: str, enc: str) -> None:
    assert RING.decrypt_request(sent(alg, enc), NOW) == INNER
    for more in ({"kid": None}, {"cty": None}, {"cty": "jwt"}, {"typ": "JWE"}, {"iss": "app"}):
        assert RING.decrypt_request(sent(alg, enc, **more), NOW) == INNER
    if alg == "ECDH-ES":
        assert RING.decrypt_request(sent(alg, enc, apu="YQ", apv="Yg"), NOW) == INNER
    with pytest.raises(BadJWE):
        STRANGER.decrypt_request(sent(alg, enc), NOW)
    with pytest.raises(BadJWE):
        STRANGER.decrypt_request(sent(alg, enc, kid=None), NOW)


@spec("RFC 7518 §4.6.1.1")
def test_an_agreement_carries_no_encrypted_key_and_a_public_key_of_our_curve() -> None:
    head, key, *rest = sent("ECDH-ES", "A128GCM").split(".")
    header = json.loads(urlsafe_b64decode(head + "==="))
    assert key == ""
    assert (header["epk"]["kty"], header["epk"]["crv"]) == ("EC", "P-256")
    with pytest.raises(BadJWE):
        RING.decrypt_request(".".join([head, "AAAA", *rest]), NOW)


@pytest.mark.parametrize("alg", REQUEST_ALGS)
def test_a_replaced_key_decrypts_until_it_ends(alg: str) -> None:
    (old,) = [key for key in KEYS if key.alg == alg]
    new = new_key("enc", alg, now=NOW, signs_from=NOW, master=MASTER)
    ended = replace(old, ends_at=NOW + 7200)
    both = ring.build([*(key for key in KEYS if key != old), ended, new], MASTER, ISSUER)
    for text in (sent(alg, "A128GCM"), sent(alg, "A128GCM", kid=None)):
        assert both.decrypt_request(text, NOW + 7199) == INNER
        with pytest.raises(BadJWE):
            both.decrypt_request(text, NOW + 7200)
