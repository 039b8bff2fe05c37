"""Deleting what has ended, in small batches, and never after a jump of the clock."""

import asyncio
import time

from troth import log
from troth.store import BATCH, Store

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
    ("stored_code", _DAY),
    ("delivery", _DAY),
    ("attempt", _DAY),
    ("audit", _AUDIT_KEPT),
)


async def _purge(store: Store, name: str, before: int) -> None:
    """Batch after batch with a pause between them, until one is not full or the minute is over."""
    for _ in range(_MOST_BATCHES):
        if await store.purge(name, before) < BATCH:
            return
        await asyncio.sleep(_PAUSE)


async def one_round(store: Store, now: int) -> None:
    """Delete what has ended by `now`, where it is this process's turn and that is believable."""
    waits = await store.take_turn(now)
    if waits == _DAY:
        reason = "the clock is more than a day away from what it was; nothing is deleted for a day"
        log.logger().warning("purge.paused", reason=reason)
    if waits == 0:
        for name, margin in _MARGINS:
            try:
                await _purge(store, name, now - margin)
            except Exception as error:  # what cannot be deleted keeps nothing else from it
                _failed(name, error)


def _failed(what: str, error: Exception) -> None:
    kind = type(error).__name__
    log.logger().warning("purge.failed", what=what, kind=kind, reason=str(error)[:200])


async def keep_house(store: Store) -> None:
    """Run until cancelled: what has ended of each kind goes once a minute."""
    while True:
        await asyncio.sleep(_EVERY)
        try:
            await one_round(store, int(time.time()))
        except Exception as error:  # whatever it was, the next minute is another
            _failed("turn", error)
