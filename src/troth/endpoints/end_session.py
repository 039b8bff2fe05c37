"""An application asks to sign a person out (OIDC RP-Initiated Logout 1.0). The person decides.

Where a request is wrong, a page says so and leads nowhere. Where it is right it travels sealed: a
form that another site posts brings no cookies, and an ID token stays out of our own addresses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from troth.browser import answer, ending, forms, journey
from troth.browser.pages.views import EndSessionPage, LoggedOutPage
from troth.errors import OAuthError, PageError
from troth.http import (
    Cost,
    Form,
    PageOptions,
    Request,
    Response,
    page,
    parse_form,
    parse_parameters,
    redirect,
)
from troth.model.client import RegisteredClient
from troth.op import Op
from troth.rules import logout
from troth.settings import Settings
from troth.signing import seal

methods: tuple[str, ...] = ("GET", "POST")
cors: bool = False
cost = Cost.DATABASE

LONGEST_REQUEST = 8 * 1024
LONGEST_STATE = 4 * 1024
_LIFETIME = 3600


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/oauth/end_session",)


def members(settings: Settings) -> Mapping[str, object]:
    return {
        "end_session_endpoint": settings.issuer + "/oauth/end_session",
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A request that was checked. `proven` tells that an ID token of the client came with it."""

    client_id: str | None
    proven: bool
    redirect_uri: str | None
    state: str | None
    asked_at: int


async def handle(request: Request, op: Op) -> Response:
    if request.method == "POST":
        form = _read(lambda: parse_form(request))
        if "ending" in form:
            return await _answered(request, op, form)
        asked = await _checked(form, op)
        return redirect(f"{op.settings.issuer}/oauth/end_session?ending={_sealed(op, asked)}")
    if len(request.query) > LONGEST_REQUEST:
        raise _page(f"the request has {len(request.query)} bytes", status=414)
    form = _read(lambda: parse_parameters(request.query))
    asked = _opened(op, form["ending"]) if "ending" in form else await _checked(form, op)
    return await _ask(request, op, asked)


def _read(parse: Callable[[], Form]) -> Form:
    try:
        form = parse()
    except OAuthError as error:
        raise _page(error.reason, status=error.status) from None
    if form.repeated:
        raise _page(f"repeated: {sorted(form.repeated)[:10]}")
    return form


async def _checked(form: Form, op: Op) -> Ending:
    """The request of §2, or a page: an answer goes to what the known client registered only."""
    client, proven = await _client(form, op)
    uri, state = form.get("post_logout_redirect_uri"), form.get("state")
    if state is not None and len(state) > LONGEST_STATE:
        raise _page(f"state has {len(state)} characters", status=414)
    if uri is not None and client is None:
        raise _page("post_logout_redirect_uri without id_token_hint and client_id")
    if uri is not None and client is not None and not logout.registered(client, uri):
        raise _page(f"the post_logout_redirect_uri {uri[:300]!r} is not registered")
    return Ending(
        client_id=client.client_id if client is not None else None,
        proven=proven,
        redirect_uri=uri,
        state=state if uri is not None else None,
        asked_at=op.now,
    )


async def _client(form: Form, op: Op) -> tuple[RegisteredClient | None, bool]:
    """Who asks, and whether an ID token of theirs proves it; it may have expired (§2)."""
    named, text = form.get("client_id"), form.get("id_token_hint")
    if text is not None:
        hint = op.id_token_hint(text)
        if hint is None:
            raise _page("id_token_hint is no ID token of this server")
        if named is not None and named not in hint.aud:
            raise _page("client_id is not the one that the id_token_hint was issued to")
        named = named or hint.aud[0]
    if named is None:
        return None, False
    client = await op.store.client(named) if len(named) <= 256 else None
    if client is None or client.disabled:
        raise _page(f"the client {named[:80]!r} is not registered, or disabled")
    return client, text is not None


def _sealed(op: Op, asked: Ending) -> str:
    return op.ring.sealer.seal(seal.ENDING, asked)


def _opened(op: Op, text: str) -> Ending:
    asked = op.ring.sealer.open(seal.ENDING, text, Ending)
    if asked is None:
        raise _page("the request was not sealed here")
    if op.now >= asked.asked_at + _LIFETIME:
        raise _page("the request has expired")
    return asked


async def _ask(request: Request, op: Op, asked: Ending) -> Response:
    """Nobody is signed out by a link alone (§2): the person who is signed in is asked."""
    there = await forms.held(request, op)
    if not there:
        return await _leave(op, asked, ending.Ended())
    browser, cookies = forms.recognised(request, op)
    client = await op.store.client(asked.client_id) if asked.client_id and asked.proven else None
    view = EndSessionPage(
        form_token=forms.form_token(op, browser, there[0].session.session_id),
        ending=_sealed(op, asked),
        account_name=there[0].person.name,
        client_name=client.client_name if client is not None else None,
    )
    targets = answer.onward(asked.redirect_uri) if asked.redirect_uri else ()
    return page(200, op.pages.render(view), PageOptions(form_targets=targets, extra=cookies))


async def _answered(request: Request, op: Op, form: Form) -> Response:
    there = await forms.held(request, op)
    if there:
        forms.read_form(request, op, there[0].session.session_id)
    asked = _opened(op, form["ending"])
    if not there:  # pressed twice, or ended elsewhere meanwhile: there is nothing left to do
        return await _leave(op, asked, ending.Ended())
    if form.get("decision") == "stay":
        return journey.to_own_page(op, "/account")
    by = asked.client_id if asked.proven else None
    return await _leave(op, asked, await ending.end_all(request, op, by or ""))


async def _leave(op: Op, asked: Ending, ended: ending.Ended) -> Response:
    """Back to the application, if its address is still registered; else a page."""
    uri, client_id = asked.redirect_uri, asked.client_id
    client = await op.store.client(client_id) if client_id and uri else None
    if client is None or client.disabled or not logout.registered(client, uri or ""):
        return ending.told(op, ended, LoggedOutPage())
    back = logout.back_to(uri or "", asked.state)
    view = LoggedOutPage(continue_url=back, client_name=client.client_name)
    return ending.told(op, ended, view)


def _page(reason: str, *, status: int = 400) -> PageError:
    return PageError(
        "invalid_request",
        "You were not signed out",
        "The application that sent you here made a mistake in its request, so nothing was done. "
        "You can sign out on your account page.",
        reason=reason,
        status=status,
    )
