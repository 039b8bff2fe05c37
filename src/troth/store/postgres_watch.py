"""How a process learns that another one changed a client, a scope, a key or a person."""

import asyncio
import contextlib
from time import monotonic

import asyncpg

from troth import log
from troth.store.postgres_link import Link

CHANNEL = "troth_revision"
_EVERY = 0.4
_OLD = 1.0
_PATIENCE = 0.8


class Watch:
    """The catalog's revision, told at once by NOTIFY and asked for where that does not come."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.revision = 0
        self._asked_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def current(self) -> bool:
        """Whether the revision was asked for within a second, and answered."""
        return monotonic() - self._asked_at < _OLD

    async def start(self) -> None:
        """Read the revision once, then keep up with it until `stop`."""
        async with self._link.connection() as connection:
            await self._ask(connection)
        self._task = asyncio.get_running_loop().create_task(self._keep_watching())

    async def stop(self) -> None:
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _ask(self, connection: asyncpg.Connection) -> None:
        asked_at, before = monotonic(), self.revision
        found = await _revision(connection)
        # What moved while the answer was on its way is not in it.
        self.revision = found if self.revision == before else max(found, self.revision)
        self._asked_at = asked_at

    async def _keep_watching(self) -> None:
        while not self._stopping:  # of a connection that is lost then, "lost" hides "cancelled"
            try:
                await self._watch()
            except Exception as error:  # whatever it was, nobody else would tell of changes
                log.logger().warning("watch.lost", reason=f"{type(error).__name__}"[:100])
            await asyncio.sleep(_EVERY)

    async def _watch(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            connection = await self._link.own()
        try:
            if not self._link.pooled:
                async with asyncio.timeout(_PATIENCE):
                    await connection.add_listener(CHANNEL, self._told)
            while True:
                async with asyncio.timeout(_PATIENCE), self._link.together(connection):
                    await self._ask(connection)
                await asyncio.sleep(_EVERY)
        finally:
            connection.terminate()

    def _told(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        """What moved; that nothing moved since, a notice that was long on its way does not say."""
        if isinstance(payload, str) and payload.isdigit():
            self.revision = max(self.revision, int(payload))


async def _revision(connection: asyncpg.Connection) -> int:
    found: int = await connection.fetchval("select value from revision")
    return found
