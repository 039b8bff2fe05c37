"""Opening an installation: migrate, make the keys of a new one, hand out the store."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from troth.log import Secret
from troth.settings import Settings, database_path
from troth.signing.keys import new_key
from troth.store import Store, StoreUnavailable, migrate
from troth.store.sql_store import SQLStore
from troth.store.sqlite import SQLite
from troth.store.sqlite_writer import connect


def migrated(settings: Settings) -> Path:
    """The database's path, created (mode 0600) and migrated.

    Raises `SchemaError` for a schema that is not ours, `StoreUnavailable` where the file cannot
    be used.
    """
    path = database_path(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        connection = connect(path, write=True)
        try:
            migrate.up(connection)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"the database {path} cannot be used: {error}") from None
    return path


def migrations(settings: Settings) -> Sequence[tuple[migrate.Migration, bool]]:
    """Every migration that this version brings, and whether the database has it."""
    path = database_path(settings)
    have: dict[int, str] = {}
    try:
        if path.exists() and path.stat().st_size:
            connection = connect(path, write=True)
            have = migrate.applied(connection)
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"the database {path} cannot be used: {error}") from None
    return [(migration, migration.number in have) for migration in migrate.available("sqlite")]


async def open_store(settings: Settings) -> Store:
    """The store over a migrated database."""
    return SQLStore(SQLite(migrated(settings)))


async def ensure_keys(store: Store, master: Secret) -> None:
    """The first signing and sealing key of a new installation; they work at once.

    Never made where a database already has keys: a wrong master key must not start anew.
    """
    await store.fresh()
    if store.keys:
        return
    now = int(time.time())
    await store.put_keys(
        [new_key(use, now=now, signs_from=now, master=master) for use in ("sig", "seal")]
    )
    await store.fresh()
