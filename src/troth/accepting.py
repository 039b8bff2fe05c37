"""Connections that the process they came to does not accept: it has died, or hangs.

Each process has a listening socket of its own on the one address, and the kernel spreads what comes
over all of them. Shared by all, a socket would be served by whom the kernel wakes first, the same
one again and again: connections that a proxy opens in a moment, and keeps, would all be with it.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

from troth import log

# Seconds that a process has to accept what came to it.
_PATIENCE_SECONDS = 0.02
# As many at a time, so that who is only late still finds some.
_MOST_AT_A_TIME = 32
# Seconds until the next attempt, where no descriptor or no memory is left.
_RETRY_SECONDS = 1.0


class Rescue:
    """Accepts what is left waiting on the socket of another process.

    `make` makes the protocol of a connection.
    """

    def __init__(
        self,
        sock: socket.socket,
        make: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._sock, self._make, self._tls = sock, make, tls
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        sock.setblocking(False)
        self._watch()

    def close(self) -> None:
        """Accept no more, and leave the socket."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _watch(self) -> None:
        self._loop.add_reader(self._sock, self._rest, _PATIENCE_SECONDS)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._sock)
        self._pause = self._loop.call_later(seconds, self._take)

    def _take(self) -> None:
        """Something came a while ago: what is still there nobody else accepts."""
        try:
            for _ in range(_MOST_AT_A_TIME):
                self._begin(self._sock.accept()[0])
        except (BlockingIOError, ConnectionAbortedError):  # its process has it, or nobody any more
            self._watch()
        except OSError as error:
            log.logger().error("accept.failed", kind=type(error).__name__, errno=error.errno)
            self._rest(_RETRY_SECONDS)
        else:
            self._watch()

    def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        task = self._loop.create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, connection, ssl=self._tls)
        except OSError:  # no TLS came of it: it is the client that has something to say
            connection.close()
