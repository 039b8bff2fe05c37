"""A frame that tells applications whether anything changed (OIDC Session Management §3.3).

It answers by itself, from the cookie with the browser's state; nothing is asked of the server.
"""

from collections.abc import Mapping

from troth.browser import forms
from troth.browser.pages.views import CheckSessionPage
from troth.cookies import cookie_name
from troth.http import Cost, Request, Response, framed_page
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD")
cors: bool = False
cost = Cost.CHEAP


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/oauth/check_session",)


def members(settings: Settings) -> Mapping[str, object]:
    return {"check_session_iframe": settings.issuer + "/oauth/check_session"}


async def handle(request: Request, op: Op) -> Response:
    name = cookie_name(forms.STATE, secure=op.settings.secure)
    return framed_page(op.pages.render(CheckSessionPage(cookie=name)))
