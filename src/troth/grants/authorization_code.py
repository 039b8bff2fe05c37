"""`authorization_code` (RFC 6749 §4.1.3): redeeming a code starts its chain, once."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import field

from troth.errors import OAuthError, invalid_grant, invalid_request
from troth.grants.granted import Granted, Reads
from troth.model.authorization import Chain, ChainState
from troth.model.change import AuditEvent, Change, Exists, Lost, Redeem, Revoke
from troth.model.client import Client
from troth.model.env import Env
from troth.model.token import Code, RefreshToken, Tokens
from troth.rules import openid, pkce, redirect_uri, resource
from troth.rules.access_token import Subject, access_token
from troth.rules.openid import Said
from troth.rules.scope import still_allowed
from troth.rules.subject import visible_sub
from troth.value import frozen

grant_type: str = "authorization_code"


@frozen
class Asked:
    """The parameters of RFC 6749 §4.1.3 and RFC 7636 §4.5."""

    code: str
    redirect_uri: str | None
    code_verifier: str | None
    resource: tuple[str, ...]


@frozen
class Found:
    """`chain` is looked up only for a code that is refused anyway: was it a late replay?

    `claims` are the person's that were asked for in the ID token by name (OIDC Core §5.5).
    """

    code: Code | None
    chain: ChainState | None = None
    claims: Mapping[str, object] = field(default_factory=dict)


def parse(form: Mapping[str, str], resource: tuple[str, ...]) -> Asked:
    """RFC 6749 §4.1.3 and RFC 7636 §4.5."""
    if "code" not in form:
        raise invalid_request("code is missing", reason="no code")
    return Asked(
        code=form["code"],
        redirect_uri=form.get("redirect_uri"),
        code_verifier=form.get("code_verifier"),
        resource=resource,
    )


async def load(asked: Asked, reads: Reads, env: Env) -> Found:
    code = await reads.open_code(asked.code)
    if code is None:
        return Found(code=None)
    if _refusal(asked, code, env) is not None:
        return Found(code=code, chain=await reads.chain(code.chain_id))
    if code.wishes is not None and code.wishes.id_token:
        claims = await reads.claims(code.client_id, code.sub, code.wishes)
        return Found(code=code, claims=claims)
    return Found(code=code)


def decide(asked: Asked, client: Client, found: Found, lost: Lost | None, env: Env) -> Granted:
    """Client, then verifier, then replay, then the rest.

    Somebody who is not the owner can neither burn a code nor set off the revocation
    (RFC 6749 §4.1.2, RFC 9700 §4.5).
    """
    code = found.code
    if code is None:
        raise invalid_grant("the code is not valid", reason="the code was not sealed here")
    if not hmac.compare_digest(code.client_id, client.client_id):
        raise invalid_grant(
            "the code is not valid", reason=f"the code belongs to client {code.client_id}"
        )
    pkce.check_verifier(code.code_challenge, asked.code_verifier)
    if found.chain is not None or isinstance(lost, Exists):
        raise _replay(code, env)
    if lost is not None:
        raise invalid_grant("the code is not valid", reason=f"what it relies on is gone: {lost}")
    refusal = _refusal(asked, code, env) or _unregistered(asked, client, code)
    if refusal is not None:
        raise refusal
    scope = still_allowed(code.scope, client.registered.scope)
    if code.scope and not scope:
        raise invalid_grant("the code is not valid", reason="the client lost every scope of it")
    audience = resource.check(asked.resource, env.default_audience)
    return _granted(client, found, _Redeemed(code=code, scope=scope, audience=audience), env)


def _refusal(asked: Asked, code: Code, env: Env) -> OAuthError | None:
    """What is wrong with the request whether or not the code was used before."""
    if not code.issued_at <= env.now + 5 or env.now >= code.issued_at + env.code_lifetime:
        age = env.now - code.issued_at
        return invalid_grant("the code is not valid", reason=f"expired: {age} s old")
    if asked.redirect_uri is None:
        if code.redirect_uri_given:
            return invalid_grant(
                "redirect_uri is missing", reason="the authorization request named a redirect_uri"
            )
    elif not hmac.compare_digest(digest(asked.redirect_uri), code.redirect_uri_digest):
        return invalid_grant(
            "redirect_uri is not the one of the authorization request",
            reason=f"redirect_uri {asked.redirect_uri[:300]!r} differs",
        )
    return None


def _unregistered(asked: Asked, client: Client, code: Code) -> OAuthError | None:
    registered = client.registered
    if asked.redirect_uri is not None:
        stands = redirect_uri.match(registered, asked.redirect_uri)
    else:
        stands = any(digest(uri) == code.redirect_uri_digest for uri in registered.redirect_uris)
    if stands:
        return None
    return invalid_grant("the code is not valid", reason="its redirect_uri is no longer registered")


def _replay(code: Code, env: Env) -> OAuthError:
    """RFC 6749 §4.1.2: a second use revokes all tokens that came of the first."""
    event = AuditEvent(
        event="code.replayed", outcome="revoked", client_id=code.client_id, sub=code.sub
    )
    change = Change(verbs=(Revoke(kind="chain", key=code.chain_id, at=env.now),), audit=(event,))
    return invalid_grant("the code is not valid", reason="replay: used before", change=change)


@frozen
class _Redeemed:
    """A code that counts, and what of it this client may still have."""

    code: Code
    scope: tuple[str, ...]
    audience: tuple[str, ...]


def _granted(client: Client, found: Found, redeemed: _Redeemed, env: Env) -> Granted:
    code, scope, registered = redeemed.code, redeemed.scope, client.registered
    refreshes = "refresh_token" in registered.grant_types
    lifetime = env.refresh_lifetime if refreshes else registered.access_token_lifetime
    chain = _chain(redeemed, env.now, lifetime)
    subject = Subject(
        sub=visible_sub(registered, code.sub, env.pairwise_key),
        chain_id=code.chain_id,
        login=code.login,
    )
    event = AuditEvent(
        event="token.issued",
        outcome="ok",
        client_id=code.client_id,
        sub=code.sub,
        detail=grant_type,
    )
    id_token = None
    if "openid" in scope:
        said = Said(nonce=code.nonce, claims=found.claims)
        id_token = openid.id_token(registered, subject, said, env)
    return Granted(
        tokens=Tokens(
            access_token=access_token(registered, subject, scope, redeemed.audience, env),
            refresh_token=_refresh_token(redeemed, chain) if refreshes else None,
            id_token=id_token,
        ),
        change=Change(
            verbs=(Redeem(chain=chain, session_id=code.login.session_id),), audit=(event,)
        ),
    )


def _refresh_token(redeemed: _Redeemed, chain: Chain) -> RefreshToken:
    code = redeemed.code
    return RefreshToken(
        chain_id=code.chain_id,
        authorization_id=code.authorization_id,
        client_id=code.client_id,
        sub=code.sub,
        epoch=code.epoch,
        scope=redeemed.scope,
        resource=redeemed.audience,
        expires_at=chain.expires_at,
        generation=1,
        login=code.login,
        wishes=chain.wishes is not None,
    )


def _chain(redeemed: _Redeemed, now: int, lifetime: int) -> Chain:
    code, authenticates = redeemed.code, "openid" in redeemed.scope
    return Chain(
        chain_id=code.chain_id,
        authorization_id=code.authorization_id,
        client_id=code.client_id,
        sub=code.sub,
        epoch=code.epoch,
        generation=1,
        created_at=now,
        rotated_at=now,
        expires_at=now + lifetime,
        session_id=code.login.session_id if authenticates else None,
        offline="offline_access" in redeemed.scope,
        wishes=code.wishes if authenticates else None,
    )


def digest(uri: str) -> bytes:
    """A redirect URI as a code carries it: short however long the URI is."""
    return hashlib.sha256(uri.encode()).digest()
