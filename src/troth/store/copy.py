"""A whole installation from one database to another: SQLite to PostgreSQL, or back."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from troth.settings import Settings, database_path
from troth.signing.keys import StoredKey
from troth.store import StoreUnavailable, migrate, rows
from troth.store.open import migrated, migrations

# Rows that travel together.
AT_ONCE = 5000
# Rows after which it is told again how far a large table is.
_OFTEN = 100_000

# What each table holds; numbers that a database gives out itself are given out anew.
_COLUMNS = {
    "key": "kid use alg created_at signs_from ends_at wrapped",
    "scope": "name description required is_default",
    "client": "client_id client_name client_uri metadata disabled created_at",
    "client_origin": "origin client_id",
    "person": "sub username username_key email email_key password_hash epoch disabled created_at "
    "claims",
    "session": "session_id secret_digest sub epoch authenticated_at last_seen_at expires_at "
    "user_agent network ended_at acr amr",
    "authorization": "authorization_id sub client_id scope created_at expires_at revoked_at "
    "declined",
    "chain": "chain_id authorization_id client_id sub epoch generation created_at rotated_at "
    "expires_at revoked_at session_id offline asked",
    "stored_code": "code_id sealed expires_at",
    "delivery": "delivery_id client_id sub session_id due_at attempts expires_at",
    "spent": "namespace key expires_at",
    "attempt": "key failures blocked_until seen_at",
    "audit": "at event outcome actor client_id sub request_id detail",
}

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the statements that copy it; `ordered` where the order of its rows counts."""

    name: str
    columns: tuple[str, ...]
    ordered: bool

    @property
    def count(self) -> str:
        return f'select count(*) from "{self.name}"'  # noqa: S608  # names of this file

    def read(self, order: str) -> str:
        quoted = ", ".join(f'"{column}"' for column in self.columns)
        ordered = f" order by {order}" if self.ordered else ""
        return f'select {quoted} from "{self.name}"{ordered}'  # noqa: S608

    @property
    def clear(self) -> str:
        return f'delete from "{self.name}"'  # noqa: S608

    @property
    def insert(self) -> str:
        quoted = ", ".join(f'"{column}"' for column in self.columns)
        values = ", ".join("?" for _ in self.columns)
        return f'insert into "{self.name}" ({quoted}) values ({values})'  # noqa: S608


# Migrations fill these: what they hold gives way to what the source has.
_SEEDED = ("scope",)

TABLES = [
    Table(name, tuple(columns.split()), name in ("authorization", "audit"))
    for name, columns in _COLUMNS.items()
]


class _Source(Protocol):
    """A snapshot of one moment."""

    def batches(self, table: Table) -> AsyncIterator[Rows]: ...


class _Target(Protocol):
    """One transaction."""

    async def count(self, table: Table) -> int: ...

    async def clear(self, table: Table) -> None: ...

    def batches(self, table: Table) -> AsyncIterator[Rows]: ...

    async def insert(self, table: Table, values: Rows) -> None: ...


class Watching(Protocol):
    """Who has the copy done: refuses keys that are not its own, and hears how far it is."""

    def opens(self, keys: Sequence[StoredKey]) -> None:
        """Raises where the master key is not the one of these keys."""

    def told(self, table: str, arrived: int) -> None: ...


async def copied(source: Settings, target: Settings, watching: Watching) -> dict[str, int]:
    """Copy everything; the number of rows by table. Whatever is raised, nothing was copied.

    Raises `SchemaError` where a schema is not this version's, `StoreUnavailable` where a database
    cannot be used or the target is not empty, and what `watching` raises.
    """
    if not source.postgres and not database_path(source).exists():
        raise StoreUnavailable(f"there is no file {database_path(source)}")
    if not target.postgres:
        await migrated(target)
    for name, settings in (("--from", source), ("--to", target)):
        if not all(applied for _, applied in await migrations(settings)):
            raise migrate.SchemaError(
                f"the database of {name} lacks migrations: run troth migrate up"
            )
    counts: dict[str, int] = {}
    async with _reading(source) as snapshot, _writing(target) as transaction:
        for table in TABLES:
            if table.name in _SEEDED:
                await transaction.clear(table)
            elif await transaction.count(table):
                raise StoreUnavailable(f"the database of --to is not empty: {table.name} has rows")
        for table in TABLES:
            counts[table.name] = await _table(snapshot, transaction, table, watching)
            if table.name == "key":  # it comes first: a wrong master key is known at once
                batches = [batch async for batch in transaction.batches(table)]
                watching.opens([rows.key(row) for batch in batches for row in batch])
    return counts


async def _table(snapshot: _Source, transaction: _Target, table: Table, watching: Watching) -> int:
    arrived = 0
    async for batch in snapshot.batches(table):
        await transaction.insert(table, batch)
        arrived += len(batch)
        if arrived % _OFTEN == 0:
            watching.told(table.name, arrived)
    if await transaction.count(table) != arrived:
        raise StoreUnavailable(f"{table.name} did not arrive whole; nothing was copied")
    watching.told(table.name, arrived)
    return arrived


def _reading(settings: Settings) -> Any:
    if settings.postgres:
        from troth.store.postgres_copy import reading

        return reading(settings.database)
    return _sqlite_reading(settings)


def _writing(settings: Settings) -> Any:
    if settings.postgres:
        from troth.store.postgres_copy import writing

        return writing(settings.database)
    return _sqlite_writing(settings)


class _SQLite:
    """Both ends on a SQLite file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    async def batches(self, table: Table) -> AsyncIterator[Rows]:
        cursor = self._db.execute(table.read("rowid"))
        while batch := cursor.fetchmany(AT_ONCE):
            yield batch

    async def count(self, table: Table) -> int:
        found: int = self._db.execute(table.count).fetchone()[0]
        return found

    async def clear(self, table: Table) -> None:
        self._db.execute(table.clear)

    async def insert(self, table: Table, values: Rows) -> None:
        self._db.executemany(table.insert, values)


@contextmanager
def _begun(settings: Settings, how: str) -> Iterator[sqlite3.Connection]:
    from troth.store.sqlite_writer import connect

    try:
        with closing(connect(database_path(settings), write=True)) as db:
            db.execute(how)
            yield db
            db.execute("commit")
    except sqlite3.Error as error:
        path = database_path(settings)
        raise StoreUnavailable(f"the database {path} cannot be used: {error}") from None


@asynccontextmanager
async def _sqlite_reading(settings: Settings) -> AsyncIterator[_SQLite]:
    with _begun(settings, "begin") as db:
        yield _SQLite(db)


@asynccontextmanager
async def _sqlite_writing(settings: Settings) -> AsyncIterator[_SQLite]:
    with _begun(settings, "begin exclusive") as db:
        yield _SQLite(db)
        db.execute("update revision set value = value + 1")
