"""Opening an installation: see to the schema, make the keys of a new one, hand out the store."""

import time
from collections.abc import Sequence
from types import ModuleType

from troth.log import Secret
from troth.settings import Settings, database_path
from troth.signing.keys import KINDS, new_key, unwrap
from troth.store import Store, StoreUnavailable, migrate
from troth.store.sql_store import SQLStore


async def migrated(settings: Settings) -> Sequence[int]:
    """Bring the schema up to date; the numbers of what was applied, by this process alone.

    Raises `SchemaError` and `StoreUnavailable`.
    """
    if settings.postgres:
        applied: Sequence[int] = await _postgres_schema().up(settings.database)
        return applied
    from troth.store import sqlite_schema

    return sqlite_schema.up(database_path(settings))


async def granted(settings: Settings, role: str) -> None:
    """Give a role of PostgreSQL what serving needs, and no right to change the schema."""
    if not settings.postgres:
        raise StoreUnavailable("roles are PostgreSQL's: a SQLite file belongs to its owner")
    await _postgres_schema().grant(settings.database, role)


async def migrations(settings: Settings) -> Sequence[tuple[migrate.Migration, bool]]:
    """Every migration that this version brings, and whether the database has it.

    Raises `SchemaError` where the database is of another version.
    """
    if settings.postgres:
        dialect, have = "postgres", await _postgres_schema().applied(settings.database)
    else:
        from troth.store import sqlite_schema

        dialect, have = "sqlite", sqlite_schema.applied(database_path(settings))
    pending = migrate.pending(dialect, have)
    return [(migration, migration not in pending) for migration in migrate.available(dialect)]


async def open_store(settings: Settings) -> Store:
    """The store. A SQLite file is migrated first; PostgreSQL must have been, by an operator."""
    if settings.postgres:
        await _postgres_schema().check(settings.database)
        from troth.store.postgres import Postgres

        engine = Postgres(settings.database, pooled=settings.database_pooler == "transaction")
        await engine.open()
        return SQLStore(engine)
    from troth.store.sqlite import SQLite

    await migrated(settings)
    return SQLStore(SQLite(database_path(settings)))


def _postgres_schema() -> ModuleType:
    try:
        from troth.store import postgres_schema
    except ImportError:
        raise StoreUnavailable(
            "PostgreSQL needs asyncpg: install troth with its extra, troth[postgres]"
        ) from None
    return postgres_schema


async def ensure_keys(store: Store, master: Secret) -> None:
    """The first key of every kind that the installation lacks; they work at once.

    Never made beside keys that this master key does not open: a wrong one must not start anew.
    Of several processes that are first at once, each makes its own, and all of them stand.
    """
    await store.fresh()
    have = {key.kind for key in store.keys}
    missing = [kind for kind in KINDS if kind not in have]
    if not missing:
        return
    for key in store.keys:
        unwrap(key, master)
    now = int(time.time())
    await store.add_keys(
        [new_key(use, alg, now=now, signs_from=now, master=master) for use, alg in missing]
    )
    await store.fresh()
