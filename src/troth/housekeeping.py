"""Deleting what has ended, in small batches, and never after a jump of the clock."""

import asyncio
import time

from troth import log
from troth.store import BATCH, Store, StoreUnavailable

_EVERY = 60.0
_DAY = 86400
_PAUSE = 0.1
_MOST_BATCHES = 100
_AUDIT_KEPT = 400 * _DAY

# How long after its end a row may go: late replays must still be seen.
_MARGINS = (
    ("spent", _DAY),
    ("chain", 2 * _DAY),
    ("authorization", 2 * _DAY),
    ("session", _DAY),
    ("attempt", _DAY),
    ("audit", _AUDIT_KEPT),
)


class Watch:
    """Whether the wall clock may be believed: not for a day after it jumped by more than one."""

    def __init__(self, wall: float, steady: float) -> None:
        self._wall, self._steady = wall, steady
        self._believed_from = steady

    def believes(self, wall: float, steady: float) -> bool:
        """Asked again and again with both clocks as they stand."""
        if abs((wall - self._wall) - (steady - self._steady)) > _DAY:
            self._believed_from = steady + _DAY
            log.logger().warning("purge.paused", reason="the clock jumped by more than a day")
        self._wall, self._steady = wall, steady
        return steady >= self._believed_from


async def _purge(store: Store, name: str, before: int) -> None:
    """Batch after batch with a pause between them, until one is not full or the minute is over."""
    for _ in range(_MOST_BATCHES):
        if await store.purge(name, before) < BATCH:
            return
        await asyncio.sleep(_PAUSE)


async def keep_house(store: Store) -> None:
    """Run until cancelled: what has ended of each kind goes once a minute."""
    watch = Watch(time.time(), time.monotonic())
    while True:
        await asyncio.sleep(_EVERY)
        wall = time.time()
        if not watch.believes(wall, time.monotonic()):
            continue
        try:
            for name, margin in _MARGINS:
                await _purge(store, name, int(wall) - margin)
        except StoreUnavailable as error:
            log.logger().warning("purge.failed", reason=str(error)[:200])
