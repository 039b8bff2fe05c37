"""`client_secret_basic`: the HTTP Basic scheme (RFC 6749 §2.3.1, RFC 7617)."""

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from urllib.parse import unquote_to_bytes

from troth.client_auth.credentials import Credentials
from troth.errors import invalid_client, invalid_request

method: str = "client_secret_basic"
LONGEST = 4096


def present(authorization: Sequence[str], form: Mapping[str, str]) -> Credentials | None:
    """Client id and secret of the one Authorization header, each form-decoded (appendix B)."""
    if not authorization:
        return None
    if len(authorization) > 1:
        raise invalid_request(
            "more than one Authorization header", reason="two Authorization headers"
        )
    scheme, _, encoded = authorization[0].partition(" ")
    if scheme.lower() != "basic" or len(encoded) > LONGEST:
        raise invalid_client(reason=f"Authorization scheme {scheme[:20]!r} or its length")
    try:
        raw = b64decode(encoded.strip(" "), validate=True)
        name, colon, secret = raw.partition(b":")
        client_id, text = _decode(name), _decode(secret)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise invalid_client(reason="the Basic credentials are malformed") from None
    if not colon or not client_id or not text or "\0" in client_id + text:
        raise invalid_client(reason="the Basic credentials are incomplete")
    return Credentials(method="client_secret_basic", client_id=client_id, secret=text)


def _decode(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
