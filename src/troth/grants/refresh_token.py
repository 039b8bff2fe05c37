"""`refresh_token` (RFC 6749 §6): rotation on one row, safe to retry (RFC 9700 §4.14.2)."""

import hmac
from collections.abc import Mapping
from dataclasses import field

from troth.errors import OAuthError, invalid_grant, invalid_request
from troth.grants.granted import Granted, Reads
from troth.model.authorization import ChainState
from troth.model.change import AuditEvent, Change, Lost, Moved, Revoke, Rotate
from troth.model.client import Client
from troth.model.env import CLOCKS_APART, Env
from troth.model.token import RefreshToken, Tokens
from troth.rules import openid
from troth.rules import resource as resources
from troth.rules.access_token import Subject, access_token
from troth.rules.openid import Said
from troth.rules.scope import parse as parse_scope
from troth.rules.scope import refuse_beyond, still_allowed
from troth.rules.subject import visible_sub
from troth.value import frozen

grant_type: str = "refresh_token"


@frozen
class Asked:
    """The parameters of RFC 6749 §6."""

    refresh_token: str
    scope: str | None
    resource: tuple[str, ...]


@frozen
class Found:
    """The facts of the presented token; None where it was not sealed here.

    `claims` are the person's that were asked for in the ID token by name (OIDC Core §5.5).
    """

    token: RefreshToken | None
    claims: Mapping[str, object] = field(default_factory=dict)


def parse(form: Mapping[str, str], resource: tuple[str, ...]) -> Asked:
    if "refresh_token" not in form:
        raise invalid_request("refresh_token is missing", reason="no refresh_token")
    return Asked(refresh_token=form["refresh_token"], scope=form.get("scope"), resource=resource)


async def load(asked: Asked, reads: Reads, env: Env) -> Found:
    token = reads.open_refresh_token(asked.refresh_token)
    if token is None or not token.wishes:
        return Found(token=token)
    state = await reads.chain(token.chain_id)
    wishes = state.chain.wishes if state is not None else None
    if wishes is None or not wishes.id_token:
        return Found(token=token)
    return Found(token=token, claims=await reads.claims(token.client_id, token.sub, wishes))


def decide(asked: Asked, client: Client, found: Found, lost: Lost | None, env: Env) -> Granted:
    """First as if the token were the newest; then, where the row had moved, on that row."""
    token = found.token
    if token is None:
        raise _refused("the refresh token was not sealed here")
    if not hmac.compare_digest(token.client_id, client.client_id):
        raise _refused(f"the refresh token belongs to client {token.client_id}")
    scope, audience = _narrowed(asked, client, token, env)
    if env.now >= token.expires_at:
        raise _refused("the chain has expired")
    tokens = _tokens(client, found, token, (scope, audience), env)
    if lost is None:
        return Granted(tokens=tokens, change=_rotation(token, env))
    if not isinstance(lost, Moved):
        raise _refused(f"the chain is gone: {lost}")
    _check_moved(token, lost.state, env)
    # The answer was lost on its way: the same successor again, and nothing moves.
    return Granted(tokens=tokens, change=Change(audit=(_event(token, "refresh_retry"),)))


def _tokens(
    client: Client,
    found: Found,
    token: RefreshToken,
    narrowed: tuple[tuple[str, ...], tuple[str, ...]],
    env: Env,
) -> Tokens:
    """The successor, an access token, and with `openid` an ID token (OIDC Core §12.2)."""
    registered, (scope, audience) = client.registered, narrowed
    subject = Subject(
        sub=visible_sub(registered, token.sub, env.pairwise_key),
        chain_id=token.chain_id,
        login=token.login,
    )
    authenticates = token.login is not None and "openid" in scope
    return Tokens(
        access_token=access_token(registered, subject, scope, audience, env),
        refresh_token=token.successor(),
        id_token=openid.id_token(registered, subject, Said(claims=found.claims), env)
        if authenticates
        else None,
    )


def _refused(reason: str, change: Change | None = None) -> OAuthError:
    description = "the refresh token is not valid"
    if change is None:
        return invalid_grant(description, reason=reason)
    return invalid_grant(description, reason=reason, change=change)


def _narrowed(
    asked: Asked, client: Client, token: RefreshToken, env: Env
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Scope and audience of this access token alone; the chain keeps its own (RFC 6749 §6)."""
    left = still_allowed(token.scope, client.registered.scope)
    if asked.scope is not None:
        names = parse_scope(asked.scope)
        refuse_beyond(names, left, "part of the grant")
        left = names
    if token.scope and not left:
        raise _refused("the client lost every scope of the grant")
    return left, resources.check(asked.resource, env.default_audience)


def _rotation(token: RefreshToken, env: Env) -> Change:
    rotate = Rotate(
        chain_id=token.chain_id,
        generation=token.generation,
        now=env.now,
        idle_since=env.now - env.refresh_idle,
    )
    return Change(verbs=(rotate,), audit=(_event(token, "token.refreshed"),))


def _check_moved(token: RefreshToken, state: ChainState, env: Env) -> None:
    """Refuse everything but the immediate predecessor within the retry window."""
    chain = state.chain
    if not state.stands:
        raise _refused(f"the chain is revoked: {_why_not(state)}")
    if env.now >= chain.expires_at or chain.rotated_at <= env.now - env.refresh_idle:
        raise _refused("the chain has expired or was idle for too long")
    if token.generation > chain.generation:
        raise _refused(
            f"generation {token.generation} is ahead of the row's {chain.generation}: "
            "the database is older than its tokens"
        )
    since = env.now - chain.rotated_at
    previous = token.generation == chain.generation - 1
    # Whoever asked before the turn of a second may be told after somebody who asked behind it.
    if previous and env.retry_window and -CLOCKS_APART <= since < env.retry_window:
        return
    revoke = Revoke(kind="chain", key=token.chain_id, at=env.now)
    raise _refused(
        f"replay: generation {token.generation}, row {chain.generation}, rotated {since} s ago",
        Change(verbs=(revoke,), audit=(_event(token, "refresh_token.replayed", "revoked"),)),
    )


def _why_not(state: ChainState) -> str:
    if state.chain.revoked_at is not None:
        return "itself"
    if not state.session_stands:
        return "its login session"
    return "its authorization" if state.approved is None else "its person"


def _event(token: RefreshToken, event: str, outcome: str = "ok") -> AuditEvent:
    return AuditEvent(event=event, outcome=outcome, client_id=token.client_id, sub=token.sub)
