"""Requests at a constant rate, whatever becomes of the ones before (an open loop).

The time of an answer counts from when its request was due, so that a server which makes the
generator late gains nothing by it.
"""

import asyncio
import contextlib
import gc
import re
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

import uvloop

from tests.faults.answers import Answer, Load

_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
_PATIENCE = 20.0
_MOST_CONNECTIONS = 2500
_MOST_IN_A_TURN = 64
_TICK = 0.002
_SETTLED = 0.5

# A status, whether it says when to come again, and a body; the status of no answer at all is 0.
Told = tuple[int, bool, bytes]
_NOTHING: Told = (0, False, b"")


class Requests(Protocol):
    """What is asked: the bytes of each number, and what is learnt from its answer."""

    def request(self, number: int) -> bytes: ...

    def learn(self, number: int, status: int, body: bytes) -> None: ...


@dataclass(slots=True)
class _Asked:
    """A request that waits for its answer."""

    number: int
    due: float


class _Connection(asyncio.Protocol):
    """One request at a time; it goes back to the others when its answer is whole."""

    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._read = b""
        self.asked: _Asked | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, asked: _Asked, request: bytes) -> None:
        self.asked = asked
        self.transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        if end < 0 or self.asked is None:
            return
        head = self._read[: end + 2].lower()
        length = _LENGTH.search(head)
        if len(self._read) < end + 4 + int(length[1] if length else 0):
            return
        asked, self.asked, body, self._read = self.asked, None, self._read[end + 4 :], b""
        closes = b"connection: close" in head
        if closes:
            self.transport.close()
        again = None if closes else self
        self._run.answered(asked, (int(head[9:12]), b"retry-after:" in head, body), again)

    def connection_lost(self, exc: Exception | None) -> None:
        asked, self.asked = self.asked, None
        self._run.lost(self, asked)


class _Run:
    """What is asked on which connection, and what was answered. No task for a request: the
    generator shares the processor with what it measures."""

    def __init__(self, port: int, what: Requests) -> None:
        self._port, self._what = port, what
        self._loop = asyncio.get_running_loop()
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[_Asked] = deque()
        self._open = 0
        self._made: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.answers: list[Answer] = []
        self.began = self._loop.time()
        self.ended: Callable[[], None] = lambda: None

    def ask(self, number: int, due: float) -> None:
        """On a connection that is idle, or a new one, or in line for the next."""
        asked = _Asked(number, due)
        if self._idle:
            # The one that has rested longest: who refuses at once is not asked again at once.
            self._idle.popleft().ask(asked, self._what.request(number))
            return
        self._waiting.append(asked)
        if self._open < _MOST_CONNECTIONS:
            self._connecting()

    def _connecting(self) -> "asyncio.Task[None]":
        self._open += 1
        task = self._loop.create_task(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def open(self, number: int) -> None:
        """Connections, before anything is asked."""
        while self._open < number:
            await asyncio.gather(*(self._connecting() for _ in range(50)))

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                _, connection = await self._loop.create_connection(
                    lambda: _Connection(self), "127.0.0.1", self._port
                )
        except (OSError, TimeoutError):
            self._open -= 1
            if self._waiting:
                self.answered(self._waiting.popleft(), _NOTHING, None)
            return
        self._made.add(connection)
        self._go_on(connection)

    def _go_on(self, connection: _Connection) -> None:
        if self._waiting:
            asked = self._waiting.popleft()
            connection.ask(asked, self._what.request(asked.number))
        else:
            self._idle.append(connection)

    def answered(self, asked: _Asked, told: Told, connection: _Connection | None) -> None:
        status, retry_after, body = told
        self._what.learn(asked.number, status, body)
        seconds = self._loop.time() - asked.due
        self.answers.append(Answer(asked.due - self.began, status, seconds, retry_after))
        if connection is not None:
            self._go_on(connection)
        self.ended()

    def lost(self, connection: _Connection, asked: _Asked | None) -> None:
        self._open -= 1
        self._made.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if asked is not None:
            self.answered(asked, _NOTHING, None)

    async def all_answered(self, number: int) -> None:
        """Wait for the answers of so many requests; what does not come counts as none."""
        enough = asyncio.Event()

        def ended() -> None:
            if len(self.answers) >= number:
                enough.set()

        self.ended = ended
        ended()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(enough.wait(), _PATIENCE)
        missing = [Answer(0.0, 0, _PATIENCE, False)] * (number - len(self.answers))
        self.answers.extend(missing)
        self.ended = lambda: None
        for task in self._tasks:
            task.cancel()
        for connection in list(self._made):
            connection.transport.close()
        while self._made:  # noqa: ASYNC110 (each says goodbye in a turn of its own)
            await asyncio.sleep(0)


async def _offer(
    port: int, rate: float, seconds: float, what: Requests, crowd: int
) -> list[Answer]:
    run, number = _Run(port, what), int(rate * seconds)
    loop, asked = asyncio.get_running_loop(), 0
    if crowd:
        await run.open(crowd)
        await asyncio.sleep(_SETTLED)  # until the server has accepted them, too
        run.began = loop.time()
    while asked < number:
        due = min(number, int((loop.time() - run.began) * rate) + 1, asked + _MOST_IN_A_TURN)
        for one in range(asked, due):
            run.ask(one, run.began + one / rate)
        asked = due
        # Who is late lets the answers come in, and goes on at once.
        late = run.began + asked / rate < loop.time()
        await asyncio.sleep(0 if late else _TICK)
    await run.all_answered(number)
    return sorted(run.answers, key=lambda answer: answer.due)


def offered(port: int, rate: float, seconds: float, what: Requests, *, crowd: int = 0) -> Load:
    """Offer so many requests per second for so long; a crowd has its connections before.

    The server closes one that is not asked on for seconds: a crowd has to have enough to ask.
    """
    return _timed(_offer(port, rate, seconds, what, crowd), seconds)


def _timed(work: Coroutine[Any, Any, list[Answer]], seconds: float) -> Load:
    before = time.thread_time()
    gc.disable()  # to look through all answers again and again would make the generator late
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            answers = runner.run(work)
    finally:
        gc.enable()
    return Load(answers, seconds, time.thread_time() - before)


async def _saturate(port: int, seconds: float, what: Requests, at_once: int) -> list[Answer]:
    run, numbers = _Run(port, what), count()
    loop = asyncio.get_running_loop()

    def again() -> None:
        now = loop.time()
        if now < run.began + seconds:
            run.ask(next(numbers), now)

    run.ended = again
    for _ in range(at_once):
        again()
    await asyncio.sleep(seconds)
    await run.all_answered(next(numbers))
    return run.answers


def saturated(port: int, seconds: float, what: Requests, at_once: int = 64) -> Load:
    """The most that a server does: as many at once, each asking again when it was answered."""
    return _timed(_saturate(port, seconds, what, at_once), seconds)
