"""What an answer waits for, and for how long.

Most answers wait for nothing: they are begun without a task, and have one only from their first
wait on. Waits of the same patience share one timer: they end in the order in which they began.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlines:
    """What is watched and not done after `seconds` is handed to `late`, on its loop."""

    def __init__(self, seconds: float, late: Callable[[Any], None]) -> None:
        self._seconds = seconds
        self._late = late
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, future: "asyncio.Future[Any]") -> None:
        """Begin a wait now. A task is a future too."""
        waiting, loop = self._waiting, future.get_loop()
        while waiting and waiting[0][1].done():
            waiting.popleft()
        waiting.append((loop.time() + self._seconds, future))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)

    def _look(self) -> None:
        loop, self._timer = asyncio.get_running_loop(), None
        while self._waiting:
            due, future = self._waiting[0]
            if not future.done():
                if due > loop.time():
                    self._timer = loop.call_at(due, self._look)
                    return
                self._late(future)
            self._waiting.popleft()


async def in_a_task() -> None:
    """Go on in a task: an answer begins without one, and `asyncio.timeout` needs it."""
    if asyncio.current_task() is None:
        await asyncio.sleep(0)


def begin(work: Coroutine[Any, Any, T]) -> "tuple[T] | asyncio.Task[T]":
    """Do what can be done at once: the result, or a task that waits for it."""
    try:
        waits_for = work.send(None)
    except StopIteration as done:
        return (done.value,)
    return asyncio.get_running_loop().create_task(_rest(work, waits_for))


async def _rest(work: Coroutine[Any, Any, T], waits_for: Any) -> T:
    return await _resumed(work, waits_for)  # since Python 3.12 no generator may be a task


@coroutine
def _resumed(work: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """The rest of what was begun, beginning with what it waits for."""
    while True:
        try:
            try:
                sent = yield waits_for
            except BaseException as error:
                waits_for = work.throw(error)
            else:
                waits_for = work.send(sent)
        except StopIteration as done:
            result: T = done.value
            return result
