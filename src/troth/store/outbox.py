"""What other servers must still be told, over an SQL engine."""

import asyncio
from collections.abc import Sequence

from troth.model.delivery import Delivery
from troth.store import rows
from troth.store.engine import Engine


class SQLOutbox:
    """The deliveries of a store; `posted` is set when this process has left some."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.posted = asyncio.Event()

    async def next_due(self) -> int | None:
        row = await self._engine.row("next_delivery", {})
        return None if row is None else int(row[0])

    async def take(self, now: int, until: int, most: int) -> Sequence[Delivery]:
        values = {"now": now, "until": until, "most": most}
        found = await self._engine.taken("take_deliveries", values)
        return [rows.delivery(row) for row in found]

    async def forget(self, delivery: Delivery) -> None:
        await self._engine.run([("forget_delivery", _key(delivery))])

    async def put_off(self, delivery: Delivery, due_at: int) -> None:
        await self._engine.run([("put_off_delivery", {**_key(delivery), "due_at": due_at})])


def _key(delivery: Delivery) -> rows.Values:
    return {"delivery_id": delivery.delivery_id, "attempts": delivery.attempts}
