"""Who somebody is to a client: the subject (OIDC Core §8) and the session (Front-Channel §3)."""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from troth.model.client import RegisteredClient

METADATA: dict[str, object] = {"subject_types_supported": ["public", "pairwise"]}


def visible_sub(client: RegisteredClient, sub: str, key: bytes) -> str:
    """`sub` itself, or for a pairwise client what only clients of its sector see (§8.1).

    `key` is the installation's: without it nobody can tell which two are the same person.
    """
    if client.openid.subject_type == "public":
        return sub
    named = f"{client.openid.sector}\n{sub}".encode()
    return hmac.new(key, named, hashlib.sha256).hexdigest()


def sid(session_id: str, client_id: str) -> str:
    """A login session as one client knows it: two clients cannot tell that it is the same."""
    digest = hashlib.sha256(f"sid\n{session_id}\n{client_id}".encode()).digest()
    return urlsafe_b64encode(digest)[:22].decode()
