"""What the limit computes: forms, signatures and seals, and the answer of a token request."""

import os
import time
from urllib.parse import parse_qsl

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from troth.signing import algorithms, jws
from troth.signing.compact import b64, unb64
from troth.signing.jwt import RS256Key, SigningKey

_PRIVATE = ec.generate_private_key(ec.SECP256R1())
_KEY = SigningKey("limit", _PRIVATE, _PRIVATE.public_key(), b64(b'{"alg":"ES256"}') + b".")
_SIGNED = {
    alg: (algorithms.load(algorithms.generate(alg)), b64(b'{"alg":"%b"}' % alg.encode()) + b".")
    for alg in ("ES256", "RS256")
}
_RSA = RS256Key(_SIGNED["RS256"][0].public_key())
_SEAL = AESSIV(os.urandom(64))
_AD = [b"limit"]
KEY_SET = msgspec.json.encode({"keys": [algorithms.public_members(_KEY.public)]})
Form = dict[str, str]


def parse(body: bytes) -> Form:
    return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))


def sign(chain: str = "c" * 32, alg: str = "ES256") -> str:
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": "https://login.example", "sub": "a" * 22, "aud": "https://login.example",
        "exp": now + 3600, "iat": now, "jti": os.urandom(16).hex(), "client_id": "b" * 22,
        "scope": "read_write", "chain": chain,
    }  # fmt: skip
    return _KEY.sign(claims) if alg == "ES256" else _signed(alg, claims)


def id_token(alg: str, access: str) -> str:
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": "https://login.example", "sub": "a" * 22, "aud": "b" * 22, "exp": now + 3600,
        "iat": now, "auth_time": now, "at_hash": jws.half_hash(alg, access), "sid": "d" * 43,
        "acr": "1", "amr": ["pwd"],
    }  # fmt: skip
    return _signed(alg, claims)


def _signed(alg: str, claims: dict[str, object]) -> str:
    private, header = _SIGNED[alg]
    signing_input = header + b64(msgspec.json.encode(claims))
    signature = algorithms.sign(alg, private, signing_input)
    return (signing_input + b"." + b64(signature)).decode()


def seal(chain_id: bytes, generation: int) -> str:
    facts = msgspec.msgpack.encode((chain_id, generation, "a" * 22, "b" * 22, "read_write"))
    return b64(_SEAL.encrypt(facts, _AD)).decode()


def unseal(text: str) -> tuple[bytes, int]:
    facts = msgspec.msgpack.decode(_SEAL.decrypt(unb64(text), _AD))
    return facts[0], facts[1]


def verify(token: str, alg: str = "ES256") -> dict[str, object]:
    signing_input, _, signature = token.rpartition(".")
    key = _KEY if alg == "ES256" else _RSA
    if not key.verify(signing_input.encode(), unb64(signature)):
        raise ValueError("signature")
    claims: dict[str, object] = msgspec.json.decode(unb64(signing_input.partition(".")[2]))
    return claims


def token_answer(access: str, **more: str) -> bytes:
    body = {"access_token": access, "token_type": "Bearer", "expires_in": 3600, **more}
    return msgspec.json.encode(body)
