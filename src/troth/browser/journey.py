"""The way of an authorization request through the pages: begin, advance, finish, refuse.

Each page does one thing, commits, and hands over to `advance`, which asks `next_step`. Only the
functions at the end of this file send a browser to an application.
"""

import os
from dataclasses import replace
from urllib.parse import quote, urlencode, urlsplit

from troth.browser import forms
from troth.browser.steps import Consent, Finish, Login, Refuse, Situation, next_step
from troth.errors import OAuthError, PageError
from troth.grants.authorization_code import digest
from troth.http import Headers, Request, Response, redirect
from troth.model.change import AuditEvent
from troth.model.client import RegisteredClient
from troth.model.person import Person, Session
from troth.model.request import Answer, AuthorizationRequest, Pending, Target
from troth.model.token import Code
from troth.op import Op
from troth.rules import redirect_uri
from troth.signing import seal

SignedIn = tuple[Session, Person]

# A request that nobody answers for so long is forgotten.
_PENDING_LIFETIME = 3600


async def begin(request: Request, op: Op, asked: AuthorizationRequest) -> Response:
    """Bind a checked request to this browser and take its first step."""
    browser = forms.browser_id(request, op)
    cookies: Headers = ()
    if browser is None:
        browser, cookies = forms.new_browser(op)
    pending = Pending(request=asked, transaction=os.urandom(16), browser=browser, created_at=op.now)
    response = await advance(request, op, pending, await forms.signed_in(request, op))
    return replace(response, headers=response.headers + cookies)


def seal_pending(op: Op, pending: Pending) -> str:
    return op.ring.sealer.seal(seal.PENDING, pending)


def open_pending(request: Request, op: Op, text: str) -> Pending:
    """The request behind a page, if it was begun in this browser (or a page that says no)."""
    pending = op.ring.sealer.open(seal.PENDING, text, Pending)
    if pending is None:
        raise _stale("the pending request was not sealed here")
    if pending.browser != forms.browser_id(request, op):
        raise _stale("the pending request is of another browser")
    if op.now >= pending.created_at + _PENDING_LIFETIME:
        raise _stale("the pending request has expired")
    return pending


async def advance(
    request: Request,
    op: Op,
    pending: Pending,
    signed_in: SignedIn | None,
    answer: Answer | None = None,
) -> Response:
    """Take the next step: a page of ours, or back to the application."""
    target = pending.request.target
    client = await registered(op, target)
    remembered = None
    if signed_in is not None:
        remembered = await op.store.authorization(signed_in[1].sub, client.client_id)
    situation = Situation(client=client, signed_in=signed_in, remembered=remembered, answer=answer)
    step = next_step(pending.request, situation, op.env())
    match step:
        case Login():
            return _to_page(op, "/login", pending)
        case Consent():
            return _to_page(op, "/consent", pending)
        case Refuse(error=error):
            return await refuse(request, op, target, error)
        case Finish(scope=scope):
            if signed_in is None or remembered is None:
                raise _stale("finished without a person or an authorization")
            code = _code(op, pending, signed_in, remembered.authorization_id, scope)
            event = AuditEvent(
                event="code.issued",
                outcome="ok",
                actor=signed_in[1].sub,
                client_id=client.client_id,
                sub=signed_in[1].sub,
                detail=" ".join(scope),
            )
            op.store.note(event, request_id=request.request_id)
            return _to_application(request, op, target, {"code": code})


async def registered(op: Op, target: Target) -> RegisteredClient:
    """The client as it stands now: the operator may have changed it while the person thought."""
    client = await op.store.client(target.client_id)
    if client is None or client.disabled:
        raise _stale(f"the client {target.client_id} is gone or disabled")
    if not redirect_uri.match(client, target.redirect_uri):
        raise _stale("the redirect_uri is no longer registered")
    return client


def form_targets(target: Target) -> tuple[str, ...]:
    """Where the forms of a page may end up: browsers check redirects after a POST against it."""
    origin = redirect_uri.origin(target.redirect_uri)
    if origin is None:
        return (urlsplit(target.redirect_uri).scheme + ":",)
    return (origin,) if "[" not in origin else ("http:",)


async def refuse(request: Request, op: Op, target: Target, error: OAuthError) -> Response:
    """An error answer to a proven target (RFC 6749 §4.1.2.1), with the request's id."""
    await op.refused(request, error)
    description = f"{error.description} (request {request.request_id})"
    return _to_application(
        request, op, target, {"error": error.error, "error_description": description}
    )


def _code(
    op: Op, pending: Pending, signed_in: SignedIn, authorization_id: str, scope: tuple[str, ...]
) -> str:
    session, person = signed_in
    target = pending.request.target
    code = Code(
        chain_id=os.urandom(16),
        authorization_id=authorization_id,
        client_id=target.client_id,
        sub=person.sub,
        epoch=person.epoch,
        scope=scope,
        redirect_uri_digest=digest(target.redirect_uri),
        redirect_uri_given=target.given,
        code_challenge=pending.request.code_challenge,
        resource=pending.request.resource,
        session_id=session.session_id,
        authenticated_at=session.authenticated_at,
        issued_at=op.now,
    )
    return op.ring.sealer.seal(seal.CODE, code)


def _to_page(op: Op, path: str, pending: Pending) -> Response:
    return redirect(f"{op.settings.issuer}{path}?pending={seal_pending(op, pending)}")


def _to_application(request: Request, op: Op, target: Target, answer: dict[str, str]) -> Response:
    """RFC 6749 §4.1.2 with `iss` (RFC 9207 §2); the registered query is kept."""
    parameters = dict(answer)
    if target.state is not None:
        parameters["state"] = target.state
    parameters["iss"] = op.settings.issuer
    joint = "&" if "?" in target.redirect_uri else "?"
    uri = target.redirect_uri + joint + urlencode(parameters, quote_via=quote)
    # After a GET a fragment of the first URL would be carried on to the application.
    return redirect(uri + "#_" if request.method == "GET" else uri)


def to_own_page(op: Op, path: str, extra: Headers = ()) -> Response:
    """303 to a page of this server."""
    return redirect(op.settings.issuer + path, extra)


def _stale(reason: str) -> PageError:
    return PageError(
        "invalid_request",
        "This request is no longer valid",
        "It was begun in another browser, took too long, or the application was changed in the "
        "meantime. Nothing was shared. Go back to the application and start again.",
        reason=reason,
    )
