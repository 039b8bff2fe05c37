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
    limit: Callable[[LimitServer, int], list[Script]]
    parts: str


def same(request: bytes) -> Script:
    while True:
        yield request


def each(requests: Iterator[bytes]) -> Script:
    for request in requests:
        _ = yield request


def _spread(requests: list[bytes]) -> list[Script]:
    return [each(iter(requests[n::CONNECTIONS])) for n in range(CONNECTIONS)]


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
        return _spread(requests)

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
    return _spread(requests)


def authorize(server: TrothServer, _: int) -> list[Script]:
    p = prepared(server)
    p.tokens(p.client)
    cookies = "; ".join(f"{c.name}={c.value}" for c in p.browser.http.cookies.jar)
    path = "/oauth/authorize?" + urlencode(p.client.parameters())
    request = get(p.host, path, f"Cookie: {cookies}\r\n")
    return [same(request) for _ in range(CONNECTIONS)]


def _http(server: LimitServer) -> httpx2.Client:
    return httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False)


def _limit_same(path: str, **form: str) -> Callable[[LimitServer, int], list[Script]]:
    def prepare(server: LimitServer, _: int) -> list[Script]:
        request = post("limit", path, form) if form else get("limit", path)
        return [same(request) for _ in range(CONNECTIONS)]

    return prepare


def _limit_tokens(server: LimitServer, number: int, path: str = "/code") -> list[dict[str, str]]:
    with _http(server) as http:
        return [
            http.post(path, data={"code": http.get("/seed").text}).json() for _ in range(number)
        ]


def _limit_introspect(path: str, code: str) -> Callable[[LimitServer, int], list[Script]]:
    def prepare(server: LimitServer, _: int) -> list[Script]:
        tokens = [one["access_token"] for one in _limit_tokens(server, CONNECTIONS, code)]
        return [same(post("limit", path, {"token": token, **_ASKING})) for token in tokens]

    return prepare


def _limit_code(path: str) -> Callable[[LimitServer, int], list[Script]]:
    def prepare(server: LimitServer, number: int) -> list[Script]:
        with _http(server) as http:
            codes = [http.get("/seed").text for _ in range(number)]
        return _spread([post("limit", path, {"code": code, **_CODE}) for code in codes])

    return prepare


def _limit_revoke(server: LimitServer, number: int) -> list[Script]:
    tokens = [one["refresh_token"] for one in _limit_tokens(server, number)]
    return _spread([post("limit", "/revoke", {"token": token, **_ASKING}) for token in tokens])


def _limit_refresh(path: str) -> Callable[[LimitServer, int], list[Script]]:
    def ask(token: str) -> bytes:
        more = {"grant_type": "refresh_token", **_ASKING}
        return post("limit", path, {"refresh_token": token, **more})

    def prepare(server: LimitServer, _: int) -> list[Script]:
        firsts = [one["refresh_token"] for one in _limit_tokens(server, CONNECTIONS)]
        return [refreshing(first, ask) for first in firsts]

    return prepare


def _limit_authorize(_server: LimitServer, _: int) -> list[Script]:
    asked = {
        "response_type": "code", "client_id": "b" * 22, "redirect_uri": "https://app.example/cb",
        "scope": "read_write", "state": "canary-state",
    }  # fmt: skip
    return [same(get("limit", "/authorize?" + urlencode(asked))) for _ in range(CONNECTIONS)]


_ASKING = {"client_id": "b" * 22, "client_secret": "s" * 43}
_MACHINE = {"grant_type": "client_credentials", **_ASKING}
_CODE = {
    "grant_type": "authorization_code", "redirect_uri": "https://app.example/cb", **_ASKING
}  # fmt: skip

# `parts` are what the limit's answer is the sum of, beside the answer of fixed bytes.
ROWS = (
    Row(name="key set", troth=jwks, limit=_limit_same("/jwks"), parts=""),
    Row(
        name="client_credentials, ES256",
        troth=credentials("machine"),
        limit=_limit_same("/client", **_MACHINE),
        parts="parse sign",
    ),
    Row(
        name="client_credentials, opaque",
        troth=credentials("machine_opaque"),
        limit=_limit_same("/client_opaque", **_MACHINE),
        parts="parse seal",
    ),
    Row(
        name="code exchange, ES256",
        troth=exchange("client"),
        limit=_limit_code("/code"),
        parts="parse unseal redeem sign seal",
    ),
    Row(
        name="code exchange, opaque",
        troth=exchange("opaque"),
        limit=_limit_code("/code_opaque"),
        parts="parse unseal redeem seal seal",
    ),
    Row(
        name="refresh, ES256",
        troth=refresh("client"),
        limit=_limit_refresh("/refresh"),
        parts="parse unseal rotate sign seal",
    ),
    Row(
        name="refresh, opaque",
        troth=refresh("opaque"),
        limit=_limit_refresh("/refresh_opaque"),
        parts="parse unseal rotate seal seal",
    ),
    Row(
        name="introspection, ES256",
        troth=introspect("client"),
        limit=_limit_introspect("/introspect_jwt", "/code"),
        parts="parse verify chain",
    ),
    Row(
        name="introspection, opaque",
        troth=introspect("opaque"),
        limit=_limit_introspect("/introspect_opaque", "/code_opaque"),
        parts="parse unseal chain",
    ),
    Row(name="revocation", troth=revoke, limit=_limit_revoke, parts="parse unseal revoke"),
    Row(
        name="authorize, logged in and consented",
        troth=authorize,
        limit=_limit_authorize,
        parts="parse session authorization seal",
    ),
)
