"""The way of an authorization request through the pages: begin, decide, take a step.

Each page does one thing, commits, and hands over to `advance`, which asks `next_step`. Where a
browser is sent to an application, `answer` does it.
"""

import os
from dataclasses import replace

from troth.browser import answer, forms
from troth.browser.origin import without_cookie
from troth.browser.steps import (
    Consent,
    Create,
    Finish,
    Login,
    NextStep,
    Refuse,
    SelectAccount,
    Situation,
    next_step,
)
from troth.errors import PageError, temporarily_unavailable
from troth.http import Headers, PageOptions, Request, Response, page, redirect
from troth.model.client import RegisteredClient
from troth.model.person import Person, Session
from troth.model.request import Answer, AuthorizationRequest, Pending, Target
from troth.op import Op
from troth.rules import redirect_uri
from troth.rules.subject import visible_sub
from troth.signing import seal
from troth.store import StoreUnavailable

SignedIn = tuple[Session, Person]

# A request that nobody answers for so long is forgotten.
_PENDING_LIFETIME = 3600


async def begin(request: Request, op: Op, asked: AuthorizationRequest) -> Response:
    """Bind a checked request to this browser and take its first step."""
    browser, cookies = forms.recognised(request, op)
    if "none" in asked.authentication.prompt:
        cookies = ()  # nothing is shown, so nothing has to be recognised later
    pending = Pending(request=asked, transaction=os.urandom(16), browser=browser, created_at=op.now)
    try:
        response = await advance(request, op, pending, await forms.signed_in(request, op))
    except StoreUnavailable as lost:
        # RFC 6749 §4.1.2.1: a 503 would tell the person, and leave the application waiting.
        error = temporarily_unavailable(reason=f"the database: {lost}")
        return await answer.refuse(request, op, asked.target, error)
    return response.adding(cookies)


def seal_pending(op: Op, pending: Pending) -> str:
    return op.ring.sealer.seal(seal.PENDING, pending)


def open_pending(request: Request, op: Op, text: str) -> Pending:
    """The request behind a page, if it was begun in this browser (or a page that says no)."""
    pending = op.ring.sealer.open(seal.PENDING, text, Pending)
    if pending is None:
        raise stale("the pending request was not sealed here")
    browser = forms.browser_id(request, op)
    if browser is None:
        raise without_cookie(status=400)
    if pending.browser != browser:
        raise stale("the pending request is of another browser")
    if op.now >= pending.created_at + _PENDING_LIFETIME:
        raise stale("the pending request has expired")
    return pending


async def advance(
    request: Request,
    op: Op,
    pending: Pending,
    signed_in: SignedIn | None,
    said: Answer | None = None,
) -> Response:
    """Take the next step: a page of ours, or back to the application."""
    situation = await find_out(op, pending, signed_in, said)
    return await take(request, op, pending, situation)


async def find_out(
    op: Op, pending: Pending, signed_in: SignedIn | None, said: Answer | None = None
) -> Situation:
    """What `next_step` has to know."""
    client = await registered(op, pending.request.target)
    if signed_in is None:
        return Situation(client=client, signed_in=None, remembered=None, answer=said)
    session, person = signed_in
    return Situation(
        client=client,
        signed_in=signed_in,
        remembered=await op.store.authorization(person.sub, client.client_id),
        answer=said,
        subject=visible_sub(client, person.sub, op.ring.pairwise_key),
        required=frozenset(name for name, scope in op.scopes.items() if scope.required),
        proven=pending.proven == session.session_id,
        chosen=pending.chosen == session.session_id,
        elsewhere=pending.chosen not in ("", session.session_id),
        another=pending.another,
    )


async def take(request: Request, op: Op, pending: Pending, situation: Situation) -> Response:
    """Do what comes next."""
    target = pending.request.target
    match decided(op, pending, situation):
        case Login():
            return to_page(op, "/login", pending)
        case SelectAccount():
            return to_page(op, "/select", pending)
        case Create():
            return to_page(op, "/register", pending)
        case Consent():
            return to_page(op, "/consent", _of(pending, situation))
        case Refuse(error=error):
            return await answer.refuse(request, op, target, error)
        case Finish(granted=granted):
            if situation.signed_in is None or situation.remembered is None:
                raise stale("finished without a person or an authorization")
            return await answer.finish(request, op, pending, situation, granted)


def _of(pending: Pending, situation: Situation) -> Pending:
    """The request as that of this person, so that nobody else is asked in their place."""
    assert situation.signed_in is not None
    return replace(pending, chosen=situation.signed_in[0].session_id)


def decided(op: Op, pending: Pending, situation: Situation) -> NextStep:
    return next_step(pending.request, situation, op.env())


async def registered(op: Op, target: Target) -> RegisteredClient:
    """The client as it stands now: the operator may have changed it while the person thought."""
    client = await op.store.client(target.client_id)
    if client is None or client.disabled:
        raise stale(f"the client {target.client_id} is gone or disabled")
    if not redirect_uri.match(client, target.redirect_uri):
        raise stale("the redirect_uri is no longer registered")
    return client


def shown(pending: Pending, body: bytes, *, status: int = 200, extra: Headers = ()) -> Response:
    """A page on the way of a request: its forms may lead back to the application."""
    options = PageOptions(
        form_targets=answer.form_targets(pending.request.target),
        opener=pending.request.target.popup,
        extra=extra,
    )
    return page(status, body, options)


def to_page(op: Op, path: str, pending: Pending) -> Response:
    """303 to a page that the person has to see for this request."""
    address = f"{op.settings.issuer}{path}?pending={seal_pending(op, pending)}"
    return redirect(address, opener=pending.request.target.popup)


def to_own_page(op: Op, path: str, extra: Headers = ()) -> Response:
    """303 to a page of this server."""
    return redirect(op.settings.issuer + path, extra)


def stale(reason: str) -> PageError:
    return PageError(
        "invalid_request",
        "This request is no longer valid",
        "It was begun in another browser, took too long, or the application was changed in the "
        "meantime. Nothing was shared. Go back to the application and start again.",
        reason=reason,
    )
