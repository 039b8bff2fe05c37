"""Signing out of this browser: every account in it, and every application that was used with one.

Who is told by another server's request is written with the end of the sessions itself; here are
those that are told in frames of this browser (OIDC Front-Channel Logout §3).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from troth.browser import forms
from troth.browser.pages.views import LoggedOutPage
from troth.http import Headers, PageOptions, Request, Response, page, redirect
from troth.model.change import AuditEvent, Change, Done, Revoke
from troth.op import Op
from troth.rules import logout

# Another tab may end one of them at the same moment.
_TRIES = 3

# Not "cookies": browsers would clear them for the whole site, applications on its hosts included.
_CLEAR: Headers = ((b"clear-site-data", b'"cache", "storage"'),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the answer must bring along: headers, and the addresses that frames load.

    `happened` is False where nobody was signed in: then a link from anywhere has led here, and
    must not make a browser forget anything.
    """

    happened: bool = False
    cookies: Headers = ()
    frames: tuple[str, ...] = ()


async def end_all(request: Request, op: Op, client_id: str = "") -> Ended:
    """End every login session of this browser; `client_id` is who proved that they ask for it."""
    ended: Sequence[str] = ()
    for _ in range(_TRIES):
        there = sorted(await forms.held(request, op), key=lambda one: one.session.session_id)
        change = Change(
            verbs=tuple(
                Revoke(kind="session", key=one.session.session_id, at=op.now) for one in there
            ),
            audit=tuple(_event(one.person.sub, client_id) for one in there),
        )
        if not there or isinstance(await _commit(request, op, change), Done):
            ended = [one.session.session_id for one in there]
            break
    cookies = forms.clear_session(request, op) + forms.moved_state(request, op, None)
    return Ended(happened=True, cookies=cookies, frames=await _frames(op, ended))


def told(op: Op, ended: Ended, view: LoggedOutPage) -> Response:
    """The page after a logout, which tells applications in frames, or the way back to one."""
    view = replace(view, frames=ended.frames)
    extra = ended.cookies
    if ended.happened:
        extra += _CLEAR
    if view.continue_url is not None and not view.frames:
        return redirect(view.continue_url, extra)
    options = PageOptions(script=view.goes_on, frames=view.frames, extra=extra)
    return page(200, op.pages.render(view), options)


async def _commit(request: Request, op: Op, change: Change) -> object:
    return await op.store.commit(change, request_id=request.request_id)


def _event(sub: str, client_id: str) -> AuditEvent:
    return AuditEvent(event="logout", outcome="ok", actor=sub, sub=sub, client_id=client_id)


async def _frames(op: Op, ended: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for session_id in ended:
        for client_id in await op.store.clients_of_session(session_id):
            client = await op.store.client(client_id)
            if client is None or client.disabled:
                continue
            address = logout.front_channel(client, op.settings.issuer, session_id)
            found += [address] if address is not None else []
    return tuple(dict.fromkeys(found))
