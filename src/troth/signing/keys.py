"""The key ring: signing and sealing keys, encrypted at rest under the master key.

A signing key is published at once and signs from `signs_from` on, so that verifiers with a cached
key set have it in time; a key that was replaced stays published until its last token has expired.
"""

import binascii
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from troth.log import Secret
from troth.signing import algorithms

Use = Literal["sig", "seal", "enc", "pairwise"]

# Every kind of key that an installation has, in the order in which they are published. Access
# tokens are signed with ES256; Ed25519 is what RFC 9864 calls EdDSA, and has a key of its own
# since libraries compare the names; `enc` is what request objects are encrypted to; what pairwise
# subjects are made with never ends, since every one of them would change.
KINDS: tuple[tuple[Use, str], ...] = (
    ("sig", "ES256"),
    ("sig", "RS256"),
    ("sig", "PS256"),
    ("sig", "EdDSA"),
    ("sig", "Ed25519"),
    ("enc", "RSA-OAEP-256"),
    ("enc", "ECDH-ES"),
    ("seal", "A256SIV"),
    ("pairwise", "HS256"),
)
# There is one such key, whichever of several processes was the first to make it.
PAIRWISE_KID = "pairwise"


class KeyRingError(Exception):
    """The master key or a stored key cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key as it lies in the store: `wrapped` is AES-256-GCM under the master key."""

    kid: str
    use: Use
    alg: str
    created_at: int
    signs_from: int
    ends_at: int | None
    wrapped: bytes

    @property
    def kind(self) -> tuple[Use, str]:
        return self.use, self.alg

    def may_sign(self, now: int) -> bool:
        return self.signs_from <= now and self.stands(now)

    def stands(self, now: int) -> bool:
        return self.ends_at is None or self.ends_at > now

    @property
    def is_public(self) -> bool:
        """Whether it has a public half."""
        return self.use in ("sig", "enc")

    @property
    def retired(self) -> bool:
        """Ended from its beginning: it is not to be believed that it signed anything."""
        return self.ends_at is not None and self.ends_at <= self.created_at


def read_master_key(path: str) -> Secret:
    """The master key from its file: 32 bytes, base64url, one line; not readable by others."""
    if not path:
        raise KeyRingError("TROTH_MASTER_KEY_FILE is not set; name the file with the master key")
    file = Path(path)
    try:
        mode = file.stat().st_mode
        text = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRingError(f"the master key file {path} cannot be read: {error}") from None
    if mode & _open_to_others(file):
        raise KeyRingError(f"the master key file {path} is open to others; run chmod 600 on it")
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise KeyRingError(
            f"the master key file {path} must hold 32 bytes as base64url on one line"
        )
    return Secret(raw)


def _open_to_others(file: Path) -> int:
    """The bits of a mode that nobody else may have.

    systemd gives a credential to the service's user by an access list, whose mask shows as the bits
    of the group; the folder is that user's alone (systemd.exec, LoadCredential=).
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return 0o037 if folder and file.parent == Path(folder) else 0o077


def create_master_key(path: Path) -> None:
    """Write a fresh master key with mode 0600, never over an existing file."""
    text = urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=") + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)


def _aad(kid: str, use: str, alg: str) -> bytes:
    return f"key:{kid}:{use}:{alg}".encode()


def first_alg(use: Use) -> str:
    """The algorithm that is meant where none is named."""
    return next(alg for each, alg in KINDS if each == use)


def new_key(
    use: Use, alg: str | None = None, *, now: int, signs_from: int, master: Secret
) -> StoredKey:
    """Generate a key for `use` and `alg`, wrapped and bound to its row."""
    alg = alg or first_alg(use)
    if (use, alg) not in KINDS:
        raise ValueError(f"no key for {use} has the algorithm {alg}")
    match use:
        case "seal":
            raw = secrets.token_bytes(64)
        case "pairwise":
            raw = secrets.token_bytes(32)
        case _:
            raw = algorithms.generate(alg)
    kid = PAIRWISE_KID if use == "pairwise" else secrets.token_hex(4)
    return StoredKey(
        kid=kid,
        use=use,
        alg=alg,
        created_at=now,
        signs_from=signs_from,
        ends_at=None,
        wrapped=_wrapped(raw, _aad(kid, use, alg), master),
    )


def rewrapped(key: StoredKey, former: Secret, master: Secret) -> StoredKey:
    """The same key under another master key; raises where `former` is not the one it is under."""
    raw = unwrap(key, former)
    return replace(key, wrapped=_wrapped(raw, _aad(key.kid, key.use, key.alg), master))


def _wrapped(raw: bytes, bound_to: bytes, master: Secret) -> bytes:
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(master.reveal()).encrypt(nonce, raw, bound_to)


def opens(key: StoredKey, master: Secret) -> bool:
    """Whether this is the master key that it is under."""
    try:
        unwrap(key, master)
    except KeyRingError:
        return False
    return True


def unwrap(key: StoredKey, master: Secret) -> bytes:
    """The raw key; raises where the master key or the row is not the one it was made with."""
    try:
        return AESGCM(master.reveal()).decrypt(
            key.wrapped[:12], key.wrapped[12:], _aad(key.kid, key.use, key.alg)
        )
    except (InvalidTag, ValueError):  # the latter: cut off, so that there is no nonce in it
        raise KeyRingError(
            f"key {key.kid} cannot be decrypted: the master key is not the one it was made with"
        ) from None
