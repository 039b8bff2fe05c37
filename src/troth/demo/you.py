"""The pages about who is there: log in with Troth, stay, and sign out everywhere."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from troth.demo import login, told
from troth.demo.pages import Pages

# How a person may be asked, by the button that asks so (OIDC Core §3.1.2.1).
_PROMPTS = {
    "/you/log-in": "",
    "/you/still": "none",
    "/you/password": "login",
    "/you/somebody-else": "select_account",
}


def routes(pages: Pages) -> list[Route]:
    """Everything below `/you`."""
    here = _You(pages)
    return [
        Route("/you", here.show),
        *(Route(path, here.ask, methods=["POST"]) for path in _PROMPTS),
        Route("/you/callback", here.callback),
        Route("/you/forget", here.forget, methods=["POST"]),
        Route("/you/sign-out", here.sign_out, methods=["POST"]),
        Route("/you/goodbye", here.goodbye),
    ]


class _You:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._daybook = pages.daybook

    async def show(self, request: Request) -> Response:
        known = self._pages.visit(request).login
        values = {
            "claims": told.claims(known.claims) if known else (),
            "person": told.claims(known.person) if known else (),
            "since": told.clock(known.claims.get("auth_time")) if known else "",
        }
        return self._pages.page(request, "you.html", values)

    async def ask(self, request: Request) -> Response:
        """Send the browser to the server, which says who is there."""
        visit = self._pages.visit(request)
        visit = await login.begin(self._daybook, visit, _PROMPTS[request.url.path])
        assert visit.login is not None
        url = visit.login.asked.url if visit.login.asked else "/you"
        return self._pages.remember(visit, request, url)

    async def callback(self, request: Request) -> Response:
        """The server sends the browser back. Who is logged in has a visit of a new id."""
        visit = self._pages.visit(request)
        answer = self._pages.answer(request, visit.login.asked if visit.login else None)
        if answer is None:
            return self._pages.page(request, "not_asked.html", status=400)
        visit = await login.answered(self._daybook, visit, str(request.url), answer)
        self._pages.forget(request)
        return self._pages.remember(visit, None, "/you")

    async def forget(self, request: Request) -> Response:
        """Log out of this application alone."""
        visit = replace(self._pages.visit(request), login=None)
        return self._pages.remember(visit, request, "/you")

    async def sign_out(self, request: Request) -> Response:
        """Forget who is there, and send the browser to the server to be forgotten there too."""
        visit = self._pages.visit(request)
        if visit.login is None or not visit.login.id_token:
            return RedirectResponse("/you", 303)
        visit = await login.leave(self._daybook, visit)
        assert visit.login is not None
        assert visit.login.asked is not None
        return self._pages.remember(visit, request, visit.login.asked.url)

    async def goodbye(self, request: Request) -> Response:
        state = request.query_params.get("state", "")
        visit = login.left(self._pages.visit(request), state)
        return self._pages.remember(visit, request, "/you")
