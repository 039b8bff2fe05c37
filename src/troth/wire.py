"""HTTP/1.1 on one connection: an answer for each request that comes in, in their order.

uvicorn owns the sockets, TLS and the end of the process. What lies between them and the app is here
instead of in ASGI messages, which cost as much as half of a token's answer. A connection has one
answer under way; what comes behind it waits, and so does everything while its client does not take
what was written. RFC 9112 §9.
"""

import asyncio
from collections import deque
from functools import partial
from typing import Protocol, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from troth import log
from troth.abandoned import abandoned
from troth.http import Headers, Response
from troth.incoming import TOO_SLOW, Come, Incoming
from troth.intake import LONGEST_BODY, Arrival
from troth.rendered import lines, rendered

# Seconds for a whole request to come in.
REQUEST_SECONDS = 10.0
# Seconds for the next one to begin, and for an answer to be taken.
KEEP_ALIVE_SECONDS = 75.0
# Seconds that the rest of a refused request is still taken in, and thrown away.
LINGER_SECONDS = 2.0
# Seconds that an idle connection stays open when the process ends.
FAREWELL_SECONDS = 0.5

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Begun = Response | asyncio.Future[Response]


class Application(Protocol):
    """What answers: `troth.app.App`."""

    always: Headers

    def held_up(self) -> bool: ...
    def begin(self, arrival: Arrival, *, at_once: bool) -> Begun: ...


class State(ServerState):
    """What the connections of a server share; `ending` once it accepts no more of them."""

    ending = False


class Wire(asyncio.Protocol):
    """One connection. uvicorn makes it with its configuration and the state of its server."""

    def __init__(
        self,
        config: Config,
        server_state: State,
        app_state: object,
        _loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self._app: Application = config.app  # type: ignore[assignment]
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._waiting: deque[Come] = deque()
        self._unread = bytearray()
        self._task: asyncio.Future[Response] | None = None
        self._at_once = True  # whether an answer may be begun before others had their turn
        self._taken = True  # whether the client takes what is written
        self._shared, self._common = cast(object, None), b""  # headers of every answer, and lines
        self._last = self._ending = False  # the last: nothing is read after what is under way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        address = peer[0] if isinstance(peer, tuple) else ""
        self._incoming = Incoming(address, self._enqueue, self._go_ahead)
        self._state.connections.add(self)  # type: ignore[arg-type]
        self._due = self._loop.time() + REQUEST_SECONDS
        self._timer = self._loop.call_later(REQUEST_SECONDS, self._look_at_the_clock)
        if self._state.ending:  # it was accepted before, and is only made now
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        self._last = True
        self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._last:
            return
        if self._task is not None or not self._taken:
            self._unread += data
            if len(self._unread) > LONGEST_BODY:
                self._transport.pause_reading()
            return
        self._at_once = True
        self._incoming.feed(data)
        if self._incoming.began and not self._incoming.idle and self._task is None:
            self._due = self._loop.time() + REQUEST_SECONDS

    def eof_received(self) -> bool:
        """Who says nothing more may still listen: what it asked is answered, but over TLS."""
        self._ending = True
        listens = self._task is not None or bool(self._waiting)
        return listens and self._transport.get_extra_info("sslcontext") is None

    def pause_writing(self) -> None:
        self._taken = False

    def resume_writing(self) -> None:
        self._taken = True
        self._go_on()

    def shutdown(self) -> None:
        """The process ends: what has begun to come in is answered, and nothing after it."""
        self._ending = True
        if self._nothing_follows():
            # Its client may be sending just now: what still comes is answered, as the last.
            self._close_in(FAREWELL_SECONDS)

    def _closed(self) -> bool:
        return self._last or self._transport.is_closing()

    def _nothing_follows(self) -> bool:
        """Whether nothing is under way, and nothing of a further request is here."""
        here = self._task is not None or self._waiting or self._unread
        return not here and self._incoming.idle

    # Answers, one after the other

    def _enqueue(self, come: Come) -> None:
        self._waiting.append(come)
        self._begin_waiting()

    def _go_on(self) -> None:
        """Answer what has come, and hear what came behind it."""
        self._begin_waiting()
        if self._unread and self._task is None and self._taken and not self._closed():
            data, self._unread = bytes(self._unread), bytearray()
            if len(data) > LONGEST_BODY:
                self._transport.resume_reading()
            self.data_received(data)

    def _begin_waiting(self) -> None:
        """Begin the next answer; those that are turned away have theirs at once."""
        while self._waiting and self._task is None and self._taken and not self._closed():
            come = self._waiting.popleft()
            arrival = come.what
            if isinstance(arrival, Response):
                self._write(arrival, come)
                continue
            if arrival.method == "POST" and self._app.held_up() and abandoned(self._transport):
                self._leave()
                return
            begun = self._app.begin(arrival, at_once=self._at_once)
            self._at_once = False
            if isinstance(begun, Response):
                self._write(begun, come)
            else:
                self._due, self._task = float("inf"), begun
                self._state.tasks.add(cast("asyncio.Task[None]", begun))
                begun.add_done_callback(partial(self._answered, come))

    def _answered(self, come: Come, task: "asyncio.Future[Response]") -> None:
        self._task = None
        self._state.tasks.discard(cast("asyncio.Task[None]", task))
        if task.cancelled():  # the process ends, and its patience has ended too
            self._leave()
        elif (error := task.exception()) is not None:  # no answer is worse than an error's name
            log.logger().error("request.lost", kind=type(error).__name__)
            self._leave()
        else:
            self._write(task.result(), come)
            self._go_on()

    def _write(self, response: Response, come: Come) -> None:
        self._state.total_requests += 1
        if self._transport.is_closing():
            return
        self._last = not come.again or (self._ending and self._nothing_follows())
        shared = self._state.default_headers  # the date among them, anew once a second
        if shared is not self._shared:
            self._shared, self._common = shared, lines((*shared, *self._app.always))
        head = isinstance(come.what, Arrival) and come.what.method == "HEAD"
        self._transport.write(rendered(response, self._common, head=head, close=self._last))
        if not self._last:
            seconds = KEEP_ALIVE_SECONDS if self._incoming.idle else REQUEST_SECONDS
            self._due = self._loop.time() + seconds
        elif come.rest and self._transport.can_write_eof():
            # To close on what is still being sent would take the answer back.
            self._transport.write_eof()
            self._close_in(LINGER_SECONDS)
        else:
            self._leave()

    def _go_ahead(self) -> None:
        if self._task is None and not self._waiting and not self._transport.is_closing():
            self._transport.write(_CONTINUE)

    # The end

    def _leave(self) -> None:
        """Close; who does not take what was written in time loses it."""
        self._last = True
        if not self._transport.is_closing():
            self._transport.close()
            self._close_in(KEEP_ALIVE_SECONDS)

    def _close_in(self, seconds: float) -> None:
        self._due = self._loop.time() + seconds
        self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        """Close where the rest of a request, or the next one, did not come in time."""
        left = self._due - self._loop.time()
        if left > 0:
            wait = min(left, REQUEST_SECONDS)
            self._timer = self._loop.call_later(wait, self._look_at_the_clock)
            return
        if not self._incoming.idle and not self._closed() and self._taken:
            self._write(TOO_SLOW, Come(TOO_SLOW, again=False))
            return
        # Over TLS a goodbye is answered: at the end nobody waits for who does not.
        in_vain = self._ending or not self._taken or self._transport.is_closing()
        (self._transport.abort if in_vain else self._leave)()
