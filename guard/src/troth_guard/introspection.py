"""Asking the issuer about a token (RFC 7662): the question, the answer, and its short memory. Pure.

What is remembered is the issuer's answer, never a verdict: issuer, audience, time and scope are
compared anew for each request.
"""

import base64
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from troth_guard.claims import check_claims
from troth_guard.strict_json import read_object
from troth_guard.values import AccessToken, Expected, Invalid

_ENTRIES = 10_000


def basic_credentials(client_id: str, client_secret: str) -> str:
    """The Authorization header of client_secret_basic; form-encoded inside (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def read_answer(raw: bytes) -> dict[str, Any]:
    """The members of an introspection answer (RFC 7662 §2.2). Raises ValueError if it is none."""
    # Real answers spell an absent member as null too.
    members = {name: value for name, value in read_object(raw).items() if value is not None}
    if not isinstance(members.get("active"), bool):
        raise ValueError("an introspection answer without active")
    return members


def judge(members: dict[str, Any], expected: Expected, now: float) -> AccessToken:
    """The token that an answer describes, if it is active and for this API. Raises Invalid."""
    if members["active"] is not True:
        raise Invalid("not active")
    token_type = members.get("token_type", "Bearer")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise Invalid("token_type")
    return check_claims(members, expected, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    answer: bytes = field(repr=False)
    since: float
    until: float


class Answers:
    """The answers of the last seconds, by the hash of their token; bounded in time and number.

    They are kept as they came: what a route does to the claims that it got reaches nobody else.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def get(self, token: str, now: float) -> bytes | None:
        """The answer about a token, if it is young enough."""
        entry = self._entries.get(_digest(token))
        return entry.answer if entry and entry.since <= now < entry.until else None

    def put(self, token: str, answer: bytes, expires_at: object, asked_at: float) -> None:
        """Remember an answer from when it was asked for, and not past the end of the token."""
        until = asked_at + self._seconds
        if isinstance(expires_at, int):
            until = min(until, expires_at)
        if until <= asked_at:
            return
        key = _digest(token)
        self._entries.pop(key, None)
        self._entries[key] = _Entry(answer=answer, since=asked_at, until=until)
        while len(self._entries) > _ENTRIES:
            self._entries.popitem(last=False)


def _digest(token: str) -> bytes:
    # A memory dump of the API must not hold tokens of people who are long gone.
    return hashlib.sha256(token.encode()).digest()
