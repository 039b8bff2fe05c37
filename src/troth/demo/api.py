"""The demo API: notes and a calendar, behind `troth-guard`. It asks about every token anew."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from troth.demo.plan import ClientCredentials, Plan
from troth_guard import AccessToken, Guard, Options

_NOTES = (
    "Return the lantern to the harbour museum",
    "Ask Grace about the moth in the relay",
    "Candles, ink, sealing wax",
)
_CALENDAR = (
    {"when": "Monday 09:30", "what": "Rowing, if the wind allows"},
    {"when": "Wednesday 18:00", "what": "Choir"},
    {"when": "Saturday", "what": "Nothing at all"},
)


def create_api(plan: Plan, own: ClientCredentials) -> Starlette:
    """An ASGI app whose tokens are asked about at the issuer, without any memory of the answer."""
    guard = Guard(
        issuer=plan.issuer,
        audience=plan.api,
        online=True,
        client_id=own.client_id,
        client_secret=own.client_secret,
        options=Options(realm="demo", cache_seconds=0),
    )

    async def index(_: Request) -> JSONResponse:
        routes = {"/notes": "needs the scope read_write", "/calendar": "needs the scope calendar"}
        return JSONResponse({"api": "the demo API", "routes": routes})

    @guard.require("read_write")
    async def notes(_: Request, token: AccessToken) -> JSONResponse:
        return _answer(token, "notes", _NOTES)

    @guard.require("calendar")
    async def calendar(_: Request, token: AccessToken) -> JSONResponse:
        return _answer(token, "calendar", _CALENDAR)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with guard:
            yield

    routes = [Route("/", index), Route("/notes", notes), Route("/calendar", calendar)]
    return Starlette(routes=routes, lifespan=lifespan)


def _answer(token: AccessToken, name: str, things: tuple[object, ...]) -> JSONResponse:
    """A person's things; an application that comes in its own name has none."""
    mine = list(things) if token.sub else []
    return JSONResponse({"owner": token.sub, name: mine}, headers={"cache-control": "no-store"})
