"""The token endpoint (RFC 6749 §3.2): a grant's parse, load, decide; one commit; one answer."""

from collections.abc import Mapping

from troth import metrics
from troth.client_auth import CLIENT_AUTH
from troth.envelope import envelope
from troth.errors import server_error
from troth.grants import GRANTS, choose
from troth.http import Cost, Request, Response, json, parse_form
from troth.model.change import Done, Lost
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
    asked = grant.parse(form, form.several)
    env = op.env()
    found = await grant.load(asked, op, env)
    closing = await envelope(op.client_keys, client.registered, client.registered.openid.id_token)
    lost: Lost | None = None
    for _ in range(2):
        granted = grant.decide(asked, client, found, lost, env)
        outcome = await op.store.commit(granted.change, request_id=request.request_id)
        if isinstance(outcome, Done):
            metrics.tokens(grant.grant_type).inc()
            return json(200, op.token_body(granted.tokens, client.registered, closing))
        lost = outcome
    raise server_error(reason=f"lost twice: {lost}")
