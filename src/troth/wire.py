"""HTTP/1.1 on one connection: bytes to an `Arrival`, a `Response` to bytes.

uvicorn owns the sockets, TLS and the end of the process; httptools (the parser of Node) reads the
bytes. What lies between them and the app is here instead of in ASGI messages, which cost as much
as half of a token's answer. A connection has one answer under way; what is pipelined behind it
waits unread. RFC 9112.
"""

import asyncio
from collections import deque
from functools import partial
from typing import Protocol, cast

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from troth import log
from troth.abandoned import abandoned
from troth.http import Headers, Response
from troth.intake import LONGEST_BODY, LONGEST_HEADERS, LONGEST_URL, MOST_HEADERS, Arrival
from troth.intake import target as target_of
from troth.rendered import lines, rendered

# Seconds for a whole request to come in, and for the next one to begin.
REQUEST_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 75.0
# Seconds that the rest of a refused request is still taken in, and thrown away.
LINGER_SECONDS = 2.0
# Seconds that an idle connection stays open when the process ends.
FAREWELL_SECONDS = 0.5

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_PLAIN = ((b"content-type", b"text/plain; charset=utf-8"),)
_MALFORMED = Response(400, _PLAIN, b"This is not HTTP/1.1.\n")
_TOO_SLOW = Response(408, _PLAIN, b"The request did not come in time.\n")
_HEAD_TOO_LARGE = Response(431, _PLAIN, b"The headers are too large.\n")

Begun = Response | asyncio.Future[Response]


class Application(Protocol):
    """What answers: `troth.app.App`."""

    always: Headers

    def held_up(self) -> bool: ...
    def begin(self, arrival: Arrival, *, at_once: bool) -> Begun: ...


class Wire(asyncio.Protocol):
    """One connection. uvicorn makes it with its configuration and the state of its server."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: object,
        _loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self._app: Application = config.app  # type: ignore[assignment]
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._peer = ""
        # What waits for its answer, or is one already, with whether another may follow.
        self._arrived: deque[tuple[Arrival | Response, bool]] = deque()
        self._unread, self._head = bytearray(), 0
        self._task: asyncio.Future[Response] | None = None
        self._at_once = True  # whether an answer may be begun before others had their turn
        self._shared, self._common = cast(object, None), b""  # headers of every answer, and lines
        self._last = self._ending = False  # the last: nothing is read after what is under way
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self._state.connections.add(self)  # type: ignore[arg-type]
        self._due = self._loop.time() + REQUEST_SECONDS
        self._timer = self._loop.call_later(REQUEST_SECONDS, self._look_at_the_clock)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        self._last = True
        self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._last:
            return
        if self._task is not None:
            self._unread += data
            if len(self._unread) > LONGEST_BODY:
                self._transport.pause_reading()
            return
        if self._idle:
            self._due = self._loop.time() + REQUEST_SECONDS
        self._at_once = True
        try:
            self._parser.feed_data(data)
            self._measure_head(len(data))
        except httptools.HttpParserUpgrade:
            self._last = True  # no other protocol is spoken here: the request is answered as it is
        except httptools.HttpParserError:
            log.logger().warning("http.malformed", peer=self._peer)
            self._enqueue(_MALFORMED, again=False)

    def _measure_head(self, size: int) -> None:
        """The parser keeps a header until its end: one that never ends must not fill it."""
        if not self._idle and not self._head_ended:
            self._head += size
            if self._head > 2 * (LONGEST_URL + LONGEST_HEADERS):
                self._last = self._too_large = True
                self._enqueue(_HEAD_TOO_LARGE, again=False)

    def shutdown(self) -> None:
        """The process ends: what has begun to come in is answered, and nothing after it."""
        self._ending = True
        if self._task is None and self._idle:
            # Its client may be sending just now: what still comes is answered, as the last.
            self._close_in(FAREWELL_SECONDS)

    def on_message_begin(self) -> None:
        self._idle = True
        self._too_large = self._head_ended = False
        self._head = self._size = 0
        self._url = self._body = b""
        self._headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self._idle = False
        self._url += url
        if len(self._url) > 2 * LONGEST_URL:
            self._stop_reading()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))
        self._size += len(name) + len(value)
        if self._size > 2 * LONGEST_HEADERS or len(self._headers) > 2 * MOST_HEADERS:
            self._stop_reading()

    def on_headers_complete(self) -> None:
        self._head_ended = True
        for name, value in self._headers:
            if name == b"content-length" and int(value) > LONGEST_BODY:
                self._stop_reading()
            elif name == b"expect" and value.lower() == b"100-continue":
                self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > LONGEST_BODY:
            self._stop_reading()

    def on_message_complete(self) -> None:
        if not self._too_large:
            parser = self._parser
            again = parser.should_keep_alive() and not parser.should_upgrade()
            self._enqueue(self._arrival(), again=again)

    def _stop_reading(self) -> None:
        """What is too large is refused for it without its rest, and nothing can follow it."""
        if not self._too_large:
            self._too_large = True
            self._enqueue(self._arrival(), again=False)

    def _arrival(self) -> Arrival | Response:
        try:
            path, query = target_of(self._url)
        except ValueError:  # not ASCII is one too
            return _MALFORMED
        method, headers = self._parser.get_method().decode("ascii"), tuple(self._headers)
        return Arrival(method, path, len(self._url), query, headers, self._body, self._peer)

    # Answers, one after the other

    def _enqueue(self, arrival: Arrival | Response, *, again: bool) -> None:
        self._idle = True
        self._arrived.append((arrival, again))
        if self._task is None:
            self._go_on()

    def _go_on(self) -> None:
        """Begin the next answer; those that are turned away have theirs at once."""
        while self._arrived and not self._transport.is_closing():
            arrival, again = self._arrived.popleft()
            self._last = self._last or self._ending or not again
            if isinstance(arrival, Response):
                self._write(arrival, head=False)
                continue
            if arrival.method == "POST" and self._app.held_up() and abandoned(self._transport):
                self._transport.close()
                break
            head = arrival.method == "HEAD"
            begun = self._app.begin(arrival, at_once=self._at_once)
            self._at_once = False
            if isinstance(begun, Response):
                self._write(begun, head=head)
            else:
                self._due, self._task = float("inf"), begun
                self._state.tasks.add(cast("asyncio.Task[None]", begun))
                begun.add_done_callback(partial(self._answered, head=head))
                return

    def _answered(self, task: "asyncio.Future[Response]", *, head: bool) -> None:
        self._task = None
        self._state.tasks.discard(cast("asyncio.Task[None]", task))
        if task.cancelled():  # the process ends, and its patience has ended too
            self._transport.close()
            return
        self._write(task.result(), head=head)
        self._go_on()
        if self._unread and self._task is None:
            data, self._unread = bytes(self._unread), bytearray()
            self._transport.resume_reading()
            self.data_received(data)

    def _write(self, response: Response, *, head: bool) -> None:
        self._state.total_requests += 1
        self._due = self._loop.time() + KEEP_ALIVE_SECONDS
        if not self._transport.is_closing():
            shared = self._state.default_headers  # the date among them, anew once a second
            if shared is not self._shared:
                self._shared, self._common = shared, lines((*shared, *self._app.always))
            self._transport.write(rendered(response, self._common, head=head, close=self._last))
            if self._too_large and self._transport.can_write_eof():
                # To close on what is still being sent would take the answer back.
                self._transport.write_eof()
                self._close_in(LINGER_SECONDS)
            elif self._last:
                self._transport.close()

    def _close_in(self, seconds: float) -> None:
        self._due = self._loop.time() + seconds
        self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        """Close where the rest of a request, or the next one, did not come in time."""
        left = self._due - self._loop.time()
        if left <= 0:
            late = not self._idle and not self._last
            self._last = True
            if late:
                self._enqueue(_TOO_SLOW, again=False)
            # Over TLS a goodbye is answered: at the end nobody waits for who does not.
            (self._transport.abort if self._ending else self._transport.close)()
        else:
            wait = min(left, REQUEST_SECONDS)
            self._timer = self._loop.call_later(wait, self._look_at_the_clock)
