"""Seals: values that carry facts, and that only this server can make or read.

AES-SIV is deterministic: the same facts under the same key are the same string, and there is no
nonce to exhaust. The purpose is associated data, so that a value of one kind is nothing elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from troth.signing.compact import b64, unb64

T = TypeVar("T")

KEY_ID_BYTES = 4
LONGEST = 16 * 1024

CODE = "troth_ac_"
# A code that would be too long: what travels, and what lies in the database.
LONG_CODE = "troth_al_"
KEPT_CODE = "troth_ak_"
REFRESH_TOKEN = "troth_rt_"
ACCESS_TOKEN = "troth_at_"
PENDING = "troth_pr_"
FORM = "troth_fm_"
ENDING = "troth_en_"
DEVICE = "troth_dv_"


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals under the current key and opens under every key that still stands."""

    current: bytes
    keys: Mapping[bytes, AESSIV]

    def seal(self, prefix: str, facts: object) -> str:
        """`facts` (a frozen value) as a string that starts with `prefix`."""
        body = msgspec.msgpack.encode(facts)
        sealed = self.keys[self.current].encrypt(body, [prefix.encode(), self.current])
        return prefix + b64(self.current + sealed).decode()

    def open(self, prefix: str, text: str, kind: type[T]) -> T | None:
        """The facts inside `text`, or None for everything that was not sealed here for this.

        The value is encoded again and compared, since base64url decoders accept variants.
        """
        if not text.startswith(prefix) or len(text) > LONGEST or not text.isascii():
            return None
        try:
            raw = unb64(text[len(prefix) :])
        except ValueError:
            return None
        key_id, sealed = raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:]
        cipher = self.keys.get(key_id)
        if cipher is None or len(sealed) < 16:
            return None
        try:
            return msgspec.msgpack.decode(
                cipher.decrypt(sealed, [prefix.encode(), key_id]), type=kind
            )
        except (InvalidTag, msgspec.DecodeError, ValueError):
            return None


def sealer(keys: Mapping[bytes, bytes], current: bytes) -> Sealer:
    """A `Sealer` over raw 64-byte keys by key id."""
    return Sealer(current, {key_id: AESSIV(key) for key_id, key in keys.items()})
