"""The page on which a person picks one of several accounts (`prompt=select_account`)."""

from dataclasses import replace

from troth.browser import consent, forms, journey, words
from troth.browser.pages.views import AccountLine, SelectAccountPage
from troth.errors import PageError
from troth.http import Cost, Request, Response, parse_parameters
from troth.model.request import Pending
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD", "POST")
cost = Cost.DATABASE


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/select",)


async def handle(request: Request, op: Op) -> Response:
    there = await forms.accounts(request, op)
    if request.method == "POST":
        return await _pick(request, op, there)
    text = parse_parameters(request.query).get("pending", "")
    pending = journey.open_pending(request, op, text)
    if not there:
        return await journey.advance(request, op, pending, None)
    client = await journey.registered(op, pending.request.target)
    view = SelectAccountPage(
        form_token=forms.form_token(op, pending.browser, there[0].session.session_id),
        pending=text,
        client_name=client.client_name,
        accounts=tuple(_line(op, one) for one in there),
    )
    return journey.shown(pending, op.pages.render(view))


def _line(op: Op, account: forms.Account) -> AccountLine:
    return AccountLine(
        reference=account.session.session_id,
        name=str(account.person.claims.get("name") or account.person.name),
        email=account.person.email,
        since=f"signed in {words.moment(account.session.authenticated_at, op.now)}",
    )


async def _pick(request: Request, op: Op, there: tuple[forms.Account, ...]) -> Response:
    form = forms.read_form(request, op, there[0].session.session_id if there else "")
    pending = journey.open_pending(request, op, form.get("pending", ""))
    if not there:
        return await journey.advance(request, op, pending, None)
    match form.get("decision"):
        case "deny":
            return await consent.deny(request, op, pending, (there[0].session, there[0].person))
        case "another":
            return journey.to_page(op, "/login", replace(pending, another=True))
    picked = next((o for o in there if o.session.session_id == form.get("session")), None)
    if picked is None:
        raise PageError(
            "invalid_request",
            "No account was picked",
            "The account that you picked is no longer signed in here. Go back and pick one.",
            reason="the session is none of this browser's",
        )
    return await _use(request, op, pending, picked, there)


async def _use(
    request: Request,
    op: Op,
    pending: Pending,
    picked: forms.Account,
    there: tuple[forms.Account, ...],
) -> Response:
    """The picked account is the one in use from now on; the others stay signed in."""
    others = (one.secret for one in there if one is not picked)
    cookies = forms.session_cookie(op, [picked.secret, *others])
    moved = forms.moved_state(request, op, picked.session)
    chosen = replace(pending, chosen=picked.session.session_id, another=False)
    response = await journey.advance(request, op, chosen, (picked.session, picked.person))
    return response.adding(cookies + moved)
