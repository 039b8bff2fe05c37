"""The token endpoint (RFC 6749 §3.2): a grant's parse, load, decide; one commit; one answer."""

from collections.abc import Mapping

from troth import metrics
from troth.client_auth import CLIENT_AUTH
from troth.envelope import Envelope, envelope
from troth.errors import OAuthError, server_error
from troth.grants import GRANTS, choose
from troth.http import Cost, Request, Response, json, parse_form
from troth.model.change import Change, Done, Exists, Lost, Moved, Redeem, Rotate
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("POST",)
cors: bool = True
cost = Cost.DATABASE


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/oauth/token",)


def members(settings: Settings) -> Mapping[str, object]:
    """RFC 8414 §2."""
    return {
        "token_endpoint": settings.issuer + "/oauth/token",
        "token_endpoint_auth_methods_supported": [module.method for module in CLIENT_AUTH],
        "grant_types_supported": [grant.grant_type for grant in GRANTS],
    }


async def handle(request: Request, op: Op) -> Response:
    form = parse_form(request)
    client = await op.authenticate(request, form)
    grant = choose(form, client)
    asked, registered = grant.parse(form, form.several), client.registered
    env = op.env()
    found = await grant.load(asked, op, env)
    granted = grant.decide(asked, client, found, None, env)
    closing: Envelope | None = None
    if granted.tokens.id_token is not None:
        try:
            closing = await envelope(op.client_keys, registered, registered.openid.id_token)
        except OAuthError:
            # A replay revokes, also where its answer could not be read by anybody.
            if (lost := await _foreseen(granted.change, op)) is not None:
                grant.decide(asked, client, found, lost, env)
            raise
    for _ in range(2):
        outcome = await op.store.commit(granted.change, request_id=request.request_id)
        if isinstance(outcome, Done):
            metrics.tokens(grant.grant_type).inc()
            return json(200, op.token_body(granted.tokens, registered, closing))
        granted = grant.decide(asked, client, found, outcome, env)
    raise server_error(reason="lost twice")


async def _foreseen(change: Change, op: Op) -> Lost | None:
    """How a change that is not tried would be lost, as the row of its chain tells."""
    for verb in change.verbs:
        if isinstance(verb, Redeem) and await op.chain(verb.chain.chain_id) is not None:
            return Exists(what="chain")
        if isinstance(verb, Rotate):
            state = await op.chain(verb.chain_id)
            if state is not None and state.chain.generation != verb.generation:
                return Moved(state=state)
    return None
