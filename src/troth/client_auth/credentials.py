"""What a method reads from a request before anything is believed."""

from troth.model.client import AuthMethod
from troth.value import frozen


@frozen
class Credentials:
    """A claimed client and, for a shared secret, the text to compare. Never printed."""

    method: AuthMethod
    client_id: str
    secret: str | None

    def __repr__(self) -> str:
        return f"Credentials({self.method}, {self.client_id!r})"
