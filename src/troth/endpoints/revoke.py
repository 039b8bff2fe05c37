"""Token revocation (RFC 7009): a token's whole chain ends, at once and on every process."""

from collections.abc import Mapping

from troth.errors import invalid_request
from troth.http import Cost, Request, Response, json, parse_form
from troth.model.change import AuditEvent, Change, Revoke
from troth.model.client import Client
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("POST",)
cors: bool = True
cost = Cost.DATABASE


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/oauth/revoke",)


def members(settings: Settings) -> Mapping[str, object]:
    return {
        "revocation_endpoint": settings.issuer + "/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "none",
        ],
    }


async def handle(request: Request, op: Op) -> Response:
    """RFC 7009 §2.1: only the client that a token was issued to ends it.

    An unknown token is 200 (§2.2), as is another client's: it stays as it was, and the caller
    learns nothing of it. `token_type_hint` is not needed: a token says what it is.
    """
    form = parse_form(request)
    client = await op.authenticate(request, form)
    if "token" not in form:
        raise invalid_request("token is missing", reason="no token")
    revoke = _revocation(form["token"], client, op)
    if revoke is None:
        event = AuditEvent(
            event="token.revoked", outcome="unknown token", client_id=client.client_id
        )
        change = Change(audit=(event,))
    else:
        event = AuditEvent(event="token.revoked", outcome="ok", client_id=client.client_id)
        change = Change(verbs=(revoke,), audit=(event,))
    await op.store.commit(change, request_id=request.request_id)
    return json(200, {})


def _revocation(text: str, client: Client, op: Op) -> Revoke | None:
    """What ends with this token: its chain; a token without one alone."""
    refresh = op.open_refresh_token(text)
    if refresh is not None:
        if refresh.client_id != client.client_id:
            return None
        return Revoke(kind="chain", key=refresh.chain_id, at=op.now)
    access = op.ring.open_access_token(text, op.now)
    if access is None or access.client_id != client.client_id:
        return None
    if access.chain_id is not None:
        return Revoke(kind="chain", key=access.chain_id, at=op.now)
    key, ends = bytes.fromhex(access.token_id), access.expires_at
    return Revoke(kind="access_token", key=key, at=op.now, expires_at=ends)
