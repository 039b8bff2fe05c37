"""From what a request presents to a proven `Client`: the only place that makes one."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Protocol

from troth.client_auth import client_secret_basic, client_secret_post, none
from troth.client_auth.credentials import Credentials
from troth.errors import invalid_client, invalid_request
from troth.model.client import Client, RegisteredClient, secret_digest
from troth.value import frozen


class Method(Protocol):
    """One file of this folder."""

    method: str

    def present(
        self, authorization: Sequence[str], form: Mapping[str, str], /
    ) -> Credentials | None: ...


CLIENT_AUTH: tuple[Method, ...] = (client_secret_basic, client_secret_post, none)

_SHARED_SECRET = ("client_secret_basic", "client_secret_post")


@frozen
class Presented:
    """What a request shows of its client: its Authorization headers and its form."""

    authorization: Sequence[str]
    form: Mapping[str, str]
    now: int


class Reads(Protocol):
    """The one thing to know about a claimed client."""

    async def client(self, client_id: str) -> RegisteredClient | None: ...


async def authenticate(presented: Presented, reads: Reads) -> Client:
    """Exactly one method, or a refusal (RFC 6749 §2.3).

    Unknown, disabled and wrongly authenticated clients get the same answer after the same work.
    """
    found = [
        credentials
        for module in CLIENT_AUTH
        if (credentials := module.present(presented.authorization, presented.form)) is not None
    ]
    if len(found) > 1:
        raise invalid_request(
            "more than one client authentication", reason=f"methods {[c.method for c in found]}"
        )
    if not found:
        raise invalid_client(reason="the request presents no client")
    credentials = found[0]
    named = presented.form.get("client_id")
    if named is not None and named != credentials.client_id:
        raise invalid_request(
            "client_id differs from the authenticated client", reason="two client identities"
        )
    registered = await reads.client(credentials.client_id)
    proven = _proven(registered, credentials, presented.now)
    if registered is None:
        raise invalid_client(reason="the client is unknown")
    if registered.disabled:
        raise invalid_client(reason="the client is disabled")
    if not _method_fits(registered, credentials):
        raise invalid_client(
            reason=f"method {credentials.method}, registered for "
            f"{registered.token_endpoint_auth_method}"
        )
    if not proven:
        raise invalid_client(reason="the client secret is wrong or has ended")
    return Client(registered=registered, method=credentials.method)


def _method_fits(registered: RegisteredClient, credentials: Credentials) -> bool:
    # A shared secret by header and by body are one method (RFC 6749 §2.3.1).
    if credentials.method in _SHARED_SECRET:
        return registered.token_endpoint_auth_method in _SHARED_SECRET
    return registered.token_endpoint_auth_method == credentials.method


def _proven(registered: RegisteredClient | None, credentials: Credentials, now: int) -> bool:
    """Compare with every standing secret; a client without any costs the same comparison."""
    if credentials.secret is None:
        return True
    digest = secret_digest(credentials.secret)
    secrets = registered.secrets if registered is not None else ()
    right = False
    for secret in secrets:
        same = hmac.compare_digest(secret.digest, digest)
        right |= same and (secret.expires_at is None or secret.expires_at > now)
    if not secrets:
        hmac.compare_digest("0" * 64, digest)
    return right
