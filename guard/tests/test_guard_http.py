"""What an API answers, through Starlette and FastAPI (RFC 6750 §3)."""

from contextlib import asynccontextmanager
from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.spec import spec
from troth_guard import AccessToken

pytestmark = pytest.mark.anyio


def starlette(guard):
    @guard.require("read")
    async def things(request, token):
        return JSONResponse({"owner": token.sub})

    @guard.require("admin")
    async def admin(request, token):
        return JSONResponse({})

    return Starlette(routes=[Route("/things", things), Route("/admin", admin)])


def fastapi(guard):
    app = FastAPI()
    guard.install(app)

    @app.get("/things")
    async def things(token: Annotated[AccessToken, Depends(guard.scopes("read"))]):
        return {"owner": token.sub}

    @app.get("/admin")
    async def admin(token: Annotated[AccessToken, Depends(guard.scopes("admin"))]):
        return {}

    return app


@pytest.fixture(params=[starlette, fastapi], ids=["Starlette", "FastAPI"])
def framework(request):
    return request.param


@asynccontextmanager
async def api(framework, guard):
    transport = httpx2.ASGITransport(app=framework(guard))
    async with guard, httpx2.AsyncClient(transport=transport, base_url="http://api") as http:
        yield http


def bearer(token):
    return {"authorization": f"Bearer {token}"}


async def test_a_good_token_reaches_the_route(framework, issuer, clock):
    async with api(framework, issuer.guard(clock)) as http:
        response = await http.get("/things", headers=bearer(issuer.token()))
        assert (response.status_code, response.json()) == (200, {"owner": "person"})
        lower = {"authorization": f"bearer {issuer.token()}"}
        assert (await http.get("/things", headers=lower)).status_code == 200


@spec("RFC 6750 §3", "RFC 6750 §3.1")
async def test_without_credentials_it_says_how_and_no_error(framework, issuer, clock):
    async with api(framework, issuer.guard(clock)) as http:
        for headers in ({}, {"authorization": "Basic YTpi"}, {"authorization": ""}):
            response = await http.get("/things", headers=headers)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == 'Bearer realm="api"'


@spec("RFC 6750 §3.1")
async def test_a_bad_token_is_invalid_token(framework, issuer, clock):
    async with api(framework, issuer.guard(clock)) as http:
        for token in ("nonsense", issuer.token(aud="https://other.example")):
            response = await http.get("/things", headers=bearer(token))
            assert response.status_code == 401
            assert 'error="invalid_token"' in response.headers["www-authenticate"]
            assert response.json()["error"] == "invalid_token"
            assert response.headers["cache-control"] == "no-store"
            assert token not in response.text


@spec("RFC 6750 §3.1")
async def test_a_scope_that_was_not_granted_is_named(framework, issuer, clock):
    async with api(framework, issuer.guard(clock)) as http:
        response = await http.get("/admin", headers=bearer(issuer.token()))
        assert response.status_code == 403
        challenge = response.headers["www-authenticate"]
        assert 'error="insufficient_scope"' in challenge
        assert 'scope="admin"' in challenge


@spec("RFC 6750 §2", "RFC 6750 §2.1", "RFC 6750 §3.1")
async def test_malformed_credentials_are_invalid_request(framework, issuer, clock):
    good = issuer.token()
    async with api(framework, issuer.guard(clock)) as http:
        for headers in (
            [("authorization", f"Bearer {good}"), ("authorization", f"Bearer {good}")],
            [("authorization", "Bearer")],
            [("authorization", f"Bearer {good} more")],
            [("authorization", f"Bearer {good},")],
        ):
            response = await http.get("/things", headers=headers)
            assert response.status_code == 400, headers
            assert 'error="invalid_request"' in response.headers["www-authenticate"]


@spec("RFC 6750 §2.3")
async def test_a_token_in_the_address_is_never_used(framework, issuer, clock):
    async with api(framework, issuer.guard(clock)) as http:
        query = {"access_token": issuer.token()}
        assert (await http.get("/things", params=query)).status_code == 401
        both = await http.get("/things", params=query, headers=bearer(issuer.token()))
        assert both.status_code == 400


async def test_RS_05_while_nothing_can_be_verified_it_is_503(framework, issuer, clock):
    issuer.fails = {"/jwks"}
    async with api(framework, issuer.guard(clock)) as http:
        response = await http.get("/things", headers=bearer(issuer.token()))
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1


async def test_RS_10_the_route_decides_and_not_the_path(framework, issuer, clock):
    async with api(framework, issuer.guard(clock)) as http:
        for path in ("/admin/../things", "//admin", "/ADMIN", "/%61dmin"):
            response = await http.get(path, headers=bearer(issuer.token()))
            assert response.status_code in {200, 403, 404}
            assert response.status_code != 200 or response.json() == {"owner": "person"}


async def test_RS_11_where_to_read_on_comes_from_the_configuration(issuer, clock):
    address = "https://api.example/.well-known/oauth-protected-resource"
    guard = issuer.guard(clock, resource_metadata=address, realm="things")
    async with api(starlette, guard) as http:
        response = await http.get("/things", headers={"host": 'evil"example'})
    assert response.headers["www-authenticate"] == (
        f'Bearer realm="things", resource_metadata="{address}"'
    )


def test_a_route_that_cannot_be_protected_is_an_error(issuer, clock):
    guard = issuer.guard(clock)
    with pytest.raises(TypeError):
        guard.require("read")(lambda request, token: None)
    for wrong in ("two scopes", 'quo"te', ""):
        with pytest.raises(ValueError, match="scopes are names"):
            guard.require(wrong)
