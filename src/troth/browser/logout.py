"""Logging out by the person's own wish: asked first, then it holds for every process."""

from troth.browser import ending, forms
from troth.browser.pages.views import LoggedOutPage, LogoutPage
from troth.http import Cost, PageOptions, Request, Response, page
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD", "POST")
cost = Cost.DATABASE


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/logout",)


async def handle(request: Request, op: Op) -> Response:
    there = await forms.held(request, op)
    if not there:
        return page(200, op.pages.render(LoggedOutPage()))
    session, person = there[0].session, there[0].person
    if request.method != "POST":
        browser, cookies = forms.recognised(request, op)
        token = forms.form_token(op, browser, session.session_id)
        view = LogoutPage(form_token=token, account_name=person.name)
        return page(200, op.pages.render(view), PageOptions(extra=cookies))
    forms.read_form(request, op, session.session_id)
    return ending.told(op, await ending.end_all(request, op), LoggedOutPage())
