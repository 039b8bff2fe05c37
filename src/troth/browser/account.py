"""The account page: connected applications, sessions, password."""

from dataclasses import replace
from urllib.parse import urlsplit

from troth.accounts import passwords, throttle
from troth.browser import details, forms, journey, words
from troth.browser.login import start_session
from troth.browser.pages.views import AccountPage, ApplicationLine, ScopeLine, SessionLine
from troth.errors import PageError
from troth.http import Cost, Form, Headers, PageOptions, Request, Response, page, parse_parameters
from troth.model.change import AuditEvent, Change, Done, Gone, Limited, Put, Revoke
from troth.model.person import Person, Session
from troth.op import Op
from troth.rules.claims import STANDARD
from troth.settings import Settings
from troth.store import Application
from troth.value import frozen_positional

methods: tuple[str, ...] = ("GET", "HEAD", "POST")
cost = Cost.PASSWORD

_REVOKE = "/account/applications/revoke"
_END = "/account/sessions/end"
_END_OTHERS = "/account/sessions/end-others"
_PASSWORD = "/account/password"

# What an application that was granted them sees of the person, and may not do anything with.
_ABOUT_THEM = ("openid", *STANDARD)

_NOTICES = {
    "revoked": "The application was disconnected. Everything it held here ended at once.",
    "ended": "The session has ended.",
    "others": "All other sessions have ended.",
    "password": "Your password was changed. Other sessions and every connected application's "
    "access have ended.",
}


@frozen_positional
class _Problem:
    """Which field is wrong, and how."""

    field: str
    text: str
    status: int = 400
    extra: Headers = ()


def paths(settings: Settings) -> tuple[str, ...]:
    own = ("/account", _REVOKE, _END, _END_OTHERS, _PASSWORD)
    return tuple(settings.base + path for path in own)


async def handle(request: Request, op: Op) -> Response:
    signed_in = await forms.signed_in(request, op)
    if signed_in is None:
        return journey.to_own_page(op, "/login")
    path = request.path.removeprefix(op.settings.base)
    if request.method != "POST":
        if path != "/account":
            return journey.to_own_page(op, "/account")
        done = parse_parameters(request.query).get("done", "")
        return await _render(request, op, signed_in, notice=_NOTICES.get(done))
    form = forms.read_form(request, op, signed_in[0].session_id)
    match path:
        case "/account/applications/revoke":
            return await _revoke(request, op, signed_in, form)
        case "/account/sessions/end":
            return await _end(request, op, signed_in, form)
        case "/account/sessions/end-others":
            return await _end_others(request, op, signed_in)
        case "/account/password":
            return await _change_password(request, op, signed_in, form)
    return journey.to_own_page(op, "/account")


async def _render(
    request: Request,
    op: Op,
    signed_in: journey.SignedIn,
    notice: str | None = None,
    problem: _Problem | None = None,
) -> Response:
    session, person = signed_in
    browser, cookies = forms.recognised(request, op)
    applications = await op.store.applications_of(person.sub)
    sessions = await op.store.sessions_of(person.sub)
    view = AccountPage(
        form_token=forms.form_token(op, browser, session.session_id),
        account_name=person.name,
        email=person.email,
        notice=notice,
        problem=problem.text if problem else None,
        problem_field=problem.field if problem else None,
        applications=tuple(_application(op, line) for line in applications),
        details=details.lines(person),
        sessions=tuple(_session(op, line, session) for line in sessions if _live(op, line)),
    )
    status, extra = (problem.status, problem.extra) if problem else (200, ())
    return page(status, op.pages.render(view), PageOptions(extra=cookies + extra))


def _live(op: Op, session: Session) -> bool:
    return op.now < min(session.expires_at, session.last_seen_at + op.settings.session_idle)


def _application(op: Op, line: Application) -> ApplicationLine:
    until = None
    if line.access_token_format == "jwt":
        ends = op.now + line.access_token_lifetime
        until = (
            f"for up to {words.span(line.access_token_lifetime)} more, until {words.clock(ends)}"
        )
    return ApplicationLine(
        client_id=line.client_id,
        client_name=line.client_name,
        client_host=urlsplit(line.client_uri).hostname if line.client_uri else None,
        scopes=tuple(_scope(op, name) for name in line.scope if name not in _ABOUT_THEM),
        shares=tuple(name for name in line.scope if name in _ABOUT_THEM),
        first_used=words.day(line.first_used),
        last_used=words.moment(line.last_used, op.now),
        offline_until=until,
    )


def _scope(op: Op, name: str) -> ScopeLine:
    scope = op.scopes.get(name)
    description = scope.description if scope else name
    return ScopeLine(name=name, description=description, required=False, is_new=False, checked=True)


def _session(op: Op, line: Session, current: Session) -> SessionLine:
    return SessionLine(
        session_id=line.session_id,
        device=words.device(line.user_agent),
        network=line.network,
        signed_in=words.moment(line.authenticated_at, op.now),
        last_seen=words.moment(line.last_seen_at, op.now),
        current=line.session_id == current.session_id,
    )


async def _commit(request: Request, op: Op, revoke: Revoke, event: AuditEvent) -> None:
    """Apply, or 404 for what is not this person's (ASVS 8.2.2)."""
    change = Change(verbs=(revoke,), audit=(event,))
    outcome = await op.store.commit(change, request_id=request.request_id)
    if isinstance(outcome, Gone):
        raise PageError(
            "not_found",
            "There is nothing to end",
            "It has ended already, or was never yours.",
            reason=f"no standing {outcome.which} of this person",
            status=404,
        )


async def _revoke(request: Request, op: Op, signed_in: journey.SignedIn, form: Form) -> Response:
    sub, client_id = signed_in[1].sub, form.get("client_id", "")
    event = AuditEvent(
        event="authorization.revoked", outcome="ok", actor=sub, client_id=client_id[:100], sub=sub
    )
    revoke = Revoke(kind="authorization", key=client_id, sub=sub, at=op.now)
    await _commit(request, op, revoke, event)
    return journey.to_own_page(op, "/account?done=revoked")


async def _end(request: Request, op: Op, signed_in: journey.SignedIn, form: Form) -> Response:
    sub = signed_in[1].sub
    event = AuditEvent(event="session.ended", outcome="ok", actor=sub, sub=sub)
    revoke = Revoke(kind="session", key=form.get("session_id", ""), sub=sub, at=op.now)
    await _commit(request, op, revoke, event)
    left = await forms.signed_in(request, op)  # it may have been the one in use here
    moved = forms.moved_state(request, op, left[0] if left is not None else None)
    return journey.to_own_page(op, "/account?done=ended", moved)


async def _end_others(request: Request, op: Op, signed_in: journey.SignedIn) -> Response:
    session, person = signed_in
    event = AuditEvent(
        event="session.ended", outcome="ok", actor=person.sub, sub=person.sub, detail="all others"
    )
    revoke = Revoke(kind="sessions_of", key=person.sub, spare=session.session_id, at=op.now)
    await _commit(request, op, revoke, event)
    return journey.to_own_page(op, "/account?done=others")


async def _change_password(
    request: Request, op: Op, signed_in: journey.SignedIn, form: Form
) -> Response:
    """The old one proves who asks; all sessions end, and the new epoch every chain of before."""
    person = signed_in[1]
    new = form.get("new_password", "")
    account = throttle.account_key(person.sub, "", forms.known_device(request, op, person))
    problem = _unfit(new, form.get("repeat_password", ""))
    problem = problem or await _unproven(request, op, person, account, form)
    if problem is None and await op.passwords.easy_to_guess(
        new, (person.username, person.email or "")
    ):
        await op.store.commit(Change(verbs=throttle.forgive(account, request.peer)))
        problem = _Problem("new_password", words.EASY_TO_GUESS)
    if problem is not None:
        return await _render(request, op, signed_in, problem=problem)
    changed = replace(person, password_hash=await op.passwords.hash(new), epoch=person.epoch + 1)
    event = AuditEvent(event="password.changed", outcome="ok", actor=person.sub, sub=person.sub)
    end = Revoke(kind="sessions_of", key=person.sub, at=op.now)
    verbs = (Put(noun=changed, expect_epoch=person.epoch, former=person), end)
    change = Change(verbs=verbs, audit=(event,))
    outcome = await op.store.commit(change, request_id=request.request_id)
    cookies: Headers = ()
    if isinstance(outcome, Done):
        started = await start_session(request, op, changed, account)
        cookies = started[1] if started else ()
    return journey.to_own_page(op, "/account?done=password", cookies)


def _unfit(new: str, repeated: str) -> _Problem | None:
    problem = passwords.check_length(new)
    if problem is not None:
        return _Problem("new_password", words.sentence(problem))
    if new != repeated:
        return _Problem("repeat_password", "The two new passwords are not the same.")
    return None


async def _unproven(
    request: Request, op: Op, person: Person, account: str, form: Form
) -> _Problem | None:
    """Why the current password does not prove that it is this person; an attempt is counted."""
    now = op.now
    with op.passwords.place():
        reserved = await op.store.commit(throttle.reserve(account, request.peer, now))
        if isinstance(reserved, Limited):
            text, retry = forms.too_many(reserved.until, now)
            return _Problem("current_password", text, status=429, extra=retry)
        if await op.passwords.verify(person.password_hash, form.get("current_password", "")):
            return None
    refused = AuditEvent(event="password.changed", outcome="wrong", sub=person.sub)
    op.store.note(refused, request_id=request.request_id)
    return _Problem("current_password", "The current password is not right.")
