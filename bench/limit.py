"""The limit: a server that only parses, signs or seals, and does the storage step of each row.

No clients, no checks, no log: what is left when everything that makes an authorization server is
taken away. The storage step is Troth's own, statement by statement, and as durable.
`python -m bench.limit PORT DATABASE` serves; `python -m bench.limit_parts DATABASE` prints what the
parts cost alone.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import httptools
import msgspec
import uvloop

from bench import limit_store
from bench.limit_store import Store, open_store
from bench.limit_tokens import (
    KEY_SET,
    Form,
    id_token,
    parse,
    seal,
    sign,
    token_answer,
    unseal,
    verify,
)

_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
    b"content-length: %d\r\n\r\n"
)
_REDIRECT = (
    b"HTTP/1.1 303 See Other\r\nlocation: %b\r\ncache-control: no-store\r\n"
    b"content-length: 0\r\n\r\n"
)


class Rows:
    """What each path does: the answer's body, or where it redirects to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.paths: dict[bytes, Callable[[Form], Awaitable[bytes]]] = {
            b"/jwks": self.jwks,
            b"/client_opaque": self.client_opaque,
            b"/seed": self.seed,
            b"/code_opaque": self.code_opaque,
            b"/refresh_opaque": self.refresh_opaque,
            b"/introspect_opaque": self.introspect_opaque,
            b"/revoke": self.revoke,
            b"/authorize": self.authorize,
        }
        for alg in ("ES256", "RS256"):
            for name, row in self._signing().items():
                self.paths[f"/{name}_{alg}".encode()] = partial(row, alg=alg)

    def _signing(self) -> Mapping[str, Callable[..., Awaitable[bytes]]]:
        """What is there once for each algorithm: of access tokens, or of ID tokens beside them."""
        return {
            "client": self.client,
            "code": self.code,
            "refresh": self.refresh,
            "introspect": self.introspect,
            "code_openid": self.code_openid,
            "refresh_openid": self.refresh_openid,
        }

    async def jwks(self, form: Form) -> bytes:
        return KEY_SET

    async def client(self, form: Form, alg: str) -> bytes:
        return token_answer(sign(alg=alg))

    async def client_opaque(self, form: Form) -> bytes:
        return token_answer(seal(os.urandom(16), 0))

    async def seed(self, form: Form) -> bytes:
        """A code, as it were; not measured."""
        return seal(os.urandom(16), 0).encode()

    async def _redeemed(self, form: Form, session_id: str | None = None) -> bytes:
        chain_id, _ = unseal(form["code"])
        if not await self._store.write("redeem", limit_store.redeem(chain_id, session_id)):
            raise ValueError("used")
        return chain_id

    async def code(self, form: Form, alg: str) -> bytes:
        chain_id = await self._redeemed(form)
        return token_answer(sign(chain_id.hex(), alg), refresh_token=seal(chain_id, 1))

    async def code_openid(self, form: Form, alg: str) -> bytes:
        chain_id = await self._redeemed(form, limit_store.SESSION_ID)
        access = sign(chain_id.hex())
        return token_answer(access, refresh_token=seal(chain_id, 1), id_token=id_token(alg, access))

    async def code_opaque(self, form: Form) -> bytes:
        chain_id = await self._redeemed(form)
        return token_answer(seal(chain_id, 0), refresh_token=seal(chain_id, 1))

    async def _rotated(self, form: Form) -> tuple[bytes, str]:
        chain_id, generation = unseal(form["refresh_token"])
        if not await self._store.write("rotate", limit_store.rotate(chain_id, generation)):
            raise ValueError("moved")
        return chain_id, seal(chain_id, generation + 1)

    async def refresh(self, form: Form, alg: str) -> bytes:
        chain_id, successor = await self._rotated(form)
        return token_answer(sign(chain_id.hex(), alg), refresh_token=successor)

    async def refresh_openid(self, form: Form, alg: str) -> bytes:
        chain_id, successor = await self._rotated(form)
        access = sign(chain_id.hex())
        return token_answer(access, refresh_token=successor, id_token=id_token(alg, access))

    async def refresh_opaque(self, form: Form) -> bytes:
        chain_id, successor = await self._rotated(form)
        return token_answer(seal(chain_id, 0), refresh_token=successor)

    async def introspect(self, form: Form, alg: str) -> bytes:
        claims = verify(form["token"], alg)
        chain_id = bytes.fromhex(str(claims["chain"]))
        await self._store.read("chain", limit_store.chain(chain_id))
        return msgspec.json.encode({"active": True, **claims})

    async def introspect_opaque(self, form: Form) -> bytes:
        chain_id, _ = unseal(form["token"])
        await self._store.read("chain", limit_store.chain(chain_id))
        return msgspec.json.encode({"active": True, "sub": "a" * 22, "client_id": "b" * 22})

    async def revoke(self, form: Form) -> bytes:
        chain_id, _ = unseal(form["token"])
        await self._store.write("revoke", limit_store.revoke(chain_id))
        return b"{}"

    async def authorize(self, form: Form) -> bytes:
        """Two reads and a sealed code: who is logged in, and what they approved."""
        await self._store.read("session", limit_store.SESSION)
        await self._store.read("authorization", limit_store.AUTHORIZATION)
        return f"{form['redirect_uri']}?code={seal(os.urandom(16), 0)}".encode()


class Connection(asyncio.Protocol):
    """One connection; a request is whole before it is answered."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._parser = httptools.HttpRequestParser(self)
        self._url, self._body = b"", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        task = self._answer(self._url, self._body)
        self._task = asyncio.get_running_loop().create_task(task)
        self._body = b""

    async def _answer(self, url: bytes, body: bytes) -> None:
        path, _, query = url.partition(b"?")
        raw = query or body
        answer = await self._rows.paths[path](parse(raw) if raw else {})
        head = _REDIRECT % answer if query else _HEAD % len(answer)
        written = head if query else head + answer
        self._transport.write(written)  # type: ignore[attr-defined]


async def main(port: int, database: str) -> None:
    rows = Rows(await open_store(database))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(rows), "127.0.0.1", port, backlog=2048)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), sys.argv[2]))
