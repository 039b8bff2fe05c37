"""The guard in front of Starlette and FastAPI routes: what a route demands stands at the route.

The decision is taken where the framework has already matched the route, never on a raw path.
"""

import inspect
from collections.abc import Awaitable, Callable, Collection
from functools import wraps
from typing import TYPE_CHECKING, TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from troth_guard.bearer import check_scopes
from troth_guard.values import AccessToken, Refused

if TYPE_CHECKING:
    from troth_guard.guard import Guard

Endpoint: TypeAlias = Callable[[Request, AccessToken], Awaitable[Response]]
Route: TypeAlias = Callable[[Request], Awaitable[Response]]
Dependency: TypeAlias = Callable[[Request], Awaitable[AccessToken]]


class Denied(HTTPException):
    """A refusal on its way through FastAPI, with the right status and header in any case."""

    def __init__(self, refused: Refused) -> None:
        headers = {name: value for name, value in refused.headers if name != "content-type"}
        super().__init__(refused.status, detail="access denied", headers=headers)
        self.refused = refused


def install(app: Starlette) -> None:
    """Let the application answer `Denied` with the body of RFC 6750 §3 as well."""
    app.add_exception_handler(Denied, _answer_denied)


async def _answer_denied(_request: Request, denied: Exception) -> Response:
    assert isinstance(denied, Denied)
    return _answer(denied.refused)


def require(guard: "Guard", scopes: Collection[str]) -> Callable[[Endpoint], Route]:
    """Wrap an `async def endpoint(request, token)` (RFC 6750 §3). Raises ValueError, TypeError."""
    needed = check_scopes(scopes)

    def protect(endpoint: Endpoint) -> Route:
        if not inspect.iscoroutinefunction(endpoint):
            raise TypeError("a protected endpoint is an async function")

        @wraps(endpoint)
        async def protected(request: Request) -> Response:
            try:
                token = await _check(guard, needed, request)
            except Refused as refused:
                return _answer(refused)
            return await endpoint(request, token)

        return protected

    return protect


def dependency(guard: "Guard", scopes: Collection[str]) -> Dependency:
    """A FastAPI dependency that is the token (RFC 6750 §3). Raises ValueError."""
    needed = check_scopes(scopes)

    async def access_token(request: Request) -> AccessToken:
        try:
            return await _check(guard, needed, request)
        except Refused as refused:
            raise Denied(refused) from None

    return access_token


async def _check(guard: "Guard", needed: tuple[str, ...], request: Request) -> AccessToken:
    query = request.scope.get("query_string", b"")
    return await guard.check(request.headers.getlist("authorization"), needed, query=query)


def _answer(refused: Refused) -> Response:
    return Response(refused.body, refused.status, headers=dict(refused.headers))
