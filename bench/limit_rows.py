"""What a client asks of the limit, row by row."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from bench.load import Script, get, post
from bench.scripts import CONNECTIONS, collected, json_of, refreshing, same, spread
from bench.servers import LimitServer

ASKING = {"client_id": "b" * 22, "client_secret": "s" * 43}
MACHINE = {"grant_type": "client_credentials", **ASKING}
CODE = {
    "grant_type": "authorization_code", "redirect_uri": "https://app.example/cb", **ASKING
}  # fmt: skip


def repeated(path: str, **form: str) -> Callable[[LimitServer, int], list[Script]]:
    def prepare(server: LimitServer, _: int) -> list[Script]:
        request = post("limit", path, form) if form else get("limit", path)
        return [same(request) for _ in range(CONNECTIONS)]

    return prepare


def exchanges(server: LimitServer, number: int, path: str) -> list[bytes]:
    seeds = collected(server.port, [get("limit", "/seed")] * number)
    codes = [seed.partition(b"\r\n\r\n")[2].decode() for seed in seeds]
    return [post("limit", path, {"code": code, **CODE}) for code in codes]


def tokens_of(server: LimitServer, number: int, path: str = "/code_ES256") -> list[dict[str, Any]]:
    answers = collected(server.port, exchanges(server, number, path))
    return [json_of(answer) for answer in answers]


def introspect(path: str, code: str) -> Callable[[LimitServer, int], list[Script]]:
    def prepare(server: LimitServer, _: int) -> list[Script]:
        tokens = [one["access_token"] for one in tokens_of(server, CONNECTIONS, code)]
        return [same(post("limit", path, {"token": token, **ASKING})) for token in tokens]

    return prepare


def code(path: str) -> Callable[[LimitServer, int], list[Script]]:
    def prepare(server: LimitServer, number: int) -> list[Script]:
        return spread(exchanges(server, number, path))

    return prepare


def revoke(server: LimitServer, number: int) -> list[Script]:
    tokens = [one["refresh_token"] for one in tokens_of(server, number)]
    return spread([post("limit", "/revoke", {"token": token, **ASKING}) for token in tokens])


def refresh(path: str, code: str) -> Callable[[LimitServer, int], list[Script]]:
    def ask(token: str) -> bytes:
        more = {"grant_type": "refresh_token", **ASKING}
        return post("limit", path, {"refresh_token": token, **more})

    def prepare(server: LimitServer, _: int) -> list[Script]:
        firsts = [one["refresh_token"] for one in tokens_of(server, CONNECTIONS, code)]
        return [refreshing(first, ask) for first in firsts]

    return prepare


def authorize(_server: LimitServer, _: int) -> list[Script]:
    asked = {
        "response_type": "code", "client_id": "b" * 22, "redirect_uri": "https://app.example/cb",
        "scope": "read_write", "state": "canary-state",
    }  # fmt: skip
    return [same(get("limit", "/authorize?" + urlencode(asked))) for _ in range(CONNECTIONS)]
