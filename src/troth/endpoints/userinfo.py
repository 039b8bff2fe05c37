"""UserInfo (OIDC Core §5.3): who the person behind an access token is, as far as they agreed."""

from collections.abc import Mapping

import msgspec

from troth.envelope import envelope
from troth.errors import OAuthError, invalid_request
from troth.http import Cost, Headers, Request, Response, json, jwt, parse_form, parse_parameters
from troth.model.authorization import ChainState
from troth.model.client import RegisteredClient
from troth.model.person import Person
from troth.model.request import Wishes
from troth.model.token import AccessToken
from troth.op import Op
from troth.rules.claims import joined
from troth.rules.scope import still_allowed
from troth.rules.subject import visible_sub
from troth.settings import Settings
from troth.signing import jwe
from troth.signing.algorithms import SIGNATURES

methods: tuple[str, ...] = ("GET", "POST")
cors: bool = True
cost = Cost.DATABASE


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/oauth/userinfo",)


def members(settings: Settings) -> Mapping[str, object]:
    return {
        "userinfo_endpoint": settings.issuer + "/oauth/userinfo",
        "userinfo_signing_alg_values_supported": list(SIGNATURES),
        "userinfo_encryption_alg_values_supported": list(jwe.ALGS),
        "userinfo_encryption_enc_values_supported": list(jwe.ENCS),
    }


async def handle(request: Request, op: Op) -> Response:
    try:
        token, state, person = await _found(request, op)
    except OAuthError as error:
        if error.error in _CHALLENGES:
            return await _challenge(request, op, error)
        raise
    client = await op.store.client(token.client_id)
    if client is None or client.disabled:
        return await _challenge(request, op, _invalid("its client is gone or disabled"))
    scope = still_allowed(token.scope, client.scope)
    hooked = await op.claims_hook.ask(person.sub, client.client_id, scope)
    wishes = op.claim_map.agreed(state.chain.wishes or Wishes(), client.scope)
    claims = joined(_claims(op, person, scope, wishes), hooked)
    sub = visible_sub(client, person.sub, op.ring.pairwise_key)
    return await _answer(op, client, {**claims, "sub": sub})


async def _answer(op: Op, client: RegisteredClient, claims: dict[str, object]) -> Response:
    """JSON, or signed, encrypted or both as the client registered (§5.3.2)."""
    encoding = client.openid.userinfo
    closing = await envelope(op.client_keys, client, encoding)
    if encoding.signing is None:
        if closing is None:
            return json(200, claims)
        return jwt(closing.closed(msgspec.json.encode(claims), None))
    said = {**claims, "iss": op.settings.issuer, "aud": client.client_id}
    signed = op.ring.sign_jwt(said, encoding.signing, None, op.now)
    return jwt(closing.closed(signed, "JWT") if closing else signed)


def _claims(op: Op, person: Person, scope: tuple[str, ...], wishes: Wishes) -> dict[str, object]:
    """By scope, and by name where the person agreed to it (§5.4, §5.5)."""
    by_scope = op.claim_map.by_scope(person, scope, wishes.locales)
    return {**by_scope, **op.claim_map.by_name(person, wishes.userinfo)}


async def _found(request: Request, op: Op) -> tuple[AccessToken, ChainState, Person]:
    """A token that stands and was granted `openid`, with whose it is; refuses all else."""
    token = op.ring.open_access_token(_presented(request), op.now)
    if token is None or op.now >= token.expires_at or token.chain_id is None:
        raise _invalid("no token of a person, made here and not expired")
    found = await op.store.chain_with_person(token.chain_id)
    if found is None or not found[0].stands:
        raise _invalid("its chain, authorization, person or session no longer stands")
    if "openid" not in token.scope:
        raise OAuthError(
            "insufficient_scope", "the token was not granted openid", reason="no openid in scope"
        )
    return token, *found


def _presented(request: Request) -> str:
    """The access token by header or by body, exactly once (RFC 6750 §2)."""
    if request.query and "access_token" in parse_parameters(request.query):
        raise invalid_request("the token belongs in the header", reason="a token in the query")
    given = [value.strip() for value in request.header_values(b"authorization")]
    tokens = [value[7:].strip() for value in given if value[:7].lower() == "bearer "]
    if len(tokens) != len(given):
        raise _invalid("another scheme than Bearer")
    if request.method == "POST" and request.body:
        form = parse_form(request)
        tokens += [form["access_token"]] if "access_token" in form else []
    if len(tokens) > 1:
        raise invalid_request("the token is presented twice", reason="header and body, or two")
    if not tokens:
        raise OAuthError("invalid_token", "", reason="no token was presented")
    return tokens[0]


def _invalid(reason: str) -> OAuthError:
    return OAuthError("invalid_token", "the access token is not valid", reason=reason)


_CHALLENGES = ("invalid_request", "invalid_token", "insufficient_scope")


async def _challenge(request: Request, op: Op, error: OAuthError) -> Response:
    """RFC 6750 §3: why not, in the header; no error where there was no token (§3.1)."""
    await op.refused(request, error)
    challenge = f'Bearer realm="{op.settings.issuer}"'
    if error.description:
        challenge += f', error="{error.error}", error_description="{error.description}"'
    if error.error == "insufficient_scope":
        challenge += ', scope="openid"'
    headers: Headers = ((b"www-authenticate", challenge.encode("latin-1")),)
    body = {"request_id": request.request_id}
    if error.description:
        body |= {"error": error.error, "error_description": error.description}
    return json(error.status, body, headers)
