"""The demo application "Daybook": a third party's web application, as its visitors see it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from troth.demo import journey, you
from troth.demo.daybook import Daybook
from troth.demo.pages import Pages
from troth.demo.plan import Credentials, Plan
from troth.demo.visits import Visit

_FOLDER: Final = Path(__file__).parent
_STATIC: Final = {"daybook.css": "text/css; charset=utf-8", "daybook.svg": "image/svg+xml"}

_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,1024}")

Action = Callable[[Daybook, Visit], Awaitable[Visit]]

# What can be done with a token; each is a button on the page.
_ACTIONS: Final[dict[str, Action]] = {
    "/call/notes": lambda daybook, visit: journey.call(daybook, visit, "notes"),
    "/call/calendar": lambda daybook, visit: journey.call(daybook, visit, "calendar"),
    "/refresh": journey.refresh,
    "/revoke": journey.revoke,
}


def create_application(plan: Plan, credentials: Credentials) -> ASGIApp:
    """An ASGI app for `plan.app`, and for no other host."""
    pages = Pages(Daybook(plan=plan, credentials=credentials))
    notes = _Notes(pages)
    routes = [
        Route("/", notes.home),
        Route("/connect", notes.connect, methods=["POST"]),
        Route("/callback", notes.callback),
        Route("/by-hand", notes.by_hand),
        Route("/expired", notes.expired, methods=["POST"]),
        Route("/reset", notes.reset, methods=["POST"]),
        *(Route(path, notes.doing(action), methods=["POST"]) for path, action in _ACTIONS.items()),
        *you.routes(pages),
        *(Route(f"/{name}", _static(name)) for name in _STATIC),
    ]
    return _OwnHost(Starlette(routes=routes), plan.app)


class _OwnHost:
    """Answers for one origin: a foreign name that points here, or a foreign form, gets nothing."""

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app = app
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            host = headers.get(b"host", b"").decode("latin-1")
            origin = headers.get(b"origin", self._origin.encode()).decode("latin-1")
            if f"http://{host}" != self._origin:
                answer: Response = RedirectResponse(self._origin + "/", 303)
                return await answer(scope, receive, send)
            if scope["method"] == "POST" and origin != self._origin:
                answer = PlainTextResponse("This form belongs to another site.\n", 403)
                return await answer(scope, receive, send)
        return await self._app(scope, receive, send)


def _static(name: str) -> Callable[[Request], Awaitable[Response]]:
    body = (_FOLDER / "static" / name).read_bytes()
    headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}

    async def file(_: Request) -> Response:
        return Response(body, media_type=_STATIC[name], headers=headers)

    return file


class _Notes:
    """The pages of somebody's notes: connected to Troth, or not."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._daybook = pages.daybook

    async def home(self, request: Request) -> Response:
        visit = self._pages.visit(request)
        token = visit.token or {}
        values = {
            "granted": frozenset(str(token.get("scope", "")).split()),
            "minutes": max(0, round((int(token.get("expires_at", 0)) - time()) / 60)),
            "claims": journey.token_claims(visit),
        }
        return self._pages.page(request, "home.html", values)

    async def connect(self, request: Request) -> Response:
        """Send the browser to the server; the visit begins anew, under a new id."""
        login = self._pages.visit(request).login
        self._pages.forget(request)
        visit = replace(journey.begin(self._daybook), login=login)
        assert visit.asked is not None
        return self._pages.remember(visit, None, visit.asked.url)

    async def callback(self, request: Request) -> Response:
        """The server sends the browser back, with a code or an error."""
        visit = self._pages.visit(request)
        answer = self._pages.answer(request, visit.asked)
        if answer is None:
            return self._pages.page(request, "not_asked.html", status=400)
        visit = await journey.answered(self._daybook, visit, str(request.url), answer)
        return self._pages.remember(visit, request, "/")

    async def by_hand(self, request: Request) -> Response:
        """Where the requests come back that somebody types by hand."""
        code = request.query_params.get("code", "")
        # It is copied into a shell: nothing that is not a code is offered for that.
        offered = code if _CODE.fullmatch(code) else ""
        values = {"code": offered, "error": request.query_params.get("error", "")[:60]}
        return self._pages.page(request, "by_hand.html", values)

    def doing(self, action: Action) -> Callable[[Request], Awaitable[Response]]:
        """A route for something that needs a token."""

        async def route(request: Request) -> Response:
            visit = self._pages.visit(request)
            if visit.token is None:
                return RedirectResponse("/", 303)
            visit = await action(self._daybook, visit)
            return self._pages.remember(visit, request, "/#since")

        return route

    async def expired(self, request: Request) -> Response:
        visit = await journey.expired(self._daybook, self._pages.visit(request))
        return self._pages.remember(visit, request, "/#since")

    async def reset(self, request: Request) -> Response:
        self._pages.forget(request)
        response = RedirectResponse("/", 303)
        response.delete_cookie(self._pages.cookie, httponly=True, samesite="lax")
        return response
