"""A document of the issuer that is kept: one fetch for all who wait, a pause after failure."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from troth_guard.values import Options, Unreachable

T = TypeVar("T")
logger = logging.getLogger("troth_guard")

# What the issuer says of its own cache is bounded: a key must not be asked for on each request,
# nor outlive a rotation by days.
_FRESH_LEAST, _FRESH_USUAL, _FRESH_MOST = 60, 600, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Generic[T]):
    """A document as it was fetched, and until when it holds."""

    value: T = field(repr=False)
    fetched_at: float
    max_age: int | None

    def is_fresh(self, now: float) -> bool:
        """Whether there is no reason to ask again."""
        wished = _FRESH_USUAL if self.max_age is None else self.max_age
        return is_within(self.fetched_at, now, min(max(wished, _FRESH_LEAST), _FRESH_MOST))


def is_within(then: float | None, now: float, seconds: float) -> bool:
    """Whether less than so many seconds have passed; a clock that went back counts as passed."""
    return then is not None and then <= now < then + seconds


class Kept(Generic[T]):
    """One document, fetched when it is needed (RFC 7517 §5, RFC 8414 §3.2)."""

    def __init__(self, name: str, load: Callable[[], Awaitable[Copy[T]]], options: Options) -> None:
        self._name = name
        self._load = load
        self._options = options
        self._copy: Copy[T] | None = None
        self._failed_at: float | None = None
        self._searched_at: float | None = None
        self._flight: asyncio.Task[None] | None = None

    @property
    def is_failing(self) -> bool:
        """Whether the last fetch came back with nothing."""
        return self._failed_at is not None

    async def value(self) -> T:
        """The document: fresh, or the last one while the issuer does not answer.

        Raises Unreachable where there is none that may still be used.
        """
        now = self._options.clock()
        if self._copy is not None and self._copy.is_fresh(now):
            return self._copy.value
        if not is_within(self._failed_at, now, self._options.retry):
            await self._refresh()
        return self._usable()

    async def newer(self) -> T:
        """The document after a search for something that was not in it, at most one a cool-down."""
        now = self._options.clock()
        if self._is_flying():
            await self._refresh()
        elif not is_within(self._searched_at, now, self._options.key_cool_down):
            self._searched_at = now
            await self._refresh()
        return self._usable()

    def _usable(self) -> T:
        now = self._options.clock()
        copy = self._copy
        if copy is None or not (
            copy.is_fresh(now) or is_within(copy.fetched_at, now, self._options.stale)
        ):
            raise Unreachable(f"no {self._name}")
        return copy.value

    def _is_flying(self) -> bool:
        # A flight of an event loop that has ended will never land.
        return self._flight is not None and self._flight.get_loop() is asyncio.get_running_loop()

    async def _refresh(self) -> None:
        if not self._is_flying():
            self._flight = asyncio.create_task(self._fetch())
        assert self._flight is not None
        # Whoever hangs up must not take the answer from the others who wait.
        await asyncio.shield(self._flight)

    async def _fetch(self) -> None:
        try:
            self._copy = await self._load()
            self._failed_at = None
        except Unreachable as error:
            self._failed_at = self._options.clock()
            logger.warning("%s could not be fetched: %s", self._name, error)
        finally:
            self._flight = None
