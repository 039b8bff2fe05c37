"""Making JWTs that this server never made, with its own key or with a stranger's."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws

from tests.harness import OAuthClient, Troth
from troth.log import Secret
from troth.signing.jwt import SigningKey, signing_key
from troth.signing.keys import StoredKey, unwrap


def b64(raw: bytes | str) -> str:
    data = raw.encode() if isinstance(raw, str) else raw
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, payload, signature = token.split(".")
    decoded = [json.loads(urlsafe_b64decode(part + "===")) for part in (head, payload)]
    return decoded[0], decoded[1], signature


def key_of(troth: Troth) -> SigningKey:
    """The server's signing key, opened with its master key: for claims that it never signs."""
    text = (troth.folder / "master.key").read_text().strip()
    master = Secret(urlsafe_b64decode(text + "="))
    (row,) = troth.rows("select * from key where use = 'sig' and alg = 'ES256'")
    names = ("kid", "use", "alg", "created_at", "signs_from", "ends_at", "wrapped")
    stored = StoredKey(**dict(zip(names, row, strict=True)))
    return signing_key(stored.kid, unwrap(stored, master))


def nothing_for_anybody(app: OAuthClient, token: str) -> None:
    """Inactive, and revoking it is as good as revoking nothing."""
    assert app.introspect(token) == {"active": False}, token[:80]
    before = app.troth.digest()
    assert app.revoke(token).status_code == 200
    assert app.troth.digest() == before


def signed(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    registry = jws.JWSRegistry(
        algorithms=["none", "HS256", "ES256", "RS256", "ES384"], strict_check_header=False
    )
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, registry=registry)


def resigned(key: SigningKey, header: object, claims: object) -> str:
    """Signed by the server's own key: what is wrong is only what is said in it."""
    texts = [part if isinstance(part, str) else json.dumps(part) for part in (header, claims)]
    signing_input = ".".join(b64(text) for text in texts)
    r, s = decode_dss_signature(key.private.sign(signing_input.encode(), ec.ECDSA(SHA256())))
    return f"{signing_input}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
