"""The authorization endpoint (RFC 6749 §3.1): from parameters to a request that may wait.

Stage 1 returns a `Target` or shows a page. From then on every refusal is caught by code that
holds the `Target`, so that it can only go to a redirect URI that was proven to be registered.
"""

from collections.abc import Callable, Mapping

from troth.browser import answer, journey
from troth.endpoints.expand import METADATA, expand
from troth.errors import (
    OAuthError,
    PageError,
    invalid_request,
    unauthorized_client,
    unsupported_response_type,
)
from troth.http import Cost, Form, Request, Response, parse_parameters, redirect, require_form
from troth.model.client import RegisteredClient
from troth.model.request import AuthorizationRequest, ResponseMode, Target
from troth.op import Op
from troth.rules import authentication, pkce, redirect_uri, resource, scope
from troth.settings import Settings
from troth.value import frozen

methods: tuple[str, ...] = ("GET", "POST")
cors: bool = False
cost = Cost.DATABASE

LONGEST_REQUEST = 6 * 1024
LONGEST_STATE = 4 * 1024
_PAGE_IF_REPEATED = ("client_id", "redirect_uri", "response_mode")


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/oauth/authorize",)


def members(settings: Settings) -> Mapping[str, object]:
    return {
        "authorization_endpoint": settings.issuer + "/oauth/authorize",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "prompt_values_supported": [
            *authentication.PROMPTS,
            *((authentication.CREATE,) if settings.open_registration else ()),
        ],
        "acr_values_supported": list(authentication.ACR_SUPPORTED),
        "display_values_supported": ["page", "popup", "touch"],
        "ui_locales_supported": ["en"],
        "claims_parameter_supported": True,
        **METADATA,
    }


async def handle(request: Request, op: Op) -> Response:
    if request.method == "POST":
        return _as_get(request, op)
    form = _parse(request.query)
    client = await _client(form, op)
    form, refusal = await expand(form, client, op, LONGEST_REQUEST)
    target = _target(form, client)
    try:
        if refusal is not None:
            raise refusal
        asked = _request(form, client, target, op)
    except OAuthError as error:
        return await answer.refuse(request, op, target, error)
    return await journey.begin(request, op, asked)


def _as_get(request: Request, op: Op) -> Response:
    """A form posted from another site brings no cookies: it goes on as a GET, which does."""
    try:
        require_form(request)
    except OAuthError as error:
        raise _page(error.reason, status=error.status) from None
    body = request.body.decode("latin-1")
    if len(body) > LONGEST_REQUEST or any(not 32 < ord(char) < 127 for char in body):
        raise _page("the posted request is too large or not form-encoded")
    return redirect(f"{op.settings.issuer}/oauth/authorize?{body}")


def _parse(query: bytes) -> Form:
    if len(query) > LONGEST_REQUEST:
        raise _page(f"the request has {len(query)} bytes", status=414)
    try:
        return parse_parameters(query)
    except OAuthError as error:
        raise _page(error.reason) from None


async def _client(form: Form, op: Op) -> RegisteredClient:
    """Stage 0: who asks."""
    for name in _PAGE_IF_REPEATED:
        if name in form.repeated:
            raise _page(f"{name} is repeated")
    client_id = form.get("client_id")
    client = await op.store.client(client_id) if client_id and len(client_id) <= 256 else None
    if client is None:
        raise _page(f"the client {(client_id or '')[:80]!r} is not registered")
    if client.disabled:
        raise _page(f"the client {client.client_id} is disabled")
    return client


def _target(form: Form, client: RegisteredClient) -> Target:
    """Stage 1: where the answer may go (RFC 6749 §4.1.2.1, RFC 9700 §4.1)."""
    uri = form.get("redirect_uri")
    if uri is None:
        if len(client.redirect_uris) != 1:
            raise _page("redirect_uri is missing and the client has several or none")
        if "openid" in form.get("scope", "").split():
            raise _page("redirect_uri is missing, and OpenID Connect requires it (Core §3.1.2.1)")
        uri = client.redirect_uris[0]
    elif not redirect_uri.match(client, uri):
        raise _page(
            f"the redirect_uri {uri[:300]!r} is none of the registered "
            f"{list(client.redirect_uris)[:5]!r}"
        )
    mode = _response_mode(form, uri)
    state = None if "state" in form.repeated else form.get("state")
    if state is not None and len(state) > LONGEST_STATE:
        raise _page(f"state has {len(state)} characters", status=414)
    return Target(
        client_id=client.client_id,
        redirect_uri=uri,
        given="redirect_uri" in form,
        state=state,
        response_mode=mode,
        popup=form.get("display") == "popup",
    )


# How an answer travels that no response_mode is named for (Multiple Response Types §2.1, §5).
_BY_FRAGMENT = frozenset({"token", "id_token"})


def _response_mode(form: Form, uri: str) -> ResponseMode:
    """The named one, else what the response type has; an unknown one is a page."""
    named = form.get("response_mode")
    if named is None:
        asked = frozenset(form.get("response_type", "").split())
        return "fragment" if asked & _BY_FRAGMENT else "query"
    mode = _MODES.get(named)
    if mode is None:
        raise _page(f"response_mode {named[:40]!r} is not supported")
    if mode == "form_post" and redirect_uri.origin(uri) is None:
        raise _page("response_mode form_post, and the redirect_uri cannot receive a POST")
    return mode


_MODES: Mapping[str, ResponseMode] = {
    "query": "query",
    "fragment": "fragment",
    "form_post": "form_post",
}


@frozen
class _Asked:
    form: Form
    client: RegisteredClient


def _check_repeated(asked: _Asked) -> None:
    if asked.form.repeated:
        raise invalid_request(
            "a parameter is repeated", reason=f"repeated: {sorted(asked.form.repeated)[:10]}"
        )


def _check_response_type(asked: _Asked) -> None:
    response_type = asked.form.get("response_type")
    if response_type is None:
        raise invalid_request("response_type is missing", reason="no response_type")
    if response_type != "code":
        raise unsupported_response_type(reason=f"response_type {response_type[:80]!r}")


def _check_response_mode(asked: _Asked) -> None:
    """Errors may travel in a fragment; a code never does (RFC 9700 §4.1)."""
    if asked.form.get("response_mode") == "fragment":
        raise invalid_request(
            "response_mode is not supported", reason="response_mode fragment for a code"
        )


def _check_grant(asked: _Asked) -> None:
    if "authorization_code" not in asked.client.grant_types:
        raise unauthorized_client(
            "the client may not use this response type",
            reason="grant type authorization_code is not registered",
        )


CHECKS: tuple[Callable[[_Asked], None], ...] = (
    _check_repeated,
    _check_response_type,
    _check_response_mode,
    _check_grant,
)


def _request(form: Form, client: RegisteredClient, target: Target, op: Op) -> AuthorizationRequest:
    """Stage 2: the checks in order, then the request as a value."""
    asked = _Asked(form=form, client=client)
    for check in CHECKS:
        check(asked)
    challenge = pkce.check_challenge(
        client, form.get("code_challenge"), form.get("code_challenge_method")
    )
    audience = resource.check(form.several, op.settings.audience)
    names = scope.requested(form.get("scope"), client.scope, op.scopes)
    may_create = op.settings.open_registration
    hint = _hint(form, op) if "openid" in names else None
    wanted = authentication.parse(form, client, hint, may_create=may_create)
    covering = op.claim_map.covering_all(wanted.wishes) if "openid" in names else ()
    return AuthorizationRequest(
        target=target,
        scope=names,
        code_challenge=challenge,
        resource=audience,
        also=tuple(n for n in covering if n not in names and n in client.scope and n in op.scopes),
        authentication=wanted,
    )


def _hint(form: Form, op: Op) -> authentication.Hint | None:
    """Whom an ID token of ours names (OIDC Core §3.1.2.1); it may have expired."""
    text = form.get("id_token_hint")
    if text is None:
        return None
    hint = op.id_token_hint(text)
    if hint is None:
        raise authentication.refuse_hint("it is no ID token of this server")
    return hint


def _page(reason: str, *, status: int = 400) -> PageError:
    return PageError(
        "invalid_request",
        "This request cannot be answered",
        "The application that sent you here made a mistake in its request, so we stopped before "
        "anything was shared. Go back to it and try again; if this happens again, tell its makers.",
        reason=reason,
        status=status,
    )
