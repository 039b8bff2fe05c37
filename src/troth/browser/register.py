"""The page on which a person makes their own account (OIDC User Registration §4.1).

Only where the operator opened it. What it cannot hide is which user names and addresses are taken:
they are unique, so that saying no tells it. The limit by network makes a list of them slow.
"""

import os
from dataclasses import dataclass, replace

from troth.accounts import passwords, throttle
from troth.accounts.names import check_email, check_username, login_key, shows
from troth.browser import forms, journey, login, words
from troth.browser.pages.views import RegisterPage
from troth.browser.steps import Create, Login
from troth.http import (
    Cost,
    Form,
    Headers,
    PageOptions,
    Request,
    Response,
    page,
    parse_parameters,
    retry_after,
)
from troth.model.change import AuditEvent, Change, Done, Limited, Put
from troth.model.person import Person
from troth.model.request import Pending
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD", "POST")
cost = Cost.PASSWORD

_LONGEST_NAME = 100


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/register",) if settings.open_registration else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What was typed into the form, as it is shown again; passwords never are."""

    username: str = ""
    email: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What the page shows: for which request, what was typed, and at which field it is wrong."""

    pending: Pending | None
    text: str
    typed: _Typed = _Typed()
    problem: tuple[str | None, str] | None = None
    status: int = 200
    extra: Headers = ()


async def handle(request: Request, op: Op) -> Response:
    if request.method == "POST":
        return await _create(request, op)
    text = parse_parameters(request.query).get("pending", "")
    pending = journey.open_pending(request, op, text) if text else None
    signed_in = await forms.signed_in(request, op)
    if pending is None:
        if signed_in is not None:
            return journey.to_own_page(op, "/account")
        return await _render(request, op, _Shown(pending=None, text=""))
    situation = await journey.find_out(op, pending, signed_in)
    if not isinstance(journey.decided(op, pending, situation), Create | Login):
        return await journey.take(request, op, pending, situation)
    hint = pending.request.authentication.login_hint or ""
    typed = _Typed(email=hint) if "@" in hint else _Typed(username=hint)
    return await _render(request, op, _Shown(pending=pending, text=text, typed=typed))


async def _render(request: Request, op: Op, shown: _Shown) -> Response:
    browser, cookies = forms.recognised(request, op)
    client_name: str | None = None
    if shown.pending is not None:
        client_name = (await journey.registered(op, shown.pending.request.target)).client_name
    view = RegisterPage(
        form_token=forms.form_token(op, browser),
        pending=shown.text,
        client_name=client_name,
        username=shown.typed.username,
        email=shown.typed.email,
        name=shown.typed.name,
        problem=shown.problem[1] if shown.problem else None,
        problem_field=shown.problem[0] if shown.problem else None,
        password_minimum=passwords.SHORTEST,
    )
    body = op.pages.render(view)
    if shown.pending is None:
        return page(shown.status, body, PageOptions(extra=cookies + shown.extra))
    return journey.shown(shown.pending, body, status=shown.status, extra=cookies + shown.extra)


async def _create(request: Request, op: Op) -> Response:
    form = forms.read_form(request, op)
    text = form.get("pending", "")
    pending = journey.open_pending(request, op, text) if text else None
    typed = _Typed(
        username=form.get("username", "").strip(),
        email=form.get("email", "").strip(),
        name=" ".join(form.get("name", "").split()),
    )
    echoed = replace(typed, username=typed.username[:254], email=typed.email[:254])
    shown = _Shown(pending=pending, text=text, typed=replace(echoed, name=echoed.name[:254]))
    problem = _unfit(typed, form)
    if problem is not None:
        return await _render(request, op, replace(shown, problem=problem, status=400))
    op.passwords.admit()
    now = op.now
    reserved = await op.store.commit(throttle.reserve_newcomer(request.peer, now))
    if isinstance(reserved, Limited):
        return await _render(request, op, _wait(shown, max(1, reserved.until - now)))
    person = await _stored(request, op, typed, form.get("password", ""))
    if not isinstance(person, Person):
        return await _render(request, op, replace(shown, problem=person, status=400))
    account = throttle.account_key(person.sub, "", None)
    started = await login.start_session(request, op, person, account)
    if started is None:  # the operator was faster
        return journey.to_own_page(op, "/login")
    return await login.go_on(request, op, pending, person, started)


def _wait(shown: _Shown, seconds: int) -> _Shown:
    problem = f"Too many accounts are being made. Wait {seconds} seconds, then try again."
    return replace(shown, problem=(None, problem), status=429, extra=retry_after(seconds))


def _unfit(typed: _Typed, form: Form) -> tuple[str, str] | None:
    """Which field is wrong, and how, as far as one can see without looking anything up."""
    if problem := check_username(typed.username):
        return "username", words.sentence(problem)
    if problem := check_email(typed.email):
        return "email", words.sentence(problem)
    if len(typed.name) > _LONGEST_NAME or not shows(typed.name):
        return "name", f"A name has at most {_LONGEST_NAME} letters, and nothing that is not seen."
    chosen, repeated = form.get("password", ""), form.get("repeat_password", "")
    if problem := passwords.check_length(chosen):
        return "password", words.sentence(problem)
    if chosen != repeated:
        return "repeat_password", "The two passwords are not the same."
    return None


async def _stored(
    request: Request, op: Op, typed: _Typed, password: str
) -> Person | tuple[str | None, str]:
    """The person that there is now, or why there is none: the field and a sentence."""
    own = (typed.username, typed.email, typed.name)
    if await op.passwords.easy_to_guess(password, own):
        return "password", words.EASY_TO_GUESS
    person = _person(op, typed, await op.passwords.hash(password))
    event = AuditEvent(event="person.created", outcome="ok", actor=person.sub, sub=person.sub)
    change = Change(verbs=(Put(noun=person),), audit=(event,))
    if isinstance(await op.store.commit(change, request_id=request.request_id), Done):
        return person
    if await op.store.person_by_login(login_key(typed.email)) is not None:
        taken = await op.store.person_by_login(login_key(typed.username))
        if taken is None:
            return "email", "There is an account with this e-mail address already."
    return "username", "This user name is taken. Choose another one."


def _person(op: Op, typed: _Typed, password_hash: str) -> Person:
    claims: dict[str, object] = {"email_verified": False, "updated_at": op.now}
    if typed.name:
        claims["name"] = typed.name
    return Person(
        sub=os.urandom(16).hex(),
        username=typed.username,
        email=typed.email,
        password_hash=password_hash,
        created_at=op.now,
        claims=claims,
    )
