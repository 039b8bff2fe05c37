"""What an ID token and UserInfo say, and what each word of it means."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_TIMES = frozenset("exp iat auth_time updated_at".split())

# OIDC Core §2 and §5.1, in the words of somebody who sees them for the first time.
MEANING: Mapping[str, str] = {
    "alg": "how it is signed",
    "kid": "by which of the keys that the server publishes",
    "iss": "who says it: the server that Daybook trusts, and asked",
    "sub": "who you are: the one name that never changes, and is used for nobody else",
    "aud": "for whom it is made: Daybook. Any other application must refuse it",
    "exp": "until when it may be accepted",
    "iat": "when it was made",
    "auth_time": "when you last proved who you are",
    "nonce": "what Daybook made up in step 2: this is the answer to that very question",
    "acr": "how strongly you proved it",
    "amr": "by which means: pwd is a password",
    "at_hash": "a hash of the access token that came along: the two belong together",
    "sid": "your session, under a name for Daybook alone; a logout names it again",
    "name": "your whole name, as one shows it",
    "given_name": "what friends call you",
    "family_name": "your family’s",
    "preferred_username": "what you log in with; it may change, so it is no key",
    "email": "where mail reaches you",
    "email_verified": "whether somebody has made sure of that",
    "locale": "your language and region",
    "zoneinfo": "your time zone",
    "birthdate": "your birthday",
    "updated_at": "when any of this last changed",
}


def claims(said: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Each claim: its name, its value as it is shown, and what it means."""
    return tuple((name, _shown(name, value), MEANING.get(name, "")) for name, value in said.items())


def clock(seconds: object) -> str:
    """A moment of today, as a clock shows it."""
    if not isinstance(seconds, int):
        return ""
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S} UTC"


def _shown(name: str, value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"{text} ({clock(value)})" if name in _TIMES else text
