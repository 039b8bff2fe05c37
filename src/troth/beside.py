"""What a process does beside its requests: it keeps house, and tells clients of logouts."""

import asyncio

from troth.deliveries import Deliveries
from troth.housekeeping import keep_house
from troth.op import Op


class Beside:
    """The tasks of one process."""

    def __init__(self, op: Op) -> None:
        work = (keep_house(op.store), Deliveries(op).run())
        self._tasks = [asyncio.create_task(one) for one in work]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
