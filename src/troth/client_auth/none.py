"""`none`: a public client says who it is and proves nothing (RFC 6749 §2.1)."""

from collections.abc import Mapping, Sequence

from troth.client_auth.credentials import Credentials

method: str = "none"


def present(authorization: Sequence[str], form: Mapping[str, str]) -> Credentials | None:
    if authorization or "client_secret" in form or "client_id" not in form:
        return None
    return Credentials(method="none", client_id=form["client_id"], secret=None)
