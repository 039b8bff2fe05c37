"""Documents of others, kept for a while: fetched once for all who wait, and the last good one used.

Whoever sends tokens with keys that nobody knows decides how often they are looked for; so attempts
are spaced out. A fetch is a task of its own: who asked may lose patience, the answer still arrives.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from troth.fetch.values import FetchFailed

T = TypeVar("T")

LONGEST: Final = 3600
APART: Final = 60
APART_AFTER_FAILURE: Final = 10
_MOST: Final = 1000
_MOST_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Generic[T]):
    """What a document says, its bytes, and for how many seconds it need not be fetched again."""

    value: T
    size: int
    life: float


@dataclass(slots=True, kw_only=True)
class _Entry(Generic[T]):
    loaded: Loaded[T] | None = None
    loaded_at: float = 0.0
    tried_at: float = 0.0
    anew_at: float = float("-inf")
    failure: str = ""


class Kept(Generic[T]):
    """Documents by the client that named them and their URL; the least used ones go first."""

    def __init__(
        self, load: Callable[[str], Awaitable[Loaded[T]]], clock: Callable[[], float]
    ) -> None:
        self._load = load
        self._clock = clock
        self._entries: OrderedDict[tuple[str, str], _Entry[T]] = OrderedDict()
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def get(self, owner: str, url: str, *, anew: bool = False) -> T:
        """The document. Raises `FetchFailed` where it cannot be had and none is left.

        `anew` tells that what is kept does not suffice: it is fetched again, at most once in
        `APART` seconds.
        """
        key = (owner, url)
        entry = self._entries.setdefault(key, _Entry())
        self._entries.move_to_end(key)
        now = self._clock()
        loaded = entry.loaded
        if not anew and loaded is not None and _within(now, entry.loaded_at, loaded.life):
            return loaded.value
        running = self._running.get(key)
        if running is None and _may_try(entry, now, anew):
            if anew:
                entry.anew_at = now
            running = self._start(key, entry)
        if running is not None:
            await asyncio.shield(running)
        return self._last_good(entry)

    def close(self) -> None:
        """End what is being fetched."""
        for task in self._running.values():
            task.cancel()

    def _start(self, key: tuple[str, str], entry: _Entry[T]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._fetch(key[1], entry))
        self._running[key] = task

        def ended(_: asyncio.Task[None]) -> None:
            del self._running[key]
            self._make_room()

        task.add_done_callback(ended)
        return task

    async def _fetch(self, url: str, entry: _Entry[T]) -> None:
        entry.tried_at = self._clock()
        try:
            entry.loaded = await self._load(url)
            entry.loaded_at, entry.failure = self._clock(), ""
        except FetchFailed as failure:
            entry.failure = failure.reason

    def _last_good(self, entry: _Entry[T]) -> T:
        if entry.loaded is not None and _within(self._clock(), entry.loaded_at, LONGEST):
            return entry.loaded.value
        raise FetchFailed(entry.failure or "it is too old, and was not fetched again")

    def _make_room(self) -> None:
        size = sum(e.loaded.size for e in self._entries.values() if e.loaded is not None)
        while len(self._entries) > _MOST or size > _MOST_BYTES:
            key = next((key for key in self._entries if key not in self._running), None)
            if key is None:
                return
            gone = self._entries.pop(key)
            size -= gone.loaded.size if gone.loaded is not None else 0


def _may_try(entry: _Entry[T], now: float, anew: bool) -> bool:
    """Whether enough time has passed since it failed, or was last fetched for not sufficing."""
    if entry.failure and _within(now, entry.tried_at, APART_AFTER_FAILURE):
        return False
    return not (anew and _within(now, entry.anew_at, APART))


def _within(now: float, since: float, seconds: float) -> bool:
    """Whether so many seconds have not passed. A clock that goes back is outside."""
    return 0 <= now - since < seconds
