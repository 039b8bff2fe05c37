"""Token introspection (RFC 7662): whether a token counts now, for those whom it concerns."""

from collections.abc import Mapping

from troth.errors import invalid_client, invalid_request
from troth.http import Cost, Request, Response, json, parse_form
from troth.model.client import Client
from troth.model.token import AccessToken
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("POST",)
cors: bool = False
cost = Cost.DATABASE

INACTIVE: dict[str, object] = {"active": False}


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/oauth/introspect",)


def members(settings: Settings) -> Mapping[str, object]:
    return {
        "introspection_endpoint": settings.issuer + "/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
        ],
    }


async def handle(request: Request, op: Op) -> Response:
    """RFC 7662 §2: the reasons of an inactive token are nobody's business (§2.2).

    Refresh tokens are for this server alone, so that they are never active to anybody else.
    """
    form = parse_form(request)
    client = await op.authenticate(request, form)
    if client.registered.public:
        raise invalid_client(reason="introspection needs an authenticated client")
    if "token" not in form:
        raise invalid_request("token is missing", reason="no token")
    access = op.ring.open_access_token(form["token"], op.now)
    if access is not None:
        return json(200, await _access(access, client, op))
    return json(200, INACTIVE)


async def _access(token: AccessToken, client: Client, op: Op) -> dict[str, object]:
    if not _concerns(token, client) or op.now >= token.expires_at:
        return INACTIVE
    owner = await op.store.client(token.client_id)
    if owner is None or owner.disabled:
        return INACTIVE
    answer: dict[str, object] = {
        "active": True,
        "client_id": token.client_id,
        "sub": token.sub,
        "scope": " ".join(token.scope),
        "token_type": "Bearer",
        "exp": token.expires_at,
        "iat": token.issued_at,
        "iss": op.settings.issuer,
        "aud": token.audience[0] if len(token.audience) == 1 else token.audience,
        "jti": token.token_id,
    }
    if token.chain_id is None:
        spent = await op.store.spent("access_token", bytes.fromhex(token.token_id))
        return INACTIVE if spent else answer
    state = await op.store.chain(token.chain_id)
    if state is None or not state.stands:
        return INACTIVE
    # UserInfo tells a name under `profile` alone, and this is no way around it (RFC 7662 §5).
    named = "profile" in token.scope and "profile" in owner.scope
    if named and owner.openid.subject_type == "public":
        answer["username"] = state.username
    if token.authenticated_at is not None:
        answer["auth_time"] = token.authenticated_at
    if token.acr:
        answer["acr"] = token.acr
    return answer


def _concerns(token: AccessToken, client: Client) -> bool:
    """Its own client, and clients that may introspect its audience."""
    if token.client_id == client.client_id:
        return True
    return any(audience in client.registered.introspects for audience in token.audience)
