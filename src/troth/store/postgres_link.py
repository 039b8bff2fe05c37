"""Connections to PostgreSQL: a small pool, hard time limits, and what a failure means."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg

from troth.patience import in_a_task
from troth.store import StoreUnavailable
from troth.store.engine import DEADLINE
from troth.store.postgres_types import remembering

_CONNECT_SECONDS = 1.5
MOST_CONNECTIONS = 10

_SESSION = {
    "application_name": "troth",
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    "statement_timeout": "1500",
    "lock_timeout": "1000",
    "idle_in_transaction_session_timeout": "5000",
}

# The server said no to a statement: nothing was applied, and the connection is good.
Refused = asyncpg.PostgresError
# The connection is in doubt, and so is what was under way on it.
LOST = (
    OSError,
    EOFError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # none of several hosts is what the address asks for, among others
    asyncpg.PostgresConnectionError,
)

# What a change makes of these is decided where it is applied: again, or somebody was first.
DECIDED = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UniqueViolationError,
)


class InDoubt(StoreUnavailable):
    """The connection was lost: nobody knows whether what was under way on it was applied."""


async def _leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """Nothing of ours stays behind on a connection, so that a release needs no round trip."""


@contextlib.asynccontextmanager
async def whole(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction. Who is late in it waits for no rollback: the connection is ended instead.

    asyncpg's own would ask the server to roll back, and wait for that without any limit.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except asyncpg.PostgresError:
        await transaction.rollback()
        raise
    await transaction.commit()


class Link:
    """A pool of a process. `connection` gives one, and ends it when it is in doubt."""

    def __init__(self, dsn: str, *, pooled: bool) -> None:
        self.dsn = dsn
        # Behind a pooler that hands out a server for one transaction at a time (PgBouncer), there
        # is no session: no settings of ours, no prepared statement, nothing to listen on.
        self.pooled = pooled
        self._connections = remembering()
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self.dsn,
            min_size=0,
            max_size=MOST_CONNECTIONS,
            max_inactive_connection_lifetime=300,
            timeout=_CONNECT_SECONDS,
            reset=_leave_as_it_is,
            **self._kind(),
        )

    def _kind(self) -> dict[str, Any]:
        own = {"statement_cache_size": 0} if self.pooled else {"server_settings": _SESSION}
        return {"connection_class": self._connections, **own}

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for one transaction, in time or not at all (`StoreUnavailable`).

        A value that PostgreSQL has no room for is a `ValueError`.
        """
        assert self._pool is not None
        await in_a_task()
        try:
            async with asyncio.timeout(DEADLINE):
                connection = await self._pool.acquire()
                try:
                    async with self.together(connection):
                        yield connection
                except Refused as error:
                    if isinstance(error, LOST):
                        connection.terminate()
                    raise
                except BaseException:
                    connection.terminate()
                    raise
                finally:
                    await self._pool.release(connection)
        except asyncpg.DataError as error:
            raise ValueError(f"{type(error).__name__}") from None
        except LOST as error:
            raise InDoubt(f"{type(error).__name__}: {error}") from error
        except DECIDED:
            raise
        except asyncpg.PostgresError as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error

    def together(self, connection: asyncpg.Connection) -> AbstractAsyncContextManager[object]:
        """Where a statement and its values may reach two servers, but for a transaction."""
        return whole(connection) if self.pooled else contextlib.nullcontext()

    async def own(self) -> asyncpg.Connection:
        """A connection outside the pool, for who keeps it."""
        return await asyncpg.connect(self.dsn, timeout=_CONNECT_SECONDS, **self._kind())

    async def close(self) -> None:
        if self._pool is not None:
            try:
                async with asyncio.timeout(DEADLINE):
                    await self._pool.close()
            except (TimeoutError, OSError, asyncpg.PostgresError):
                self._pool.terminate()
