"""The schema of a PostgreSQL database: changed by `troth migrate up`, checked by all others."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from troth.store import migrate
from troth.store.postgres_command import connected

# Two starters wait for each other on this lock (a number of our own, any would do).
_LOCK = 0x74726F7468


async def applied(dsn: str) -> dict[int, str]:
    """Number to checksum of what the database has."""
    async with _transaction(dsn) as connection:
        return await _applied(connection)


async def up(dsn: str) -> Sequence[int]:
    """Apply what is pending, in one transaction under an advisory lock; the numbers of it.

    Raises `SchemaError` for a schema that is not ours, `StoreUnavailable` where the database
    cannot be used.
    """
    async with _transaction(dsn) as connection:
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(migrate.TABLE)
        pending = migrate.pending("postgres", await _applied(connection))
        for migration in pending:
            await connection.execute(migration.sql)
            await connection.execute(
                "insert into migration values ($1, $2, $3)",
                *(migration.number, migration.name, migration.checksum),
            )
    return [migration.number for migration in pending]


async def grant(dsn: str, role: str) -> None:
    """What a server does, and nothing else: `role` owns nothing and cannot alter a table."""
    async with _transaction(dsn) as connection:
        schema, name = await connection.fetchrow(
            "select quote_ident(current_schema()), quote_ident($1)", role
        )
        for sql in (
            f"grant usage on schema {schema} to {name}",
            f"grant select, insert, update, delete on all tables in schema {schema} to {name}",
            f"grant usage on all sequences in schema {schema} to {name}",
            f"revoke insert, update, delete on migration from {name}",
            # What later migrations make is its own to use as well.
            f"alter default privileges in schema {schema}"
            f" grant select, insert, update, delete on tables to {name}",
            f"alter default privileges in schema {schema} grant usage on sequences to {name}",
        ):
            await connection.execute(sql)


async def check(dsn: str) -> None:
    """Raise `SchemaError` unless the schema is exactly this version's."""
    pending = migrate.pending("postgres", await applied(dsn))
    if pending:
        raise migrate.SchemaError(
            f"the database lacks {len(pending)} migration(s): run troth migrate up"
        )


async def _applied(connection: asyncpg.Connection) -> dict[int, str]:
    if await connection.fetchval("select to_regclass('migration')") is None:
        return {}
    found = await connection.fetch("select number, checksum from migration")
    return {row[0]: row[1] for row in found}


@asynccontextmanager
async def _transaction(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """For one transaction: so it is the same server also behind a pooler of transactions."""
    async with connected(dsn, "TROTH_DATABASE") as connection, connection.transaction():
        yield connection
