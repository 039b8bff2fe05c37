"""The login page: a name and a password, then on to what the person came for."""

import hashlib
import os
import secrets
from dataclasses import dataclass, replace

from troth import metrics
from troth.accounts import throttle
from troth.browser import forms, journey
from troth.browser.attempt import attempt
from troth.browser.pages.views import LoginPage
from troth.browser.steps import Create, Login, NextStep, Situation
from troth.http import Cost, Headers, PageOptions, Request, Response, page, parse_parameters
from troth.model.change import AuditEvent, Change, Done, Put, Renew, Require, Revoke
from troth.model.person import Person, Session
from troth.model.request import Pending
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD", "POST")
cost = Cost.PASSWORD

WRONG = "That user name and password do not belong together."


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/login",)


async def handle(request: Request, op: Op) -> Response:
    if request.method == "POST":
        return await _sign_in(request, op)
    text = parse_parameters(request.query).get("pending")
    pending = journey.open_pending(request, op, text) if text else None
    signed_in = await forms.signed_in(request, op)
    shown = _Shown(pending=pending, text=text or "")
    if signed_in is None:
        # It may have ended elsewhere: applications that ask this browser shall know (§3.2).
        moved = forms.moved_state(request, op, None)
        others = await forms.accounts(request, op)
        shown = replace(shown, extra=moved + (() if others else forms.clear_session(request, op)))
    elif pending is None:
        return journey.to_own_page(op, "/account")
    else:
        situation = await journey.find_out(op, pending, signed_in)
        step = journey.decided(op, pending, situation)
        if not isinstance(step, Login | Create):
            return await journey.take(request, op, pending, situation)
        if situation.is_somebody_else(pending.request):
            signed_in = None  # whose name is of no use here
        shown = replace(shown, reason=_why(pending, situation, step))
    return await _render(request, op, replace(shown, username=_hinted(pending, signed_in)))


def _why(pending: Pending, situation: Situation, step: NextStep) -> str | None:
    """Why somebody who is signed in shall log in again, if it is not their own wish.

    Who was to make an account, and has one, may use it.
    """
    theirs = situation.signed_in is not None and not situation.is_somebody_else(pending.request)
    if step != Login() or pending.another or not theirs:
        return None
    return f"{situation.client.client_name} asks you to confirm that it is you."


def _hinted(pending: Pending | None, signed_in: tuple[Session, Person] | None) -> str:
    """The name that is filled in: the one hinted at, else that of who is signed in."""
    if pending is None or pending.another:
        return ""
    hint = pending.request.authentication.login_hint
    return hint or (signed_in[1].username if signed_in is not None else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What the page shows: for which request, what was typed, what was wrong."""

    pending: Pending | None
    text: str
    username: str = ""
    problem: str | None = None
    status: int = 200
    reason: str | None = None
    extra: Headers = ()


async def _again(request: Request, op: Op, shown: _Shown) -> Response:
    """The page with what was wrong; who had to confirm that it is them still has to."""
    if shown.pending is not None:
        signed_in = await forms.signed_in(request, op)
        situation = await journey.find_out(op, shown.pending, signed_in)
        step = journey.decided(op, shown.pending, situation)
        shown = replace(shown, reason=_why(shown.pending, situation, step))
    return await _render(request, op, shown)


async def _render(request: Request, op: Op, shown: _Shown) -> Response:
    browser, cookies = forms.recognised(request, op)
    client_name: str | None = None
    if shown.pending is not None:
        client_name = (await journey.registered(op, shown.pending.request.target)).client_name
    view = LoginPage(
        form_token=forms.form_token(op, browser),
        pending=shown.text,
        client_name=client_name,
        username=shown.username,
        problem=shown.problem,
        reason=shown.reason,
        fixed=shown.reason is not None,
        other_url=_other_url(op, shown),
        register_url=_register_url(op, shown),
    )
    body = op.pages.render(view)
    if shown.pending is None:
        return page(shown.status, body, PageOptions(extra=cookies + shown.extra))
    return journey.shown(shown.pending, body, status=shown.status, extra=cookies + shown.extra)


def _other_url(op: Op, shown: _Shown) -> str | None:
    """Where somebody goes on who is not the person that is asked to log in again."""
    if shown.reason is None or shown.pending is None:
        return None
    another = journey.seal_pending(op, replace(shown.pending, another=True))
    return f"{op.settings.base}/login?pending={another}"


def _register_url(op: Op, shown: _Shown) -> str | None:
    if not op.settings.open_registration:
        return None
    query = f"?pending={shown.text}" if shown.text else ""
    return f"{op.settings.base}/register{query}"


async def _sign_in(request: Request, op: Op) -> Response:
    with op.passwords.place():  # first of all: to refuse costs as little as it can
        form = forms.read_form(request, op)
        text = form.get("pending", "")
        pending = journey.open_pending(request, op, text) if text else None
        typed, password = form.get("username", ""), form.get("password", "")
        tried = await attempt(request, op, typed, password)
    shown = _Shown(pending=pending, text=text, username=typed[:254], problem=WRONG, status=400)
    if tried.until:
        problem, retry = forms.too_many(tried.until, op.now)
        return await _again(request, op, replace(shown, problem=problem, status=429, extra=retry))
    person = tried.person
    if person is None:
        return await _again(request, op, shown)
    renewed: tuple[Put, ...] = ()
    if op.passwords.outdated(person.password_hash or ""):
        anew = replace(person, password_hash=await op.passwords.hash(password))
        renewed = (Put(noun=anew, expect_epoch=person.epoch, former=person),)
    started = await start_session(request, op, person, tried.account, renewed)
    if started is None:
        return await _again(request, op, shown)
    metrics.LOGINS.labels("ok").inc()
    return await go_on(request, op, pending, person, started)


async def go_on(
    request: Request,
    op: Op,
    pending: Pending | None,
    person: Person,
    started: tuple[Session, Headers],
) -> Response:
    """On to what the person came for, with the proof that they logged in for it just now."""
    session, cookies = started
    if pending is None:
        return journey.to_own_page(op, "/account", cookies)
    this = session.session_id
    proven = replace(pending, proven=this, chosen=this, another=False)
    response = await journey.advance(request, op, proven, (session, person))
    return response.adding(cookies)


async def start_session(
    request: Request, op: Op, person: Person, account: str, renewed: tuple[Put, ...] = ()
) -> tuple[Session, Headers] | None:
    """A login session of this browser, in use from now on (ASVS 7.2.4).

    Somebody who was signed in already keeps their session under a new secret, so that the
    applications that know it go on; others stay signed in beside. `renewed` puts a hash with the
    parameters of today in the same transaction. None where the person was disabled or changed
    while the password was checked.
    """
    secret = secrets.token_urlsafe(32)
    there = await forms.accounts(request, op)
    former = next((one for one in there if one.person.sub == person.sub), None)
    session = _session(request, op, person, secret)
    begun: Put | Renew = Put(noun=session)
    if former is not None:
        session = replace(session, session_id=former.session.session_id)
        begun = Renew(session=session, former_digest=former.session.secret_digest)
    others = [one for one in there if one is not former]
    beside, crowded_out = others[: forms.MOST_ACCOUNTS - 1], others[forms.MOST_ACCOUNTS - 1 :]
    event = AuditEvent(event="login", outcome="ok", actor=person.sub, sub=person.sub)
    change = Change(
        verbs=(
            Require(kind="person", key=person.sub, epoch=person.epoch),
            *renewed,
            *throttle.forgive(account, request.peer),
            *(Revoke(kind="session", key=one.session.session_id, at=op.now) for one in crowded_out),
            begun,
        ),
        audit=(event,),
    )
    if not isinstance(await op.store.commit(change, request_id=request.request_id), Done):
        return None
    cookies = forms.session_cookie(op, [secret, *(one.secret for one in beside)])
    moved = forms.moved_state(request, op, session)
    return session, cookies + moved + forms.device_cookie(op, person)


def _session(request: Request, op: Op, person: Person, secret: str) -> Session:
    now = op.now
    return Session(
        session_id=os.urandom(16).hex(),
        secret_digest=hashlib.sha256(secret.encode()).hexdigest(),
        sub=person.sub,
        epoch=person.epoch,
        authenticated_at=now,
        last_seen_at=now,
        expires_at=now + op.settings.session_lifetime,
        user_agent=(request.header(b"user-agent") or "")[:300],
        network=throttle.network(request.peer),
        acr="1",
        amr="pwd",
    )
