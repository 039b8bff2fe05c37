"""Keys of clients that are weak, broken, private, or meant for something else."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.rings import Maker, b64, signed
from tests.spec import spec
from troth.signing import jwk
from troth.signing.compact import Malformed, octets
from troth.signing.foreign import BadJWS, verify
from troth.signing.jwe import NoKeyError, encrypt_for_client

MAKER = Maker()
CLAIMS = {"iss": "app"}
RSA, EC, OKP = (MAKER.jwk(alg) for alg in ("RS256", "ES256", "EdDSA"))
P384 = ECKey.generate_key("P-384").as_dict(private=False)
N = int.from_bytes(octets(RSA["n"]), "big")


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def broken_generator() -> int:
    """A modulus that is a power of 65537 modulo each small prime, as of CVE-2017-15361."""
    product, n = 1, 0
    for prime in (3, 5, 7, *jwk._ROCA):
        while n % prime != pow(65537, 5, prime):
            n += product
        product *= prime
    n += product * (2**2047 // product + 1)
    return n if n % 2 else n + product


WEAK: dict[str, dict[str, Any]] = {
    "1024 bits": {**RSA, "n": number(N >> 1024 | 1)},
    "2047 bits": {**RSA, "n": number(N >> 1 | 1)},
    "10240 bits": {**RSA, "n": number(N**5 | 1)},
    "16384 bits": {**RSA, "n": number(N**8 | 1)},
    "even": {**RSA, "n": number(N - 1)},
    "zero": {**RSA, "n": "AA"},
    "empty": {**RSA, "n": ""},
    "no modulus": {**RSA, "n": None},
    "a number": {**RSA, "n": N},
    "padded": {**RSA, "n": RSA["n"] + "=="},
    "exponent 1": {**RSA, "e": "AQ"},
    "exponent 3": {**RSA, "e": "Aw"},
    "even exponent": {**RSA, "e": number(65538)},
    "endless exponent": {**RSA, "e": number(2**2000 + 1)},
    "broken generator": {**RSA, "n": number(broken_generator())},
    "private RSA": MAKER.keys["RS256"].as_dict(private=True),
    "private EC": MAKER.keys["ES256"].as_dict(private=True),
    "private OKP": MAKER.keys["EdDSA"].as_dict(private=True),
    "private by a member": {**RSA, "d": "AQAB"},
    "symmetric by a member": {**EC, "k": "AQAB"},
    "off the curve": {**EC, "y": EC["x"]},
    "infinity": {**EC, "x": b64(bytes(32)), "y": b64(bytes(32))},
    "no y": {**EC, "y": None},
    "short x": {**EC, "x": b64(octets(EC["x"])[:31])},
    "long x": {**EC, "x": b64(b"\0" + octets(EC["x"]))},
    "another curve's point": {**P384, "crv": "P-256"},
    "P-192": {**EC, "crv": "P-192"},
    "secp256k1": {**EC, "crv": "secp256k1"},
    "no curve": {**EC, "crv": None},
    "curves": {**EC, "crv": ["P-256"]},
    "Ed448": {**OKP, "crv": "Ed448"},
    "short Ed25519": {**OKP, "x": "AAAA"},
    "EC as OKP": {**EC, "kty": "OKP"},
    "no type": {**RSA, "kty": None},
    "lower case": {**RSA, "kty": "rsa"},
    "oct": OctKey.generate_key(256).as_dict(),
    "empty oct": {"kty": "oct", "k": ""},
    "nothing": {},
}


@spec("RFC 8725 §3.5", "RFC 7518 §3.3", "RFC 7517 §9.2")
@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK.keys())
def test_JW_09_JW_20_a_key_that_is_weak_or_none_is_not_loaded(key: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        jwk.load(key)
    for alg in ("RS256", "PS256", "ES256", "EdDSA"):
        bent = {**key, "kid": f"k-{alg}", "alg": alg, "use": "sig"}
        with pytest.raises(BadJWS):
            verify(MAKER.sign(alg, CLAIMS), [bent], [alg])
    for alg in ("RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"):
        with pytest.raises(NoKeyError):
            encrypt_for_client(b"x", [{**key, "alg": alg, "use": "enc"}], alg, "A128GCM", None)


@spec("RFC 7518 §3.3")
@pytest.mark.parametrize(("exponent", "bits"), [(65537, 1024), (3, 2048)])
def test_JW_20_a_right_signature_by_a_weak_key_proves_nothing(exponent: int, bits: int) -> None:
    private: Any = rsa.generate_private_key(exponent, bits)
    key = RSAKey(private, None)
    for alg in ("RS256", "PS256"):
        padded = signed({"alg": alg}, CLAIMS, key)
        with pytest.raises(BadJWS):
            verify(padded, [key.as_dict(private=False)], [alg])


@spec("RFC 8725 §3.1", "RFC 7518 §3.4")
@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()], ids=lambda curve: curve.name)
def test_JW_11_a_right_signature_on_another_curve_proves_nothing(curve: ec.EllipticCurve) -> None:
    private = ec.generate_private_key(curve)
    numbers = private.public_key().public_numbers()
    size = curve.key_size // 8
    x, y = (b64(n.to_bytes(size, "big")) for n in (numbers.x, numbers.y))
    text = signed({"alg": "ES256"}, CLAIMS, MAKER.keys["ES256"])
    for name in ("P-256", "P-384", "secp256k1"):
        with pytest.raises(BadJWS):
            verify(text, [{"kty": "EC", "crv": name, "x": x, "y": y}], ["ES256"])


@spec("RFC 7517 §4.2", "RFC 7517 §4.3", "RFC 7517 §4.4")
@pytest.mark.parametrize(
    "said",
    [
        {"use": "enc"},
        {"use": "SIG"},
        {"use": ["sig"]},
        {"key_ops": ["sign"]},
        {"key_ops": []},
        {"key_ops": "verify"},
        {"key_ops": {"verify": True}},
        {"alg": "RS512"},
        {"alg": "RSA-OAEP-256"},
        {"alg": ["RS256"]},
        {"alg": ""},
        {"kid": None},
        {"kid": ["k-RS256"]},
        {"kid": "K-RS256"},
    ],
    ids=str,
)
def test_JW_03_a_key_is_used_for_what_it_says_it_is_for(said: dict[str, Any]) -> None:
    text = MAKER.sign("RS256", CLAIMS)
    assert verify(text, [RSA], ["RS256"]).claims == CLAIMS
    with pytest.raises(BadJWS):
        verify(text, [{**RSA, **said}], ["RS256"])


@pytest.mark.parametrize("jwks", [[None], [1], ["RSA"], [[]], [[RSA]], [{"keys": [RSA]}], [{}]])
def test_JW_20_a_set_of_something_else_has_no_keys(jwks: Any) -> None:
    with pytest.raises(BadJWS):
        verify(MAKER.sign("RS256", CLAIMS), jwks, ["RS256"])
    with pytest.raises(NoKeyError):
        encrypt_for_client(b"x", jwks, "RSA-OAEP", "A128GCM", None)


def test_JW_20_keys_of_libraries_are_not_taken_for_broken_ones() -> None:
    for _ in range(8):
        key = RSAKey.generate_key(2048)
        assert isinstance(jwk.load(key.as_dict(private=False)), rsa.RSAPublicKey)
