"""The limit: a server that only parses, signs or seals, and does the storage step of each row.

No clients, no checks, no log: what is left when everything that makes an authorization server is
taken away. The storage step is Troth's own, statement by statement, and as durable.
`python -m bench.limit PORT DATABASE` serves; `python -m bench.limit_parts DATABASE` prints what the
parts cost alone.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

import httptools
import msgspec
import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from bench import limit_store
from bench.limit_store import Store, open_store
from troth.signing.algorithms import public_members
from troth.signing.compact import b64, unb64
from troth.signing.jwt import SigningKey

_PRIVATE = ec.generate_private_key(ec.SECP256R1())
_KEY = SigningKey("limit", _PRIVATE, _PRIVATE.public_key(), b64(b'{"alg":"ES256"}') + b".")
_SEAL = AESSIV(os.urandom(64))
_AD = [b"limit"]
_KEY_SET = msgspec.json.encode({"keys": [public_members(_KEY.public)]})
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
    b"content-length: %d\r\n\r\n"
)
_REDIRECT = (
    b"HTTP/1.1 303 See Other\r\nlocation: %b\r\ncache-control: no-store\r\n"
    b"content-length: 0\r\n\r\n"
)
_ES256 = ec.ECDSA(hashes.SHA256())
Form = dict[str, str]


def parse(body: bytes) -> Form:
    return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))


def sign(chain: str = "c" * 32) -> str:
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": "https://login.example", "sub": "a" * 22, "aud": "https://login.example",
        "exp": now + 3600, "iat": now, "jti": os.urandom(16).hex(), "client_id": "b" * 22,
        "scope": "read_write", "chain": chain,
    }  # fmt: skip
    return _KEY.sign(claims)


def seal(chain_id: bytes, generation: int) -> str:
    facts = msgspec.msgpack.encode((chain_id, generation, "a" * 22, "b" * 22, "read_write"))
    return b64(_SEAL.encrypt(facts, _AD)).decode()


def unseal(text: str) -> tuple[bytes, int]:
    facts = msgspec.msgpack.decode(_SEAL.decrypt(unb64(text), _AD))
    return facts[0], facts[1]


def verify(token: str) -> dict[str, object]:
    signing_input, _, signature = token.rpartition(".")
    if not _KEY.verify(signing_input.encode(), unb64(signature)):
        raise ValueError("signature")
    claims: dict[str, object] = msgspec.json.decode(unb64(signing_input.partition(".")[2]))
    return claims


def token_answer(access: str, refresh: str | None) -> bytes:
    body = {"access_token": access, "token_type": "Bearer", "expires_in": 3600}
    return msgspec.json.encode(body | ({"refresh_token": refresh} if refresh else {}))


class Rows:
    """What each path does: the answer's body, or where it redirects to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.paths: dict[bytes, Callable[[Form], Awaitable[bytes]]] = {
            b"/jwks": self.jwks,
            b"/client": self.client,
            b"/client_opaque": self.client_opaque,
            b"/seed": self.seed,
            b"/code": self.code,
            b"/code_opaque": self.code_opaque,
            b"/refresh": self.refresh,
            b"/refresh_opaque": self.refresh_opaque,
            b"/introspect_jwt": self.introspect_jwt,
            b"/introspect_opaque": self.introspect_opaque,
            b"/revoke": self.revoke,
            b"/authorize": self.authorize,
        }

    async def jwks(self, form: Form) -> bytes:
        return _KEY_SET

    async def client(self, form: Form) -> bytes:
        return token_answer(sign(), None)

    async def client_opaque(self, form: Form) -> bytes:
        return token_answer(seal(os.urandom(16), 0), None)

    async def seed(self, form: Form) -> bytes:
        """A code, as it were; not measured."""
        return seal(os.urandom(16), 0).encode()

    async def _redeemed(self, form: Form) -> bytes:
        chain_id, _ = unseal(form["code"])
        if not await self._store.write("redeem", limit_store.redeem(chain_id)):
            raise ValueError("used")
        return chain_id

    async def code(self, form: Form) -> bytes:
        chain_id = await self._redeemed(form)
        return token_answer(sign(chain_id.hex()), seal(chain_id, 1))

    async def code_opaque(self, form: Form) -> bytes:
        chain_id = await self._redeemed(form)
        return token_answer(seal(chain_id, 0), seal(chain_id, 1))

    async def _rotated(self, form: Form) -> tuple[bytes, str]:
        chain_id, generation = unseal(form["refresh_token"])
        if not await self._store.write("rotate", limit_store.rotate(chain_id, generation)):
            raise ValueError("moved")
        return chain_id, seal(chain_id, generation + 1)

    async def refresh(self, form: Form) -> bytes:
        _, successor = await self._rotated(form)
        return token_answer(sign(), successor)

    async def refresh_opaque(self, form: Form) -> bytes:
        chain_id, successor = await self._rotated(form)
        return token_answer(seal(chain_id, 0), successor)

    async def introspect_jwt(self, form: Form) -> bytes:
        claims = verify(form["token"])
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
