"""PostgreSQL's ends of a copy: a snapshot that is read, a transaction that is filled."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from troth.store.copy import AT_ONCE, Table
from troth.store.postgres_command import connected

# The time-outs of a role are for requests, not for this.
_LONG = """set local statement_timeout = 0; set local lock_timeout = '10s';
set local idle_in_transaction_session_timeout = 0"""
# A server that starts now has to wait before it makes keys of its own.
_ALONE = 'lock table "key" in share row exclusive mode'
_ORDER = {"authorization": "number", "audit": "id"}


class _Copy:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def batches(self, table: Table) -> AsyncIterator[Sequence[Sequence[Any]]]:
        cursor = await self._connection.cursor(table.read(_ORDER.get(table.name, "")))
        while rows := await cursor.fetch(AT_ONCE):
            yield [tuple(row) for row in rows]

    async def count(self, table: Table) -> int:
        found: int = await self._connection.fetchval(table.count)
        return found

    async def clear(self, table: Table) -> None:
        await self._connection.execute(table.clear)

    async def insert(self, table: Table, values: Sequence[Sequence[Any]]) -> None:
        columns = list(table.columns)
        if table.name == "spent":  # it is divided by the days on which its rows end
            columns = ["bucket", *columns]
            values = [(row[2] // 86400 % 8, *row) for row in values]
        await self._connection.copy_records_to_table(table.name, columns=columns, records=values)


@asynccontextmanager
async def reading(dsn: str) -> AsyncIterator[_Copy]:
    """Everything as it was at one moment."""
    async with (
        connected(dsn, "--from") as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(_LONG)
        yield _Copy(connection)


@asynccontextmanager
async def writing(dsn: str) -> AsyncIterator[_Copy]:
    """All or nothing."""
    async with connected(dsn, "--to") as connection, connection.transaction():
        await connection.execute(_LONG)
        await connection.execute(_ALONE)
        yield _Copy(connection)
        await connection.execute("update revision set value = value + 1")
