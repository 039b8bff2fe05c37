"""The limit: a server that only parses, signs or seals, and does the storage step of each row.

No clients, no checks, no log: what is left when everything that makes an authorization server is
taken away. `python -m bench.limit PORT DATABASE` serves; with `--primitives` it prints what the
parts cost alone, in CPU µs.
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
_ES256 = ec.ECDSA(hashes.SHA256())
Form = dict[str, str]


def parse(body: bytes) -> Form:
    return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))


def sign() -> str:
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": "https://login.example", "sub": "a" * 22, "aud": "https://login.example",
        "exp": now + 3600, "iat": now, "jti": os.urandom(16).hex(), "client_id": "b" * 22,
        "scope": "read_write", "chain": "c" * 32,
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
    """What each path does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.paths: dict[bytes, Callable[[Form], Awaitable[bytes]]] = {
            b"/jwks": self.jwks,
            b"/client": self.client,
            b"/client_opaque": self.client_opaque,
            b"/seed": self.seed,
            b"/code": self.code,
            b"/refresh": self.refresh,
            b"/introspect_jwt": self.introspect_jwt,
            b"/introspect_opaque": self.introspect_opaque,
            b"/revoke": self.revoke,
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

    async def code(self, form: Form) -> bytes:
        chain_id, _ = unseal(form["code"])
        if not await self._store.redeem(chain_id):
            raise ValueError("used")
        return token_answer(sign(), seal(chain_id, 0))

    async def refresh(self, form: Form) -> bytes:
        chain_id, generation = unseal(form["refresh_token"])
        if not await self._store.rotate(chain_id, generation):
            raise ValueError("moved")
        return token_answer(sign(), seal(chain_id, generation + 1))

    async def introspect_jwt(self, form: Form) -> bytes:
        claims = verify(form["token"])
        await self._store.read(os.urandom(16))
        return msgspec.json.encode({"active": True, **claims})

    async def introspect_opaque(self, form: Form) -> bytes:
        chain_id, _ = unseal(form["token"])
        await self._store.read(chain_id)
        return msgspec.json.encode({"active": True, "sub": "a" * 22, "client_id": "b" * 22})

    async def revoke(self, form: Form) -> bytes:
        chain_id, _ = unseal(form["token"])
        await self._store.revoke(chain_id)
        return b"{}"


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
        answer = await self._rows.paths[url](parse(body) if body else {})
        self._transport.write(_HEAD % len(answer) + answer)  # type: ignore[attr-defined]


def primitives() -> dict[str, float]:
    """CPU µs of each part alone."""
    code, token = seal(os.urandom(16), 0), sign()
    body = f"grant_type=refresh_token&refresh_token={code}&client_id={'b' * 22}".encode()
    parts: dict[str, Callable[[], object]] = {
        "parse": lambda: parse(body),
        "sign": sign,
        "verify": lambda: verify(token),
        "seal": lambda: seal(b"0" * 16, 1),
        "unseal": lambda: unseal(code),
    }
    costs = {}
    for name, part in parts.items():
        began = time.process_time()
        for _ in range(3000):
            part()
        costs[name] = (time.process_time() - began) / 3000 * 1e6
    return costs


async def main(port: int, database: str) -> None:
    rows = Rows(await open_store(database))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(rows), "127.0.0.1", port, backlog=2048)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "--primitives":
        print(msgspec.json.encode(primitives()).decode())
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main(int(sys.argv[1]), sys.argv[2]))
