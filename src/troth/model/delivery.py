"""What a client must still be told (OIDC Back-Channel Logout §2.5)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A login session of a person ended, and this client has not confirmed that it knows.

    `sub` and `session_id` are the server's own: what the client knows them by is made when it is
    told. `attempts` counts this one too; after `expires_at` there is no further one.
    """

    delivery_id: bytes
    client_id: str
    sub: str
    session_id: str
    attempts: int
    expires_at: int
