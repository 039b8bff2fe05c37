"""The consent page: who asks, for what, in words; yes, no, or somebody else."""

from dataclasses import replace
from urllib.parse import urlsplit

from troth.browser import forms, journey, words
from troth.browser.answer import answered_before
from troth.browser.approval import approved, ends, remember, standing
from troth.browser.pages.views import ConsentPage, ScopeLine
from troth.errors import PageError
from troth.http import Cost, Request, Response, parse_parameters
from troth.model.authorization import Authorization
from troth.model.change import AuditEvent, Change, Exists, Gone, Once, Put, Require
from troth.model.client import RegisteredClient
from troth.model.request import Answer, Pending
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD", "POST")
cost = Cost.DATABASE


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/consent",)


async def handle(request: Request, op: Op) -> Response:
    signed_in = await forms.signed_in(request, op)
    if request.method == "POST":
        return await _answer(request, op, signed_in)
    text = parse_parameters(request.query).get("pending", "")
    pending = journey.open_pending(request, op, text)
    if signed_in is None:
        return await journey.advance(request, op, pending, None)
    client = await journey.registered(op, pending.request.target)
    former = await _former(op, signed_in, client.client_id)
    view = _view(op, pending, client, former, signed_in)
    return journey.shown(pending, op.pages.render(view))


async def _former(op: Op, signed_in: journey.SignedIn, client_id: str) -> Authorization | None:
    return standing(await op.store.authorization(signed_in[1].sub, client_id), op.now)


def _view(
    op: Op,
    pending: Pending,
    client: RegisteredClient,
    former: Authorization | None,
    signed_in: journey.SignedIn,
) -> ConsentPage:
    session, person = signed_in
    target = pending.request.target
    return ConsentPage(
        form_token=forms.form_token(op, pending.browser, session.session_id),
        pending=journey.seal_pending(op, pending),
        client_name=client.client_name,
        client_host=urlsplit(client.client_uri).hostname if client.client_uri else None,
        redirect_host=urlsplit(target.redirect_uri).hostname or target.redirect_uri.split(":")[0],
        account_name=person.name,
        scopes=tuple(_line(op, name, former) for name in pending.request.asked),
        granted_before=former is not None,
        lasts=f"until you withdraw it, at most {_at_most(op, former, pending)}",
        policy_url=client.openid.policy_uri,
        tos_url=client.openid.tos_uri,
    )


def _at_most(op: Op, former: Authorization | None, pending: Pending) -> str:
    latest = op.now + op.settings.consent_lifetime
    end = ends(former, pending.request.asked, latest)
    return words.span(op.settings.consent_lifetime) if end == latest else f"until {words.day(end)}"


def _line(op: Op, name: str, former: Authorization | None) -> ScopeLine:
    scope = op.scopes.get(name)
    return ScopeLine(
        name=name,
        description=scope.description if scope else name,
        required=scope.required if scope else True,
        is_new=former is not None and name not in former.scope,
        checked=True,
    )


async def _answer(request: Request, op: Op, signed_in: journey.SignedIn | None) -> Response:
    form = forms.read_form(request, op, signed_in[0].session_id if signed_in else "", "scope")
    pending = journey.open_pending(request, op, form.get("pending", ""))
    if signed_in is None:
        return await journey.advance(request, op, pending, None)
    match form.get("decision"):
        case "allow":
            return await _allow(request, op, pending, signed_in, frozenset(form.several))
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
    ticked: frozenset[str],
) -> Response:
    """Only what this transaction asked for counts, whatever the form says (ASVS 10.7.1)."""
    asked = pending.request.asked
    required = frozenset(n for n in asked if n not in op.scopes or op.scopes[n].required)
    granted = approved(asked, required, ticked)
    if asked and not granted:
        return await deny(request, op, pending, signed_in)
    person, client_id = signed_in[1], pending.request.target.client_id
    former = await _former(op, signed_in, client_id)
    authorization = _authorization(op, former, pending, granted, signed_in)
    event = AuditEvent(
        event="consent",
        outcome="allowed",
        actor=person.sub,
        client_id=client_id,
        sub=person.sub,
        detail=" ".join(granted),
    )
    change = Change(
        verbs=(
            _once(pending),
            Require(kind="person", key=person.sub, epoch=person.epoch),
            Require(kind="client", key=client_id),
            Put(noun=authorization),
        ),
        audit=(event,),
    )
    await _commit(request, op, change)
    return await journey.advance(request, op, pending, signed_in, Answer(scope=granted))


def _authorization(
    op: Op,
    former: Authorization | None,
    pending: Pending,
    granted: tuple[str, ...],
    signed_in: journey.SignedIn,
) -> Authorization:
    """The former one with a new end where nothing changed in it; else a new one."""
    asked, now = pending.request.asked, op.now
    scope = remember(former.scope if former else (), asked, granted)
    fresh = op.env().fresh[:16].hex()
    same = former is not None and set(former.scope) == set(scope)
    return Authorization(
        authorization_id=former.authorization_id if former is not None and same else fresh,
        sub=signed_in[1].sub,
        client_id=pending.request.target.client_id,
        scope=scope,
        created_at=now,
        expires_at=ends(former, asked, now + op.settings.consent_lifetime),
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
    return Once(namespace="transaction", key=pending.transaction, expires_at=expires_at)


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
