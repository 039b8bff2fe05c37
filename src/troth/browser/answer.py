"""The answers to an application: a code, or why there is none. Only this sends a browser there."""

import hashlib
import os
import re
from urllib.parse import quote

from troth.browser import forms
from troth.browser.pages.views import FormPostPage
from troth.browser.steps import Situation
from troth.errors import OAuthError, PageError
from troth.grants.authorization_code import digest
from troth.http import Headers, PageOptions, Request, Response, page, redirect
from troth.model.change import AuditEvent, Change, Exists, Keep, Once
from troth.model.person import Session
from troth.model.request import Pending, Target
from troth.model.token import Code, Login
from troth.op import Op
from troth.rules import redirect_uri
from troth.rules.session_state import session_state
from troth.signing import seal

# A longer code is kept here, and what travels is a reference to it.
_LONGEST_CODE = 1024
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")


async def finish(
    request: Request, op: Op, pending: Pending, situation: Situation, granted: tuple[str, ...]
) -> Response:
    """A code for what was granted of what was asked (RFC 6749 §4.1.2)."""
    assert situation.signed_in is not None
    session, person = situation.signed_in
    target = pending.request.target
    code = _code(op, pending, situation, granted)
    event = AuditEvent(
        event="code.issued",
        outcome="ok",
        actor=person.sub,
        client_id=target.client_id,
        sub=person.sub,
        detail=" ".join(code.scope),
    )
    text = op.ring.sealer.seal(seal.CODE, code)
    verbs: tuple[Keep | Once, ...] = ()
    if len(text) > _LONGEST_CODE:
        text, verbs = _kept(op, code)
    if situation.proven:
        verbs += (_proof(pending, session),)
    change = Change(verbs=verbs, audit=(event,))
    if isinstance(await op.store.commit(change, request_id=request.request_id), Exists):
        raise answered_before("this login was used for this request before")
    answer = {"code": text}
    cookies: Headers = ()
    if pending.request.openid:
        answer |= _session_state(target, session)
        cookies = forms.state_cookie(request, op, session)
    response = await _to_application(request, op, target, answer)
    return response.adding(cookies)


async def refuse(request: Request, op: Op, target: Target, error: OAuthError) -> Response:
    """An error answer to a proven target (RFC 6749 §4.1.2.1), with the request's id."""
    await op.refused(request, error)
    description = f"{error.description} (request {request.request_id})"
    return await _to_application(
        request, op, target, {"error": error.error, "error_description": description}
    )


def _proof(pending: Pending, session: Session) -> Once:
    """A login that a request asked for is good for one code (OIDC Core §3.1.2.1).

    The address of a page on the way stays in the history, where somebody else may find it.
    """
    login = pending.transaction + session.secret_digest.encode()
    key = hashlib.sha256(login).digest()[:16]
    return Once(namespace="proof", key=key, expires_at=pending.created_at + 86400)


def answered_before(reason: str) -> PageError:
    return PageError(
        "invalid_request",
        "This was already answered",
        "Your first answer counts. Go back to the application; if it still waits, start "
        "again from there.",
        reason=reason,
    )


def _code(op: Op, pending: Pending, situation: Situation, granted: tuple[str, ...]) -> Code:
    assert situation.signed_in is not None
    assert situation.remembered is not None
    session, person = situation.signed_in
    asked, target = pending.request, pending.request.target
    wishes = op.claim_map.agreed(asked.authentication.wishes, granted) if asked.openid else None
    return Code(
        chain_id=os.urandom(16),
        authorization_id=situation.remembered.authorization_id,
        client_id=target.client_id,
        sub=person.sub,
        epoch=person.epoch,
        scope=tuple(name for name in asked.scope if name in granted),
        redirect_uri_digest=digest(target.redirect_uri),
        redirect_uri_given=target.given,
        code_challenge=asked.code_challenge,
        resource=asked.resource,
        login=Login(
            session_id=session.session_id,
            authenticated_at=session.authenticated_at,
            acr=session.acr,
            amr=tuple(session.amr.split()),
        ),
        issued_at=op.now,
        nonce=asked.authentication.nonce if asked.openid else None,
        wishes=None if wishes is None or wishes.none else wishes,
    )


def _kept(op: Op, code: Code) -> tuple[str, tuple[Keep, ...]]:
    """A short reference, and the code itself sealed so that its row is none."""
    sealer, code_id = op.ring.sealer, os.urandom(16)
    keep = Keep(
        code_id=code_id,
        sealed=sealer.seal(seal.KEPT_CODE, code),
        expires_at=code.issued_at + op.settings.code_lifetime,
    )
    return sealer.seal(seal.LONG_CODE, code_id), (keep,)


def _session_state(target: Target, session: Session) -> dict[str, str]:
    """OIDC Session Management §2; only for applications that live in a web origin."""
    origin = redirect_uri.origin(target.redirect_uri)
    if origin is None:
        return {}
    salt = os.urandom(8).hex()
    state = session_state(target.client_id, origin, forms.browser_state(session), salt)
    return {"session_state": state}


async def _to_application(
    request: Request, op: Op, target: Target, answer: dict[str, str]
) -> Response:
    """RFC 6749 §4.1.2 with `iss` (RFC 9207 §2), as the response mode says; the query is kept."""
    parameters = dict(answer)
    if target.state is not None:
        parameters["state"] = target.state
    parameters["iss"] = op.settings.issuer
    if target.response_mode == "form_post":
        return await _posted(op, target, parameters)
    encoded = "&".join(f"{name}={_quoted(value)}" for name, value in parameters.items())
    if target.response_mode == "fragment":
        return redirect(f"{target.redirect_uri}#{encoded}", opener=target.popup)
    uri = target.redirect_uri + ("&" if "?" in target.redirect_uri else "?") + encoded
    # After a GET a fragment of the first URL would be carried on to the application.
    return redirect(uri + "#_" if request.method == "GET" else uri, opener=target.popup)


def _quoted(value: str) -> str:
    """As `quote` does; a code has nothing to quote, and that is found out in a fraction of it."""
    return value if _UNRESERVED.fullmatch(value) else quote(value, safe="")


def form_targets(target: Target) -> tuple[str, ...]:
    """Where the forms of a page may end up, as sources of its policy."""
    return onward(target.redirect_uri)


def onward(uri: str) -> tuple[str, ...]:
    """Where a form may end up that leads to this address of an application.

    Browsers hold a form's whole way against it, also where the application itself sends the
    person on to another of its hosts: so it is the scheme, and no origin.
    """
    scheme = uri.partition(":")[0]
    return ("http:", "https:") if scheme == "http" else (scheme + ":",)


async def _posted(op: Op, target: Target, parameters: dict[str, str]) -> Response:
    """OAuth 2.0 Form Post Response Mode §2: a form of the answer that sends itself."""
    client = await op.store.client(target.client_id)
    view = FormPostPage(
        redirect_uri=target.redirect_uri,
        parameters=tuple(parameters.items()),
        client_name=client.client_name if client is not None else "",
    )
    targets = form_targets(target)
    options = PageOptions(form_targets=targets, script=True, opener=target.popup)
    return page(200, op.pages.render(view), options)
