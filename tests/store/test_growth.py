"""What grows is bounded: a chain is one row, and what has ended leaves nothing behind."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from tests.store.conftest import Database
from tests.store.nouns import DAY, NOW, Grant, do, redeemed, rotate, state
from troth.model.change import Done, Once
from troth.store import Store

REFRESHES = 100
GUIDE = (Path(__file__).parents[2] / "docs/guide/operators.md").read_text("utf-8")
WAITING = """select count(*) from pg_locks where not granted
and database = (select oid from pg_database where datname = current_database())"""
on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)


def in_table(database: Database, table: str) -> int:
    ((number,),) = database.rows(f'select count(*) from "{table}"')
    return number


async def test_a_chain_is_one_row_after_a_hundred_refreshes(
    store: Store, database: Database, grant: Grant
) -> None:
    chain_id = await redeemed(store, grant)
    before = {t: in_table(database, t) for t in ("chain", "authorization", "spent", "session")}
    for generation in range(1, REFRESHES + 1):
        assert await do(store, rotate(chain_id, generation, now=NOW + generation)) == Done()
    assert before == {table: in_table(database, table) for table in before}
    assert (await state(store, chain_id)).chain.generation == REFRESHES + 1


@on_postgres
async def test_a_refresh_touches_no_index_and_takes_no_room(
    store: Store, database: Database, grant: Grant
) -> None:
    """What one transaction leaves of a row is taken again by the next, on the same page."""
    chains = [await redeemed(store, grant) for _ in range(20)]
    size = "select pg_relation_size('chain'), pg_indexes_size('chain')"
    before = database.rows(size)
    for generation in range(1, REFRESHES + 1):
        moves = (rotate(chain, generation, now=NOW + generation) for chain in chains)
        assert set(await asyncio.gather(*(do(store, move) for move in moves))) == {Done()}
    hot, updates = await updates_of_chains(database, len(chains) * REFRESHES)
    assert hot >= 0.98 * updates
    ((heap, indexes),) = database.rows(size)
    assert (heap, indexes) <= (before[0][0] + 8192, before[0][1])


async def updates_of_chains(database: Database, expected: int) -> tuple[int, int]:
    """Updates that touched no index, and all: the servers tell within a moment."""
    sql = "select n_tup_hot_upd, n_tup_upd from pg_stat_user_tables where relname = 'chain'"
    async with asyncio.timeout(20):
        while True:
            ((hot, updates),) = database.rows(sql)
            if updates >= expected:
                return hot, updates
            await asyncio.sleep(0.1)


@on_postgres
async def test_what_a_refresh_changes_is_in_no_index(database: Database) -> None:
    indexed = database.rows(
        "select distinct a.attname::text from pg_index i join pg_attribute a"
        " on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
        " where i.indrelid = 'chain'::regclass"
    )
    never_change = {"chain_id", "authorization_id", "session_id", "expires_at"}
    assert {name for (name,) in indexed} == never_change
    ((options,),) = database.rows("select reloptions from pg_class where relname = 'chain'")
    assert options == ["fillfactor=80"]


@on_postgres
async def test_spent_ids_are_thrown_away_a_day_at_a_time(store: Store, database: Database) -> None:
    """Nothing is deleted that would have to be vacuumed: a bucket is emptied as a whole."""
    for day in (0, 1):
        for _ in range(50):
            once = Once(namespace="n", key=os.urandom(16), expires_at=NOW + day * DAY)
            assert await do(store, once) == Done()
    await store.purge("spent", NOW)  # what ends now has not ended
    assert in_table(database, "spent") == 100
    await store.purge("spent", NOW + DAY)
    assert in_table(database, "spent") == 50
    await store.purge("spent", NOW + 2 * DAY)
    sizes = database.rows(
        "select pg_relation_size(relid), n_tup_del from pg_stat_user_tables"
        " where relname like 'spent\\__'"
    )
    assert sizes == [(0, 0)] * 8


@on_postgres
async def test_a_bucket_that_somebody_writes_into_is_not_emptied(
    store: Store, database: Database
) -> None:
    """What is not committed cannot be seen: the bucket is looked at again under its lock."""
    old = Once(namespace="n", key=b"old", expires_at=NOW)
    new = Once(namespace="n", key=b"new", expires_at=NOW + 8 * DAY)
    assert await do(store, old) == Done()
    connection = await asyncpg.connect(database.settings.database)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(
        "insert into spent values ($1 / 86400 % 8, 'n', $2, $1)", new.expires_at, new.key
    )
    purge = asyncio.create_task(store.purge("spent", NOW + DAY))
    async with asyncio.timeout(20):
        while True:
            if await connection.fetchval(WAITING):
                break
            await asyncio.sleep(0.01)
    await transaction.commit()
    await purge
    await connection.close()
    assert await store.spent("n", new.key)
    assert await store.spent("n", old.key), "it goes with its bucket"


async def test_the_guide_says_of_every_table_what_bounds_it(database: Database) -> None:
    said = GUIDE.partition("### Why it does not grow without end")[2].partition("\n## ")[0]
    names = "select name from sqlite_master where type = 'table'"
    if database.settings.postgres:
        names = """select relname::text from pg_class where relkind in ('r', 'p')
          and not relispartition and relnamespace = current_schema()::regnamespace"""
    helps = {"trace_slot"}  # where the ring stands
    tables = {name for (name,) in database.rows(names)} - helps
    assert tables
    assert {table for table in tables if f"`{table}`" not in said} == set()
