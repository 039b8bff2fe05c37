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
# More than so many take the connections of the next batch: it waits for them after all.
MOST_ALONE = 4


class Batches(Generic[I, R]):
    """One batch of a kind is under way at a time; what comes meanwhile is the next one.

    A key occurs once in a batch of changes: a second change of a row in one statement would
    silently be lost, so it waits for the next. Reads have no key: who asks the same goes along.

    Of what a batch did not settle `run` gives a task, which may wait for somebody's lock: the next
    batch does not wait for it, only what has its key does.
    """

    def __init__(
        self,
        run: Callable[[Sequence[I]], Awaitable[Sequence[R | BaseException | asyncio.Task[R]]]],
        key: Callable[[I], Hashable] | None,
        patience: float,
    ) -> None:
        self._run = run
        self._key = key
        self._deadlines = Deadlines(patience, give_up)  # seconds, from `do` to its result
        self._waiting: list[tuple[I, asyncio.Future[R]]] = []
        self._flight: asyncio.Task[None] | None = None
        self._alone: dict[Hashable, asyncio.Task[R]] = {}

    async def do(self, item: I) -> R:
        """The item's own result. Raises what was raised for it, or `StoreUnavailable`."""
        if len(self._waiting) >= MOST_WAITING:
            raise StoreUnavailable("too many requests wait for the database")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._start()
        self._deadlines.watch(future)
        return await future

    def _start(self) -> None:
        if self._flight is None:
            self._flight = asyncio.get_running_loop().create_task(self._fly())

    async def _fly(self) -> None:
        try:
            while batch := self._take():
                await self._fly_once(batch)
                while len(self._alone) > MOST_ALONE:
                    await asyncio.wait(self._alone.values(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._flight = None

    async def _fly_once(self, batch: Sequence[tuple[I, "asyncio.Future[R]"]]) -> None:
        results: Sequence[R | BaseException | asyncio.Task[R]]
        try:
            results = await self._run([item for item, _ in batch])
        except Exception as error:  # each request has its own way to say it
            results = [error] * len(batch)
        for (item, future), result in zip(batch, results, strict=True):
            if isinstance(result, asyncio.Task):
                assert self._key is not None
                self._go_alone(self._key(item), future, result)
            else:
                _settle(future, result)

    def _go_alone(self, key: Hashable, future: "asyncio.Future[R]", task: asyncio.Task[R]) -> None:
        def done(_: asyncio.Task[R]) -> None:
            del self._alone[key]
            if task.cancelled():
                return
            _settle(future, task.exception() or task.result())
            self._start()

        self._alone[key] = task
        task.add_done_callback(done)

    def _take(self) -> Sequence[tuple[I, "asyncio.Future[R]"]]:
        """The next batch; what repeats a key, or is too much, goes on waiting."""
        taken: list[tuple[I, asyncio.Future[R]]] = []
        left: list[tuple[I, asyncio.Future[R]]] = []
        keys = set(self._alone)
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


def _settle(future: "asyncio.Future[R]", result: R | BaseException) -> None:
    if future.done():  # the request was cancelled; the change stands all the same
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)


def give_up(future: "asyncio.Future[object]") -> None:
    """Too long behind others, or in waits of which each was short enough."""
    future.set_exception(StoreUnavailable("the database did not answer in time"))
