"""The consent page: who asks, for what, in words; yes, no, or somebody else."""

from dataclasses import replace

from troth.browser import forms, journey
from troth.browser.answer import answered_before, finish, refuse
from troth.browser.approval import approved, ends, remember, standing
from troth.browser.pages.views import ConsentPage
from troth.browser.question import meaning, question
from troth.browser.steps import Consent, Finish, Situation
from troth.errors import PageError, invalid_scope
from troth.http import Cost, Form, Request, Response, parse_parameters
from troth.model.authorization import Authorization
from troth.model.change import AuditEvent, Change, Exists, Gone, Once, Put, Require
from troth.model.person import Person
from troth.model.request import Answer, Pending
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD", "POST")
cost = Cost.DATABASE

# Where transactions are spent by their answers.
_ANSWERED = "transaction"


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/consent",)


async def handle(request: Request, op: Op) -> Response:
    signed_in = await forms.signed_in(request, op)
    if request.method == "POST":
        return await _answer(request, op, signed_in)
    text = parse_parameters(request.query).get("pending", "")
    pending = journey.open_pending(request, op, text)
    if await op.store.spent(_ANSWERED, pending.transaction):
        raise answered_before("the page of an answered transaction was loaded again")
    situation = await journey.find_out(op, pending, signed_in)
    if signed_in is None or not isinstance(journey.decided(op, pending, situation), Consent):
        return await journey.take(request, op, pending, situation)
    return await _ask(request, op, pending, signed_in, question(op, pending, situation))


async def _ask(
    request: Request,
    op: Op,
    pending: Pending,
    signed_in: journey.SignedIn,
    view: ConsentPage,
) -> Response:
    """The page; its form carries what it means."""
    target = pending.request.target
    if pending.request.asked and not view.scopes:
        error = invalid_scope("the scope is not allowed", reason="the scope was removed meanwhile")
        return await refuse(request, op, target, error)
    session_id = signed_in[0].session_id
    view = replace(
        view,
        form_token=forms.form_token(op, pending.browser, session_id, meaning(view)),
        pending=journey.seal_pending(op, pending),
    )
    return journey.shown(pending, op.pages.render(view), status=400 if view.changed else 200)


async def _answer(request: Request, op: Op, signed_in: journey.SignedIn | None) -> Response:
    form = forms.read_form(request, op, signed_in[0].session_id if signed_in else "", "scope")
    pending = journey.open_pending(request, op, form.get("pending", ""))
    if signed_in is None:
        return await journey.advance(request, op, pending, None)
    match form.get("decision"):
        case "allow":
            return await _allow(request, op, pending, signed_in, form)
        case "deny":
            return await deny(request, op, pending, signed_in)
        case "switch":
            another = replace(pending, another=True, proven="", chosen="")
            return journey.to_page(op, "/login", another)
    raise PageError(
        "invalid_request",
        "No answer was given",
        "The form came without your decision. Go back and press Allow or Deny.",
        reason=f"decision is {form.get('decision', '')[:40]!r}",
    )


async def _allow(
    request: Request,
    op: Op,
    pending: Pending,
    signed_in: journey.SignedIn,
    form: Form,
) -> Response:
    """Only what the page showed counts, whatever the form says (ASVS 10.7.1)."""
    ticked = frozenset(form.several)
    situation = await journey.find_out(op, pending, signed_in)
    if not isinstance(journey.decided(op, pending, situation), Consent | Finish):
        return await journey.take(request, op, pending, situation)
    view = question(op, pending, situation)
    if meaning(view) != forms.shown(op, form):
        return await _ask(request, op, pending, signed_in, view.again(ticked))
    asked = tuple(line.name for line in view.scopes)
    granted = approved(asked, view.required, ticked)
    if asked and not granted:
        return await deny(request, op, pending, signed_in)
    authorization = _authorization(op, situation, asked, granted)
    await _commit(request, op, _allowed(pending, signed_in[1], authorization, granted))
    answered = replace(situation, remembered=authorization)
    return await finish(request, op, pending, answered, granted)


def _allowed(
    pending: Pending, person: Person, authorization: Authorization, granted: tuple[str, ...]
) -> Change:
    client_id = authorization.client_id
    event = AuditEvent(
        event="consent",
        outcome="allowed",
        actor=person.sub,
        client_id=client_id,
        sub=person.sub,
        detail=" ".join(granted),
    )
    return Change(
        verbs=(
            _once(pending),
            Require(kind="person", key=person.sub, epoch=person.epoch),
            Require(kind="client", key=client_id),
            Put(noun=authorization),
        ),
        audit=(event,),
    )


def _authorization(
    op: Op, situation: Situation, asked: tuple[str, ...], granted: tuple[str, ...]
) -> Authorization:
    """The former one with a new end where nothing changed in it; else a new one."""
    assert situation.signed_in is not None
    now = op.now
    former = standing(situation.remembered, now)
    scope = remember(former.scope if former else (), asked, granted)
    left_out = tuple(name for name in asked if name not in granted)
    fresh = op.env().fresh[:16].hex()
    same = former is not None and set(former.scope) == set(scope)
    return Authorization(
        authorization_id=former.authorization_id if former is not None and same else fresh,
        sub=situation.signed_in[1].sub,
        client_id=situation.client.client_id,
        scope=scope,
        created_at=now,
        expires_at=ends(former, asked, now + op.settings.consent_lifetime),
        declined=remember(former.declined if former else (), asked, left_out),
    )


async def deny(request: Request, op: Op, pending: Pending, signed_in: journey.SignedIn) -> Response:
    """The person says no: once, and the application hears of it."""
    event = AuditEvent(
        event="consent",
        outcome="denied",
        actor=signed_in[1].sub,
        client_id=pending.request.target.client_id,
        sub=signed_in[1].sub,
    )
    await _commit(request, op, Change(verbs=(_once(pending),), audit=(event,)))
    return await journey.advance(request, op, pending, signed_in, Answer(scope=None))


def _once(pending: Pending) -> Once:
    expires_at = pending.created_at + 86400
    return Once(namespace=_ANSWERED, key=pending.transaction, expires_at=expires_at)


async def _commit(request: Request, op: Op, change: Change) -> None:
    outcome = await op.store.commit(change, request_id=request.request_id)
    match outcome:
        case Exists():
            raise answered_before("the transaction was answered before")
        case Gone(which=which):
            raise PageError(
                "invalid_request",
                "This request is no longer valid",
                "The application or your account was changed while you were deciding. Nothing was "
                "shared.",
                reason=f"the {which} no longer stands",
            )
