"""The load: many connections, each of which asks again as soon as it was answered.

What a connection asks is a generator: it yields a request and is sent the body of the answer. It
runs on a core of its own, and does so little itself that the server is what is measured.
"""

import asyncio
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

Script = Generator[bytes, bytes, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Answers in a time, how long each took (seconds), and those that were not a success."""

    requests: int
    seconds: float
    times: tuple[float, ...]
    errors: int

    def percentile(self, share: float) -> float:
        ordered = sorted(self.times) or [0.0]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def post(host: str, path: str, form: dict[str, str]) -> bytes:
    """A form as it goes over the wire."""
    body = urlencode(form).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(host: str, path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()


class _Connection(asyncio.Protocol):
    def __init__(self, script: Script, until: float) -> None:
        self._script, self._until = script, until
        self.times: list[float] = []
        self.errors = 0
        self.ended = asyncio.get_running_loop().create_future()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask(next(self._script))

    def _ask(self, request: bytes) -> None:
        self._began = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[: end + 2].lower()
        at = head.find(b"content-length: ")
        length = int(head[at + 16 : head.index(b"\r\n", at)]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        now = time.perf_counter()
        answer, self._buffer = self._buffer, b""
        if answer[9:12] in (b"200", b"303"):
            self.times.append(now - self._began)
        else:
            self.errors += 1
        try:
            following = self._script.send(answer)
        except StopIteration:
            self._end()
            return
        if now < self._until:
            self._ask(following)
        else:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
            self._transport.close()


def _itself(connection: _Connection) -> _Connection:
    return connection


async def load(port: int, scripts: Sequence[Script], seconds: float) -> Result:
    """Let each script have a connection for so long, or until it has nothing left to ask."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    until = began + seconds
    connections = [_Connection(script, until) for script in scripts]
    for connection in connections:
        await loop.create_connection(partial(_itself, connection), "127.0.0.1", port)
    await asyncio.gather(*(connection.ended for connection in connections))
    times = tuple(t for connection in connections for t in connection.times)
    return Result(
        requests=len(times),
        seconds=time.perf_counter() - began,
        times=times,
        errors=sum(connection.errors for connection in connections),
    )
