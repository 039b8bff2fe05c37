"""Requests at a constant rate, whatever becomes of the ones before (an open loop).

The time of an answer counts from when its request was due, so that a server which makes the
generator late gains nothing by it.
"""

import asyncio
import json
import re
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol
from urllib.parse import urlencode

import uvloop

from tests.faults.figures import percentile
from tests.harness import Browser, OAuthClient, Troth, forms

_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request: status 0 is no answer at all. `due`, `seconds` in seconds."""

    due: float
    status: int
    seconds: float
    retry_after: bool


@dataclass(frozen=True, slots=True)
class Load:
    """All answers of a run, in the order in which they were due."""

    answers: Sequence[Answer]
    seconds: float

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    def rate(self, status: int = 200) -> float:
        return self.statuses[status] / self.seconds

    def p99(self, status: int = 200) -> float:
        return percentile([a.seconds for a in self.answers if a.status == status] or [0.0], 0.99)


def post(port: int, path: str, form: dict[str, str], *headers: str) -> bytes:
    """The bytes of a form's request."""
    body = urlencode(form).encode()
    lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{port}", f"content-length: {len(body)}"]
    lines += ["content-type: application/x-www-form-urlencoded", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(port: int, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()


class Requests(Protocol):
    """What is asked: the bytes of each number, and what is learnt from its answer."""

    def request(self, number: int) -> bytes: ...

    def learn(self, number: int, status: int, body: bytes) -> None: ...


class Refreshes:
    """Chains of one client: each is refreshed with its newest token, and by one at a time.

    Where every chain waits for its answer, a machine's token is asked for in its stead.
    """

    def __init__(self, client: OAuthClient, tokens: list[str]) -> None:
        self._client = client
        self._free = deque(tokens)
        self._asked: dict[int, str] = {}

    def request(self, number: int) -> bytes:
        form = {"grant_type": "client_credentials", **self._client.credentials()}
        if self._free:
            self._asked[number] = self._free.popleft()
            form |= {"grant_type": "refresh_token", "refresh_token": self._asked[number]}
        return post(self._client.troth.port, "/oauth/token", form)

    def learn(self, number: int, status: int, body: bytes) -> None:
        asked = self._asked.pop(number, None)
        if asked is not None:
            self._free.append(json.loads(body)["refresh_token"] if status == 200 else asked)


class Introspections:
    """One token, asked about again and again."""

    def __init__(self, client: OAuthClient, token: str) -> None:
        form = {"token": token, **client.credentials()}
        self._bytes = post(client.troth.port, "/oauth/introspect", form)

    def request(self, _number: int) -> bytes:
        return self._bytes

    def learn(self, _number: int, status: int, body: bytes) -> None:
        assert status != 200 or b'"active":true' in body.replace(b" ", b""), body


class WrongLogins:
    """People who do not know their password, each from somewhere else."""

    def __init__(self, troth: Troth) -> None:
        self._port = troth.port
        browser = Browser(troth)
        self._form = dict(forms(browser.get("/login").text)["login"]["inputs"])
        self._cookie = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())

    def request(self, number: int) -> bytes:
        typed = {**self._form, "username": f"nobody{number}", "password": "canary wrong"}
        come_from = f"x-forwarded-for: 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        origin = f"origin: http://127.0.0.1:{self._port}"
        return post(self._port, "/login", typed, f"cookie: {self._cookie}", come_from, origin)

    def learn(self, number: int, status: int, body: bytes) -> None:
        pass


def refreshes(troth: Troth, chains: int) -> Refreshes:
    every = ("authorization_code", "refresh_token", "client_credentials")
    client = troth.client(*(word for kind in every for word in ("--grant-type", kind)))
    person, browser = troth.person(), Browser(troth)
    tokens = [client.tokens(person, browser)["refresh_token"] for _ in range(chains)]
    return Refreshes(client, tokens)


def introspections(troth: Troth) -> Introspections:
    client = troth.client()
    return Introspections(client, client.tokens(troth.person())["access_token"])


Told = tuple[int, bool, bytes]


class _Connection(asyncio.Protocol):
    """One request at a time; goes back to the idle ones when its answer is whole."""

    def __init__(self, idle: "deque[_Connection]") -> None:
        self._idle = idle
        self._read = b""
        self.future: asyncio.Future[Told] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, request: bytes) -> "asyncio.Future[Told]":
        self.future = asyncio.get_running_loop().create_future()
        self.transport.write(request)  # type: ignore[attr-defined]
        return self.future

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, rest = self._read.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if found and len(rest) >= int(length[1] if length else 0) and self.future is not None:
            future, self.future, self._read = self.future, None, b""
            lower = head.lower()
            if b"connection: close" in lower:
                self.transport.close()
            else:
                self._idle.append(self)
            if not future.done():
                future.set_result((int(head[9:12]), b"retry-after:" in lower, rest))

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._idle:
            self._idle.remove(self)
        if self.future is not None and not self.future.done():
            self.future.set_result((0, False, b""))


async def _ask(idle: deque[_Connection], port: int, request: bytes) -> Told:
    """On a connection that is idle, or a new one; status 0 where no answer comes."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_PATIENCE):
            if idle:
                return await idle.pop().ask(request)
            made = await loop.create_connection(lambda: _Connection(idle), "127.0.0.1", port)
            return await made[1].ask(request)
    except (OSError, TimeoutError):
        return 0, False, b""


async def _offer(port: int, rate: float, seconds: float, what: Requests) -> list[Answer]:
    loop = asyncio.get_running_loop()
    idle: deque[_Connection] = deque()
    answers: list[Answer] = []

    async def one(number: int, due: float) -> None:
        status, retry_after, body = await _ask(idle, port, what.request(number))
        what.learn(number, status, body)
        answers.append(Answer(due - began, status, loop.time() - due, retry_after))

    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            if (wait := due - loop.time()) > 0.001:
                await asyncio.sleep(wait)
            tasks.create_task(one(number, due))
            if number % 64 == 0:
                await asyncio.sleep(0)
    while idle:
        idle.pop().transport.close()
    return sorted(answers, key=lambda answer: answer.due)


def offered(port: int, rate: float, seconds: float, what: Requests) -> Load:
    """Offer so many requests per second for so long."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return Load(runner.run(_offer(port, rate, seconds, what)), seconds)


async def _saturate(port: int, seconds: float, what: Requests, at_once: int) -> list[Answer]:
    loop = asyncio.get_running_loop()
    idle: deque[_Connection] = deque()
    answers: list[Answer] = []
    numbers = count()
    began = loop.time()

    async def one() -> None:
        while (due := loop.time()) < began + seconds:
            number = next(numbers)
            status, retry_after, body = await _ask(idle, port, what.request(number))
            what.learn(number, status, body)
            answers.append(Answer(due - began, status, loop.time() - due, retry_after))

    await asyncio.gather(*(one() for _ in range(at_once)))
    while idle:
        idle.pop().transport.close()
    return answers


def saturated(port: int, seconds: float, what: Requests, at_once: int = 64) -> Load:
    """The most that a server does: as many at once, each asking again when it was answered."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return Load(runner.run(_saturate(port, seconds, what, at_once)), seconds)
