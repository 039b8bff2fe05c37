"""Items of concurrent requests that go to the database together; one alone goes at once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from troth.patience import Deadlines
from troth.store import StoreUnavailable

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

MOST_IN_BATCH = 128
MOST_WAITING = 4096


class Batches(Generic[I, R]):
    """One batch of a kind is under way at a time; what comes meanwhile is the next one.

    A key occurs once in a batch of changes: a second change of a row in one statement would
    silently be lost, so it waits for the next. Reads have no key: who asks the same goes along.
    """

    def __init__(
        self,
        run: Callable[[Sequence[I]], Awaitable[Sequence[R | BaseException]]],
        key: Callable[[I], Hashable] | None,
        patience: float,
    ) -> None:
        self._run = run
        self._key = key
        self._deadlines = Deadlines(patience, _give_up)  # seconds, from `do` to its result
        self._waiting: list[tuple[I, asyncio.Future[R]]] = []
        self._flight: asyncio.Task[None] | None = None

    async def do(self, item: I) -> R:
        """The item's own result. Raises what was raised for it, or `StoreUnavailable`."""
        if len(self._waiting) >= MOST_WAITING:
            raise StoreUnavailable("too many requests wait for the database")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((item, future))
        if self._flight is None:
            self._flight = loop.create_task(self._fly())
        self._deadlines.watch(future)
        return await future

    async def _fly(self) -> None:
        try:
            while self._waiting:
                await self._fly_once(self._take())
        finally:
            self._flight = None

    async def _fly_once(self, batch: Sequence[tuple[I, "asyncio.Future[R]"]]) -> None:
        results: Sequence[R | BaseException]
        try:
            results = await self._run([item for item, _ in batch])
        except Exception as error:  # each request has its own way to say it
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():  # the request was cancelled; the change stands all the same
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _take(self) -> Sequence[tuple[I, "asyncio.Future[R]"]]:
        """The next batch; what repeats a key, or is too much, goes on waiting."""
        taken: list[tuple[I, asyncio.Future[R]]] = []
        left: list[tuple[I, asyncio.Future[R]]] = []
        keys: set[Hashable] = set()
        for entry in self._waiting:
            if entry[1].done():  # nobody waits for it any more: what has not begun never will
                continue
            key = self._key(entry[0]) if self._key is not None else entry[1]
            if key in keys or len(taken) >= MOST_IN_BATCH:
                left.append(entry)
            else:
                keys.add(key)
                taken.append(entry)
        self._waiting = left
        return taken


def _give_up(future: "asyncio.Future[object]") -> None:
    """Behind other batches, or each wait of its own one was short enough."""
    future.set_exception(StoreUnavailable("the database did not answer in time"))
