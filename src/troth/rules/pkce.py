"""Proof Key for Code Exchange (RFC 7636), S256 only."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from troth.errors import invalid_grant, invalid_request
from troth.model.client import RegisteredClient

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")

METADATA: dict[str, object] = {"code_challenge_methods_supported": ["S256"]}


def check_challenge(
    client: RegisteredClient, challenge: str | None, method: str | None
) -> str | None:
    """The challenge of an authorization request (RFC 7636 §4.3), or None where there is none."""
    if challenge is None:
        if method is not None:
            raise invalid_request(
                "code_challenge is missing", reason="code_challenge_method without code_challenge"
            )
        if client.public or client.require_pkce:
            raise invalid_request(
                "code_challenge is required", reason="this client must use PKCE with S256"
            )
        return None
    if method != "S256":
        raise invalid_request(
            "code_challenge_method must be S256",
            reason=f"code_challenge_method is {method!r} (absent means plain)",
        )
    if not _CHALLENGE.fullmatch(challenge):
        raise invalid_request(
            "code_challenge is not valid", reason="code_challenge is not 43 base64url characters"
        )
    return challenge


def check_verifier(challenge: str | None, verifier: str | None) -> None:
    """Compare the verifier of a token request with the code's challenge (RFC 7636 §4.6)."""
    if challenge is None:
        if verifier is not None:
            raise invalid_grant(
                "the code is not valid",
                reason="code_verifier sent for a code without challenge (downgrade)",
            )
        return
    if verifier is None:
        raise invalid_grant("code_verifier is missing", reason="the code has a challenge")
    if not _VERIFIER.fullmatch(verifier):
        raise invalid_grant(
            "code_verifier is not valid", reason="code_verifier breaks RFC 7636 §4.1"
        )
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    computed = urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not hmac.compare_digest(computed, challenge):
        raise invalid_grant(
            "the code is not valid", reason="code_verifier does not match code_challenge"
        )
