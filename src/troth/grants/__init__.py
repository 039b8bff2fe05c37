"""Grant types: one file each, and the tuple from which everything else is derived.

A grant parses its own parameters, loads what they name, and decides: a pure function from values
to the tokens and the one change that makes them true.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from troth.errors import invalid_request, unauthorized_client, unsupported_grant_type
from troth.grants import authorization_code, client_credentials, refresh_token
from troth.grants.granted import Granted, Reads
from troth.model.change import Lost
from troth.model.client import Client
from troth.model.env import Env


class Grant(Protocol):
    """What a module of this folder provides. `Any` is the grant's own frozen value."""

    grant_type: str

    def parse(self, form: Mapping[str, str], resource: tuple[str, ...], /) -> Any: ...

    async def load(self, asked: Any, reads: Reads, env: Env, /) -> Any: ...

    def decide(
        self, asked: Any, client: Client, found: Any, lost: Lost | None, env: Env, /
    ) -> Granted: ...


GRANTS: tuple[Grant, ...] = (authorization_code, refresh_token, client_credentials)


def choose(form: Mapping[str, str], client: Client) -> Grant:
    """The grant that the form names (RFC 6749 §5.2), if this client may use it."""
    name = form.get("grant_type")
    if name is None:
        raise invalid_request("grant_type is missing", reason="no grant_type")
    for grant in GRANTS:
        if grant.grant_type == name:
            if name not in client.registered.grant_types:
                raise unauthorized_client(
                    "the client may not use this grant type", reason=f"{name} is not registered"
                )
            return grant
    raise unsupported_grant_type(reason=f"grant_type {name[:80]!r}")
