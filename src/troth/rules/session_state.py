"""`session_state` (OIDC Session Management §2): whether the same person is still signed in."""

import hashlib
from base64 import urlsafe_b64encode


def session_state(client_id: str, origin: str, browser_state: str, salt: str) -> str:
    """What a frame of this server compares with the browser's state (§3.3).

    base64url(SHA-256(client_id " " origin " " browser_state " " salt)) "." salt, as in
    `browser/pages/static/check-session.js`. It tells nothing of the state to who lacks it.
    """
    text = " ".join((client_id, origin, browser_state, salt))
    digest = hashlib.sha256(text.encode()).digest()
    return f"{urlsafe_b64encode(digest).rstrip(b'=').decode()}.{salt}"
