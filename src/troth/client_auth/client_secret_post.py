"""`client_secret_post`: id and secret in the body (RFC 6749 §2.3.1)."""

from collections.abc import Mapping, Sequence

from troth.client_auth.credentials import Credentials
from troth.errors import invalid_client

method: str = "client_secret_post"


def present(authorization: Sequence[str], form: Mapping[str, str]) -> Credentials | None:
    secret = form.get("client_secret")
    if secret is None:
        return None
    if "client_id" not in form:
        if authorization:  # the id is in the header: this is a second method, not a broken one
            return Credentials(method="client_secret_post", client_id="", secret=secret)
        raise invalid_client(reason="client_secret without client_id")
    return Credentials(method="client_secret_post", client_id=form["client_id"], secret=secret)
