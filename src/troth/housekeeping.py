"""Deleting what has ended, in small batches, and never after a jump of the clock."""

import asyncio
import time

from troth import log
from troth.store import Store, StoreUnavailable

_EVERY = 60.0
_DAY = 86400
_AUDIT_KEPT = 400 * _DAY

# How long after its end a row may go: late replays must still be seen.
_MARGINS = (
    ("spent", _DAY),
    ("chain", 2 * _DAY),
    ("session", _DAY),
    ("attempt", _DAY),
    ("audit", _AUDIT_KEPT),
)


async def keep_house(store: Store) -> None:
    """Run until cancelled: one batch of each kind a minute."""
    wall, steady = time.time(), time.monotonic()
    while True:
        await asyncio.sleep(_EVERY)
        jumped = abs((time.time() - wall) - (time.monotonic() - steady)) > _DAY
        wall, steady = time.time(), time.monotonic()
        if jumped:
            log.logger().warning("purge.skipped", reason="the clock jumped by more than a day")
            continue
        try:
            for name, margin in _MARGINS:
                await store.purge(name, int(wall) - margin)
        except StoreUnavailable as error:
            log.logger().warning("purge.failed", reason=str(error)[:200])
