"""The SQLite file: whose it is, how durable, and what is said when it cannot be used."""

import asyncio
import fcntl
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness import Troth
from tests.store.nouns import Grant, a_client, do, redeemed, rotate, standing, state
from troth.model.change import Done, Put
from troth.settings import Settings
from troth.store import Store, StoreUnavailable, migrate, sqlite_schema
from troth.store.open import open_store
from troth.store.sqlite_writer import connect, lock_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "troth.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    store = await open_store(Settings(database=f"sqlite://{path}"))
    yield store
    await store.close()


@pytest.fixture
async def grant(store: Store) -> Grant:
    return await standing(store)


def test_ST_06_every_file_is_its_owners_alone(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        troth = Troth(tmp_path)
        troth.start()
        troth.person()
        copy = tmp_path / "copy.db"
        troth.cli("backup", str(copy))
        assert troth.stop() == 0
        troth.start()
        names = {file.name for file in tmp_path.iterdir()} - {"troth.log"}
        assert {"troth.db", "troth.db-wal", "troth.db-shm", "troth.db.lock"} <= names
        for name in names:
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
    finally:
        os.umask(former)
        assert troth.stop() == 0


def test_ST_06_a_database_that_all_may_read_is_refused(tmp_path: Path) -> None:
    troth = Troth(tmp_path)
    troth.cli("migrate", "up")
    troth.database.chmod(0o644)
    for words in (("serve",), ("user", "list"), ("migrate", "up")):
        done = troth.run_cli(*words)
        assert done.returncode == 1
        assert "chmod 600" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert "chmod 600" in str(troth.run_cli("doctor").stdout)
    troth.database.chmod(0o600)
    assert troth.cli("user", "list")


def test_what_is_acknowledged_was_synced(path: Path) -> None:
    db = connect(path, write=True)
    try:
        settings = {
            name: db.execute(f"pragma {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
        }
    finally:
        db.close()
    full = 2
    assert settings == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "trusted_schema": 0,
    }


async def test_reads_cannot_write(store: Store, path: Path) -> None:
    db = connect(path, write=False)
    try:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            db.execute("delete from person")
    finally:
        db.close()


async def test_FT_06_a_writer_that_waits_too_long_says_so_and_writes_nothing_later(
    store: Store, grant: Grant, path: Path
) -> None:
    chain_id = await redeemed(store, grant)
    with path.with_name("troth.db.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(do(store, rotate(chain_id)), 30)
        assert (await state(store, chain_id)).stands, "reading goes on"
    assert await do(store, Put(noun=a_client())) == Done()
    assert (await state(store, chain_id)).chain.generation == 1, "a refused change stays undone"
    assert await do(store, rotate(chain_id)) == Done()


async def test_FT_06_who_only_reads_does_not_wait_for_those_who_write(path: Path) -> None:
    """Neither to open the store nor afterwards: beside a busy server somebody always writes."""
    await (await open_store(Settings(database=f"sqlite://{path}"))).close()
    with lock_file(path) as lock, closing(sqlite3.connect(path)) as db:
        fcntl.flock(lock, fcntl.LOCK_EX)
        db.execute("begin immediate")
        store = await asyncio.wait_for(open_store(Settings(database=f"sqlite://{path}")), 30)
        assert await store.person("nobody") is None
        await store.close()


def test_ST_09_FT_06_a_migration_waits_for_its_turn_however_long_others_write(path: Path) -> None:
    """Longer than SQLite's own waiting, which is 2 seconds and may find no gap."""
    path.touch(mode=0o600)
    with closing(connect(path, write=True)) as db, lock_file(path) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        db.execute("begin immediate")
        with ThreadPoolExecutor(1) as pool:
            applied = pool.submit(sqlite_schema.up, path)
            with pytest.raises(TimeoutError):
                applied.result(3)
            db.execute("rollback")
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert applied.result(30) == [one.number for one in migrate.available("sqlite")]


async def test_FT_06_another_programs_lock_is_waited_for_and_then_told(
    store: Store, grant: Grant, path: Path
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StoreUnavailable):
        await do(store, grant.redeem())
    other.execute("rollback")
    other.close()
    assert await do(store, grant.redeem()) == Done()


async def test_FT_11_a_full_disk_is_told_and_forgotten_when_there_is_room(
    store: Store, grant: Grant, path: Path
) -> None:
    """The page limit stands for the disk: SQLite answers both with the same code."""
    await redeemed(store, grant)
    writer = store._engine._writer._db  # type: ignore[attr-defined]
    pages = writer.execute("pragma page_count").fetchone()[0]
    writer.execute(f"pragma max_page_count = {pages}")
    big = [a_client(client_name="x" * 5000) for _ in range(40)]
    outcomes = await asyncio.gather(
        *(do(store, Put(noun=client)) for client in big), return_exceptions=True
    )
    assert any(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    for client, outcome in zip(big, outcomes, strict=True):
        found = await store.client(client.client_id)
        assert (found is not None) is (outcome == Done()), "told is what happened"
    writer.execute("pragma max_page_count = 1073741823")
    assert await do(store, *(Put(noun=client) for client in big)) == Done()


async def test_FT_11_a_read_only_database_is_read_and_says_that_it_cannot_be_written(
    store: Store, grant: Grant
) -> None:
    chain_id = await redeemed(store, grant)
    writer = store._engine._writer._db  # type: ignore[attr-defined]
    writer.execute("pragma query_only = on")
    with pytest.raises(StoreUnavailable):
        await do(store, rotate(chain_id))
    assert (await state(store, chain_id)).chain.generation == 1


def test_FT_11_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    troth = Troth(tmp_path)
    troth.person("ada")
    whole = troth.database.read_bytes()
    for content in (b"not a database at all" * 1000, whole[:6000]):
        troth.database.write_bytes(content)
        for suffix in ("-wal", "-shm"):
            troth.database.with_name(f"troth.db{suffix}").unlink(missing_ok=True)
        for words in (("serve",), ("user", "list"), ("backup", str(tmp_path / "copy"))):
            done = troth.run_cli(*words)
            assert done.returncode == 1, words
            assert done.stderr.startswith("troth: "), done.stderr
            assert len(done.stderr.splitlines()) == 1, done.stderr
        assert troth.database.read_bytes() == content, "it is never begun anew"


async def test_FT_11_a_page_that_breaks_is_unavailable_for_reads_and_writes(path: Path) -> None:
    settings = Settings(database=f"sqlite://{path}")
    store = await open_store(settings)
    people = await standing(store)
    await store.close()
    db = sqlite3.connect(path)
    (root,) = db.execute("select rootpage from sqlite_master where name = 'client'").fetchone()
    size = db.execute("pragma page_size").fetchone()[0]
    db.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(os.urandom(size))
    store = await open_store(settings)
    try:
        with pytest.raises(StoreUnavailable):
            await store.clients()
        with pytest.raises(StoreUnavailable):
            await do(store, Put(noun=a_client()))
        assert await store.person(people.person.sub) == people.person, "the rest can be read"
        assert await do(store, people.redeem()) == Done()
    finally:
        await store.close()


@pytest.mark.parametrize("place", ["/dev/null/troth.db", "/proc/nowhere/troth.db", "/"])
def test_a_place_where_no_file_can_be_is_named(tmp_path: Path, place: str) -> None:
    troth = Troth(tmp_path, database=f"sqlite://{place}")
    for words in (("serve",), ("user", "list"), ("migrate", "up")):
        done = troth.run_cli(*words)
        assert done.returncode == 1, words
        assert place in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
