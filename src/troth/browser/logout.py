"""Logging out: asked first, then the session ends on every process."""

from troth.browser import forms
from troth.browser.pages.views import LoggedOutPage, LogoutPage
from troth.http import Cost, Headers, PageOptions, Request, Response, page
from troth.model.change import AuditEvent, Change, Revoke
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD", "POST")
cost = Cost.DATABASE

_CLEAR: Headers = ((b"clear-site-data", b'"cache", "cookies", "storage"'),)


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/logout",)


async def handle(request: Request, op: Op) -> Response:
    signed_in = await forms.signed_in(request, op)
    if signed_in is None:
        return page(200, op.pages.render(LoggedOutPage()))
    session, person = signed_in
    if request.method != "POST":
        browser = forms.browser_id(request, op)
        cookies: Headers = ()
        if browser is None:
            browser, cookies = forms.new_browser(op)
        token = forms.form_token(op, browser, session.session_id)
        view = LogoutPage(form_token=token, account_name=person.name)
        return page(200, op.pages.render(view), PageOptions(extra=cookies))
    forms.read_form(request, op, session.session_id)
    event = AuditEvent(event="logout", outcome="ok", actor=person.sub, sub=person.sub)
    end = Revoke(kind="session", key=session.session_id, at=op.now)
    await op.store.commit(Change(verbs=(end,), audit=(event,)), request_id=request.request_id)
    return page(200, op.pages.render(LoggedOutPage()), PageOptions(extra=_CLEAR))
