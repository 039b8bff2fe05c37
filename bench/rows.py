"""The rows of the table: what a client asks of Troth, and of the limit, and in which order."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from bench import limit_rows
from bench.load import Script, get, post
from bench.scripts import CONNECTIONS, collected, json_of, refreshing, same, spread
from bench.servers import LimitServer, TrothServer
from tests.harness import Browser, OAuthClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`prepare` is not measured; it gives a script for each connection."""

    name: str
    troth: Callable[[TrothServer, int], list[Script]]
    limit: Callable[[LimitServer, int], list[Script]]
    parts: str


class Prepared:
    """Clients, a person and a browser of one Troth, made once for all rows."""

    def __init__(self, server: TrothServer) -> None:
        troth = server.troth
        self.host, self.port = troth.issuer.partition("://")[2], troth.port
        self.person = troth.person()
        self.browser = Browser(troth)
        machine = ("--grant-type", "client_credentials")
        self.machine = troth.client(*machine, name="Bench Machine")
        rsa = ("--access-token-alg", "RS256")
        self.machine_RS256 = troth.client(*machine, *rsa, name="Bench Robot")
        self.machine_opaque = troth.client(*machine, "--access-token", "opaque", name="Bench Box")
        self.client = troth.client(name="Bench App", scope="read_write")
        self.client_RS256 = troth.client(*rsa, name="Bench Old App", scope="read_write")
        opaque = ("--access-token", "opaque")
        self.opaque = troth.client(*opaque, name="Bench Opaque", scope="read_write")
        self.openid_ES256, self.openid_RS256 = (
            troth.client(
                name=f"Bench {alg}",
                scope="openid read_write",
                metadata={"id_token_signed_response_alg": alg},
            )
            for alg in ("ES256", "RS256")
        )

    def asking(self, client: OAuthClient) -> bytes:
        """For a code of the person who is logged in, and has approved of it before."""
        cookies = "; ".join(f"{c.name}={c.value}" for c in self.browser.http.cookies.jar)
        asked = client.parameters(scope=client.registration["scope"])
        path = "/oauth/authorize?" + urlencode(asked)
        return get(self.host, path, f"Cookie: {cookies}\r\n")

    def codes(self, client: OAuthClient, number: int) -> list[str]:
        self.tokens(client)
        answers = collected(self.port, [self.asking(client)] * number)
        return [answer.partition(b"?code=")[2].partition(b"&")[0].decode() for answer in answers]

    def exchanges(self, client: OAuthClient, number: int) -> list[bytes]:
        form = {"grant_type": "authorization_code", "redirect_uri": client.redirect_uri}
        codes = self.codes(client, number)
        return [self.post("/oauth/token", client, code=code, **form) for code in codes]

    def tokens(self, client: OAuthClient) -> dict[str, Any]:
        scope = client.registration["scope"]
        found: dict[str, Any] = client.tokens(self.person, self.browser, scope=scope)
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
        return spread(p.exchanges(getattr(p, which), number))

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
    answers = collected(server.port, p.exchanges(p.client, number))
    tokens = [json_of(answer)["refresh_token"] for answer in answers]
    return spread([p.post("/oauth/revoke", p.client, token=token) for token in tokens])


def authorize(server: TrothServer, _: int) -> list[Script]:
    p = prepared(server)
    p.tokens(p.client)
    return [same(p.asking(p.client)) for _ in range(CONNECTIONS)]


# What an application is given: to which client, by which path of the limit, and the parts that the
# limit makes it of.
GIVEN = (
    ("ES256", "client", "ES256", "sign"),
    ("RS256", "client_RS256", "RS256", "sign_RS256"),
    ("opaque", "opaque", "opaque", "seal"),
    ("ES256 ID token", "openid_ES256", "openid_ES256", "sign id_token_ES256"),
    ("RS256 ID token", "openid_RS256", "openid_RS256", "sign id_token_RS256"),
)
# How the limit reads an access token.
READ = {"ES256": "verify", "RS256": "verify_RS256", "opaque": "unseal"}

# `parts` are what the limit's answer is the sum of, beside the answer of fixed bytes.
ROWS = (
    Row(name="key set", troth=jwks, limit=limit_rows.repeated("/jwks"), parts=""),
    *(
        Row(
            name=f"client_credentials, {kind}",
            troth=credentials(which),
            limit=limit_rows.repeated(f"/client_{kind}", **limit_rows.MACHINE),
            parts=f"parse {made}",
        )
        for kind, which, made in (
            ("ES256", "machine", "sign"),
            ("RS256", "machine_RS256", "sign_RS256"),
            ("opaque", "machine_opaque", "seal"),
        )
    ),
    *(
        Row(
            name=f"code exchange, {kind}",
            troth=exchange(which),
            limit=limit_rows.code(f"/code_{path}"),
            parts=f"parse unseal redeem seal {made}",
        )
        for kind, which, path, made in GIVEN
    ),
    *(
        Row(
            name=f"refresh, {kind}",
            troth=refresh(which),
            limit=limit_rows.refresh(f"/refresh_{path}", f"/code_{path}"),
            parts=f"parse unseal rotate seal {made}",
        )
        for kind, which, path, made in GIVEN
    ),
    *(
        Row(
            name=f"introspection, {kind}",
            troth=introspect(which),
            limit=limit_rows.introspect(f"/introspect_{kind}", f"/code_{path}"),
            parts=f"parse {READ[kind]} chain",
        )
        for kind, which, path, _ in GIVEN
        if kind in READ
    ),
    Row(name="revocation", troth=revoke, limit=limit_rows.revoke, parts="parse unseal revoke"),
    Row(
        name="authorize, logged in and consented",
        troth=authorize,
        limit=limit_rows.authorize,
        parts="parse session authorization seal",
    ),
)
