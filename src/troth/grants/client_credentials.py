"""`client_credentials` (RFC 6749 §4.4): a client for itself. Nothing is written."""

from collections.abc import Mapping

from troth.errors import unauthorized_client
from troth.grants.granted import Granted, Reads
from troth.model.change import AuditEvent, Change, Lost
from troth.model.client import Client
from troth.model.env import Env
from troth.model.person import Scope
from troth.model.token import Tokens
from troth.rules import resource as resources
from troth.rules.access_token import Subject, access_token
from troth.rules.scope import requested
from troth.value import frozen

grant_type: str = "client_credentials"


@frozen
class Asked:
    """The parameters of RFC 6749 §4.4.2."""

    scope: str | None
    resource: tuple[str, ...]


@frozen
class Found:
    """The scopes that the operator defined."""

    scopes: Mapping[str, Scope]


def parse(form: Mapping[str, str], resource: tuple[str, ...]) -> Asked:
    return Asked(scope=form.get("scope"), resource=resource)


async def load(asked: Asked, reads: Reads, env: Env) -> Found:
    return Found(scopes=reads.scopes)


def decide(asked: Asked, client: Client, found: Found, lost: Lost | None, env: Env) -> Granted:
    """RFC 6749 §4.4.2: confidential clients only, and never a refresh token (§4.4.3)."""
    registered = client.registered
    if registered.public:
        raise unauthorized_client(
            "a public client may not use this grant type", reason="client_credentials by `none`"
        )
    scope: tuple[str, ...] = ()
    if asked.scope is not None or any(s.default for s in found.scopes.values()):
        scope = requested(asked.scope, registered.scope, found.scopes)
    audience = resources.check(asked.resource, env.default_audience)
    subject = Subject(sub=client.client_id)
    event = AuditEvent(
        event="token.issued",
        outcome="ok",
        client_id=client.client_id,
        sub=client.client_id,
        detail=grant_type,
    )
    return Granted(
        tokens=Tokens(
            access_token=access_token(registered, subject, scope, audience, env),
            refresh_token=None,
        ),
        change=Change(audit=(event,)),
    )
