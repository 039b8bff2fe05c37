"""Protects an API with OAuth 2.0 access tokens (RFC 6750, RFC 9068, RFC 7662).

>>> guard = Guard(issuer="https://as.example", audience="https://api.example")
>>> token = await guard.check(["Bearer eyJ…"], ["read"])
"""

from troth_guard.guard import Guard
from troth_guard.values import AccessToken, Options, Refused

__all__ = ["AccessToken", "Guard", "Options", "Refused"]
