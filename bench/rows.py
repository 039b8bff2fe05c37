"""The rows of the table: what a client asks of Troth, and of the limit, and in which order."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx2

from bench.load import Script, get, post
from bench.servers import LimitServer, TrothServer
from tests.harness import Browser, OAuthClient

CONNECTIONS = 32
# Codes and tokens that are used once are made before they are measured: so many for a round.
NUMBER = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`prepare` is not measured; it gives a script for each connection."""

    name: str
    troth: Callable[[TrothServer, int], list[Script]]
    limit: Callable[[LimitServer, int], list[Script]] | None


def same(request: bytes) -> Script:
    while True:
        yield request


def each(requests: Iterator[bytes]) -> Script:
    for request in requests:
        _ = yield request


def refreshing(first: str, ask: Callable[[str], bytes]) -> Script:
    token = first
    while True:
        answer = yield ask(token)
        body = answer.partition(b"\r\n\r\n")[2]
        token = json.loads(body).get("refresh_token", token)


class Prepared:
    """Clients, a person and a browser of one Troth, made once for all rows."""

    def __init__(self, server: TrothServer) -> None:
        troth = server.troth
        self.host = troth.issuer.partition("://")[2]
        self.person = troth.person()
        self.browser = Browser(troth)
        machine = ("--grant-type", "client_credentials")
        self.machine = troth.client(*machine, name="Bench Machine")
        self.machine_opaque = troth.client(*machine, "--access-token", "opaque", name="Bench Box")
        self.client = troth.client(name="Bench App")
        self.opaque = troth.client("--access-token", "opaque", name="Bench Opaque")

    def codes(self, client: OAuthClient, number: int) -> list[str]:
        return [client.code(self.person, self.browser) for _ in range(number)]

    def tokens(self, client: OAuthClient) -> dict[str, Any]:
        found: dict[str, Any] = client.tokens(self.person, self.browser)
        return found

    def post(self, path: str, client: OAuthClient, **form: str) -> bytes:
        return post(self.host, path, {**form, **client.credentials()})


@lru_cache(maxsize=8)
def prepared(server: TrothServer) -> Prepared:
    return Prepared(server)


def jwks(server: TrothServer, _: int) -> list[Script]:
    request = get(prepared(server).host, "/oauth/jwks")
    return [same(request) for _ in range(CONNECTIONS)]


def credentials(which: str) -> Callable[[TrothServer, int], list[Script]]:
    def prepare(server: TrothServer, _: int) -> list[Script]:
        p = prepared(server)
        form = {"grant_type": "client_credentials", "scope": "read_write"}
        request = p.post("/oauth/token", getattr(p, which), **form)
        return [same(request) for _ in range(CONNECTIONS)]

    return prepare


def exchange(which: str) -> Callable[[TrothServer, int], list[Script]]:
    def prepare(server: TrothServer, number: int) -> list[Script]:
        p = prepared(server)
        client = getattr(p, which)
        form = {"grant_type": "authorization_code", "redirect_uri": client.redirect_uri}
        requests = [
            p.post("/oauth/token", client, code=code, **form) for code in p.codes(client, number)
        ]
        return [each(iter(requests[n::CONNECTIONS])) for n in range(CONNECTIONS)]

    return prepare


def refresh(which: str) -> Callable[[TrothServer, int], list[Script]]:
    def prepare(server: TrothServer, _: int) -> list[Script]:
        p = prepared(server)
        client = getattr(p, which)

        def ask(token: str) -> bytes:
            return p.post("/oauth/token", client, grant_type="refresh_token", refresh_token=token)

        return [refreshing(p.tokens(client)["refresh_token"], ask) for _ in range(CONNECTIONS)]

    return prepare


def introspect(which: str) -> Callable[[TrothServer, int], list[Script]]:
    def prepare(server: TrothServer, _: int) -> list[Script]:
        p = prepared(server)
        client = getattr(p, which)
        tokens = [p.tokens(client)["access_token"] for _ in range(CONNECTIONS)]
        return [same(p.post("/oauth/introspect", client, token=token)) for token in tokens]

    return prepare


def revoke(server: TrothServer, number: int) -> list[Script]:
    p = prepared(server)
    tokens = [p.tokens(p.client)["refresh_token"] for _ in range(number)]
    requests = [p.post("/oauth/revoke", p.client, token=token) for token in tokens]
    return [each(iter(requests[n::CONNECTIONS])) for n in range(CONNECTIONS)]


def authorize(server: TrothServer, _: int) -> list[Script]:
    p = prepared(server)
    p.tokens(p.client)
    cookies = "; ".join(f"{c.name}={c.value}" for c in p.browser.http.cookies.jar)
    path = "/oauth/authorize?" + urlencode(p.client.parameters())
    request = get(p.host, path, f"Cookie: {cookies}\r\n")
    return [same(request) for _ in range(CONNECTIONS)]


def _limit_same(path: str, **form: str) -> Callable[[LimitServer, int], list[Script]]:
    def prepare(server: LimitServer, _: int) -> list[Script]:
        filled = {name: _seed(server, value) for name, value in form.items()}
        request = post("limit", path, filled) if form else get("limit", path)
        return [same(request) for _ in range(CONNECTIONS)]

    return prepare


def _seed(server: LimitServer, value: str) -> str:
    base = f"http://127.0.0.1:{server.port}"
    if value == "(code)":
        return httpx2.get(base + "/seed", trust_env=False).text
    if value == "(jwt)":
        answer = httpx2.post(base + "/client", data={"a": "b"}, trust_env=False)
        return str(answer.json()["access_token"])
    return value


def _limit_each(path: str, name: str) -> Callable[[LimitServer, int], list[Script]]:
    def prepare(server: LimitServer, number: int) -> list[Script]:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as http:
            codes = [http.get("/seed").text for _ in range(number)]
        more = {"client_id": "b" * 22, "client_secret": "s" * 43}
        requests = [post("limit", path, {name: code, **more}) for code in codes]
        return [each(iter(requests[n::CONNECTIONS])) for n in range(CONNECTIONS)]

    return prepare


def _limit_refresh(server: LimitServer, _: int) -> list[Script]:
    more = {"grant_type": "refresh_token", "client_id": "b" * 22, "client_secret": "s" * 43}

    def ask(token: str) -> bytes:
        return post("limit", "/refresh", {"refresh_token": token, **more})

    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as http:
        firsts = [
            http.post("/code", data={"code": http.get("/seed").text}).json()["refresh_token"]
            for _ in range(CONNECTIONS)
        ]
    return [refreshing(first, ask) for first in firsts]


_MACHINE = {"grant_type": "client_credentials", "client_id": "b" * 22, "client_secret": "s" * 43}
_ASKING = {"client_id": "b" * 22, "client_secret": "s" * 43}

ROWS = (
    Row(name="key set", troth=jwks, limit=_limit_same("/jwks")),
    Row(
        name="client_credentials, ES256",
        troth=credentials("machine"),
        limit=_limit_same("/client", **_MACHINE),
    ),
    Row(
        name="client_credentials, opaque",
        troth=credentials("machine_opaque"),
        limit=_limit_same("/client_opaque", **_MACHINE),
    ),
    Row(name="code exchange, ES256", troth=exchange("client"), limit=_limit_each("/code", "code")),
    Row(name="code exchange, opaque", troth=exchange("opaque"), limit=None),
    Row(name="refresh, ES256", troth=refresh("client"), limit=_limit_refresh),
    Row(name="refresh, opaque", troth=refresh("opaque"), limit=None),
    Row(
        name="introspection, ES256",
        troth=introspect("client"),
        limit=_limit_same("/introspect_jwt", token="(jwt)", **_ASKING),
    ),
    Row(
        name="introspection, opaque",
        troth=introspect("opaque"),
        limit=_limit_same("/introspect_opaque", token="(code)", **_ASKING),
    ),
    Row(name="revocation", troth=revoke, limit=_limit_each("/revoke", "token")),
    Row(name="authorize, logged in and consented", troth=authorize, limit=None),
)
