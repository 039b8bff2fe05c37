"""The demo application "Daybook": a third party's web application, as its visitors see it."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import time
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from troth.demo import journey
from troth.demo.daybook import Daybook
from troth.demo.plan import SCOPES, USERNAME, Credentials, Plan
from troth.demo.visits import Visit, Visits

COOKIE: Final = "daybook"
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
    pages = _Pages(Daybook(plan=plan, credentials=credentials))
    routes = [
        Route("/", pages.home),
        Route("/connect", pages.connect, methods=["POST"]),
        Route("/callback", pages.callback),
        Route("/by-hand", pages.by_hand),
        Route("/expired", pages.expired, methods=["POST"]),
        Route("/reset", pages.reset, methods=["POST"]),
        *(Route(path, pages.doing(action), methods=["POST"]) for path, action in _ACTIONS.items()),
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


class _Pages:
    """The routes of the application over its visits."""

    def __init__(self, daybook: Daybook) -> None:
        self._daybook = daybook
        self._visits = Visits()
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(plan=daybook.plan, scopes=SCOPES, username=USERNAME)

    async def home(self, request: Request) -> Response:
        visit = self._visit(request)
        token = visit.token or {}
        return self._page(
            "home.html",
            visit=visit,
            granted=frozenset(str(token.get("scope", "")).split()),
            minutes=max(0, round((int(token.get("expires_at", 0)) - time()) / 60)),
            claims=journey.token_claims(visit),
        )

    async def connect(self, request: Request) -> Response:
        """Send the browser to the server; the visit begins anew, under a new id."""
        self._visits.forget(request.cookies.get(COOKIE))
        visit = journey.begin(self._daybook)
        assert visit.asked is not None
        return self._remember(visit, None, visit.asked.url)

    async def callback(self, request: Request) -> Response:
        """The server sends the browser back, with a code or an error."""
        visit = self._visit(request)
        pairs = request.query_params.multi_items()
        answer = dict(pairs)
        if len(answer) != len(pairs) or not journey.is_answer(self._daybook, visit, answer):
            return self._page("not_asked.html", status=400)
        visit = await journey.answered(self._daybook, visit, str(request.url), answer)
        return self._remember(visit, request, "/")

    async def by_hand(self, request: Request) -> Response:
        """Where the requests come back that somebody types by hand."""
        code = request.query_params.get("code", "")
        return self._page(
            "by_hand.html",
            # It is copied into a shell: nothing that is not a code is offered for that.
            code=code if _CODE.fullmatch(code) else "",
            error=request.query_params.get("error", "")[:60],
        )

    def doing(self, action: Action) -> Callable[[Request], Awaitable[Response]]:
        """A route for something that needs a token."""

        async def route(request: Request) -> Response:
            visit = self._visit(request)
            if visit.token is None:
                return RedirectResponse("/", 303)
            return self._remember(await action(self._daybook, visit), request, "/#since")

        return route

    async def expired(self, request: Request) -> Response:
        visit = await journey.expired(self._daybook, self._visit(request))
        return self._remember(visit, request, "/#since")

    async def reset(self, request: Request) -> Response:
        self._visits.forget(request.cookies.get(COOKIE))
        response = RedirectResponse("/", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response

    def _visit(self, request: Request) -> Visit:
        return self._visits.get(request.cookies.get(COOKIE))

    def _remember(self, visit: Visit, request: Request | None, url: str) -> Response:
        known = request.cookies.get(COOKIE) if request is not None else None
        response = RedirectResponse(url, 303)
        visit_id = self._visits.put(known, visit)
        response.set_cookie(COOKIE, visit_id, httponly=True, samesite="lax")
        return response

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        html = self._templates.get_template(template).render(**values)
        return HTMLResponse(html, status, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        # The answer to the form that connects is a redirect to the server.
        form_action = f"form-action 'self' {self._daybook.plan.issuer}"
        return {
            "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
            f"{form_action}; base-uri 'none'; frame-ancestors 'none'",
            "cache-control": "no-store",
            "cross-origin-opener-policy": "same-origin",
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
        }
