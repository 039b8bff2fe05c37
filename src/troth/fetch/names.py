"""Names to addresses, in threads of their own: the system's look-up may hang."""

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

from troth.fetch.values import FetchFailed

LookUp = Callable[[str, int], list[str]]

_MOST: Final = 20
_MOST_OF_ONE: Final = 2


def look_up(host: str, port: int) -> list[str]:
    """All addresses of a name, in the order in which the system would try them. Blocks."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Names:
    """A bounded number of look-ups at once. One that hangs keeps its place until it has ended."""

    def __init__(self, ask: LookUp = look_up) -> None:
        self._ask = ask
        self._running: Counter[str] = Counter()

    async def addresses(self, host: str, port: int) -> list[str]:
        """Ask once. Raises `FetchFailed` for a name without an address, or for too many names."""
        if self._running[host] >= _MOST_OF_ONE or self._running.total() >= _MOST:
            raise FetchFailed("too many names are being looked up")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()
        self._running[host] += 1

        def done(found: list[str], reason: str) -> None:
            self._running -= Counter([host])  # keeps only what still runs
            if answer.done():  # nobody waits any more
                return
            if found:
                answer.set_result(found)
            else:
                answer.set_exception(FetchFailed(f"the name cannot be looked up: {reason}"))

        def run() -> None:
            found, reason = [], "it has no address"
            try:
                found = self._ask(host, port)
            except (OSError, ValueError) as error:
                reason = str(error)[:100]
            with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
                loop.call_soon_threadsafe(done, found, reason)

        threading.Thread(target=run, name="look-up", daemon=True).start()
        return await answer
