"""A command's own connection to PostgreSQL, by a URL that an operator wrote."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from troth.store import StoreUnavailable
from troth.store.postgres_link import LOST

# Never with what the driver says of it: that may be a part of the password.
_UNREADABLE = (
    "its URL cannot be read; in a password write % as %25, / as %2F, # as %23, ? as %3F, "
    "@ as %40, [ as %5B and ] as %5D"
)


@asynccontextmanager
async def connected(dsn: str, name: str) -> AsyncIterator[asyncpg.Connection]:
    """A command's own connection, without the limits of a request; `name` says where the URL is.

    Raises `StoreUnavailable` where it cannot be had or is lost.
    """
    try:
        connection = await _own(dsn, name)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)
    except (*LOST, ValueError, asyncpg.PostgresError) as error:
        raise StoreUnavailable(f"the database of {name} cannot be used: {error}") from None


async def _own(dsn: str, name: str) -> asyncpg.Connection:
    unreadable = StoreUnavailable(f"the database of {name} cannot be used: {_UNREADABLE}")
    try:
        url = urlsplit(dsn)
        if url.fragment or "@" in url.path or url.netloc.count("@") > 1:
            raise unreadable
        return await asyncpg.connect(dsn, timeout=5, statement_cache_size=0)
    except LOST:
        raise
    except ValueError:
        raise unreadable from None
