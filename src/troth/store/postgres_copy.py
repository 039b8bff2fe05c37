"""PostgreSQL's ends of a copy: a snapshot that is read, a transaction that is filled."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from troth.store import StoreUnavailable
from troth.store.copy import Table
from troth.store.postgres_link import LOST

_BATCH = 5000
# `spent` is divided by days; which part a row belongs to is a function of its end.
_SPENT = """insert into spent (bucket, namespace, "key", expires_at)
values (($3::bigint / 86400) % 8, $1, $2, $3)"""
_ORDER = {"authorization": "number", "audit": "id"}


class _Copy:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def batches(self, table: Table) -> AsyncIterator[Sequence[Sequence[Any]]]:
        cursor = await self._connection.cursor(table.read(_ORDER.get(table.name, "")))
        while rows := await cursor.fetch(_BATCH):
            yield [tuple(row) for row in rows]

    async def count(self, table: Table) -> int:
        found: int = await self._connection.fetchval(table.count)
        return found

    async def insert(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        if table.name == "spent":
            await self._connection.executemany(_SPENT, rows)
        else:
            columns = list(table.columns)
            await self._connection.copy_records_to_table(table.name, columns=columns, records=rows)


@asynccontextmanager
async def reading(dsn: str) -> AsyncIterator[_Copy]:
    """Everything as it was at one moment."""
    async with (
        _connected(dsn) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield _Copy(connection)


@asynccontextmanager
async def writing(dsn: str) -> AsyncIterator[_Copy]:
    """All or nothing."""
    async with _connected(dsn) as connection, connection.transaction():
        yield _Copy(connection)
        await connection.execute("update revision set value = value + 1")


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(dsn, timeout=5, statement_cache_size=0)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)
    except (*LOST, asyncpg.PostgresError) as error:
        raise StoreUnavailable(f"{dsn} cannot be used: {error}") from None
