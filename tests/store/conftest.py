"""One suite for every engine."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.faults.proxy import Proxy
from tests.postgres import Cluster
from tests.store.nouns import Grant, standing
from troth.settings import Settings, database_path
from troth.store import Store, postgres_link, sql_store
from troth.store import postgres as postgres_engine
from troth.store.open import migrated, open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An address, and a look at the rows behind the port's back."""

    settings: Settings
    rows: Callable[[str], list[tuple[Any, ...]]]


def sqlite(folder: Path) -> Database:
    settings = Settings(database=f"sqlite://{folder}/troth.db")

    def rows(sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(database_path(settings), timeout=10)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    return Database(settings=settings, rows=rows)


def postgres(url: str) -> Database:
    async def ask(sql: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    def rows(sql: str) -> list[tuple[Any, ...]]:
        with ThreadPoolExecutor(1) as beside:  # the test's own loop is running
            return beside.submit(lambda: asyncio.run(ask(sql))).result()

    return Database(settings=Settings(database=url), rows=rows)


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    """The wire to PostgreSQL."""
    made = Proxy(cluster.folder)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a busy machine does late is no failure here; tests/faults tries the limits of time."""
    for module in (postgres_link, postgres_engine, sql_store):
        monkeypatch.setattr(module, "DEADLINE", 60.0)
    session = postgres_link._SESSION | {"statement_timeout": "30000", "lock_timeout": "20000"}
    monkeypatch.setattr(postgres_link, "_SESSION", session)


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Fresh and migrated."""
    if request.param == "postgres":
        made = postgres(request.getfixturevalue("cluster").database())
    else:
        made = sqlite(tmp_path)
    await migrated(made.settings)
    return made


@pytest.fixture
async def opened(database: Database) -> AsyncIterator[Callable[[], Awaitable[Store]]]:
    """Opens stores of the one database: each is what another process would have."""
    stores: list[Store] = []

    async def another() -> Store:
        stores.append(await open_store(database.settings))
        await stores[-1].fresh()
        return stores[-1]

    yield another
    for store in stores:
        await store.close()


@pytest.fixture
async def store(opened: Callable[[], Awaitable[Store]]) -> Store:
    return await opened()


@pytest.fixture
async def grant(store: Store) -> Grant:
    """A client, a person with a session, and what they approved."""
    return await standing(store)
