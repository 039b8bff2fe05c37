"""Client authentication (RFC 6749 §2.3): exactly one method, and proof as a value."""

from troth.client_auth.authenticate import CLIENT_AUTH, Presented, authenticate

__all__ = ["CLIENT_AUTH", "Presented", "authenticate"]
