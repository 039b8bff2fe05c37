"""The line for the processor: a turn of the loop begins some answers, and then hears the others.

An answer that waits for nothing is never under way beside another one. Were each begun when its
request is read, those that come after it would lie unread, and nobody could be told in time that
they are too many.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

T = TypeVar("T")

# Seconds of a turn in which answers are begun.
TURN_SECONDS: Final = 0.01
# Seconds that a process has to be held up for somebody to have given up waiting for it.
HELD_UP_SECONDS: Final = 0.02


_Waiting = tuple[Callable[[], object], Callable[[], None], asyncio.Future[object]]


class Line:
    """Who has come, in order. `now` is the time of `time.monotonic`."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._turn_ends: float | None = None
        self._turn_began = self._turn_before = float("-inf")

    def free(self, now: float) -> bool:
        """Whether the answer to what was just read may be begun at once."""
        if self._turn_ends is None:
            self._turn_before, self._turn_began = self._turn_began, now
            self._turn_ends = now + TURN_SECONDS
            asyncio.get_running_loop().call_soon(self._turn)
        return not self._waiting and now < self._turn_ends

    def held_up(self, now: float) -> bool:
        """Whether what was just read may have lain unread: since the turn before did not see it."""
        seen = self._turn_began if self._turn_ends is None else self._turn_before
        return now > seen + HELD_UP_SECONDS

    def join(
        self, start: Callable[[], T | asyncio.Task[T]], leave: Callable[[], None]
    ) -> asyncio.Future[T]:
        """The result of what `start` will have begun, or of the task that it returns.

        Where nobody waits for it any more when it is its turn, `leave` is called in its stead.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((start, leave, future))  # type: ignore[arg-type]  # its own T
        self.free(time.monotonic())
        return future

    def _turn(self) -> None:
        """Begin what fits into this turn; what is left has the next one."""
        began = now = time.monotonic()
        self._turn_ends = None
        while self._waiting and now < began + TURN_SECONDS:
            start, leave, future = self._waiting.popleft()
            if future.done():
                leave()
            else:
                _settle(future, start())
            now = time.monotonic()
        if self._waiting:
            self.free(now)


def _settle(future: asyncio.Future[object], begun: object) -> None:
    if isinstance(begun, asyncio.Task):
        begun.add_done_callback(partial(_hand_on, future))
        future.add_done_callback(partial(_give_up, begun))
    else:
        future.set_result(begun)


def _hand_on(future: asyncio.Future[object], task: asyncio.Task[object]) -> None:
    if future.done():
        return
    if task.cancelled():
        future.cancel()
    elif (error := task.exception()) is not None:
        future.set_exception(error)
    else:
        future.set_result(task.result())


def _give_up(task: asyncio.Task[object], future: asyncio.Future[object]) -> None:
    if future.cancelled():
        task.cancel()
