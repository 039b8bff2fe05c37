"""JWTs made here that are no access tokens: ID tokens, logout tokens, signed UserInfo."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from troth.signing import algorithms
from troth.signing.compact import Malformed, b64, header, json_object, octets, segments

# The hash function of each algorithm, which half hashes use too; Ed25519 has SHA-512 inside.
_HASHES = {
    "RS256": hashlib.sha256,
    "PS256": hashlib.sha256,
    "ES256": hashlib.sha256,
    "EdDSA": hashlib.sha512,
    "Ed25519": hashlib.sha512,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnJWT:
    """A JWT that this server signed, whenever that was: it may have expired long ago.

    Whoever takes it for something looks at `typ` first: access tokens (`at+jwt`) and logout tokens
    (`logout+jwt`) are signed by the same server (RFC 8725 §3.11).
    """

    typ: str | None
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A JWS that is well-formed; nothing in it is proven yet."""

    header: Mapping[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes

    @property
    def alg(self) -> str:
        return str(self.header["alg"])

    @property
    def kid(self) -> str | None:
        return self.header.get("kid")

    @property
    def typ(self) -> str | None:
        return self.header.get("typ")


def half_hash(alg: str, text: str) -> str:
    """`at_hash`, `c_hash`: the left half of the hash, in base64url (OIDC Core §3.1.3.6)."""
    digest = _HASHES[alg](text.encode("ascii")).digest()
    return b64(digest[: len(digest) // 2]).decode()


def signed(private: algorithms.Private, head: Mapping[str, str], claims: object) -> str:
    """A compact JWS (RFC 7515 §7.1) over `claims` by the key and the `alg` of its header."""
    signing_input = b64(msgspec.json.encode(head)) + b"." + b64(msgspec.json.encode(claims))
    signature = algorithms.sign(head["alg"], private, signing_input)
    return (signing_input + b"." + b64(signature)).decode()


def parse(text: str) -> Parsed:
    """The parts of a compact JWS under an algorithm that is known here; raises `Malformed`."""
    head, payload, signature = segments(text, 3)
    found = header(head)
    if found.get("alg") not in algorithms.SIGNATURES:
        raise Malformed("alg")
    return Parsed(
        header=found,
        payload=octets(payload),
        signing_input=f"{head}.{payload}".encode(),
        signature=octets(signature),
    )


def claims_of(parsed: Parsed) -> dict[str, Any]:
    """The claims (RFC 7519 §4) of a JWS whose signature was found to be right."""
    return json_object(parsed.payload, "payload")
